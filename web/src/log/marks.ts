/** Lines that mean something: errors, warnings, and groups as four families of tools write them. */

export type MarkKind = "error" | "warning" | "open" | "close" | "head";

export interface Mark {
  readonly line: number;
  readonly kind: MarkKind;
  /** What is written behind the mark. */
  readonly title: string;
  /** Of a section: what its end must say, too. */
  readonly name?: string;
  /** The author wants it folded. */
  readonly folded?: boolean;
}

const PLACE = "(?:[^\\s:]+:\\d+(?::\\d+)?: )?";

/** For the server, which searches with RE2, and for lines as they come. Anchored: cheap. */
export const MARKS = [
  "^(?:##\\[(?:group|endgroup|error|warning)\\]",
  "::(?:group|endgroup|error|warning)(?:[: ]|$)",
  "section_(?:start|end):\\d+:",
  "(?:---|\\+\\+\\+|~~~) \\S",
  "[ \\t]*(?:npm ERR!|ERROR\\b|FATAL\\b|WARN(?:ING)?\\b|Traceback \\(most recent)",
  `[ \\t]*${PLACE}(?:fatal error|fatal|error|Error|warning|Warning)(?:\\[\\w+\\])?: )`,
].join("|");

const ANY = new RegExp(MARKS);
const FORMS: readonly (readonly [RegExp, (found: RegExpExecArray) => Omit<Mark, "line">])[] = [
  [/^(?:##\[group\]|::group::)(.*)/, (found) => ({ kind: "open", title: text(found[1]) })],
  [/^(?:##\[endgroup\]|::endgroup::)/, () => ({ kind: "close", title: "" })],
  [/^##\[(error|warning)\](.*)/, issue],
  [/^::(error|warning)(?: [^:]*(?::[^:]+)*)?::(.*)/, issue],
  [
    /^section_start:\d+:([^\r[\s]+)(\[[^\]]*\])?\r?(.*)/,
    (found) => ({
      kind: "open",
      title: text(found[3]) || text(found[1]),
      name: found[1],
      folded: /collapsed=true/.test(found[2] ?? ""),
    }),
  ],
  [/^section_end:\d+:([^\r[\s]+)/, (found) => ({ kind: "close", title: "", name: found[1] })],
  [/^(---|\+\+\+|~~~) (?!(?:"?[ab]\/|\/dev\/null))(\S.*)/, head],
  [/^\s*(?:npm ERR!|ERROR\b|FATAL\b|Traceback|.*?(?:fatal|error|Error)(?:\[\w+\])?: )/, bad],
  [/^\s*(?:WARN(?:ING)?\b|.*?(?:warning|Warning)(?:\[\w+\])?: )/, warned],
];

function issue(found: RegExpExecArray): Omit<Mark, "line"> {
  return { kind: found[1] === "error" ? "error" : "warning", title: text(found[2]) };
}

function head(found: RegExpExecArray): Omit<Mark, "line"> {
  return { kind: "head", title: text(found[2]), folded: found[1] === "~~~" };
}

function bad(found: RegExpExecArray): Omit<Mark, "line"> {
  return { kind: "error", title: found.input.trim() };
}

function warned(found: RegExpExecArray): Omit<Mark, "line"> {
  return { kind: "warning", title: found.input.trim() };
}

function text(part: string | undefined): string {
  return (part ?? "").trim();
}

/** Tell what a line means; `plain`: without escape sequences, `\r` kept. */
export function markOf(line: number, plain: string): Mark | null {
  if (!ANY.test(plain)) return null;
  for (const [form, make] of FORMS) {
    const found = form.exec(plain);
    if (found) return { line, ...make(found) };
  }
  return null;
}

export interface Group {
  /** The line of its title. */
  readonly line: number;
  /** The last line in it. */
  readonly last: number;
  readonly title: string;
  readonly depth: number;
  readonly folded: boolean;
}

/** Find the groups; one that is not closed lasts as long as the log. Marks ascend by line. */
export function groupsOf(marks: readonly Mark[], total: number): Group[] {
  const groups: Group[] = [];
  let open: { mark: Mark; place: number }[] = [];
  function end(place: number, last: number): void {
    for (const each of open.slice(place)) close(each, last);
    open = open.slice(0, place);
  }
  function close({ mark, place }: { mark: Mark; place: number }, last: number): void {
    const { line, title, folded = false } = mark;
    groups[place] = { line, last, title, depth: groups[place]?.depth ?? 0, folded };
  }
  for (const mark of marks) {
    if (mark.kind === "head") end(findHead(open), mark.line - 1);
    if (mark.kind === "open" || mark.kind === "head") {
      const place = groups.length;
      groups.push({ line: mark.line, last: total, title: "", depth: open.length, folded: false });
      open.push({ mark, place });
    } else if (mark.kind === "close") end(findOpen(open, mark), mark.line);
  }
  end(0, total);
  return groups;
}

type Open = readonly { mark: Mark }[];

/** A head ends the one before it and all that was opened since. */
function findHead(open: Open): number {
  const place = open.findIndex(({ mark }) => mark.kind === "head");
  return place < 0 ? open.length : place;
}

function findOpen(open: Open, end: Mark): number {
  const place = open.findLastIndex(
    ({ mark }) => mark.kind === "open" && (end.name === undefined || mark.name === end.name),
  );
  return place < 0 ? open.length : place;
}

/** Which rows there are when some groups are folded, and which line each is. */
export class Folding {
  readonly rows: number;
  /** Lines that can't be seen, from `first` to `last`; `before`: how many are hidden up to it. */
  private readonly hidden: { first: number; last: number; before: number }[] = [];

  constructor(total: number, groups: readonly Group[], isFolded: (group: Group) => boolean) {
    let before = 0;
    let covered = 0;
    for (const group of groups) {
      const first = Math.max(group.line + 1, covered + 1);
      const last = Math.min(group.last, total);
      if (first > last || group.line <= covered || !isFolded(group)) continue;
      this.hidden.push({ first, last, before });
      before += last - first + 1;
      covered = last;
    }
    this.rows = Math.max(total - before, 0);
  }

  /** Give the line (from 1) that stands in a row (from 0). */
  lineAt(row: number): number {
    const found = this.last((each) => each.first - 1 - each.before <= row);
    return found ? row + 1 + found.before + (found.last - found.first + 1) : row + 1;
  }

  /** Give the row of a line, or of the title under which it is hidden. */
  rowOf(line: number): number {
    const found = this.last((each) => each.first <= line);
    if (!found) return line - 1;
    if (line <= found.last) return found.first - 2 - found.before;
    return line - 1 - found.before - (found.last - found.first + 1);
  }

  private last(is: (each: { first: number; last: number; before: number }) => boolean) {
    let low = 0;
    let high = this.hidden.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const each = this.hidden[middle];
      if (each && is(each)) low = middle + 1;
      else high = middle;
    }
    return this.hidden[low - 1];
  }
}
