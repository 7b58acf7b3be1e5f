import { clsx } from "clsx";
import type { ReactNode } from "react";
import { useLocale } from "@/i18n";
import type { State, Tone } from "@/theme/status";
import { StateIcon } from "@/ui/status";
import { formatDuration } from "@/ui/time";
import { isKept, type Job, type Run, ranAgain, type Step } from "./model";

/** What all parts of the graph need. */
export interface Scene {
  run: Run;
  /** The run's attempt that is shown. */
  attempt: number;
  selected: string | null;
  /** The node that the tab key leads to. */
  current: string;
  /** Too small to read: only shapes. */
  far: boolean;
  hrefOfRun: (run: string) => string;
}

export const STROKES: Record<Tone, string> = {
  ok: "stroke-line",
  bad: "stroke-bad",
  busy: "stroke-busy",
  wait: "stroke-wait",
  idle: "stroke-line",
};

export const FILLS: Record<Tone, string> = {
  ok: "fill-ok",
  bad: "fill-bad",
  busy: "fill-busy",
  wait: "fill-wait",
  idle: "fill-idle-soft",
};

export function Node({
  id,
  label,
  current,
  open,
  pressed,
  children,
  face,
}: {
  id: string;
  label: string;
  current: boolean;
  open?: boolean;
  pressed?: boolean;
  children: ReactNode;
  /** What is written on it, shortened: the label says it in full. */
  face?: ReactNode;
}) {
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG */}
      <g
        role="button"
        id={`node-${id}`}
        data-node={id}
        tabIndex={current ? 0 : -1}
        aria-label={label}
        aria-expanded={open}
        aria-pressed={pressed}
        className="group cursor-pointer outline-none"
      >
        <title>{label}</title>
        {children}
      </g>
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it can be focused */}
      <g aria-hidden="true" pointerEvents="none">
        {face}
      </g>
    </>
  );
}

export function Frame(box: {
  x: number;
  y: number;
  width: number;
  height: number;
  pressed?: boolean;
}) {
  const { pressed, ...place } = box;
  return (
    <rect
      {...place}
      rx={5}
      className={clsx(
        "stroke-transparent group-focus-visible:stroke-accent group-focus-visible:stroke-2",
        pressed ? "fill-busy-soft" : "fill-transparent group-hover:fill-sunken",
      )}
    />
  );
}

export function Icon({ state, x, y }: { state: State; x: number; y: number }) {
  return (
    <svg x={x} y={y} width={16} height={16} overflow="visible" aria-hidden="true">
      <StateIcon state={state} size={16} />
    </svg>
  );
}

/** Behind a name: kept (=), run again (↻ and how often), how long it took. */
export function Marks({
  node,
  attempt,
  x,
  y,
  more,
}: {
  node: Step | Job;
  attempt: number;
  x: number;
  y: number;
  more?: string;
}) {
  const locale = useLocale();
  const took =
    node.started_at && node.ended_at && node.status !== "skipped"
      ? formatDuration(Date.parse(node.ended_at) - Date.parse(node.started_at), locale)
      : "";
  const kept = isKept(node, attempt);
  const again = ranAgain(node, attempt);
  return (
    <text x={x} y={y} textAnchor="end" className="fill-muted text-[12px] tabular-nums">
      {kept && (
        <tspan data-mark="kept" className="font-bold">
          ={" "}
        </tspan>
      )}
      {again && (
        <tspan data-mark="again" className="fill-busy font-medium">
          ↻{node.attempt}{" "}
        </tspan>
      )}
      {more || took}
    </text>
  );
}
