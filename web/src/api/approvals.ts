import { useQuery } from "@tanstack/react-query";
import { api, ok } from "./client";
import { keys } from "./keys";

const AGAIN_MS = 30_000; // events are those of one project, this list is of all
const MOST = 100;

/** What waits for people in all projects; `mine`: only what the caller may answer now. */
export function useApprovals(mine: boolean) {
  return useQuery({
    queryKey: keys.approvals({ mine }),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/approvals", {
          params: { query: { limit: MOST, mine: mine || undefined } },
          signal,
        }),
      ),
    refetchInterval: AGAIN_MS,
  });
}

/** How many wait for the caller. */
export function useApprovalCount(): number {
  return useApprovals(true).data?.items.length ?? 0;
}
