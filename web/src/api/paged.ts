import { keepPreviousData, type QueryKey, useInfiniteQuery } from "@tanstack/react-query";

interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/**
 * A list of the server, page after page: what was loaded, and a way to load more. `keepsOld`: what
 * was there before stays in sight until what another key asks for has come.
 */
export function usePaged<P extends Page<unknown>>(
  queryKey: QueryKey,
  load: (cursor: string | undefined, signal: AbortSignal) => Promise<P>,
  { keepsOld = false } = {},
) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => load(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepsOld ? keepPreviousData : undefined,
  });
  const items: P["items"] | undefined = query.data?.pages.flatMap((page) => page.items);
  return { ...query, items };
}

export type Paged<T> = ReturnType<typeof usePaged<Page<T>>>;
