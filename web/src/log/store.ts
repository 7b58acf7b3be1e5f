/**
 * The log of one attempt of a step, as far as it is looked at: chunks of lines by their numbers,
 * what means something in it, and what is being written. Nothing is ever held whole.
 */
import { API, api, isAway, ok, type Schemas } from "@/api/client";
import { bareText, PLAIN, type Style, styleBehind } from "./ansi";
import { MARKS, type Mark, markOf } from "./marks";

export const CHUNK = 500;
const MOST_CHUNKS = 40;
const MOST_ASKED = 2; // at once: who drags the bar over millions of lines stops somewhere
const MOST_MARKS = 20_000;
const MARK_PAGES = 100; // answers of at most a second each
const RETRY_MS = [500, 1000, 2000, 4000, 8000];
const EXACT_MS = 1000; // times of new lines are asked for once in so long

type LogPage = Schemas["LogPage"];

export interface LogPath {
  project: string;
  run: string;
  step: string;
  attempt: number;
}

export interface Line {
  text: string;
  /** When it came, in milliseconds; of a line that has just come: as this browser's clock says. */
  at: number;
  /** It goes on with the next number. */
  continues: boolean;
  /** How colours are at its beginning. */
  style: Style;
}

interface Chunk {
  lines: Line[];
  usedAt: number;
  /** Some of its times are guesses. */
  guessed: boolean;
}

export type Connection = "loading" | "live" | "waiting" | "ended" | "failed";

/** A log at one moment. The page is made of this alone: the store goes on while React draws. */
export interface Seen {
  readonly total: number;
  readonly connection: Connection;
  readonly error: unknown;
  /** When the first line came. */
  readonly beganAt: number | null;
  readonly marks: readonly Mark[];
  /** There are more marks than are kept. */
  readonly marksCut: boolean;
  /** All that was there at the beginning was looked at for marks. */
  readonly isScanned: boolean;
}

export class LogStore {
  private total = 0;
  private connection: Connection = "loading";
  private error: unknown = null;
  private beganAt: number | null = null;
  private marks: readonly Mark[] = [];
  private marksCut = false;
  private isScanned = false;
  private seen: Seen = this.look();

  private readonly chunks = new Map<number, Chunk>();
  private readonly asked = new Set<number>();
  private readonly listeners = new Set<() => void>();
  private readonly over = new AbortController();
  private found = new Map<number, Mark>();
  private source: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private frame = 0;
  private failures = 0;
  private clock = 0;
  private exactAt = 0;
  /** Lines that are complete: the next one that comes has the next number. */
  private complete = 0;
  private offset = 0;

  constructor(readonly path: LogPath) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The same until the next frame in which something has changed. */
  getSeen = (): Seen => this.seen;

  /** Read the beginning, the end, or what a link leads to; then listen if it goes on. */
  async open(line: number, fromEnd: boolean): Promise<void> {
    try {
      const last = await this.insist(() => (line > 0 || !fromEnd ? this.start(line) : this.last()));
      await this.listen(last);
    } catch (error) {
      this.fail(error);
      return;
    }
    // without its marks a log can still be read
    await this.scan().catch(() => {
      this.marksCut = true;
    });
    this.isScanned = true;
    this.changed();
  }

  /** Read the chunk with a line, or the last one; return what the server has said last. */
  private async start(line: number): Promise<LogPage> {
    const page = await this.page(chunkOf(Math.max(line, 1)) * CHUNK + 1, CHUNK);
    const isBehind = page.lines.length === 0 && page.total > 0;
    return this.take(isBehind ? await this.page(chunkOf(page.total) * CHUNK + 1, CHUNK) : page);
  }

  /** Read the last lines: in so many there are two whole chunks. */
  private async last(): Promise<LogPage> {
    return this.take(await this.ask({ tail: 2 * CHUNK, count: 2 * CHUNK }));
  }

  /** Keep the chunks that begin in a page. */
  private take(page: LogPage): LogPage {
    const first = page.lines[0]?.number ?? 1;
    const last = page.lines.at(-1)?.number ?? 0;
    for (let chunk = chunkOf(first + CHUNK - 1); chunk <= chunkOf(last); chunk += 1) {
      const begin = chunk * CHUNK + 1 - first;
      const lines: Line[] = [];
      this.add(lines, page.lines.slice(begin, begin + CHUNK), chunk);
      this.keep(chunk, lines, false);
    }
    this.changed();
    return page;
  }

  close(): void {
    this.over.abort();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.source?.close();
    this.listeners.clear();
  }

  /** Give a line if it is there; else it will be. */
  line(number: number): Line | undefined {
    const chunk = this.chunks.get(chunkOf(number));
    if (!chunk) return undefined;
    this.clock += 1;
    chunk.usedAt = this.clock;
    return chunk.lines[(number - 1) % CHUNK];
  }

