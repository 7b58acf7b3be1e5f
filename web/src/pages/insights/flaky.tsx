import { Link } from "wouter";
import type { Schemas } from "@/api/client";
import { area, useText } from "@/i18n";
import { en } from "@/i18n/en/insights";
import { zh } from "@/i18n/zh/insights";
import { Cell, Head, Row, Table } from "@/ui/table";

const texts = area(en, zh);

/** Steps that failed and passed with the same inputs. */
export function Flaky({
  project,
  items,
}: {
  project: string;
  items: readonly Schemas["FlakyView"][];
}) {
  const t = useText(texts);
  return (
    <section>
      <h2 className="text-base font-semibold">{t("flaky")}</h2>
      <p className="mb-2 text-muted">{t(items.length > 0 ? "flaky.hint" : "flaky.empty")}</p>
      {items.length > 0 && (
        <Table label={t("flaky")}>
          <thead>
            <tr>
              <Head>{t("flaky.step")}</Head>
              <Head>{t("flaky.times")}</Head>
              <Head>{t("flaky.last")}</Head>
            </tr>
          </thead>
          <tbody>
            {items.map((each) => (
              <Row key={each.pipeline + each.step}>
                <Cell className="font-medium">{each.name || each.step}</Cell>
                <Cell className="tabular-nums">{each.times}</Cell>
                <Cell>
                  <Link
                    href={`/projects/${encodeURIComponent(project)}/runs/${each.last_run}`}
                    className="inline-block py-0.5 text-accent hover:underline"
                  >
                    {t("flaky.open")}
                  </Link>
                </Cell>
              </Row>
            ))}
          </tbody>
        </Table>
      )}
    </section>
  );
}
