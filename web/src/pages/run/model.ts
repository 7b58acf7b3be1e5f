/** A run as the page sees it: its nodes by id, what was kept, what failed. Pure. */
import type { Schemas } from "@/api/client";
import { isOver as isOverAt, type State, stateOf } from "@/theme/status";

export type Run = Schemas["RunState"];
export type Stage = Schemas["StageView"];
export type Job = Schemas["JobView"];
export type Step = Schemas["StepView"];

/** A step with what it lies in. */
export interface Place {
  stage: Stage;
  job: Job;
  step: Step;
}

export function* stepsOf(run: Run): Generator<Place> {
  for (const stage of run.stages) {
    for (const job of stage.jobs) {
      for (const step of job.steps) yield { stage, job, step };
    }
  }
}

export function findStep(run: Run, id: string): Place | null {
  for (const place of stepsOf(run)) if (place.step.id === id) return place;
  return null;
}

export function failedSteps(run: Run): Place[] {
  return [...stepsOf(run)].filter(({ step }) => step.status === "failed");
}

export const isOver = (run: Run): boolean => isOverAt(run);

/** It ran in an earlier attempt, and the shown one took over its result. */
export function isKept(node: Step | Job, attempt: number): boolean {
  return (
    node.run_attempt < attempt &&
    node.ended_at !== null &&
    node.status !== "queued" &&
    node.cause !== "unreached"
  );
}

/** It is at its second try or later. */
export function ranAgain(node: Step | Job, attempt: number): boolean {
  return node.attempt > 1 && !isKept(node, attempt);
}

/** The state of a node; a gate that is open in it makes it wait. */
export function stateOfNode(run: Run, node: Stage | Job | Step): State {
  const gate = run.gates.find((each) => each.node === node.id);
  if (gate) return gate.kind === "pause" ? "paused" : "waiting";
  return stateOf(node);
}

/** The step that is worth looking at: what failed, else what goes on, else what comes last. */
export function stepToShow(run: Run, root: string | undefined): string | null {
  if (root) return root;
  const all = [...stepsOf(run)].map(({ step }) => step);
  const failed = all.find((step) => step.status === "failed");
  const going = all.find((step) => step.status === "running");
  const ended = all.filter((step) => step.ended_at !== null && step.status !== "skipped");
  const newest = ended.reduce<Step | null>(
    (best, step) => (best && (best.ended_at ?? "") >= (step.ended_at ?? "") ? best : step),
    null,
  );
  return (going ?? failed ?? newest)?.id ?? null;
}

/** The failure after (`by` 1) or before (-1) a step, round and round. */
export function nextFailure(run: Run, from: string | null, by: 1 | -1): string | null {
  const all = [...stepsOf(run)].map(({ step }) => step);
  const failed = all.filter((step) => step.status === "failed");
  if (failed.length === 0) return null;
  const at = all.findIndex((step) => step.id === from);
  const order = by === 1 ? failed : [...failed].reverse();
  const beyond = order.find((step) => (all.indexOf(step) - at) * by > 0);
  return (beyond ?? order[0])?.id ?? null;
}

export function nameOfTarget(run: Run, node: string): string {
  for (const stage of run.stages) {
    if (stage.id === node) return stage.name;
    for (const job of stage.jobs) {
      if (job.id === node) return job.name;
      const step = job.steps.find((each) => each.id === node);
      if (step) return step.name;
    }
  }
  return "";
}

/** What a step says about its end, beyond its exit code. */
export function messageOf({ message }: { message: string }): string {
  return /^exit code \d+$/.test(message) ? "" : message;
}
