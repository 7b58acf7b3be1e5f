import { ChevronLeft, ListTree, Plus, Webhook } from "lucide-react";
import { useState } from "react";
import { useChange } from "@/api/change";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { usePaged } from "@/api/paged";
import { useRefusal } from "@/api/rights";
import { useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { settingsTexts } from "@/i18n/settings";
import { useQueryState } from "@/state/query";
import { Button, IconButton } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Checkbox, Field, Select, TextInput } from "@/ui/field";
import { Cell, Row } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import { Deliveries } from "./deliveries";
import { FormDialog, Listed, Pill, RemoveButton, Section, ShownOnce } from "./parts";

const KINDS = ["github", "gitlab", "gitea", "gitee", "tgit", "standard"] as const;
const EVENTS = ["push", "tag", "merge-request", "issue", "note", "review"] as const;
const SECRET_BYTES = 24;

interface Made {
  url: string;
  secret: string;
}

/** A secret of 192 bits, as text that every code host takes. */
function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export default function Hooks({ project }: { project: string }) {
  const t = useText(projectTexts);
  const s = useText(settingsTexts);
  const [opened, setOpened] = useQueryState("hook");
  const [isAdding, setIsAdding] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const why = useRefusal(project)("edit");
  const key = keys.project(project, "hooks");
  const list = usePaged(key, (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/hooks", {
        params: { path: { project }, query: { cursor } },
        signal,
      }),
    ),
  );
  const hook = list.items?.find(({ id }) => id === opened);
  if (opened) {
    return (
      <Section
        title={t("hooks.deliveries.of", { name: hook?.name || hook?.kind || opened })}
        action={
          <Button icon={ChevronLeft} onClick={() => setOpened("")}>
            {t("deliveries.back")}
          </Button>
        }
      >
        <Deliveries project={project} hook={opened} />
      </Section>
    );
  }
  return (
    <Section
      title={t("hooks")}
      hint={t("hooks.hint")}
      action={
        <Button variant="primary" icon={Plus} why={why} onClick={() => setIsAdding(true)}>
          {t("hooks.add")}
        </Button>
      }
    >
      <Listed
        list={list}
        label={t("hooks")}
        columns={[t("hooks.name"), t("hooks.events"), t("hooks.of"), s("column.made"), ""]}
        empty={{ icon: Webhook, title: t("hooks.empty"), hint: t("hooks.empty.hint") }}
        row={(each) => (
          <HookRow
            key={each.id}
            project={project}
            hook={each}
            why={why}
            onOpen={() => setOpened(each.id)}
          />
        )}
      />
      {isAdding && (
        <AddHook
          project={project}
          onClose={() => setIsAdding(false)}
          onMade={(found) => {
            setIsAdding(false);
            setMade(found);
          }}
        />
      )}
      {made && (
        <ShownOnce
          title={t("hooks.made")}
          values={[
            { label: t("hooks.url"), value: made.url },
            { label: t("hooks.secret"), value: made.secret },
          ]}
          onClose={() => setMade(null)}
        />
      )}
    </Section>
  );
}

function HookRow({
  project,
  hook,
  why,
  onOpen,
}: {
  project: string;
  hook: Schemas["HookView"];
  why: string | undefined;
  onOpen: () => void;
}) {
  const t = useText(projectTexts);
  return (
    <Row>
      <Cell>
        <span className="flex items-center gap-2 font-medium">
          {hook.name || hook.id} <Pill>{hook.kind}</Pill>
        </span>
        <span className="flex items-center font-mono text-[13px] break-all text-muted">
          {hook.url}
          <CopyButton text={hook.url} label={t("hooks.url")} />
        </span>
      </Cell>
      <Cell>{hook.events.join(", ")}</Cell>
      <Cell>{t(hook.pipeline ? "hooks.of.one" : "hooks.of.all")}</Cell>
      <Cell>
        <RelativeTime at={hook.created_at} />
      </Cell>
      <Cell className="text-right whitespace-nowrap">
        <IconButton
          size="small"
          icon={ListTree}
          label={t("hooks.deliveries.of", { name: hook.name || hook.kind })}
          onClick={onOpen}
        />
        <RemoveButton
          name={hook.name || hook.id}
          hint={t("hooks.remove.hint")}
          why={why}
          old={[keys.project(project, "hooks")]}
          act={() =>
            ok(
              api.DELETE("/projects/{project}/hooks/{hook}", {
                params: { path: { project, hook: hook.id } },
              }),
            )
          }
        />
      </Cell>
    </Row>
  );
}

function AddHook({
  project,
  onClose,
  onMade,
}: {
  project: string;
  onClose: () => void;
  onMade: (made: Made) => void;
}) {
  const t = useText(projectTexts);
  const [kind, setKind] = useState<string>("github");
  const [name, setName] = useState("");
  const [secret, setSecret] = useState(newSecret);
  const [events, setEvents] = useState<readonly string[]>(["push"]);
  const add = useChange(
    () =>
      ok(
        api.POST("/projects/{project}/hooks", {
          params: { path: { project } },
          body: { kind, name: name.trim(), secret, events: [...events] },
        }),
      ),
    {
      old: [keys.project(project, "hooks")],
      onDone: ({ url }) => onMade({ url, secret }),
      quiet: true,
    },
  );
  return (
    <FormDialog
      title={t("hooks.add")}
      submit={t("hooks.add")}
      busy={add.isPending}
      error={add.error}
      onSubmit={() => secret && add.mutate(undefined)}
      onClose={onClose}
    >
      <Field label={t("hooks.kind")}>
        {(ids) => (
          <Select
            {...ids}
            value={kind}
            options={KINDS.map((each) => ({ value: each, text: each }))}
            onChange={(event) => setKind(event.target.value)}
          />
        )}
      </Field>
      <Field label={t("hooks.name")}>
        {(ids) => (
          <TextInput {...ids} value={name} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Field label={t("hooks.secret")} hint={t("hooks.secret.hint")} required>
        {(ids) => (
          <TextInput
            {...ids}
            className="font-mono"
            value={secret}
            onChange={(event) => setSecret(event.target.value)}
          />
        )}
      </Field>
      <fieldset className="mb-2">
        <legend className="font-medium">{t("hooks.events")}</legend>
        <p className="mb-1 text-[13px] text-muted">{t("hooks.events.hint")}</p>
        <div className="flex flex-wrap gap-x-4">
          {EVENTS.map((each) => (
            <Checkbox
              key={each}
              label={each}
              checked={events.includes(each)}
              onChange={({ target }) =>
                setEvents(target.checked ? [...events, each] : events.filter((e) => e !== each))
              }
            />
          ))}
        </div>
      </fieldset>
    </FormDialog>
  );
}
