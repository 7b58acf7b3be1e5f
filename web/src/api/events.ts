/**
 * What happens on the server, as it happens. One stream per project and browser: the tabs choose
 * one among them that reads it (a browser has six connections to a server) and tells the others.
 */
import type { QueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { API } from "./client";
import { keys } from "./keys";

export type Connection = "live" | "connecting" | "offline";

export interface ServerEvent {
  seq: number;
  run: string;
  project: string;
  pipeline: string;
  revision: number;
  event: { type: string; [field: string]: unknown };
}

type Message = { event: ServerEvent } | { connection: Connection } | { hello: true };
type Handler = (event: ServerEvent) => void;

const GATHER_MS = 120; // events that come together make queries old once
const SPACING_MS = 600; // and no more often than that
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000];
const OFFLINE_AFTER = 2; // attempts in a row that failed

export class Feed {
  connection: Connection = "connecting";
  private readonly channel: BroadcastChannel;
  private readonly handlers = new Set<Handler>();
  private readonly watchers = new Set<() => void>();
  private readonly over = new AbortController();
  private source: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lastSeq: number | null = null;
  private failures = 0;

  constructor(readonly project: string) {
    this.channel = new BroadcastChannel(`mulligan.events.${BASE_KEY}.${project}`);
    this.channel.onmessage = ({ data }: MessageEvent<Message>) => this.hear(data);
    this.channel.postMessage({ hello: true });
    this.lead().catch(() => undefined); // ended while it waited
  }

  /** Try now what would be tried later. */
  again(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.failures = 0;
    this.read();
  }

  close(): void {
    this.over.abort();
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.channel.close();
  }

  onEvent(handler: Handler): () => void {
    this.handlers.add(handler);
    return () => this.handlers.delete(handler);
  }

  onConnection = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Become the tab that reads, as soon as no other is. */
  private async lead(): Promise<void> {
    const { signal } = this.over;
    if (!("locks" in navigator)) {
      // plain HTTP has no locks: the tabs that are seen read, and tell the others
      document.addEventListener("visibilitychange", () => this.readWhileSeen(), { signal });
      this.readWhileSeen();
      return;
    }
    await navigator.locks.request(this.channel.name, { signal }, () => {
      this.read();
      return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    });
  }

  private readWhileSeen(): void {
    if (document.visibilityState === "visible") {
      if (!this.source) this.read();
      return;
    }
    clearTimeout(this.timer);
    this.timer = undefined;
    this.source?.close();
    this.source = null;
  }

  private read(): void {
    this.timer = undefined;
    if (this.over.signal.aborted) return;
    // another tab may have said that it was live: what happened since nobody has heard
    if (this.connection === "live") this.tell({ connection: "connecting" });
    const query = new URLSearchParams({ project: this.project });
    if (this.lastSeq !== null) query.set("after", String(this.lastSeq));
    const source = new EventSource(`${API}/events?${query}`);
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.tell({ connection: "live" });
    };
    source.onmessage = ({ data }) => this.tell({ event: JSON.parse(data) as ServerEvent });
    source.onerror = () => this.failed(source);
  }

  private failed(source: EventSource): void {
    this.failures += 1;
    this.tell({ connection: this.failures > OFFLINE_AFTER ? "offline" : "connecting" });
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    source.close();
    this.source = null;
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length) - 1] ?? 1000;
    this.timer = setTimeout(() => this.read(), wait);
  }

  private tell(message: Message): void {
    this.channel.postMessage(message);
    this.hear(message);
  }

  private hear(message: Message): void {
    if ("hello" in message) {
      if (this.source) this.channel.postMessage({ connection: this.connection });
    } else if ("connection" in message) {
      this.connection = message.connection;
      for (const watcher of this.watchers) watcher();
    } else {
      this.lastSeq = message.event.seq;
      for (const handler of this.handlers) handler(message.event);
    }
  }
}

const BASE_KEY = new URL(API).pathname;
const feeds = new Map<string, { feed: Feed; users: number }>();

/** Give the feed of a project and a function that leaves it; the last one to leave closes it. */
export function enterFeed(project: string): [Feed, () => void] {
  const entry = feeds.get(project) ?? { feed: new Feed(project), users: 0 };
  feeds.set(project, entry);
  entry.users += 1;
  const leave = () => {
    entry.users -= 1;
    if (entry.users > 0) return;
    feeds.delete(project);
    entry.feed.close();
  };
  return [entry.feed, leave];
}

/** Let all feeds that have lost the server try again at once. */
export function reconnect(): void {
  for (const { feed } of feeds.values()) feed.again();
}

/** Make queries old as things happen to what they show: gathered, and not too often. */
export function invalidating(client: QueryClient): Handler & { stop: () => void } {
  const waiting = new Map<string, readonly unknown[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let flushedAt = Number.NEGATIVE_INFINITY;

  function flush(): void {
    timer = undefined;
    flushedAt = performance.now();
    for (const queryKey of waiting.values()) void client.invalidateQueries({ queryKey });
    waiting.clear();
  }

  function handle({ project, pipeline, run }: ServerEvent): void {
    for (const key of [
      keys.run(run),
      keys.pipeline(pipeline),
      keys.pipelines(project),
      keys.runs(project),
      keys.environments(project),
      keys.approvals(),
    ]) {
      waiting.set(JSON.stringify(key), key);
    }
    const spacing = SPACING_MS - (performance.now() - flushedAt);
    timer ??= setTimeout(flush, Math.max(GATHER_MS, spacing));
  }

  return Object.assign(handle, { stop: () => clearTimeout(timer) });
}

/** Let a page see the events of a project, besides the queries that they make old. */
export function useEvents(project: string, handler: Handler): void {
  useEffect(() => {
    const [feed, leave] = enterFeed(project);
    const stop = feed.onEvent(handler);
    return () => {
      stop();
      leave();
    };
  }, [project, handler]);
}

const noWatch = () => () => undefined;

/** Tell how the connection of a feed is. */
export function useConnection(feed: Feed | null): Connection {
  return useSyncExternalStore(
    feed?.onConnection ?? noWatch,
    () => feed?.connection ?? "connecting",
  );
}
