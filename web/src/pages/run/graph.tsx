import { ChevronsDownUp, ChevronsUpDown, Maximize, ZoomIn, ZoomOut } from "lucide-react";
import {
  type FocusEvent,
  type KeyboardEvent,
  type MouseEvent,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useLocation } from "wouter";
import { useText } from "@/i18n";
import { IconButton } from "@/ui/button";
import type { Mode, RunPath } from "./data";
import type { Scene } from "./graph-node";
import { JobCard, StageHead } from "./graph-parts";
import { type Direction, type Folds, isOpenAtFirst, layoutOf, stopsOf, walk } from "./layout";
import { Minimap } from "./minimap";
import { failedSteps, type Run } from "./model";
import { type Asked, NodeMenu } from "./node-menu";
import { hrefOfRun } from "./places";
import { texts } from "./texts";
import { touches, useWindow } from "./use-window";

const FAR = 0.5; // of zoom: names can't be read below

interface Props {
  path: RunPath;
  run: Run;
  attempt: number;
  selected: string | null;
  onSelect: (step: string) => void;
  /** Choose a way to recover; without it there is no menu of them. */
  onMode?: (mode: Mode) => void;
}

/** Stages as columns, jobs as cards, steps as rows. Only what is in sight is drawn. */
export function Graph({ path, run, attempt, selected, onSelect, onMode }: Props) {
  const t = useText(texts);
  const [, navigate] = useLocation();
  const [folds, setFolds] = useState<Folds>({});
  const layout = useMemo(() => layoutOf(run.stages, folds), [run.stages, folds]);
  const stops = useMemo(() => stopsOf(layout), [layout]);
  const seen = useWindow(layout.width, layout.height);
  const [focused, setFocused] = useState("");
  const [asked, setAsked] = useState<Asked | null>(null);
  const wantsFocus = useRef(false);
  const exists = stops.some((stop) => stop.id === focused);
  const current = exists ? focused : ((stops.find((s) => s.id === selected) ?? stops[0])?.id ?? "");

  useShown(selected, stops, seen.show);
  useEffect(() => {
    if (!wantsFocus.current) return;
    const node = document.getElementById(`node-${current}`);
    if (!node) return; // drawn once it has come into sight
    wantsFocus.current = false;
    node.focus({ preventScroll: true });
  });

  function toggle(id: string): void {
    const stage = run.stages.find((each) => each.id === id);
    const jobs = run.stages.flatMap((each) => each.jobs);
    const job = jobs.find((each) => each.id === id);
    if (stage) setFolds({ ...folds, [id]: folds[id] === false });
    else if (job && jobs.some((each) => each.copy_of === id)) {
      setFolds({ ...folds, [id]: !folds[id] });
    } else if (job) {
      const steps = jobs.reduce((sum, each) => sum + each.steps.length, 0);
      setFolds({ ...folds, [id]: !(folds[id] ?? isOpenAtFirst(job, steps)) });
    } else onSelect(id);
  }

  function foldFinished(): void {
    const done = run.stages.filter((stage) => ["succeeded", "skipped"].includes(stage.status));
    setFolds(Object.fromEntries(done.map((stage) => [stage.id, false])));
  }

  /** Open the menu of a node in which a step has failed; tell whether there is one. */
  function ask(node: string, x: number, y: number): boolean {
    const step = onMode && failedAt(run, node);
    if (!step) return false;
    setFocused(node);
    onSelect(step);
    setAsked({ node, step, x, y });
    return true;
  }

  function onKey(event: KeyboardEvent): void {
    if (event.key === "Enter" && current === selected) {
      const { left, bottom } = (event.target as Element).getBoundingClientRect();
      if (!ask(current, left, bottom)) return;
    } else if (event.key === "Enter" || event.key === " ") toggle(current);
    else if (event.key.startsWith("Arrow")) {
      const next = walk(stops, current, event.key as Direction);
      const place = stops.find((stop) => stop.id === next);
      setFocused(next);
      wantsFocus.current = true;
      if (place) seen.show(place);
    } else return;
    event.preventDefault();
  }

  function onFocus(event: FocusEvent): void {
    const id = event.target.getAttribute("data-node");
    if (id) setFocused(id);
  }

  function onClick(event: MouseEvent): void {
    const target = event.target as Element;
    const called = target.closest("[data-called]")?.getAttribute("data-called");
    if (called && !event.metaKey && !event.ctrlKey) {
      event.preventDefault();
      navigate(hrefOfRun(run.project, called));
      return;
    }
    const id = target.closest("[data-node]")?.getAttribute("data-node");
    if (!id) return;
    setFocused(id);
    toggle(id);
  }

  function onContextMenu(event: MouseEvent): void {
    const id = (event.target as Element).closest("[data-node]")?.getAttribute("data-node");
    if (id && ask(id, event.clientX, event.clientY)) event.preventDefault();
  }

  const toRun = useCallback((id: string) => hrefOfRun(run.project, id).slice(1), [run.project]);
  const scene: Scene = { run, attempt, selected, current, far: seen.zoom < FAR, hrefOfRun: toRun };
  const isInSight = (box: Parameters<typeof touches>[0]) => touches(box, seen.drawn);
  const stages = layout.stages.filter(isInSight);
  const bad = new Set(run.stages.filter((each) => each.status === "failed").map(({ id }) => id));
  return (
    <div className="relative flex min-h-0 flex-col rounded-lg border border-line bg-surface">
      <div className="flex items-center gap-1 border-b border-line px-2 py-1">
        <IconButton
          size="small"
          icon={ChevronsDownUp}
          label={t("graph.fold")}
          onClick={foldFinished}
        />
        <IconButton
          size="small"
          icon={ChevronsUpDown}
          label={t("graph.unfold")}
          onClick={() => setFolds(allOpen(run))}
        />
        <span className="mx-1 h-4 w-px bg-line" />
        <IconButton
          size="small"
          icon={ZoomOut}
          label={t("graph.out")}
          onClick={() => seen.zoomBy(-1)}
        />
        <span className="w-11 text-center text-[13px] tabular-nums" data-zoom>
          {Math.round(seen.zoom * 100)}%
        </span>
        <IconButton
          size="small"
          icon={ZoomIn}
          label={t("graph.in")}
          onClick={() => seen.zoomBy(1)}
        />
        <IconButton size="small" icon={Maximize} label={t("graph.fit")} onClick={seen.fit} />
        <Legend />
      </div>
      <div ref={seen.box} className="max-h-[32dvh] min-h-24 overflow-auto" data-graph>
        {/* biome-ignore lint/a11y/useSemanticElements: there are no groups of fields in SVG */}
        <svg
          role="group"
          aria-label={t("graph.label")}
          width={layout.width * seen.zoom}
          height={layout.height * seen.zoom}
          viewBox={`0 0 ${layout.width} ${layout.height}`}
          className="block select-none"
          onKeyDown={onKey}
          onFocus={onFocus}
          onClick={onClick}
          onContextMenu={onContextMenu}
        >
          {stages.map((box) => (
            <StageHead key={box.stage.id} box={box} scene={scene} />
          ))}
          {layout.edges.map((edge) => (
            <path
              key={`${edge.from}>${edge.to}`}
              d={edge.path}
              fill="none"
              className={bad.has(edge.to) ? "stroke-bad" : "stroke-muted"}
              strokeWidth={bad.has(edge.to) ? 2 : 1.2}
            />
          ))}
          {stages.flatMap((box) =>
            box.cards
              .filter(isInSight)
              .map((card) => <JobCard key={card.job.id} card={card} scene={scene} />),
          )}
        </svg>
      </div>
      <Minimap layout={layout} seen={seen} />
      {asked && onMode && (
        <NodeMenu path={path} asked={asked} pick={onMode} onClose={() => setAsked(null)} />
      )}
    </div>
  );
}

