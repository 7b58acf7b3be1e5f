/** Search in the log, which the server does, over all that there is. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { clsx } from "clsx";
import { CaseSensitive, Layers, Regex, Search, X } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { api, ok, type Schemas } from "@/api/client";
import { useText } from "@/i18n";
import { Button, IconButton } from "@/ui/button";
import { Failure } from "@/ui/loaded";
import type { LogPath } from "./store";
import { logTexts } from "./texts";

export type Hit = Schemas["LogHit"];

export interface Query {
  text: string;
  regexp: boolean;
  caseful: boolean;
  wholeRun: boolean;
  /** Counts the searches, so that the same one can be made again. */
  serial: number;
}

export const NO_QUERY: Query = {
  text: "",
  regexp: false,
  caseful: false,
  wholeRun: false,
  serial: 0,
};
const PAGE = 500;
const ENOUGH = 1000; // hits, until somebody asks for more

export function useSearch({ project, run, step, attempt }: LogPath, query: Query) {
  const { text, regexp, caseful, wholeRun, serial } = query;
  const place = wholeRun ? {} : { step, attempt };
  const found = useInfiniteQuery({
    queryKey: ["log-search", run, place, text, regexp, caseful, serial],
    queryFn: ({ signal, pageParam }) =>
      ok(
        api.GET("/projects/{project}/runs/{run}/log/search", {
          params: {
            path: { project, run },
            query: {
              q: text,
              regexp,
              case: caseful,
              limit: PAGE,
              cursor: pageParam || undefined,
              ...place,
            },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    enabled: text !== "",
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  const hits = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
  const { hasNextPage, isFetching, fetchNextPage, error } = found;
  useEffect(() => {
    if (hasNextPage && !isFetching && !error && hits.length < ENOUGH) void fetchNextPage();
  }, [hasNextPage, isFetching, error, hits.length, fetchNextPage]);
  return {
    hits,
    searching: isFetching,
    more: hasNextPage,
    error,
    goOn: () => void fetchNextPage(),
    again: () => void found.refetch(),
  };
}

export type Found = ReturnType<typeof useSearch>;

/** What was searched, for what the browser shows; null where it does not know the expression. */
export function expressionOf({ text, regexp, caseful }: Query): RegExp | null {
  if (!text) return null;
  try {
    const source = regexp ? text : text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return new RegExp(source, caseful ? "g" : "gi");
  } catch {
    return null;
  }
}

export function SearchField({
  query,
  onSearch,
  onStep,
}: {
  query: Query;
  onSearch: (query: Query) => void;
  /** Enter once more: to the next hit, with shift to the one before. */
  onStep: (forward: boolean) => void;
}) {
  const t = useText(logTexts);
  const [text, setText] = useState(query.text);
  useEffect(() => setText(query.text), [query.text]);
  const search = (change: Partial<Query> = {}) =>
    onSearch({ ...query, text, ...change, serial: query.serial + 1 });
  const toggle = (change: Partial<Query>) =>
    text ? search(change) : onSearch({ ...query, ...change });
  return (
    <search className="flex h-8 min-w-40 grow basis-60 items-center rounded-md border border-line bg-surface focus-within:outline-2 focus-within:outline-accent sm:max-w-md">
      <Search aria-hidden size={15} className="ml-2 shrink-0 text-muted" />
      <input
        data-filter
        type="text"
        autoComplete="off"
        spellCheck={false}
        aria-label={t("search")}
        placeholder={t("search")}
        title={t("search.hint")}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            if (text === query.text && text) onStep(!event.shiftKey);
            else search();
          } else if (event.key === "Escape") onSearch({ ...NO_QUERY, serial: query.serial + 1 });
        }}
        className="h-full min-w-0 grow bg-transparent px-2 placeholder:text-muted outline-none!"
      />
      <Toggle
        label={t("search.case")}
        pressed={query.caseful}
        onPress={(to) => toggle({ caseful: to })}
      >
        <CaseSensitive aria-hidden size={17} />
      </Toggle>
      <Toggle
        label={t("search.regexp")}
        pressed={query.regexp}
        onPress={(to) => toggle({ regexp: to })}
      >
        <Regex aria-hidden size={15} />
      </Toggle>
      <Toggle
        label={t("search.run")}
        pressed={query.wholeRun}
        onPress={(to) => toggle({ wholeRun: to })}
      >
        <Layers aria-hidden size={15} />
      </Toggle>
    </search>
  );
}

export function Toggle({
  label,
  pressed,
  onPress,
  children,
}: {
  label: string;
  pressed: boolean;
  onPress: (pressed: boolean) => void;
  children: ReactNode;
}) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={() => onPress(!pressed)}
      className={clsx(
        "mr-0.5 inline-flex size-7 shrink-0 items-center justify-center rounded",
        pressed ? "bg-busy-soft text-busy" : "text-muted hover:bg-sunken hover:text-text",
      )}
    >
      {children}
    </button>
  );
}

/** The hits, beside the log. */
export function Hits({
  found,
  path,
  at,
  onOpen,
  onClose,
}: {
  found: Found;
  path: LogPath;
  /** The line that one is at. */
  at: number;
  onOpen: (hit: Hit) => void;
  onClose: () => void;
}) {
  const t = useText(logTexts);
  const { hits, searching, more, error } = found;
  return (
    <section
      aria-label={t("search.list")}
      className="flex max-h-[40%] shrink-0 flex-col border-line bg-surface max-sm:border-t sm:max-h-none sm:w-72 sm:border-l"
    >
      <div className="flex items-center gap-2 border-b border-line py-1 pr-1 pl-3 text-[13px] text-muted">
        <span role="status" className="grow">
          {searching && hits.length === 0
            ? t("search.searching")
            : hits.length === 0
              ? t("search.none")
              : more
                ? t("search.some", { n: hits.length })
                : t("search.hits", { n: hits.length })}
        </span>
        <IconButton size="small" icon={X} label={t("search.close")} onClick={onClose} />
      </div>
      {error && <Failure error={error} onRetry={found.again} />}
      <ol className="min-h-0 grow overflow-y-auto py-1">
        {hits.map((hit) => (
          <HitItem
            key={`${hit.step}.${hit.attempt}.${hit.line}`}
            hit={hit}
            current={hit.step === path.step && hit.attempt === path.attempt && hit.line === at}
            elsewhere={hit.step !== path.step || hit.attempt !== path.attempt}
            onOpen={onOpen}
          />
        ))}
        {more && (
          <li className="p-2">
            <Button size="small" busy={searching} onClick={found.goOn}>
              {t("search.more")}
            </Button>
          </li>
        )}
      </ol>
    </section>
  );
}

function HitItem({
  hit,
  current,
  elsewhere,
  onOpen,
}: {
  hit: Hit;
  current: boolean;
  elsewhere: boolean;
  onOpen: (hit: Hit) => void;
}) {
  const t = useText(logTexts);
  const { text, begin, end } = hit;
  return (
    <li className="[contain-intrinsic-size:auto_28px] [content-visibility:auto]">
      <button
        type="button"
        aria-current={current || undefined}
        onClick={() => onOpen(hit)}
        className={clsx(
          "block w-full px-3 py-1 text-left text-[12.5px]",
          current ? "bg-busy-soft" : "hover:bg-sunken",
        )}
      >
        {elsewhere && (
          <span className="block truncate text-muted">
            {hit.step_name || hit.step} · {t("search.attempt", { n: hit.attempt })}
          </span>
        )}
        <span className="flex gap-2 font-mono">
          <span className="shrink-0 text-muted tabular-nums">{hit.line}</span>
          <span className="truncate">
            {text.slice(Math.max(begin - 16, 0), begin)}
            <mark className="bg-found text-text">{text.slice(begin, end)}</mark>
            {text.slice(end, end + 80)}
          </span>
        </span>
      </button>
    </li>
  );
}
