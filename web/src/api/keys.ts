/**
 * Keys of queries. What happens on the server makes queries old by these, see `events.ts`: the key
 * of everything about a run begins with `keys.run(id)`, and so on.
 */
export const keys = {
  session: ["session"] as const,
  projects: ["projects"] as const,
  project: (project: string, ...more: unknown[]) => ["project", project, ...more] as const,
  pipelines: (project: string, ...more: unknown[]) =>
    ["project", project, "pipelines", ...more] as const,
  /** Lists of runs of a project. */
  runs: (project: string, ...more: unknown[]) => ["project", project, "runs", ...more] as const,
  environments: (project: string, ...more: unknown[]) =>
    ["project", project, "environments", ...more] as const,
  /** What waits for people, in all projects. */
  approvals: (...more: unknown[]) => ["approvals", ...more] as const,
  pipeline: (pipeline: string, ...more: unknown[]) => ["pipeline", pipeline, ...more] as const,
  run: (run: string, ...more: unknown[]) => ["run", run, ...more] as const,
};
