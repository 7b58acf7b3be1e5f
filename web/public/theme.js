// Runs before anything is drawn, so that the page does not flash in the other theme.
(() => {
  let theme = "system";
  try {
    theme = JSON.parse(localStorage.getItem("mulligan.settings") || "{}").theme || "system";
  } catch {
    // no storage, or not ours: the system's theme it is
  }
  const dark =
    theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
