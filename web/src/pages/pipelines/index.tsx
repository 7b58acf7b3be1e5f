import { useQuery } from "@tanstack/react-query";
import { Search, Workflow } from "lucide-react";
import { Link } from "wouter";
import { api, ok } from "@/api/client";
import { keys } from "@/api/keys";
import { area, useText } from "@/i18n";
import { en } from "@/i18n/en/pipelines";
import { zh } from "@/i18n/zh/pipelines";
import { useQueryState } from "@/state/query";
import { Empty } from "@/ui/empty";
import { TextInput } from "@/ui/field";
import { usePageTitle } from "@/ui/head";
import { Loaded } from "@/ui/loaded";
import { PageHead } from "@/ui/page";
import { Cell, Head, Row, Table } from "@/ui/table";
import { RelativeTime } from "@/ui/time";

const texts = area(en, zh);

export default function Pipelines({ params: { project } }: { params: { project: string } }) {
  const t = useText(texts);
  const [search, setSearch] = useQueryState("q");
  usePageTitle(t("title"));
  const query = useQuery({
    queryKey: keys.pipelines(project, { search }),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/pipelines", {
          params: { path: { project }, query: { search: search || undefined, limit: 100 } },
          signal,
        }),
      ),
    placeholderData: (old) => old,
  });
  const base = `/projects/${encodeURIComponent(project)}`;
  return (
    <div className="mx-auto max-w-7xl">
      <PageHead title={t("title")} crumbs={[{ text: project }]} />
      <div className="relative mb-4 max-w-sm">
        <Search aria-hidden size={16} className="absolute top-2.5 left-2.5 text-muted" />
        <TextInput
          data-filter
          type="search"
          aria-label={t("filter")}
          placeholder={t("filter")}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          className="pl-8"
        />
      </div>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon={search ? Search : Workflow} title={t(search ? "empty.filter" : "empty")}>
              {!search && t("empty.hint", { command: `mulligan pipeline create -p ${project}` })}
            </Empty>
          ) : (
            <Table label={t("title")}>
              <thead>
                <tr>
                  <Head>{t("column.name")}</Head>
                  <Head>{t("column.changed")}</Head>
                </tr>
              </thead>
              <tbody>
                {items.map((pipeline) => (
                  <Row key={pipeline.id}>
                    <Cell>
                      <Link
                        href={`${base}/pipelines/${pipeline.id}`}
                        className="font-medium hover:text-accent hover:underline"
                      >
                        {pipeline.name}
                      </Link>
                    </Cell>
                    <Cell>
                      <RelativeTime at={pipeline.updated_at} />
                    </Cell>
                  </Row>
                ))}
              </tbody>
            </Table>
          )
        }
      </Loaded>
    </div>
  );
}
