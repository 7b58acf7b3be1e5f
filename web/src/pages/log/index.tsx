import { useQuery } from "@tanstack/react-query";
import { clsx } from "clsx";
import { RotateCcw } from "lucide-react";
import { useMemo } from "react";
import { useLocation, useSearchParams } from "wouter";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useText } from "@/i18n";
import { LogView } from "@/log";
import { logTexts } from "@/log/texts";
import { isOver, stateOf } from "@/theme/status";
import { LinkButton } from "@/ui/button";
import { Select } from "@/ui/field";
import { usePageTitle } from "@/ui/head";
import { Loaded } from "@/ui/loaded";
import { PageHead } from "@/ui/page";
import { StateBadge } from "@/ui/status";

type Step = Schemas["StepAttempts"];

interface Params {
  project: string;
  run: string;
}

/** A log as a page of its own: `?step=…&attempt=2#L120-L140`. */
export default function LogPage({ params: { project, run } }: { params: Params }) {
  const t = useText(logTexts);
  const path = { project, run };
  const head = useQuery({
    queryKey: keys.run(run, "head"),
    queryFn: ({ signal }) =>
      ok(api.GET("/projects/{project}/runs/{run}", { params: { path }, signal })),
  });
  const steps = useQuery({
    queryKey: keys.run(run, "steps"),
    queryFn: ({ signal }) =>
      ok(api.GET("/projects/{project}/runs/{run}/steps", { params: { path }, signal })),
  });
  const base = `/projects/${encodeURIComponent(project)}`;
  const number = head.data ? String(head.data.number) : "…";
  usePageTitle(`${t("title.page")} · #${number}`);
  return (
    <div className="flex h-[calc(100dvh-8.5rem)] min-h-96 flex-col sm:h-[calc(100dvh-5rem)]">
      <PageHead
        title={t("title.page")}
        crumbs={[
          { text: project, href: base },
          { text: t("run", { n: `#${number}` }), href: `${base}/runs/${run}` },
        ]}
      />
      <div className="min-h-0 grow">
        <Loaded query={steps}>
          {({ items }) =>
            items.length === 0 ? <p>{t("step.none")}</p> : <StepLog {...path} steps={items} />
          }
        </Loaded>
      </div>
    </div>
  );
}

/** The step of the address; without one the first that failed, or runs, or the last one. */
function stepOf(steps: readonly Step[], wanted: string): Step | undefined {
  return (
    steps.find((step) => step.id === wanted) ??
    steps.find((step) => step.status === "failed") ??
    steps.find((step) => step.status === "running") ??
    steps.findLast((step) => step.attempts.some((attempt) => attempt.started_at)) ??
    steps[0]
  );
}

function StepLog({ project, run, steps }: Params & { steps: readonly Step[] }) {
  const t = useText(logTexts);
  const [params] = useSearchParams();
  const [location, navigate] = useLocation();
  const step = stepOf(steps, params.get("step") ?? "");
  const given = Number(params.get("attempt"));
  const open = useMemo(
    () => (id: string, attempt?: number, line?: number) => {
      const query = new URLSearchParams({ step: id });
      if (attempt) query.set("attempt", String(attempt));
      navigate(`${location}?${query}${line ? `#L${line}` : ""}`);
    },
    [location, navigate],
  );
  if (!step) return null;
  const attempt = given >= 1 && given <= step.attempt ? given : step.attempt;
  const state = step.attempts.find((each) => each.number === attempt) ?? step;
  return (
    <LogView
      project={project}
      run={run}
      step={step.id}
      attempt={attempt}
      name={step.name}
      live={!isOver(state) || state.status === "failed"}
      onOpen={open}
    >
      <Select
        aria-label={t("step")}
        className="w-auto! max-w-56"
        value={step.id}
        onChange={(event) => open(event.target.value)}
        options={steps.map(({ id, name }) => ({ value: id, text: name }))}
      />
      {step.attempt > 1 && (
        <Attempts count={step.attempt} chosen={attempt} onChoose={(n) => open(step.id, n)} />
      )}
      <StateBadge state={stateOf(state)} />
      {step.status === "failed" && (
        <LinkButton
          size="small"
          icon={RotateCcw}
          href={`/projects/${encodeURIComponent(project)}/runs/${run}?step=${step.id}&recover=retry-step`}
        >
          {t("recover")}
        </LinkButton>
      )}
    </LogView>
  );
}

const MOST_TABS = 5;

/** The attempts of a step; when there are many the first ones are in a list. */
function Attempts({
  count,
  chosen,
  onChoose,
}: {
  count: number;
  chosen: number;
  onChoose: (attempt: number) => void;
}) {
  const t = useText(logTexts);
  const all = Array.from({ length: count }, (_, place) => place + 1);
  if (count > MOST_TABS) {
    return (
      <Select
        aria-label={t("attempts")}
        className="w-auto!"
        value={String(chosen)}
        onChange={(event) => onChoose(Number(event.target.value))}
        options={all.map((n) => ({ value: String(n), text: t("attempt", { n }) }))}
      />
    );
  }
  return (
    <fieldset className="flex" aria-label={t("attempts")}>
      {all.map((n) => (
        <button
          key={n}
          type="button"
          aria-label={t("attempt", { n })}
          aria-pressed={n === chosen}
          onClick={() => onChoose(n)}
          className={clsx(
            "-ml-px h-8 min-w-8 border border-line px-2 first:ml-0 first:rounded-l-md last:rounded-r-md",
            n === chosen ? "bg-busy-soft font-semibold text-busy" : "bg-surface hover:bg-sunken",
          )}
        >
          {n}
        </button>
      ))}
    </fieldset>
  );
}
