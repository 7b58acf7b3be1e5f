/** The lines that can be seen, and the scroll bar. */
import {
  type MouseEvent,
  memo,
  type ReactNode,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
} from "react";
import { useText } from "@/i18n";
import type { Lines } from "./lines";
import type { Folding, Group, Mark } from "./marks";
import { LogRow } from "./row";
import { ROW, type Scale, windowAt } from "./scale";
import { type Scroller, useTop } from "./scroller";
import type { LogStore, Seen } from "./store";
import { logTexts } from "./texts";
import { type Times, timeOf } from "./times";

export interface ViewProps {
  store: LogStore;
  seen: Seen;
  scroller: Scroller;
  folding: Folding;
  /** By the line of their title. */
  groups: ReadonlyMap<number, Group>;
  marks: ReadonlyMap<number, Mark>;
  isFolded: (group: Group) => boolean;
  hits: ReadonlySet<number>;
  ticks: readonly Tick[];
  find: RegExp | null;
  chosen: Lines | null;
  times: Times;
  wrap: boolean;
  label: string;
  onNumber: (line: number, event: MouseEvent) => void;
  onFold: (line: number) => void;
  onWhole: (line: number) => void;
  onExtra: (extra: number) => void;
}

export interface Tick {
  line: number;
  kind: "error" | "warning" | "hit";
}

export function LogLines(props: ViewProps) {
  const { store, seen: log, scroller, folding, wrap, times } = props;
  const { box, scale } = scroller;
  const top = useTop(scroller);
  const seen = windowAt(scale, top, wrap ? 0 : undefined);
  const lines = useMemo(
    () => linesIn(folding, seen.first, seen.end),
    [folding, seen.first, seen.end],
  );
  const first = lines[0] ?? 1;
  const last = lines.at(-1) ?? 1;
  useEffect(() => {
    if (log.total > 0) store.want(first, Math.max(last, first));
    if (times !== "off") store.exact(first, last);
  });
  const rows = lines.map((line) => <Row key={line} {...props} number={line} />);
  return (
    <div className="relative flex min-h-0 grow">
      <section
        ref={box}
        aria-label={props.label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the keys
        tabIndex={0}
        data-log
        className="min-w-0 grow overflow-x-auto overflow-y-scroll bg-surface font-mono text-[12.5px] leading-5 [overflow-anchor:none] [overscroll-behavior:contain] [tab-size:8] -outline-offset-2!"
      >
        <div style={{ height: Math.max(scale.box, 1) }} className="w-max min-w-full">
          <div style={{ height: scale.height }} className="sticky top-0 overflow-y-clip">
            {wrap ? (
              <Wrapped scroller={scroller} top={top} onExtra={props.onExtra}>
                {rows}
              </Wrapped>
            ) : (
              <div style={{ transform: `translateY(${Math.round(seen.offset)}px)` }}>{rows}</div>
            )}
          </div>
        </div>
      </section>
      <Ticks
        ticks={props.ticks}
        folding={folding}
        total={log.total}
        height={scale.height}
        rows={scale.rows}
        goToRow={scroller.goToRow}
      />
    </div>
  );
}

function linesIn(folding: Folding, first: number, end: number): number[] {
  return Array.from({ length: Math.max(end - first, 0) }, (_, row) => folding.lineAt(first + row));
}

function Row({ number, ...props }: ViewProps & { number: number }) {
  const { store, seen, groups, marks, chosen, hits, times, wrap, find } = props;
  const line = store.line(number);
  const group = groups.get(number);
  return (
    <LogRow
      number={number}
      line={line}
      time={timeOf(times, line?.at, seen.beganAt)}
      mark={marks.get(number)}
      folded={group && group.last > group.line ? props.isFolded(group) : null}
      depth={group?.depth ?? 0}
      chosen={chosen !== null && number >= chosen.first && number <= chosen.last}
      hit={hits.has(number)}
      find={hits.has(number) ? find : null}
      wrap={wrap}
      digits={Math.max(String(seen.total).length, 3)}
      onNumber={props.onNumber}
      onFold={props.onFold}
      onWhole={props.onWhole}
    />
  );
}

/**
 * Rows as high as they need to be: only those in sight are measured. The first one is moved up by
 * the share of it that has been scrolled past; by how much the last ones are higher than rows are
 * one can scroll further.
 */
function Wrapped({
  scroller,
  top,
  onExtra,
  children,
}: {
  scroller: Scroller;
  top: number;
  onExtra: (extra: number) => void;
  children: ReactNode;
}) {
  const inner = useRef<HTMLDivElement>(null);
  const { scale, box } = scroller;
  useLayoutEffect(() => {
    const element = inner.current;
    const first = element?.firstElementChild;
    if (!element || !first) return;
    element.style.width = `${box.current?.clientWidth ?? 0}px`;
    const end = scale.most - scale.extra;
    const past = ((Math.min(top, end) % ROW) / ROW) * first.getBoundingClientRect().height;
    element.style.transform = `translateY(${-Math.round(past + Math.max(top - end, 0))}px)`;
    if (top < end - 1) return;
    const extra = Math.max(Math.ceil(element.offsetHeight - past - scale.height), 0);
    if (Math.abs(extra - scale.extra) > 1) onExtra(extra);
  });
  return <div ref={inner}>{children}</div>;
}

const TICKS = { error: "bg-bad", warning: "bg-wait", hit: "bg-busy" };

/** Where hits, errors and warnings are, along the scroll bar. */
const Ticks = memo(function Ticks({
  ticks,
  folding,
  total,
  height,
  rows,
  goToRow,
}: Pick<ViewProps, "ticks" | "folding"> &
  Pick<Scale, "height" | "rows"> &
  Pick<Scroller, "goToRow"> & { total: number }) {
  const t = useText(logTexts);
  const shown = useMemo(() => {
    const found = new Map<number, Tick>();
    for (const tick of ticks) {
      const at = Math.round((folding.rowOf(tick.line) / Math.max(rows, 1)) * (height - 3));
      if (!found.has(at) || tick.kind === "hit") found.set(at, tick);
    }
    return [...found];
  }, [ticks, folding, height, rows]);
  return (
    <div
      data-ticks
      aria-hidden
      className="relative w-2 shrink-0 border-l border-line bg-surface"
      title={t("lines", { n: total })}
    >
      {shown.map(([at, { line, kind }]) => (
        <button
          key={at}
          type="button"
          tabIndex={-1}
          onClick={() => goToRow(folding.rowOf(line))}
          style={{ top: at }}
          className={`absolute inset-x-0 h-[3px] ${TICKS[kind]}`}
        />
      ))}
    </div>
  );
});
