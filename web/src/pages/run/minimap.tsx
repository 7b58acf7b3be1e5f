import { memo, type PointerEvent, useSyncExternalStore } from "react";
import { STATES, stateOf, type Tone } from "@/theme/status";
import type { Layout } from "./layout";
import type { Window } from "./use-window";

const WIDTH = 168;
const HEIGHT = 96;
const TIMES = 1.6; // larger than the window: the map helps

const FILLS: Record<Tone, string> = {
  ok: "fill-ok",
  bad: "fill-bad",
  busy: "fill-busy",
  wait: "fill-wait",
  idle: "fill-line",
};

/** The whole graph, small, with the part that is in sight; a press goes there. */
export function Minimap({ layout, seen }: { layout: Layout; seen: Window }) {
  const view = useSyncExternalStore(seen.watch, seen.view);
  const area = (layout.width * layout.height) / Math.max(1, view.width * view.height);
  if (area < TIMES) return null;
  const scale = Math.min(WIDTH / layout.width, HEIGHT / layout.height);
  function go(event: PointerEvent<SVGSVGElement>): void {
    if (event.buttons === 0 && event.type === "pointermove") return;
    const at = event.currentTarget.getBoundingClientRect();
    seen.centre((event.clientX - at.left) / scale, (event.clientY - at.top) / scale);
  }
  return (
    <svg
      aria-hidden="true"
      data-minimap
      width={layout.width * scale}
      height={layout.height * scale}
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      className="absolute right-4 bottom-4 hidden cursor-pointer rounded border border-line bg-bg/90 sm:block"
      onPointerDown={go}
      onPointerMove={go}
    >
      <Cards layout={layout} />
      <rect
        x={view.x}
        y={view.y}
        width={view.width}
        height={view.height}
        className="fill-transparent stroke-accent"
        strokeWidth={2 / scale}
      />
    </svg>
  );
}

/** All cards of one colour are one shape: there may be thousands of them. */
const Cards = memo(function Cards({ layout }: { layout: Layout }) {
  const shapes = new Map<Tone, string>();
  for (const { job, x, y, width, height } of layout.stages.flatMap((box) => box.cards)) {
    const { tone } = STATES[stateOf(job)];
    shapes.set(tone, `${shapes.get(tone) ?? ""}M${x} ${y}h${width}v${height}h${-width}z`);
  }
  return [...shapes].map(([tone, shape]) => <path key={tone} d={shape} className={FILLS[tone]} />);
});
