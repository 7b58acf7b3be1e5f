/** What parts of the page tell while they are there, as their keys and acts: for help and palette. */
import { useSyncExternalStore } from "react";

export interface Registry<T> {
  /** Take the place of what this part has told before; null = it is gone. */
  put: (id: string, told: T | null) => void;
  use: () => readonly T[];
}

export function registry<T>(): Registry<T> {
  let all: readonly T[] = [];
  const told = new Map<string, T>();
  const listeners = new Set<() => void>();
  function subscribe(listener: () => void) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }
  return {
    put: (id, entry) => {
      if (entry) told.set(id, entry);
      else told.delete(id);
      all = [...told.values()];
      for (const listener of listeners) listener();
    },
    use: () => useSyncExternalStore(subscribe, () => all),
  };
}
