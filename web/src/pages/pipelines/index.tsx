import { useInfiniteQuery } from "@tanstack/react-query";
import { FilterX, Plus, Search, Workflow } from "lucide-react";
import { useLocation } from "wouter";
import { api, isNotFound, ok } from "@/api/client";
import { keys } from "@/api/keys";
import { useRefusal } from "@/api/rights";
import { useMe } from "@/api/session";
import { area, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { en } from "@/i18n/en/pipelines";
import { zh } from "@/i18n/zh/pipelines";
import { SearchField, StatusField } from "@/parts/filters";
import { useQueryState } from "@/state/query";
import { Button, LinkButton } from "@/ui/button";
import { asListCommand, Command, CopyAs, listPath } from "@/ui/copy";
import { Empty, Skeleton } from "@/ui/empty";
import { Checkbox } from "@/ui/field";
import { usePageTitle } from "@/ui/head";
import { Failure } from "@/ui/loaded";
import { NothingHere } from "@/ui/nothing-here";
import { PageHead } from "@/ui/page";
import { PipelineTable } from "./table";

const texts = area(en, zh);
const PAGE = 50;
const OTHERS_MS = 30_000;

interface Filters {
  search: string;
  status: string;
  label: string;
  mine: string;
}

function useFilters(): [Filters, (name: keyof Filters) => (value: string) => void, () => void] {
  const [search, setSearch] = useQueryState("q");
  const [status, setStatus] = useQueryState("status");
  const [label, setLabel] = useQueryState("label");
  const [mine, setMine] = useQueryState("mine");
  const [location, navigate] = useLocation();
  const setters = { search: setSearch, status: setStatus, label: setLabel, mine: setMine };
  return [
    { search, status, label, mine },
    (name) => setters[name],
    () => navigate(location, { replace: true }),
  ];
}

function usePipelines(project: string, { search, status, label, mine }: Filters) {
  const { user } = useMe();
  return useInfiniteQuery({
    queryKey: keys.pipelines(project, { search, status, label, mine }),
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET("/projects/{project}/pipelines", {
          params: {
            path: { project },
            query: {
              search: search || undefined,
              status: status || undefined,
              label: label || undefined,
              owner: mine ? user : undefined,
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
    refetchInterval: OTHERS_MS, // no event tells of pipelines that others make, rename or delete
  });
}

/** The list as it is narrowed, for a shell. */
function CopyList({ project, filters }: { project: string; filters: Filters }) {
  const { user } = useMe();
  const { search, status, label, mine } = filters;
  const query = { search, status, label, owner: mine ? user : "" };
  return (
    <CopyAs
      command={asListCommand(["pipelines", "--project", project], query, ["search", "label"])}
      curl={{ method: "GET", path: listPath(`/projects/${project}/pipelines`, query) }}
    />
  );
}

export default function Pipelines({ params: { project } }: { params: { project: string } }) {
  const t = useText(texts);
  const c = useText(common);
  const [filters, set, clear] = useFilters();
  const refusal = useRefusal(project);
  const query = usePipelines(project, filters);
  usePageTitle(`${t("title")} · ${project}`, undefined, query.isSuccess ? project : "");
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = Object.values(filters).some(Boolean);
  if (isNotFound(query.error)) return <NothingHere />;
  return (
    <div className="mx-auto max-w-7xl">
      <PageHead
        title={t("title")}
        actions={
          <LinkButton
            icon={Plus}
            href={`/projects/${encodeURIComponent(project)}/new-pipeline`}
            why={refusal("edit")}
          >
            {t("new")}
          </LinkButton>
        }
        crumbs={[{ text: c("nav.projects"), href: "/projects" }, { text: project }]}
      />
      <div className="mb-4 flex flex-wrap items-center gap-x-4 gap-y-2">
        <SearchField label={t("filter")} value={filters.search} onChange={set("search")} />
        <StatusField
          label={t("filter.state")}
          all={t("filter.state.all")}
          value={filters.status}
          onChange={set("status")}
        />
        <Checkbox
          label={t("filter.mine")}
          checked={Boolean(filters.mine)}
          onChange={({ target }) => set("mine")(target.checked ? "1" : "")}
        />
        <span className="ml-auto">
          <CopyList project={project} filters={filters} />
        </span>
        {isFiltered && (
          <Button variant="ghost" icon={FilterX} onClick={clear}>
            {t("filter.clear")}
          </Button>
        )}
      </div>
      {query.error && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton className="h-64" />}
      {query.isSuccess && items.length === 0 && (
        <Empty
          icon={isFiltered ? Search : Workflow}
          title={t(isFiltered ? "empty.filter" : "empty")}
        >
          {!isFiltered && (
            <>
              <p>{t("empty.hint")}</p>
              <Command>{`mulligan init && mulligan import --project ${project}`}</Command>
            </>
          )}
        </Empty>
      )}
      {items.length > 0 && <PipelineTable project={project} items={items} onLabel={set("label")} />}
      {query.hasNextPage && (
        <Button
          className="mt-4"
          busy={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          {c("page.more")}
        </Button>
      )}
    </div>
  );
}
