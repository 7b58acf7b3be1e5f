import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useText } from "@/i18n";
import { DiffCount, DiffLines } from "@/ui/diff";
import { Select } from "@/ui/field";
import { Loaded } from "@/ui/loaded";
import type { RunPath } from "./data";
import { nameOfTarget, type Run } from "./model";
import { texts } from "./texts";

type Step = Schemas["StepDiff"];

/** What a step wrote in one attempt of the run and in another: of each step that ran in both. */
export function LogComparison({
  path,
  run,
  steps,
}: {
  path: RunPath;
  run: Run;
  steps: readonly Step[];
}) {
  const t = useText(texts);
  const [chosen, setChosen] = useState("");
  const both = steps.filter(
    ({ before, after }) =>
      before.attempt > 0 && after.attempt > 0 && before.attempt !== after.attempt,
  );
  const step =
    both.find(({ id }) => id === chosen) ?? both.find(({ changed }) => changed) ?? both[0];
  if (!step) return null;
  return (
    <div data-log-diff={step.id} className="mt-5">
      <h3 className="mb-2 font-semibold">{t("compare.logs")}</h3>
      <Select
        aria-label={t("column.step")}
        className="mb-2 max-w-md"
        options={both.map(({ id, name, job }) => ({
          value: id,
          text: `${nameOfTarget(run, job)} / ${name || id}`,
        }))}
        value={step.id}
        onChange={(event) => setChosen(event.target.value)}
      />
      <LogDifference path={path} step={step} />
    </div>
  );
}

function LogDifference({ path, step }: { path: RunPath; step: Step }) {
  const t = useText(texts);
  const [before, after] = [step.before.attempt, step.after.attempt];
  const query = useQuery({
    queryKey: keys.run(path.run, "log-diff", step.id, before, after),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/runs/{run}/steps/{step}/log/diff", {
          params: { path: { ...path, step: step.id }, query: { before, after } },
          signal,
        }),
      ),
  });
  return (
    <Loaded query={query}>
      {(diff) => (
        <>
          <p className="mb-1">
            {t("compare.tries", { before, after })}{" "}
            {diff.same ? t("compare.logs-same") : <DiffCount {...diff} />}
          </p>
          {diff.cut && (
            <p className="mb-1 text-wait">
              {t("compare.logs-cut", { before: diff.before_lines, after: diff.after_lines })}
            </p>
          )}
          {diff.lines && diff.lines.length > 0 && (
            <DiffLines lines={diff.lines} label={t("compare.logs")} />
          )}
        </>
      )}
    </Loaded>
  );
}
