import { Bell, Plus, Send } from "lucide-react";
import { useState } from "react";
import { useChange } from "@/api/change";
import { api, ok } from "@/api/client";
import { keys } from "@/api/keys";
import { usePaged } from "@/api/paged";
import { useRefusal } from "@/api/rights";
import { useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { settingsTexts } from "@/i18n/settings";
import { Button, IconButton } from "@/ui/button";
import { Checkbox, Field, Select, TextInput } from "@/ui/field";
import { Cell, Row } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import { toast } from "@/ui/toast";
import { FormDialog, Listed, Pill, RemoveButton, Section } from "./parts";

const TYPES = ["webhook", "wecom", "dingtalk", "feishu", "slack"] as const;
const TELLS = ["success", "failure", "review"] as const;

export default function Channels({ project }: { project: string }) {
  const t = useText(projectTexts);
  const s = useText(settingsTexts);
  const [isAdding, setIsAdding] = useState(false);
  const why = useRefusal(project)("secrets");
  const key = keys.project(project, "channels");
  const list = usePaged(key, (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/channels", {
        params: { path: { project }, query: { cursor } },
        signal,
      }),
    ),
  );
  const test = useChange((name: string) =>
    ok(
      api.POST("/projects/{project}/channels/{name}/test", {
        params: { path: { project, name } },
      }),
    ).then(({ sent, problem }) =>
      sent
        ? toast("good", t("channels.test.sent", { name }))
        : toast("bad", t("channels.test.failed", { name, problem })),
    ),
  );
  const columns = [t("channels.name"), t("channels.type"), t("channels.site"), t("channels.tells")];
  return (
    <Section
      title={t("channels")}
      hint={t("channels.hint")}
      action={
        <Button variant="primary" icon={Plus} why={why} onClick={() => setIsAdding(true)}>
          {t("channels.add")}
        </Button>
      }
    >
      <Listed
        list={list}
        label={t("channels")}
        columns={[...columns, s("column.changed"), ""]}
        empty={{ icon: Bell, title: t("channels.empty"), hint: t("channels.empty.hint") }}
        row={(channel) => (
          <Row key={channel.name}>
            <Cell className="font-medium">{channel.name}</Cell>
            <Cell>
              <Pill>{channel.type}</Pill>
            </Cell>
            <Cell className="font-mono text-[13px] break-all">{channel.site}</Cell>
            <Cell>
              {channel.tells.length === 0 && (
                <span className="text-muted">{t("channels.tells.none")}</span>
              )}
              {channel.tells.map((each) => t(`tell.${each}` as "tell.success")).join(", ")}
            </Cell>
            <Cell>
              <RelativeTime at={channel.updated_at} />
            </Cell>
            <Cell className="text-right whitespace-nowrap">
              <IconButton
                size="small"
                icon={Send}
                busy={test.isPending && test.variables === channel.name}
                label={t("channels.test", { name: channel.name })}
                why={why}
                onClick={() => test.mutate(channel.name)}
              />
              <RemoveButton
                name={channel.name}
                hint={t("channels.remove.hint")}
                why={why}
                old={[key]}
                act={() =>
                  ok(
                    api.DELETE("/projects/{project}/channels/{name}", {
                      params: { path: { project, name: channel.name } },
                    }),
                  )
                }
              />
            </Cell>
          </Row>
        )}
      />
      {isAdding && <AddChannel project={project} onClose={() => setIsAdding(false)} />}
    </Section>
  );
}

function AddChannel({ project, onClose }: { project: string; onClose: () => void }) {
  const t = useText(projectTexts);
  const s = useText(settingsTexts);
  const [name, setName] = useState("");
  const [type, setType] = useState<string>("webhook");
  const [url, setUrl] = useState("");
  const [key, setKey] = useState("");
  const [tells, setTells] = useState<readonly string[]>(["failure", "review"]);
  const put = useChange(
    () =>
      ok(
        api.PUT("/projects/{project}/channels/{name}", {
          params: { path: { project, name: name.trim() } },
          body: { type, url: url.trim(), key, tells: [...tells] },
        }),
      ),
    {
      done: s("saved"),
      old: [keys.project(project, "channels")],
      onDone: onClose,
      quiet: true,
    },
  );
  return (
    <FormDialog
      title={t("channels.add")}
      submit={t("channels.add")}
      busy={put.isPending}
      error={put.error}
      onSubmit={() => name.trim() && url.trim() && put.mutate(undefined)}
      onClose={onClose}
    >
      <Field label={t("channels.name")} required>
        {(ids) => (
          <TextInput {...ids} value={name} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Field label={t("channels.type")}>
        {(ids) => (
          <Select
            {...ids}
            value={type}
            options={TYPES.map((each) => ({ value: each, text: each }))}
            onChange={(event) => setType(event.target.value)}
          />
        )}
      </Field>
      <Field label={t("channels.url")} hint={t("channels.url.hint")} required>
        {(ids) => (
          <TextInput
            {...ids}
            type="url"
            placeholder="https://"
            value={url}
            onChange={(event) => setUrl(event.target.value)}
          />
        )}
      </Field>
      <Field label={t("channels.key")} hint={t("channels.key.hint")}>
        {(ids) => (
          <TextInput
            {...ids}
            type="password"
            autoComplete="new-password"
            value={key}
            onChange={(event) => setKey(event.target.value)}
          />
        )}
      </Field>
      <fieldset className="mb-2">
        <legend className="mb-1 font-medium">{t("channels.tells")}</legend>
        <div className="flex flex-wrap gap-x-4">
          {TELLS.map((each) => (
            <Checkbox
              key={each}
              label={t(`tell.${each}`)}
              checked={tells.includes(each)}
              onChange={({ target }) =>
                setTells(target.checked ? [...tells, each] : tells.filter((one) => one !== each))
              }
            />
          ))}
        </div>
      </fieldset>
    </FormDialog>
  );
}
