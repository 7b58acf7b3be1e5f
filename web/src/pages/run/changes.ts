/** What is to be otherwise for the next attempt, as a reader puts it together. */
import type { Schemas } from "@/api/client";

export type ChangeView = Schemas["ChangeView"];
type Body = Schemas["ChangesBody"];

/** Of one step; null sets back to what is defined. */
export interface StepDraft {
  inputs?: Readonly<Record<string, unknown>>;
  env?: Readonly<Record<string, string | null>>;
  timeout_s?: number | null;
}

export interface Draft {
  steps: Readonly<Record<string, StepDraft>>;
  parameters: Readonly<Record<string, string | null>>;
}

export const NO_CHANGES: Draft = { steps: {}, parameters: {} };

/** A record with another value under a name; undefined takes it away. */
function put<T>(record: Readonly<Record<string, T>>, name: string, value: T | undefined) {
  const { [name]: _, ...rest } = record;
  return value === undefined ? rest : { ...rest, [name]: value };
}

function putStep(draft: Draft, step: string, change: StepDraft): Draft {
  const inputs = change.inputs ?? {};
  const env = change.env ?? {};
  const kept: StepDraft = {
    ...(Object.keys(inputs).length > 0 ? { inputs } : {}),
    ...(Object.keys(env).length > 0 ? { env } : {}),
    ...(change.timeout_s === undefined ? {} : { timeout_s: change.timeout_s }),
  };
  return {
    ...draft,
    steps: put(draft.steps, step, Object.keys(kept).length > 0 ? kept : undefined),
  };
}

/** `undefined` leaves as it is. */
export function withInput(draft: Draft, step: string, name: string, value: unknown): Draft {
  const old = draft.steps[step] ?? {};
  return putStep(draft, step, { ...old, inputs: put(old.inputs ?? {}, name, value) });
}

export function withEnv(draft: Draft, step: string, name: string, value?: string | null): Draft {
  const old = draft.steps[step] ?? {};
  return putStep(draft, step, { ...old, env: put(old.env ?? {}, name, value) });
}

export function withTimeout(draft: Draft, step: string, seconds?: number | null): Draft {
  return putStep(draft, step, { ...draft.steps[step], timeout_s: seconds });
}

export function withParameter(draft: Draft, name: string, value?: string | null): Draft {
  return { ...draft, parameters: put(draft.parameters, name, value) };
}

export function countOf({ steps, parameters }: Draft): number {
  return Object.values(steps).reduce(
    (sum, { inputs = {}, env = {}, timeout_s }) =>
      sum +
      Object.keys(inputs).length +
      Object.keys(env).length +
      (timeout_s === undefined ? 0 : 1),
    Object.keys(parameters).length,
  );
}

/** What goes to the server besides the way to recover. */
export function bodyOf(draft: Draft): { changes?: Body } {
  return countOf(draft) > 0 ? { changes: draft as Body } : {};
}

/** The same for the clipboard: new values of secrets are left out. */
export function shownBody(draft: Draft, changes: readonly ChangeView[]): { changes?: Body } {
  let left = draft;
  for (const { kind, step, name, secret } of changes) {
    if (!secret) continue;
    if (!step) left = withParameter(left, name, "…");
    else if (kind === "env") left = withEnv(left, step, name, "…");
    else left = withInput(left, step, name, "…");
  }
  return bodyOf(left);
}

export function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.join("\n");
  return typeof value === "string" ? value : JSON.stringify(value);
}

const AROUND = 2; // lines that are the same before and after

/** The lines in which two texts differ, as of `diff -u`; they are cut where both are the same. */
export function diffLines(before: string, after: string): string[] {
  const old = before === "" ? [] : before.split("\n");
  const now = after === "" ? [] : after.split("\n");
  const most = Math.min(old.length, now.length);
  let head = 0;
  while (head < most && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < most - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const same = (lines: string[]) => lines.map((line) => ` ${line}`);
  return [
    ...same(old.slice(Math.max(0, head - AROUND), head)),
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+${line}`),
    ...same(old.slice(old.length - tail, old.length - tail + AROUND)),
  ];
}
