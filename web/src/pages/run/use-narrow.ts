import { useSyncExternalStore } from "react";

const wide = window.matchMedia("(min-width: 1024px)");

function subscribe(listener: () => void) {
  wide.addEventListener("change", listener);
  return () => wide.removeEventListener("change", listener);
}

/** There is no room for two columns. */
export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => !wide.matches);
}
