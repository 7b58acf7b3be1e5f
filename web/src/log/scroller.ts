/** Moves a window over very many rows; see `scale.ts`. */
import {
  type RefObject,
  useCallback,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { clamped, ROW, type Scale, scaleOf, topFor } from "./scale";

const NEAR = ROW / 2; // so far from the end counts as the end

export interface Scroller {
  box: RefObject<HTMLElement | null>;
  scale: Scale;
  /** Where it is. Only what calls `useTop` is drawn again when that changes. */
  top: () => number;
  watch: (watcher: () => void) => () => void;
  /** Go somewhere, in virtual pixels. */
  go: (top: number) => void;
  goToRow: (row: number) => void;
  goToEnd: () => void;
}

export function useTop({ scale, top, watch }: Scroller): number {
  return clamped(scale, useSyncExternalStore(watch, top));
}

/** `onUser` is told when somebody scrolled, and whether to the end. `extra`: see `Scale`. */
export function useScroller(
  rows: number,
  extra: number,
  onUser: (atEnd: boolean) => void,
): Scroller {
  const box = useRef<HTMLElement>(null);
  const [height, setHeight] = useState(0);
  const scale = scaleOf(rows, height, extra);
  const now = useRef({ scale, top: 0, expected: 0, onUser });
  const watchers = useRef(new Set<() => void>());
  now.current.scale = scale;
  now.current.onUser = onUser;

  const moveTo = useCallback((wanted: number) => {
    const state = now.current;
    state.top = clamped(state.scale, wanted);
    for (const watcher of watchers.current) watcher();
  }, []);
  const go = useCallback(
    (wanted: number) => {
      const state = now.current;
      moveTo(wanted);
      const element = box.current;
      if (!element) return;
      element.scrollTop = state.top / state.scale.factor;
      state.expected = element.scrollTop; // rounded by the browser
    },
    [moveTo],
  );

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
      moveTo(state.expected * state.scale.factor);
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
  }, [moved, moveTo]);

  const goToRow = useCallback(
    (row: number) => go(topFor(now.current.scale, now.current.top, row)),
    [go],
  );
  const goToEnd = useCallback(() => go(Number.POSITIVE_INFINITY), [go]);
  const top = useCallback(() => now.current.top, []);
  const watch = useCallback((watcher: () => void) => {
    watchers.current.add(watcher);
    return () => {
      watchers.current.delete(watcher);
    };
  }, []);
  return { box, scale, top, watch, go, goToRow, goToEnd };
}
