import { ExternalLink } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { useText } from "@/i18n";
import { useQueryState } from "@/state/query";
import { Select } from "@/ui/field";
import { part } from "@/ui/part";
import { StateBadge } from "@/ui/status";
import { Duration } from "@/ui/time";
import type { Failure, Mode, Modes, RunPath } from "./data";
import { FailureLog } from "./failure";
import { ModeMenu } from "./mode-menu";
import { findStep, isKept, messageOf, type Place, type Run, stateOfNode } from "./model";
import { hrefOfRun } from "./places";
import { texts } from "./texts";

const LogView = part(async () => (await import("@/log")).LogView);

interface Props {
  path: RunPath;
  run: Run;
  step: string;
  failure: Failure | undefined;
  /** The ways to recover a step that failed. */
  modes: Modes | undefined;
  onMode: (mode: Mode) => void;
  /** Show another step, and which try of it. */
  onOpen: (step: string, attempt: number) => void;
}

/** The chosen step: its state, its tries, the last lines of its log. */
export function StepPanel({ path, run, step: id, failure, modes, onMode, onOpen }: Props) {
  const t = useText(texts);
  const [chosen, setChosen] = useQueryState("try");
  const place = findStep(run, id);
  if (!place) return null;
  const { step } = place;
  const asked = Number(chosen);
  const attempt = asked >= 1 && asked <= step.attempt ? asked : step.attempt;
  const notes = [messageOf(step), step.reason].filter(Boolean).join(" · ");
  const isRoot = failure?.log?.step === id && failure.log.attempt === attempt;
  const never = step.started_at === null || step.status === "skipped";
  return (
    <section
      id="log"
      tabIndex={-1}
      aria-labelledby="log-title"
      data-step={id}
      className="mt-4 flex min-h-0 flex-col rounded-lg border border-line bg-surface outline-none"
    >
      <StepHead run={run} place={place} attempt={attempt} onAttempt={setChosen}>
        {modes && step.status === "failed" && <ModeMenu modes={modes} pick={onMode} />}
      </StepHead>
      {notes && !isRoot && (
        <p className="border-b border-line px-3 py-1.5 break-words text-muted">{notes}</p>
      )}
      <div
        className={
          never
            ? "p-3"
            : "h-80 overflow-hidden rounded-b-lg lg:h-[max(14rem,calc(68dvh-22rem))] [&>div]:rounded-none [&>div]:border-0"
        }
      >
        {never ? (
          <p className="text-muted">{t("step.never")}</p>
        ) : (
          <LogView
            waiting={isRoot && failure && <FailureLog failure={failure} />}
            {...path}
            step={id}
            attempt={attempt}
            name={step.name}
            live={step.status === "running" || step.status === "failed"}
            onOpen={(other, number) => onOpen(other, number)}
          />
        )}
      </div>
    </section>
  );
}

function StepHead({
  run,
  place: { stage, job, step },
  attempt,
  onAttempt,
  children,
}: {
  run: Run;
  place: Place;
  attempt: number;
  onAttempt: (attempt: string) => void;
  children: ReactNode;
}) {
  const t = useText(texts);
  return (
    <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-3 py-2">
      <h2 id="log-title" className="min-w-0 font-semibold break-words">
        <span className="font-normal text-muted">
          {stage.name} / {job.name} /{" "}
        </span>
        {step.name || step.id}
      </h2>
      <StateBadge state={stateOfNode(run, step)} plain />
      {step.started_at !== null && step.status !== "skipped" && (
        <span className="text-muted">
          <Duration from={step.started_at} to={step.ended_at} />
        </span>
      )}
      {isKept(step, run.attempt) && (
        <span className="text-[13px] text-muted">= {t("step.kept", { n: step.run_attempt })}</span>
      )}
      {step.called && (
        <Link
          href={hrefOfRun(run.project, step.called)}
          className="inline-flex items-center gap-1 text-accent underline underline-offset-2"
        >
          <ExternalLink aria-hidden size={14} />
          {t("step.called")}
        </Link>
      )}
      <span className="ml-auto" />
      {children}
      {step.attempt > 1 && (
        <Select
          aria-label={t("step.tries")}
          className="w-auto!"
          value={String(attempt)}
          options={Array.from({ length: step.attempt }, (_, index) => ({
            value: String(step.attempt - index),
            text: t("step.try", { n: step.attempt - index, of: step.attempt }),
          }))}
          onChange={(event) =>
            onAttempt(Number(event.target.value) === step.attempt ? "" : event.target.value)
          }
        />
      )}
    </header>
  );
}
