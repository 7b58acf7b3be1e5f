import { expect, test } from "vitest";
import { CAP, clamped, ROW, scaleOf, topFor, windowAt } from "./scale";

const HEIGHT = 600;

test("a short log is what it is", () => {
  const scale = scaleOf(100, HEIGHT);
  expect(scale).toMatchObject({ box: 2000, factor: 1, most: 1400 });
  expect(scaleOf(3, HEIGHT)).toMatchObject({ most: 0, factor: 1 });
});

test.each([400_001, 1_000_000, 10_000_000])("%i lines: both ends can be reached", (rows) => {
  const scale = scaleOf(rows, HEIGHT);
  expect(scale.box).toBe(CAP);
  const furthest = scale.box - HEIGHT; // what a browser lets one scroll
  const at = windowAt(scale, furthest * scale.factor, 0);
  expect(at.end).toBe(rows);
  expect((at.end - at.first) * ROW + at.offset).toBeCloseTo(HEIGHT, 3);
  expect(windowAt(scale, 0, 0)).toEqual({ first: 0, end: 30, offset: 0 });
});

test("every row can be brought into sight, also between two pixels of the box", () => {
  const scale = scaleOf(10_000_000, HEIGHT);
  for (const row of [0, 1, 12_345, 5_000_001, 9_999_999]) {
    const top = topFor(scale, -1e9, row);
    const seen = windowAt(scale, top, 0);
    expect(seen.first).toBeLessThanOrEqual(row);
    expect(seen.end).toBeGreaterThan(row);
  }
});

test("what is seen already stays where it is", () => {
  const scale = scaleOf(1000, HEIGHT);
  expect(topFor(scale, 100, 10)).toBe(100);
  expect(topFor(scale, 100, 500)).toBe(9800);
});

test("what is higher than a row can be scrolled through at the end", () => {
  const scale = scaleOf(10, HEIGHT, 900);
  expect(scale).toMatchObject({ most: 900, box: 1500, factor: 1 });
  expect(windowAt(scale, 900, 0)).toEqual({ first: 0, end: 10, offset: 0 });
  expect(clamped(scale, 5000)).toBe(900);
});
