import { Download, ScrollText, Search } from "lucide-react";
import type { Schemas } from "@/api/client";
import type { Paged } from "@/api/paged";
import { useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { useQueryState } from "@/state/query";
import { Button } from "@/ui/button";
import { TextInput } from "@/ui/field";
import { Cell, Row } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import { Listed, Section } from "./parts";

type Entry = Schemas["AuditView"];
const COLUMNS = ["at", "actor", "action", "target", "outcome", "origin", "reason"] as const;

/** Entries as CSV; a cell that a spreadsheet would take for a formula gets a quote before it. */
export function csvOf(entries: readonly Entry[]): string {
  const rows = entries.map((entry) => COLUMNS.map((column) => cell(String(entry[column]))));
  return [COLUMNS, ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function save(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** The audit trail of a project or of the server: a filter, a table, a way to take it along. */
export function AuditList({
  title,
  hint,
  list,
  file,
}: {
  title: string;
  hint: string;
  list: Paged<Entry>;
  /** Name of the file that is saved. */
  file: string;
}) {
  const t = useText(projectTexts);
  const [filter, setFilter] = useQueryState("q");
  const wanted = filter.toLowerCase();
  const all = list.items ?? [];
  const shown = all.filter(({ actor, action, target, reason }) =>
    [actor, action, target, reason].some((text) => text.toLowerCase().includes(wanted)),
  );
  const filtered = { ...list, items: list.items && shown };
  return (
    <Section
      title={title}
      hint={hint}
      action={
        <Button
          icon={Download}
          disabled={shown.length === 0}
          onClick={() => save(file, csvOf(shown))}
        >
          {t("audit.export")}
        </Button>
      }
    >
      <div className="mb-3 max-w-sm">
        <TextInput
          data-filter
          type="search"
          aria-label={t("audit.filter")}
          placeholder={t("audit.filter")}
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        {filter && (
          <p className="mt-1 text-[13px] text-muted">{t("audit.filter.hint", { n: all.length })}</p>
        )}
      </div>
      <Listed
        list={filtered as Paged<Entry>}
        label={title}
        columns={[
          t("audit.when"),
          t("audit.who"),
          t("audit.action"),
          t("audit.target"),
          t("audit.outcome"),
          t("audit.reason"),
        ]}
        empty={{
          icon: filter ? Search : ScrollText,
          title: t(filter ? "audit.empty.filter" : "audit.empty"),
          action: list.hasNextPage && (
            <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              …
            </Button>
          ),
        }}
        row={(entry) => (
          <Row key={entry.id}>
            <Cell>
              <RelativeTime at={entry.at} />
            </Cell>
            <Cell className="min-w-20 [overflow-wrap:anywhere]">{entry.actor}</Cell>
            <Cell className="min-w-28 font-mono text-[13px] break-words">{entry.action}</Cell>
            <Cell className="min-w-28 font-mono text-[13px] break-all">{entry.target}</Cell>
            <Cell className={entry.outcome === "done" ? "" : "text-bad"}>{entry.outcome}</Cell>
            <Cell className="min-w-24 [overflow-wrap:anywhere]">{entry.reason}</Cell>
          </Row>
        )}
      />
    </Section>
  );
}
