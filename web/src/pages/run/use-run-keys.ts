/** What the keys of the page do; the palette offers the same, and says what is not possible. */
import {
  ArrowDown,
  ArrowUp,
  ChartGantt,
  ChevronsLeft,
  ChevronsRight,
  CirclePlay,
  CircleStop,
  FileText,
  RotateCcw,
  SkipForward,
  Undo2,
  Workflow,
} from "lucide-react";
import { useEffect, useMemo, useRef } from "react";
import { useText } from "@/i18n";
import { type Command, useCommands } from "@/ui/commands";
import { useKeys } from "@/ui/keys";
import type { Mode, Modes } from "./data";
import { WORDS } from "./modes";
import { keyOf } from "./recovery";
import { texts } from "./texts";

const KEYS = [
  ["r", "retry", "key.retry", RotateCcw],
  ["s", "skip", "key.skip", SkipForward],
  ["c", "resume", "key.continue", CirclePlay],
  ["b", "rollBack", "key.rollback", Undo2],
  ["x", "stop", "key.stop", CircleStop],
  ["f", "nextFailure", "key.next-failure", ArrowDown],
  ["Shift+F", "previousFailure", "key.previous-failure", ArrowUp],
  ["g", "graph", "key.graph", Workflow],
  ["t", "gantt", "key.gantt", ChartGantt],
  ["l", "log", "key.log", FileText],
  ["[", "older", "key.older", ChevronsLeft],
  ["]", "newer", "key.newer", ChevronsRight],
] as const;

type Act = (typeof KEYS)[number][1];

/** Either what an act does, or why it is not possible now. */
export type RunActs = Record<Act, (() => void) | string>;

/** Let the keys do their acts; those that aren't possible now are not listed in the help. */
export function useRunKeys(acts: RunActs): void {
  const t = useText(texts);
  const latest = useRef(acts);
  useEffect(() => {
    latest.current = acts;
  });
  const possible = KEYS.filter(([, act]) => typeof acts[act] !== "string").map(([key]) => key);
  const fingerprint = possible.join(" ");
  const bindings = useMemo(() => {
    const now = new Set(fingerprint.split(" "));
    return KEYS.filter(([key]) => now.has(key)).map(([key, act, text]) => ({
      key,
      text: t(text),
      run: () => {
        const run = latest.current[act];
        if (typeof run !== "string") run();
      },
    }));
  }, [fingerprint, t]);
  useKeys(bindings);
}

const RECOVERIES: ReadonlySet<Act> = new Set(["retry", "skip", "rollBack"]);
const KINDS = {
  retry: { key: "r", icon: RotateCcw },
  skip: { key: "s", icon: SkipForward },
  rollback: { key: "b", icon: Undo2 },
} as const;

interface Recoveries {
  modes: Modes | undefined;
  /** The one that is chosen in the panel. */
  chosen: Mode | null;
  /** Choose a mode, and lead to the button that does it. */
  pick: (mode: Mode) => void;
  /** Why none is possible. */
  why?: string;
}

/** Offer in the palette all that the keys do, and every way to recover. */
export function useRunCommands(acts: RunActs, { modes, chosen, pick, why }: Recoveries): void {
  const t = useText(texts);
  // until the ways are known, the keys stand for them
  const plain = KEYS.filter(([, act]) => !modes || !RECOVERIES.has(act));
  const commands: Command[] = plain.map(([key, act, text, icon]) => {
    const run = acts[act];
    const id = `run:${act}`;
    return typeof run === "string"
      ? { id, key, icon, text: t(text), why: run, run: () => undefined }
      : { id, key, icon, text: t(text), run };
  });
  const ways = modes?.items.filter((mode) => mode.mode !== "resume") ?? [];
  const recoveries = ways.map((mode): Command => {
    const kind = KINDS[mode.mode.split("-")[0] as keyof typeof KINDS] ?? KINDS.retry;
    const first = ways.find((each) => each.allowed && kindOf(each) === kindOf(mode));
    const byKey = chosen && kindOf(chosen) === kindOf(mode) ? chosen : first;
    return {
      id: `mode:${keyOf(mode)}`,
      icon: kind.icon,
      key: byKey === mode ? kind.key : undefined,
      text: [t(WORDS[mode.mode as keyof typeof WORDS] ?? "mode.other"), mode.name].join(" ").trim(),
      hint: mode.plan
        ? t("mode.steps", { n: mode.plan.counts.rerun + mode.plan.counts.skip })
        : undefined,
      words: [mode.mode],
      why: why ?? mode.why_not?.message,
      run: () => pick(mode),
    };
  });
  useCommands([...recoveries, ...commands]);
}

function kindOf({ mode }: Mode): string {
  return mode.split("-")[0] ?? mode;
}
