/** Where an instant lies on the axis of the Gantt chart. Long times in which nothing ran are folded. Pure. */

import { formatDuration, formatSeconds } from "@/ui/time";

export interface Span {
  from: number;
  to: number;
}

export interface Scale extends Span {
  /** Percent of the width. */
  at: (time: number) => number;
  /** The instant at a part (0 to 1) of the width. */
  timeAt: (part: number) => number;
  /** Times that were folded. */
  folds: readonly Span[];
}

const IDLE_SHARE = 0.1; // a gap that is longer than this share of all work is folded …
const FOLDED_SHARE = 0.03; // … to this share of it

/** Make the axis for what is drawn; `spans` needn't be in order. */
export function scaleOf(spans: readonly Span[], now: number): Scale {
  const busy = merged(spans);
  const from = busy[0]?.from ?? now;
  const to = Math.max(busy.at(-1)?.to ?? now, from + 1);
  const work = Math.max(
    1,
    busy.reduce((sum, each) => sum + each.to - each.from, 0),
  );
  const folds: Span[] = [];
  const marks = [{ time: from, x: 0 }];
  const go = (time: number, wide: number) =>
    marks.push({ time, x: (marks.at(-1) as { x: number }).x + wide });
  busy.forEach((each, index) => {
    const before = busy[index - 1];
    if (before) {
      const gap = each.from - before.to;
      const isLong = gap > work * IDLE_SHARE;
      if (isLong) folds.push({ from: before.to, to: each.from });
      go(each.from, isLong ? work * FOLDED_SHARE : gap);
    }
    go(each.to, each.to - each.from);
  });
  if (busy.length === 0 || marks.at(-1)?.x === 0) go(to, 1);
  const width = marks.at(-1)?.x ?? 1;
  return {
    from,
    to,
    folds,
    at: (time) => (between(marks, "time", "x", time) / width) * 100,
    timeAt: (part) => between(marks, "x", "time", part * width),
  };
}

/** What stands at parts of the axis: exact enough to differ, and nothing where it would not. */
export function ticksOf(scale: Scale, parts: readonly number[], locale: string): string[] {
  const whole = scale.to - scale.from;
  const isShort = whole >= 1000 && whole < 10_000;
  const say = isShort ? formatSeconds : formatDuration;
  const texts = parts.map((part) => say(scale.timeAt(part) - scale.from, locale));
  return texts.map((text, index) => (text === texts[index - 1] ? "" : text));
}

type Mark = { time: number; x: number };

/** Read a value between two marks, on straight lines. */
function between(
  marks: readonly Mark[],
  given: keyof Mark,
  wanted: keyof Mark,
  value: number,
): number {
  const next = marks.findIndex((mark) => mark[given] >= value);
  if (next === 0) return (marks[0] as Mark)[wanted];
  const [a, b] = next < 0 ? marks.slice(-1) : marks.slice(next - 1, next + 1);
  if (!a) return 0;
  if (!b || b[given] === a[given]) return a[wanted];
  return a[wanted] + ((value - a[given]) / (b[given] - a[given])) * (b[wanted] - a[wanted]);
}

function merged(spans: readonly Span[]): Span[] {
  const found: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else found.push({ ...span });
  }
  return found;
}
