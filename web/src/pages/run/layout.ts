/**
 * Where the parts of the graph stand, in pixels at 100 %. Stages are columns, the last one is the
 * one that always runs; inside a stage jobs stand in columns by what they wait for. Pure.
 */
import type { Job, Stage } from "./model";

export const SIZES = {
  card: 210,
  head: 30,
  step: 26,
  below: 6,
  gapX: 26,
  gapY: 10,
  stageHead: 40,
  stageGap: 34,
  padding: 12,
  margin: 16,
} as const;

const MOST_ROWS_HIGH = 900; // pixels of cards one below the other, then the next column begins
const OPEN_UP_TO = 150; // steps of a run whose cards are all open at first

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface CardBox extends Box {
  job: Job;
  /** Its steps are shown. */
  open: boolean;
  /** Copies of a matrix job that are folded into this card. */
  copies: readonly Job[];
}

export interface StageBox extends Box {
  stage: Stage;
  folded: boolean;
  cards: readonly CardBox[];
}

export interface Edge {
  from: string;
  to: string;
  /** A path of SVG. */
  path: string;
}

export interface Layout {
  width: number;
  height: number;
  stages: readonly StageBox[];
  edges: readonly Edge[];
}

/** What a reader has folded or unfolded; what isn't named is as `isOpenAtFirst` says. */
export type Folds = Readonly<Record<string, boolean>>;

export function isOpenAtFirst(job: Job, steps: number): boolean {
  return steps <= OPEN_UP_TO || job.status === "failed";
}

export function layoutOf(stages: readonly Stage[], folds: Folds): Layout {
  const steps = stages.reduce(
    (sum, stage) => sum + stage.jobs.reduce((of, job) => of + job.steps.length, 0),
    0,
  );
  const boxes: StageBox[] = [];
  let x: number = SIZES.margin;
  for (const stage of stages) {
    const box = stageBox(stage, x, folds, steps);
    boxes.push(box);
    x += box.width + SIZES.stageGap;
  }
  const tallest = Math.max(0, ...boxes.map((box) => box.height));
  return {
    width: Math.max(x - SIZES.stageGap, SIZES.margin) + SIZES.margin,
    height: tallest + SIZES.margin * 2,
    stages: boxes,
    edges: [...between(boxes), ...boxes.flatMap(within)],
  };
}

function stageBox(stage: Stage, x: number, folds: Folds, steps: number): StageBox {
  const { padding, stageHead, card, margin: y } = SIZES;
  if (folds[stage.id] === false) {
    return { stage, folded: true, cards: [], x, y, width: card, height: stageHead };
  }
  const cards: CardBox[] = [];
  let left = x + padding;
  for (const column of columnsOf(stage, folds, steps)) {
    let top = y + stageHead;
    for (const item of column) {
      cards.push({ ...item, x: left, y: top });
      top += item.height + SIZES.gapY;
    }
    left += card + SIZES.gapX;
  }
  const bottom = Math.max(y + stageHead, ...cards.map((each) => each.y + each.height));
  const columns = Math.max(1, new Set(cards.map((each) => each.x)).size);
  return {
    stage,
    folded: false,
    cards,
    x,
    y,
    width: columns * card + (columns - 1) * SIZES.gapX + padding * 2,
    height: bottom - y + padding,
  };
}

type Card = Omit<CardBox, "x" | "y">;

/** Cards by how many jobs they wait for one after the other; a column that is too high is split. */
function columnsOf(stage: Stage, folds: Folds, steps: number): Card[][] {
  const columns: Card[][] = [];
  const levels = levelsOf(stage.jobs);
  const byLevel = grouped(cardsOf(stage, folds, steps), (card) => levels.get(card.job.id) ?? 0);
  for (const level of [...byLevel.keys()].sort((a, b) => a - b)) {
    let column: Card[] = [];
    let height = 0;
    for (const card of byLevel.get(level) ?? []) {
      if (column.length > 0 && height + card.height > MOST_ROWS_HIGH) {
        columns.push(column);
        column = [];
        height = 0;
      }
      column.push(card);
      height += card.height + SIZES.gapY;
    }
    columns.push(column);
  }
  return columns;
}

function cardsOf(stage: Stage, folds: Folds, steps: number): Card[] {
  const copies = grouped(
    stage.jobs.filter((job) => job.copy_of !== null),
    (job) => job.copy_of ?? "",
  );
  const isFolded = (matrix: string) => folds[matrix] !== true;
  return stage.jobs
    .filter((job) => job.copy_of === null || !isFolded(job.copy_of))
    .map((job) => {
      const own = copies.get(job.id) ?? [];
      const folded = own.length > 0 && isFolded(job.id);
      const open = own.length === 0 && (folds[job.id] ?? isOpenAtFirst(job, steps));
      const rows = open ? job.steps.length : 0;
      const height = SIZES.head + rows * SIZES.step + (rows > 0 ? SIZES.below : 0);
      return { job, open, copies: folded ? own : [], width: SIZES.card, height };
    });
}

