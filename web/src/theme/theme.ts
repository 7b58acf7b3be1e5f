import { useSyncExternalStore } from "react";
import { onSettings, settings } from "@/state/settings";

const system = window.matchMedia("(prefers-color-scheme: dark)");

function isDark(): boolean {
  const { theme } = settings();
  return theme === "dark" || (theme === "system" && system.matches);
}

function onChange(listener: () => void): () => void {
  const stop = onSettings(listener);
  system.addEventListener("change", listener);
  return () => {
    stop();
    system.removeEventListener("change", listener);
  };
}

function apply(): void {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
}

/** Keep the theme of the document what the settings and the system say. */
export function followTheme(): void {
  apply();
  onChange(apply);
}

export function useIsDark(): boolean {
  return useSyncExternalStore(onChange, isDark);
}
