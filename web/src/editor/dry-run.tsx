import { useQuery } from "@tanstack/react-query";
import { useText } from "@/i18n";
import { Dialog } from "@/ui/dialog";
import { Loaded } from "@/ui/loaded";
import { type Graph, type LintReport, lint } from "./call";
import { editorTexts } from "./texts";

/** What the text would be if it were stored, and how its run would go. */
export function DryRun({
  project,
  text,
  onClose,
}: {
  project: string;
  text: string;
  onClose: () => void;
}) {
  const t = useText(editorTexts);
  const query = useQuery({
    queryKey: ["dry-run", project, text],
    queryFn: ({ signal }) => lint(project, text, signal),
    gcTime: 0,
    retry: false,
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("dry.title")}
      description={t("dry.nothing")}
    >
      <Loaded query={query}>{(report) => <Result report={report} />}</Loaded>
    </Dialog>
  );
}

function Result({ report }: { report: LintReport }) {
  const t = useText(editorTexts);
  return (
    <>
      <p className={report.ok ? "font-medium text-ok" : "font-medium text-bad"}>
        {t(report.ok ? "dry.ok" : "dry.bad")}
      </p>
      <ul className="mt-2 list-disc pl-5">
        {report.findings.map((finding) => (
          <li key={`${finding.pointer} ${finding.line} ${finding.detail}`}>
            {finding.line !== null && `${t("lint.line", { n: finding.line })}: `}
            {finding.detail}
          </li>
        ))}
      </ul>
      {report.graph && <Course graph={report.graph} />}
    </>
  );
}

function Course({ graph }: { graph: Graph }) {
  const t = useText(editorTexts);
  const jobs = graph.stages.flatMap((stage) => stage.jobs);
  const counts = {
    stages: graph.stages.length,
    jobs: jobs.length,
    steps: jobs.reduce((sum, job) => sum + job.steps.length, 0),
  };
  return (
    <>
      <p className="mt-2">{t("dry.counts", counts)}</p>
      <ol className="mt-2 list-decimal space-y-1 pl-5">
        {graph.stages.map((stage) => (
          <li key={stage.id}>
            {stage.name || stage.id}
            {stage.reviewed && <em className="text-wait not-italic"> · {t("dry.waits")}</em>}
            {!stage.enabled && <em className="text-muted not-italic"> · {t("dry.off")}</em>}
            <ul className="pl-4 text-muted">
              {stage.jobs.map((job) => (
                <li key={job.id}>
                  {job.name || job.id}: {job.steps.map((step) => step.name || step.id).join(" → ")}
                  {job.steps
                    .filter((step) => step.pauses)
                    .map((step) => (
                      <span key={step.id} className="block text-wait">
                        {t("dry.pauses", { name: step.name })}
                      </span>
                    ))}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
    </>
  );
}
