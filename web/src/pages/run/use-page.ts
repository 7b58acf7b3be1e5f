import { useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { type State, stateOfRun } from "@/theme/status";
import { type RunPath, useFailure, useGates, useModes, useNeighbours } from "./data";
import { failedSteps, isOver, nextFailure, type Run, stepToShow } from "./model";
import { hrefOfRun } from "./places";
import { keyOf, useRecovery } from "./recovery";
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
  const refs = { apply: useRef<HTMLButtonElement>(null), reason: useRef<HTMLInputElement>(null) };
  const isOfFailed = failedSteps(now).some(({ step }) => step.id === asked);
  const modes = useModes(path, isOfFailed ? asked : "", isBad || wanted).data;
  const recovery = useRecovery(path, modes, () => {
    setWanted(false);
    onDone();
  });

  /** Choose the first way whose word begins so, and lead to its button or to its reason. */
  function choose(word: string, field: keyof typeof refs): void {
    const found = modes?.items.find((mode) => mode.mode.startsWith(word) && mode.allowed);
    if (found) recovery.choose(keyOf(found));
    setWanted(true);
    // the panel may only now be drawn
    requestAnimationFrame(() => requestAnimationFrame(() => refs[field].current?.focus()));
  }

  function retry(): void {
    const isRetry = recovery.mode === null || recovery.mode.mode.startsWith("retry");
    choose(isRetry ? "-" : "retry", "apply"); // none is called "-": the choice stays
  }
  const can = (word: string) =>
    modes?.items.some((mode) => mode.mode.startsWith(word) && mode.allowed) ?? false;
  return { modes, recovery, refs, wanted, setWanted, choose, retry, can };
}

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
  const when = (possible: boolean, act: () => void) => (possible ? act : undefined);
  const acts: RunActs = {
    retry: when(!isPast, repair.retry),
    skip: when(!isPast && repair.can("skip"), () => repair.choose("skip", "reason")),
    resume: when(
      gates.some((gate) => gate.kind === "pause"),
      () => document.querySelector<HTMLElement>("[data-continue]")?.focus(),
    ),
    rollBack: when(!isPast && repair.can("rollback"), () => repair.choose("rollback", "apply")),
    stop: when(!isOver(now), () => setStopping(true)),
    nextFailure: when(failed, toFailure(1)),
    previousFailure: when(failed, toFailure(-1)),
    graph: () => go({ tab: "" }),
    gantt: () => go({ tab: "gantt" }),
    log: () => document.getElementById("log")?.focus(),
    older: when(run.attempt > 1, () => toAttempt(run.attempt - 1)),
    newer: when(isPast, () => toAttempt(run.attempt + 1)),
  };
  return {
    ...address,
    ...repair,
    acts,
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
