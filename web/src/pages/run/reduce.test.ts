import { describe, expect, it } from "vitest";
import type { ServerEvent } from "@/api/events";
import { findStep, type Run, stepsOf } from "./model";
import { forward, keep } from "./reduce";
import { anyRun, event, random } from "./testing";

const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);
const TYPES = ["StepStarted", "StepFinished", "StepSkipped", "SomethingNew"];

/** A history of steps, from the revision after that of the run on. */
function anyEvents(run: Run, seed: number): ServerEvent[] {
  const below = random(seed + 500);
  const steps = [...stepsOf(run)].map(({ step }) => step.id);
  if (steps.length === 0) return [];
  return Array.from({ length: below(30) }, (_, index) =>
    event(
      run.revision + 1 + index,
      TYPES[below(TYPES.length)] as string,
      steps[below(steps.length)],
      {
        status: below(2) === 0 ? "failed" : "succeeded",
        cause: "waived",
      },
    ),
  );
}

const gathered = (events: readonly ServerEvent[]) => events.reduce(keep, []);

describe("a run, brought forward by any events", () => {
  it.each(SEEDS)("is the same however often and in whatever order they come (%i)", (seed) => {
    const run = anyRun(seed);
    const events = anyEvents(run, seed);
    const once = forward(run, gathered(events));
    expect(forward(run, gathered([...events, ...events]))).toEqual(once);
    expect(forward(run, gathered([...events].reverse()))).toEqual(once);
  });

  it.each(SEEDS)("keeps its nodes, and leaves alone what nothing happened to (%i)", (seed) => {
    const run = anyRun(seed);
    const events = anyEvents(run, seed);
    const touched = new Set(events.map((each) => each.event.node));
    const after = forward(run, gathered(events));
    const before = [...stepsOf(run)];
    expect([...stepsOf(after)].map(({ step }) => step.id)).toEqual(
      before.map(({ step }) => step.id),
    );
    for (const { job } of before) {
      if (job.steps.some((step) => touched.has(step.id))) continue;
      const same = after.stages.flatMap((stage) => stage.jobs).find(({ id }) => id === job.id);
      expect(same).toBe(job); // the same object: it isn't drawn again
    }
  });

  it.each(SEEDS)("ignores what its answer knows already (%i)", (seed) => {
    const run = anyRun(seed);
    const events = anyEvents(run, seed);
    const newer = { ...run, revision: run.revision + events.length };
    expect(forward(newer, gathered(events))).toBe(newer);
    // and the answer that came in between changes nothing of what is shown for the rest
    const half = Math.floor(events.length / 2);
    const between = { ...forward(run, gathered(events.slice(0, half))), revision: 10 + half };
    const { stages } = forward(between, gathered(events));
    expect(stages).toEqual(forward(run, gathered(events)).stages);
  });
});

describe("single events", () => {
  const start = () => anyRun(3);
  const some = (run: Run) => [...stepsOf(run)][0]?.step.id as string;

  it("start and end a step", () => {
    const run = start();
    const id = some(run);
    const started = forward(run, [event(11, "StepStarted", id)]);
    expect(findStep(started, id)?.step.status).toBe("running");
    const over = { status: "failed", cause: "user", exit_code: 7, message: "boom" };
    const ended = forward(run, [event(11, "StepStarted", id), event(12, "StepFinished", id, over)]);
    expect(findStep(ended, id)?.step).toMatchObject(over);
    expect(findStep(ended, id)?.step.ended_at).not.toBeNull();
  });

  it("let a step that runs again begin anew, in the attempt of the run that they begin", () => {
    const run = start();
    const id = some(run);
    const before = findStep(run, id)?.step.attempt ?? 0;
    const attempt = run.attempt + 1;
    const after = forward(run, [
      event(11, "RunRetried", "", { attempt: { number: attempt } }),
      event(12, "StepReset", id, { run_attempt: attempt }),
      event(13, "StepStarted", id),
    ]);
    expect(after.attempt).toBe(attempt);
    expect(findStep(after, id)?.step).toMatchObject({
      attempt: before + 1,
      run_attempt: attempt,
      status: "running",
      exit_code: null,
    });
  });

  it("end the run, and close what it waited at", () => {
    const gate = { node: "s0", kind: "pause", group: "", reviewers: [], signals: null };
    const run = { ...start(), gates: [{ ...gate, opened_at: "", due_at: null }] };
    expect(forward(run, [event(11, "GateClosed", "s0")]).gates).toEqual([]);
    const ended = forward(run, [event(11, "RunFinished", "", { status: "failed" })]);
    expect([ended.status, ended.gates]).toEqual(["failed", []]);
  });

  it("of other runs change nothing", () => {
    const run = start();
    expect(forward(run, [{ ...event(11, "RunFinished"), run: "b-2" }])).toBe(run);
  });
});
