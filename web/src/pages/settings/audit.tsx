import { api, ok } from "@/api/client";
import { keys } from "@/api/keys";
import { usePaged } from "@/api/paged";
import { useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { AuditList } from "./audit-list";

const PAGE = 200;

export default function Audit({ project }: { project: string }) {
  const t = useText(projectTexts);
  const list = usePaged(keys.project(project, "audit"), (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/audit", {
        params: { path: { project }, query: { cursor, limit: PAGE } },
        signal,
      }),
    ),
  );
  return (
    <AuditList
      title={t("audit")}
      hint={t("audit.hint")}
      list={list}
      file={`audit-${project}.csv`}
    />
  );
}
