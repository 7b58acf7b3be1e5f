/**
 * The log of one attempt of a step: `<LogView project run step attempt />` fills its parent, which
 * must have a height. Lines that are chosen stand in the address (`#L120-L140`).
 */
import { clsx } from "clsx";
import { FileText } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import { useText } from "@/i18n";
import { useSettings } from "@/state/settings";
import { Empty } from "@/ui/empty";
import { type KeyBinding, useKeys } from "@/ui/keys";
import { Failure } from "@/ui/loaded";
import { Chosen } from "./chosen";
import { useCopyLines } from "./copying";
import { useFolds } from "./folds";
import { type Lines, linesOf, useLines } from "./lines";
import type { Folding } from "./marks";
import { PlainLog } from "./plain";
import { ROW } from "./scale";
import { type Scroller, useScroller } from "./scroller";
import { expressionOf, type Hit, Hits, NO_QUERY, useSearch } from "./search";
import type { LogPath, Seen } from "./store";
import { logTexts } from "./texts";
import { Toolbar } from "./toolbar";
import { type OpenLog, useLog } from "./use-log";
import { LogLines, type Tick } from "./view";
import { WholeLine } from "./whole";

export interface LogViewProps {
  project: string;
  run: string;
  step: string;
  /** Of the step, not of the run. */
  attempt: number;
  /** The step's name. */
  name?: string;
  /** Begin at the end, and stay there as lines come: as for a step that runs or has failed. */
  live?: boolean;
  /** Open a hit that is in the log of another step or attempt. */
  onOpen?: (step: string, attempt: number, line: number) => void;
  /** What stands in front of the tools, as the choice of the attempt. */
  children?: ReactNode;
}

export function LogView(props: LogViewProps) {
  const { project, run, step, attempt, live = false } = props;
  const log = useLog({ project, run, step, attempt }, live);
  return log && <Shown key={`${run}.${step}.${attempt}`} {...props} {...log} />;
}

function Shown({ store, seen, name, live = false, onOpen, children }: LogViewProps & OpenLog) {
  const t = useText(logTexts);
  const { logTimes, logWrap } = useSettings();
  const [chosen, choose] = useLines();
  const [query, setQuery] = useState(NO_QUERY);
  const [follow, setFollow] = useState(live && chosen === null);
  const [full, setFull] = useState(false);
  const [plain, setPlain] = useState(false);
  const [whole, setWhole] = useState(0);
  const [extra, setExtra] = useState(0);
  const [linked] = useState(chosen?.first ?? 0);
  const folds = useFolds(seen, linked);
  const found = useSearch(store.path, query);
  const [wanted, setWanted] = useState(linked);
  const onUser = useCallback((atEnd: boolean) => {
    setFollow(atEnd);
    setWanted(0);
  }, []);
  const scroller = useScroller(folds.folding.rows, logWrap ? extra : 0, onUser);
  const { goToEnd } = scroller;
  const label = t("title", { step: name || store.path.step });
  const copyLines = useCopyLines(store, label);

  // the end moves as lines come, and as rows turn out to be higher
  const { most } = scroller.scale;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each of these moves the end
  useEffect(() => {
    if (follow) goToEnd();
  }, [follow, most, goToEnd]);

  const { folding } = folds;
  const goTop = useCallback(() => {
    onUser(false);
    scroller.go(0);
  }, [onUser, scroller.go]);
  const goEnd = useCallback(() => {
    setWanted(0);
    goToEnd();
  }, [goToEnd]);
  useGoing(wanted, setWanted, seen, folding, scroller);
  const { reveal } = folds;
  const go = useCallback(
    (line: number) => {
      setFollow(false);
      reveal(line);
      setWanted(line);
    },
    [reveal],
  );
  // a link within the page: the same address with other lines
  useEffect(() => {
    const moved = () => go(linesOf(location.hash)?.first ?? 0);
    window.addEventListener("hashchange", moved);
    return () => window.removeEventListener("hashchange", moved);
  }, [go]);
  const first = chosen?.first ?? 0;
  const here = useMemo(() => hitsIn(store.path, found.hits), [store, found.hits]);
  const openHit = useCallback(
    ({ step, attempt, line }: Hit) => {
      const { path } = store;
      if (step !== path.step || attempt !== path.attempt) onOpen?.(step, attempt, line);
      else {
        choose({ first: line, last: line });
        go(line);
      }
    },
    [store, onOpen, choose, go],
  );
  const goAmong = useCallback(
    (lines: readonly number[], forward: boolean) => {
      const next = nextOf(lines, first, forward);
      if (next === undefined) return;
      choose({ first: next, last: next });
      go(next);
    },
    [first, choose, go],
  );
  const { errors, warnings } = folds;
  const step = useCallback(
    (forward: boolean) => goAmong(query.text ? here : errors, forward),
    [goAmong, query.text, here, errors],
  );
  useLogKeys(step, goTop, goEnd);

  const onNumber = useCallback(
    (line: number, event: { shiftKey: boolean; preventDefault: () => void }) => {
      event.preventDefault();
      setFollow(false);
      choose(extended(chosen, line, event.shiftKey));
    },
    [chosen, choose],
  );
  const ticks = useMemo<Tick[]>(
    () => [
      ...warnings.map((line) => ({ line, kind: "warning" as const })),
      ...errors.map((line) => ({ line, kind: "error" as const })),
      ...here.map((line) => ({ line, kind: "hit" as const })),
    ],
    [warnings, errors, here],
  );
  const hits = useMemo(() => new Set(here), [here]);
  const find = useMemo(() => expressionOf(query), [query]);
  const isEmpty = seen.total === 0 && seen.connection !== "loading";

  return (
    <div
      data-log-view
      className={clsx(
        "flex min-h-0 flex-col overflow-hidden border border-line bg-surface",
        full ? "fixed inset-0 z-30" : "h-full rounded-lg",
      )}
    >
      <Toolbar
        path={store.path}
        seen={seen}
        query={query}
        errors={errors.length}
        warnings={warnings.length}
        follow={follow}
        full={full}
        hasGroups={folds.groups.size > 0}
        onSearch={setQuery}
        onStep={step}
        onError={(forward) => goAmong(errors, forward)}
        onFollow={setFollow}
        onFull={setFull}
        onTop={goTop}
        onEnd={goEnd}
        onFoldAll={folds.foldAll}
        onPlain={() => setPlain(true)}
        onCopy={(form) => copyLines(form, chosen)}
      >
        {children}
      </Toolbar>
      {seen.error !== null && <Failure error={seen.error} onRetry={() => location.reload()} />}
      {plain ? (
        <PlainLog
          store={store}
          total={seen.total}
          from={folding.lineAt(Math.floor(scroller.top() / ROW))}
          label={label}
          onLeave={() => setPlain(false)}
        />
      ) : (
        <div className="relative flex min-h-0 grow flex-col sm:flex-row">
          <LogLines
            store={store}
            seen={seen}
            scroller={scroller}
            folding={folding}
            groups={folds.groups}
            marks={folds.marks}
            isFolded={folds.isFolded}
            hits={hits}
            ticks={ticks}
            find={find}
            chosen={chosen}
            times={logTimes}
            wrap={logWrap}
            label={label}
            onNumber={onNumber}
            onFold={folds.toggle}
            onWhole={setWhole}
            onExtra={setExtra}
          />
          {isEmpty && seen.error === null && (
            <div className="absolute inset-0 grid place-items-center p-4">
              <Empty
                icon={FileText}
                title={t(seen.connection === "ended" ? "empty" : "empty.live")}
              />
            </div>
          )}
          {query.text && (
            <Hits
              found={found}
              path={store.path}
              at={first}
              onOpen={openHit}
              onClose={() => setQuery({ ...NO_QUERY, serial: query.serial + 1 })}
            />
          )}
        </div>
      )}
      {chosen && (
        <Chosen
          lines={chosen}
          onCopy={(form) => copyLines(form, chosen)}
          onNone={() => choose(null)}
        />
      )}
      {whole > 0 && <WholeLine store={store} line={whole} onClose={() => setWhole(0)} />}
    </div>
  );
}

