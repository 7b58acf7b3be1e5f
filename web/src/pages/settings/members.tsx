import { UserPlus, Users } from "lucide-react";
import { useState } from "react";
import { useChange } from "@/api/change";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { usePaged } from "@/api/paged";
import { useRefusal } from "@/api/rights";
import { useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { settingsTexts } from "@/i18n/settings";
import { Button } from "@/ui/button";
import { asCommand, CopyAs } from "@/ui/copy";
import { Field, Select, TextInput } from "@/ui/field";
import { Cell, Row } from "@/ui/table";
import { FormDialog, Listed, Pill, RemoveButton, Section } from "./parts";

const ROLES = ["viewer", "runner", "developer", "maintainer", "owner"] as const;

function useRoleOptions() {
  const t = useText(projectTexts);
  return ROLES.map((role) => ({
    value: role,
    text: `${t(`role.${role}`)} – ${t(`role.${role}.hint`)}`,
  }));
}

function give(project: string, user: string, role: string, permissions: string[] = []) {
  return ok(
    api.PUT("/projects/{project}/members/{user}", {
      params: { path: { project, user } },
      body: { role, permissions },
    }),
  );
}

export default function Members({ project }: { project: string }) {
  const t = useText(projectTexts);
  const [isAdding, setIsAdding] = useState(false);
  const why = useRefusal(project)("manage");
  const key = keys.project(project, "members");
  const list = usePaged(key, (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/members", {
        params: { path: { project }, query: { cursor } },
        signal,
      }),
    ),
  );
  const add = (
    <Button variant="primary" icon={UserPlus} why={why} onClick={() => setIsAdding(true)}>
      {t("members.add")}
    </Button>
  );
  return (
    <Section title={t("members")} hint={t("members.hint")} action={add}>
      <Listed
        list={list}
        label={t("members")}
        columns={[t("members.user"), t("members.role"), t("members.permissions"), ""]}
        empty={{ icon: Users, title: t("members.empty"), hint: t("members.empty.hint") }}
        row={(member) => (
          <MemberRow key={member.user} project={project} member={member} why={why} />
        )}
      />
      {isAdding && <AddMember project={project} onClose={() => setIsAdding(false)} />}
    </Section>
  );
}

function MemberRow({
  project,
  member,
  why,
}: {
  project: string;
  member: Schemas["MemberView"];
  why: string | undefined;
}) {
  const t = useText(projectTexts);
  const s = useText(settingsTexts);
  const options = useRoleOptions();
  const key = keys.project(project, "members");
  const change = useChange((role: string) => give(project, member.user, role, member.permissions), {
    done: s("saved"),
    old: [key],
  });
  return (
    <Row data-member={member.user}>
      <Cell className="font-medium">{member.user}</Cell>
      <Cell>
        <Select
          aria-label={t("members.role.of", { user: member.user })}
          className="min-w-44"
          value={change.isPending ? change.variables : member.role}
          options={options}
          disabled={Boolean(why)}
          title={why}
          onChange={(event) => change.mutate(event.target.value)}
        />
      </Cell>
      <Cell>
        {member.permissions.map((permission) => (
          <Pill key={permission}>{permission}</Pill>
        ))}
      </Cell>
      <Cell className="text-right">
        <RemoveButton
          name={member.user}
          hint={t("members.remove.hint")}
          why={why}
          old={[key]}
          act={() =>
            ok(
              api.DELETE("/projects/{project}/members/{user}", {
                params: { path: { project, user: member.user } },
              }),
            )
          }
        />
      </Cell>
    </Row>
  );
}

function AddMember({ project, onClose }: { project: string; onClose: () => void }) {
  const t = useText(projectTexts);
  const s = useText(settingsTexts);
  const options = useRoleOptions();
  const [user, setUser] = useState("");
  const [role, setRole] = useState<string>("developer");
  const add = useChange(() => give(project, user.trim(), role), {
    done: s("saved"),
    old: [keys.project(project, "members")],
    onDone: onClose,
    quiet: true,
  });
  return (
    <FormDialog
      title={t("members.add")}
      submit={t("members.add")}
      busy={add.isPending}
      error={add.error}
      onSubmit={() => user.trim() && add.mutate(undefined)}
      onClose={onClose}
      extra={
        <CopyAs
          command={asCommand("user", "grant", user || "NAME", role, "--project", project)}
          curl={{
            method: "PUT",
            path: `/projects/${project}/members/${user || "NAME"}`,
            body: { role },
          }}
        />
      }
    >
      <Field label={t("members.user")} required>
        {(ids) => (
          <TextInput {...ids} value={user} onChange={(event) => setUser(event.target.value)} />
        )}
      </Field>
      <Field label={t("members.role")}>
        {(ids) => (
          <Select
            {...ids}
            value={role}
            options={options}
            onChange={(event) => setRole(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}
