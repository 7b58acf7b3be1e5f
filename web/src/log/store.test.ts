import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LogStore } from "./store";

const PATH = { project: "shop", run: "b-1", step: "e-1", attempt: 1 };

class Source {
  static readonly CLOSED = 2;
  static opened = 0;
  static last: Source;
  readyState = 1;
  onmessage = (_: { data: string; lastEventId: string }) => undefined;
  constructor() {
    Source.opened += 1;
    Source.last = this;
  }
  addEventListener(): void {}
  close(): void {}
}

function pageOf(first: number, last: number, ended: boolean, total = last): Response {
  const lines = Array.from({ length: last - first + 1 }, (_, place) => ({
    number: first + place,
    at: "2030-01-01T00:00:00Z",
    text: `line ${first + place}`,
    complete: true,
    continues: false,
  }));
  return Response.json({ step: "e-1", attempt: 1, total, ended, offset: 9, lines });
}

/** Answer calls for lines by turns; marks are none. Gives how often lines were asked for. */
function answering(...answers: (() => Response | Error)[]): () => number {
  let asked = 0;
  vi.stubGlobal("fetch", async ({ url }: Request) => {
    if (url.includes("/log/search")) return Response.json({ items: [], next_cursor: null });
    const answer = answers[Math.min(asked, answers.length - 1)]?.();
    asked += 1;
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return () => asked;
}

let store: LogStore;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", Source);
  Source.opened = 0;
  store = new LogStore(PATH);
});

afterEach(() => {
  store.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const away = () => new TypeError("network changed");

test("a log is opened although the server can't be reached at first", async () => {
  const asked = answering(
    away,
    () => Response.json({}, { status: 503 }),
    () => pageOf(1, 3, false),
  );

  const opening = store.open(0, true);
  await vi.advanceTimersByTimeAsync(400);
  expect([asked(), store.getSeen().connection, store.getSeen().error]).toEqual([
    1,
    "loading",
    null,
  ]);
  await vi.advanceTimersByTimeAsync(10_000);
  await opening;

  expect([asked(), store.getSeen().total, store.getSeen().error, Source.opened]).toEqual([
    3,
    3,
    null,
    1,
  ]);
  expect(store.line(3)?.text).toBe("line 3");
});

test("lines that are wanted come although they can't be got at first, and are asked for once", async () => {
  const asked = answering(
    () => pageOf(1, 3, true, 600),
    away,
    away,
    () => pageOf(501, 600, true),
  );
  await store.open(0, true);
  store.want(501, 600);
  store.want(501, 600);
  await vi.advanceTimersByTimeAsync(20_000);

  expect(store.getSeen().error).toBeNull();
  expect(asked()).toBe(4);
  expect(store.line(600)?.text).toBe("line 600");
});

test("what the server refuses is told, and not asked for again", async () => {
  const problem = { title: "no", status: 404, detail: "no such step", code: "not-found" };
  const asked = answering(() => Response.json(problem, { status: 404 }));

  await store.open(0, true);
  await vi.advanceTimersByTimeAsync(20_000);

  expect([asked(), store.getSeen().connection, String(store.getSeen().error)]).toEqual([
    1,
    "failed",
    "Error: no such step",
  ]);
});

test("a log that was left is not asked for any more", async () => {
  const asked = answering(away);
  void store.open(0, true);
  await vi.advanceTimersByTimeAsync(100);

  store.close();
  const before = asked();
  await vi.advanceTimersByTimeAsync(60_000);

  expect(asked()).toBe(before);
});

test("what the page is made of stands still between two frames, whatever comes", async () => {
  answering(() => pageOf(1, 3, false));
  await store.open(0, true);
  await vi.advanceTimersByTimeAsync(100);
  const before = store.getSeen();
  const told = vi.fn();
  store.subscribe(told);

  Source.last.onmessage({ data: "line 4", lastEventId: "20" });
  Source.last.onmessage({ data: "line 5", lastEventId: "27" });
  expect(store.getSeen()).toBe(before);
  expect(before.total).toBe(3);
  await vi.advanceTimersByTimeAsync(100);

  expect(store.getSeen().total).toBe(5);
  expect(told).toHaveBeenCalledOnce();
});
