import { clsx } from "clsx";
import { useState } from "react";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";

const MOST = 400; // letters; a Chinese character is as wide as two
const MOST_LINES = 6;

function isLong(text: string): boolean {
  const wide = text.match(/[\u1100-\uffdc]/g)?.length ?? 0;
  return text.length + wide > MOST || text.split("\n").length > MOST_LINES;
}

/** What somebody wrote, as they wrote it; of a long text its first lines, and all when asked. */
export function LongText({ text, className }: { text: string; className?: string }) {
  const t = useText(common);
  const [open, setOpen] = useState(false);
  const long = isLong(text);
  return (
    <div className={className}>
      <p
        className={clsx(
          "[overflow-wrap:anywhere] whitespace-pre-wrap",
          long && !open && "line-clamp-6",
        )}
      >
        {text}
      </p>
      {long && (
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="min-h-7 text-[13px] text-accent underline underline-offset-2"
        >
          {t(open ? "text.less" : "text.all")}
        </button>
      )}
    </div>
  );
}
