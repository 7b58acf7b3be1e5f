import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { useRefusal } from "@/api/rights";
import { useMe } from "@/api/session";
import { useText } from "@/i18n";
import { type State, stateOfRun } from "@/theme/status";
import { usePaletteOpen } from "@/ui/commands";
import { type Mode, type RunPath, useFailure, useGates, useModes, useNeighbours } from "./data";
import { failedSteps, isOver, nextFailure, type Run, stepToShow } from "./model";
import { hrefOfRun } from "./places";
import { keyOf, useRecovery } from "./recovery";
import { texts } from "./texts";
import type { RunActs } from "./use-run-keys";

/** What the address of the page says, and how it is changed. */
function useAddress(path: RunPath) {
  const [query, setQuery] = useSearchParams();
  function changed(change: Record<string, string>): URLSearchParams {
    const next = new URLSearchParams(query);
    for (const [name, value] of Object.entries(change)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    return next;
  }
  const href = (change: Record<string, string>) => {
    const text = changed(change).toString();
    return hrefOfRun(path.project, path.run, text ? `?${text}` : "");
  };
  const go = (change: Record<string, string>) => setQuery(changed(change), { replace: true });
  const value = (name: string) => query.get(name) ?? "";
  return { step: value("step"), tab: value("tab"), mode: value("recover"), href, go };
}

function stateOfAll(run: Run): State {
  const phase = run.gates.length > 0 ? "paused" : null;
  return stateOfRun({ ...run, phase, recovered: run.recovery !== null });
}

interface Wish {
  /** How the name of the way begins; "" = the one that is chosen. */
  word: string;
  field: "apply" | "reason";
}

function wishOf(mode: string): Wish | null {
  return mode ? { word: mode, field: mode.startsWith("skip") ? "reason" : "apply" } : null;
}

/** The ways to recover that are offered, and the choice among them; `asked` by the address. */
function useRepair(
  path: RunPath,
  now: Run,
  isBad: boolean,
  asked: { step: string; mode: string },
  onDone: () => void,
) {
  const [wanted, setWanted] = useState(Boolean(asked.mode));
  const [wish, setWish] = useState(() => wishOf(asked.mode));
  const refs = { apply: useRef<HTMLButtonElement>(null), reason: useRef<HTMLInputElement>(null) };
  const isOfFailed = failedSteps(now).some(({ step }) => step.id === asked.step);
  const inPalette = usePaletteOpen();
  const query = useModes(path, isOfFailed ? asked.step : "", isBad || wanted || inPalette);
  const modes = query.data;
  function close(): void {
    setWanted(false);
    setWish(null);
  }
  const recovery = useRecovery(path, modes, () => {
    close();
    onDone();
  });

  // the ways may only now be known, the panel be drawn, and its button waits for the plan
  useEffect(() => {
    if (!wish || !modes || query.isPlaceholderData) return;
    if (wish.word) {
      const found = modes.items.find((mode) => mode.mode.startsWith(wish.word) && mode.allowed);
      if (found) recovery.choose(keyOf(found));
      setWish({ ...wish, word: "" });
      return;
    }
    const field = refs[wish.field].current;
    if (!field || field.disabled) return;
    field.focus();
    setWish(null);
  });

  /** Choose the first way whose name begins so, and lead to its button or to its reason. */
  function choose(word: string): void {
    setWanted(true);
    setWish(wishOf(word));
  }

  function pick(mode: Mode): void {
    recovery.choose(keyOf(mode));
    setWanted(true);
    setWish({ word: "", field: mode.needs_reason ? "reason" : "apply" });
  }

  function retry(): void {
    const isRetry = recovery.mode === null || recovery.mode.mode.startsWith("retry");
    setWanted(true);
    setWish({ word: isRetry ? "" : "retry", field: "apply" });
  }
  /** Before the ways are known, each may be possible. */
  const can = (word: string) =>
    modes?.items.some((mode) => mode.mode.startsWith(word) && mode.allowed) ?? true;
  return { modes, recovery, refs, wanted, choose, pick, retry, can, close };
}

/** An act, or the first reason that speaks against it. */
function unless(act: () => void, ...against: [holds: unknown, why: string | undefined][]) {
  return against.find(([holds]) => holds)?.[1] ?? act;
}

function toContinue(): void {
  document.querySelector<HTMLElement>("[data-continue]")?.focus();
}

/** Why acts are not possible: what one may not do, and what makes no sense now. */
function useWhys({ project }: RunPath, { actor }: Run) {
  const t = useText(texts);
  const { user } = useMe();
  const refusal = useRefusal(project);
  return {
    retry: refusal("retry"),
    skip: refusal("skip"),
    rollBack: refusal("roll-back"),
    rebuild: refusal("start"),
    remark: refusal("start"),
    stop: refusal(actor === user ? "stop-own" : "stop"),
    past: t("why.past"),
    over: t("why.over"),
    noFailure: t("why.no-failure"),
    noWay: t("why.no-way"),
    notPaused: t("why.not-paused"),
    first: t("why.first"),
    newest: t("why.newest"),
  };
}

export type Whys = ReturnType<typeof useWhys>;

/** All that the page shows of a run and does with it. `run`: `now`, or as an attempt left it. */
export function usePage(path: RunPath, now: Run, run: Run) {
  const address = useAddress(path);
  const { go, step: asked } = address;
  const isPast = run.attempt < now.attempt;
  const failed = failedSteps(now).length > 0;
  const isBad = !isPast && now.status !== "succeeded" && (failed || isOver(now));
  const neighbours = useNeighbours(path.project, now).data;
  const failure = useFailure(path, isBad);
  const gates = useGates(path, !isPast && now.gates.length > 0);
  const repair = useRepair(path, now, isBad, address, () =>
    go({ attempt: "", step: "", try: "", recover: "" }),
  );
  const [stopping, setStopping] = useState(false);
  const isEnded = isBad && isOver(now);
  const selected = asked || stepToShow(run, isBad ? failure?.node?.step?.id : undefined);
  const toAttempt = (n: number) => go({ attempt: n === now.attempt ? "" : String(n), try: "" });
  const toFailure = (by: 1 | -1) => () =>
    go({ step: nextFailure(run, selected, by) ?? "", try: "" });
  const why = useWhys(path, now);
  const toSkip = () => repair.choose("skip");
  const toRollBack = () => repair.choose("rollback");
  const acts: RunActs = {
    retry: unless(repair.retry, [isPast, why.past], [why.retry, why.retry]),
    skip: unless(
      toSkip,
      [isPast, why.past],
      [why.skip, why.skip],
      [!repair.can("skip"), why.noWay],
    ),
    rollBack: unless(
      toRollBack,
      [isPast, why.past],
      [why.rollBack, why.rollBack],
      [!repair.can("rollback"), why.noWay],
    ),
    resume: unless(toContinue, [!gates.some((gate) => gate.kind === "pause"), why.notPaused]),
    stop: unless(() => setStopping(true), [isOver(now), why.over], [why.stop, why.stop]),
    nextFailure: unless(toFailure(1), [!failed, why.noFailure]),
    previousFailure: unless(toFailure(-1), [!failed, why.noFailure]),
    graph: () => go({ tab: "" }),
    gantt: () => go({ tab: "gantt" }),
    log: () => document.getElementById("log")?.focus(),
    older: unless(() => toAttempt(run.attempt - 1), [run.attempt === 1, why.first]),
    newer: unless(() => toAttempt(run.attempt + 1), [!isPast, why.newest]),
  };
  return {
    ...address,
    ...repair,
    close: () => {
      repair.close();
      go({ recover: "" });
    },
    acts,
    why,
    isPast,
    isEnded,
    neighbours,
    failure: isBad ? failure : undefined,
    gates,
    stopping,
    setStopping,
    selected,
    toAttempt,
    state: stateOfAll(run),
    panel: !isPast && (isEnded || repair.wanted || repair.recovery.stale),
  };
}
