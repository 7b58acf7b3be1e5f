import { SlidersHorizontal } from "lucide-react";
import { useText } from "@/i18n";
import { asYaml, CopyAs, CopyButton } from "@/ui/copy";
import { Empty } from "@/ui/empty";
import { Cell, Head, Row, Table } from "@/ui/table";
import type { Run } from "./model";
import { texts } from "./texts";

export function Parameters({ run }: { run: Run }) {
  const t = useText(texts);
  if (run.parameters.length === 0) {
    return <Empty icon={SlidersHorizontal} title={t("parameters.empty")} />;
  }
  const values = Object.fromEntries(run.parameters.map(({ name, value }) => [name, value]));
  return (
    <>
      <p className="mb-2">
        <CopyAs yaml={asYaml(values)} />
      </p>
      <Table label={t("tab.parameters")}>
        <thead>
          <tr>
            <Head>{t("column.name")}</Head>
            <Head>{t("column.value")}</Head>
          </tr>
        </thead>
        <tbody>
          {run.parameters.map(({ name, value, started_with }) => (
            <Row key={name}>
              <Cell className="min-w-36 font-mono [overflow-wrap:anywhere]">{name}</Cell>
              <Cell>
                <span className="flex items-center gap-1">
                  <span className="min-w-0 font-mono break-all whitespace-pre-wrap">{value}</span>
                  {value && <CopyButton text={value} />}
                </span>
                {started_with !== null && (
                  <span className="block text-[13px] break-all whitespace-pre-wrap text-muted">
                    {t("parameters.started", { value: started_with || "–" })}
                  </span>
                )}
              </Cell>
            </Row>
          ))}
        </tbody>
      </Table>
    </>
  );
}
