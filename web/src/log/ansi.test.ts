import { expect, test } from "vitest";
import { bareText, PLAIN, palette, parseLine, plainText, styleBehind } from "./ansi";

const E = "\x1b";

test.each([
  ["plain", "plain"],
  [`${E}[1;31mred${E}[0m and not`, "red and not"],
  ["10%\r20%\r100%", "100%"],
  ["abcdef\rxyz", "xyzdef"],
  [`abcdef\r${E}[Kxyz`, "xyz"],
  [`abc${E}[2Kd`, "   d"],
  ["abc\b\bX", "aXc"],
  [`abc${E}[2DX`, "aXc"],
  [`a${E}[3Cb`, "a   b"],
  [`abc${E}[1GX`, "Xbc"],
  [`${E}]0;a title\x07text`, "text"],
  [`section_start:1:x\r${E}[0KTitle`, "Title"],
  ["进度 1\r进度 2", "进度 2"],
  [`end ${E}`, "end "],
  ["tab\there\x00", "tab\there"],
])("%j is read as %j", (given, seen) => expect(plainText(given)).toBe(seen));

test("only escape sequences are left out of what is searched", () => {
  expect(bareText(`${E}[0Ksection_start:1:x\r${E}[0KTitle`)).toBe("section_start:1:x\rTitle");
});

test("styles last until they are ended, over the ends of lines, too", () => {
  const first = parseLine(`a${E}[1;31mb`);
  expect(first.segments).toEqual([
    { text: "a", style: PLAIN },
    { text: "b", style: { bold: true, fg: 1 } },
  ]);
  expect(parseLine(`c${E}[22md`, first.end).segments).toEqual([
    { text: "c", style: { bold: true, fg: 1 } },
    { text: "d", style: { fg: 1 } },
  ]);
});

test.each([
  ["38;5;9", { fg: 9 }],
  ["48;5;196", { bg: "rgb(255 0 0)" }],
  ["38;2;1;2;300", { fg: "rgb(1 2 255)" }],
  ["38;2;1;2;3;1", { fg: "rgb(1 2 3)", bold: true }],
  ["97;100", { fg: 15, bg: 8 }],
  ["4;9;7;3;2", { underline: true, strike: true, inverse: true, italic: true, dim: true }],
  ["38", {}],
  ["999", {}],
])("SGR %s", (codes, style) => {
  expect(parseLine(`${E}[${codes}mx`).segments).toEqual([{ text: "x", style }]);
});

test("the palette has a cube of colours and greys", () => {
  expect([palette(15), palette(16), palette(231), palette(232), palette(255)]).toEqual([
    15,
    "rgb(0 0 0)",
    "rgb(255 255 255)",
    "rgb(8 8 8)",
    "rgb(238 238 238)",
  ]);
});

test("links lead to http and https alone", () => {
  const link = (address: string) => parseLine(`${E}]8;;${address}${E}\\text${E}]8;;${E}\\ more`);
  expect(link("https://example.org/a").segments).toEqual([
    { text: "text", style: { href: "https://example.org/a" } },
    { text: " more", style: {} },
  ]);
  for (const bad of ["javascript:alert(1)", "data:text/html,x", "https://", "file:///etc"]) {
    expect(link(bad).segments.map((segment) => segment.style.href)).not.toContainEqual(
      expect.anything(),
    );
  }
});

test("a move to the right makes no endless line", () => {
  expect(plainText(`a${E}[999999999Cb`).length).toBeLessThan(30_000);
});

test.each([
  "plain",
  `${E}[1;31mred`,
  `${E}[1mbold${E}[0m`,
  `10%\r${E}[32m20%${E}[K`,
  `${E}]8;;https://example.org\x07here`,
  `${E}[4mend ${E}[`,
])("the style behind %j is that of the whole", (text) => {
  for (const start of [PLAIN, { fg: 3, bold: true }, { href: "https://example.org/" }]) {
    expect(styleBehind(text, start)).toEqual(parseLine(text, start).end);
  }
});
