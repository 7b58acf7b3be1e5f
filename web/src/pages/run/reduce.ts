/**
 * A run, brought forward by events until the server has told it anew. Pure. What an event says only
 * in part (a retry resets many nodes) is left to that next answer.
 */
import type { ServerEvent } from "@/api/events";
import type { Job, Run, Stage, Step } from "./model";

const MOST_WAITING = 500; // events; older ones are in the next answer

type Fields = Record<string, unknown>;
type NodeChange = { node: string; change: Partial<Stage & Job & Step> };

/** Add an event to those that wait; each counts once, in the order of the server. */
export function keep(waiting: readonly ServerEvent[], event: ServerEvent): readonly ServerEvent[] {
  if (waiting.some(({ seq }) => seq === event.seq)) return waiting;
  const last = waiting.at(-1);
  const next = [...waiting, event];
  if (last && last.seq > event.seq) next.sort((a, b) => a.seq - b.seq);
  return next.slice(-MOST_WAITING);
}

/** Show a run as it is after the events that its answer doesn't know yet. */
export function forward(run: Run, waiting: readonly ServerEvent[]): Run {
  const newer = waiting.filter((each) => each.run === run.id && each.revision > run.revision);
  if (newer.length === 0) return run;
  const changes = new Map<string, NodeChange["change"]>();
  let head = run;
  for (const { event } of newer) {
    const change = changeOf(event);
    if (change) changes.set(change.node, { ...changes.get(change.node), ...change.change });
    head = headAfter(head, event);
  }
  if (changes.size === 0) return head;
  return { ...head, stages: head.stages.map((stage) => changed(stage, changes)) };
}

function changed(stage: Stage, changes: ReadonlyMap<string, NodeChange["change"]>): Stage {
  const own = changes.get(stage.id);
  let touched = own !== undefined;
  const jobs = stage.jobs.map((job) => {
    const ofJob = changes.get(job.id);
    const hasSteps = job.steps.some((step) => changes.has(step.id));
    if (!ofJob && !hasSteps) return job;
    touched = true;
    const steps = hasSteps
      ? job.steps.map((step) => ({ ...step, ...changes.get(step.id) }) as Step)
      : job.steps;
    return { ...job, ...ofJob, steps } as Job;
  });
  return touched ? ({ ...stage, ...own, jobs } as Stage) : stage;
}

function ended(event: Fields): Partial<Step> {
  return {
    status: String(event.status),
    cause: (event.cause as string | undefined) ?? null,
    ended_at: String(event.at),
  };
}

function changeOf(event: ServerEvent["event"]): NodeChange | null {
  const node = String(event.node ?? "");
  const at = String(event.at);
  const running = { status: "running", cause: null, ended_at: null };
  switch (event.type) {
    case "StageStarted":
      return { node, change: { ...running, started_at: at } };
    case "JobQueued":
      return { node, change: { queued_at: at } };
    case "JobClaimed":
      return { node, change: { ...running, started_at: at, runner: String(event.runner) } };
    case "StepStarted":
      return { node, change: { ...running, started_at: at } };
    case "StageFinished":
    case "JobFinished":
      return { node, change: ended(event) };
    case "StepFinished":
      return {
        node,
        change: {
          ...ended(event),
          exit_code: (event.exit_code as number | undefined) ?? null,
          message: String(event.message ?? ""),
        },
      };
    case "StepSkipped":
      return { node, change: { status: "skipped", cause: String(event.cause), ended_at: at } };
    default:
      return null;
  }
}

function headAfter(run: Run, event: ServerEvent["event"]): Run {
  switch (event.type) {
    case "RunStarted":
      return { ...run, status: "running", started_at: run.started_at ?? String(event.at) };
    case "RunFinished": {
      const { status = run.status, cause = null, ended_at = null } = ended(event);
      return { ...run, status, cause, ended_at, gates: [], waits: [] };
    }
    case "GateClosed":
      return { ...run, gates: run.gates.filter((gate) => gate.node !== event.node) };
    case "RemarkWritten":
      return { ...run, remark: String(event.text ?? "") };
    default:
      return run;
  }
}
