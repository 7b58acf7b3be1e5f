import { clsx } from "clsx";
import { ChevronDown, ChevronRight } from "lucide-react";
import { type MouseEvent, memo, useMemo } from "react";
import { useText } from "@/i18n";
import { type Colour, parseLine, type Segment, type Style } from "./ansi";
import type { Mark } from "./marks";
import { ROW } from "./scale";
import type { Line } from "./store";
import { logTexts } from "./texts";

/** Characters of a line that the list shows; the rest is shown when it is asked for. */
export const MOST_SHOWN = 2000;

export interface RowLook {
  number: number;
  line: Line | undefined;
  /** What stands before it, if times are shown. */
  time: string | null;
  mark: Mark | undefined;
  /** It begins a group, which is folded or not. */
  folded: boolean | null;
  depth: number;
  chosen: boolean;
  hit: boolean;
  find: RegExp | null;
  wrap: boolean;
  /** How many figures the numbers have. */
  digits: number;
}

interface Props extends RowLook {
  onNumber: (line: number, event: MouseEvent) => void;
  onFold: (line: number) => void;
  onWhole: (line: number) => void;
}

export const LogRow = memo(function LogRow(props: Props) {
  const { number, line, time, mark, chosen, hit, wrap, digits, depth, folded } = props;
  const t = useText(logTexts);
  return (
    <div
      data-line={number}
      className={clsx(
        "group/line flex",
        chosen ? "bg-wait-soft" : hit ? "bg-busy-soft" : tone(mark),
      )}
      style={wrap ? { minHeight: ROW } : { height: ROW }}
    >
      <a
        href={`#L${number}`}
        onClick={(event) => props.onNumber(number, event)}
        tabIndex={-1}
        aria-label={t("line", { number: String(number) })}
        style={{ width: `${digits + 3}ch` }}
        className={clsx(
          "sticky left-0 z-10 shrink-0 pr-[1ch] text-right tabular-nums select-none hover:text-accent",
          chosen ? "bg-wait-soft text-text" : "bg-surface text-muted",
        )}
      >
        {number}
      </a>
      {time !== null && (
        <span className="w-[14ch] shrink-0 truncate text-muted select-none">{time}</span>
      )}
      {folded !== null ? (
        <button
          type="button"
          aria-expanded={!folded}
          onClick={() => props.onFold(number)}
          style={{ paddingLeft: `${depth}ch` }}
          className="flex items-center pr-4 text-left font-semibold whitespace-pre hover:text-accent"
        >
          {folded ? <ChevronRight aria-hidden size={14} /> : <ChevronDown aria-hidden size={14} />}
          {mark?.title || t("group")}
        </button>
      ) : (
        <span
          style={{ paddingLeft: `${depth}ch` }}
          className={clsx(
            "min-w-0 grow pr-4",
            mark?.kind === "close" && "text-muted",
            wrap ? "break-all whitespace-pre-wrap" : "whitespace-pre",
          )}
        >
          {line ? <Content {...props} line={line} /> : <Waiting />}
        </span>
      )}
    </div>
  );
});

function tone(mark: Mark | undefined): string {
  if (mark?.kind === "error") return "bg-bad-soft";
  return mark?.kind === "warning" ? "bg-wait-soft/60" : "hover:bg-sunken";
}

function Waiting() {
  return <span aria-hidden className="inline-block h-2.5 w-40 rounded bg-sunken" />;
}

function Content({ line, mark, find, number, onWhole }: Props & { line: Line }) {
  const t = useText(logTexts);
  const { segments, left } = useMemo(() => contentOf(line, mark, find), [line, mark, find]);
  const more = left > 0 || line.continues;
  return (
    <>
      {segments.map((segment, place) => (
        <Piece
          // biome-ignore lint/suspicious/noArrayIndexKey: they never change their order
          key={place}
          segment={segment}
        />
      ))}
      {more && (
        <button
          type="button"
          onClick={() => onWhole(number)}
          className="mx-2 rounded bg-sunken px-1.5 text-accent underline"
        >
          {left > 0 ? t("long", { n: left }) : t("long.open")}
        </button>
      )}
    </>
  );
}

interface Content {
  segments: (Segment & { found?: boolean })[];
  /** Characters that are left out. */
  left: number;
}

function contentOf(line: Line, mark: Mark | undefined, find: RegExp | null): Content {
  const parsed = parseLine(line.text, line.style).segments;
  const isIssue = mark && (mark.kind === "error" || mark.kind === "warning");
  const length = parsed.reduce((sum, { text }) => sum + text.length, 0);
  const bare = isIssue && /^(?:##\[|::)/.test(parsed[0]?.text ?? "");
  const shown: Segment[] = bare ? [{ text: mark.title, style: { bold: true } }] : cut(parsed);
  const left = bare ? 0 : Math.max(length - MOST_SHOWN, 0);
  return { segments: find ? highlighted(shown, find) : shown, left };
}

function cut(segments: readonly Segment[]): Segment[] {
  const shown: Segment[] = [];
  let left = MOST_SHOWN;
  for (const { text, style } of segments) {
    if (left <= 0) break;
    shown.push({ text: text.slice(0, left), style });
    left -= text.length;
  }
  return shown;
}

/** Split segments where the search has found something. */
export function highlighted(
  segments: readonly Segment[],
  find: RegExp,
): (Segment & { found?: boolean })[] {
  const all = segments.map((segment) => segment.text).join("");
  const edges = [...all.matchAll(find)]
    .filter((found) => found[0])
    .flatMap((found) => [found.index, found.index + found[0].length]);
  if (edges.length === 0) return [...segments];
  const result: (Segment & { found?: boolean })[] = [];
  let begin = 0;
  for (const { text, style } of segments) {
    const inside = edges.filter((edge) => edge > begin && edge < begin + text.length);
    const cuts = [begin, ...inside, begin + text.length];
    for (const [place, from] of cuts.slice(0, -1).entries()) {
      // an odd number of edges before it: it is inside a match
      const found = edges.filter((edge) => edge <= from).length % 2 === 1;
      result.push({ text: text.slice(from - begin, (cuts[place + 1] ?? 0) - begin), style, found });
    }
    begin += text.length;
  }
  return result;
}

function Piece({ segment }: { segment: Segment & { found?: boolean } }) {
  const { text, style, found } = segment;
  if (style === undefined || (!found && Object.keys(style).length === 0)) return text;
  const look = {
    className: clsx(classes(style), found && "bg-found text-text"),
    style: css(style),
  };
  if (style.href) {
    return (
      <a {...look} href={style.href} target="_blank" rel="noopener noreferrer">
        {text}
      </a>
    );
  }
  return found ? <mark {...look}>{text}</mark> : <span {...look}>{text}</span>;
}

function classes({ bold, dim, italic, underline, strike, href }: Style): string {
  return clsx(
    bold && "font-bold",
    dim && "text-muted",
    italic && "italic",
    (underline || href) && "underline",
    strike && "line-through",
    href && "text-accent",
  );
}

function colour(given: Colour | undefined): string | undefined {
  return typeof given === "number" ? `var(--ansi-${given})` : given;
}

function css({ fg, bg, inverse }: Style): { color?: string; backgroundColor?: string } | undefined {
  if (inverse) {
    return { color: colour(bg) ?? "var(--surface)", backgroundColor: colour(fg) ?? "var(--text)" };
  }
  if (fg === undefined && bg === undefined) return undefined;
  // on a background of its own a text without a colour must be told apart from it
  const text = bg === undefined ? colour(fg) : (colour(fg) ?? "var(--ansi-on)");
  return { color: text, backgroundColor: colour(bg) };
}
