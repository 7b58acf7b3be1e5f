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
  return { step: query.get("step") ?? "", tab: query.get("tab") ?? "", href, go };
}

function stateOfAll(run: Run): State {
  const phase = run.gates.length > 0 ? "paused" : null;
  return stateOfRun({ ...run, phase, recovered: run.recovery !== null });
}

/** The ways to recover that are offered, and the choice among them. */
function useRepair(path: RunPath, now: Run, isBad: boolean, asked: string, onDone: () => void) {
  const [wanted, setWanted] = useState(false);
  const [toFocus, setToFocus] = useState<"apply" | "reason" | null>(null);
  const refs = { apply: useRef<HTMLButtonElement>(null), reason: useRef<HTMLInputElement>(null) };
  const isOfFailed = failedSteps(now).some(({ step }) => step.id === asked);
  const inPalette = usePaletteOpen();
  const modes = useModes(path, isOfFailed ? asked : "", isBad || wanted || inPalette).data;
  const recovery = useRecovery(path, modes, () => {
    setWanted(false);
    onDone();
  });

  /** Choose the first way whose word begins so, and lead to its button or to its reason. */
  function choose(word: string, field: keyof typeof refs): void {
    const found = modes?.items.find((mode) => mode.mode.startsWith(word) && mode.allowed);
    if (found) recovery.choose(keyOf(found));
    setWanted(true);
    setToFocus(field);
  }
  // the panel may only now be drawn, and its button waits for the plan
  useEffect(() => {
    const field = toFocus && refs[toFocus].current;
    if (!field || field.disabled) return;
    field.focus();
    setToFocus(null);
  });

  function pick(mode: Mode): void {
    recovery.choose(keyOf(mode));
    choose("-", mode.needs_reason ? "reason" : "apply"); // none is called "-": it stays
  }

  function retry(): void {
    const isRetry = recovery.mode === null || recovery.mode.mode.startsWith("retry");
    choose(isRetry ? "-" : "retry", "apply"); // none is called "-": the choice stays
  }
  const can = (word: string) =>
    modes?.items.some((mode) => mode.mode.startsWith(word) && mode.allowed) ?? false;
  return { modes, recovery, refs, wanted, setWanted, choose, pick, retry, can };
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
  const failure = useFailure(path, isBad).data;
  const gates = useGates(path, !isPast && now.gates.length > 0).data ?? [];
  const repair = useRepair(path, now, isBad, asked, () => go({ attempt: "", step: "", try: "" }));
  const [stopping, setStopping] = useState(false);
  const isEnded = isBad && isOver(now);
  const selected = asked || stepToShow(run, isBad ? failure?.node?.step?.id : undefined);
  const toAttempt = (n: number) => go({ attempt: n === now.attempt ? "" : String(n), try: "" });
  const toFailure = (by: 1 | -1) => () =>
    go({ step: nextFailure(run, selected, by) ?? "", try: "" });
  const why = useWhys(path, now);
  const toSkip = () => repair.choose("skip", "reason");
  const toRollBack = () => repair.choose("rollback", "apply");
  const acts: RunActs = {
    retry: unless(repair.retry, [isPast, why.past], [why.retry, why.retry]),
    skip: unless(toSkip, [isPast, why.past], [!repair.can("skip"), why.noWay]),
    rollBack: unless(toRollBack, [isPast, why.past], [!repair.can("rollback"), why.noWay]),
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
