import { CircleCheck, CircleX, LoaderCircle, TriangleAlert } from "lucide-react";
import { useText } from "@/i18n";
import type { Finding } from "./call";
import { editorTexts } from "./texts";
import type { Linted } from "./use-lint";

/** What the server says of the text, below it. */
export function Findings({
  linted: { report, checking },
  onOpen,
}: {
  linted: Linted;
  onOpen: (finding: Finding) => void;
}) {
  const t = useText(editorTexts);
  const findings = report?.findings ?? [];
  return (
    <section
      aria-label={t("lint")}
      className="max-h-40 shrink-0 overflow-y-auto border-t border-line bg-surface px-3 py-1.5 text-[13px]"
    >
      <p role="status" className="flex min-h-6 items-center gap-1.5" data-checking={checking}>
        <Verdict linted={{ report, checking }} />
      </p>
      <ul>
        {findings.map((finding) => (
          <li key={`${finding.pointer} ${finding.line} ${finding.detail}`}>
            <button
              type="button"
              onClick={() => onOpen(finding)}
              className="flex w-full gap-2 rounded px-1 py-0.5 text-left hover:bg-sunken"
            >
              {finding.severity === "error" ? (
                <CircleX aria-hidden size={15} className="mt-0.5 shrink-0 text-bad" />
              ) : (
                <TriangleAlert aria-hidden size={15} className="mt-0.5 shrink-0 text-wait" />
              )}
              {finding.line !== null && (
                <span className="shrink-0 text-muted">{t("lint.line", { n: finding.line })}</span>
              )}
              <span className="min-w-0 break-words">{finding.detail}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Verdict({ linted: { report, checking } }: { linted: Linted }) {
  const t = useText(editorTexts);
  if (checking || !report) {
    return (
      <>
        {checking && <LoaderCircle aria-hidden size={15} className="animate-spin text-muted" />}
        <span className="text-muted">{checking ? t("lint.checking") : ""}</span>
      </>
    );
  }
  const count = (severity: string) =>
    report.findings.filter((finding) => finding.severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  if (errors + warnings === 0) {
    return (
      <>
        <CircleCheck aria-hidden size={15} className="text-ok" />
        {t("lint.ok")}
      </>
    );
  }
  return (
    <>
      {errors > 0 && (
        <span className="font-medium text-bad">{t("lint.errors", { n: errors })}</span>
      )}
      {warnings > 0 && <span className="text-wait">{t("lint.warnings", { n: warnings })}</span>}
    </>
  );
}
