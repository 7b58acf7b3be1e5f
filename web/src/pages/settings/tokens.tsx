import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { useChange } from "@/api/change";
import { api, ok } from "@/api/client";
import { usePaged } from "@/api/paged";
import { useMe } from "@/api/session";
import { useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { settingsTexts } from "@/i18n/settings";
import { Button } from "@/ui/button";
import { asCommand, Command, CopyAs } from "@/ui/copy";
import { Field, Select, TextInput } from "@/ui/field";
import { Cell, Row } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import { FormDialog, Listed, Pill, RemoveButton, Section, ShownOnce } from "./parts";

const KEY = ["tokens"];
const ROLES = ["viewer", "runner", "developer", "maintainer", "owner"] as const;
const DAYS = ["7", "30", "90", "365", ""] as const;
const DAY_S = 86_400;

export default function Tokens() {
  const t = useText(settingsTexts);
  const { user } = useMe();
  const [isAdding, setIsAdding] = useState(false);
  const [made, setMade] = useState("");
  const list = usePaged(KEY, (cursor, signal) =>
    ok(api.GET("/tokens", { params: { query: { cursor } }, signal })),
  );
  return (
    <Section
      title={t("tokens")}
      hint={t("tokens.hint")}
      action={
        <Button variant="primary" icon={Plus} onClick={() => setIsAdding(true)}>
          {t("tokens.new")}
        </Button>
      }
    >
      <Listed
        list={list}
        label={t("tokens")}
        columns={[
          t("column.name"),
          t("column.projects"),
          t("column.role"),
          t("column.made"),
          t("column.expires"),
          "",
        ]}
        empty={{
          icon: KeyRound,
          title: t("tokens.empty"),
          hint: <Command>{`mulligan login ${location.origin}`}</Command>,
        }}
        row={(token) => (
          <Row key={token.id} data-token={token.name}>
            <Cell className="font-medium">
              {token.name} {token.user !== user && <Pill>{token.user}</Pill>}
            </Cell>
            <Cell>{token.projects.join(", ") || t("all-projects")}</Cell>
            <Cell>{token.role ?? t("tokens.role.any")}</Cell>
            <Cell>
              <RelativeTime at={token.created_at} />
            </Cell>
            <Cell>{token.expires_at ? <RelativeTime at={token.expires_at} /> : t("never")}</Cell>
            <Cell className="text-right">
              <RemoveButton
                name={token.name || token.id}
                word={t("tokens.revoke")}
                hint={t("tokens.revoke.hint")}
                old={[KEY]}
                act={() =>
                  ok(api.DELETE("/tokens/{token}", { params: { path: { token: token.id } } }))
                }
              />
            </Cell>
          </Row>
        )}
      />
      {isAdding && (
        <NewToken
          onClose={() => setIsAdding(false)}
          onMade={(token) => {
            setIsAdding(false);
            setMade(token);
          }}
        />
      )}
      {made && (
        <ShownOnce
          title={t("tokens.made")}
          values={[{ label: t("tokens"), value: made }]}
          onClose={() => setMade("")}
        />
      )}
    </Section>
  );
}

function NewToken({ onClose, onMade }: { onClose: () => void; onMade: (token: string) => void }) {
  const t = useText(settingsTexts);
  const p = useText(projectTexts);
  const [name, setName] = useState("");
  const [role, setRole] = useState("");
  const [projects, setProjects] = useState("");
  const [days, setDays] = useState("90");
  const body = {
    name: name.trim(),
    role,
    projects: projects.split(/[,，\s]+/).filter(Boolean),
    ttl_s: days ? Number(days) * DAY_S : null,
  };
  const make = useChange(() => ok(api.POST("/tokens", { body })), {
    old: [KEY],
    onDone: ({ token }) => onMade(token),
    quiet: true,
  });
  const words = ["token", "create", body.name || "NAME"];
  if (role) words.push("--role", role);
  for (const project of body.projects) words.push("--bind", project);
  if (days) words.push("--days", days);
  return (
    <FormDialog
      title={t("tokens.new")}
      submit={t("tokens.make")}
      busy={make.isPending}
      error={make.error}
      onSubmit={() => body.name && make.mutate(undefined)}
      onClose={onClose}
      extra={
        <CopyAs command={asCommand(...words)} curl={{ method: "POST", path: "/tokens", body }} />
      }
    >
      <Field label={t("tokens.name")} hint={t("tokens.name.hint")} required>
        {(ids) => (
          <TextInput {...ids} value={name} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Field label={t("tokens.role")}>
        {(ids) => (
          <Select
            {...ids}
            value={role}
            options={[
              { value: "", text: t("tokens.role.any") },
              ...ROLES.map((each) => ({ value: each, text: p(`role.${each}`) })),
            ]}
            onChange={(event) => setRole(event.target.value)}
          />
        )}
      </Field>
      <Field label={t("tokens.projects")} hint={t("tokens.projects.hint")}>
        {(ids) => (
          <TextInput
            {...ids}
            value={projects}
            onChange={(event) => setProjects(event.target.value)}
          />
        )}
      </Field>
      <Field label={t("tokens.days")}>
        {(ids) => (
          <Select
            {...ids}
            value={days}
            options={DAYS.map((each) => ({
              value: each,
              text: each ? t("tokens.days.n", { n: Number(each) }) : t("tokens.days.ever"),
            }))}
            onChange={(event) => setDays(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}
