import { clsx } from "clsx";
import { useMemo, useState } from "react";
import { useLocale, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { STATES, stateOf, TONES } from "@/theme/status";
import { Button } from "@/ui/button";
import { Checkbox } from "@/ui/field";
import { StateIcon } from "@/ui/status";
import { formatDuration } from "@/ui/time";
import { useNow } from "./clock";
import { ganttOf, type Row, type Gantt as Rows } from "./gantt-rows";
import { isOver, type Run, ranAgain } from "./model";
import { texts } from "./texts";

const PAGE = 200; // rows that are drawn at first

interface Props {
  run: Run;
  selected: string | null;
  onSelect: (step: string) => void;
}

/** When each job and step waited and ran. */
export function Gantt({ run, selected, onSelect }: Props) {
  const t = useText(texts);
  const [withKept, setWithKept] = useState(run.attempt > 1);
  const [shown, setShown] = useState(PAGE);
  const now = useNow(!isOver(run));
  const gantt = useMemo(() => ganttOf(run, now, withKept), [run, now, withKept]);
  const rest = gantt.rows.length - shown;
  return (
    <section aria-label={t("tab.gantt")} className="rounded-lg border border-line bg-surface">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-3 py-1.5 text-[13px] text-muted">
        <Sample className="bg-line" text={t("gantt.queue")} />
        <Sample className="bg-ok" text={t("gantt.work")} />
        <Sample className="bg-ok ring-2 ring-accent" text={t("gantt.critical")} />
        {run.attempt > 1 && (
          <Checkbox
            className="ml-auto"
            label={t("gantt.kept")}
            checked={withKept}
            onChange={(event) => setWithKept(event.target.checked)}
          />
        )}
      </div>
      {gantt.rows.length === 0 ? (
        <p className="p-4 text-muted">{t("gantt.empty")}</p>
      ) : (
        <div className="max-h-[56vh] overflow-auto">
          <Axis gantt={gantt} />
          {gantt.rows.slice(0, shown).map((row) => (
            <Bar
              key={`${row.kind}:${row.id}`}
              row={row}
              gantt={gantt}
              again={ranAgain(row.node, run.attempt)}
              selected={row.id === selected}
              onSelect={onSelect}
            />
          ))}
          {rest > 0 && (
            <div className="p-2 text-center">
              <Button size="small" onClick={() => setShown(shown + PAGE)}>
                {t("gantt.more", { n: rest })}
              </Button>
            </div>
          )}
        </div>
      )}
    </section>
  );
}

function Sample({ className, text }: { className: string; text: string }) {
  return (
    <span className="inline-flex items-center gap-1.5">
      <span aria-hidden className={clsx("h-2.5 w-5 rounded-sm", className)} />
      {text}
    </span>
  );
}

const NAMES = "w-36 shrink-0 sm:w-64";

function Axis({ gantt: { from, to } }: { gantt: Rows }) {
  const locale = useLocale();
  return (
    <div
      aria-hidden
      className="sticky top-0 z-10 flex border-b border-line bg-surface text-[12px] text-muted"
    >
      <div className={NAMES} />
      <div className="flex grow justify-between px-2 py-1">
        {[0, 0.25, 0.5, 0.75, 1].map((part) => (
          <span key={part} className={clsx(part % 0.5 !== 0 && "hidden sm:inline")}>
            {formatDuration((to - from) * part, locale)}
          </span>
        ))}
      </div>
    </div>
  );
}

interface BarProps {
  row: Row;
  gantt: Rows;
  again: boolean;
  selected: boolean;
  onSelect: (step: string) => void;
}

function Bar({ row, gantt, again, selected, onSelect }: BarProps) {
  const t = useText(texts);
  const c = useText(common);
  const locale = useLocale();
  const state = stateOf(row.node);
  const took = formatDuration(row.end - row.start, locale);
  const waited = row.queued === null ? "" : formatDuration(row.start - row.queued, locale);
  const at = (time: number) => ((time - gantt.from) / (gantt.to - gantt.from)) * 100;
  const words = [
    row.name,
    c(`state.${state}`),
    row.kept ? t("node.kept") : "",
    waited ? t("gantt.waited", { time: waited }) : "",
    t("gantt.ran", { time: took }),
  ];
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
      <span className="relative h-full grow">
        {row.queued !== null && (
          <span
            className="absolute top-1/2 h-1.5 -translate-y-1/2 rounded-l-sm bg-line"
            style={{ left: `${at(row.queued)}%`, width: `${at(row.start) - at(row.queued)}%` }}
          />
        )}
        <span
          className={clsx(
            "absolute top-1/2 h-3 min-w-[3px] -translate-y-1/2 rounded-sm",
            TONES[STATES[state].tone].solid,
            row.kept && "opacity-45",
            row.critical && row.kind === "job" && "ring-2 ring-accent",
          )}
          style={{ left: `${at(row.start)}%`, width: `${at(row.end) - at(row.start)}%` }}
        />
      </span>
      <span className="w-20 shrink-0 pr-2 text-right text-[12px] whitespace-nowrap text-muted tabular-nums">
        {took}
      </span>
    </>
  );
  const look = clsx("flex h-7 w-full items-center text-left", selected && "bg-busy-soft");
  const label = words.filter(Boolean).join(", ");
  if (row.kind === "job") {
    return (
      <div className={look} title={label}>
        {content}
      </div>
    );
  }
  return (
    <button
      type="button"
      title={label}
      aria-pressed={selected}
      className={clsx(look, "hover:bg-sunken")}
      onClick={() => onSelect(row.id)}
    >
      {content}
    </button>
  );
}
