import { useEffect, useState, useSyncExternalStore } from "react";
import { linesOf } from "./lines";
import { type LogPath, LogStore } from "./store";

const nothing = () => () => undefined;

/** Open a log, and draw again when something in it changes. `live`: begin at its end. */
export function useLog({ project, run, step, attempt }: LogPath, live: boolean): LogStore | null {
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
  useSyncExternalStore(store?.subscribe ?? nothing, store?.getVersion ?? zero);
  return store;
}

function zero(): number {
  return 0;
}
