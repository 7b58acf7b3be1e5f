/** Choosing a way to recover, its plan, and doing it: only what was shown is done. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, ok, ProblemError, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { bodyOf, type Draft, NO_CHANGES } from "./changes";
import { type Mode, type Modes, type Plan, type RunPath, useCall } from "./data";

export type RollbackPlan = Schemas["RollbackPlanView"];
export type LastAct = Schemas["LastAct"];

export function keyOf({ mode, node }: Mode): string {
  return `${mode}:${node}`;
}

export function isRollback(mode: Mode): boolean {
  return mode.mode === "rollback-stage";
}

/** Two plans that would do the same, whatever happened to the run in between. */
export function isSameWork(a: Plan, b: Plan): boolean {
  return (
    a.skip === b.skip &&
    JSON.stringify(a.changes) === JSON.stringify(b.changes) &&
    a.nodes.length === b.nodes.length &&
    a.nodes.every(({ id, action }, index) => {
      const other = b.nodes[index];
      return other?.id === id && other.action === action;
    })
  );
}

/** The mode that is chosen: by the user, else the server's suggestion, else the first allowed. */
export function chosenMode(modes: Modes | undefined, key: string): Mode | null {
  const items = modes?.items ?? [];
  const byUser = items.find((mode) => keyOf(mode) === key && mode.allowed);
  const suggested = items.find((mode) => mode.mode === modes?.suggested && mode.allowed);
  return byUser ?? suggested ?? items.find((mode) => mode.allowed) ?? null;
}

/** Only what runs again can be changed. */
export function canChange(mode: Mode | null): boolean {
  return mode?.mode.startsWith("retry") ?? false;
}

function givenOf(mode: Mode | null, changes: Draft) {
  return canChange(mode) ? bodyOf(changes) : {};
}

/** A value once it has been the same for a moment: not each key is a question. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), 300);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** The plan of a way with these changes; none while they are still being typed. */
function usePlan({ project, run }: RunPath, mode: Mode | null, changes: Draft) {
  const settled = useSettled(changes);
  const body = { ...mode?.request.body, ...givenOf(mode, settled) };
  const query = useQuery({
    queryKey: keys.run(run, "plan", body),
    queryFn: ({ signal }) =>
      ok(
        api.POST("/projects/{project}/runs/{run}/recovery/plan", {
          params: { path: { project, run } },
          body,
          signal,
        }),
      ),
    enabled: mode !== null && !isRollback(mode) && mode.mode !== "resume",
    retry: false,
  });
  return { query, newest: settled === changes ? (query.data ?? null) : null };
}

function useRollbackPlan({ project, run }: RunPath, mode: Mode | null) {
  const stage = mode?.node ?? "";
  return useQuery({
    queryKey: keys.run(run, "rollback-plan", stage),
    queryFn: ({ signal }) =>
      ok(
        api.POST("/projects/{project}/runs/{run}/stages/{stage}/rollback/plan", {
          params: { path: { project, run, stage } },
          body: {},
          signal,
        }),
      ),
    enabled: mode !== null && isRollback(mode),
    retry: false,
  });
}

function bodyFor(mode: Mode, given: object, rollback: RollbackPlan | null, reason: string) {
  const more = rollback ? { to: rollback.restores.id } : {};
  return { ...mode.request.body, ...given, ...more, ...(reason.trim() ? { reason } : {}) };
}

interface Seen {
  key: string;
  plan: Plan;
}

function lastOf(error: unknown): LastAct | null {
  return error instanceof ProblemError ? (error.problem.last ?? null) : null;
}

export interface Recovery {
  mode: Mode | null;
  choose: (key: string) => void;
  /** What was shown, and is done if the button is pressed. */
  plan: Plan | null;
  rollback: RollbackPlan | null;
  problem: unknown;
  /** What is shown isn't what would be done now. */
  stale: boolean;
  /** Who was faster, if the server said so. */
  last: LastAct | null;
  refresh: () => void;
  changes: Draft;
  setChanges: (changes: Draft) => void;
  reason: string;
  setReason: (reason: string) => void;
  busy: boolean;
  apply: () => void;
}

/** Follow the choice of a reader. `onDone` is called after it was done. */
export function useRecovery(path: RunPath, modes: Modes | undefined, onDone: () => void): Recovery {
  const [key, setKey] = useState("");
  const [reason, setReason] = useState("");
  const [changes, setChanges] = useState(NO_CHANGES);
  const [seen, setSeen] = useState<Seen | null>(null);
  const [refused, setRefused] = useState(false);
  const call = useCall();
  const mode = chosenMode(modes, key);
  const given = givenOf(mode, changes);
  const modeKey = mode ? `${keyOf(mode)} ${JSON.stringify(given)}` : "";
  const { query, newest } = usePlan(path, mode, changes);
  const rollbackQuery = useRollbackPlan(path, mode);

  const agreed = seen?.key === modeKey ? seen.plan : null;
  // what would do the same may be taken over without a word: its etag is the newer one
  if (newest && newest !== agreed && !refused && (!agreed || isSameWork(agreed, newest))) {
    setSeen({ key: modeKey, plan: newest });
  }
  const moved = agreed !== null && newest !== null && !isSameWork(agreed, newest);
  const rollback = mode && isRollback(mode) ? (rollbackQuery.data ?? null) : null;

  function refresh(): void {
    setRefused(false);
    setSeen(newest ? { key: modeKey, plan: newest } : null);
    call.reset();
    void query.refetch();
    if (mode && isRollback(mode)) void rollbackQuery.refetch();
  }

  function apply(): void {
    const etag = rollback?.etag ?? agreed?.etag;
    if (!mode || !etag || refused || moved) return;
    const body = bodyFor(mode, given, rollback, reason);
    call.mutate(
      { path: mode.request.path, body, etag },
      {
        onSuccess: () => {
          setReason("");
          setChanges(NO_CHANGES);
          setKey("");
          setSeen(null);
          onDone();
        },
        onError: (error) => {
          if (error instanceof ProblemError && error.status === 412) setRefused(true);
        },
      },
    );
  }

  const failed = call.error ?? (mode && isRollback(mode) ? rollbackQuery.error : query.error);
  return {
    mode,
    choose: (next) => {
      setKey(next);
      setRefused(false);
      call.reset();
    },
    plan: agreed,
    rollback,
    problem: refused ? null : failed,
    stale: refused || moved,
    last: refused ? lastOf(call.error) : null,
    refresh,
    changes,
    setChanges: (next) => {
      setChanges(next);
      setRefused(false);
      call.reset();
    },
    reason,
    setReason,
    busy: call.isPending,
    apply,
  };
}
