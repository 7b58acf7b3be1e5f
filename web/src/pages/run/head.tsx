import { ChevronDown, ChevronUp } from "lucide-react";
import { Link, useLocation } from "wouter";
import { useLocale, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { type State, stateOf } from "@/theme/status";
import { Select } from "@/ui/field";
import { PageHead } from "@/ui/page";
import { StateBadge } from "@/ui/status";
import { Duration, formatDuration, RelativeTime } from "@/ui/time";
import { Tooltip } from "@/ui/tooltip";
import type { Neighbours } from "./data";
import type { Run } from "./model";
import { hrefOfPipeline, hrefOfRun } from "./places";
import { texts } from "./texts";

interface Props {
  run: Run;
  state: State;
  neighbours: Neighbours | undefined;
  newest: number;
  onAttempt: (attempt: number) => void;
  actions: React.ReactNode;
}

/** Which run this is, how it stands, who started it and by what. */
export function RunHead({ run, state, neighbours, newest, onAttempt, actions }: Props) {
  const t = useText(texts);
  const kinds: Record<string, string> = {
    manual: t("kind.manual"),
    timer: t("kind.timer"),
    webhook: t("kind.webhook"),
    service: t("kind.service"),
    remote: t("kind.remote"),
    pipeline: t("kind.pipeline"),
  };
  return (
    <PageHead
      crumbs={[
        { text: run.project, href: `/projects/${encodeURIComponent(run.project)}` },
        { text: run.pipeline_name, href: hrefOfPipeline(run.project, run.pipeline) },
      ]}
      title={
        <span className="inline-flex items-center gap-1.5">
          <span className="tabular-nums">#{run.number}</span>
          <span className="inline-flex flex-col">
            <Beside to={neighbours?.after} run={run} icon={ChevronUp} text={t("run.next")} />
            <Beside to={neighbours?.before} run={run} icon={ChevronDown} text={t("run.previous")} />
          </span>
        </span>
      }
      badge={
        <>
          <StateBadge state={state} />
          <span className="text-muted">
            <Duration from={run.started_at ?? run.queued_at} to={run.ended_at} />
          </span>
          <AttemptSwitcher run={run} newest={newest} onAttempt={onAttempt} />
        </>
      }
      actions={actions}
    >
      <p className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-0.5 text-[13px] text-muted">
        <span>
          {run.actor} · {kinds[run.start_kind] ?? run.start_kind} ·{" "}
          <RelativeTime at={run.attempts[0]?.queued_at ?? run.queued_at} />
        </span>
        {run.branch && <span>· {run.branch}</span>}
        {run.commit && <span className="font-mono">{run.commit.slice(0, 10)}</span>}
        {run.message && (
          <span className="max-w-[40rem] truncate text-text" title={run.message}>
            {run.message}
          </span>
        )}
        {run.caller && (
          <Link
            href={hrefOfRun(run.project, run.caller.run)}
            className="text-accent underline underline-offset-2"
          >
            {t("run.caller", { name: run.caller.pipeline_name, number: run.caller.number })}
          </Link>
        )}
        {run.remark && (
          <span
            className="line-clamp-2 [overflow-wrap:anywhere] text-text"
            title={run.remark}
          >{`“${run.remark}”`}</span>
        )}
      </p>
    </PageHead>
  );
}

function Beside({
  to,
  run,
  icon: Icon,
  text,
}: {
  to: string | null | undefined;
  run: Run;
  icon: typeof ChevronUp;
  text: string;
}) {
  if (!to) {
    return (
      <span className="grid size-[24px] place-items-center text-line">
        <Icon aria-hidden size={16} />
      </span>
    );
  }
  return (
    <Tooltip text={text}>
      <Link
        href={hrefOfRun(run.project, to)}
        aria-label={text}
        className="grid size-[24px] place-items-center rounded text-muted hover:bg-sunken hover:text-text"
      >
        <Icon aria-hidden size={16} />
      </Link>
    </Tooltip>
  );
}

/** 第 2/3 次: which attempt of the run is shown. */
function AttemptSwitcher({ run, newest, onAttempt }: Pick<Props, "run" | "newest" | "onAttempt">) {
  const t = useText(texts);
  const c = useText(common);
  const locale = useLocale();
  const options = run.attempts.map((attempt) => {
    const state = stateOf({ status: attempt.status ?? "running", cause: attempt.cause });
    const ms =
      attempt.started_at && attempt.ended_at
        ? Date.parse(attempt.ended_at) - Date.parse(attempt.started_at)
        : null;
    const facts = [
      t("attempt.of", { n: attempt.number, of: newest }),
      c(`state.${state}`),
      ms === null ? "" : formatDuration(ms, locale),
      attempt.number > 1 ? attempt.actor : "",
    ];
    return { value: String(attempt.number), text: facts.filter(Boolean).join(" · ") };
  });
  if (newest < 2) return <span className="text-muted">{t("attempt.of", { n: 1, of: 1 })}</span>;
  return (
    <Select
      aria-label={t("attempt.choose")}
      data-attempts
      className="w-auto! max-w-full"
      options={options.reverse()}
      value={String(run.attempt)}
      onChange={(event) => onAttempt(Number(event.target.value))}
    />
  );
}

export function useGoTo(project: string): (run: string | null | undefined) => void {
  const [, navigate] = useLocation();
  return (run) => {
    if (run) navigate(hrefOfRun(project, run));
  };
}
