import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Feed } from "./events";

class Source {
  static open: Source[] = [];
  static readonly CLOSED = 2;
  onopen = () => undefined;
  onmessage = (_: { data: string }) => undefined;
  onerror = () => undefined;
  readyState = 1;
  constructor(readonly url: string) {
    Source.open.push(this);
  }
  close(): void {
    Source.open = Source.open.filter((each) => each !== this);
  }
}

let feeds: Feed[] = [];
let seen: DocumentVisibilityState = "visible";

function enter(): Feed {
  const feed = new Feed("shop");
  feeds.push(feed);
  return feed;
}

function show(to: DocumentVisibilityState): void {
  seen = to;
  document.dispatchEvent(new Event("visibilitychange"));
}

beforeEach(() => {
  vi.stubGlobal("EventSource", Source);
  vi.spyOn(document, "visibilityState", "get").mockImplementation(() => seen);
  Source.open = [];
  seen = "visible";
});

afterEach(() => {
  for (const feed of feeds) feed.close();
  feeds = [];
  vi.unstubAllGlobals();
});

test("without locks a tab that nobody sees holds no connection, and misses nothing", () => {
  vi.stubGlobal("navigator", {});
  const feed = enter();
  const event = { seq: 7, run: "b-1", project: "shop", pipeline: "p-1", revision: 1 };
  expect(Source.open).toHaveLength(1);
  Source.open[0]?.onmessage({ data: JSON.stringify({ ...event, event: { type: "x" } }) });

  show("hidden");
  expect(Source.open).toHaveLength(0);
  show("visible");

  expect(Source.open).toHaveLength(1);
  expect(Source.open[0]?.url).toContain("after=7");
  feed.close();
  show("hidden");
  show("visible");
  expect(Source.open).toHaveLength(0);
});

test("a stream that the server refuses is tried again", () => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", {});
  const feed = enter();
  const [source] = Source.open;
  if (source) source.readyState = Source.CLOSED;

  source?.onerror();
  expect(feed.connection).toBe("connecting");
  expect(Source.open).toHaveLength(0);
  vi.advanceTimersByTime(1000);

  expect(Source.open).toHaveLength(1);
  vi.useRealTimers();
});

test("who takes over from another tab says so: what happened in between is asked for anew", () => {
  vi.stubGlobal("navigator", {});
  seen = "hidden"; // as one that waits for the lock
  const feed = enter();
  const heard: string[] = [];
  feed.onConnection(() => heard.push(feed.connection));
  const channel = feed as unknown as { channel: { onmessage: (event: unknown) => void } };
  channel.channel.onmessage({ data: { connection: "live" } });

  show("visible");
  Source.open[0]?.onopen();

  expect(heard).toEqual(["live", "connecting", "live"]);
});
