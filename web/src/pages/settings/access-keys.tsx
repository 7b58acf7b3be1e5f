import { KeySquare, Plus } from "lucide-react";
import { useState } from "react";
import { useChange } from "@/api/change";
import { api, ok, type Schemas } from "@/api/client";
import { usePaged } from "@/api/paged";
import { useText } from "@/i18n";
import { settingsTexts } from "@/i18n/settings";
import { Button } from "@/ui/button";
import { CopyAs } from "@/ui/copy";
import { Field, TextInput } from "@/ui/field";
import { Cell, Row } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import { FormDialog, Listed, RemoveButton, Section, ShownOnce } from "./parts";

const KEY = ["access-keys"];

export default function AccessKeys({ project }: { project: string }) {
  const t = useText(settingsTexts);
  const [isAdding, setIsAdding] = useState(false);
  const [made, setMade] = useState<Schemas["NewAccessKey"] | null>(null);
  const list = usePaged(KEY, (cursor, signal) =>
    ok(api.GET("/access-keys", { params: { query: { cursor } }, signal })),
  );
  return (
    <Section
      title={t("access-keys")}
      hint={t("access-keys.hint")}
      action={
        <Button variant="primary" icon={Plus} onClick={() => setIsAdding(true)}>
          {t("access-keys.new")}
        </Button>
      }
    >
      <Listed
        list={list}
        label={t("access-keys")}
        columns={[t("access-keys.id"), t("column.project"), t("column.made"), ""]}
        empty={{
          icon: KeySquare,
          title: t("access-keys.empty"),
          hint: t("access-keys.empty.hint"),
        }}
        row={(key) => (
          <Row key={key.access}>
            <Cell className="font-mono text-[13px]">{key.access}</Cell>
            <Cell>{key.project}</Cell>
            <Cell>
              <RelativeTime at={key.created_at} />
            </Cell>
            <Cell className="text-right">
              <RemoveButton
                name={key.access}
                hint={t("tokens.revoke.hint")}
                old={[KEY]}
                act={() =>
                  ok(
                    api.DELETE("/access-keys/{access}", {
                      params: { path: { access: key.access } },
                    }),
                  )
                }
              />
            </Cell>
          </Row>
        )}
      />
      {isAdding && (
        <NewKey
          project={project}
          onClose={() => setIsAdding(false)}
          onMade={(key) => {
            setIsAdding(false);
            setMade(key);
          }}
        />
      )}
      {made && (
        <ShownOnce
          title={t("access-keys.made")}
          values={[
            { label: t("access-keys.id"), value: made.access },
            { label: t("access-keys.secret"), value: made.secret },
          ]}
          onClose={() => setMade(null)}
        />
      )}
    </Section>
  );
}

function NewKey({
  project: last,
  onClose,
  onMade,
}: {
  project: string;
  onClose: () => void;
  onMade: (key: Schemas["NewAccessKey"]) => void;
}) {
  const t = useText(settingsTexts);
  const [project, setProject] = useState(last);
  const body = { project: project.trim() };
  const make = useChange(() => ok(api.POST("/access-keys", { body })), {
    old: [KEY],
    onDone: onMade,
    quiet: true,
  });
  return (
    <FormDialog
      title={t("access-keys.new")}
      submit={t("access-keys.make")}
      busy={make.isPending}
      error={make.error}
      onSubmit={() => body.project && make.mutate(undefined)}
      onClose={onClose}
      extra={<CopyAs curl={{ method: "POST", path: "/access-keys", body }} />}
    >
      <Field label={t("access-keys.project")} required>
        {(ids) => (
          <TextInput
            {...ids}
            value={project}
            onChange={(event) => setProject(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}
