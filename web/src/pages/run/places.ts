/** Addresses of the page. */
import type { Schemas } from "@/api/client";
import { asCommand } from "@/ui/copy";
import { textOf } from "./changes";
import type { RunPath } from "./data";

type Changes = Schemas["ChangesBody"];

export function hrefOfRun(project: string, run: string, more = ""): string {
  return `/projects/${encodeURIComponent(project)}/runs/${encodeURIComponent(run)}${more}`;
}

export function hrefOfPipeline(project: string, pipeline: string): string {
  return `/projects/${encodeURIComponent(project)}/pipelines/${encodeURIComponent(pipeline)}`;
}

export interface ShellMode extends RunPath {
  mode: string;
  node: string;
}

/** The words of a mode for the `mulligan` program: the command and how it names its part. */
const WORDS: Record<string, readonly [string, ...string[]]> = {
  "retry-step": ["retry", "--step"],
  "retry-job": ["retry", "--job"],
  "retry-failed": ["retry", "--failed", "--stage"],
  "retry-stage": ["retry", "--stage"],
  "retry-run": ["retry", "--all"],
  "skip-step": ["skip", "--step"],
  "skip-failed": ["retry", "--skip", "--stage"],
  "rollback-stage": ["rollback", "--stage"],
  resume: ["resume", "--step"],
};

/** The options of `mulligan retry` that say what is to be otherwise. */
function optionsOf({ steps = {}, parameters = {} }: Changes): string[] {
  const found: string[] = [];
  const add = (option: string, name: string, reset: string, value: unknown) =>
    found.push(...(value === null ? ["--reset", reset] : [option, `${name}=${textOf(value)}`]));
  for (const [step, { inputs = {}, env = {}, timeout_s }] of Object.entries(steps)) {
    for (const [name, value] of Object.entries<unknown>(inputs)) {
      const text = Array.isArray(value) ? JSON.stringify(value) : textOf(value).replace(/^@/, "@@");
      add("--input", `${step}.${name}`, `${step}.${name}`, value === null ? null : text);
    }
    for (const [name, value] of Object.entries(env)) {
      add("--step-env", `${step}.${name}`, `${step}.env.${name}`, value);
    }
    if (timeout_s !== undefined) add("--step-timeout", step, `${step}.timeout`, timeout_s);
  }
  for (const [name, value] of Object.entries<unknown>(parameters)) add("-p", name, name, value);
  return found;
}

/** What a mode does, for a shell. */
export function commandOf(
  { project, run, mode, node }: ShellMode,
  reason: string,
  changes: Changes = {},
): string {
  const [command, ...part] = WORDS[mode] ?? ["retry"];
  const why = reason.trim() && command !== "resume" ? ["--reason", reason.trim()] : [];
  const what = [...part, ...(node ? [node] : []), ...optionsOf(changes)];
  return asCommand(command, run, "--project", project, ...what, ...why);
}
