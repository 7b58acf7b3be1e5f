import { useText } from "@/i18n";
import { StateBadge } from "@/ui/status";
import { Cell, Head, Row, Table } from "@/ui/table";
import { Duration } from "@/ui/time";
import { useCauseText } from "./failure";
import { isKept, type Run, stateOfNode, stepsOf } from "./model";
import { texts } from "./texts";

/** All steps as a table. */
export function Steps({
  run,
  selected,
  onSelect,
}: {
  run: Run;
  selected: string | null;
  onSelect: (step: string) => void;
}) {
  const t = useText(texts);
  const cause = useCauseText();
  return (
    <Table label={t("tab.steps")}>
      <thead>
        <tr>
          <Head>{t("column.step")}</Head>
          <Head>{t("column.job")}</Head>
          <Head>{t("column.state")}</Head>
          <Head>{t("column.attempt")}</Head>
          <Head>{t("column.took")}</Head>
          <Head>{t("column.why")}</Head>
        </tr>
      </thead>
      <tbody>
        {[...stepsOf(run)].map(({ stage, job, step }) => (
          <Row key={step.id} className={step.id === selected ? "bg-busy-soft!" : undefined}>
            <Cell className="min-w-36">
              <button
                type="button"
                className="text-left font-medium [overflow-wrap:anywhere] hover:text-accent hover:underline"
                onClick={() => onSelect(step.id)}
              >
                {step.name || step.id}
              </button>
            </Cell>
            <Cell className="min-w-36 text-muted [overflow-wrap:anywhere]">
              {stage.name} / {job.name}
            </Cell>
            <Cell>
              <StateBadge state={stateOfNode(run, step)} plain />
            </Cell>
            <Cell className="whitespace-nowrap tabular-nums">
              {step.attempt}
              {isKept(step, run.attempt) && <span className="text-muted"> = {t("node.kept")}</span>}
            </Cell>
            <Cell>
              {step.status === "skipped" ? (
                "–"
              ) : (
                <Duration from={step.started_at} to={step.ended_at} />
              )}
            </Cell>
            <Cell className="max-w-md min-w-36 [overflow-wrap:anywhere]">
              {[cause(step.cause), step.message, step.reason].filter(Boolean).join(" · ")}
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
