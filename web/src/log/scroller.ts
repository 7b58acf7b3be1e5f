/** Moves a window over very many rows; see `scale.ts`. */
import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from "react";
import { clamped, ROW, type Scale, scaleOf, topFor } from "./scale";

const NEAR = ROW / 2; // so far from the end counts as the end

export interface Scroller {
  box: RefObject<HTMLElement | null>;
  scale: Scale;
  top: number;
  atEnd: boolean;
  /** Go somewhere, in virtual pixels. */
  go: (top: number) => void;
  goToRow: (row: number) => void;
  goToEnd: () => void;
}

/** `onUser` is told when somebody scrolled, and whether to the end. `extra`: see `Scale`. */
export function useScroller(
  rows: number,
  extra: number,
  onUser: (atEnd: boolean) => void,
): Scroller {
  const box = useRef<HTMLElement>(null);
  const [height, setHeight] = useState(0);
  const [top, setTop] = useState(0);
  const scale = scaleOf(rows, height, extra);
  const now = useRef({ scale, top, expected: 0, onUser });
  now.current.scale = scale;
  now.current.onUser = onUser;

  const go = useCallback((wanted: number) => {
    const state = now.current;
    state.top = clamped(state.scale, wanted);
    setTop(state.top);
    const element = box.current;
    if (!element) return;
    element.scrollTop = state.top / state.scale.factor;
    state.expected = element.scrollTop; // rounded by the browser
  }, []);

  const moved = useCallback(
    (wanted: number) => {
      go(wanted);
      now.current.onUser(now.current.top >= now.current.scale.most - NEAR);
    },
    [go],
  );

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = new ResizeObserver(() => setHeight(element.clientHeight));
    measure.observe(element);
    setHeight(element.clientHeight);

    function onScroll() {
      const state = now.current;
      if (!element || Math.abs(element.scrollTop - state.expected) < 1) return;
      state.expected = element.scrollTop;
      const wanted = element.scrollTop * state.scale.factor;
      state.top = clamped(state.scale, wanted);
      setTop(state.top);
      state.onUser(state.top >= state.scale.most - NEAR);
    }
    // Where the box stands for more than it is, a turn of the wheel would be a leap.
    function onWheel(event: WheelEvent) {
      const state = now.current;
      if (state.scale.factor === 1 || event.ctrlKey || event.deltaY === 0) return;
      event.preventDefault();
      const unit = [1, ROW, state.scale.height][event.deltaMode] ?? 1;
      moved(state.top + event.deltaY * unit);
    }
    let touchedAt = 0;
    function onTouchStart(event: TouchEvent) {
      touchedAt = event.touches[0]?.clientY ?? 0;
    }
    function onTouchMove(event: TouchEvent) {
      const state = now.current;
      const at = event.touches[0]?.clientY;
      if (state.scale.factor === 1 || at === undefined || event.touches.length > 1) return;
      event.preventDefault();
      moved(state.top + touchedAt - at);
      touchedAt = at;
    }
    function onKey(event: KeyboardEvent) {
      if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
      const state = now.current;
      const page = Math.max(state.scale.height - 2 * ROW, ROW);
      const steps: Record<string, number> = {
        ArrowUp: -ROW,
        ArrowDown: ROW,
        PageUp: -page,
        PageDown: page,
        " ": event.shiftKey ? -page : page,
        Home: Number.NEGATIVE_INFINITY,
        End: Number.POSITIVE_INFINITY,
      };
      const step = steps[event.key];
      if (step === undefined) return;
      event.preventDefault();
      moved(state.top + step);
    }
    element.addEventListener("scroll", onScroll, { passive: true });
    element.addEventListener("wheel", onWheel, { passive: false });
    element.addEventListener("touchstart", onTouchStart, { passive: true });
    element.addEventListener("touchmove", onTouchMove, { passive: false });
    element.addEventListener("keydown", onKey);
    return () => {
      measure.disconnect();
      element.removeEventListener("scroll", onScroll);
      element.removeEventListener("wheel", onWheel);
      element.removeEventListener("touchstart", onTouchStart);
      element.removeEventListener("touchmove", onTouchMove);
      element.removeEventListener("keydown", onKey);
    };
  }, [moved]);

  const goToRow = useCallback(
    (row: number) => go(topFor(now.current.scale, now.current.top, row)),
    [go],
  );
  const goToEnd = useCallback(() => go(Number.POSITIVE_INFINITY), [go]);
  return {
    box,
    scale,
    top: clamped(scale, top),
    atEnd: top >= scale.most - NEAR,
    go,
    goToRow,
    goToEnd,
  };
}
