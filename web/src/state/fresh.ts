/**
 * Tabs that are older than the server: after an upgrade the files are gone that a tab would load
 * later. Such a tab loads itself again, once; if that does not help, the error is shown.
 */
import { useEffect, useRef } from "react";

const MARK = "mulligan.reloaded";
const ONCE_PER_MS = 60_000;

let reloading = false;

/** The tab is about to be loaded again: errors of the old one are of no interest. */
export function isReloading(): boolean {
  return reloading;
}

/** Load the tab again, unless that was done a moment ago; tell whether it is. */
export function reloadOnce(now = Date.now()): boolean {
  if (reloading) return true;
  try {
    const last = Number(sessionStorage.getItem(MARK) ?? Number.NEGATIVE_INFINITY);
    if (now - last < ONCE_PER_MS) return false;
    sessionStorage.setItem(MARK, String(now));
  } catch {
    return false; // without a memory it could go on for ever
  }
  reloading = true;
  location.reload();
  return true;
}

let ahead = 0; // parts that nobody has asked for yet

/** Load ahead of time: if that fails nothing is lost, and the tab stays as it is. */
export async function loadAhead(load: () => Promise<unknown>): Promise<void> {
  ahead += 1;
  try {
    await load();
  } finally {
    ahead -= 1;
  }
}

/** Notice parts of the page that are not on the server any more. */
export function noticeGoneParts(): void {
  window.addEventListener("vite:preloadError", () => {
    if (ahead === 0) reloadOnce();
  });
}

/** Tell whether the server is another version than when this tab was loaded; "" = not known. */
export function useIsOutdated(version: string): boolean {
  const first = useRef(version);
  useEffect(() => {
    first.current ||= version;
  }, [version]);
  return Boolean(first.current && version && first.current !== version);
}

/** Take the new version when somebody goes to another page anyway. */
export function useReloadOnTheWay(outdated: boolean, path: string): void {
  const last = useRef(path);
  useEffect(() => {
    if (last.current === path) return;
    last.current = path;
    if (outdated) reloadOnce();
  }, [outdated, path]);
}
