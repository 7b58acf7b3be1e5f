/** The acts of the page that is open, for the palette; and whether that is open. */
import type { LucideIcon } from "lucide-react";
import { useEffect, useId, useSyncExternalStore } from "react";
import { registry } from "./registry";

export interface Command {
  /** Unlike all others of the page. */
  id: string;
  text: string;
  icon?: LucideIcon;
  /** More about it, in a second line. */
  hint?: string;
  /** The key that does the same, as tinykeys writes it. */
  key?: string;
  /** Words by which it is found, too. */
  words?: readonly string[];
  /** Why it is not possible now: it is shown, and does nothing. */
  why?: string;
  run: () => void;
}

const told = registry<readonly Command[]>();

/** Offer acts in the palette while a component is on the page. */
export function useCommands(commands: readonly Command[]): void {
  const id = useId();
  useEffect(() => told.put(id, commands)); // each time: what they do belongs to this rendering
  useEffect(() => () => told.put(id, null), [id]);
}

/** All acts that are offered now. */
export function useAllCommands(): readonly Command[] {
  return told.use().flat();
}

let isOpen = false;
const listeners = new Set<() => void>();

export function openPalette(to: boolean): void {
  isOpen = to;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether the palette is open: what costs a question to the server is asked only then. */
export function usePaletteOpen(): boolean {
  return useSyncExternalStore(subscribe, () => isOpen);
}
