import { describe, expect, it } from "vitest";
import { criticalJobs, ganttOf, newest, type Timeline } from "./gantt-rows";
import { scaleOf, ticksOf } from "./gantt-scale";
import { job, run, stage, step } from "./testing";

const ZERO = Date.parse("2026-01-01T00:00:00Z");
const at = (second: number) => new Date(ZERO + second * 1000).toISOString();
const ran = (from: number, to: number) => ({
  status: "succeeded",
  started_at: at(from),
  ended_at: at(to),
});
const seconds = (time: number | null) => (time === null ? null : (time - ZERO) / 1000);

type Times = Timeline["nodes"][number];

function timeline(nodes: readonly Partial<Times>[]): Timeline {
  const green = { id: "b-0", number: 7, branch: "", ended_at: at(0) };
  const whole = nodes.map((each) => ({
    id: "",
    kind: "job",
    tries: [],
    usual_seconds: null,
    ...each,
  }));
  return { run: "b-1", green, nodes: whole, is_whole: true };
}

function aTry(number: number, from: number, to: number, more: object = {}): Times["tries"][number] {
  const times = { queued_at: null, started_at: at(from), ended_at: at(to) };
  return { number, run_attempt: number, status: "failed", ...times, ...more };
}

describe("a row of the Gantt chart", () => {
  it("splits waiting, preparing, running and finishing", () => {
    const one = job("a", [step("a1", ran(4, 6)), step("a2", ran(6, 9))], {
      ...ran(3, 10),
      queued_at: at(1),
    });
    const { rows, scale } = ganttOf(run([stage("s", [one])]), undefined, ZERO + 20_000, true);
    expect(rows.map(({ id }) => id)).toEqual(["a", "a1", "a2"]);
    const bar = newest(rows[0] as (typeof rows)[0]);
    expect(
      [bar.queued, bar.start, bar.steps?.from ?? 0, bar.steps?.to ?? 0, bar.end].map(seconds),
    ).toEqual([1, 3, 4, 9, 10]);
    expect([scale.from, scale.to].map(seconds)).toEqual([1, 10]);
  });

  it("goes on to now while it runs", () => {
    const one = job("a", [], { status: "running", started_at: at(3) });
    const { rows } = ganttOf(run([stage("s", [one])]), undefined, ZERO + 20_000, true);
    expect(rows.map((row) => seconds(newest(row).end))).toEqual([20]);
  });

  it("has a bar for each attempt of its node up to the one that is shown", () => {
    const known = timeline([
      { id: "b", tries: [aTry(1, 1, 2, { queued_at: at(0) }), aTry(2, 8, 9), aTry(3, 20, 30)] },
      { id: "b1", kind: "step", tries: [aTry(1, 1.5, 2), aTry(2, 8, 9), aTry(3, 20, 30)] },
    ]);
    const again = job("b", [step("b1", { ...ran(8, 9), attempt: 2, run_attempt: 2 })], {
      ...ran(8, 9),
      attempt: 2,
      run_attempt: 2,
    });
    const second = run([stage("s", [again])], { attempt: 2 });
    const bars = (withEarlier: boolean) =>
      ganttOf(second, known, 0, withEarlier).rows.map((row) =>
        row.bars.map((bar) => [bar.attempt, bar.state, seconds(bar.queued), seconds(bar.start)]),
      );
    expect(bars(false)).toEqual([[[2, "succeeded", null, 8]], [[2, "succeeded", null, 8]]]);
    expect(bars(true)).toEqual([
      [
        [1, "failed", 0, 1],
        [2, "succeeded", null, 8],
      ],
      [
        [1, "failed", null, 1.5],
        [2, "succeeded", null, 8],
      ],
    ]);
    const [first] = ganttOf(second, known, 0, true).rows;
    expect(first?.bars.map(({ steps }) => seconds(steps?.from ?? null))).toEqual([1.5, 8]);
    expect(ganttOf(second, known, 0, false).hasEarlier).toBe(true);
  });

  it("is left out where its result was kept, unless earlier ones are wanted", () => {
    const kept = job("a", [step("a1", ran(0, 1))], ran(0, 1));
    const again = job("b", [step("b1", { ...ran(8, 9), run_attempt: 2 })], {
      ...ran(8, 9),
      run_attempt: 2,
    });
    const second = run([stage("s", [kept, again])], { attempt: 2 });
    const ids = (withEarlier: boolean) =>
      ganttOf(second, undefined, 0, withEarlier).rows.map((row) => row.id);
    expect(ids(false)).toEqual(["b", "b1"]);
    expect(ids(true)).toEqual(["a", "a1", "b", "b1"]);
  });

  it.each([
    ["succeeded", 30, 10, 20],
    ["succeeded", 10, 30, -20],
    ["succeeded", 10, 10.5, null], // less than a second
    ["succeeded", 100, 95, null], // less than a tenth
    ["failed", 30, 10, null],
    ["running", 30, 10, 20],
    ["running", 10, 30, null],
    ["succeeded", 30, null, null],
  ])("compares what %s after %d s with %s s before", (status, took, usual, slower) => {
    const one = job("a", [], { ...ran(0, took), status });
    const known = timeline([{ id: "a", usual_seconds: usual }]);
    const [row] = ganttOf(run([stage("s", [one])]), known, 0, true).rows;
    expect(row?.slower).toBe(slower === null ? null : slower * 1000);
    expect(row?.usual).toBe(usual === null ? null : usual * 1000);
  });
});

