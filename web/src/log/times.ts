/** Times beside lines. */
import type { Settings } from "@/state/settings";

export type Times = Settings["logTimes"];
export const TIMES: readonly Times[] = ["off", "clock", "elapsed"];

function two(value: number, places = 2): string {
  return String(value).padStart(places, "0");
}

export function timeOf(times: Times, at: number | undefined, began: number | null): string | null {
  if (times === "off") return null;
  if (at === undefined) return "";
  if (times === "clock") {
    const date = new Date(at);
    const parts = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => two(part));
    return `${parts.join(":")}.${two(date.getMilliseconds(), 3)}`;
  }
  if (began === null) return "";
  const ms = Math.max(at - began, 0);
  const minutes = two(Math.floor(ms / 60_000));
  return `+${minutes}:${two(Math.floor(ms / 1000) % 60)}.${two(ms % 1000, 3)}`;
}
