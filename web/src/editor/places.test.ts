import { yamlLanguage } from "@codemirror/lang-yaml";
import { expect, test } from "vitest";
import type { Graph } from "./call";
import { nodeAt, placesOf } from "./places";

/** A graph that has only what places are found by: `[stage, [job, [step, …]], …]`. */
function graph(...stages: [string, ...[string, string[]][]][]): Graph {
  return {
    name: "x",
    stages: stages.map(([id, ...jobs]) => ({
      id,
      jobs: jobs.map(([job, steps]) => ({ id: job, steps: steps.map((step) => ({ id: step })) })),
    })),
  } as unknown as Graph;
}

function lines(text: string, drawn: Graph): Record<string, number> {
  const places = placesOf(
    { sliceString: (from, to) => text.slice(from, to) },
    yamlLanguage.parser.parse(text),
    drawn,
  );
  return Object.fromEntries(
    places.map(({ id, from }) => [id, text.slice(0, from).split("\n").length]),
  );
}

test("stages, jobs and steps of a pipeline file", () => {
  const text = `version: v3.0
stages:
  - name: build
    jobs:
      one:
        steps:
          - name: a
            run: |
              x: y
          - name: b
            run: true
      two:
        steps: [{name: c}]
  - name: release
    jobs:
      three:
        steps:
          - run: d
`;
  const drawn = graph(["S1", ["J1", ["a", "b"]], ["J2", ["c"]]], ["S2", ["J3", ["d"]]]);
  expect(lines(text, drawn)).toEqual({
    S1: 3,
    J1: 5,
    a: 7,
    b: 10,
    J2: 12,
    c: 13,
    S2: 14,
    J3: 16,
    d: 18,
  });
});

test("a file with jobs or steps alone", () => {
  expect(lines("jobs:\n  a:\n    steps:\n    - run: x\n", graph(["S", ["J", ["s"]]]))).toEqual({
    J: 2,
    s: 4,
  });
  expect(
    lines("version: v3.0\nsteps:\n- run: x\n- run: y\n", graph(["S", ["J", ["s", "t"]]])),
  ).toEqual({ s: 3, t: 4 });
});

test("a model in JSON, whose first stage has the triggers", () => {
  const text = `{
  "stages": [
    {"containers": [{"elements": [{"name": "manual"}]}]},
    {"containers": [
      {"elements": [
        {"name": "a"}
      ]}
    ]}
  ]
}`;
  expect(lines(text, graph(["S", ["J", ["a"]]]))).toEqual({ S: 4, J: 5, a: 6 });
});

test.each(["", "# nothing", "stages: 3", "stages:\n", "- x", "{"])("%j has none", (text) =>
  expect(lines(text, graph(["S", ["J", ["s"]]]))).toEqual({}),
);

test("a place belongs to what begins last before it", () => {
  const places = [
    { id: "a", from: 10 },
    { id: "b", from: 20 },
  ];
  expect([nodeAt(places, 5), nodeAt(places, 10), nodeAt(places, 99)]).toEqual([null, "a", "b"]);
});
