/** What the server finds for the palette. Every question is bounded, and asked after a pause. */
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { FolderKanban, Layers, Workflow } from "lucide-react";
import { useEffect, useState } from "react";
import { api, isNotFound, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { STATES, stateOfRun } from "@/theme/status";
import type { Command } from "@/ui/commands";

type Go = (path: string) => void;

const PAUSE_MS = 200; // after the last key
const PAGE = 8;
const MOST_LISTED = 200; // projects and environments, which are narrowed here

/** A value once it has rested. */
export function useRested(value: string): string {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}

const base = (project: string) => `/projects/${encodeURIComponent(project)}`;

export function usePipelinesFound(project: string, search: string, go: Go) {
  const query = useInfiniteQuery({
    queryKey: keys.pipelines(project, "palette", search),
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET("/projects/{project}/pipelines", {
          params: { path: { project }, query: { search, limit: PAGE, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    enabled: Boolean(project && search),
    placeholderData: keepPreviousData,
  });
  const items = search ? (query.data?.pages.flatMap((page) => page.items) ?? []) : [];
  const commands: Command[] = items.map(({ id, name }) => ({
    id: `pipeline:${id}`,
    text: name,
    hint: project,
    icon: Workflow,
    run: () => go(`${base(project)}/pipelines/${id}`),
  }));
  return { commands, query };
}

/** Whether a text names runs: a number, or the id of one. */
export function asRun(text: string): { number?: number; id?: string } {
  const number = /^#?([1-9]\d{0,8})$/.exec(text)?.[1];
  if (number) return { number: Number(number) };
  return /^b-[0-9a-z]{3,64}$/.test(text) ? { id: text } : {};
}

type FoundRun = Pick<
  Schemas["RunItem"],
  "id" | "project" | "number" | "pipeline_name" | "status" | "cause" | "message"
> & { recovered?: boolean };

export function useRunsFound(project: string, search: string, go: Go) {
  const c = useText(common);
  const { number, id } = asRun(search);
  const query = useQuery({
    queryKey: keys.runs(project, "palette", search),
    queryFn: async ({ signal }): Promise<FoundRun[]> => {
      if (id) {
        const params = { path: { run: id } };
        const one = ok(api.GET("/runs/{run}", { params, signal }));
        return one.then(
          (run) => [run],
          (error) => (isNotFound(error) ? [] : Promise.reject(error)),
        );
      }
      const params = { path: { project }, query: { number, limit: PAGE } };
      return (await ok(api.GET("/projects/{project}/runs", { params, signal }))).items;
    },
    enabled: Boolean(id || (number && project)),
  });
  const commands: Command[] = (query.data ?? []).map((run) => {
    const state = stateOfRun(run);
    return {
      id: `run:${run.id}`,
      text: `#${run.number} ${run.pipeline_name}`,
      hint: [c(`state.${state}`), run.message].filter(Boolean).join(" · "),
      icon: STATES[state].icon,
      run: () => go(`${base(run.project)}/runs/${run.id}`),
    };
  });
  return { commands, query };
}

export function useEnvironmentsListed(project: string, go: Go) {
  const query = useQuery({
    queryKey: keys.environments(project, "palette"),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/environments", {
          params: { path: { project }, query: { limit: MOST_LISTED } },
          signal,
        }),
      ),
    enabled: Boolean(project),
  });
  const commands: Command[] = (query.data?.items ?? []).map(({ id, name, application, key }) => ({
    id: `environment:${id}`,
    text: [application, name || key].filter(Boolean).join(" · "),
    hint: project,
    icon: Layers,
    run: () => go(`${base(project)}/environments/${encodeURIComponent(id)}`),
  }));
  return { commands, query };
}

export function useProjectsListed(go: Go) {
  const query = useQuery({
    queryKey: [...keys.projects, "palette"],
    queryFn: ({ signal }) =>
      ok(api.GET("/projects", { params: { query: { limit: MOST_LISTED } }, signal })),
  });
  const commands: Command[] = (query.data?.items ?? []).map(({ id, name }) => ({
    id: `project:${id}`,
    text: name || id,
    hint: id,
    icon: FolderKanban,
    words: [id],
    run: () => go(base(id)),
  }));
  return { commands, query };
}
