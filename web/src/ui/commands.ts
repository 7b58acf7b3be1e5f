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

interface Told {
  order: number;
  commands: readonly Command[];
}

const told = registry<Told>();

/** Offer acts in the palette while a component is on the page; those of a lower order come first. */
export function useCommands(commands: readonly Command[], order = 0): void {
  const id = useId();
  useEffect(() => told.put(id, { order, commands })); // each time: acts belong to one rendering
  useEffect(() => () => told.put(id, null), [id]);
}

/** All acts that are offered now; those that aren't possible come last. */
export function useAllCommands(): readonly Command[] {
  const all = [...told.use()].sort((a, b) => a.order - b.order).flatMap((each) => each.commands);
  return [...all.filter(({ why }) => !why), ...all.filter(({ why }) => why)];
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
