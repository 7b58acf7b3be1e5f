import { useQuery } from "@tanstack/react-query";
import { useText } from "@/i18n";
import { CopyButton } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Loaded } from "@/ui/loaded";
import { plainText } from "./ansi";
import type { LogStore } from "./store";
import { logTexts } from "./texts";

const MOST_PIECES = 64; // of 16 KiB

/** A line that is too long for the list, with all its pieces. */
export function WholeLine({
  store,
  line,
  onClose,
}: {
  store: LogStore;
  line: number;
  onClose: () => void;
}) {
  const t = useText(logTexts);
  const query = useQuery({
    queryKey: ["log-line", store.path.run, store.path.step, store.path.attempt, line],
    queryFn: async () => plainText(await store.whole(line, MOST_PIECES)),
    gcTime: 0,
  });
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title={t("long.title", { number: String(line) })}
      actions={query.data !== undefined && <CopyButton text={query.data} label={t("copy.text")} />}
    >
      <Loaded query={query}>
        {(text) => (
          <pre className="font-mono text-[12.5px] leading-5 break-all whitespace-pre-wrap">
            {text}
          </pre>
        )}
      </Loaded>
    </Dialog>
  );
}
