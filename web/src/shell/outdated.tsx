import { RefreshCw } from "lucide-react";
import { useLocation } from "wouter";
import { useMe } from "@/api/session";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { useIsOutdated, useReloadOnTheWay } from "@/state/fresh";
import { Button } from "@/ui/button";

/** Says that the server is a newer one; on the way to another page the tab is loaded again. */
export function OutdatedNote() {
  const t = useText(common);
  const { version } = useMe();
  const [path] = useLocation();
  const outdated = useIsOutdated(version);
  useReloadOnTheWay(outdated, path);
  return (
    <div role="status">
      {outdated && (
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-busy-soft px-4 py-1.5">
          {t("outdated", { version })}
          <Button size="small" icon={RefreshCw} onClick={() => location.reload()}>
            {t("reload")}
          </Button>
        </p>
      )}
    </div>
  );
}
