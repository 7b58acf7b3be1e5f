import { useEffect } from "react";
import { rememberPlace } from "@/state/places";
import { STATES, type State } from "@/theme/status";

const COLOURS = {
  ok: "#0a7a55",
  bad: "#c23d0c",
  busy: "#2b6fce",
  wait: "#b57800",
  idle: "#68758a",
};

function icon(state: State): string {
  const colour = COLOURS[STATES[state].tone];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#2456a6"/><path d="M9 18.5a7 7 0 1 0 2-6.2M9 8.5v5h5" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/><circle cx="24" cy="24" r="8" fill="${colour}" stroke="#fff" stroke-width="2"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/**
 * Name the tab, and show the state of what is open in its icon. `place`: what the page is called
 * where one may come back to it, if not the same.
 */
export function usePageTitle(title: string, state?: State, place = title): void {
  useEffect(() => {
    document.title = title ? `${title} · Mulligan` : "Mulligan";
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (!link) return;
    link.href = state ? icon(state) : "./favicon.svg";
  }, [title, state]);
  useEffect(() => rememberPlace(place), [place]);
}
