import { KeyRound, Plus, UserCog } from "lucide-react";
import { useState } from "react";
import { useChange } from "@/api/change";
import { api, ok, type Schemas } from "@/api/client";
import { usePaged } from "@/api/paged";
import { useText } from "@/i18n";
import { settingsTexts } from "@/i18n/settings";
import { Button, IconButton } from "@/ui/button";
import { asCommand, CopyAs } from "@/ui/copy";
import { Field, Switch, TextInput } from "@/ui/field";
import { Cell, Row } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import { FormDialog, Listed, Pill, Section } from "./parts";

const KEY = ["users"];

function patch(user: string, body: Schemas["UserChange"]) {
  return ok(api.PATCH("/users/{user}", { params: { path: { user } }, body }));
}

export default function UsersSection() {
  const t = useText(settingsTexts);
  const [isAdding, setIsAdding] = useState(false);
  const [changed, setChanged] = useState("");
  const list = usePaged(KEY, (cursor, signal) =>
    ok(api.GET("/users", { params: { query: { cursor } }, signal })),
  );
  const change = useChange(
    ({ user, disabled }: { user: string; disabled: boolean }) => patch(user, { disabled }),
    { old: [KEY] },
  );
  return (
    <Section
      title={t("users")}
      hint={t("users.hint")}
      action={
        <Button variant="primary" icon={Plus} onClick={() => setIsAdding(true)}>
          {t("users.new")}
        </Button>
      }
    >
      <Listed
        list={list}
        label={t("users")}
        columns={[t("column.name"), t("users.language"), t("column.made"), t("users.enabled"), ""]}
        empty={{ icon: UserCog, title: t("users.empty"), hint: t("users.empty.hint") }}
        row={(user) => (
          <Row key={user.name}>
            <Cell>
              <span className="font-medium">{user.name}</span>{" "}
              {user.is_admin && <Pill>{t("users.admin")}</Pill>}
              <span className="block text-[13px] text-muted">{user.email}</span>
            </Cell>
            <Cell>{user.language}</Cell>
            <Cell>
              <RelativeTime at={user.created_at} />
            </Cell>
            <Cell>
              <Switch
                label={t("users.enabled.of", { user: user.name })}
                hideLabel
                checked={!user.disabled}
                onChange={(to) => change.mutate({ user: user.name, disabled: !to })}
              />
            </Cell>
            <Cell className="text-right">
              <IconButton
                size="small"
                icon={KeyRound}
                label={`${t("users.password.set")}: ${user.name}`}
                onClick={() => setChanged(user.name)}
              />
            </Cell>
          </Row>
        )}
      />
      {isAdding && <NewUser onClose={() => setIsAdding(false)} />}
      {changed && <NewPassword user={changed} onClose={() => setChanged("")} />}
    </Section>
  );
}

function NewUser({ onClose }: { onClose: () => void }) {
  const t = useText(settingsTexts);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const make = useChange(() => ok(api.POST("/users", { body: { name: name.trim(), password } })), {
    done: t("saved"),
    old: [KEY],
    onDone: onClose,
    quiet: true,
  });
  return (
    <FormDialog
      title={t("users.new")}
      submit={t("users.new")}
      busy={make.isPending}
      error={make.error}
      onSubmit={() => name.trim() && make.mutate(undefined)}
      onClose={onClose}
      extra={<CopyAs command={asCommand("user", "create", name || "NAME", "--password-stdin")} />}
    >
      <Field label={t("column.name")} required>
        {(ids) => (
          <TextInput {...ids} value={name} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Password
        label={t("users.password")}
        hint={t("users.password.hint")}
        value={password}
        onChange={setPassword}
      />
    </FormDialog>
  );
}

function NewPassword({ user, onClose }: { user: string; onClose: () => void }) {
  const t = useText(settingsTexts);
  const [password, setPassword] = useState("");
  const set = useChange(() => patch(user, { password }), {
    done: t("saved"),
    old: [KEY],
    onDone: onClose,
    quiet: true,
  });
  return (
    <FormDialog
      title={`${t("users.password.set")}: ${user}`}
      submit={t("users.password.set")}
      busy={set.isPending}
      error={set.error}
      onSubmit={() => password && set.mutate(undefined)}
      onClose={onClose}
    >
      <Password label={t("users.password.new")} value={password} onChange={setPassword} />
    </FormDialog>
  );
}

function Password({
  label,
  hint,
  value,
  onChange,
}: {
  label: string;
  hint?: string;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <TextInput
          {...ids}
          type="password"
          autoComplete="new-password"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