  /** See to it that lines are there. */
  want(first: number, last: number): void {
    const end = chunkOf(Math.min(last, this.total));
    for (let chunk = chunkOf(first); chunk <= end; chunk += 1) {
      if (this.asked.size >= MOST_ASKED) return; // asked for again when one has come
      if (!this.isFull(chunk)) this.load(chunk).catch((error: unknown) => this.fail(error));
    }
  }

  /** Ask for the true times of lines that have come lately. */
  exact(first: number, last: number): void {
    const now = performance.now();
    if (now - this.exactAt < EXACT_MS) return;
    this.exactAt = now;
    for (let chunk = chunkOf(first); chunk <= chunkOf(last); chunk += 1) {
      if (this.chunks.get(chunk)?.guessed) this.load(chunk).catch(() => undefined);
    }
  }

  /** Read lines for their own sake, as to copy them. */
  async read(first: number, last: number): Promise<string[]> {
    const texts: string[] = [];
    while (first + texts.length <= last) {
      const from = first + texts.length;
      const { lines } = await this.page(from, Math.min(last - from + 1, 5000));
      if (lines.length === 0) break;
      texts.push(...lines.map((line) => line.text));
    }
    return texts;
  }

  /** Read a line with all the pieces that belong to it, of which `number` is any. */
  async whole(number: number, most: number): Promise<string> {
    const first = Math.max(number - most, 1);
    const { lines } = await this.page(first, 2 * most);
    let begin = number - first;
    while (begin > 0 && lines[begin - 1]?.continues) begin -= 1;
    const after = lines.findIndex((line, place) => place >= number - first && !line.continues);
    const end = after < 0 ? lines.length : after + 1;
    return lines
      .slice(begin, end)
      .map((line) => line.text)
      .join("");
  }

  private isFull(chunk: number): boolean {
    const lines = Math.min(this.total - chunk * CHUNK, CHUNK);
    return (this.chunks.get(chunk)?.lines.length ?? 0) >= lines;
  }

  private page(from: number, count: number): Promise<LogPage> {
    return this.ask({ from, count });
  }

  private async ask(query: { from?: number; tail?: number; count: number }): Promise<LogPage> {
    const { project, run, step, attempt } = this.path;
    const page = await ok(
      api.GET("/projects/{project}/runs/{run}/steps/{step}/log", {
        params: { path: { project, run, step }, query: { attempt, ...query } },
        signal: this.over.signal,
      }),
    );
    const answer = page as LogPage;
    const first = answer.lines[0];
    if (first?.number === 1) this.beganAt = Date.parse(first.at);
    if (answer.total > this.total) this.total = answer.total;
    if (answer.ended) this.connection = "ended";
    return answer;
  }

