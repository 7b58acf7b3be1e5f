import { clsx } from "clsx";
import { PanelLeftClose, PanelLeftOpen } from "lucide-react";
import { Link, useLocation } from "wouter";
import { useApprovalCount } from "@/api/approvals";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { changeSettings, useSettings } from "@/state/settings";
import { IconButton } from "@/ui/button";
import { RAIL } from "./routes";

function useItems(project: string) {
  const t = useText(common);
  const [location] = useLocation();
  const waiting = useApprovalCount();
  return RAIL.filter((item) => project || !item.href.includes(":project")).map((item) => ({
    ...item,
    text: t(item.text as "nav.projects"),
    href: item.href.replace(":project", encodeURIComponent(project)),
    current: item.on.test(location),
    count: item.text === "nav.approvals" ? waiting : 0,
  }));
}

/** How many things wait there. */
function Count({ n }: { n: number }) {
  const t = useText(common);
  if (n === 0) return null;
  return (
    <span className="rounded-full bg-wait-soft px-1.5 text-[12px] font-semibold text-wait tabular-nums">
      <span aria-hidden>{n}</span>
      <span className="sr-only">{t("approvals.waiting", { n })}</span>
    </span>
  );
}

/** The left rail; it folds to icons. */
export function Rail({ project }: { project: string }) {
  const t = useText(common);
  const { railOpen } = useSettings();
  return (
    <nav
      aria-label={t("nav.main")}
      className={clsx(
        "sticky top-12 hidden h-[calc(100dvh-3rem)] shrink-0 flex-col gap-0.5 border-r border-line bg-surface p-2 sm:flex",
        railOpen ? "w-[200px]" : "w-[53px]",
      )}
    >
      {useItems(project).map(({ href, text, icon: Icon, current, count }) => (
        <Link
          key={href}
          href={href}
          aria-current={current ? "page" : undefined}
          aria-label={railOpen ? undefined : count ? `${text} (${count})` : text}
          title={railOpen ? undefined : text}
          className={clsx(
            "relative flex h-9 items-center gap-3 overflow-hidden rounded-md px-2.5 font-medium whitespace-nowrap",
            current ? "bg-busy-soft text-busy" : "text-muted hover:bg-sunken hover:text-text",
          )}
        >
          <Icon aria-hidden size={17} className="shrink-0" />
          {railOpen && <span className="grow">{text}</span>}
          {railOpen ? (
            <Count n={count} />
          ) : (
            count > 0 && <span className="absolute top-1.5 right-1.5 size-2 rounded-full bg-wait" />
          )}
        </Link>
      ))}
      <IconButton
        className="mt-auto"
        label={t(railOpen ? "nav.fold" : "nav.unfold")}
        icon={railOpen ? PanelLeftClose : PanelLeftOpen}
        onClick={() => changeSettings({ railOpen: !railOpen })}
      />
    </nav>
  );
}

/** The same on phones, along the bottom. */
export function BottomBar({ project }: { project: string }) {
  const t = useText(common);
  const items = useItems(project).filter((item) => item.phone);
  return (
    <nav
      aria-label={t("nav.main")}
      className="fixed inset-x-0 bottom-0 z-30 flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] sm:hidden"
    >
      {items.map(({ href, text, icon: Icon, current, count }) => (
        <Link
          key={href}
          href={href}
          aria-current={current ? "page" : undefined}
          className={clsx(
            "relative flex h-14 min-w-0 grow basis-0 flex-col items-center justify-center gap-0.5 text-[12px]",
            current ? "text-busy" : "text-muted",
          )}
        >
          <Icon aria-hidden size={19} />
          <span className="max-w-full truncate px-1">{text}</span>
          {count > 0 && (
            <span className="absolute top-1 left-1/2 ml-1">
              <Count n={count} />
            </span>
          )}
        </Link>
      ))}
    </nav>
  );
}
