import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { FilePenLine, History, Search } from "lucide-react";
import { api, ok } from "@/api/client";
import { keys } from "@/api/keys";
import { area, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { en } from "@/i18n/en/pipeline";
import { zh } from "@/i18n/zh/pipeline";
import { RunBars } from "@/parts/bars";
import { StartButton } from "@/parts/run-actions";
import { Button, LinkButton } from "@/ui/button";
import { Empty } from "@/ui/empty";
import { usePageTitle } from "@/ui/head";
import { Failure, Loaded } from "@/ui/loaded";
import { PageHead } from "@/ui/page";
import { FilterBar, type RunFilters, useRunFilters } from "./filters";
import { More } from "./more";
import { Summary } from "./summary";
import { RunTable } from "./table";

const texts = area(en, zh);
const PAGE = 50;

interface Place {
  project: string;
  pipeline: string;
}

function useRuns({ project, pipeline }: Place, filters: RunFilters) {
  const { recovered, ...texts } = filters;
  const given = Object.fromEntries(Object.entries(texts).filter(([, value]) => value));
  return useInfiniteQuery({
    queryKey: keys.runs(project, pipeline, filters),
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET("/projects/{project}/runs", {
          params: {
            path: { project },
            query: {
              ...given,
              pipeline,
              recovered: recovered ? true : undefined,
              limit: PAGE,
              cursor: pageParam,
            },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: (old) => old,
  });
}

export default function Pipeline({ params }: { params: Place }) {
  const { project, pipeline } = params;
  const c = useText(common);
  const t = useText(texts);
  const query = useQuery({
    queryKey: keys.pipeline(pipeline, "head"),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/pipelines/{pipeline}", {
          params: { path: { project, pipeline } },
          signal,
        }),
      ),
  });
  const name = query.data?.name ?? "";
  usePageTitle(name);
  return (
    <div className="mx-auto max-w-7xl">
      <Loaded query={query}>
        {({ description }) => (
          <>
            <PageHead
              crumbs={[
                { text: c("nav.projects"), href: "/projects" },
                { text: project, href: `/projects/${encodeURIComponent(project)}` },
              ]}
              title={name}
              actions={
                <>
                  <LinkButton
                    icon={FilePenLine}
                    href={`/projects/${encodeURIComponent(project)}/pipelines/${pipeline}/definition`}
                  >
                    {t("definition")}
                  </LinkButton>
                  <StartButton primary of={{ project, pipeline, name }} />
                  <More place={params} />
                </>
              }
            >
              {description && <p className="mt-1 text-muted">{description}</p>}
            </PageHead>
            <Runs place={params} name={name} />
          </>
        )}
      </Loaded>
    </div>
  );
}

function Runs({ place, name }: { place: Place; name: string }) {
  const t = useText(texts);
  const c = useText(common);
  const [filters, set, clear] = useRunFilters();
  const query = useRuns(place, filters);
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = Object.values(filters).some(Boolean);
  return (
    <>
      <h2 className="sr-only">{t("runs")}</h2>
      {(items.length > 0 || isFiltered) && (
        <FilterBar
          place={place}
          filters={filters}
          set={set}
          clear={clear}
          isFiltered={isFiltered}
        />
      )}
      {query.error && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && items.length === 0 && (
        <Empty
          icon={isFiltered ? Search : History}
          title={t(isFiltered ? "empty.filter" : "empty")}
          action={!isFiltered && <StartButton of={{ ...place, name }} />}
        >
          {!isFiltered && t("empty.hint")}
        </Empty>
      )}
      {items.length > 0 && (
        <>
          <div className="mb-4 flex flex-wrap items-end justify-between gap-x-8 gap-y-3 rounded-lg border border-line bg-surface p-4">
            <div className="max-w-full overflow-x-auto">
              <RunBars tall project={place.project} runs={items.slice(0, PAGE)} />
            </div>
            <Summary runs={items} />
          </div>
          <RunTable project={place.project} runs={items} />
        </>
      )}
      {query.hasNextPage && (
        <Button
          className="mt-4"
          busy={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          {c("page.more")}
        </Button>
      )}
    </>
  );
}
