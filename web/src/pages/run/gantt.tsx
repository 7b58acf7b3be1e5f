import { clsx } from "clsx";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { useLocale, useText } from "@/i18n";
import { Button } from "@/ui/button";
import { Checkbox } from "@/ui/field";
import { useNow } from "./clock";
import { type RunPath, useTimeline } from "./data";
import { FIGURES, GanttRow, NAMES } from "./gantt-bar";
import { ganttOf, type Timeline } from "./gantt-rows";
import { type Scale, ticksOf } from "./gantt-scale";
import { isOver, type Run, ranAgain } from "./model";
import { hrefOfRun } from "./places";
import { texts } from "./texts";

const PAGE = 200; // rows that are drawn at first
const TICKS = [0, 0.25, 0.5, 0.75, 1]; // parts of the axis

interface Props {
  path: RunPath;
  run: Run;
  selected: string | null;
  onSelect: (step: string) => void;
}

/** When each job and step waited and ran, beside the last run in which all went well. */
export function Gantt({ path, run, selected, onSelect }: Props) {
  const t = useText(texts);
  const [withEarlier, setWithEarlier] = useState(true);
  const [shown, setShown] = useState(PAGE);
  const now = useNow(!isOver(run));
  const timeline = useTimeline(path).data;
  const gantt = useMemo(
    () => ganttOf(run, timeline, now, withEarlier),
    [run, timeline, now, withEarlier],
  );
  const green = timeline?.green ?? null;
  const rest = gantt.rows.length - shown;
  return (
    <section aria-label={t("tab.gantt")} className="rounded-lg border border-line bg-surface">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-3 py-1.5 text-[13px] text-muted">
        <Sample className="bg-line" text={t("gantt.queue")} />
        <Sample className="bg-ok opacity-45" text={t("gantt.around")} />
        <Sample className="bg-ok" text={t("gantt.work")} />
        <Sample className="bg-ok ring-2 ring-accent" text={t("gantt.critical")} />
        {green && <Compared path={path} green={green} />}
        {gantt.hasEarlier && (
          <Checkbox
            className="ml-auto"
            label={t("gantt.earlier")}
            checked={withEarlier}
            onChange={(event) => setWithEarlier(event.target.checked)}
          />
        )}
      </div>
      {gantt.rows.length === 0 ? (
        <p className="p-4 text-muted">{t("gantt.empty")}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the keys
        <section aria-label={t("gantt.rows")} tabIndex={0} className="max-h-[56vh] overflow-auto">
          <Axis scale={gantt.scale} />
          {gantt.rows.slice(0, shown).map((row) => (
            <GanttRow
              key={`${row.kind}:${row.id}`}
              row={row}
              scale={gantt.scale}
              again={ranAgain(row.node, run.attempt)}
              green={green?.number ?? null}
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
        </section>
      )}
    </section>
  );
}

/** Which run the thin bars are of. */
function Compared({ path, green }: { path: RunPath; green: NonNullable<Timeline["green"]> }) {
  const t = useText(texts);
  return (
    <span className="inline-flex items-center gap-1.5">
      <span aria-hidden className="h-[3px] w-5 rounded-sm bg-muted" />
      {t("gantt.green")}
      <Link
        href={hrefOfRun(path.project, green.id, "?tab=gantt")}
        className="text-accent underline underline-offset-2"
      >
        #{green.number}
      </Link>
      {green.branch && <span>({green.branch})</span>}
    </span>
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

function Axis({ scale }: { scale: Scale }) {
  const locale = useLocale();
  return (
    <div
      aria-hidden
      className="sticky top-0 z-10 flex border-b border-line bg-surface text-[12px] text-muted"
    >
      <div className={NAMES} />
      <div className="flex grow justify-between py-1">
        {ticksOf(scale, TICKS, locale).map((text, index) => (
          <span key={TICKS[index]} className={clsx(index % 2 === 1 && "hidden sm:inline")}>
            {text}
          </span>
        ))}
      </div>
      <div className={FIGURES} />
    </div>
  );
}
