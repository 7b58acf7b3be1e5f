import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { useQueryState } from "@/state/query";
import { usePageTitle } from "@/ui/head";
import { Loaded } from "@/ui/loaded";
import { Actions } from "./actions";
import { Banners } from "./banners";
import { type RunPath, useRun } from "./data";
import { RunHead } from "./head";
import type { Run } from "./model";
import { Side } from "./side";
import { StepPanel } from "./step-panel";
import { RunTabs } from "./tabs";
import { texts } from "./texts";
import { useNarrow } from "./use-narrow";
import { usePage } from "./use-page";
import { useRunCommands, useRunKeys } from "./use-run-keys";

const WITHOUT_STEP = new Set(["tests", "artifacts", "reports", "attempts", "parameters"]);

export default function RunPage({ params }: { params: { project: string; run: string } }) {
  const { project, run } = params;
  const [attempt] = useQueryState("attempt");
  const { query, now, shown, isPast, past } = useRun(params, Number(attempt) || null);
  return (
    <div className="mx-auto max-w-[1700px]">
      <Loaded query={isPast ? past : query}>
        {() => now && shown && <Page key={run} path={{ project, run }} now={now} run={shown} />}
      </Loaded>
    </div>
  );
}

/** `now`: the run as it is. `run`: the same, or as an earlier attempt left it. */
function Page({ path, now, run }: { path: RunPath; now: Run; run: Run }) {
  const page = usePage(path, now, run);
  const { state, selected, isPast, panel, gates, failure, recovery } = page;
  const narrow = useNarrow();
  useTitle(run, state);
  useRunKeys(page.acts);
  useRunCommands(page.acts, {
    modes: page.modes,
    chosen: recovery.mode,
    pick: page.pick,
    why: isPast ? page.why.past : undefined,
  });
  const hasSide = panel || gates.length > 0 || Boolean(failure?.node);
  return (
    <>
      <RunHead
        run={run}
        state={state}
        neighbours={page.neighbours}
        newest={now.attempt}
        onAttempt={page.toAttempt}
        actions={
          !isPast && (
            <Actions
              path={path}
              run={now}
              count={panel ? (recovery.plan?.counts.rerun ?? null) : null}
              onRetry={page.retry}
              why={page.why}
              stop={{ asked: page.stopping, ask: page.setStopping }}
            />
          )
        }
      />
      <Said run={now} state={state} />
      <Banners run={run} isPast={isPast} newestHref={page.href({ attempt: "", try: "" })} />
      <div className={hasSide ? "grid gap-4 lg:grid-cols-[minmax(0,1fr)_420px]" : ""}>
        {hasSide && (
          <div className="min-w-0 lg:order-2">
            <Side
              path={path}
              run={now}
              failure={failure}
              gates={gates}
              modes={page.modes}
              recovery={recovery}
              refs={page.refs}
              open={panel}
              onClose={page.isEnded ? undefined : page.close}
              narrow={narrow}
            />
          </div>
        )}
        <div className="min-w-0">
          <RunTabs
            path={path}
            run={run}
            newest={now.attempt}
            tab={page.tab}
            href={page.href}
            selected={selected}
            onSelect={(step) => page.go({ step, try: "" })}
            onMode={isPast ? undefined : page.pick}
          />
          {selected && !WITHOUT_STEP.has(page.tab) && (
            <StepPanel
              path={path}
              run={run}
              step={selected}
              failure={failure}
              modes={isPast ? undefined : page.modes}
              onMode={page.pick}
              onOpen={(step, number) => page.go({ step, try: String(number) })}
            />
          )}
        </div>
      </div>
    </>
  );
}

type State = ReturnType<typeof usePage>["state"];

function useTitle(run: Run, state: State): void {
  const c = useText(common);
  usePageTitle(
    `#${run.number} ${c(`state.${state}`)} · ${run.pipeline_name}`,
    state,
    `#${run.number} ${run.pipeline_name}`,
  );
}

/** For those who don't see the page: the state, whenever it changes; a failure interrupts. */
function Said({ run, state }: { run: Run; state: State }) {
  const t = useText(texts);
  const c = useText(common);
  const isBad = state === "failed" || state === "held";
  const text = t("says", { number: run.number, state: c(`state.${state}`) });
  // both are always there: what only now gets a role is not read by every screen reader
  return (
    <div className="sr-only" data-said>
      <p role="status">{isBad ? "" : text}</p>
      <p role="alert">{isBad ? text : ""}</p>
    </div>
  );
}
