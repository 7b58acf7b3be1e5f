import { Lock, Plus, RefreshCw } from "lucide-react";
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
import { asCommand, Command, CopyAs } from "@/ui/copy";
import { Checkbox, Field, TextArea, TextInput } from "@/ui/field";
import { Cell, Row } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import { FormDialog, Listed, Pill, RemoveButton, Section } from "./parts";

const VALUE = "VALUE"; // the kind that is set here; credentials come by the BK-CI dialect

interface Asked {
  /** Of the secret whose value is replaced; "" = a new one. */
  name: string;
  remark: string;
}

export default function Secrets({ project }: { project: string }) {
  const t = useText(projectTexts);
  const s = useText(settingsTexts);
  const [asked, setAsked] = useState<Asked | null>(null);
  const why = useRefusal(project)("secrets");
  const key = keys.project(project, "secrets");
  const list = usePaged(key, (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/secrets", {
        params: { path: { project }, query: { cursor } },
        signal,
      }),
    ),
  );
  const columns = [t("secrets.name"), t("secrets.kind"), t("secrets.remark"), s("column.changed")];
  return (
    <Section
      title={t("secrets")}
      hint={t("secrets.hint")}
      action={
        <Button
          variant="primary"
          icon={Plus}
          why={why}
          onClick={() => setAsked({ name: "", remark: "" })}
        >
          {t("secrets.add")}
        </Button>
      }
    >
      <Listed
        list={list}
        label={t("secrets")}
        columns={[...columns, ""]}
        empty={{
          icon: Lock,
          title: t("secrets.empty"),
          hint: (
            <>
              <p>{t("secrets.empty.hint", { reference: "${{ settings.NAME.value }}" })}</p>
              <Command>{`mulligan secret set NAME --project ${project} < file`}</Command>
            </>
          ),
        }}
        row={(secret) => (
          <Row key={secret.name} data-secret={secret.name}>
            <Cell className="font-mono text-[13px] break-all">{secret.name}</Cell>
            <Cell>
              <Pill>{secret.kind}</Pill>
            </Cell>
            <Cell className="break-words">{secret.remark}</Cell>
            <Cell className="whitespace-nowrap">
              <RelativeTime at={secret.updated_at} /> · {secret.updated_by}
            </Cell>
            <Cell className="text-right whitespace-nowrap">
              {secret.kind === VALUE && (
                <IconButton
                  size="small"
                  icon={RefreshCw}
                  label={t("secrets.replace.of", { name: secret.name })}
                  why={why}
                  onClick={() => setAsked(secret)}
                />
              )}
              <RemoveButton
                name={secret.name}
                hint={t("secrets.remove.hint")}
                why={why}
                old={[key]}
                act={() =>
                  ok(
                    api.DELETE("/projects/{project}/secrets/{name}", {
                      params: { path: { project, name: secret.name } },
                    }),
                  )
                }
              />
            </Cell>
          </Row>
        )}
      />
      {asked && <SetSecret project={project} asked={asked} onClose={() => setAsked(null)} />}
    </Section>
  );
}

function SetSecret({
  project,
  asked,
  onClose,
}: {
  project: string;
  asked: Asked;
  onClose: () => void;
}) {
  const t = useText(projectTexts);
  const [name, setName] = useState(asked.name);
  const [value, setValue] = useState("");
  const [remark, setRemark] = useState(asked.remark);
  const [isShown, setIsShown] = useState(false);
  const set = useChange(
    () =>
      ok(
        api.PUT("/projects/{project}/secrets/{name}", {
          params: { path: { project, name: name.trim() } },
          body: { value, remark },
        }),
      ),
    {
      done: t("secrets.saved", { name: name.trim() }),
      old: [keys.project(project, "secrets")],
      onDone: onClose,
      quiet: true,
    },
  );
  return (
    <FormDialog
      title={asked.name ? t("secrets.replace.of", { name: asked.name }) : t("secrets.add")}
      submit={asked.name ? t("secrets.replace") : t("secrets.add")}
      busy={set.isPending}
      error={set.error}
      onSubmit={() => name.trim() && set.mutate(undefined)}
      onClose={onClose}
      extra={
        <CopyAs
          command={`${asCommand("secret", "set", name || "NAME", "--project", project)} < file`}
        />
      }
    >
      {!asked.name && (
        <Field label={t("secrets.name")} hint={t("secrets.name.hint")} required>
          {(ids) => (
            <TextInput {...ids} value={name} onChange={(event) => setName(event.target.value)} />
          )}
        </Field>
      )}
      <Field label={t("secrets.value")} hint={t("secrets.value.hint")} required>
        {(ids) => (
          <TextArea
            {...ids}
            spellCheck={false}
            autoComplete="off"
            className={`font-mono ${isShown ? "" : "[-webkit-text-security:disc]"}`}
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
        )}
      </Field>
      <Checkbox
        className="-mt-3 mb-3"
        label={t("secrets.show")}
        checked={isShown}
        onChange={(event) => setIsShown(event.target.checked)}
      />
      <Field label={t("secrets.remark")}>
        {(ids) => (
          <TextInput {...ids} value={remark} onChange={(event) => setRemark(event.target.value)} />
        )}
      </Field>
    </FormDialog>
  );
}
