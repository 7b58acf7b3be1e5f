import { ChevronRight, Plus, Undo2 } from "lucide-react";
import { type ReactNode, useId, useState } from "react";
import type { Schemas } from "@/api/client";
import { useText } from "@/i18n";
import { isShown, ParameterField } from "@/parts/parameter-field";
import { Button } from "@/ui/button";
import { Checkbox, Field, TextArea, TextInput } from "@/ui/field";
import { Loaded } from "@/ui/loaded";
import {
  countOf,
  type Draft,
  textOf,
  withEnv,
  withInput,
  withParameter,
  withTimeout,
} from "./changes";
import { type RunPath, useChangeable } from "./data";
import { texts } from "./texts";

type Changeable = Schemas["Changeable"];
type Step = Schemas["ChangeableStep"];
type Value = Schemas["ChangeableValue"];

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
}

interface FormProps extends Props {
  path: RunPath;
  step: string;
  /** Whether it is unfolded: kept by who shows it, as the draft is. */
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Inputs of the steps that failed, and parameters: what the next attempt may have otherwise. */
export function ChangeForm({ path, step, draft, onChange, open, onOpenChange }: FormProps) {
  const t = useText(texts);
  const query = useChangeable(path, step, open);
  return (
    <details
      data-change-form
      className="group/changes mt-2"
      open={open}
      onToggle={(event) =>
        event.target === event.currentTarget && onOpenChange(event.currentTarget.open)
      }
    >
      <summary className="flex min-h-7 items-center gap-2.5 rounded-md px-1.5 hover:bg-sunken">
        <ChevronRight
          aria-hidden
          size={16}
          className="shrink-0 text-muted transition-transform group-open/changes:rotate-90"
        />
        <span>
          {t("changes.title")}{" "}
          <span className="text-muted" data-change-count>
            {t("changes.count", { n: countOf(draft) })}
          </span>
        </span>
      </summary>
      {open && (
        <div className="mt-2 rounded-md border border-line p-3">
          <Loaded query={query}>
            {({ changeable }) =>
              changeable && <Fields found={changeable} draft={draft} onChange={onChange} />
            }
          </Loaded>
          <p className="text-[13px] text-muted">{t("changes.stay")}</p>
        </div>
      )}
    </details>
  );
}

function Fields({ found, draft, onChange }: Props & { found: Changeable }) {
  const t = useText(texts);
  const parameters = found.parameters.filter((field) => !field.fixed);
  const values = Object.fromEntries(
    Object.entries(draft.parameters).map(([name, value]) => [name, value ?? ""]),
  );
  return (
    <>
      {found.steps.length > 0 && !found.may_change_steps && <Note>{t("changes.no-edit")}</Note>}
      {found.steps.map((step) => (
        <StepFields
          key={step.id}
          step={step}
          draft={draft}
          onChange={onChange}
          disabled={!found.may_change_steps}
        />
      ))}
      {parameters.length > 0 && (
        <Group title={t("tab.parameters")} disabled={!found.may_change_parameters}>
          {!found.may_change_parameters && <Note>{t("changes.later")}</Note>}
          {parameters
            .filter((field) => isShown(field, parameters, values))
            .map((field) => (
              <div key={field.name} data-parameter={field.name}>
                <ParameterField
                  field={{ ...field, read_only: !found.may_change_parameters }}
                  value={draft.parameters[field.name] ?? field.default}
                  isMissing={false}
                  onChange={(value) =>
                    onChange(
                      withParameter(draft, field.name, value === field.default ? undefined : value),
                    )
                  }
                />
                <Back
                  name={field.name}
                  isChanged={field.changed}
                  isDraft={draft.parameters[field.name] !== undefined}
                  onBack={(value) => onChange(withParameter(draft, field.name, value))}
                />
              </div>
            ))}
        </Group>
      )}
    </>
  );
}

function Note({ children }: { children: ReactNode }) {
  return <p className="mb-3 rounded-md bg-wait-soft px-3 py-2 text-wait">{children}</p>;
}

function Group({
  title,
  disabled,
  children,
}: {
  title: string;
  disabled: boolean;
  children: ReactNode;
}) {
  return (
    <fieldset disabled={disabled} className="mb-3 min-w-0">
      <legend className="mb-2 font-semibold break-words">{title}</legend>
      {children}
    </fieldset>
  );
}

/** Takes a change back, or sets back what an earlier attempt has changed. */
function Back({
  name,
  isChanged,
  isDraft,
  onBack,
}: {
  name: string;
  isChanged: boolean;
  isDraft: boolean;
  onBack: (value: undefined | null) => void;
}) {
  const t = useText(texts);
  if (!isDraft && !isChanged) return null;
  return (
    <Button
      size="small"
      icon={Undo2}
      className="-mt-2 mb-4"
      onClick={() => onBack(isDraft ? undefined : null)}
    >
      {t(isDraft ? "changes.undo" : "changes.back", { name })}
    </Button>
  );
}

function StepFields({
  step,
  draft,
  onChange,
  disabled,
}: Props & { step: Step; disabled: boolean }) {
  const t = useText(texts);
  const given = draft.steps[step.id] ?? {};
  if (step.fixed) {
    return (
      <Group title={step.name} disabled>
        <p className="text-muted">{t("changes.fixed")}</p>
      </Group>
    );
  }
  const minutes = step.timeout_s === null ? "" : String(step.timeout_s / 60);
  const timeout = given.timeout_s;
  const rest = step.inputs.filter((input) => !isUsed(input));
  return (
    <Group title={step.name} disabled={disabled}>
      {step.inputs.filter(isUsed).map((input) => (
        <OneInput key={input.name} step={step} input={input} draft={draft} onChange={onChange} />
      ))}
      {rest.length > 0 && (
        <details className="mb-4">
          <summary className="mb-2 min-h-7 rounded-md py-0.5 hover:bg-sunken">
            {t("changes.more", { n: rest.length })}
          </summary>
          {rest.map((input) => (
            <OneInput
              key={input.name}
              step={step}
              input={input}
              draft={draft}
              onChange={onChange}
            />
          ))}
        </details>
      )}
      <Environment step={step} draft={draft} onChange={onChange} />
      <Field label={t("changes.minutes")}>
        {(ids) => (
          <TextInput
            {...ids}
            type="number"
            min={1}
            max={10_080}
            className="max-w-32"
            value={timeout === undefined ? minutes : timeout === null ? "" : timeout / 60}
            onChange={({ target }) => {
              const seconds = Math.round(target.valueAsNumber * 60);
              const none = Number.isNaN(seconds) || seconds === step.timeout_s;
              onChange(withTimeout(draft, step.id, none ? undefined : seconds));
            }}
          />
        )}
      </Field>
      <Back
        name={t("changes.timeout")}
        isChanged={step.timeout_changed}
        isDraft={timeout !== undefined}
        onBack={(value) => onChange(withTimeout(draft, step.id, value))}
      />
    </Group>
  );
}

/** Those that say something stand first. */
function isUsed(input: Value): boolean {
  return (
    input.name === "script" || input.changed || textOf(input.value) !== textOf(NONE[input.type])
  );
}

const NONE: Record<string, unknown> = { flag: false, number: 0 };

function OneInput({ step, input, draft, onChange }: Props & { step: Step; input: Value }) {
  const given = draft.steps[step.id]?.inputs?.[input.name];
  const set = (value: unknown) => onChange(withInput(draft, step.id, input.name, value));
  return (
    <div data-input={input.name}>
      <InputField input={input} value={given} onChange={set} />
      <Back
        name={input.name}
        isChanged={input.changed}
        isDraft={given !== undefined}
        onBack={set}
      />
    </div>
  );
}

function InputField({
  input,
  value,
  onChange,
}: {
  input: Value;
  /** As it is in the draft; undefined: not changed. */
  value: unknown;
  onChange: (value: unknown) => void;
}) {
  const t = useText(texts);
  const before = textOf(input.value);
  const shown = value === undefined ? before : textOf(value);
  if (input.type === "flag") {
    const now = value ?? input.value;
    return (
      <Checkbox
        label={input.name}
        className="mb-3"
        checked={now === true}
        onChange={({ target }) =>
          onChange(target.checked === input.value ? undefined : target.checked)
        }
      />
    );
  }
  const changed = (text: string) => {
    if (text === before && !input.secret) return undefined;
    return input.type === "texts" ? text.split("\n").filter(Boolean) : text;
  };
  if (input.secret) {
    return (
      <Field label={input.name} hint={t("changes.secret")}>
        {(ids) => (
          <TextInput
            {...ids}
            type="password"
            autoComplete="new-password"
            value={value === undefined ? "" : shown}
            onChange={({ target }) => onChange(target.value || undefined)}
          />
        )}
      </Field>
    );
  }
  const isLong = input.type === "texts" || input.name === "script" || before.includes("\n");
  return (
    <Field label={input.name} hint={input.type === "texts" ? t("changes.lines") : undefined}>
      {(ids) =>
        isLong ? (
          <TextArea
            {...ids}
            spellCheck={false}
            rows={Math.min(16, Math.max(3, shown.split("\n").length + 1))}
            className="font-mono text-[13px]"
            value={shown}
            onChange={({ target }) => onChange(changed(target.value))}
          />
        ) : (
          <TextInput
            {...ids}
            inputMode={input.type === "number" ? "numeric" : undefined}
            className="font-mono text-[13px]"
            value={shown}
            onChange={({ target }) => onChange(changed(target.value))}
          />
        )
      }
    </Field>
  );
}

/** Variables of the environment: those that there are, and new ones. */
function Environment({ step, draft, onChange }: Props & { step: Step }) {
  const t = useText(texts);
  const id = useId();
  const [name, setName] = useState("");
  const given = draft.steps[step.id]?.env ?? {};
  const known = new Set(step.env.map((each) => each.name));
  const added = Object.keys(given).filter((each) => !known.has(each));
  const isName = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !known.has(name) && !(name in given);
  function add() {
    onChange(withEnv(draft, step.id, name, ""));
    setName("");
  }
  return (
    <>
      {[...step.env, ...added.map((each) => ({ ...NEW, name: each }))].map((each) => (
        <div key={each.name} data-env={each.name}>
          <Field label={t("changes.env", { name: each.name })}>
            {(ids) => (
              <TextInput
                {...ids}
                type={each.secret ? "password" : "text"}
                autoComplete={each.secret ? "new-password" : "off"}
                className="font-mono text-[13px]"
                value={given[each.name] ?? (each.secret ? "" : textOf(each.value))}
                onChange={({ target }) =>
                  onChange(
                    withEnv(
                      draft,
                      step.id,
                      each.name,
                      target.value === each.value ? undefined : target.value,
                    ),
                  )
                }
              />
            )}
          </Field>
          <Back
            name={each.name}
            isChanged={each.changed}
            isDraft={given[each.name] !== undefined}
            onBack={(value) => onChange(withEnv(draft, step.id, each.name, value))}
          />
        </div>
      ))}
      <div className="mb-4">
        <label htmlFor={id} className="mb-1 block font-medium">
          {t("changes.new-env")}
        </label>
        <span className="flex gap-2">
          <TextInput
            id={id}
            className="font-mono text-[13px]"
            placeholder="NAME"
            value={name}
            onChange={({ target }) => setName(target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault(); // it would retry
              if (isName) add();
            }}
          />
          <Button icon={Plus} disabled={!isName} onClick={add}>
            {t("changes.add")}
          </Button>
        </span>
      </div>
    </>
  );
}

const NEW: Value = { name: "", type: "text", value: "", secret: false, changed: false };
