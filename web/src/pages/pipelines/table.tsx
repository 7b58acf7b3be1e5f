import { Lock } from "lucide-react";
import { Link } from "wouter";
import type { Schemas } from "@/api/client";
import { area, useLocale, useText } from "@/i18n";
import { en } from "@/i18n/en/pipelines";
import { zh } from "@/i18n/zh/pipelines";
import { RunBars } from "@/parts/bars";
import { RetryButton, StartButton } from "@/parts/run-actions";
import { stateOfRun } from "@/theme/status";
import { StateBadge } from "@/ui/status";
import { Cell, Head, Row, Table } from "@/ui/table";
import { formatDuration, RelativeTime } from "@/ui/time";
import { Tooltip } from "@/ui/tooltip";

const texts = area(en, zh);

type Item = Schemas["PipelineItem"];

export function PipelineTable({
  project,
  items,
  onLabel,
}: {
  project: string;
  items: readonly Item[];
  onLabel: (label: string) => void;
}) {
  const t = useText(texts);
  return (
    <Table label={t("title")}>
      <thead>
        <tr>
          <Head>{t("column.name")}</Head>
          <Head className="hidden sm:table-cell">{t("column.last")}</Head>
          <Head className="hidden md:table-cell">{t("column.recent")}</Head>
          <Head className="hidden text-right lg:table-cell">{t("column.times")}</Head>
          <Head>
            <span className="sr-only">{t("column.actions")}</span>
          </Head>
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <PipelineRow key={item.id} project={project} item={item} onLabel={onLabel} />
        ))}
      </tbody>
    </Table>
  );
}

function PipelineRow({
  project,
  item,
  onLabel,
}: {
  project: string;
  item: Item;
  onLabel: (label: string) => void;
}) {
  const base = `/projects/${encodeURIComponent(project)}`;
  const last = item.last_run;
  return (
    <Row data-pipeline={item.name}>
      <Cell className="min-w-36">
        <Name item={item} href={`${base}/pipelines/${item.id}`} onLabel={onLabel} />
        <div className="mt-1 sm:hidden">
          <LastRun base={base} last={last} />
        </div>
      </Cell>
      <Cell className="hidden sm:table-cell">
        <LastRun base={base} last={last} />
      </Cell>
      <Cell className="hidden md:table-cell">
        <RunBars project={project} runs={item.recent} />
      </Cell>
      <Cell className="hidden text-right lg:table-cell">
        <Times p50={item.p50_seconds} p95={item.p95_seconds} />
      </Cell>
      <Cell>
        <div className="flex flex-col items-end justify-end gap-1.5 sm:flex-row">
          {last?.status === "failed" && <RetryButton project={project} run={last} />}
          <StartButton of={{ project, pipeline: item.id, name: item.name }} />
        </div>
      </Cell>
    </Row>
  );
}

function Name({
  item,
  href,
  onLabel,
}: {
  item: Item;
  href: string;
  onLabel: (label: string) => void;
}) {
  const t = useText(texts);
  return (
    <>
      <span className="flex items-center gap-1.5">
        <Link
          href={href}
          className="py-0.5 font-medium [overflow-wrap:anywhere] hover:text-accent hover:underline"
        >
          {item.name}
        </Link>
        {item.locked && (
          <Lock size={14} role="img" aria-label={t("locked")} className="shrink-0 text-muted" />
        )}
      </span>
      {(item.labels ?? []).length > 0 && (
        <span className="mt-0.5 flex flex-wrap gap-1">
          {item.labels?.map((label) => (
            <button
              key={label}
              type="button"
              onClick={() => onLabel(label)}
              className="min-h-6 rounded-full bg-sunken px-2 text-[12px] text-muted hover:text-text"
            >
              {label}
            </button>
          ))}
        </span>
      )}
    </>
  );
}

function LastRun({ base, last }: { base: string; last: Item["last_run"] }) {
  const t = useText(texts);
  if (!last) return <span className="text-muted">{t("no-runs")}</span>;
  return (
    <span className="flex flex-wrap items-center gap-x-2 gap-y-0.5">
      <StateBadge state={stateOfRun(last)} />
      <span className="whitespace-nowrap text-muted">
        <Link href={`${base}/runs/${last.id}`} className="py-0.5 text-text hover:underline">
          #{last.number}
        </Link>{" "}
        <RelativeTime at={last.ended_at ?? last.queued_at} />
      </span>
    </span>
  );
}

function Times({ p50, p95 }: { p50: number | null; p95: number | null }) {
  const t = useText(texts);
  const locale = useLocale();
  if (p50 === null || p95 === null) return <span className="text-muted">–</span>;
  const [half, most] = [formatDuration(p50 * 1000, locale), formatDuration(p95 * 1000, locale)];
  return (
    <Tooltip text={t("times.hint", { p50: half, p95: most })}>
      <button type="button" className="min-h-6 tabular-nums whitespace-nowrap">
        {half} / {most}
      </button>
    </Tooltip>
  );
}
