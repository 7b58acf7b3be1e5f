import { useEffect, useMemo, useRef } from "react";
import { useText } from "@/i18n";
import { useKeys } from "@/ui/keys";
import { texts } from "./texts";

const KEYS = [
  ["r", "retry", "key.retry"],
  ["s", "skip", "key.skip"],
  ["c", "resume", "key.continue"],
  ["b", "rollBack", "key.rollback"],
  ["x", "stop", "key.stop"],
  ["f", "nextFailure", "key.next-failure"],
  ["Shift+F", "previousFailure", "key.previous-failure"],
  ["g", "graph", "key.graph"],
  ["t", "gantt", "key.gantt"],
  ["l", "log", "key.log"],
  ["[", "older", "key.older"],
  ["]", "newer", "key.newer"],
] as const;

/** What the keys of the page do; what isn't possible now is missing, and not listed in the help. */
export type RunActs = Partial<Record<(typeof KEYS)[number][1], () => void>>;

export function useRunKeys(acts: RunActs): void {
  const t = useText(texts);
  const latest = useRef(acts);
  useEffect(() => {
    latest.current = acts;
  });
  const possible = KEYS.filter(([, act]) => acts[act]).map(([key]) => key);
  const fingerprint = possible.join(" ");
  const bindings = useMemo(() => {
    const now = new Set(fingerprint.split(" "));
    return KEYS.filter(([key]) => now.has(key)).map(([key, act, text]) => ({
      key,
      text: t(text),
      run: () => latest.current[act]?.(),
    }));
  }, [fingerprint, t]);
  useKeys(bindings);
}
