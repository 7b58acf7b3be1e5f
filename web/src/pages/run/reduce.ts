/** A run, brought forward by events until the server has told it anew. Pure. */
import type { ServerEvent } from "@/api/events";
import type { Job, Run, Stage, Step } from "./model";

const MOST_WAITING = 500; // events; older ones are in the next answer

type Fields = Record<string, unknown>;
type NodeChange = { node: string; change: Partial<Stage & Job & Step>; again?: boolean };
type Change = NodeChange["change"] & { /** How many tries have begun. */ more?: number };

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
  const changes = new Map<string, Change>();
  let head = run;
  for (const { event } of newer) {
    head = headAfter(head, event);
    const found = changeOf(event, head.attempt);
    if (!found) continue;
    const before = changes.get(found.node);
    const more = (before?.more ?? 0) + (found.again ? 1 : 0);
    changes.set(found.node, { ...before, ...found.change, more });
  }
  if (changes.size === 0) return head;
  return { ...head, stages: head.stages.map((stage) => changed(stage, changes)) };
}

function after<T extends { attempt: number }>(node: T, change: Change | undefined): T {
  if (!change) return node;
  const { more = 0, ...fields } = change;
  return { ...node, ...fields, attempt: node.attempt + more };
}

function changed(stage: Stage, changes: ReadonlyMap<string, Change>): Stage {
  const own = changes.get(stage.id);
  let touched = own !== undefined;
  const jobs = stage.jobs.map((job) => {
    const ofJob = changes.get(job.id);
    const hasSteps = job.steps.some((step) => changes.has(step.id));
    if (!ofJob && !hasSteps) return job;
    touched = true;
    const steps = hasSteps ? job.steps.map((step) => after(step, changes.get(step.id))) : job.steps;
    return { ...after(job, ofJob), steps };
  });
  return touched ? { ...after(stage, own), jobs } : stage;
}

function ended(event: Fields): Partial<Step> {
  return {
    status: String(event.status),
    cause: (event.cause as string | undefined) ?? null,
    ended_at: String(event.at),
  };
}

/** A node as it is before a try; the result of the one before is no longer its own. */
function fresh(run_attempt: number): NodeChange["change"] {
  const times = { queued_at: null, started_at: null, ended_at: null };
  const said = { exit_code: null, message: "", reason: "", progress: "", called: null };
  return { run_attempt, status: "queued", cause: null, runner: null, ...times, ...said };
}

/** What an event changes of a node; `attempt`: that of the run at that time. */
function changeOf(event: ServerEvent["event"], attempt: number): NodeChange | null {
  const node = String(event.node ?? "");
  const at = String(event.at);
  const run_attempt = Number(event.run_attempt ?? attempt);
  const running = { run_attempt, status: "running", cause: null, ended_at: null };
  switch (event.type) {
    case "StageReset":
    case "JobReset":
    case "StepReset":
    case "StepRetried":
      return { node, change: fresh(run_attempt), again: true };
    case "StageStarted":
      return { node, change: { ...running, started_at: at } };
    case "JobQueued":
      return { node, change: { run_attempt, queued_at: at } };
    case "JobClaimed":
      return { node, change: { ...running, started_at: at, runner: String(event.runner) } };
    case "StepStarted":
      return { node, change: { ...running, started_at: at } };
    case "StageFinished":
    case "JobFinished":
      return { node, change: { run_attempt, ...ended(event) } };
    case "StepFinished":
      return {
        node,
        change: {
          run_attempt,
          ...ended(event),
          exit_code: (event.exit_code as number | undefined) ?? null,
          message: String(event.message ?? ""),
        },
      };
    case "StepSkipped":
      return {
        node,
        change: { run_attempt, status: "skipped", cause: String(event.cause), ended_at: at },
      };
    default:
      return null;
  }
}

function headAfter(run: Run, event: ServerEvent["event"]): Run {
  switch (event.type) {
    case "RunStarted":
      return { ...run, status: "running", started_at: run.started_at ?? String(event.at) };
    case "RunRetried": {
      const { number = run.attempt } = event.attempt as { number?: number };
      return { ...run, attempt: number, status: "queued", cause: null, ended_at: null };
    }
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
