/** Runs for tests: shapes by a few words, everything else as the server would have it. */
import type { ServerEvent } from "@/api/events";
import type { Job, Run, Stage, Step } from "./model";

const AT = "2026-01-01T00:00:00Z";

/** The same numbers for the same seed. */
export function random(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return Math.floor((state / 4294967296) * below);
  };
}

export function step(id: string, more: Partial<Step> = {}): Step {
  return {
    id,
    name: id,
    ref: "",
    kind: "script",
    status: "queued",
    cause: null,
    attempt: 1,
    run_attempt: 1,
    exit_code: null,
    message: "",
    reason: "",
    called: null,
    progress: "",
    started_at: null,
    ended_at: null,
    ...more,
  };
}

export function job(id: string, steps: Step[], more: Partial<Job> = {}): Job {
  return {
    id,
    name: id,
    ref: "",
    copy_of: null,
    values: {},
    needs: [],
    status: "queued",
    cause: null,
    attempt: 1,
    run_attempt: 1,
    mode: "",
    message: "",
    runner: null,
    workspace: "fresh",
    queued_at: null,
    started_at: null,
    ended_at: null,
    steps,
    ...more,
  };
}

export function stage(id: string, jobs: Job[], more: Partial<Stage> = {}): Stage {
  return {
    id,
    name: id,
    ref: "",
    is_finally: false,
    status: "queued",
    cause: null,
    attempt: 1,
    started_at: null,
    ended_at: null,
    jobs,
    ...more,
  };
}

export function run(stages: Stage[], more: Partial<Run> = {}): Run {
  return {
    id: "b-1",
    number: 1,
    project: "shop",
    pipeline: "p-1",
    pipeline_name: "shop/api",
    version: 1,
    status: "queued",
    cause: null,
    attempt: 1,
    revision: 10,
    actor: "lin",
    start_kind: "manual",
    message: "",
    remark: "",
    branch: "",
    commit: "",
    recovery: null,
    queued_at: AT,
    started_at: null,
    ended_at: null,
    verdict: "",
    caller: null,
    attempts: [],
    parameters: [],
    waivers: [],
    gates: [],
    waits: [],
    stages,
    ...more,
  };
}

/** Any pipeline: stages with jobs that wait for earlier ones, some of them matrix jobs. */
export function anyRun(seed: number): Run {
  const below = random(seed);
  const stages: Stage[] = [];
  for (let s = 0; s <= below(5); s += 1) {
    const jobs: Job[] = [];
    for (let j = 0; j < below(9); j += 1) {
      const id = `s${s}j${j}`;
      const needs = jobs.filter((each) => !each.copy_of && below(4) === 0).map((each) => each.id);
      const steps = Array.from({ length: below(5) }, (_, n) => step(`${id}e${n}`));
      if (below(6) === 0) {
        jobs.push(job(id, [], { needs }));
        for (let c = 0; c < 1 + below(4); c += 1) {
          jobs.push(job(`${id}c${c}`, [step(`${id}c${c}e0`)], { copy_of: id, needs }));
        }
      } else jobs.push(job(id, steps, { needs }));
    }
    stages.push(stage(`s${s}`, jobs));
  }
  return run(stages);
}

/** An event of the run above, `seq` also being its revision. */
export function event(seq: number, type: string, node = "", more: object = {}): ServerEvent {
  return {
    seq,
    revision: seq,
    run: "b-1",
    project: "shop",
    pipeline: "p-1",
    event: { type, node, at: AT, ...more },
  };
}
