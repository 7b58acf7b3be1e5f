import { type FormEvent, useState } from "react";
import type { Schemas } from "@/api/client";
import { useText } from "@/i18n";
import { Button } from "@/ui/button";
import { asCommand, CopyAs } from "@/ui/copy";
import { Checkbox, Field, TextArea, TextInput } from "@/ui/field";
import { useProblemText } from "@/ui/loaded";
import { type RunPath, useCall } from "./data";
import type { Waiting } from "./gates";
import { texts } from "./texts";

type Parameter = Schemas["ApprovalParameter"];

/** Yes or no to a review, with a comment and the parameters that it asks for. */
export function AnswerForm({ path, item }: { path: RunPath; item: Waiting }) {
  const t = useText(texts);
  const say = useProblemText();
  const call = useCall();
  const [comment, setComment] = useState("");
  const [values, setValues] = useState<Record<string, unknown>>({});
  const [missing, setMissing] = useState(false);

  const why = item.mine ? undefined : t("gate.not-mine");

  function answer(approve: boolean): void {
    setMissing(!approve && !comment.trim());
    if (!approve && !comment.trim()) return;
    const suggestion = comment.trim() ? { suggestion: comment.trim() } : {};
    call.mutate({ path: item.path, body: { approve, ...suggestion, ...(approve && { values }) } });
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!why) answer(true);
  }
  const part = item.kind === "step-review" ? "--step" : "--stage";
  return (
    <form onSubmit={submit} className="mt-3">
      {item.parameters.map((parameter) => (
        <ParameterField
          key={parameter.key}
          parameter={parameter}
          value={values[parameter.key] ?? parameter.value}
          onChange={(value) => setValues({ ...values, [parameter.key]: value })}
        />
      ))}
      <Field label={t("gate.comment")} error={missing ? t("gate.comment-needed") : undefined}>
        {(ids) => (
          <TextArea
            {...ids}
            rows={2}
            maxLength={4096}
            value={comment}
            disabled={!item.mine}
            onChange={(event) => setComment(event.target.value)}
          />
        )}
      </Field>
      {call.error && (
        <p role="alert" className="mb-3 rounded-md bg-bad-soft px-3 py-2 text-bad">
          {say(call.error)}
        </p>
      )}
      <div className="flex flex-wrap items-center gap-2">
        <Button
          type="submit"
          variant="primary"
          className="h-10! grow sm:grow-0"
          busy={call.isPending}
          why={why}
          data-approve
        >
          {t("gate.approve")}
        </Button>
        <Button
          variant="danger"
          className="h-10! grow sm:grow-0"
          why={why}
          disabled={call.isPending}
          onClick={() => answer(false)}
        >
          {t("gate.reject")}
        </Button>
        <CopyAs
          command={asCommand("approve", path.run, "--project", path.project, part, item.node)}
          curl={{ method: "POST", path: item.path, body: { approve: true } }}
        />
      </div>
      {why && <p className="mt-2 text-[13px] text-muted">{why}</p>}
    </form>
  );
}

function ParameterField({
  parameter: { key, kind, required, desc, value: initial },
  value,
  onChange,
}: {
  parameter: Parameter;
  value: unknown;
  onChange: (value: unknown) => void;
}) {
  const t = useText(texts);
  const was = textOf(initial);
  if (kind === "BOOLEAN") {
    const checked = value === true || value === "true";
    return (
      <Checkbox
        className="mb-3 flex!"
        label={desc || key}
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
      />
    );
  }
  const changed = textOf(value) !== was;
  const Input = kind === "TEXTAREA" ? TextArea : TextInput;
  return (
    <Field
      label={key}
      required={required}
      hint={changed && was ? t("gate.was", { value: was }) : desc}
    >
      {(ids) => (
        <Input
          {...ids}
          required={required}
          value={textOf(value)}
          onChange={(event: { target: { value: string } }) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
