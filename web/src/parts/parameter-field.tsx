/** One parameter of a start, as a field of its kind. */
import type { Schemas } from "@/api/client";
import { useText } from "@/i18n";
import { runTexts } from "@/i18n/runs";
import { Checkbox, Field, Select, TextArea, TextInput } from "@/ui/field";

type StartField = Schemas["StartField"];

/** Whether a parameter is asked for: others decide it. */
export function isShown(
  field: StartField,
  all: readonly StartField[],
  values: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(field.shown_when).every(([name, wanted]) => {
    const other = all.find((each) => each.name === name);
    return (values[name] ?? other?.default ?? "") === wanted;
  });
}

interface Props {
  field: StartField;
  value: string;
  isMissing: boolean;
  onChange: (value: string) => void;
}

export function ParameterField({ field, value, isMissing, onChange }: Props) {
  const t = useText(runTexts);
  const kept = field.sensitive && field.has_default ? t("run.secret-kept") : "";
  const hint = [field.desc, field.read_only ? t("run.fixed") : kept].filter(Boolean).join(" · ");
  return (
    <Field
      label={field.name}
      hint={hint}
      error={isMissing ? t("run.required") : undefined}
      required={field.required && !field.read_only}
    >
      {(ids) => <Control field={field} value={value} onChange={onChange} ids={ids} />}
    </Field>
  );
}

interface ControlProps {
  field: StartField;
  value: string;
  onChange: (value: string) => void;
  ids: { id: string };
}

function Control({ field, value, onChange, ids }: ControlProps) {
  const shared = { ...ids, disabled: field.read_only, value };
  if (field.kind === "BOOLEAN") {
    return <Choice {...{ field, value, onChange, ids }} options={["true", "false"]} />;
  }
  if (field.kind === "MULTIPLE" && field.options.length > 0) {
    return <Choices {...{ field, value, onChange, ids }} />;
  }
  if (field.options.length > 0) {
    return <Choice {...{ field, value, onChange, ids }} options={field.options} />;
  }
  if (field.kind === "TEXTAREA" || field.kind === "REPO_REF") {
    return <TextArea {...shared} onChange={(event) => onChange(event.target.value)} />;
  }
  return (
    <TextInput
      {...shared}
      type={field.sensitive ? "password" : "text"}
      autoComplete={field.sensitive ? "new-password" : "off"}
      inputMode={field.kind === "LONG" ? "numeric" : undefined}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

function Choice({
  field,
  value,
  onChange,
  ids,
  options,
}: ControlProps & { options: readonly string[] }) {
  const t = useText(runTexts);
  const listed = options.map((option) => ({ value: option, text: option }));
  if (!options.includes(value)) listed.unshift({ value, text: value || t("run.choose") });
  return (
    <Select
      {...ids}
      disabled={field.read_only}
      value={value}
      options={listed}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

function Choices({ field, value, onChange, ids }: ControlProps) {
  const chosen = new Set(value.split(",").filter(Boolean));
  return (
    <fieldset id={ids.id} aria-label={field.name} className="flex flex-wrap gap-x-4">
      {field.options.map((option) => (
        <Checkbox
          key={option}
          label={option}
          disabled={field.read_only}
          checked={chosen.has(option)}
          onChange={({ target }) => {
            if (target.checked) chosen.add(option);
            else chosen.delete(option);
            onChange(field.options.filter((each) => chosen.has(each)).join(","));
          }}
        />
      ))}
    </fieldset>
  );
}
