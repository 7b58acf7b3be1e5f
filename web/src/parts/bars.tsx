/** Runs as bars: height = how long, colour = result, dot = recovered. */
import { clsx } from "clsx";
import { Link } from "wouter";
import type { Schemas } from "@/api/client";
import { useLocale, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { runTexts } from "@/i18n/runs";
import { isOver, STATES, stateOfRun, TONES } from "@/theme/status";
import { formatDuration } from "@/ui/time";

export type Bar = Pick<
  Schemas["RecentRunView"],
  "id" | "number" | "status" | "cause" | "recovered" | "run_seconds" | "started_at" | "message"
>;

const LEAST = 0.14; // of the height: what took no time is seen, too

/** The newest stands at the right, like time. `runs` come with the newest first. */
export function RunBars({
  project,
  runs,
  tall = false,
}: {
  project: string;
  runs: readonly Bar[];
  tall?: boolean;
}) {
  const t = useText(runTexts);
  const longest = Math.max(...runs.map((run) => run.run_seconds ?? 0), 0.01);
  return (
    <ol
      data-bars
      aria-label={t("bars")}
      className={clsx("flex items-end", tall ? "h-20 gap-1" : "h-8 gap-px")}
    >
      {[...runs].reverse().map((run) => (
        <OneBar key={run.id} project={project} run={run} longest={longest} tall={tall} />
      ))}
    </ol>
  );
}

function OneBar({
  project,
  run,
  longest,
  tall,
}: {
  project: string;
  run: Bar;
  longest: number;
  tall: boolean;
}) {
  const t = useText(runTexts);
  const c = useText(common);
  const locale = useLocale();
  const state = stateOfRun(run);
  const share = isOver(run) ? Math.max((run.run_seconds ?? 0) / longest, LEAST) : 0.5;
  const duration = run.run_seconds === null ? "…" : formatDuration(run.run_seconds * 1000, locale);
  const text = t("bar", { n: String(run.number), state: c(`state.${state}`), duration });
  return (
    <li className="flex h-full">
      <Link
        href={`/projects/${encodeURIComponent(project)}/runs/${run.id}`}
        aria-label={text}
        title={run.message ? `${text}\n${run.message}` : text}
        className={clsx(
          "group flex h-full flex-col items-center justify-end",
          tall ? "w-4" : "w-2",
        )}
      >
        {state === "recovered" && (
          <span aria-hidden className="mb-0.5 size-1.5 shrink-0 rounded-full bg-wait" />
        )}
        <span
          aria-hidden
          style={{ height: `${share * 100}%` }}
          className={clsx(
            "min-h-1 w-full rounded-t-sm group-hover:opacity-70",
            TONES[STATES[state].tone].solid,
            state === "failed" &&
              "bg-[repeating-linear-gradient(45deg,var(--bad)_0_3px,var(--bad-soft)_3px_4px)]",
            !isOver(run) && "animate-pulse",
          )}
        />
      </Link>
    </li>
  );
}
