import type { Schemas } from "@/api/client";
import { Checkbox, Field, TextArea, TextInput } from "@/ui/field";

type ApprovalParameter = Schemas["ApprovalParameter"];
export type Value = string | boolean | string[];

const TRUTHS = new Set(["BOOLEAN", "CHECKBOX"]);

function original({ kind, value }: ApprovalParameter): Value {
  if (TRUTHS.has(kind)) return value === true || value === "true";
  if (Array.isArray(value)) return value.map(String);
  if (kind === "MULTIPLE") return value ? String(value).split(",") : [];
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Whether a value that must be there is. */
export function isFilled(parameter: ApprovalParameter, values: Record<string, Value>): boolean {
  const value = values[parameter.key] ?? original(parameter);
  if (!parameter.required || typeof value === "boolean") return true;
  return typeof value === "string" ? value.trim() !== "" : value.length > 0;
}

/** What is sent: only what was changed. */
export function sent(
  parameters: readonly ApprovalParameter[],
  values: Record<string, Value>,
): Record<string, Value> {
  const changed = parameters.filter((each) => {
    const value = values[each.key];
    return value !== undefined && JSON.stringify(value) !== JSON.stringify(original(each));
  });
  return Object.fromEntries(changed.map(({ key }) => [key, values[key] as Value]));
}

/** One value that who answers may change. */
export function Parameter({
  parameter,
  value,
  error,
  onChange,
}: {
  parameter: ApprovalParameter;
  value: Value | undefined;
  error?: string;
  onChange: (value: Value) => void;
}) {
  const shown = value ?? original(parameter);
  const { key, desc, required, kind } = parameter;
  if (typeof shown === "boolean") {
    return (
      <div className="mb-4">
        <Checkbox
          label={key}
          checked={shown}
          onChange={(event) => onChange(event.target.checked)}
        />
        {desc && <p className="text-[13px] text-muted">{desc}</p>}
      </div>
    );
  }
  return (
    <Field label={key} hint={desc} error={error} required={required}>
      {(ids) => {
        if (Array.isArray(shown)) {
          return (
            <TextInput
              {...ids}
              value={shown.join(",")}
              onChange={({ target }) => onChange(target.value ? target.value.split(",") : [])}
            />
          );
        }
        const shared = { ...ids, value: shown };
        return kind === "TEXTAREA" ? (
          <TextArea {...shared} onChange={({ target }) => onChange(target.value)} />
        ) : (
          <TextInput {...shared} onChange={({ target }) => onChange(target.value)} />
        );
      }}
    </Field>
  );
}
