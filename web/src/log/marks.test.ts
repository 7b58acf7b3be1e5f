import { expect, test } from "vitest";
import { Folding, groupsOf, MARKS, type Mark, markOf } from "./marks";

test.each([
  ["##[group]Install", "open", "Install"],
  ["##[endgroup]", "close", ""],
  ["::group::Build it", "open", "Build it"],
  ["::endgroup::", "close", ""],
  ["section_start:1700000000:build\rCompile", "open", "Compile"],
  ["section_end:1700000000:build\r", "close", ""],
  ["--- Running tests", "head", "Running tests"],
  ["+++ Failed", "head", "Failed"],
  ["##[error]exit code 1", "error", "exit code 1"],
  ["::error file=a.c,line=3::no such thing", "error", "no such thing"],
  ["::error::plain", "error", "plain"],
  ["##[warning]old", "warning", "old"],
  ["::warning::old", "warning", "old"],
  ["ERROR: it broke", "error", "ERROR: it broke"],
  ["src/a.c:10:5: error: expected ;", "error", "src/a.c:10:5: error: expected ;"],
  ["src/a.c:10:5: warning: unused", "warning", "src/a.c:10:5: warning: unused"],
  ["error[E0382]: borrow", "error", "error[E0382]: borrow"],
  ["fatal: not a git repository", "error", "fatal: not a git repository"],
  ["Traceback (most recent call last):", "error", "Traceback (most recent call last):"],
  ["npm ERR! code 1", "error", "npm ERR! code 1"],
  ["WARNING: deprecated", "warning", "WARNING: deprecated"],
])("%j is a mark: %s", (line, kind, title) => {
  expect(markOf(7, line)).toMatchObject({ line: 7, kind, title });
});

test.each([
  "no error here",
  "0 errors: fine",
  "--- a/src/file.ts",
  "+++ b/src/file.ts",
  "--- /dev/null",
  "---",
  "an ERROR in the middle",
  "WARNINGS 3",
])("%j is none", (line) => expect(markOf(1, line)).toBeNull());

test("the server can be asked for them", () => expect(MARKS.length).toBeLessThan(1000));

function marks(...lines: string[]): Mark[] {
  return lines.map((line, place) => markOf(place + 1, line)).filter((mark) => mark !== null);
}

test("groups may be nested, and one that is not closed lasts to the end", () => {
  const found = groupsOf(
    marks("##[group]a", "x", "::group::b", "y", "::endgroup::", "##[endgroup]", "##[group]c", "z"),
    8,
  );
  expect(found).toMatchObject([
    { line: 1, last: 6, title: "a", depth: 0 },
    { line: 3, last: 5, title: "b", depth: 1 },
    { line: 7, last: 8, title: "c", depth: 0 },
  ]);
});

test("a section is ended by its name, and a head by the next one", () => {
  const sections = marks(
    "section_start:1:a[collapsed=true]\rA",
    "section_start:1:b\rB",
    "section_end:2:a\r",
  );
  expect(groupsOf(sections, 5)).toMatchObject([
    { line: 1, last: 3, folded: true },
    { line: 2, last: 3, folded: false },
  ]);
  expect(groupsOf(marks("--- a", "x", "##[group]g", "--- b", "x"), 5)).toMatchObject([
    { line: 1, last: 3 },
    { line: 3, last: 3 },
    { line: 4, last: 5 },
  ]);
  expect(groupsOf(marks("##[endgroup]", "x"), 2)).toEqual([]);
});

test("folded lines have no row", () => {
  const groups = groupsOf(
    marks("x", "##[group]a", "1", "2", "##[endgroup]", "y", "##[group]b", "3", "##[endgroup]", "z"),
    10,
  );
  const folding = new Folding(10, groups, () => true);
  const seen = Array.from({ length: folding.rows }, (_, row) => folding.lineAt(row));
  expect(seen).toEqual([1, 2, 6, 7, 10]);
  expect([1, 2, 3, 5, 6, 8, 10].map((line) => folding.rowOf(line))).toEqual([0, 1, 1, 1, 2, 3, 4]);
  const open = new Folding(10, groups, () => false);
  expect([open.rows, open.lineAt(9), open.rowOf(10)]).toEqual([10, 10, 9]);
});

test("what is in a folded group is hidden with it", () => {
  const groups = groupsOf(
    marks("##[group]a", "##[group]b", "1", "##[endgroup]", "##[endgroup]", "y"),
    6,
  );
  expect(new Folding(6, groups, () => true).rows).toBe(2);
});
