import { useId } from "react";
import { useText } from "@/i18n";
import { changeSettings, useSettings } from "@/state/settings";
import { Button } from "@/ui/button";
import { texts } from "./texts";

const HINTS = ["preview", "attempts", "keys", "copy"] as const;

/** What the page of a failed run can do: for who sees one for the first time in this browser. */
export function FirstTime() {
  const t = useText(texts);
  const title = useId();
  const { knowsRecovery } = useSettings();
  if (knowsRecovery) return null;
  return (
    <section
      aria-labelledby={title}
      className="rounded-lg border border-line bg-surface p-4 text-[13px]"
    >
      <h2 id={title} className="font-semibold">
        {t("hints")}
      </h2>
      <ol className="my-2 list-decimal space-y-1 pl-5 text-muted">
        {HINTS.map((hint) => (
          <li key={hint}>{t(`hints.${hint}`)}</li>
        ))}
      </ol>
      <Button size="small" onClick={() => changeSettings({ knowsRecovery: true })}>
        {t("hints.close")}
      </Button>
    </section>
  );
}
