/** Rows of the Gantt chart: what waited and ran when, and the chain that the run's end hung on. Pure. */
import type { Schemas } from "@/api/client";
import { type State, stateOf } from "@/theme/status";
import { type Scale, type Span, scaleOf } from "./gantt-scale";
import { isKept, type Job, type Run, type Step } from "./model";

export type Timeline = Schemas["TimelineView"];
type Times = Schemas["NodeTimesView"];

/** One attempt of a job or step. Instants are milliseconds since the epoch. */
export interface Bar {
  attempt: number;
  state: State;
  /** Of a job: null = it didn't wait. */
  queued: number | null;
  start: number;
  end: number;
  /** Of a job: its first step begins, its last one has ended; null = it has none in this attempt. */
  steps: Span | null;
}

export interface Row {
  id: string;
  kind: "job" | "step";
  name: string;
  stage: string;
  node: Job | Step;
  /** Of the attempt of the run before the shown one, whose result was kept. */
  kept: boolean;
  /** Oldest first; the last one is that of the node as it is shown. */
  bars: readonly [...Bar[], Bar];
  critical: boolean;
  /** Milliseconds that it took in the run that this one is compared with. */
  usual: number | null;
  /** How much longer it took this time; negative: shorter; null: about as long, or not to be said. */
  slower: number | null;
}

export interface Gantt {
  rows: readonly Row[];
  scale: Scale;
  /** Something was tried before what the shown attempt of the run did itself. */
  hasEarlier: boolean;
}

const LEAST_DIFFERENCE_MS = 1000;
const LEAST_SHARE = 0.1; // of what it took before

const ms = (at: string | null) => (at === null ? null : Date.parse(at));

export function newest(row: Pick<Row, "bars">): Bar {
  return row.bars[row.bars.length - 1] as Bar;
}

/**
 * `timeline`: earlier attempts and the run to compare with, once they are known. `withEarlier`: also
 * what was kept, and attempts before the last of each node.
 */
export function ganttOf(
  run: Run,
  timeline: Timeline | undefined,
  now: number,
  withEarlier: boolean,
): Gantt {
  const times = new Map(timeline?.nodes.map((each) => [each.id, each]));
  const critical = criticalJobs(run, now);
  const all = run.stages.flatMap((stage) =>
    stage.jobs.flatMap((job) =>
      rowsOf(job, stage.name, run.attempt, times, now).map((row) => ({
        ...row,
        critical: critical.has(job.id),
      })),
    ),
  );
  const rows = all
    .filter((row) => withEarlier || !row.kept)
    .map((row) => (withEarlier ? row : { ...row, bars: [newest(row)] as const }));
  return {
    rows,
    scale: scaleOf(rows.flatMap(spansOf), now),
    hasEarlier: all.some((row) => row.kept || row.bars.length > 1),
  };
}

function spansOf(row: Row): Span[] {
  const spans = row.bars.map((bar) => ({ from: bar.queued ?? bar.start, to: bar.end }));
  const { start } = newest(row);
  return row.usual === null ? spans : [...spans, { from: start, to: start + row.usual }];
}

type Known = ReadonlyMap<string, Times>;

function rowsOf(job: Job, stage: string, attempt: number, times: Known, now: number): Row[] {
  const own = rowOf("job", job, stage, attempt, times, now);
  if (!own) return [];
  const steps = job.steps.flatMap((step) => rowOf("step", step, stage, attempt, times, now) ?? []);
  const worked = steps.flatMap((row) => row.bars);
  const bars = own.bars.map((bar) => ({ ...bar, steps: within(bar, worked) }));
  return [{ ...own, bars: bars as unknown as Row["bars"] }, ...steps];
}

/** From the first to the last step that ran in an attempt of a job. */
function within(bar: Bar, steps: readonly Bar[]): Span | null {
  const own = steps.filter(({ start }) => start >= bar.start && start <= bar.end);
  if (own.length === 0) return null;
  const to = Math.min(bar.end, Math.max(...own.map(({ end }) => end)));
  return { from: Math.min(...own.map(({ start }) => start)), to };
}

function rowOf(
  kind: Row["kind"],
  node: Job | Step,
  stage: string,
  attempt: number,
  times: Known,
  now: number,
): Row | null {
  if (node.status === "skipped" || node.status === "queued") return null;
  const last = barOf("queued_at" in node ? node : { ...node, queued_at: null }, node.attempt, now);
  if (!last) return null;
  const known = times.get(node.id);
  const earlier = (known?.tries ?? [])
    .filter((each) => each.number < node.attempt)
    .flatMap((each) => barOf(each, each.number, now) ?? []);
  const usual = known?.usual_seconds ?? null;
  return {
    id: node.id,
    kind,
    name: node.name,
    stage,
    node,
    kept: isKept(node, attempt),
    bars: [...earlier, last],
    critical: false,
    usual: usual === null ? null : usual * 1000,
    slower: usual === null ? null : difference(node.status, last.end - last.start, usual * 1000),
  };
}

interface Instants {
  status: string;
  cause?: string | null;
  queued_at: string | null;
  started_at: string | null;
  ended_at: string | null;
}

function barOf(times: Instants, attempt: number, now: number): Bar | null {
  const start = ms(times.started_at);
  if (start === null) return null;
  const queued = ms(times.queued_at);
  return {
    attempt,
    state: stateOf(times),
    queued: queued !== null && queued < start ? queued : null,
    start,
    end: Math.max(start, ms(times.ended_at) ?? now),
    steps: null,
  };
}

/** What ended badly says nothing about its time; what still runs can only be late. */
function difference(status: string, took: number, usual: number): number | null {
  const more = took - usual;
  if (Math.abs(more) < Math.max(LEAST_DIFFERENCE_MS, usual * LEAST_SHARE)) return null;
  if (status === "succeeded") return more;
  return status === "running" && more > 0 ? more : null;
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
