import { GitBranch } from "lucide-react";
import { Link } from "wouter";
import type { Schemas } from "@/api/client";
import { area, useLocale, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { en } from "@/i18n/en/pipeline";
import { zh } from "@/i18n/zh/pipeline";
import { RetryButton } from "@/parts/run-actions";
import { stateOf, stateOfRun } from "@/theme/status";
import { StateBadge, StateIcon } from "@/ui/status";
import { Cell, Head, Row, Table } from "@/ui/table";
import { Duration, formatDuration, RelativeTime } from "@/ui/time";

const texts = area(en, zh);

type Run = Schemas["RunItem"];

export function RunTable({ project, runs }: { project: string; runs: readonly Run[] }) {
  const t = useText(texts);
  return (
    <Table label={t("runs")}>
      <thead>
        <tr>
          <Head>{t("column.number")}</Head>
          <Head className="hidden sm:table-cell">{t("column.state")}</Head>
          <Head>{t("column.what")}</Head>
          <Head className="hidden lg:table-cell">{t("column.stages")}</Head>
          <Head className="hidden text-right xl:table-cell">{t("column.queued")}</Head>
          <Head className="text-right">{t("column.took")}</Head>
          <Head className="hidden text-right md:table-cell">{t("column.attempt")}</Head>
          <Head className="hidden text-right sm:table-cell">{t("column.when")}</Head>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <RunRow key={run.id} project={project} run={run} />
        ))}
      </tbody>
    </Table>
  );
}

function RunRow({ project, run }: { project: string; run: Run }) {
  const locale = useLocale();
  const href = `/projects/${encodeURIComponent(project)}/runs/${run.id}`;
  return (
    <Row data-run={run.number}>
      <Cell>
        <Link
          href={href}
          className="py-1 font-medium tabular-nums hover:text-accent hover:underline"
        >
          #{run.number}
        </Link>
      </Cell>
      <Cell className="hidden sm:table-cell">
        <State project={project} run={run} />
      </Cell>
      <Cell className="max-w-80 sm:min-w-40">
        <div className="mb-1 sm:hidden">
          <State project={project} run={run} />
        </div>
        <What run={run} />
      </Cell>
      <Cell className="hidden lg:table-cell">
        <Stages stages={run.stages} />
      </Cell>
      <Cell className="hidden text-right tabular-nums text-muted xl:table-cell">
        {run.queue_seconds === null ? "–" : formatDuration(run.queue_seconds * 1000, locale)}
      </Cell>
      <Cell className="text-right">
        <Duration from={run.started_at} to={run.ended_at} />
      </Cell>
      <Cell className="hidden text-right tabular-nums md:table-cell">{run.attempts}</Cell>
      <Cell className="hidden text-right text-muted sm:table-cell">
        <RelativeTime at={run.queued_at} />
      </Cell>
    </Row>
  );
}

function State({ project, run }: { project: string; run: Run }) {
  return (
    <span className="flex flex-wrap items-center gap-2">
      <StateBadge state={stateOfRun(run)} />
      {run.status === "failed" && <RetryButton project={project} run={run} />}
    </span>
  );
}

const KINDS = ["manual", "timer", "webhook", "service", "remote", "pipeline"] as const;

function What({ run }: { run: Run }) {
  const t = useText(texts);
  const kind = KINDS.find((each) => each === run.start_kind);
  const text = run.remark || run.message;
  return (
    <>
      {text && (
        <span className="block truncate" title={text}>
          {text}
        </span>
      )}
      <span className="flex min-w-0 items-center gap-1.5 text-[13px] text-muted">
        <span className="truncate">
          {run.actor} {kind ? t(`kind.${kind}`) : run.start_kind}
        </span>
        {run.branch && (
          <span className="inline-flex min-w-0 items-center gap-1">
            <GitBranch aria-hidden size={13} className="shrink-0" />
            <span className="truncate">{run.branch}</span>
          </span>
        )}
        {run.commit && <code className="font-mono">{run.commit.slice(0, 8)}</code>}
      </span>
    </>
  );
}

/** One icon per stage; its name and state are its text. */
function Stages({ stages }: { stages: Run["stages"] }) {
  const t = useText(texts);
  const c = useText(common);
  return (
    <ol className="flex gap-0.5">
      {stages.map((stage) => {
        const state = stateOf(stage);
        const text = t("stage.hint", { name: stage.name || stage.id, state: c(`state.${state}`) });
        return (
          <li key={stage.id} title={text}>
            <span className="sr-only">{text}</span>
            <StateIcon state={state} size={15} />
          </li>
        );
      })}
    </ol>
  );
}
