/**
 * What a terminal would show of one line: colours and the like (SGR), overwriting (`\r`, `\b`),
 * erasing and moving within the line, links (OSC 8). It makes data, never HTML.
 */

/** 0 to 15: a colour of the theme; else as CSS writes it. */
export type Colour = number | string;

export interface Style {
  readonly fg?: Colour;
  readonly bg?: Colour;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly italic?: boolean;
  readonly underline?: boolean;
  readonly strike?: boolean;
  readonly inverse?: boolean;
  /** Where it leads to: http and https alone. */
  readonly href?: string;
}

export interface Segment {
  readonly text: string;
  readonly style: Style;
}

export interface Parsed {
  readonly segments: readonly Segment[];
  /** How the next line begins. */
  readonly end: Style;
}

export const PLAIN: Style = {};
const WIDEST = 20_000; // cells; a line has 16 KiB, moving to the right makes no more than this

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it is about
const CONTROL = /\x1b(?:\[([0-?]*)[ -/]*([@-~])|\]([^\x07\x1b]*)(?:\x07|\x1b\\)|[@-_]|)|[\r\b]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: characters that nobody can see
const INVISIBLE = /[\x00-\x08\x0b-\x1f\x7f]/g;
const MOVES = new Set(["K", "C", "D", "G", "P", "X"]);

// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const HAS_CONTROL = /[\x1b\r\b]/;

/** Give what is to be read: no escape sequence, of a progress bar what it said last. */
export function plainText(text: string): string {
  const { segments } = parseLine(text);
  return segments.map((segment) => segment.text).join("");
}

/** Leave out escape sequences and nothing else, as the server does when it searches. */
export function bareText(text: string): string {
  return text.replace(CONTROL, (found) => (found.startsWith("\x1b") ? "" : found));
}

export function parseLine(text: string, start: Style = PLAIN): Parsed {
  if (!HAS_CONTROL.test(text)) return { segments: whole(visible(text), start), end: start };
  const line = new Line(start);
  let position = 0;
  for (const found of text.matchAll(CONTROL)) {
    line.write(visible(text.slice(position, found.index)));
    line.obey(found);
    position = found.index + found[0].length;
  }
  line.write(visible(text.slice(position)));
  return { segments: line.segments(), end: withoutLink(line.style) };
}

/** The same as `parseLine(text, start).end`, without making anything of what is read. */
export function styleBehind(text: string, start: Style): Style {
  if (!HAS_CONTROL.test(text)) return start;
  let style = start;
  for (const [, parameters, final, command] of text.matchAll(CONTROL)) {
    if (command !== undefined) style = linked(style, command);
    else if (final === "m") style = styled(style, parameters ?? "");
  }
  return withoutLink(style);
}

function visible(text: string): string {
  return text.replace(INVISIBLE, "");
}

function whole(text: string, style: Style): Segment[] {
  return text ? [{ text, style }] : [];
}

function withoutLink(style: Style): Style {
  if (style.href === undefined) return style;
  const { href: _, ...rest } = style;
  return rest;
}

/** Appends as long as it can, and becomes cells when something is written over. */
class Line {
  style: Style;
  private parts: Segment[] = [];
  private cells: { text: string; style: Style }[] | null = null;
  private column = 0;

  constructor(style: Style) {
    this.style = style;
  }

  write(text: string): void {
    if (!text) return;
    if (!this.cells) {
      this.parts.push({ text, style: this.style });
      return;
    }
    for (const character of text) {
      this.fill(this.column);
      this.cells[this.column] = { text: character, style: this.style };
      this.column += 1;
    }
  }

  obey([sequence, parameters, final, command]: RegExpMatchArray): void {
    if (command !== undefined) this.style = linked(this.style, command);
    else if (final === "m") this.style = styled(this.style, parameters ?? "");
    else if (sequence === "\r" || sequence === "\b" || MOVES.has(final ?? "")) {
      this.move(final ?? sequence, parameters ?? "");
    }
  }

  segments(): Segment[] {
    const found: Segment[] = [];
    for (const { text, style } of this.cells ?? this.parts) {
      const last = found.at(-1);
      if (last && last.style === style) found[found.length - 1] = { text: last.text + text, style };
      else found.push({ text, style });
    }
    return found;
  }

