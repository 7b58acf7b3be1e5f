import { expect, test } from "vitest";
import { asMarkdown, hashOf, linesOf } from "./lines";
import { highlighted } from "./row";
import { timeOf } from "./times";

test.each([
  ["#L120", { first: 120, last: 120 }],
  ["#L120-L140", { first: 120, last: 140 }],
  ["#L140-L120", { first: 120, last: 140 }],
  ["#L0", null],
  ["#else", null],
  ["", null],
])("%j names lines", (hash, lines) => expect(linesOf(hash)).toEqual(lines));

test("lines make an address again", () => {
  expect(hashOf({ first: 3, last: 3 })).toBe("#L3");
  expect(hashOf({ first: 3, last: 5 })).toBe("#L3-L5");
});

test("Markdown has a fence that the text can't break", () => {
  expect(asMarkdown("Log [x]", "http://h/#L1", "a\n```\nb")).toBe(
    "[Log \\[x\\]](http://h/#L1)\n\n````text\na\n```\nb\n````\n",
  );
});

test("what was found is marked, over the borders of colours", () => {
  const segments = [
    { text: "abc", style: {} },
    { text: "def", style: { bold: true } },
  ];
  expect(highlighted(segments, /cd/g).map(({ text, found }) => [text, found])).toEqual([
    ["ab", false],
    ["c", true],
    ["d", true],
    ["ef", false],
  ]);
});

test("times count from the first line", () => {
  expect(timeOf("elapsed", 63_005, 1000)).toBe("+01:02.005");
  expect(timeOf("off", 1, 1)).toBeNull();
  expect(timeOf("clock", new Date(2026, 0, 2, 3, 4, 5, 6).getTime(), null)).toBe("03:04:05.006");
});
