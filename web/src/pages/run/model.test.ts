import { describe, expect, it } from "vitest";
import { plain } from "./log-lines";
import { isKept, nextFailure, ranAgain, stepToShow } from "./model";
import { commandOf } from "./places";
import { chosenMode, isSameWork } from "./recovery";
import { job, run, stage, step } from "./testing";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const ran = (from: number, to: number, status = "succeeded") => ({
  status,
  started_at: at(from),
  ended_at: at(to),
});

describe("a run", () => {
  const two = run(
    [
      stage("s", [
        job("a", [step("a1", ran(0, 1)), step("a2", ran(1, 2, "failed"))], ran(0, 2, "failed")),
        job("b", [step("b1", ran(0, 5, "failed"))], ran(0, 5, "failed")),
      ]),
    ],
    { status: "failed" },
  );

  it("leads from failure to failure, round and round", () => {
    expect(nextFailure(two, null, 1)).toBe("a2");
    expect(nextFailure(two, "a2", 1)).toBe("b1");
    expect(nextFailure(two, "b1", 1)).toBe("a2");
    expect(nextFailure(two, "a2", -1)).toBe("b1");
    expect(nextFailure(run([]), null, 1)).toBeNull();
  });

  it("shows the root failure first, then what goes on, then what ended last", () => {
    expect(stepToShow(two, "b1")).toBe("b1");
    expect(stepToShow(two, undefined)).toBe("a2");
    const going = run([stage("s", [job("a", [step("x", { status: "running" })])])]);
    expect(stepToShow(going, undefined)).toBe("x");
    expect(stepToShow(run([]), undefined)).toBeNull();
  });

  it("tells what was kept from what ran again", () => {
    const old = step("x", ran(0, 1));
    expect([isKept(old, 1), isKept(old, 2)]).toEqual([false, true]);
    expect(isKept(step("x", { status: "skipped", cause: "unreached", ended_at: at(1) }), 2)).toBe(
      false,
    );
    const again = step("x", { ...ran(5, 6), attempt: 2, run_attempt: 2 });
    expect([isKept(again, 2), ranAgain(again, 2), ranAgain(again, 3)]).toEqual([
      false,
      true,
      false,
    ]);
  });
});

describe("recovery", () => {
  const mode = (word: string, allowed: boolean) => ({
    mode: word,
    node: "n",
    name: "",
    allowed,
    needs_reason: false,
    plan: null,
    restores: null,
    environment: null,
    why_not: null,
    request: { method: "POST", path: "", body: {}, etag: "" },
  });
  const modes = (suggested: string | null) => ({
    run: "b-1",
    revision: 1,
    etag: "",
    step: "",
    suggested,
    changeable: null,
    items: [mode("retry-step", true), mode("skip-step", false), mode("retry-run", true)],
  });

  it("takes the user's choice, else the suggestion, never what isn't allowed", () => {
    expect(chosenMode(modes("retry-run"), "")?.mode).toBe("retry-run");
    expect(chosenMode(modes("retry-run"), "retry-step:n")?.mode).toBe("retry-step");
    expect(chosenMode(modes(null), "skip-step:n")?.mode).toBe("retry-step");
    expect(chosenMode(undefined, "")).toBeNull();
  });

  it("holds plans for the same that would do the same to the same nodes", () => {
    const node = (id: string, action: string) => ({
      kind: "step",
      id,
      name: id,
      action,
      reason: "",
    });
    const plan = (...nodes: ReturnType<typeof node>[]) =>
      ({ skip: false, nodes }) as unknown as Parameters<typeof isSameWork>[0];
    const first = plan(node("a", "rerun"), node("b", "keep"));
    expect(isSameWork(first, plan(node("a", "rerun"), node("b", "keep")))).toBe(true);
    expect(isSameWork(first, plan(node("a", "rerun"), node("b", "rerun")))).toBe(false);
    expect(isSameWork(first, plan(node("a", "rerun")))).toBe(false);
  });

  it("is given as a command that does the same", () => {
    const path = { project: "shop", run: "b-1" };
    const said = (word: string) => commandOf({ ...path, mode: word, node: "e-1" }, "it's down");
    expect(said("retry-step")).toBe(
      `mulligan retry b-1 --project shop --step e-1 --reason 'it'\\''s down'`,
    );
    expect(said("retry-failed")).toContain("--failed --stage e-1");
    expect(said("resume")).toBe("mulligan resume b-1 --project shop --step e-1");
  });
});

describe("a line of a log", () => {
  it("is shown without escapes, a progress bar as it ended", () => {
    expect(plain("\x1b[31merror\x1b[0m: no")).toBe("error: no");
    expect(plain("10%\r50%\r100%\r")).toBe("100%");
    expect(plain("\x1b]8;;http://x\x07link\x1b]8;;\x07")).toBe("link");
  });
});
