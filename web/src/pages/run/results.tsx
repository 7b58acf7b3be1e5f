import { Download, FileText, Package } from "lucide-react";
import type { ReactNode } from "react";
import type { Paged } from "@/api/paged";
import { useLocale, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { useQueryState } from "@/state/query";
import { Button } from "@/ui/button";
import { asCommand, Command, CopyAs, CopyButton } from "@/ui/copy";
import { Empty } from "@/ui/empty";
import { Select } from "@/ui/field";
import { Loaded } from "@/ui/loaded";
import { formatSize } from "@/ui/size";
import { Cell, Head, Row, Table } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import type { RunPath } from "./data";
import {
  type Artifact,
  addressOf,
  addressOfReport,
  type Report,
  useArtifacts,
  useReports,
} from "./kept";
import { nameOfTarget, type Run } from "./model";
import { texts } from "./texts";

const LINK = "font-medium break-all text-accent underline underline-offset-2";

type Column = "name" | "step" | "size" | "digest" | "made";

/** Columns that there is no room for on a phone. */
const WIDE: Partial<Record<Column, string>> = {
  digest: "hidden md:table-cell",
  made: "hidden sm:table-cell",
};

/** The files that steps kept: of all attempts, or of one. */
export function Artifacts({ path, run }: { path: RunPath; run: Run }) {
  const t = useText(texts);
  const [of, setOf] = useQueryState("of");
  const attempt = run.attempts.find(({ number }) => String(number) === of)?.number ?? null;
  const query = useArtifacts(path, attempt);
  return (
    <div className="space-y-3">
      {run.attempts.length > 1 && (
        <Select
          aria-label={t("artifacts.of")}
          className="max-w-60"
          value={attempt === null ? "" : of}
          options={[
            { value: "", text: t("artifacts.all") },
            ...run.attempts.map(({ number }) => ({
              value: String(number),
              text: t("attempt.nth", { n: number }),
            })),
          ]}
          onChange={(event) => setOf(event.target.value)}
        />
      )}
      <Listing
        query={query}
        label={t("tab.artifacts")}
        columns={["name", "step", "size", "digest", "made"]}
        empty={
          <Empty icon={Package} title={t("artifacts.empty")}>
            <p>{t("artifacts.hint")}</p>
            <Command>{'{ uses: uploadArtifact@1.*, with: { filePath: "dist/**" } }'}</Command>
          </Empty>
        }
        row={(item) => (
          <ArtifactRow
            key={`${item.step}:${item.attempt}:${item.path}`}
            item={item}
            path={path}
            attempts={run.attempts.length}
          />
        )}
      />
    </div>
  );
}

function ArtifactRow({
  item,
  path,
  attempts,
}: {
  item: Artifact;
  path: RunPath;
  attempts: number;
}) {
  const t = useText(texts);
  const locale = useLocale();
  const where = item.package ?? item.path;
  const words = ["artifact", "download", path.run, "--name", item.path];
  return (
    <Row data-artifact={item.path}>
      <Cell className="min-w-44">
        <a href={addressOf(item.download)} download={item.name} className={LINK}>
          <Download aria-hidden size={14} className="mr-1 inline-block align-[-2px]" />
          {item.name}
        </a>
        {where !== item.name && (
          <span className="block font-mono text-[13px] break-all text-muted">{where}</span>
        )}
        <div>
          <CopyAs
            command={asCommand(
              ...words,
              ...(item.newest ? [] : ["--attempt", `${item.run_attempt}`]),
            )}
            curl={{ method: "GET", path: item.download.replace(/^\/api\/v1/, "") }}
          />
        </div>
      </Cell>
      <Cell>
        {item.step_name}
        {attempts > 1 && (
          <span className="block text-[13px] text-muted">
            {t("attempt.nth", { n: item.run_attempt })}
            {!item.newest && ` · ${t("artifacts.old")}`}
          </span>
        )}
      </Cell>
      <Cell className="whitespace-nowrap tabular-nums">{formatSize(item.size, locale)}</Cell>
      <Cell className={`whitespace-nowrap ${WIDE.digest}`}>
        <span className="inline-flex items-center gap-1 font-mono text-[13px]">
          <span title={item.sha256}>{item.sha256.slice(0, 12)}</span>
          <CopyButton text={item.sha256} label={t("artifacts.copy-digest")} />
        </span>
      </Cell>
      <Cell className={WIDE.made}>
        <RelativeTime at={item.created_at} />
      </Cell>
    </Row>
  );
}

/** Pages of reports; the server shows them without any right of the reader's. */
export function Reports({ path, run }: { path: RunPath; run: Run }) {
  const t = useText(texts);
  return (
    <Listing
      query={useReports(path)}
      label={t("tab.reports")}
      columns={["name", "step", "made"]}
      empty={
        <Empty icon={FileText} title={t("reports.empty")}>
          <p>{t("reports.hint")}</p>
          <Command>
            {'{"type": "report", "label": "Coverage", "path": "out", "target": "index.html"}'}
          </Command>
        </Empty>
      }
      row={(report: Report) => (
        <Row key={`${report.step}:${report.attempt}:${report.name}`}>
          <Cell>
            <a href={addressOfReport(report)} target="_blank" rel="noreferrer" className={LINK}>
              {report.name}
            </a>
          </Cell>
          <Cell className="text-muted">{nameOfTarget(run, report.step)}</Cell>
          <Cell className={WIDE.made}>
            <RelativeTime at={report.created_at} />
          </Cell>
        </Row>
      )}
    />
  );
}

function Listing<T>({
  query,
  label,
  columns,
  empty,
  row,
}: {
  query: Paged<T>;
  label: string;
  columns: readonly Column[];
  empty: ReactNode;
  row: (item: T) => ReactNode;
}) {
  const t = useText(texts);
  const c = useText(common);
  return (
    <Loaded query={query}>
      {({ pages }) =>
        pages[0]?.items.length === 0 ? (
          empty
        ) : (
          <>
            <Table label={label}>
              <thead>
                <tr>
                  {columns.map((column) => (
                    <Head key={column} className={WIDE[column]}>
                      {t(`column.${column}`)}
                    </Head>
                  ))}
                </tr>
              </thead>
              <tbody>{query.items?.map(row)}</tbody>
            </Table>
            {query.hasNextPage && (
              <Button
                className="mt-3"
                busy={query.isFetchingNextPage}
                onClick={() => void query.fetchNextPage()}
              >
                {c("page.more")}
              </Button>
            )}
          </>
        )
      }
    </Loaded>
  );
}
