import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX, Server } from "lucide-react";
import { api, ok, type Schemas } from "@/api/client";
import { area, useText } from "@/i18n";
import { en } from "@/i18n/en/runners";
import { zh } from "@/i18n/zh/runners";
import { Command } from "@/ui/copy";
import { Empty } from "@/ui/empty";
import { usePageTitle } from "@/ui/head";
import { Loaded } from "@/ui/loaded";
import { PageHead } from "@/ui/page";
import { Cell, Head, Row, Table } from "@/ui/table";
import { Queue } from "./queue";

const texts = area(en, zh);
const AGAIN_MS = 5000; // load changes with jobs of all projects, whose events are not heard here
const SERVE = "mulligan serve --runners 4";

export default function Runners({ params: { project } }: { params: { project: string } }) {
  const t = useText(texts);
  usePageTitle(t("title"));
  const query = useQuery({
    queryKey: ["runners"],
    queryFn: ({ signal }) => ok(api.GET("/runners", { signal })),
    refetchInterval: AGAIN_MS,
  });
  return (
    <div className="mx-auto max-w-6xl">
      <PageHead title={t("title")} crumbs={[{ text: project }]} />
      <Loaded query={query}>
        {({ items, queued }) => (
          <>
            {items.length === 0 ? (
              <Empty icon={Server} title={t("machines.empty")}>
                <Command>{SERVE}</Command>
              </Empty>
            ) : (
              <Machines items={items} />
            )}
            {queued > 0 && (
              <p role="status" className="mt-2 font-medium text-wait">
                {t("queued.server", { n: queued })}
              </p>
            )}
          </>
        )}
      </Loaded>
      <Queue project={project} />
    </div>
  );
}

function Machines({ items }: { items: readonly Schemas["RunnerView"][] }) {
  const t = useText(texts);
  return (
    <Table label={t("machines")}>
      <thead>
        <tr>
          <Head>{t("column.name")}</Head>
          <Head>{t("column.state")}</Head>
          <Head>{t("column.load")}</Head>
          <Head>{t("column.system")}</Head>
          <Head>{t("column.address")}</Head>
        </tr>
      </thead>
      <tbody>
        {items.map((runner) => (
          <Row key={runner.id}>
            <Cell className="font-medium">{runner.name || runner.id}</Cell>
            <Cell>
              {runner.state === "online" ? (
                <span className="inline-flex items-center gap-1.5 whitespace-nowrap text-ok">
                  <CircleCheck aria-hidden size={16} />
                  {t("state.online")}
                </span>
              ) : (
                <span className="inline-flex items-center gap-1.5 whitespace-nowrap text-bad">
                  <CircleX aria-hidden size={16} />
                  {t("state.offline")}
                </span>
              )}
            </Cell>
            <Cell>
              <Load busy={runner.busy} slots={runner.slots} />
            </Cell>
            <Cell title={runner.system_detail}>{runner.system}</Cell>
            <Cell className="font-mono text-[13px]">{runner.address || runner.host}</Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function Load({ busy, slots }: { busy: number; slots: number }) {
  const t = useText(texts);
  const share = slots > 0 ? Math.min(1, busy / slots) : 0;
  return (
    <span className="flex min-w-40 items-center gap-2">
      <span aria-hidden className="h-2 w-24 overflow-hidden rounded-full bg-sunken">
        <span
          className={`block h-full ${share < 1 ? "bg-busy" : "bg-wait"}`}
          style={{ width: `${share * 100}%` }}
        />
      </span>
      <span className="whitespace-nowrap tabular-nums">{t("load", { busy, slots })}</span>
    </span>
  );
}
