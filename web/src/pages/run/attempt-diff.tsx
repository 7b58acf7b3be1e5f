import type { Schemas } from "@/api/client";
import { useLocale, useText } from "@/i18n";
import { stateOf } from "@/theme/status";
import { Loaded } from "@/ui/loaded";
import { StateBadge } from "@/ui/status";
import { Cell, Head, Row, Table } from "@/ui/table";
import { formatDuration } from "@/ui/time";
import { ChangeList } from "./change-list";
import { type RunPath, useAttemptDiff } from "./data";
import { LogComparison } from "./log-diff";
import { nameOfTarget, type Run } from "./model";
import { texts } from "./texts";

type Diff = Schemas["AttemptDiff"];
type Side = Schemas["StepSide"];

const PARTS = { ran: "part.ran", skipped: "part.skipped", kept: "part.kept" } as const;

/** What differs between two attempts. */
export function AttemptComparison({
  path,
  run,
  before,
  after,
}: {
  path: RunPath;
  run: Run;
  before: number;
  after: number;
}) {
  const t = useText(texts);
  const query = useAttemptDiff(path, before, after);
  if (before === after) return <p className="text-muted">{t("compare.same")}</p>;
  return (
    <Loaded query={query}>
      {(diff) => (
        <>
          <Differences run={run} diff={diff} />
          <LogComparison path={path} run={run} steps={diff.steps} />
        </>
      )}
    </Loaded>
  );
}

function Differences({ run, diff }: { run: Run; diff: Diff }) {
  const t = useText(texts);
  const changed = diff.steps.filter((step) => step.changed);
  const same = diff.steps.length - changed.length;
  return (
    <div className="space-y-3">
      {changed.length > 0 && (
        <Table label={t("compare")}>
          <thead>
            <tr>
              <Head>{t("column.step")}</Head>
              <Head>{t("attempt.nth", { n: diff.before.number })}</Head>
              <Head>{t("attempt.nth", { n: diff.after.number })}</Head>
              <Head>{t("compare.inputs")}</Head>
            </tr>
          </thead>
          <tbody>
            {changed.map((step) => (
              <Row key={step.id}>
                <Cell>
                  {step.name}
                  <span className="block text-[13px] text-muted">
                    {nameOfTarget(run, step.job)}
                  </span>
                </Cell>
                <SideCell side={step.before} />
                <SideCell side={step.after} other={step.before} />
                <Cell className="text-[13px]">{step.inputs.join(", ") || "–"}</Cell>
              </Row>
            ))}
          </tbody>
        </Table>
      )}
      <p className="text-muted">{t("compare.unchanged", { n: same })}</p>
      <ChangeList changes={diff.changes} />
      {diff.variables && diff.variables.length > 0 && (
        <ul className="space-y-0.5">
          {diff.variables.map((variable) => (
            <li key={variable.name} className="font-mono text-[13px]">
              {variable.how === "added" ? "+" : variable.how === "removed" ? "−" : "±"}{" "}
              {variable.name}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function SideCell({ side, other }: { side: Side; other?: Side }) {
  const t = useText(texts);
  const locale = useLocale();
  if (side.part === "never") return <Cell className="text-muted">{t("part.never")}</Cell>;
  const word = t(PARTS[side.part as keyof typeof PARTS] ?? "part.never");
  const facts = [
    side.seconds === null ? "" : formatDuration(side.seconds * 1000, locale),
    side.exit_code === null ? "" : t("failure.exit", { code: side.exit_code }),
    side.runner && side.runner !== other?.runner ? side.runner : "",
    side.pin && side.pin !== other?.pin ? side.pin.slice(0, 10) : "",
  ];
  return (
    <Cell>
      <span className="inline-flex items-center gap-2">
        <StateBadge state={stateOf(side)} plain />
        <span className="text-[13px] whitespace-nowrap text-muted">{word}</span>
      </span>
      <span className="block text-[13px] text-muted">{facts.filter(Boolean).join(" · ")}</span>
    </Cell>
  );
}