  private move(what: string, parameters: string): void {
    const cells = this.become();
    const count = Math.min(Number.parseInt(parameters, 10) || 0, WIDEST);
    const many = Math.max(count, 1);
    if (what === "\r") this.column = 0;
    else if (what === "\b" || what === "D")
      this.column = Math.max(this.column - (what === "D" ? many : 1), 0);
    else if (what === "C") this.column = Math.min(this.column + many, WIDEST);
    else if (what === "G") this.column = many - 1;
    else if (what === "P") cells.splice(this.column, many);
    else if (what === "X") this.blank(this.column, Math.min(this.column + many, cells.length));
    else if (count === 0) cells.length = Math.min(cells.length, this.column);
    else if (count === 1) this.blank(0, Math.min(this.column + 1, cells.length));
    else if (count === 2) cells.length = 0;
  }

  private become(): { text: string; style: Style }[] {
    if (!this.cells) {
      this.cells = this.parts.flatMap(({ text, style }) =>
        Array.from(text, (character) => ({ text: character, style })),
      );
      this.column = this.cells.length;
    }
    return this.cells;
  }

  private fill(until: number): void {
    const cells = this.become();
    while (cells.length < until) cells.push({ text: " ", style: PLAIN });
  }

  private blank(from: number, until: number): void {
    for (let place = from; place < until; place += 1)
      this.become()[place] = { text: " ", style: PLAIN };
  }
}

function linked(style: Style, command: string): Style {
  const found = /^8;[^;]*;(.*)$/.exec(command);
  if (!found) return style;
  const rest = withoutLink(style);
  const href = safe(found[1] ?? "");
  return href ? { ...rest, href } : rest;
}

function safe(address: string): string {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return "";
  return new URL(address).href;
}

const SWITCHES: Record<number, Style> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: undefined, dim: undefined },
  23: { italic: undefined },
  24: { underline: undefined },
  27: { inverse: undefined },
  29: { strike: undefined },
  39: { fg: undefined },
  49: { bg: undefined },
};

const MOST_KEPT = 256;
const kept = new WeakMap<Style, Map<string, Style>>();

/** Most logs have few looks: the same sequence behind the same style gives the same object. */
function styled(style: Style, parameters: string): Style {
  const known = kept.get(style) ?? new Map<string, Style>();
  const found = known.get(parameters);
  if (found) return found;
  if (known.size >= MOST_KEPT) known.clear();
  const next = changed(style, parameters);
  kept.set(style, known.set(parameters, next));
  return next;
}

function changed(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let next = style;
  for (let place = 0; place < codes.length; place += 1) {
    const code = codes[place] ?? 0;
    const [change, used] = meaning(code, codes.slice(place + 1));
    next = code === 0 ? reset(style) : { ...next, ...change };
    place += used;
  }
  return next;
}

function meaning(code: number, rest: readonly number[]): [Style, number] {
  if (code !== 38 && code !== 48) return [SWITCHES[code] ?? basic(code), 0];
  const [colour, used] = extended(rest);
  if (colour === undefined) return [PLAIN, used];
  return [code === 38 ? { fg: colour } : { bg: colour }, used];
}

/** A link goes on until it is ended. */
function reset({ href }: Style): Style {
  return href ? { href } : PLAIN;
}

function basic(code: number): Style {
  if (code >= 30 && code <= 37) return { fg: code - 30 };
  if (code >= 40 && code <= 47) return { bg: code - 40 };
  if (code >= 90 && code <= 97) return { fg: code - 82 };
  if (code >= 100 && code <= 107) return { bg: code - 92 };
  return PLAIN;
}

/** Read what follows 38 or 48: a colour and how many numbers it took. */
function extended(codes: readonly number[]): [Colour | undefined, number] {
  if (codes[0] === 5) return [palette(codes[1] ?? 0), 2];
  if (codes[0] !== 2) return [undefined, codes.length];
  const given = codes.slice(1, 4).map((each) => Math.min(Math.max(each || 0, 0), 255));
  return given.length === 3 ? [`rgb(${given.join(" ")})`, 4] : [undefined, codes.length];
}

const STEPS = [0, 95, 135, 175, 215, 255];

export function palette(code: number): Colour {
  const index = Math.min(Math.max(code || 0, 0), 255);
  if (index < 16) return index;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const cube = index - 16;
  const parts = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6];
  return `rgb(${parts.map((part) => STEPS[part]).join(" ")})`;
}
