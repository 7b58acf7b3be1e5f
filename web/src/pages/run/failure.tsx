import { CircleX, UserRound } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { useText } from "@/i18n";
import { Duration, RelativeTime } from "@/ui/time";
import type { Failure } from "./data";
import { LogLines } from "./log-lines";
import { messageOf } from "./model";
import { hrefOfRun } from "./places";
import { texts } from "./texts";

const CAUSES = {
  user: "cause.user",
  config: "cause.config",
  infra: "cause.infra",
  timeout: "cause.timeout",
  job_timeout: "cause.timeout",
  queue_timeout: "cause.queue-timeout",
  lost: "cause.lost",
  fast_kill: "cause.fast-kill",
  terminated: "cause.terminated",
  rejected: "cause.rejected",
  trigger_refused: "cause.trigger-refused",
  quality: "cause.quality",
  unauthorized: "cause.unauthorized",
  locked: "cause.locked",
  unreachable: "cause.unreachable",
} as const;

export function useCauseText(): (cause: string | null | undefined) => string {
  const t = useText(texts);
  return (cause) => (cause && cause in CAUSES ? t(CAUSES[cause as keyof typeof CAUSES]) : "");
}

/** What failed first, of what kind, since when. */
export function FailureHead({ failure, project }: { failure: Failure; project: string }) {
  const t = useText(texts);
  const cause = useCauseText();
  const { node } = failure;
  if (!node) return null;
  const name = node.step?.name ?? node.job?.name ?? node.stage?.name ?? t("whole-run");
  const inside = [node.stage?.name, node.step ? node.job?.name : undefined].filter(Boolean);
  return (
    <section aria-label={t("failure.title")} data-failure>
      <h2 className="flex items-start gap-2 text-base font-semibold">
        <CircleX aria-hidden size={19} className="mt-0.5 shrink-0 text-bad" />
        <span className="min-w-0 break-words">
          {inside.length > 0 && (
            <span className="font-normal text-muted">{inside.join(" / ")} / </span>
          )}
          {name}
        </span>
      </h2>
      <p className="mt-1 flex flex-wrap gap-x-3 gap-y-0.5 pl-[27px] text-[13px]">
        {cause(node.cause) && <span className="font-medium text-bad">{cause(node.cause)}</span>}
        {node.exit_code !== null && <span>{t("failure.exit", { code: node.exit_code })}</span>}
        {node.signal !== null && <span>{t("failure.signal", { signal: node.signal })}</span>}
        <span className="text-muted">
          {t("failure.after")} <Duration from={node.started_at} to={node.ended_at} />
        </span>
        {node.others > 0 && (
          <span className="text-muted">{t("failure.others", { n: node.others })}</span>
        )}
      </p>
      {messageOf(node) && <p className="mt-1 pl-[27px] break-words">{messageOf(node)}</p>}
      <Since failure={failure} project={project} />
    </section>
  );
}

function Since({ failure: { since, run, owner }, project }: { failure: Failure; project: string }) {
  const t = useText(texts);
  const isNew = since?.first.id === run;
  const link = (id: string, number: number): ReactNode => (
    <Link href={hrefOfRun(project, id)} className="text-accent underline underline-offset-2">
      #{number}
    </Link>
  );
  return (
    <p className="mt-1 flex flex-wrap gap-x-1.5 pl-[27px] text-[13px] text-muted">
      {since && (isNew ? t("since.here") : t("since.runs", { n: since.runs }))}
      {since && !isNew && (
        <>
          {link(since.first.id, since.first.number)} <RelativeTime at={since.first.queued_at} />
        </>
      )}
      {since?.last_green && (
        <span>
          · {t("since.green")} {link(since.last_green.id, since.last_green.number)}
        </span>
      )}
      {owner && (
        <span className="inline-flex items-center gap-1">
          · <UserRound aria-hidden size={13} />
          {t("since.owner", { owner })}
        </span>
      )}
    </p>
  );
}

/** Its last lines, as the answer about the failure has them: nothing more is asked for. */
export function FailureLog({ failure }: { failure: Failure }) {
  const t = useText(texts);
  if (!failure.log) return null;
  return (
    <LogLines
      lines={failure.log.lines}
      label={t("log.of", { step: failure.node?.step?.name ?? "" })}
    />
  );
}
