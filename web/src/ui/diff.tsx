import { clsx } from "clsx";

interface TextDiff {
  same: boolean;
  added: number;
  removed: number;
  /** As of `diff -u`, without the names; null: too long to compare. */
  lines: readonly string[] | null;
}

const TONES: Record<string, string> = {
  "+": "bg-ok-soft text-ok",
  "-": "bg-bad-soft text-bad",
  "@": "text-muted",
};

/** "+2 −1" */
export function DiffCount({ added, removed }: { added: number; removed: number }) {
  return (
    <span className="font-mono text-[13px] whitespace-nowrap">
      <span className="text-ok">+{added}</span> <span className="text-bad">−{removed}</span>
    </span>
  );
}

/** The lines of two texts that differ, with what stands around them. */
export function DiffLines({ lines, label }: { lines: readonly string[]; label: string }) {
  return (
    <section
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the keys
      tabIndex={0}
      className="max-h-80 overflow-auto rounded-md border border-line bg-sunken font-mono text-[13px]"
    >
      <pre className="w-max min-w-full py-1">
        {lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines never move
          <div key={index} className={clsx("px-3", TONES[line[0] ?? ""])}>
            {line || " "}
          </div>
        ))}
      </pre>
    </section>
  );
}

/** How two texts differ, folded until somebody wants to see it. */
export function FoldedDiff({
  label,
  diff,
  same,
  tooLong,
}: {
  label: string;
  diff: TextDiff;
  /** What is said when they are equal. */
  same: string;
  tooLong: string;
}) {
  if (diff.same) {
    return (
      <p>
        {label}: <span className="text-muted">{same}</span>
      </p>
    );
  }
  if (!diff.lines) {
    return (
      <p>
        {label}: <span className="text-wait">{tooLong}</span>
      </p>
    );
  }
  return (
    <details open={diff.lines.length <= 12}>
      <summary className="min-h-7 py-0.5">
        {label} <DiffCount added={diff.added} removed={diff.removed} />
      </summary>
      <DiffLines lines={diff.lines} label={label} />
    </details>
  );
}
