import { Blocks } from "lucide-react";
import { useChange } from "@/api/change";
import { api, ok } from "@/api/client";
import { keys } from "@/api/keys";
import { usePaged } from "@/api/paged";
import { useRefusal } from "@/api/rights";
import { useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { Command } from "@/ui/copy";
import { Switch } from "@/ui/field";
import { Cell, Row } from "@/ui/table";
import { Listed, Pill, Section } from "./parts";

export default function Plugins({ project }: { project: string }) {
  const t = useText(projectTexts);
  const why = useRefusal(project)("manage");
  const key = keys.project(project, "plugins");
  const list = usePaged(key, (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/plugins", {
        params: { path: { project }, query: { cursor } },
        signal,
      }),
    ),
  );
  const change = useChange(
    ({ code, enabled }: { code: string; enabled: boolean }) =>
      ok(
        api.PUT("/projects/{project}/plugins/{code}", {
          params: { path: { project, code } },
          body: { enabled },
        }),
      ),
    { old: [key] },
  );
  return (
    <Section title={t("plugins")} hint={t("plugins.hint")}>
      <Listed
        list={list}
        label={t("plugins")}
        columns={[t("plugins.name"), t("plugins.version"), t("plugins.enabled"), t("plugins.why")]}
        empty={{
          icon: Blocks,
          title: t("plugins.empty"),
          hint: <Command>mulligan plugin install FOLDER</Command>,
        }}
        row={(plugin) => (
          <Row key={plugin.atomCode}>
            <Cell>
              <span className="block font-medium">{plugin.name}</span>
              <span className="block font-mono text-[13px] text-muted">{plugin.atomCode}</span>
            </Cell>
            <Cell>
              <Pill>{plugin.version}</Pill>
            </Cell>
            <Cell>
              <Switch
                label={t("plugins.enabled.of", { name: plugin.name })}
                hideLabel
                checked={plugin.enabled}
                why={why}
                onChange={(enabled) => change.mutate({ code: plugin.atomCode, enabled })}
              />
            </Cell>
            <Cell className="text-muted">{plugin.reason}</Cell>
          </Row>
        )}
      />
    </Section>
  );
}
