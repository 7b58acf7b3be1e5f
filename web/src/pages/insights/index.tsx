import { useQuery } from "@tanstack/react-query";
import { ChartColumn } from "lucide-react";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { area, useLocale, useText } from "@/i18n";
import { en } from "@/i18n/en/insights";
import { zh } from "@/i18n/zh/insights";
import { useQueryState } from "@/state/query";
import { LinkButton } from "@/ui/button";
import { Empty } from "@/ui/empty";
import { Select } from "@/ui/field";
import { usePageTitle } from "@/ui/head";
import { Loaded } from "@/ui/loaded";
import { PageHead } from "@/ui/page";
import { formatDuration } from "@/ui/time";
import { Flaky } from "./flaky";
import { History } from "./history";

const texts = area(en, zh);
const DAYS = [7, 30, 90, 365] as const;
const USUAL = "30";

type View = Schemas["InsightsView"];

export default function Insights({ params: { project } }: { params: { project: string } }) {
  const t = useText(texts);
  const [days, setDays] = useQueryState("days");
  const [pipeline, setPipeline] = useQueryState("pipeline");
  usePageTitle(t("title"));
  const query = useQuery({
    queryKey: keys.runs(project, "insights", days, pipeline),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/insights", {
          params: {
            path: { project },
            query: { days: Number(days || USUAL), pipeline: pipeline || undefined },
          },
          signal,
        }),
      ),
    placeholderData: (old) => old,
  });
  const base = `/projects/${encodeURIComponent(project)}`;
  return (
    <div className="mx-auto max-w-6xl">
      <PageHead title={t("title")} crumbs={[{ text: project, href: base }]} />
      <div className="mb-4 flex flex-wrap gap-3">
        <Select
          aria-label={t("days")}
          className="max-w-44"
          value={days || USUAL}
          options={DAYS.map((n) => ({ value: String(n), text: t("days.n", { n }) }))}
          onChange={({ target }) => setDays(target.value === USUAL ? "" : target.value)}
        />
        <PipelineSelect project={project} value={pipeline} onChange={setPipeline} />
      </div>
      <Loaded query={query}>
        {(found) =>
          found.runs === 0 ? (
            <Empty
              icon={ChartColumn}
              title={t("empty")}
              action={<LinkButton href={base}>{t("empty.action")}</LinkButton>}
            >
              {t("empty.hint")}
            </Empty>
          ) : (
            <>
              <Numbers found={found} />
              <History days={found.history} length={found.days} />
              <Flaky project={project} items={found.flaky} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}

function PipelineSelect({
  project,
  value,
  onChange,
}: {
  project: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const t = useText(texts);
  const { data } = useQuery({
    queryKey: keys.pipelines(project, "names"),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/pipelines", {
          params: { path: { project }, query: { limit: 200 } },
          signal,
        }),
      ),
  });
  return (
    <Select
      aria-label={t("pipeline")}
      className="max-w-72"
      value={value}
      options={[
        { value: "", text: t("pipeline.all") },
        ...(data?.items ?? []).map(({ id, name }) => ({ value: id, text: name })),
      ]}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}

function Numbers({ found }: { found: View }) {
  const t = useText(texts);
  const locale = useLocale();
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const share = (value: number | null) => (value === null ? t("none") : percent.format(value));
  const time = (seconds: number | null) =>
    seconds === null ? t("none") : formatDuration(seconds * 1000, locale);
  const ended = found.succeeded + found.failed;
  const tiles = [
    {
      name: t("success"),
      value: share(found.success_share),
      hint: t("success.hint", { good: found.succeeded, all: ended }),
    },
    {
      name: t("recovered"),
      value: share(found.recovered_share),
      hint: t("recovered.hint", { n: found.recovered }),
    },
    { name: t("rescue"), value: share(found.rescue_share), hint: t("rescue.hint") },
    { name: t("saved"), value: time(found.seconds_saved), hint: t("saved.hint") },
    {
      name: t("recover"),
      value: `${time(found.recover_p50_seconds)} / ${time(found.recover_p95_seconds)}`,
      hint: t("recover.hint"),
    },
    {
      name: t("duration"),
      value: `${time(found.p50_seconds)} / ${time(found.p95_seconds)}`,
      hint: t("duration.hint"),
    },
    { name: t("queue"), value: time(found.queue_p50_seconds), hint: t("queue.hint") },
  ];
  return (
    <dl className="mb-6 grid grid-cols-2 gap-3 sm:grid-cols-3 lg:grid-cols-4">
      {tiles.map(({ name, value, hint }) => (
        <div key={name} className="rounded-lg border border-line bg-surface p-3">
          <dt className="text-[13px] text-muted">{name}</dt>
          <dd>
            <span className="block text-xl font-semibold tabular-nums">{value}</span>
            <span className="block text-[13px] text-muted">{hint}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
