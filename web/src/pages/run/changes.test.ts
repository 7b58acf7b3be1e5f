import { describe, expect, it } from "vitest";
import {
  bodyOf,
  countOf,
  diffLines,
  NO_CHANGES,
  shownBody,
  withEnv,
  withInput,
  withParameter,
  withTimeout,
} from "./changes";
import { commandOf } from "./places";

const draft = withParameter(
  withTimeout(
    withEnv(withInput(NO_CHANGES, "e-1", "script", "make"), "e-1", "MODE", "x"),
    "e-1",
    60,
  ),
  "mirror",
  null,
);

describe("changes for the next attempt", () => {
  it("are counted, sent, and forgotten when they are taken back", () => {
    expect(countOf(draft)).toBe(4);
    expect(bodyOf(draft)).toEqual({
      changes: {
        steps: { "e-1": { inputs: { script: "make" }, env: { MODE: "x" }, timeout_s: 60 } },
        parameters: { mirror: null },
      },
    });

    const back = withTimeout(
      withEnv(withInput(draft, "e-1", "script", undefined), "e-1", "MODE"),
      "e-1",
    );
    expect(bodyOf(withParameter(back, "mirror"))).toEqual({});
    expect(back.steps).toEqual({});
  });

  it("are copied for a shell without the values of secrets", () => {
    const change = { kind: "env", step: "e-1", step_name: "", name: "MODE", before: "", after: "" };
    const { changes } = shownBody(draft, [{ ...change, secret: true }]);
    const mode = { project: "shop", run: "b-1", mode: "retry-step", node: "e-1" };

    expect(commandOf(mode, "", changes)).toBe(
      "mulligan retry b-1 --project shop --step e-1 --input e-1.script=make " +
        "--step-env 'e-1.MODE=…' --step-timeout e-1=60 --reset mirror",
    );
  });

  it("show of long texts the lines that differ, and what stands around them", () => {
    expect(diffLines("a\nb\nc\nd\ne", "a\nb\nc\nx\ny\ne")).toEqual([
      " b",
      " c",
      "-d",
      "+x",
      "+y",
      " e",
    ]);
    expect(diffLines("", "a\nb")).toEqual(["+a", "+b"]);
    expect(diffLines("a\na", "a")).toEqual([" a", "-a"]);
  });
});
