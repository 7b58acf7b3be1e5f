import { useEffect, useState, useSyncExternalStore } from "react";
import { linesOf } from "./lines";
import { type LogPath, LogStore, type Seen } from "./store";

const nothing = () => () => undefined;

export interface OpenLog {
  store: LogStore;
  seen: Seen;
}

/** Open a log, and draw again when something in it changes. `live`: begin at its end. */
export function useLog({ project, run, step, attempt }: LogPath, live: boolean): OpenLog | null {
  const [store, setStore] = useState<LogStore | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: where it begins is asked only once
  useEffect(() => {
    const opened = new LogStore({ project, run, step, attempt });
    setStore(opened);
    void opened.open(linesOf(location.hash)?.first ?? 0, live);
    return () => {
      opened.close();
      setStore(null);
    };
  }, [project, run, step, attempt]);
  const seen = useSyncExternalStore(store?.subscribe ?? nothing, store?.getSeen ?? nobody);
  if (!store || !seen) return null;
  const isIts = store.path.run === run && store.path.step === step;
  return isIts && store.path.attempt === attempt ? { store, seen } : null; // else: the one before
}

function nobody(): null {
  return null;
}
