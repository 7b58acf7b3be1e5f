import { clsx } from "clsx";
import { useEffect, useRef } from "react";
import type { Schemas } from "@/api/client";
import { useText } from "@/i18n";
import { texts } from "./texts";

type Line = Schemas["LogLineView"];

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])/g;
const BAD = /##\[error\]|\b(error|fatal|failed|traceback|exception)\b/i;

/** What a line says, without colours; of a progress bar what it said last. */
export function plain(text: string): string {
  const bare = text.replace(ESCAPES, "").replace(/\r+$/, "");
  return bare.slice(bare.lastIndexOf("\r") + 1);
}

/** A few lines of a log, the last one in sight. */
export function LogLines({ lines, label }: { lines: readonly Line[]; label: string }) {
  const t = useText(texts);
  const box = useRef<HTMLElement>(null);
  const last = lines.at(-1)?.number;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new last line is what moves it
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [last]);
  return (
    <section
      ref={box}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the keys
      tabIndex={0}
      data-log-lines
      className="max-h-full min-h-16 overflow-auto rounded-md bg-sunken py-1.5 font-mono text-[12.5px] leading-5"
    >
      {lines.length === 0 && <p className="px-3 text-muted">{t("log.empty")}</p>}
      {lines.map(({ number, text }) => {
        const said = plain(text);
        return (
          <div key={number} className={clsx("flex", BAD.test(said) && "bg-bad-soft text-bad")}>
            <span
              aria-hidden
              className="w-12 shrink-0 pr-3 text-right text-muted tabular-nums select-none"
            >
              {number}
            </span>
            <span className="min-w-0 pr-3 break-all whitespace-pre-wrap">{said || " "}</span>
          </div>
        );
      })}
    </section>
  );
}
