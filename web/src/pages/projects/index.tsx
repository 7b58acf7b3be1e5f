import { useInfiniteQuery } from "@tanstack/react-query";
import { FolderKanban, Search } from "lucide-react";
import { Link } from "wouter";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { area, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { en } from "@/i18n/en/projects";
import { zh } from "@/i18n/zh/projects";
import { useQueryState } from "@/state/query";
import { Button } from "@/ui/button";
import { Command } from "@/ui/copy";
import { Empty, Skeleton } from "@/ui/empty";
import { TextInput } from "@/ui/field";
import { usePageTitle } from "@/ui/head";
import { Failure } from "@/ui/loaded";
import { PageHead } from "@/ui/page";

const texts = area(en, zh);
const PAGE = 100;

export default function Projects() {
  const t = useText(texts);
  const c = useText(common);
  const [filter, setFilter] = useQueryState("q");
  usePageTitle(t("title"));
  const query = useInfiniteQuery({
    queryKey: keys.projects,
    queryFn: ({ pageParam, signal }) =>
      ok(api.GET("/projects", { params: { query: { limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
  const all = query.data?.pages.flatMap((page) => page.items) ?? [];
  const wanted = filter.toLowerCase();
  const shown = all.filter(
    ({ id, name }) => id.includes(wanted) || name.toLowerCase().includes(wanted),
  );
  return (
    <div className="mx-auto max-w-7xl">
      <PageHead title={t("title")} />
      {(all.length > 8 || filter) && (
        <div className="relative mb-4 max-w-sm">
          <Search aria-hidden size={16} className="absolute top-2.5 left-2.5 text-muted" />
          <TextInput
            data-filter
            type="search"
            aria-label={t("filter")}
            placeholder={t("filter")}
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
            className="pl-8"
          />
        </div>
      )}
      {query.error && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton className="h-24" />}
      {query.isSuccess && all.length === 0 && (
        <Empty icon={FolderKanban} title={t("empty")}>
          <p>{t("empty.hint")}</p>
          <Command>mulligan project create shop</Command>
        </Empty>
      )}
      {all.length > 0 && shown.length === 0 && <Empty icon={Search} title={t("empty.filter")} />}
      <ul className="grid grid-cols-1 gap-3 sm:grid-cols-2 lg:grid-cols-3 xl:grid-cols-4">
        {shown.map((project) => (
          <Card key={project.id} project={project} />
        ))}
      </ul>
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

function Card({ project }: { project: Schemas["ProjectView"] }) {
  return (
    <li>
      <Link
        href={`/projects/${encodeURIComponent(project.id)}`}
        className="flex h-full items-start gap-3 rounded-lg border border-line bg-surface p-4 hover:border-accent"
      >
        <span className="flex size-9 shrink-0 items-center justify-center rounded-md bg-busy-soft text-busy">
          <FolderKanban aria-hidden size={18} />
        </span>
        <span className="min-w-0">
          <span className="block truncate font-medium" title={project.name}>
            {project.name || project.id}
          </span>
          <span className="block truncate font-mono text-[13px] text-muted" title={project.id}>
            {project.id}
          </span>
          {project.description && (
            <span className="mt-1 line-clamp-2 break-words text-muted" title={project.description}>
              {project.description}
            </span>
          )}
        </span>
      </Link>
    </li>
  );
}
