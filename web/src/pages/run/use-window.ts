/** The part of a scrolled box that can be seen, and ways to move it. */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Box } from "./layout";

const FIRST: Box = { x: 0, y: 0, width: 1000, height: 320 };
const GRID = 256; // pixels of the screen: what is drawn ends at a line of it
const STEP = 1.25;
const LEAST = 0.12;
const MOST = 2;

export interface Window {
  box: RefObject<HTMLDivElement | null>;
  zoom: number;
  /** What should be there, at 100 %: what can be seen, and some more. It changes rarely. */
  drawn: Box;
  /** What can be seen, at 100 %, as it is now, and a way to be told when it changes. */
  view: () => Box;
  watch: (watcher: () => void) => () => void;
  zoomBy: (steps: number) => void;
  fit: () => void;
  /** Bring a place into sight, at 100 %. */
  show: (place: Box) => void;
  /** Put a point into the middle. */
  centre: (x: number, y: number) => void;
}

/** Zoom so that all of it is seen, but nothing larger than it is. */
export function fitting(width: number, height: number, room: Box): number {
  const wanted = Math.min(room.width / width, room.height / height, 1);
  return Math.max(LEAST, Number.isFinite(wanted) ? wanted : 1);
}

/** What to draw so that moving a little needs nothing new. */
export function around({ x, y, width, height }: Box, zoom: number): Box {
  const grid = GRID / zoom;
  const [left, top] = [Math.floor(x / grid - 1), Math.floor(y / grid - 1)];
  const [right, bottom] = [Math.ceil((x + width) / grid + 1), Math.ceil((y + height) / grid + 1)];
  return {
    x: left * grid,
    y: top * grid,
    width: (right - left) * grid,
    height: (bottom - top) * grid,
  };
}

function isSame(a: Box, b: Box): boolean {
  return a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
}

export function useWindow(width: number, height: number): Window {
  const box = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState(1);
  const [drawn, setDrawn] = useState(FIRST);
  const seen = useRef(FIRST);
  const watchers = useRef(new Set<() => void>());
  const middle = useRef<{ x: number; y: number } | null>(null);

  const look = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const view = {
      x: element.scrollLeft / zoom,
      y: element.scrollTop / zoom,
      width: element.clientWidth / zoom,
      height: element.clientHeight / zoom,
    };
    seen.current = view;
    setDrawn((old) => {
      const next = around(view, zoom);
      return isSame(old, next) ? old : next;
    });
    for (const watcher of watchers.current) watcher();
  }, [zoom]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (middle.current) {
      element.scrollLeft = middle.current.x * zoom - element.clientWidth / 2;
      element.scrollTop = middle.current.y * zoom - element.clientHeight / 2;
      middle.current = null;
    }
    look();
  }, [zoom, look]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let frame = 0;
    const later = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        look();
      });
    };
    element.addEventListener("scroll", later, { passive: true });
    const watcher = new ResizeObserver(later);
    watcher.observe(element);
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener("scroll", later);
      watcher.disconnect();
    };
  }, [look]);

  const change = useCallback(
    (next: number) => {
      const element = box.current;
      if (element) {
        middle.current = {
          x: (element.scrollLeft + element.clientWidth / 2) / zoom,
          y: (element.scrollTop + element.clientHeight / 2) / zoom,
        };
      }
      setZoom(Math.min(MOST, Math.max(LEAST, next)));
    },
    [zoom],
  );

  const centre = useCallback(
    (x: number, y: number) => {
      const element = box.current;
      element?.scrollTo(x * zoom - element.clientWidth / 2, y * zoom - element.clientHeight / 2);
    },
    [zoom],
  );

  const show = useCallback(
    (place: Box) => {
      const element = box.current;
      if (!element) return;
      const [left, top] = [place.x * zoom, place.y * zoom];
      const isSeen =
        left >= element.scrollLeft &&
        top >= element.scrollTop &&
        left + place.width * zoom <= element.scrollLeft + element.clientWidth &&
        top + place.height * zoom <= element.scrollTop + element.clientHeight;
      if (!isSeen) centre(place.x + place.width / 2, place.y + place.height / 2);
    },
    [zoom, centre],
  );

  const fit = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const room = { x: 0, y: 0, width: element.clientWidth, height: element.clientHeight };
    change(fitting(width, height, room));
  }, [width, height, change]);

  const zoomBy = useCallback((steps: number) => change(zoom * STEP ** steps), [zoom, change]);
  const view = useCallback(() => seen.current, []);
  const watch = useCallback((watcher: () => void) => {
    watchers.current.add(watcher);
    return () => {
      watchers.current.delete(watcher);
    };
  }, []);
  return { box, zoom, drawn, view, watch, zoomBy, fit, show, centre };
}

export function touches(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
