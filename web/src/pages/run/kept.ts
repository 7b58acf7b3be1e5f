/** What the steps of a run left: artifacts, reports, tests. */
import { useQuery } from "@tanstack/react-query";
import { API, api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { usePaged } from "@/api/paged";
import type { RunPath } from "./data";
import { isOver, type Run } from "./model";

export type Artifact = Schemas["ArtifactView"];
export type Report = Schemas["ReportView"];
export type Test = Schemas["TestView"];
export type TestCounts = Record<string, number>;

export interface TestFilter {
  /** Words of the server, separated by commas; "" = what is worth looking at. */
  state: string;
  name: string;
}

/** `attempt`: of the run; null = all. */
export function useArtifacts({ project, run }: RunPath, attempt: number | null) {
  return usePaged(keys.run(run, "artifacts", attempt), (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/runs/{run}/artifacts", {
        params: { path: { project, run }, query: { attempt: attempt ?? undefined, cursor } },
        signal,
      }),
    ),
  );
}

export function useReports({ project, run }: RunPath) {
  return usePaged(keys.run(run, "reports"), (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/runs/{run}/reports", {
        params: { path: { project, run }, query: { cursor } },
        signal,
      }),
    ),
  );
}

/** The tests as an attempt of the run left them. */
export function useTests({ project, run }: RunPath, attempt: number, filter: TestFilter) {
  return usePaged(
    keys.run(run, "tests", attempt, filter),
    (cursor, signal) => askTests({ project, run }, attempt, { ...filter, cursor }, signal),
    { keepsOld: true },
  );
}

function askTests(
  path: RunPath,
  attempt: number,
  query: Partial<TestFilter> & { cursor?: string; limit?: number },
  signal: AbortSignal,
) {
  const { state, name, ...rest } = query;
  return ok(
    api.GET("/projects/{project}/runs/{run}/tests", {
      params: {
        path: { project: path.project, run: path.run },
        query: { attempt, state: state || undefined, name: name || undefined, ...rest },
      },
      signal,
    }),
  );
}

export interface KeptCounts {
  artifacts: number;
  reports: number;
  /** Null: none are known of. */
  tests: TestCounts | null;
}

/** How much there is in each tab. Tests are counted once the run is over: that reads files. */
export function useCounts(path: RunPath, run: Run): KeptCounts {
  const artifacts = useArtifacts(path, null).data?.pages[0];
  const reports = useReports(path).items ?? [];
  const mayHold =
    artifacts?.items.some(({ path: file }) => file.toLowerCase().endsWith(".xml")) ||
    reports.some(({ files }) => files > 0);
  const tests = useQuery({
    queryKey: keys.run(path.run, "tests", run.attempt, "counts"),
    queryFn: ({ signal }) => askTests(path, run.attempt, { limit: 1 }, signal),
    enabled: Boolean(mayHold) && isOver(run),
  }).data;
  return {
    artifacts: artifacts?.total ?? 0,
    reports: reports.length,
    tests: tests && tests.reports_read > 0 ? tests.counts : null,
  };
}

/** "212/1✗": how many tests there are, and how many of them are bad. */
export function shortCount({ total = 0, failed = 0, error = 0 }: TestCounts): string {
  return failed + error > 0 ? `${total}/${failed + error}✗` : String(total);
}

/** An address of the own API, below wherever the page lives. */
export function addressOf(path: string): string {
  return `${API}${path.replace(/^\/api\/v1/, "")}`;
}

export function addressOfReport({ url, pages, index }: Report): string {
  if (url) return url;
  return `${addressOf(pages ?? "").replace(/\/$/, "")}/${index ?? ""}`;
}
