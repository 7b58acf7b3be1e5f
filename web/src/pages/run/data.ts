/** What the page asks the server, and what it tells it. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { api, ok, type Schemas } from "@/api/client";
import { type ServerEvent, useEvents } from "@/api/events";
import { keys } from "@/api/keys";
import type { Run } from "./model";
import { forward, keep } from "./reduce";

export type Modes = Schemas["ModeList"];
export type Mode = Schemas["ModeView"];
export type Plan = Schemas["PlanView"];
export type Failure = Schemas["FailureView"];
export type RecoveryBody = Schemas["RecoveryBody"];

export interface RunPath {
  project: string;
  run: string;
}

/** The run as it is now, or as an attempt left it; `now` is brought forward by events. */
export function useRun({ project, run }: RunPath, attempt: number | null) {
  const path = { project, run };
  const [waiting, setWaiting] = useState<readonly ServerEvent[]>([]);
  const newest = useQuery({
    queryKey: keys.run(run, "now"),
    queryFn: ({ signal }): Promise<Run> =>
      ok(api.GET("/projects/{project}/runs/{run}", { params: { path }, signal })) as Promise<Run>,
  });
  const past = useQuery({
    queryKey: keys.run(run, "attempt", attempt),
    queryFn: ({ signal }): Promise<Run> =>
      ok(
        api.GET("/projects/{project}/runs/{run}", {
          params: { path, query: { attempt: attempt ?? undefined } },
          signal,
        }),
      ) as Promise<Run>, // the client takes pairs for lists
    enabled: attempt !== null && newest.data !== undefined && attempt < newest.data.attempt,
  });
  useEvents(
    project,
    useCallback(
      (event: ServerEvent) => {
        if (event.run === run) setWaiting((old) => keep(old, event));
      },
      [run],
    ),
  );
  const now = useMemo(
    () => (newest.data ? forward(newest.data, waiting) : undefined),
    [newest.data, waiting],
  );
  const isPast = attempt !== null && now !== undefined && attempt < now.attempt;
  return { query: newest, now, shown: isPast ? past.data : now, isPast, past };
}

/** What a query found while it is wanted. A query that is switched off keeps its last answer. */
function whileWanted<T>(enabled: boolean, { data }: { data: T | undefined }): T | undefined {
  return enabled ? data : undefined;
}

export function useFailure({ project, run }: RunPath, enabled: boolean): Failure | undefined {
  const query = useQuery({
    queryKey: keys.run(run, "failure"),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/runs/{run}/failure", {
          params: { path: { project, run } },
          signal,
        }),
      ),
    enabled,
    placeholderData: (old) => old,
  });
  return whileWanted(enabled, query);
}

/**
 * All ways to recover, about a step or the first that failed. Switched off it keeps its answer: by
 * that the panel shows that somebody was faster and the plan is stale.
 */
export function useModes({ project, run }: RunPath, step: string, enabled: boolean) {
  return useQuery({
    queryKey: keys.run(run, "modes", step),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/runs/{run}/recovery/modes", {
          params: { path: { project, run }, query: { step: step || undefined } },
          signal,
        }),
      ),
    enabled,
    placeholderData: (old) => old,
  });
}

/** What can be changed for a retry: of the step that failed, and the parameters. */
export function useChangeable({ project, run }: RunPath, step: string, enabled: boolean) {
  return useQuery({
    queryKey: keys.run(run, "changeable", step),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/runs/{run}/recovery/modes", {
          params: { path: { project, run }, query: { step: step || undefined, changes: true } },
          signal,
        }),
      ),
    enabled,
    placeholderData: (old) => old,
  });
}

export function useAttempts({ project, run }: RunPath, enabled = true) {
  return useQuery({
    queryKey: keys.run(run, "attempts"),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/runs/{run}/attempts", {
          params: { path: { project, run } },
          signal,
        }),
      ),
    enabled,
  });
}

export function useAttemptDiff({ project, run }: RunPath, a: number, b: number) {
  return useQuery({
    queryKey: keys.run(run, "diff", a, b),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/runs/{run}/attempts/{a}/diff/{b}", {
          params: { path: { project, run, a: String(a), b: String(b) } },
          signal,
        }),
      ),
    enabled: a !== b,
  });
}

/** Earlier attempts of jobs and steps, and the last run that went well. */
export function useTimeline({ project, run }: RunPath) {
  return useQuery({
    queryKey: keys.run(run, "timeline"),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/runs/{run}/timeline", {
          params: { path: { project, run } },
          signal,
        }),
      ),
  });
}

/** What of this run waits for people. */
export function useGates({ project, run }: RunPath, enabled: boolean) {
  const query = useQuery({
    queryKey: keys.run(run, "approvals"),
    queryFn: async ({ signal }) => {
      const found = await ok(
        api.GET("/approvals", { params: { query: { project, limit: 200 } }, signal }),
      );
      return found.items.filter((item) => item.run === run);
    },
    enabled,
  });
  return whileWanted(enabled, query) ?? [];
}

export interface Neighbours {
  before: string | null;
  after: string | null;
}

/** The runs of the pipeline with the next lower and higher number. */
export function useNeighbours(project: string, run: Run | undefined) {
  const { pipeline = "", number = 0 } = run ?? {};
  return useQuery({
    queryKey: keys.runs(project, "beside", pipeline, number),
    queryFn: async ({ signal }): Promise<Neighbours> => {
      const at = async (wanted: number) => {
        const found = await ok(
          api.GET("/projects/{project}/runs", {
            params: { path: { project }, query: { pipeline, number: wanted, limit: 1 } },
            signal,
          }),
        );
        return found.items[0]?.id ?? null;
      };
      return { before: number > 1 ? await at(number - 1) : null, after: await at(number + 1) };
    },
    enabled: run !== undefined,
  });
}

/** Send a call that the server itself has described, as of a mode or an approval. */
export function useCall() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ path, body, etag, method = "POST" }: DescribedCall) =>
      ok(
        api.request(method.toLowerCase() as "post", path as "/session", {
          body: body as never,
          headers: etag ? { "If-Match": etag } : undefined,
        }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: ["run"] }),
    meta: { quiet: true }, // shown where the button is
  });
}

export interface DescribedCall {
  /** Below /api/v1. */
  path: string;
  body: unknown;
  etag?: string;
  method?: string;
}
