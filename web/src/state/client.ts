import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { NetworkError, ProblemError } from "@/api/client";
import { keys } from "@/api/keys";
import { translator } from "@/i18n";
import { common } from "@/i18n/common";
import { toast } from "@/ui/toast";
import { settings } from "./settings";

const RETRIES = 2;

function textOf(error: unknown): string {
  if (error instanceof NetworkError)
    return translator(common, settings().language)("error.network");
  return error instanceof Error ? error.message : String(error);
}

/** The session is over: ask who one is, which leads to the sign-in. */
function noticeEnd(error: unknown): void {
  if (error instanceof ProblemError && error.status === 401) {
    void queryClient.invalidateQueries({ queryKey: keys.session });
  }
}

/** A change that failed says so in a corner, unless its `meta.quiet` says that the page does. */
export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeEnd }),
  mutationCache: new MutationCache({
    onError: (error, _values, _context, mutation) => {
      noticeEnd(error);
      if (!mutation.meta?.quiet) toast("bad", textOf(error));
    },
  }),
  defaultOptions: {
    queries: {
      networkMode: "always", // the server may be on this machine, where no network is needed
      staleTime: 5000,
      // what the server refuses it refuses again
      retry: (count, error) =>
        !(error instanceof ProblemError && error.status < 500) && count < RETRIES,
    },
    mutations: { networkMode: "always", retry: false },
  },
});
