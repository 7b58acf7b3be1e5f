/** Every state of a run, stage, job or step: its colour, its icon and its word. The only such table. */
import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CirclePause,
  CircleX,
  Clock,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  RotateCcw,
  SkipForward,
  Undo2,
} from "lucide-react";

export type Tone = "ok" | "bad" | "busy" | "wait" | "idle";

interface Look {
  readonly tone: Tone;
  readonly icon: LucideIcon;
  /** It turns: something is going on. */
  readonly spins?: boolean;
}

export const STATES = {
  queued: { tone: "idle", icon: Clock },
  running: { tone: "busy", icon: LoaderCircle, spins: true },
  waiting: { tone: "wait", icon: Hourglass },
  paused: { tone: "wait", icon: CirclePause },
  succeeded: { tone: "ok", icon: CircleCheck },
  recovered: { tone: "ok", icon: RotateCcw },
  failed: { tone: "bad", icon: CircleX },
  held: { tone: "bad", icon: CircleAlert },
  cancelled: { tone: "idle", icon: Ban },
  "rolled-back": { tone: "wait", icon: Undo2 },
  skipped: { tone: "idle", icon: SkipForward },
  unreached: { tone: "idle", icon: CircleDashed },
  unknown: { tone: "idle", icon: CircleHelp },
} as const satisfies Record<string, Look>;

export type State = keyof typeof STATES;

/** What is known of a run, stage, job or step when its state is shown. */
export interface Stateful {
  status: string;
  cause?: string | null;
  attempt?: number;
  /** Of a run: it succeeded after something of it had failed. Attempts tell it where this is absent. */
  recovered?: boolean;
  /** Of a run: executing, paused, held or closed. */
  phase?: string | null;
}

const OPEN = new Set(["queued", "running"]);

/** The state of a stage, job or step. */
export function stateOf({ status, cause }: Stateful): State {
  if (status === "skipped" && cause === "unreached") return "unreached";
  if (cause === "rolled_back") return "rolled-back";
  return status in STATES ? (status as State) : "unknown";
}

/** The state of a run: one that succeeded after a repair has recovered. */
export function stateOfRun(run: Stateful): State {
  if (OPEN.has(run.status) && run.phase === "paused") return "waiting";
  if (run.status === "failed" && run.phase === "held") return "held";
  const recovered = run.recovered ?? (run.attempt ?? 1) > 1;
  if (run.status === "succeeded" && recovered) return "recovered";
  return stateOf(run);
}

export function isOver(run: Stateful): boolean {
  return !OPEN.has(run.status);
}

/** Classes by tone; written out because the style sheet is made from what stands here. */
export const TONES: Record<Tone, { text: string; soft: string; solid: string }> = {
  ok: { text: "text-ok", soft: "bg-ok-soft text-ok", solid: "bg-ok" },
  bad: { text: "text-bad", soft: "bg-bad-soft text-bad", solid: "bg-bad" },
  busy: { text: "text-busy", soft: "bg-busy-soft text-busy", solid: "bg-busy" },
  wait: { text: "text-wait", soft: "bg-wait-soft text-wait", solid: "bg-wait" },
  idle: { text: "text-idle", soft: "bg-idle-soft text-idle", solid: "bg-idle" },
};
