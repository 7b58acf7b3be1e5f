import { describe, expect, it } from "vitest";
import {
  type Box,
  type Direction,
  type Folds,
  type Layout,
  layoutOf,
  levelsOf,
  shortened,
  stopsOf,
  walk,
} from "./layout";
import { anyRun, job, random, run, stage, step } from "./testing";

const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);
const DIRECTIONS: readonly Direction[] = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"];

function anyLayout(seed: number): { layout: Layout; folds: Folds } {
  const { stages } = anyRun(seed);
  const below = random(seed + 1000);
  const nodes = stages.flatMap((each) => [each.id, ...each.jobs.map(({ id }) => id)]);
  const folds = Object.fromEntries(
    nodes.filter(() => below(3) === 0).map((id) => [id, below(2) === 0]),
  );
  return { layout: layoutOf(stages, folds), folds };
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function inside(inner: Box, outer: Box): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

describe("the layout of any run", () => {
  it.each(SEEDS)("lets nothing overlap and keeps everything inside (%i)", (seed) => {
    const { layout } = anyLayout(seed);
    const whole = { x: 0, y: 0, width: layout.width, height: layout.height };
    for (const [index, box] of layout.stages.entries()) {
      expect(inside(box, whole)).toBe(true);
      for (const other of layout.stages.slice(index + 1)) expect(overlap(box, other)).toBe(false);
      for (const [at, card] of box.cards.entries()) {
        expect(inside(card, box)).toBe(true);
        for (const other of box.cards.slice(at + 1)) expect(overlap(card, other)).toBe(false);
      }
    }
  });

  it.each(SEEDS)("shows every job once, as a card or in that of its matrix job (%i)", (seed) => {
    const { layout } = anyLayout(seed);
    for (const box of layout.stages) {
      const shown = box.cards.flatMap((card) => [card.job, ...card.copies]).map(({ id }) => id);
      const expected = box.folded ? [] : box.stage.jobs.map(({ id }) => id);
      expect(shown.sort()).toEqual(expected.sort());
    }
  });

  it.each(SEEDS)("puts a job to the right of what it waits for (%i)", (seed) => {
    for (const box of anyLayout(seed).layout.stages) {
      const cards = new Map(box.cards.map((card) => [card.job.id, card]));
      for (const card of box.cards) {
        if (card.job.copy_of) continue;
        for (const need of card.job.needs) expect(cards.get(need)?.x).toBeLessThan(card.x);
      }
    }
  });

  it.each(SEEDS)("is walked by arrows: each leads on in its direction or stays (%i)", (seed) => {
    const stops = stopsOf(anyLayout(seed).layout);
    const byId = new Map(stops.map((stop) => [stop.id, stop]));
    for (const stop of stops) {
      for (const direction of DIRECTIONS) {
        const next = byId.get(walk(stops, stop.id, direction)) as (typeof stops)[number];
        if (next.id === stop.id) continue;
        const dx = next.x + next.width / 2 - (stop.x + stop.width / 2);
        const dy = next.y + next.height / 2 - (stop.y + stop.height / 2);
        const along = { ArrowUp: -dy, ArrowDown: dy, ArrowLeft: -dx, ArrowRight: dx }[direction];
        expect(along).toBeGreaterThan(0);
      }
    }
  });
});

describe("the layout", () => {
  it("keeps the order of stages, the one that always runs last", () => {
    const { stages } = run([stage("a", []), stage("b", []), stage("z", [], { is_finally: true })]);
    const { stages: boxes } = layoutOf(stages, {});
    expect(boxes.map((box) => box.stage.id)).toEqual(["a", "b", "z"]);
    const places = boxes.map((box) => box.x);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it("folds a matrix job at first and shows its copies when asked", () => {
    const copies = ["m1", "m2"].map((id) => job(id, [step(`${id}e`)], { copy_of: "m" }));
    const { stages } = run([stage("a", [job("m", []), ...copies])]);
    expect(layoutOf(stages, {}).stages[0]?.cards).toHaveLength(1);
    expect(layoutOf(stages, { m: true }).stages[0]?.cards).toHaveLength(3);
  });

  it("does not hang on jobs that wait for each other", () => {
    const circle = [job("a", [], { needs: ["b"] }), job("b", [], { needs: ["a"] })];
    expect([...levelsOf(circle).keys()].sort()).toEqual(["a", "b"]);
  });

  it("places a thousand jobs in an instant", () => {
    const jobs = Array.from({ length: 1000 }, (_, n) => job(`j${n}`, [step(`j${n}e`)]));
    const layout = layoutOf([stage("a", jobs)], {});
    expect(layout.stages[0]?.cards).toHaveLength(1000);
    expect(layout.height).toBeLessThan(1200);
  });

  it("shortens names to their room, Chinese ones sooner", () => {
    expect(shortened("lint", 100)).toBe("lint");
    expect(shortened("a very long name of a step", 100)).toMatch(/^a very .+…$/);
    expect(shortened("🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀", 100)).toBe("🚀🚀🚀🚀🚀🚀…");
    expect(shortened("部署到生产环境并且验证", 100).length).toBeLessThan(9);
  });
});
