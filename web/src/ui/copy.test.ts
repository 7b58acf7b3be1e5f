import { expect, test } from "vitest";
import { asListCommand, asYaml, listPath } from "./copy";

test("values are strings in YAML, and names that would be something else are quoted", () => {
  const values = { version: "1.0", "a b": "x", yes: "no", "1st": 'say "hi"\n' };
  const lines = ['version: "1.0"', '"a b": "x"', '"yes": "no"', '"1st": "say \\"hi\\"\\n"', ""];
  expect(asYaml(values)).toBe(lines.join("\n"));
  expect(asYaml({})).toBe("{}\n");
});

test("a list that the program can't narrow so has no command", () => {
  const query = { search: "web api", label: "", status: "failed" };
  expect(listPath("/pipelines", query)).toBe("/pipelines?search=web+api&status=failed");
  expect(asListCommand(["pipelines"], query, ["search"])).toBeUndefined();
  expect(asListCommand(["pipelines"], { ...query, status: "" }, ["search"])).toBe(
    "mulligan pipelines --search 'web api'",
  );
});
