/** Asks for the parameters of a start, each with a field of its kind. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { useLocation } from "wouter";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { runTexts } from "@/i18n/runs";
import { Button } from "@/ui/button";
import { asCommand, asYaml, CopyAs } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Field, TextInput } from "@/ui/field";
import { Loaded, useProblemText } from "@/ui/loaded";
import { toast } from "@/ui/toast";
import { isShown, ParameterField } from "./parameter-field";
import type { PipelineName } from "./run-actions";

type Form = Schemas["StartForm"];
type Values = Readonly<Record<string, string>>;

export default function StartDialog({ of, onClose }: { of: PipelineName; onClose: () => void }) {
  const t = useText(runTexts);
  const c = useText(common);
  const formId = useId();
  const { project, pipeline } = of;
  const [values, setValues] = useState<Values>({});
  const [message, setMessage] = useState("");
  const [tried, setTried] = useState(false);
  const query = useQuery({
    queryKey: keys.pipeline(pipeline, "start-form"),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/pipelines/{pipeline}/start-form", {
          params: { path: { project, pipeline } },
          signal,
        }),
      ),
  });
  const start = useStart(of, onClose);
  const form = query.data;
  const missing = form ? missingOf(form, values) : new Set<string>();
  const refused = form && !form.manual_start ? t("run.not-by-hand") : undefined;
  const why = refused ?? (form?.locked ? t("run.locked") : undefined);

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (form && missing.size === 0 && !why) start.mutate({ values, message });
  }

  return (
    <Dialog
      open
      onOpenChange={(to) => !to && onClose()}
      title={t("run.title", { name: of.name })}
      actions={
        <>
          <span className="mr-auto">
            <CopyAs
              command={message ? undefined : startCommand(of, withoutSecrets(form, values))}
              yaml={form?.parameters.length ? asYaml(allValues(form, values)) : undefined}
              curl={{
                method: "POST",
                path: `/projects/${project}/pipelines/${pipeline}/runs`,
                body: { values: withoutSecrets(form, values), message },
              }}
            />
          </span>
          <Button onClick={onClose}>{c("cancel")}</Button>
          <Button
            type="submit"
            form={formId}
            variant="primary"
            busy={start.isPending}
            disabled={!form || Boolean(why)}
          >
            {t("run.start")}
          </Button>
        </>
      }
    >
      <Loaded query={query}>
        {({ parameters }) => (
          <form id={formId} onSubmit={submit} noValidate>
            {why && <p className="mb-4 rounded-md bg-wait-soft px-3 py-2 text-wait">{why}</p>}
            {parameters.length === 0 && <p className="mb-4 text-muted">{t("run.no-parameters")}</p>}
            {parameters
              .filter((field) => isShown(field, parameters, values))
              .map((field) => (
                <ParameterField
                  key={field.name}
                  field={field}
                  value={values[field.name] ?? field.default}
                  isMissing={tried && missing.has(field.name)}
                  onChange={(value) => setValues((old) => ({ ...old, [field.name]: value }))}
                />
              ))}
            <Field label={t("run.message")} hint={t("run.message.hint")}>
              {(ids) => (
                <TextInput
                  {...ids}
                  value={message}
                  onChange={(event) => setMessage(event.target.value)}
                />
              )}
            </Field>
            <Problem error={start.error} />
          </form>
        )}
      </Loaded>
    </Dialog>
  );
}

function useStart({ project, pipeline }: PipelineName, onDone: () => void) {
  const t = useText(runTexts);
  const client = useQueryClient();
  const [, navigate] = useLocation();
  return useMutation({
    mutationFn: ({ values, message }: { values: Values; message: string }) =>
      ok(
        api.POST("/projects/{project}/pipelines/{pipeline}/runs", {
          params: { path: { project, pipeline } },
          // the description says "any value", the generator makes "no value" of it
          body: { values: values as Record<string, never>, message },
        }),
      ),
    meta: { quiet: true },
    onSuccess: (run) => {
      void client.invalidateQueries({ queryKey: keys.project(project) });
      toast("good", t("run.started", { n: String(run.number) }));
      onDone();
      navigate(`/projects/${encodeURIComponent(project)}/runs/${run.id}`);
    },
  });
}

function Problem({ error }: { error: unknown }) {
  const say = useProblemText();
  if (!error) return null;
  return (
    <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-bad">
      {say(error)}
    </p>
  );
}

/** The parameters that need a value and have none, neither given nor kept. */
function missingOf({ parameters }: Form, values: Values): ReadonlySet<string> {
  const missing = parameters.filter((field) => {
    if (!field.required || field.read_only || !isShown(field, parameters, values)) return false;
    const given = values[field.name];
    if (field.sensitive && !given) return !field.has_default;
    return !(given ?? field.default).trim();
  });
  return new Set(missing.map((field) => field.name));
}

function startCommand({ project, name }: PipelineName, values: Values): string {
  const given = Object.entries(values).flatMap(([key, value]) => ["-p", `${key}=${value}`]);
  return asCommand("run", "start", name, "--project", project, ...given);
}

/** What the run would get, secrets aside. */
function allValues(form: Form, values: Values): Values {
  const shown = form.parameters.filter((field) => isShown(field, form.parameters, values));
  const all = shown.map((field): [string, string] => [
    field.name,
    values[field.name] ?? field.default,
  ]);
  return withoutSecrets(form, Object.fromEntries(all));
}

/** The values for the clipboard: secrets are named, not shown. */
function withoutSecrets(form: Form | undefined, values: Values): Values {
  const secret = new Set(form?.parameters.filter((each) => each.sensitive).map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, secret.has(name) ? "…" : value]),
  );
}
