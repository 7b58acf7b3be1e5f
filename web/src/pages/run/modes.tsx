import { clsx } from "clsx";
import { useState } from "react";
import { useLocale, useText } from "@/i18n";
import { Button } from "@/ui/button";
import { formatDuration } from "@/ui/time";
import type { Mode, Modes } from "./data";
import { keyOf } from "./recovery";
import { texts } from "./texts";

/** The text of each mode. */
export const WORDS = {
  "retry-step": "mode.retry-step",
  "retry-job": "mode.retry-job",
  "retry-failed": "mode.retry-failed",
  "retry-stage": "mode.retry-stage",
  "retry-run": "mode.retry-run",
  "skip-step": "mode.skip-step",
  "skip-failed": "mode.skip-failed",
  "rollback-stage": "mode.rollback",
  resume: "mode.resume",
} as const;

/** All ways to recover; those that aren't possible say why. */
export function ModeChoice({
  modes,
  chosen,
  onChoose,
  folded,
}: {
  modes: Modes;
  chosen: Mode | null;
  onChoose: (key: string) => void;
  /** Only the chosen one is shown at first, and buttons for those that are wanted most. */
  folded: boolean;
}) {
  const t = useText(texts);
  const [open, setOpen] = useState(false);
  const all = modes.items.filter((mode) => mode.mode !== "resume"); // is asked where it waits
  const shown = folded && !open ? all.filter((mode) => mode === chosen) : all;
  const quick = ["skip-step", "rollback-stage"].flatMap(
    (word) => all.find((mode) => mode.mode === word && mode.allowed && mode !== chosen) ?? [],
  );
  return (
    <>
      <fieldset className="mt-1 min-w-0">
        <legend className="sr-only">{t("recover.ways")}</legend>
        {shown.map((mode) => (
          <OneMode
            key={keyOf(mode)}
            mode={mode}
            checked={chosen !== null && keyOf(chosen) === keyOf(mode)}
            onChoose={() => onChoose(keyOf(mode))}
          />
        ))}
      </fieldset>
      {folded && !open && (
        <div className="mt-1 flex flex-wrap gap-2">
          {quick.map((mode) => (
            <Button size="thumb" key={keyOf(mode)} onClick={() => onChoose(keyOf(mode))}>
              {t(mode.mode === "skip-step" ? "key.skip" : "key.rollback")}
            </Button>
          ))}
          <Button size="thumb" onClick={() => setOpen(true)}>
            {t("recover.other")}
          </Button>
        </div>
      )}
    </>
  );
}

function OneMode({
  mode,
  checked,
  onChoose,
}: {
  mode: Mode;
  checked: boolean;
  onChoose: () => void;
}) {
  const t = useText(texts);
  const locale = useLocale();
  const word = t(WORDS[mode.mode as keyof typeof WORDS] ?? "mode.other");
  return (
    <label
      data-mode={mode.mode}
      className={clsx(
        "flex items-start gap-2.5 rounded-md px-1.5 py-1",
        mode.allowed ? "hover:bg-sunken" : "text-muted",
      )}
    >
      <input
        type="radio"
        name="mode"
        value={keyOf(mode)}
        checked={checked}
        disabled={!mode.allowed}
        onChange={onChoose}
        className="mt-1 size-4 shrink-0 accent-accent"
      />
      <span className="min-w-0 grow">
        <span className={clsx("block truncate", checked && "font-medium")} title={mode.name}>
          {word}
          {mode.name && <span className="font-normal text-muted"> {mode.name}</span>}
        </span>
        {mode.why_not && (
          <span
            className="block text-[13px] break-words first-letter:uppercase"
            data-why={mode.why_not.code}
          >
            {mode.why_not.message}
          </span>
        )}
      </span>
      {mode.plan && (
        <span className="shrink-0 text-[13px] text-muted tabular-nums">
          {t("mode.steps", { n: mode.plan.counts.rerun + mode.plan.counts.skip })}
          {mode.plan.expected_seconds !== null &&
            ` · ${formatDuration(mode.plan.expected_seconds * 1000, locale)}`}
        </span>
      )}
    </label>
  );
}
