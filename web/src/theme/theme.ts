import { onSettings, settings } from "@/state/settings";

const system = window.matchMedia("(prefers-color-scheme: dark)");

function apply(): void {
  const { theme } = settings();
  const dark = theme === "dark" || (theme === "system" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

/** Keep the theme of the document what the settings and the system say. */
export function followTheme(): void {
  apply();
  onSettings(apply);
  system.addEventListener("change", apply);
}
