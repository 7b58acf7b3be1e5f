import { clsx } from "clsx";
import {
  ChevronRight,
  Equal,
  Hand,
  Hourglass,
  PencilLine,
  Play,
  SkipForward,
  Undo2,
} from "lucide-react";
import type { ReactNode } from "react";
import { useLocale, useText } from "@/i18n";
import { formatDuration } from "@/ui/time";
import { ChangeList } from "./change-list";
import type { Plan } from "./data";
import { nameOfTarget, type Run } from "./model";
import type { RollbackPlan } from "./recovery";
import { texts } from "./texts";

const NAMED = 60; // steps of a kind that are named

/** What a recovery would do: counts, names, how long, where it would stop. */
export function Preview({ plan, run }: { plan: Plan; run: Run }) {
  const t = useText(texts);
  const locale = useLocale();
  const names = (action: string) =>
    plan.nodes.filter((node) => node.kind === "step" && node.action === action);
  const asked = plan.approvals.asked.map((node) => nameOfTarget(run, node) || node);
  const widened = plan.nodes.filter((node) => node.workspace === "widened");
  return (
    <div data-preview className="space-y-1">
      <Named icon={Play} tone="text-busy" text={t("plan.run")} nodes={names("rerun")} open />
      <Named icon={Equal} tone="text-ok" text={t("plan.keep")} nodes={names("keep")} />
      <Named icon={SkipForward} tone="text-wait" text={t("plan.skip")} nodes={names("skip")} open />
      {plan.changes.length > 0 && (
        <div className="flex items-start gap-2 py-0.5 pl-5">
          <PencilLine aria-hidden size={15} className="mt-0.5 shrink-0 text-muted" />
          <div className="min-w-0 grow">
            <p className="mb-1">{t("plan.changes", { n: plan.changes.length })}</p>
            <ChangeList changes={plan.changes} />
          </div>
        </div>
      )}
      {asked.length > 0 && <Fact icon={Hand}>{t("plan.stops", { stages: asked.join(", ") })}</Fact>}
      {widened.length > 0 && (
        <Fact icon={Undo2}>
          {t("plan.widened", { jobs: widened.map((node) => node.name).join(", ") })}
        </Fact>
      )}
      <Fact icon={Hourglass}>
        {plan.expected_seconds === null
          ? t("plan.unknown-time")
          : t("plan.takes", { time: formatDuration(plan.expected_seconds * 1000, locale) })}
        {plan.seconds_saved > 0 &&
          ` · ${t("plan.saves", { time: formatDuration(plan.seconds_saved * 1000, locale) })}`}
      </Fact>
    </div>
  );
}

function Fact({ icon: Icon, children }: { icon: typeof Play; children: ReactNode }) {
  return (
    <p className="flex items-start gap-2 py-0.5 pl-5">
      <Icon aria-hidden size={15} className="mt-0.5 shrink-0 text-muted" />
      <span>{children}</span>
    </p>
  );
}

function Named({
  icon: Icon,
  tone,
  text,
  nodes,
  open = false,
}: {
  icon: typeof Play;
  tone: string;
  text: string;
  nodes: readonly { id: string; name: string; reason: string }[];
  open?: boolean;
}) {
  const t = useText(texts);
  if (nodes.length === 0) return null;
  return (
    <details open={open} className="group">
      <summary className="flex min-h-7 items-center gap-2 rounded-md hover:bg-sunken">
        <ChevronRight
          aria-hidden
          size={14}
          className="shrink-0 text-muted transition-transform group-open:rotate-90"
        />
        <Icon aria-hidden size={15} className={clsx("shrink-0", tone)} />
        <span className="font-medium">{text}</span>
        <span className="tabular-nums" data-count>
          {nodes.length}
        </span>
      </summary>
      <p className="pb-1 pl-[51px] text-[13px] break-words text-muted">
        {nodes
          .slice(0, NAMED)
          .map((node) => node.name)
          .join(", ")}
        {nodes.length > NAMED && ` ${t("plan.more", { n: nodes.length - NAMED })}`}
      </p>
    </details>
  );
}

/** What a rollback would do. */
export function RollbackPreview({ plan }: { plan: RollbackPlan }) {
  const t = useText(texts);
  const live = plan.environment.live;
  return (
    <div data-preview className="space-y-1">
      <Fact icon={Undo2}>
        {t("rollback.restores", {
          environment: plan.environment.name,
          number: plan.restores.number,
        })}
      </Fact>
      {live && <Fact icon={Play}>{t("rollback.live", { number: live.number })}</Fact>}
      {plan.cuts.length > 0 && (
        <Fact icon={Hand}>
          {t("rollback.cuts", { stages: plan.cuts.map((stage) => stage.name).join(", ") })}
        </Fact>
      )}
    </div>
  );
}
