import { Gauge, Pencil, Plus } from "lucide-react";
import { useState } from "react";
import { useChange } from "@/api/change";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { usePaged } from "@/api/paged";
import { useRefusal } from "@/api/rights";
import { useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { Button, IconButton } from "@/ui/button";
import { Field, Switch, TextArea, TextInput } from "@/ui/field";
import { Cell, Row } from "@/ui/table";
import { FormDialog, Listed, RemoveButton, Section } from "./parts";

type Rule = Schemas["RuleView"];
type Condition = Schemas["ConditionBody"];

const LINE = /^(.+?)\s*(<=|>=|==|!=|<|>)\s*(\S+)$/;

function put(project: string, rule: string, body: Schemas["RuleBody"]) {
  return ok(
    api.PUT("/projects/{project}/quality-rules/{rule}", {
      params: { path: { project, rule } },
      body,
    }),
  );
}

function bodyOf({ name, conditions, gatekeepers, description, enabled, plugin, before }: Rule) {
  return { name, conditions, gatekeepers, description, enabled, plugin, before };
}

export function textOf(conditions: readonly Schemas["ConditionView"][]): string {
  return conditions
    .map(({ metric, operator, value }) => `${metric} ${operator} ${value}`)
    .join("\n");
}

/** Read conditions, one a line; the number of the first line that is none. */
export function readConditions(text: string): Condition[] | number {
  const found: Condition[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const [, metric, operator, value] = LINE.exec(line.trim()) ?? [];
    if (!metric || !operator || value === undefined) return index + 1;
    found.push({ metric, operator, value });
  }
  return found.length > 0 ? found : 1;
}

export default function Quality({ project }: { project: string }) {
  const t = useText(projectTexts);
  const [edited, setEdited] = useState<Rule | "new" | null>(null);
  const why = useRefusal(project)("manage");
  const key = keys.project(project, "quality-rules");
  const list = usePaged(key, (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/quality-rules", {
        params: { path: { project }, query: { cursor } },
        signal,
      }),
    ),
  );
  const change = useChange((rule: Rule) => put(project, rule.id, bodyOf(rule)), { old: [key] });
  return (
    <Section
      title={t("quality")}
      hint={t("quality.hint")}
      action={
        <Button variant="primary" icon={Plus} why={why} onClick={() => setEdited("new")}>
          {t("quality.add")}
        </Button>
      }
    >
      <Listed
        list={list}
        label={t("quality")}
        columns={[
          t("quality.name"),
          t("quality.conditions"),
          t("quality.gatekeepers"),
          t("quality.enabled"),
          "",
        ]}
        empty={{ icon: Gauge, title: t("quality.empty"), hint: t("quality.empty.hint") }}
        row={(rule) => (
          <Row key={rule.id}>
            <Cell>
              <span className="block font-medium">{rule.name}</span>
              <span className="block font-mono text-[13px] text-muted">{rule.id}</span>
            </Cell>
            <Cell className="font-mono text-[13px] whitespace-pre-line">
              {textOf(rule.conditions)}
            </Cell>
            <Cell>{rule.gatekeepers.join(", ")}</Cell>
            <Cell>
              <Switch
                label={t("quality.enabled.of", { name: rule.name })}
                hideLabel
                checked={rule.enabled}
                why={why}
                onChange={(enabled) => change.mutate({ ...rule, enabled })}
              />
            </Cell>
            <Cell className="text-right whitespace-nowrap">
              <IconButton
                size="small"
                icon={Pencil}
                label={t("quality.change", { name: rule.name })}
                why={why}
                onClick={() => setEdited(rule)}
              />
              <RemoveButton
                name={rule.name}
                hint={t("quality.remove.hint")}
                why={why}
                old={[key]}
                act={() =>
                  ok(
                    api.DELETE("/projects/{project}/quality-rules/{rule}", {
                      params: { path: { project, rule: rule.id } },
                    }),
                  )
                }
              />
            </Cell>
          </Row>
        )}
      />
      {edited && (
        <EditRule
          project={project}
          rule={edited === "new" ? null : edited}
          onClose={() => setEdited(null)}
        />
      )}
    </Section>
  );
}

function EditRule({
  project,
  rule,
  onClose,
}: {
  project: string;
  rule: Rule | null;
  onClose: () => void;
}) {
  const t = useText(projectTexts);
  const [id, setId] = useState(rule?.id ?? "");
  const [name, setName] = useState(rule?.name ?? "");
  const [text, setText] = useState(rule ? textOf(rule.conditions) : "");
  const [people, setPeople] = useState(rule?.gatekeepers.join(", ") ?? "");
  const [isChecked, setIsChecked] = useState(false);
  const conditions = readConditions(text);
  const save = useChange((body: Schemas["RuleBody"]) => put(project, id.trim(), body), {
    done: t("quality.saved", { name }),
    old: [keys.project(project, "quality-rules")],
    onDone: onClose,
    quiet: true,
  });

  function submit() {
    setIsChecked(true);
    if (typeof conditions === "number" || !id.trim()) return;
    const gatekeepers = people.split(/[,，\s]+/).filter(Boolean);
    const kept = rule ? bodyOf(rule) : {};
    save.mutate({ ...kept, name: name.trim() || id.trim(), conditions, gatekeepers });
  }

  return (
    <FormDialog
      title={rule ? t("quality.change", { name: rule.name }) : t("quality.add")}
      submit={rule ? t("quality.change", { name: rule.name }) : t("quality.add")}
      busy={save.isPending}
      error={save.error}
      onSubmit={submit}
      onClose={onClose}
    >
      {!rule && (
        <Field label={t("quality.id")} hint={t("quality.id.hint")} required>
          {(ids) => (
            <TextInput {...ids} value={id} onChange={(event) => setId(event.target.value)} />
          )}
        </Field>
      )}
      <Field label={t("quality.name")}>
        {(ids) => (
          <TextInput {...ids} value={name} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Field
        label={t("quality.conditions")}
        hint={t("quality.conditions.hint")}
        required
        error={
          isChecked && typeof conditions === "number"
            ? t("quality.conditions.bad", { line: String(conditions) })
            : undefined
        }
      >
        {(ids) => (
          <TextArea
            {...ids}
            className="font-mono"
            placeholder="coverage >= 80"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <Field label={t("quality.gatekeepers")} hint={t("quality.gatekeepers.hint")}>
        {(ids) => (
          <TextInput {...ids} value={people} onChange={(event) => setPeople(event.target.value)} />
        )}
      </Field>
    </FormDialog>
  );
}
