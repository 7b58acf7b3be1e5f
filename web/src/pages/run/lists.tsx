import { FileText, SlidersHorizontal } from "lucide-react";
import { API } from "@/api/client";
import { useText } from "@/i18n";
import { CopyButton } from "@/ui/copy";
import { Empty } from "@/ui/empty";
import { Loaded } from "@/ui/loaded";
import { Cell, Head, Row, Table } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import { type RunPath, useReports } from "./data";
import { nameOfTarget, type Run } from "./model";
import { texts } from "./texts";

export function Parameters({ run }: { run: Run }) {
  const t = useText(texts);
  if (run.parameters.length === 0) {
    return <Empty icon={SlidersHorizontal} title={t("parameters.empty")} />;
  }
  return (
    <Table label={t("tab.parameters")}>
      <thead>
        <tr>
          <Head>{t("column.name")}</Head>
          <Head>{t("column.value")}</Head>
        </tr>
      </thead>
      <tbody>
        {run.parameters.map(({ name, value }) => (
          <Row key={name}>
            <Cell className="font-mono">{name}</Cell>
            <Cell>
              <span className="flex items-center gap-1">
                <span className="min-w-0 font-mono break-all">{value}</span>
                {value && <CopyButton text={value} />}
              </span>
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

export function Reports({ path, run }: { path: RunPath; run: Run }) {
  const t = useText(texts);
  const query = useReports(path);
  return (
    <Loaded query={query}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty icon={FileText} title={t("reports.empty")}>
            {t("reports.hint")}
          </Empty>
        ) : (
          <Table label={t("tab.reports")}>
            <thead>
              <tr>
                <Head>{t("column.name")}</Head>
                <Head>{t("column.step")}</Head>
                <Head>{t("column.made")}</Head>
              </tr>
            </thead>
            <tbody>
              {items.map((report) => (
                <Row key={`${report.step}:${report.attempt}:${report.name}`}>
                  <Cell>
                    <a
                      href={addressOf(report)}
                      target="_blank"
                      rel="noreferrer"
                      className="font-medium text-accent underline underline-offset-2"
                    >
                      {report.name}
                    </a>
                  </Cell>
                  <Cell className="text-muted">{nameOfTarget(run, report.step)}</Cell>
                  <Cell>
                    <RelativeTime at={report.created_at} />
                  </Cell>
                </Row>
              ))}
            </tbody>
          </Table>
        )
      }
    </Loaded>
  );
}

type Report = NonNullable<ReturnType<typeof useReports>["data"]>["items"][number];

function addressOf({ url, pages, index }: Report): string {
  if (url) return url;
  const below = (pages ?? "").replace(/^\/api\/v1/, "");
  return `${API}${below.replace(/\/$/, "")}/${index ?? ""}`;
}
