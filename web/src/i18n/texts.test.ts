import { describe, expect, it } from "vitest";
import { area, type Text, translator } from ".";

type Table = Record<string, Text>;
const english = import.meta.glob<{ en: Table }>("./en/*.ts", { eager: true });
const chinese = import.meta.glob<{ zh: Table }>("./zh/*.ts", { eager: true });

function names(text: Text): string[] {
  const texts = typeof text === "string" ? [text] : [text.one, text.other];
  return [...new Set(texts.flatMap((each) => each.match(/\{\w+\}/g) ?? []))].sort();
}

describe("texts", () => {
  it("there are areas, in both languages", () => {
    const inChinese = Object.keys(chinese).map((path) => path.replace("/zh/", "/en/"));
    expect(Object.keys(english).length).toBeGreaterThan(1);
    expect(inChinese).toEqual(Object.keys(english));
  });

  it.each(Object.entries(english))("%s says the same with the same values", (path, { en }) => {
    const zh = chinese[path.replace("/en/", "/zh/")]?.zh ?? {};
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
    for (const [key, text] of Object.entries(en)) {
      expect([key, names(zh[key] ?? "")]).toEqual([key, names(text)]);
    }
  });

  it("fills values in and chooses the plural", () => {
    const texts = area({ runs: { one: "{n} run", other: "{n} runs" } } as const, {
      runs: "{n} 次执行",
    });
    expect(translator(texts, "en")("runs", { n: 1 })).toBe("1 run");
    expect(translator(texts, "en")("runs", { n: 1200 })).toBe("1,200 runs");
    expect(translator(texts, "zh")("runs", { n: 2 })).toBe("2 次执行");
  });
});
