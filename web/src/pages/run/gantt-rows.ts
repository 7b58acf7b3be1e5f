/** Rows of the Gantt chart: what waited and ran when, and the chain that the run's end hung on. Pure. */
import { isKept, type Job, type Run, type Step } from "./model";

export interface Row {
  id: string;
  kind: "job" | "step";
  name: string;
  stage: string;
  node: Job | Step;
  /** Of the attempt of the run before the shown one, whose result was kept. */
  kept: boolean;
  /** Milliseconds since the epoch; null = it didn't wait. */
  queued: number | null;
  start: number;
  end: number;
  critical: boolean;
}

export interface Gantt {
  rows: readonly Row[];
  from: number;
  to: number;
}

const ms = (at: string | null) => (at === null ? null : Date.parse(at));

/** What is kept is left out unless `withKept`: its times are those of another attempt. */
export function ganttOf(run: Run, now: number, withKept: boolean): Gantt {
  const critical = criticalJobs(run, now);
  const rows = run.stages.flatMap((stage) =>
    stage.jobs.flatMap((job) => {
      const own = rowOf("job", job, stage.name, run.attempt, now);
      if (!own) return [];
      const queued = ms(job.queued_at);
      const waited = queued !== null && queued < own.start ? queued : null;
      const steps = job.steps.flatMap(
        (step) => rowOf("step", step, stage.name, run.attempt, now) ?? [],
      );
      return [{ ...own, queued: waited }, ...steps]
        .filter((row) => withKept || !row.kept)
        .map((row) => ({ ...row, critical: critical.has(job.id) }));
    }),
  );
  if (rows.length === 0) return { rows, from: now, to: now };
  const from = Math.min(...rows.map((row) => row.queued ?? row.start));
  const to = Math.max(...rows.map((row) => row.end));
  return { rows, from, to: Math.max(to, from + 1) };
}

function rowOf(
  kind: Row["kind"],
  node: Job | Step,
  stage: string,
  attempt: number,
  now: number,
): Row | null {
  const start = ms(node.started_at);
  if (start === null || node.status === "skipped" || node.status === "queued") return null;
  const end = Math.max(start, ms(node.ended_at) ?? now);
  return {
    id: node.id,
    kind,
    name: node.name,
    stage,
    node,
    kept: isKept(node, attempt),
    queued: null,
    start,
    end,
    critical: false,
  };
}

/** Of each stage the job that ended last, and what it waited for in turn. */
export function criticalJobs(run: Run, now: number): ReadonlySet<string> {
  const found = new Set<string>();
  for (const stage of run.stages) {
    const ran = stage.jobs.filter((job) => job.started_at !== null && job.steps.length > 0);
    const byId = new Map(ran.map((job) => [job.id, job]));
    let next = last(ran, now);
    while (next && !found.has(next.id)) {
      found.add(next.id);
      next = last(
        next.needs.flatMap((id) => byId.get(id) ?? []),
        now,
      );
    }
  }
  return found;
}

function last(jobs: readonly Job[], now: number): Job | null {
  const end = (job: Job) => ms(job.ended_at) ?? now;
  return jobs.reduce<Job | null>((best, job) => (best && end(best) >= end(job) ? best : job), null);
}