function allOpen(run: Run): Folds {
  return Object.fromEntries(run.stages.flatMap((stage) => stage.jobs).map((job) => [job.id, true]));
}

/** The first step that has failed at a node: a step, or those of a job or stage. */
function failedAt(run: Run, node: string): string | undefined {
  const isAt = (place: ReturnType<typeof failedSteps>[number]) =>
    [place.step.id, place.job.id, place.job.copy_of, place.stage.id].includes(node);
  return failedSteps(run).find(isAt)?.step.id;
}

/** Bring a chosen step into sight, once. */
function useShown(
  selected: string | null,
  stops: ReturnType<typeof stopsOf>,
  show: (place: ReturnType<typeof stopsOf>[number]) => void,
): void {
  const shown = useRef<string | null>(null);
  useEffect(() => {
    const place = stops.find((stop) => stop.id === selected);
    if (!place || shown.current === selected) return;
    shown.current = selected;
    show(place);
  }, [selected, stops, show]);
}

function Legend() {
  const t = useText(texts);
  return (
    <span className="ml-auto hidden items-center gap-3 pr-1 text-[13px] text-muted sm:flex">
      <span>
        <b>=</b> {t("node.kept")}
      </span>
      <span>
        <b className="text-busy">↻</b> {t("graph.again")}
      </span>
    </span>
  );
}
