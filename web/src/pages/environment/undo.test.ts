import { describe, expect, it } from "vitest";
import type { Schemas } from "@/api/client";
import { undoable } from "./undo";

type Deployment = Schemas["DeploymentView"];

function acts(...given: [id: string, kind: string, target?: string, status?: string][]) {
  const items = given.map(
    ([id, kind, target = null, status = "succeeded"]) =>
      ({ id, kind, target, status }) as Deployment,
  );
  return items.reverse(); // newest first
}

describe("what an undo would restore", () => {
  it.each([
    ["nothing was done", acts(), null],
    ["the last act was a deployment", acts(["1", "deploy"], ["2", "deploy"]), null],
    ["one rollback", acts(["1", "deploy"], ["2", "deploy"], ["3", "rollback", "1"]), "2"],
    [
      "a rollback that failed counts for nothing",
      acts(["1", "deploy"], ["2", "deploy"], ["3", "rollback", "1", "failed"]),
      null,
    ],
    [
      "a rollback of a rollback",
      acts(["1", "deploy"], ["2", "deploy"], ["3", "rollback", "1"], ["4", "rollback", "2"]),
      "1",
    ],
    [
      "a failed deployment in between",
      acts(
        ["1", "deploy"],
        ["2", "deploy"],
        ["3", "deploy", undefined, "failed"],
        ["4", "rollback", "1"],
      ),
      "2",
    ],
    ["what was live is not known", acts(["3", "rollback", "1"]), null],
  ])("%s", (_what, history, wanted) => {
    expect(undoable(history)?.id ?? null).toBe(wanted);
  });
});
