import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { area, useText } from "@/i18n";
import { en } from "@/i18n/en/runners";
import { zh } from "@/i18n/zh/runners";
import { stateOfRun } from "@/theme/status";
import { StateBadge } from "@/ui/status";
import { RelativeTime } from "@/ui/time";

const texts = area(en, zh);
const MOST = 20; // runs that are looked into

// openapi-fetch reads pairs as arrays
type Gate = Omit<Schemas["GateView"], "signals"> & { signals: readonly number[] | null };
type RunState = Omit<Schemas["RunState"], "gates"> & { gates: readonly Gate[] };
type Wait = Schemas["WaitView"];

/** Something of a run that waits: which job ("" = the run), and for what. */
interface Reason {
  node: string;
  name: string;
  wait?: Wait;
  gate?: Gate;
}

/** Everything that a run waits for: what the server says, and jobs that only lack a machine. */
export function reasonsOf(run: RunState): Reason[] {
  const jobs = run.stages.flatMap((stage) => stage.jobs);
  const names = new Map<string, string>();
  for (const stage of run.stages) {
    names.set(stage.id, stage.name);
    for (const job of stage.jobs) {
      names.set(job.id, job.name);
      for (const step of job.steps) names.set(step.id, step.name);
    }
  }
  const found: Reason[] = [
    ...run.waits.map((wait) => ({ node: wait.node, name: names.get(wait.node) ?? "", wait })),
    ...run.gates.map((gate) => ({ node: gate.node, name: names.get(gate.node) ?? "", gate })),
  ];
  const explained = new Set([...run.waits, ...run.gates].map(({ node }) => node));
  const begun = new Set(
    run.stages.filter(({ status }) => status === "running").flatMap(({ jobs: own }) => own),
  );
  for (const job of jobs) {
    if (!begun.has(job) || job.status !== "running" || job.runner || job.copy_of) continue;
    const isOpen = job.steps.some(({ id, status }) => status === "running" || explained.has(id));
    if (!isOpen && !explained.has(job.id)) found.push({ node: job.id, name: job.name });
  }
  return found;
}

async function unfinished(project: string, signal: AbortSignal) {
  const path = { project };
  const [running, queued] = await Promise.all(
    (["running", "queued"] as const).map((status) =>
      ok(
        api.GET("/projects/{project}/runs", {
          params: { path, query: { status, limit: MOST } },
          signal,
        }),
      ),
    ),
  );
  const items = [...(queued?.items ?? []), ...(running?.items ?? [])];
  return items.slice(0, MOST);
}

export function Queue({ project }: { project: string }) {
  const t = useText(texts);
  const runs = useQuery({
    queryKey: keys.runs(project, "unfinished"),
    queryFn: ({ signal }) => unfinished(project, signal),
  });
  const states = useQueries({
    queries: (runs.data ?? []).map(({ id }) => ({
      queryKey: keys.run(id, "waits"),
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        ok(
          api.GET("/projects/{project}/runs/{run}", {
            params: { path: { project, run: id } },
            signal,
          }),
        ),
    })),
  });
  const waiting = states.flatMap(({ data }) => {
    const reasons = data ? reasonsOf(data) : [];
    return data && reasons.length > 0 ? [{ run: data, reasons }] : [];
  });
  return (
    <section className="mt-8" aria-labelledby="queue">
      <h2 id="queue" className="text-base font-semibold">
        {t("queue")}
      </h2>
      <p className="mb-3 text-muted">{t("queue.hint")}</p>
      {waiting.length === 0 && <p>{t("queue.empty")}</p>}
      <ul className="space-y-3">
        {waiting.map(({ run, reasons }) => (
          <li key={run.id} className="rounded-lg border border-line bg-surface p-3">
            <p className="flex flex-wrap items-center gap-2">
              <Link
                href={`/projects/${encodeURIComponent(project)}/runs/${run.id}`}
                className="inline-block py-0.5 font-medium hover:text-accent hover:underline"
              >
                {run.pipeline_name} #{run.number}
              </Link>
              <StateBadge state={stateOfRun(run)} />
            </p>
            <ul className="mt-1 space-y-1 pl-4">
              {reasons.map((reason) => (
                <li key={reason.node + (reason.wait?.kind ?? reason.gate?.kind ?? "")}>
                  <Explained project={project} reason={reason} />
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
      {(runs.data?.length ?? 0) >= MOST && (
        <p className="mt-2 text-muted">{t("queue.more", { n: MOST })}</p>
      )}
    </section>
  );
}

function useWhat(): (reason: Reason) => string {
  const t = useText(texts);
  return ({ wait, gate }) => {
    if (wait) return t(`wait.${wait.kind}` as "wait.mutex", { name: wait.name });
    if (!gate) return t("wait.slot");
    if (gate.signals) {
      const [came = 0, needed = 0] = gate.signals;
      return t("wait.signal", { came, needed });
    }
    const people = gate.reviewers.join(", ");
    return people ? t("wait.person", { people }) : t("wait.person.any");
  };
}

function Explained({ project, reason }: { project: string; reason: Reason }) {
  const t = useText(texts);
  const what = useWhat();
  const { wait, gate, name } = reason;
  const due = wait?.due_at ?? gate?.due_at;
  return (
    <span className="break-words">
      <span className="font-medium">{name || t("wait.run")}</span>{" "}
      <span className="text-muted">{t("wait.for")}</span> {what(reason)}
      {wait && wait.ahead > 0 && `; ${t("wait.ahead", { n: wait.ahead })}`}
      {wait && wait.holders.length > 0 && (
        <>
          ; {t("wait.held")}{" "}
          {wait.holders.map((holder, index) => (
            <span key={holder.run + holder.job}>
              {index > 0 && ", "}
              <Link
                href={`/projects/${encodeURIComponent(project)}/runs/${holder.run}`}
                className="text-accent underline underline-offset-2"
              >
                {holder.pipeline_name} #{holder.number}
              </Link>
              {holder.job_name && ` ${holder.job_name}`}
            </span>
          ))}
        </>
      )}
      {due && (
        <>
          ; {t("wait.due")} <RelativeTime at={due} />
        </>
      )}
    </span>
  );
}
