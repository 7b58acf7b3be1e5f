import { FilterX } from "lucide-react";
import { useLocation } from "wouter";
import { area, useText } from "@/i18n";
import { en } from "@/i18n/en/pipeline";
import { zh } from "@/i18n/zh/pipeline";
import { SearchField, StatusField } from "@/parts/filters";
import { useQueryState } from "@/state/query";
import { Button } from "@/ui/button";
import { asListCommand, CopyAs, listPath } from "@/ui/copy";
import { Checkbox, TextInput } from "@/ui/field";

const texts = area(en, zh);

/** By the names of the server's query; in the address, too. */
export interface RunFilters {
  message: string;
  status: string;
  actor: string;
  branch: string;
  recovered: string;
}

type Set = (name: keyof RunFilters) => (value: string) => void;

export function useRunFilters(): [RunFilters, Set, () => void] {
  const [message, setMessage] = useQueryState("message");
  const [status, setStatus] = useQueryState("status");
  const [actor, setActor] = useQueryState("actor");
  const [branch, setBranch] = useQueryState("branch");
  const [recovered, setRecovered] = useQueryState("recovered");
  const [location, navigate] = useLocation();
  const setters = {
    message: setMessage,
    status: setStatus,
    actor: setActor,
    branch: setBranch,
    recovered: setRecovered,
  };
  return [
    { message, status, actor, branch, recovered },
    (name) => setters[name],
    () => navigate(location, { replace: true }),
  ];
}

export function FilterBar({
  filters,
  set,
  clear,
  isFiltered,
  place: { project, pipeline },
}: {
  place: { project: string; pipeline: string };
  filters: RunFilters;
  set: Set;
  clear: () => void;
  isFiltered: boolean;
}) {
  const t = useText(texts);
  const query = { pipeline, ...filters, recovered: filters.recovered && "true" };
  return (
    <div className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-2">
      <SearchField label={t("filter.message")} value={filters.message} onChange={set("message")} />
      <StatusField
        label={t("filter.state")}
        all={t("filter.state.all")}
        value={filters.status}
        onChange={set("status")}
      />
      {(["branch", "actor"] as const).map((name) => (
        <TextInput
          key={`${name} ${filters[name]}`}
          aria-label={t(`filter.${name}`)}
          placeholder={t(`filter.${name}`)}
          defaultValue={filters[name]}
          onBlur={(event) => set(name)(event.target.value.trim())}
          onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
          className="w-32!"
        />
      ))}
      <Checkbox
        label={t("filter.recovered")}
        checked={Boolean(filters.recovered)}
        onChange={({ target }) => set("recovered")(target.checked ? "1" : "")}
      />
      <span className="ml-auto">
        <CopyAs
          command={asListCommand(["runs", "--project", project], query, [
            "pipeline",
            "status",
            "actor",
          ])}
          curl={{ method: "GET", path: listPath(`/projects/${project}/runs`, query) }}
        />
      </span>
      {isFiltered && (
        <Button variant="ghost" icon={FilterX} onClick={clear}>
          {t("filter.clear")}
        </Button>
      )}
    </div>
  );
}