  /** Ask until the server can be reached, as a stream does by itself. */
  private async insist<T>(ask: () => Promise<T>): Promise<T> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await ask();
      } catch (error) {
        if (!isAway(error)) throw error;
      }
      const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, wait));
      this.over.signal.throwIfAborted();
    }
  }

  private async load(chunk: number): Promise<void> {
    if (this.asked.has(chunk)) return;
    this.asked.add(chunk);
    try {
      await this.insist(() => this.fill(chunk));
    } finally {
      this.asked.delete(chunk);
    }
    this.changed();
  }

  private async fill(chunk: number): Promise<void> {
    const first = chunk * CHUNK + 1;
    const lines: Line[] = [];
    while (lines.length < CHUNK) {
      const page = await this.page(first + lines.length, CHUNK - lines.length);
      if (page.lines.length === 0) break;
      this.add(lines, page.lines, chunk);
      if (first + lines.length > page.total) break;
    }
    const had = this.chunks.get(chunk)?.lines ?? [];
    // what came while it was asked for
    lines.push(...had.slice(lines.length));
    this.keep(chunk, lines, false);
  }

  private add(lines: Line[], views: readonly Schemas["LogLineView"][], chunk: number): void {
    for (const { text, at, continues } of views) {
      const style = this.styleAt(lines, chunk);
      lines.push({ text, at: Date.parse(at), continues, style });
    }
  }

  /** Colours last over the ends of lines. */
  private styleAt(lines: readonly Line[], chunk: number): Style {
    const last = lines.at(-1) ?? this.chunks.get(chunk - 1)?.lines[CHUNK - 1];
    return last ? styleBehind(last.text, last.style) : PLAIN;
  }

  private keep(chunk: number, lines: Line[], guessed: boolean): void {
    this.clock += 1;
    this.chunks.set(chunk, { lines, guessed, usedAt: this.clock });
    if (this.chunks.size <= MOST_CHUNKS) return;
    const oldest = [...this.chunks].reduce((a, b) => (a[1].usedAt <= b[1].usedAt ? a : b));
    this.chunks.delete(oldest[0]);
  }

  // --- what is being written ------------------------------------------------------------------

  /** `seen`: what the server has said last, which may be the end of the log already. */
  private async listen(seen: LogPage): Promise<void> {
    if (seen.ended) return;
    const isEnd = (seen.lines.at(-1)?.number ?? 0) >= seen.total;
    const last = isEnd ? seen : await this.insist(() => this.page(Math.max(this.total, 1), CHUNK));
    const found = last.lines.findLast((line) => line.complete) ?? null;
    this.offset = last.offset;
    this.complete = found?.number ?? (last.lines[0]?.number ?? 1) - 1;
    this.changed();
    if (last.ended) return;
    const { signal } = this.over;
    document.addEventListener("visibilitychange", () => this.followWhileSeen(), { signal });
    this.followWhileSeen();
  }

  /** A browser has six connections to a server: tabs that nobody sees leave them to the others. */
  private followWhileSeen(): void {
    if (this.connection === "ended") return;
    if (document.visibilityState === "visible") {
      if (!this.source) this.follow();
      return;
    }
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  private follow(): void {
    if (this.over.signal.aborted) return;
    const query = `attempt=${this.path.attempt}&follow=true&after=${this.offset}`;
    const source = new EventSource(`${addressOf(this.path)}?${query}`);
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.connection = "live";
      this.changed();
    };
    source.onmessage = ({ data, lastEventId }) => {
      this.offset = Number(lastEventId) || this.offset;
      // an event has no \r: the server writes a line of data for each
      this.came((data as string).replaceAll("\n", "\r"));
    };
    source.addEventListener("end", () => this.end(source));
    source.onerror = () => this.lost(source);
  }

  /** A browser tries again by itself, with the last id; but not after an answer like 503. */
  private lost(source: EventSource): void {
    this.connection = "waiting";
    this.changed();
    if (source.readyState !== EventSource.CLOSED) return;
    source.close();
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(() => this.follow(), wait);
  }

  private came(text: string): void {
    this.complete += 1;
    const number = this.complete;
    const chunk = chunkOf(number);
    const place = (number - 1) % CHUNK;
    if (number > this.total) this.total = number;
    if (this.beganAt === null && number === 1) this.beganAt = Date.now();
    if (place === 0 && !this.chunks.has(chunk)) this.keep(chunk, [], true);
    const lines = this.chunks.get(chunk)?.lines;
    if (lines && place <= lines.length) {
      const style = this.styleAt(lines.slice(place - 1, place), chunk);
      lines[place] = { text, at: Date.now(), continues: false, style };
      this.keep(chunk, lines, true);
    }
    const mark = markOf(number, bareText(text));
    if (mark) this.remember([mark]);
    this.changed();
  }

  private end(source: EventSource): void {
    source.close();
    this.connection = "ended";
    // the last line may have had no newline
    this.insist(() => this.page(Math.max(this.total, 1), 1))
      .then(() => this.changed())
      .catch(() => undefined);
    this.changed();
  }

  // --- what means something -------------------------------------------------------------------

  private async scan(): Promise<void> {
    const { project, run, step, attempt } = this.path;
    let cursor: string | undefined;
    for (let pages = 0; pages < MARK_PAGES; pages += 1) {
      const query = { q: MARKS, regexp: true, case: true, step, attempt, limit: 1000, cursor };
      const found = await this.insist(() =>
        ok(
          api.GET("/projects/{project}/runs/{run}/log/search", {
            params: { path: { project, run }, query },
            signal: this.over.signal,
          }),
        ),
      );
      this.remember(
        found.items.map((hit) => markOf(hit.line, hit.text)).filter((mark) => mark !== null),
      );
      cursor = found.next_cursor ?? undefined;
      this.changed();
      if (!cursor || this.marksCut) return;
    }
    this.marksCut = true;
    this.changed();
  }

  private remember(marks: readonly Mark[]): void {
    if (marks.length === 0) return;
    for (const mark of marks) {
      if (this.found.size < MOST_MARKS) this.found.set(mark.line, mark);
      else this.marksCut = true;
    }
    this.marks = [];
  }

  // --- telling --------------------------------------------------------------------------------

  /** Tell once a frame, however much has come. */
  private changed(): void {
    if (this.frame || this.over.signal.aborted) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.marks.length !== this.found.size) {
        this.marks = [...this.found.values()].sort((a, b) => a.line - b.line);
      }
      this.seen = this.look();
      for (const listener of this.listeners) listener();
    });
  }

  private look(): Seen {
    const { total, connection, error, beganAt, marks, marksCut, isScanned } = this;
    return { total, connection, error, beganAt, marks, marksCut, isScanned };
  }

  private fail(error: unknown): void {
    if (this.over.signal.aborted) return;
    this.error = error;
    this.connection = "failed";
    this.changed();
  }
}

function chunkOf(number: number): number {
  return Math.floor((number - 1) / CHUNK);
}

/** Where the log is on the server: raw, as a file, or as it is written. */
export function addressOf({ project, run, step }: LogPath): string {
  const [p, r, s] = [project, run, step].map(encodeURIComponent);
  return `${API}/projects/${p}/runs/${r}/steps/${s}/log`;
}
