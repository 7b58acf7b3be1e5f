import type { Schemas } from "@/api/client";
import { area, useLocale, useText } from "@/i18n";
import { en } from "@/i18n/en/pipeline";
import { zh } from "@/i18n/zh/pipeline";
import { isOver } from "@/theme/status";
import { formatDuration } from "@/ui/time";

const texts = area(en, zh);

/** How the listed runs went, and what recovery has saved. */
export function Summary({ runs }: { runs: readonly Schemas["RunItem"][] }) {
  const t = useText(texts);
  const locale = useLocale();
  const over = runs.filter(isOver);
  if (over.length === 0) return null;
  const percent = (some: readonly unknown[]) => Math.round((some.length / over.length) * 100);
  const saved = over.reduce((sum, run) => sum + (run.recovery?.seconds_saved ?? 0), 0);
  return (
    <p className="flex flex-wrap gap-x-4 gap-y-1 text-muted">
      <span>
        {t("success", { share: percent(over.filter((run) => run.status === "succeeded")) })}
      </span>
      <span>{t("recovered", { share: percent(over.filter((run) => run.recovered)) })}</span>
      {saved > 0 && (
        <span title={t("saved.hint")}>
          {t("saved", { time: formatDuration(saved * 1000, locale) })}
        </span>
      )}
    </p>
  );
}
