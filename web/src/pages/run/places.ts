/** Addresses of the page. */
import { asCommand } from "@/ui/copy";
import type { RunPath } from "./data";

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

/** What a mode does, for a shell. */
export function commandOf({ project, run, mode, node }: ShellMode, reason: string): string {
  const [command, ...part] = WORDS[mode] ?? ["retry"];
  const why = reason.trim() && command !== "resume" ? ["--reason", reason.trim()] : [];
  return asCommand(command, run, "--project", project, ...part, ...(node ? [node] : []), ...why);
}