/** Go to a line: again as long as groups are found that fold away what is above it. */
function useGoing(
  wanted: number,
  setWanted: (line: number) => void,
  { total, isScanned }: Seen,
  folding: Folding,
  { goToRow, scale }: Scroller,
): void {
  const ready = total > 0 && scale.height > 0;
  useEffect(() => {
    if (!wanted || !ready) return;
    goToRow(folding.rowOf(Math.min(wanted, total)));
    if (isScanned) setWanted(0);
  }, [wanted, setWanted, ready, isScanned, folding, goToRow, total]);
}

function hitsIn({ step, attempt }: LogPath, hits: readonly Hit[]): number[] {
  return hits
    .filter((hit) => hit.step === step && hit.attempt === attempt)
    .map((hit) => hit.line)
    .sort((a, b) => a - b);
}

/** The next of some lines, or the one before; behind the last one it begins anew. */
function nextOf(lines: readonly number[], at: number, forward: boolean): number | undefined {
  if (forward) return lines.find((line) => line > at) ?? lines[0];
  return lines.findLast((line) => line < at) ?? lines.at(-1);
}

function extended(chosen: Lines | null, line: number, more: boolean): Lines | null {
  if (more && chosen) {
    return { first: Math.min(chosen.first, line), last: Math.max(chosen.last, line) };
  }
  const again = chosen?.first === line && chosen.last === line;
  return again ? null : { first: line, last: line };
}

/** The keys of a log; the list itself knows the arrows. */
function useLogKeys(step: (forward: boolean) => void, goTop: () => void, goEnd: () => void): void {
  const t = useText(logTexts);
  const bindings = useMemo<KeyBinding[]>(
    () => [
      { key: "n", text: t("hits.next"), run: () => step(true) },
      { key: "Shift+N", text: t("hits.before"), run: () => step(false) },
      { key: "Home", text: t("go.top"), run: goTop },
      { key: "End", text: t("go.end"), run: goEnd },
    ],
    [t, step, goTop, goEnd],
  );
  useKeys(bindings);
}
