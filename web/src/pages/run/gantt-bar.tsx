import { clsx } from "clsx";
import { useLocale, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { STATES, stateOf, TONES } from "@/theme/status";
import { StateIcon } from "@/ui/status";
import { formatDuration } from "@/ui/time";
import { type Bar, newest, type Row } from "./gantt-rows";
import type { Scale, Span } from "./gantt-scale";
import { texts } from "./texts";

export const NAMES = "w-32 shrink-0 sm:w-64";
export const FIGURES = "w-18 shrink-0 pr-2 text-right sm:w-36";
const LANE = 12; // pixels of an attempt where there are several
const LEAST = 28;

interface Props {
  row: Row;
  scale: Scale;
  again: boolean;
  /** Number of the run that this one is compared with. */
  green: number | null;
  selected: boolean;
  onSelect: (step: string) => void;
}

/** A job or step: its name, a bar for each of its attempts, how long it took. */
export function GanttRow({ row, scale, again, green, selected, onSelect }: Props) {
  const locale = useLocale();
  const label = useLabel(row, green);
  const state = stateOf(row.node);
  const last = newest(row);
  const look = clsx("flex w-full items-center text-left", selected && "bg-busy-soft");
  const style = { height: Math.max(LEAST, row.bars.length * LANE + 8) };
  const content = (
    <>
      <span
        className={clsx(
          NAMES,
          "flex items-center gap-1.5 overflow-hidden px-2",
          row.kind === "job" ? "font-medium" : "pl-6 text-[13px]",
        )}
      >
        <StateIcon state={state} size={14} label />
        <span className="truncate">{row.name}</span>
        {row.kept && <b className="text-muted">=</b>}
        {again && <b className="text-busy">↻{row.node.attempt}</b>}
      </span>
      <Track row={row} scale={scale} />
      <span className={clsx(FIGURES, "text-[12px] whitespace-nowrap text-muted tabular-nums")}>
        {formatDuration(last.end - last.start, locale)}
        {row.slower !== null && (
          <span
            data-slower={row.slower > 0}
            className={clsx("block sm:ml-1.5 sm:inline", row.slower > 0 ? "text-bad" : "text-ok")}
          >
            {row.slower > 0 ? "+" : "−"}
            {formatDuration(Math.abs(row.slower), locale)}
          </span>
        )}
      </span>
    </>
  );
  if (row.kind === "job") {
    return (
      <div className={look} style={style} title={label} data-gantt={row.name}>
        {content}
      </div>
    );
  }
  return (
    <button
      type="button"
      title={label}
      aria-pressed={selected}
      data-gantt={row.name}
      className={clsx(look, "hover:bg-sunken")}
      style={style}
      onClick={() => onSelect(row.id)}
    >
      {content}
    </button>
  );
}

/** All that the picture shows of a row, in words. */
function useLabel(row: Row, green: number | null): string {
  const t = useText(texts);
  const c = useText(common);
  const locale = useLocale();
  const time = (span: number) => formatDuration(span, locale);
  const words = row.bars.map((bar) =>
    [
      row.bars.length > 1 ? t("step.try", { n: bar.attempt, of: row.node.attempt }) : "",
      c(`state.${bar.state}`),
      bar.queued === null ? "" : t("gantt.waited", { time: time(bar.start - bar.queued) }),
      bar.steps && bar.steps.from > bar.start
        ? t("gantt.prepared", { time: time(bar.steps.from - bar.start) })
        : "",
      t("gantt.ran", { time: time(bar.end - bar.start) }),
      bar.steps && bar.end > bar.steps.to
        ? t("gantt.finished", { time: time(bar.end - bar.steps.to) })
        : "",
    ]
      .filter(Boolean)
      .join(", "),
  );
  const compared =
    row.usual === null || green === null
      ? ""
      : t("gantt.took-in", { time: time(row.usual), number: String(green) });
  const difference =
    row.slower === null
      ? ""
      : t(row.slower > 0 ? "gantt.slower" : "gantt.faster", { time: time(Math.abs(row.slower)) });
  return [row.name, row.kept ? t("node.kept") : "", ...words, compared, difference]
    .filter(Boolean)
    .join("; ");
}

function Track({ row, scale }: { row: Row; scale: Scale }) {
  const isOne = row.bars.length === 1;
  const place = ({ from, to }: Span) => ({
    left: `${scale.at(from)}%`,
    width: `${scale.at(to) - scale.at(from)}%`,
  });
  const { start } = newest(row);
  return (
    <span className="relative flex h-full grow flex-col justify-center">
      {scale.folds.map((fold) => (
        <span
          key={fold.from}
          className="absolute inset-y-0 border-x border-dashed border-line bg-sunken"
          style={place(fold)}
        />
      ))}
      {row.bars.map((bar, index) => (
        <span
          key={bar.attempt}
          data-bar={bar.attempt}
          className={clsx("relative block", index < row.bars.length - 1 && "opacity-60")}
          style={{ height: isOne ? LEAST : LANE }}
        >
          <Parts bar={bar} row={row} place={place} />
        </span>
      ))}
      {row.usual !== null && (
        <span
          data-ghost
          className="absolute bottom-0.5 h-[3px] min-w-[3px] rounded-sm bg-muted"
          style={place({ from: start, to: start + row.usual })}
        />
      )}
    </span>
  );
}

/** Waiting, then preparing, running and finishing. */
function Parts({ bar, row, place }: { bar: Bar; row: Row; place: (span: Span) => object }) {
  const tone = TONES[STATES[bar.state].tone].solid;
  const thick = row.bars.length === 1 ? "h-3" : "h-2";
  const whole = { from: bar.start, to: bar.end };
  const middle = "absolute top-1/2 -translate-y-1/2";
  return (
    <>
      {bar.queued !== null && (
        <span
          className={clsx(middle, "h-1.5 rounded-l-sm bg-line")}
          style={place({ from: bar.queued, to: bar.start })}
        />
      )}
      <span
        className={clsx(
          middle,
          thick,
          "min-w-[3px] rounded-sm",
          tone,
          (row.kept || bar.steps) && "opacity-45",
          row.critical && row.kind === "job" && bar === newest(row) && "ring-2 ring-accent",
        )}
        style={place(whole)}
      />
      {bar.steps && !row.kept && (
        <span
          className={clsx(middle, thick, "min-w-[3px] rounded-sm", tone)}
          style={place(bar.steps)}
        />
      )}
    </>
  );
}