function grouped<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

/** How far each job is from those that wait for nothing; copies stand where their matrix job is. */
export function levelsOf(jobs: readonly Job[]): ReadonlyMap<string, number> {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const levels = new Map<string, number>();
  const under = new Set<string>();
  function levelOf(id: string): number {
    const known = levels.get(id);
    if (known !== undefined) return known;
    const job = byId.get(id);
    if (!job || under.has(id)) return 0; // of another stage, or a circle
    under.add(id);
    const needs = job.copy_of ? (byId.get(job.copy_of)?.needs ?? job.needs) : job.needs;
    const level = Math.max(0, ...needs.filter((need) => byId.has(need)).map((n) => levelOf(n) + 1));
    under.delete(id);
    levels.set(id, level);
    return level;
  }
  for (const job of jobs) levelOf(job.id);
  return levels;
}

function between(boxes: readonly StageBox[]): Edge[] {
  const middle = SIZES.margin + SIZES.stageHead / 2;
  return boxes.slice(1).map((box, index) => {
    const before = boxes[index] as StageBox;
    return {
      from: before.stage.id,
      to: box.stage.id,
      path: `M${before.x + before.width} ${middle}H${box.x}`,
    };
  });
}

function within(box: StageBox): Edge[] {
  const cards = new Map(box.cards.map((card) => [card.job.id, card]));
  return box.cards.flatMap((card) => {
    if (card.job.copy_of) return [];
    return card.job.needs.flatMap((need) => {
      const from = cards.get(need);
      if (!from) return [];
      const [x1, y1] = [from.x + from.width, from.y + SIZES.head / 2];
      const [x2, y2] = [card.x, card.y + SIZES.head / 2];
      const bend = Math.max(12, (x2 - x1) / 2);
      const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
      return [{ from: need, to: card.job.id, path }];
    });
  });
}

/** What the arrow keys walk over: stages, cards and steps as they stand. */
export interface Stop extends Box {
  id: string;
  kind: "stage" | "job" | "step";
}

export function stopsOf(layout: Layout): Stop[] {
  return layout.stages.flatMap((box) => [
    { id: box.stage.id, kind: "stage" as const, ...place(box), height: SIZES.stageHead },
    ...box.cards.flatMap((card) => [
      { id: card.job.id, kind: "job" as const, ...place(card), height: SIZES.head },
      ...(card.open ? card.job.steps : []).map((step, row) => ({
        id: step.id,
        kind: "step" as const,
        x: card.x,
        y: card.y + SIZES.head + row * SIZES.step,
        width: card.width,
        height: SIZES.step,
      })),
    ]),
  ]);
}

function place({ x, y, width }: Box) {
  return { x, y, width };
}

export type Direction = "ArrowUp" | "ArrowDown" | "ArrowLeft" | "ArrowRight";

/** The next stop in a direction: the nearest one, where "beside" counts for more than "far". */
export function walk(stops: readonly Stop[], from: string, direction: Direction): string {
  const start = stops.find((stop) => stop.id === from);
  if (!start) return stops[0]?.id ?? from;
  const [sx, sy] = [start.x + start.width / 2, start.y + start.height / 2];
  let best: { id: string; cost: number } | null = null;
  for (const stop of stops) {
    const [dx, dy] = [stop.x + stop.width / 2 - sx, stop.y + stop.height / 2 - sy];
    const [along, aside] = alongAndAside(direction, dx, dy);
    if (along <= 1 || stop.id === from) continue;
    const cost = along + aside * (direction === "ArrowUp" || direction === "ArrowDown" ? 6 : 2);
    if (!best || cost < best.cost) best = { id: stop.id, cost };
  }
  return best?.id ?? from;
}

function alongAndAside(direction: Direction, dx: number, dy: number): [number, number] {
  switch (direction) {
    case "ArrowUp":
      return [-dy, Math.abs(dx)];
    case "ArrowDown":
      return [dy, Math.abs(dx)];
    case "ArrowLeft":
      return [-dx, Math.abs(dy)];
    case "ArrowRight":
      return [dx, Math.abs(dy)];
  }
}

/** Shorten a text to a width in pixels, roughly: Chinese characters are as wide as high. */
export function shortened(text: string, width: number, size = 13): string {
  let left = width;
  const kept: string[] = [];
  for (const char of text) {
    left -= widthOf(char, size);
    if (left < 0)
      return `${kept
        .slice(0, Math.max(1, kept.length - 1))
        .join("")
        .trimEnd()}…`;
    kept.push(char);
  }
  return text;
}

function widthOf(char: string, size: number): number {
  if (/[\u1100-\uffdc]/.test(char) || char.length > 1) return size;
  if (/[iljtf.,:;'|()[\] !]/.test(char)) return size * 0.34;
  return /[A-Zmw_@%]/.test(char) ? size * 0.72 : size * 0.56;
}
