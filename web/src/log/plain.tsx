/** The log as one plain text, some lines at a time: for screen readers, and for selecting. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useText } from "@/i18n";
import { Button } from "@/ui/button";
import { Loaded } from "@/ui/loaded";
import { plainText } from "./ansi";
import type { LogStore } from "./store";
import { logTexts } from "./texts";

const LINES = 1000;

export function PlainLog({
  store,
  total,
  from,
  label,
  onLeave,
}: {
  store: LogStore;
  total: number;
  /** The line that one was at. */
  from: number;
  label: string;
  onLeave: () => void;
}) {
  const t = useText(logTexts);
  const [first, setFirst] = useState(Math.max(from, 1));
  const last = Math.min(first + LINES - 1, total);
  const { step, run, attempt } = store.path;
  const query = useQuery({
    queryKey: ["log-plain", run, step, attempt, first, last],
    queryFn: () => store.read(first, last),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  return (
    <div className="flex min-h-0 grow flex-col bg-surface">
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-2">
        <p role="status" className="grow text-[13px] text-muted">
          {t("plain.hint", { first, last, total })}
        </p>
        <Button
          size="small"
          disabled={first <= 1}
          onClick={() => setFirst(Math.max(first - LINES, 1))}
        >
          {t("plain.before")}
        </Button>
        <Button size="small" disabled={last >= total} onClick={() => setFirst(first + LINES)}>
          {t("plain.after")}
        </Button>
        <Button size="small" onClick={onLeave}>
          {t("plain.leave")}
        </Button>
      </div>
      <Loaded query={query}>
        {(lines) => (
          <section
            aria-label={label}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the keys
            tabIndex={0}
            className="min-h-0 grow overflow-auto p-3"
          >
            <pre className="font-mono text-[12.5px] leading-5 break-all whitespace-pre-wrap">
              {lines.map(plainText).join("\n")}
            </pre>
          </section>
        )}
      </Loaded>
    </div>
  );
}
