import { useSyncExternalStore } from "react";

export type Theme = "system" | "dark" | "light";
export type Language = "en" | "zh";

/** What a browser remembers. The language is also kept with the user, see `useLanguage`. */
export interface Settings {
  theme: Theme;
  language: Language;
  /** Single-key shortcuts are on. */
  keys: boolean;
  /** The left rail shows words. */
  railOpen: boolean;
  /** The browser tells when one's own run ends. */
  notify: boolean;
  /** The project that was open last. */
  project: string;
  /** Times beside the lines of logs: when, or how long after the first line. */
  logTimes: "off" | "clock" | "elapsed";
  /** Long lines of logs are wrapped. */
  logWrap: boolean;
  /** What the page of a failed run offers has been explained. */
  knowsRecovery: boolean;
}

const STORED = "mulligan.settings"; // public/theme.js reads it, too
const listeners = new Set<() => void>();

function initial(): Settings {
  const language: Language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
  const defaults: Settings = {
    theme: "system",
    language,
    keys: true,
    railOpen: true,
    notify: false,
    project: "",
    logTimes: "off",
    logWrap: false,
    knowsRecovery: false,
  };
  try {
    return { ...defaults, ...JSON.parse(localStorage.getItem(STORED) ?? "{}") };
  } catch {
    return defaults;
  }
}

let current = initial();

export function settings(): Settings {
  return current;
}

export function changeSettings(change: Partial<Settings>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(STORED, JSON.stringify(current));
  } catch {
    // a browser that keeps nothing: the settings last as long as the tab
  }
  for (const listener of listeners) listener();
}

export function onSettings(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSettings(): Settings {
  return useSyncExternalStore(onSettings, settings);
}
