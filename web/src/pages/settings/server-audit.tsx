import { api, ok } from "@/api/client";
import { usePaged } from "@/api/paged";
import { useText } from "@/i18n";
import { settingsTexts } from "@/i18n/settings";
import { AuditList } from "./audit-list";

const PAGE = 200;

export default function ServerAudit() {
  const t = useText(settingsTexts);
  const list = usePaged(["audit"], (cursor, signal) =>
    ok(api.GET("/audit", { params: { query: { cursor, limit: PAGE } }, signal })),
  );
  return (
    <AuditList
      title={t("server-audit")}
      hint={t("server-audit.hint")}
      list={list}
      file="audit.csv"
    />
  );
}
