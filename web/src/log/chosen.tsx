import { Copy, Link2, X } from "lucide-react";
import { useText } from "@/i18n";
import { Button, IconButton } from "@/ui/button";
import type { Lines } from "./lines";
import { logTexts } from "./texts";

/** What can be done with the lines that are chosen. */
export function Chosen({
  lines: { first, last },
  onCopy,
  onNone,
}: {
  lines: Lines;
  onCopy: (form: "text" | "markdown" | "link") => void;
  onNone: () => void;
}) {
  const t = useText(logTexts);
  return (
    <div className="flex flex-wrap items-center gap-2 border-t border-line bg-wait-soft px-3 py-1.5">
      <span role="status" className="mr-auto text-[13px] font-medium">
        {first === last
          ? t("line", { number: String(first) })
          : t("chosen", { first: String(first), last: String(last) })}
      </span>
      <Button size="small" icon={Link2} onClick={() => onCopy("link")}>
        {t("copy.link")}
      </Button>
      <Button size="small" icon={Copy} onClick={() => onCopy("text")}>
        {t("copy.text")}
      </Button>
      <Button size="small" icon={Copy} onClick={() => onCopy("markdown")}>
        {t("copy.markdown")}
      </Button>
      <IconButton size="small" icon={X} label={t("chosen.none")} onClick={onNone} />
    </div>
  );
}