describe("the axis", () => {
  const s = (from: number, to: number) => ({ from, to });

  it("has room for what the run is compared with", () => {
    const one = job("a", [], ran(0, 10));
    const known = timeline([{ id: "a", usual_seconds: 40 }]);
    const { scale } = ganttOf(run([stage("s", [one])]), known, 0, true);
    expect([scale.from, scale.to].map(seconds)).toEqual([0, 40]);
  });

  it.each([
    ["is even where something always runs", [s(0, 60), s(50, 100)], [0, 50, 100], [0, 50, 100], 0],
    ["keeps short gaps", [s(0, 45), s(50, 100)], [45, 50, 100], [45, 50, 100], 0],
    ["folds long ones", [s(1000, 1050), s(0, 50)], [0, 50, 1000, 1050], [0, 48.5, 51.5, 100], 1],
  ])("%s", (_, spans, times, parts, folds) => {
    const scale = scaleOf(spans, 0);
    expect(times.map((time) => Math.round(scale.at(time) * 10) / 10)).toEqual(parts);
    expect(scale.folds.length).toBe(folds);
  });

  it("tells the time at each place, back and forth", () => {
    const scale = scaleOf([s(0, 50), s(1000, 1050)], 0);
    for (const time of [0, 20, 50, 700, 1010, 1050]) {
      expect(scale.timeAt(scale.at(time) / 100)).toBeCloseTo(time);
    }
  });

  it("is there when nothing has run, or all at one instant", () => {
    expect(scaleOf([], 5)).toMatchObject({ from: 5, to: 6 });
    const point = scaleOf([s(7, 7)], 0);
    expect([point.at(7), point.timeAt(0)]).toEqual([0, 7]);
  });
});

describe("the chain that decided how long a stage took", () => {
  it("ends with the job that ended last", () => {
    const jobs = [
      job("short", [step("1")], ran(0, 2)),
      job("long", [step("2")], ran(0, 6)),
      job("last", [step("3")], { ...ran(6, 8), needs: ["short", "long"] }),
    ];
    expect([...criticalJobs(run([stage("s", jobs)]), 0)].sort()).toEqual(["last", "long"]);
  });
});

describe("the axis", () => {
  const parts = [0, 0.25, 0.5, 0.75, 1];

  it("of a short run says tenths of seconds, so that no two parts read the same", () => {
    const scale = scaleOf([{ from: 0, to: 2000 }], 2000);
    expect(ticksOf(scale, parts, "en")).toEqual(["0s", "0.5s", "1s", "1.5s", "2s"]);
  });

  it("leaves out what would read the same", () => {
    const scale = scaleOf([{ from: 0, to: 2 }], 2);
    const texts = ticksOf(scale, parts, "en").filter((text) => text !== "");
    expect(new Set(texts).size).toBe(texts.length);
  });
});
