/** A definition as it would run, with what recovery can do about each step. */
import { clsx } from "clsx";
import {
  CircleDot,
  CirclePause,
  Hand,
  type LucideIcon,
  RotateCcw,
  SkipForward,
  Undo2,
} from "lucide-react";
import { useText } from "@/i18n";
import type { Graph } from "./call";
import { editorTexts } from "./texts";

type Stage = Graph["stages"][number];
type Job = Stage["jobs"][number];
type Step = Job["steps"][number];

interface Choice {
  current: string | null;
  onChoose: (id: string) => void;
}

export function Outline({ graph, ...choice }: Choice & { graph: Graph }) {
  return (
    <ol className="flex flex-wrap items-start gap-3">
      {graph.stages.map((stage) => (
        <li key={stage.id} className="min-w-56 grow basis-56">
          <StageBox stage={stage} {...choice} />
        </li>
      ))}
    </ol>
  );
}

function StageBox({ stage, ...choice }: Choice & { stage: Stage }) {
  const t = useText(editorTexts);
  return (
    <div className={clsx("rounded-lg border border-line bg-sunken p-2", dim(stage.enabled))}>
      <Node id={stage.id} {...choice} className="mb-1.5 font-semibold">
        <Name of={stage} />
        {stage.reviewed && <Sign icon={Hand} text={t("stage.reviewed")} tone="text-wait" />}
        {stage.deploys && <Sign icon={Undo2} text={t("stage.deploys")} tone="text-ok" />}
      </Node>
      {stage.is_finally && (
        <p className="px-1.5 pb-1 text-[13px] text-muted">{t("graph.finally")}</p>
      )}
      <ul className="space-y-2">
        {stage.jobs.map((job) => (
          <li
            key={job.id}
            className={clsx("rounded-md border border-line bg-surface p-1.5", dim(job.enabled))}
          >
            <Node id={job.id} {...choice} className="font-medium">
              <Name of={job} />
              {job.is_matrix && <span className="text-[13px] text-muted">{t("graph.matrix")}</span>}
            </Node>
            <ul>
              {job.steps.map((step) => (
                <li key={step.id} className={dim(step.enabled)}>
                  <Node id={step.id} {...choice}>
                    <CircleDot aria-hidden size={13} className="shrink-0 text-muted" />
                    <Name of={step} />
                    <Recovery step={step} />
                  </Node>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Name({ of: { id, name } }: { of: { id: string; name: string } }) {
  return (
    <span className="min-w-0 grow truncate" title={name || id}>
      {name || id}
    </span>
  );
}

function dim(enabled: boolean): string {
  return enabled ? "" : "opacity-60";
}

function Node({
  id,
  current,
  onChoose,
  className,
  children,
}: Choice & { id: string; className?: string; children: React.ReactNode }) {
  return (
    <button
      type="button"
      data-node={id}
      aria-current={current === id || undefined}
      onClick={() => onChoose(id)}
      className={clsx(
        "flex min-h-7 w-full items-center gap-1.5 rounded px-1.5 text-left",
        current === id ? "bg-busy-soft text-busy" : "hover:bg-sunken",
        className,
      )}
    >
      {children}
    </button>
  );
}

/** What can be done when a step fails, told before anything has. */
function Recovery({ step }: { step: Step }) {
  const t = useText(editorTexts);
  return (
    <span className="flex shrink-0 items-center gap-1">
      {step.pauses && <Sign icon={CirclePause} text={t("step.pauses")} tone="text-wait" />}
      {step.auto_retries > 0 && (
        <span title={t("step.auto", { n: step.auto_retries })} className="text-[12px] text-ok">
          {step.auto_retries}×
        </span>
      )}
      {step.may_retry ? (
        <Sign icon={RotateCcw} text={t("step.retry")} tone="text-ok" />
      ) : (
        <Sign icon={RotateCcw} text={t("step.no-retry")} tone="text-muted opacity-40" />
      )}
      {step.may_skip && <Sign icon={SkipForward} text={t("step.skip")} tone="text-idle" />}
    </span>
  );
}

function Sign({ icon: Icon, text, tone }: { icon: LucideIcon; text: string; tone: string }) {
  return (
    <span title={text} className={tone}>
      <Icon role="img" aria-label={text} size={14} />
    </span>
  );
}
