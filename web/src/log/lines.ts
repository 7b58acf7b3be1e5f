/** Lines that an address names: `#L120` or `#L120-L140`. */
import { useCallback, useSyncExternalStore } from "react";

export interface Lines {
  readonly first: number;
  readonly last: number;
}

export function linesOf(hash: string): Lines | null {
  const found = /^#L(\d{1,9})(?:-L?(\d{1,9}))?$/.exec(hash);
  if (!found) return null;
  const [a, b] = [Number(found[1]), Number(found[2] ?? found[1])];
  return a > 0 && b > 0 ? { first: Math.min(a, b), last: Math.max(a, b) } : null;
}

export function hashOf({ first, last }: Lines): string {
  return first === last ? `#L${first}` : `#L${first}-L${last}`;
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("hashchange", listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("hashchange", listener);
    window.removeEventListener("popstate", listener);
  };
}

/** The chosen lines, which are in the address. */
export function useLines(): [Lines | null, (lines: Lines | null) => void] {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  const choose = useCallback((lines: Lines | null) => {
    const { pathname, search } = location;
    history.replaceState(history.state, "", pathname + search + (lines ? hashOf(lines) : ""));
    for (const listener of listeners) listener();
  }, []);
  return [linesOf(hash), choose];
}

/** A block of Markdown that says where its text comes from. */
export function asMarkdown(title: string, link: string, text: string): string {
  const ticks = Math.max(2, ...[...text.matchAll(/`+/g)].map((found) => found[0].length)) + 1;
  const fence = "`".repeat(ticks);
  return `[${title.replace(/([[\]\\])/g, "\\$1")}](${link})\n\n${fence}text\n${text}\n${fence}\n`;
}
