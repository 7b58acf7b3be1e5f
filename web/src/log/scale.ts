/**
 * Where things are in a list of very many rows of one height. Browsers draw no box of more than
 * some 16 to 33 million pixels, so the box that is scrolled ends at `CAP` and stands for more: a
 * pixel of it is `scale` virtual pixels. Everything is counted in virtual pixels from the top.
 */

export const ROW = 20;
export const CAP = 8_000_000;
const OVERSCAN = 8;

export interface Scale {
  readonly rows: number;
  /** Of the window onto the list. */
  readonly height: number;
  /** Of the box that is scrolled. */
  readonly box: number;
  /** Virtual pixels in one of the box; 1 as long as the list fits. */
  readonly factor: number;
  /** The furthest that one can go. */
  readonly most: number;
  /** How much further that is because the last rows are higher than one row: they are wrapped. */
  readonly extra: number;
}

export function scaleOf(rows: number, height: number, extra = 0, cap: number = CAP): Scale {
  const all = rows * ROW;
  const most = Math.max(all - height, 0) + extra;
  const base = { rows, height, most, extra };
  if (all <= cap || cap <= height) return { ...base, box: Math.max(all, most + height), factor: 1 };
  return { ...base, box: cap, factor: most / (cap - height) };
}

export function clamped(scale: Scale, top: number): number {
  return Math.min(Math.max(top, 0), scale.most);
}

export interface Window {
  /** The first row to be drawn, and the one behind the last. */
  readonly first: number;
  readonly end: number;
  /** Where the first one stands, seen from the upper edge of the window. */
  readonly offset: number;
}

export function windowAt(scale: Scale, top: number, overscan: number = OVERSCAN): Window {
  const at = Math.min(clamped(scale, top), scale.most - scale.extra);
  const first = Math.max(Math.floor(at / ROW) - overscan, 0);
  const end = Math.min(Math.ceil((at + scale.height) / ROW) + overscan, scale.rows);
  return { first, end, offset: first * ROW - at };
}

/** Where to go so that a row can be seen; where one is if it can be already. */
export function topFor(scale: Scale, top: number, row: number): number {
  const seen = row * ROW >= top && (row + 1) * ROW <= top + scale.height;
  return seen ? top : clamped(scale, row * ROW - scale.height / 3);
}
