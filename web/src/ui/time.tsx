import { useSyncExternalStore } from "react";
import { useLocale, useText } from "@/i18n";
import { common } from "@/i18n/common";

/** One clock for all that shows a time; it stands still while nobody looks. */
function clock(everyMs: number) {
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setInterval> | undefined;
  let now = Date.now();
  function tick() {
    now = Date.now();
    for (const listener of listeners) listener();
  }
  function subscribe(listener: () => void) {
    if (listeners.size === 0) {
      now = Date.now();
      timer = setInterval(tick, everyMs);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) clearInterval(timer);
    };
  }
  return () => useSyncExternalStore(subscribe, () => now);
}

const useSeconds = clock(1000);
const useSlowClock = clock(15_000);

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** How long ago something was, or how far ahead it is; exact in its title. */
export function RelativeTime({ at }: { at: string | null | undefined }) {
  const now = useSlowClock();
  const locale = useLocale();
  const t = useText(common);
  if (!at) return <span className="text-muted">{t("time.never")}</span>;
  const seconds = (Date.parse(at) - now) / 1000;
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "short" });
  const text =
    unit === "second" ? t("time.just-now") : format.format(Math.round(seconds / size), unit);
  return (
    <time dateTime={at} title={formatInstant(at, locale)} className="whitespace-nowrap">
      {text}
    </time>
  );
}

export function formatInstant(at: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" }).format(
    new Date(at),
  );
}

const SHORT = { en: ["d", "h", "m", "s"], zh: ["天", "时", "分", "秒"] } as const;

/** A length of time in at most two units: "2m 10s". Milliseconds below one second. */
export function formatDuration(ms: number, locale: string): string {
  const words = locale.startsWith("zh") ? SHORT.zh : SHORT.en;
  if (ms < 1000)
    return locale.startsWith("zh")
      ? `${Math.max(0, Math.round(ms))} 毫秒`
      : `${Math.max(0, Math.round(ms))}ms`;
  const whole = Math.round(ms / 1000);
  const parts = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  const first = parts.findIndex((part) => part > 0);
  return parts
    .slice(first, first + 2)
    .map((part, index) => (part > 0 || index === 0 ? `${part}${words[first + index]}` : ""))
    .filter(Boolean)
    .join(" ");
}

/** A short time in seconds, to a tenth: "1.5s". */
export function formatSeconds(ms: number, locale: string): string {
  const word = locale.startsWith("zh") ? SHORT.zh[3] : SHORT.en[3];
  return `${(ms / 1000).toFixed(1).replace(".0", "")}${word}`;
}

/** How long something took, or has taken so far: then it counts on. */
export function Duration({
  from,
  to,
}: {
  from: string | null | undefined;
  to: string | null | undefined;
}) {
  if (!from) return <span className="text-muted">–</span>;
  return to ? <Past ms={Date.parse(to) - Date.parse(from)} /> : <Counting from={from} />;
}

function Past({ ms }: { ms: number }) {
  return <span className="tabular-nums whitespace-nowrap">{formatDuration(ms, useLocale())}</span>;
}

function Counting({ from }: { from: string }) {
  const now = useSeconds();
  const ms = Math.max(0, now - Date.parse(from));
  return <Past ms={ms < 1000 ? 0 : ms} />;
}
