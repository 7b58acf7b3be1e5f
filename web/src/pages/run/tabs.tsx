import type { ReactNode } from "react";
import { useText } from "@/i18n";
import { Skeleton } from "@/ui/empty";
import { part, useBegun } from "@/ui/part";
import { LinkTabs } from "@/ui/tabs";
import { Attempts } from "./attempts";
import type { Mode, RunPath } from "./data";
import { Graph } from "./graph";
import { shortCount, useCounts } from "./kept";
import type { Run } from "./model";
import { texts } from "./texts";

const WAITING = <Skeleton className="h-40" />;
const Gantt = part(async () => (await import("./gantt")).Gantt, WAITING);
const Steps = part(async () => (await import("./steps")).Steps, WAITING);
const Parameters = part(async () => (await import("./parameters")).Parameters, WAITING);
const Tests = part(async () => (await import("./tests")).Tests, WAITING);
const Artifacts = part(async () => (await import("./results")).Artifacts, WAITING);
const Reports = part(async () => (await import("./results")).Reports, WAITING);
const PARTS = [Gantt, Steps, Parameters, Tests, Artifacts, Reports];

const TABS = [
  "",
  "gantt",
  "steps",
  "tests",
  "artifacts",
  "reports",
  "attempts",
  "parameters",
] as const;

interface Props {
  path: RunPath;
  run: Run;
  newest: number;
  tab: string;
  /** The address of this page with other values in its query. */
  href: (change: Record<string, string>) => string;
  selected: string | null;
  onSelect: (step: string) => void;
  onMode?: (mode: Mode) => void;
}

/** The ways to look at a run; each has an address. */
export function RunTabs(props: Props) {
  const t = useText(texts);
  const tab = TABS.find((each) => each === props.tab) ?? "";
  useBegun(PARTS);
  const kept = useCounts(props.path, props.run);
  const counts: Partial<Record<string, ReactNode>> = {
    tests: kept.tests && shortCount(kept.tests),
    artifacts: kept.artifacts || null,
    reports: kept.reports || null,
    attempts: props.newest,
  };
  return (
    <>
      <LinkTabs
        label={t("tabs")}
        current={tab}
        tabs={TABS.map((value) => ({
          value,
          text: (
            <>
              {t(`tab.${value || "graph"}` as "tab.graph")} {counts[value]}
            </>
          ),
          href: props.href({ tab: value }),
        }))}
      />
      <div className="pt-3">
        <Content {...props} tab={tab} />
      </div>
    </>
  );
}

function Content({ path, run, tab, href, ...choice }: Props) {
  const { selected, onSelect } = choice;
  switch (tab) {
    case "gantt":
      return <Gantt path={path} run={run} selected={selected} onSelect={onSelect} />;
    case "steps":
      return <Steps run={run} selected={selected} onSelect={onSelect} />;
    case "attempts":
      return <Attempts path={path} run={run} href={(n) => href({ attempt: String(n), tab: "" })} />;
    case "parameters":
      return <Parameters run={run} />;
    case "tests":
      return <Tests path={path} run={run} />;
    case "artifacts":
      return <Artifacts path={path} run={run} />;
    case "reports":
      return <Reports path={path} run={run} />;
    default:
      return (
        <Graph
          path={path}
          run={run}
          attempt={run.attempt}
          selected={selected}
          onSelect={onSelect}
          onMode={choice.onMode}
        />
      );
  }
}
