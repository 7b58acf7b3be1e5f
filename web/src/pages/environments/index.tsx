import { useQuery } from "@tanstack/react-query";
import { Layers } from "lucide-react";
import { Link } from "wouter";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useText } from "@/i18n";
import { environmentTexts } from "@/i18n/environments";
import { Release, stateOfDeployment } from "@/parts/deployment";
import { Command } from "@/ui/copy";
import { Empty } from "@/ui/empty";
import { usePageTitle } from "@/ui/head";
import { Loaded } from "@/ui/loaded";
import { PageHead } from "@/ui/page";
import { StateIcon } from "@/ui/status";
import { Cell, Head, Row, Table } from "@/ui/table";

const START = "mulligan import release.yaml && mulligan run start shop-release";

export default function Environments({ params: { project } }: { params: { project: string } }) {
  const t = useText(environmentTexts);
  usePageTitle(t("title"));
  const query = useQuery({
    queryKey: keys.environments(project, "matrix"),
    queryFn: ({ signal }) =>
      ok(api.GET("/projects/{project}/services", { params: { path: { project } }, signal })),
  });
  return (
    <div className="mx-auto max-w-7xl">
      <PageHead title={t("title")} crumbs={[{ text: project }]} />
      <Loaded query={query}>
        {(matrix) =>
          matrix.items.length === 0 ? (
            <Empty icon={Layers} title={t("empty")}>
              <p>{t("empty.hint")}</p>
              <Command>{START}</Command>
            </Empty>
          ) : (
            <Matrix project={project} matrix={matrix} />
          )
        }
      </Loaded>
    </div>
  );
}

function Matrix({ project, matrix }: { project: string; matrix: Schemas["ServiceMatrix"] }) {
  const t = useText(environmentTexts);
  return (
    <>
      <Table label={t("matrix.label")}>
        <thead>
          <tr>
            <Head className="sticky left-0 z-10">{t("service")}</Head>
            {matrix.columns.map((column) => (
              <Head key={column} className="whitespace-normal! [overflow-wrap:anywhere]">
                {column}
              </Head>
            ))}
          </tr>
        </thead>
        <tbody>
          {matrix.items.map(({ service, cells }) => (
            <Row key={service}>
              <Cell className="sticky left-0 z-10 max-w-64 min-w-32 bg-surface font-medium [overflow-wrap:anywhere]">
                {service}
              </Cell>
              {matrix.columns.map((column) => (
                <Cell key={column} className="min-w-52 align-top">
                  {cells
                    .filter((cell) => cell.column === column)
                    .map(({ environment }) => (
                      <Place key={environment.id} project={project} environment={environment} />
                    ))}
                </Cell>
              ))}
            </Row>
          ))}
        </tbody>
      </Table>
      {!matrix.complete && <p className="mt-2 text-muted">{t("matrix.more")}</p>}
    </>
  );
}

/** What is in one environment; leads to its history. */
function Place({
  project,
  environment,
}: {
  project: string;
  environment: Schemas["EnvironmentView"];
}) {
  const t = useText(environmentTexts);
  const { live, holder, gray } = environment;
  return (
    <Link
      href={`/projects/${encodeURIComponent(project)}/environments/${environment.id}`}
      className="-mx-2 block rounded-md px-2 py-1 hover:bg-sunken"
    >
      {live ? (
        <span className="flex items-start gap-2">
          <span className="mt-0.5">
            <StateIcon state={stateOfDeployment(live)} />
          </span>
          <Release deployment={live} />
        </span>
      ) : (
        <span className="text-muted">{t("nothing-live")}</span>
      )}
      {holder && (
        <span className="mt-1 flex items-center gap-1.5 text-[13px] text-busy">
          <StateIcon state="running" size={14} />
          {t(`kind.${holder.kind}` as "kind.deploy")}, {t("under-way")}
        </span>
      )}
      {gray && !holder && (
        <span className="mt-1 inline-block rounded-full bg-wait-soft px-2 text-[13px] text-wait">
          {t("gray")}
        </span>
      )}
    </Link>
  );
}
