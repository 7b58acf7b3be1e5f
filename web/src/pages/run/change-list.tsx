import { ArrowRight } from "lucide-react";
import { useText } from "@/i18n";
import { DiffLines } from "@/ui/diff";
import { type ChangeView, diffLines, textOf } from "./changes";
import { texts } from "./texts";

const SHORT = 60; // characters of a value that stands in its line

/** What is otherwise than before, each as before and after. */
export function ChangeList({ changes }: { changes: readonly ChangeView[] }) {
  const t = useText(texts);
  if (changes.length === 0) return null;
  return (
    <ul data-changes aria-label={t("changes")} className="space-y-1.5">
      {changes.map((change) => (
        <OneChange key={`${change.step}:${change.kind}:${change.name}`} change={change} />
      ))}
    </ul>
  );
}

const NAMES = { env: "changes.env", timeout: "changes.timeout" } as const;

/** The name of what is changed, with that of its step. */
export function useChangeName() {
  const t = useText(texts);
  return ({ kind, step, step_name, name }: Omit<ChangeView, "before" | "after" | "secret">) => {
    const word = t(NAMES[kind as keyof typeof NAMES] ?? "changes.input", { name });
    return step ? `${step_name}: ${word}` : t("changes.parameter", { name });
  };
}

function OneChange({ change }: { change: ChangeView }) {
  const t = useText(texts);
  const nameOf = useChangeName();
  const name = nameOf(change);
  const before = textOf(change.before);
  const after = textOf(change.after);
  const isShort = Math.max(before.length, after.length) <= SHORT && !/\n/.test(before + after);
  return (
    <li className="text-[13px]" data-change={change.name}>
      <span className="break-words">{name}</span>
      {isShort || change.secret ? (
        <span className="flex flex-wrap items-center gap-x-1.5 font-mono">
          <del className="break-all text-bad no-underline">
            <span className="sr-only">{t("changes.before")}</span>
            {before || "–"}
          </del>
          <ArrowRight aria-hidden size={13} className="shrink-0 text-muted" />
          <ins className="break-all text-ok no-underline">
            <span className="sr-only">{t("changes.after")}</span>
            {after || "–"}
          </ins>
        </span>
      ) : (
        <DiffLines lines={diffLines(before, after)} label={name} />
      )}
    </li>
  );
}
