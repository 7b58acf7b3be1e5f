import { clsx } from "clsx";
import { PanelLeftClose, PanelLeftOpen } from "lucide-react";
import { Link, useLocation } from "wouter";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { changeSettings, useSettings } from "@/state/settings";
import { IconButton } from "@/ui/button";
import { RAIL } from "./routes";

function useItems(project: string) {
  const t = useText(common);
  const [location] = useLocation();
  return RAIL.filter((item) => project || !item.href.includes(":project")).map((item) => ({
    ...item,
    text: t(item.text as "nav.projects"),
    href: item.href.replace(":project", encodeURIComponent(project)),
    current: item.on.test(location),
  }));
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
      {useItems(project).map(({ href, text, icon: Icon, current }) => (
        <Link
          key={href}
          href={href}
          aria-current={current ? "page" : undefined}
          aria-label={railOpen ? undefined : text}
          title={railOpen ? undefined : text}
          className={clsx(
            "flex h-9 items-center gap-3 overflow-hidden rounded-md px-2.5 font-medium whitespace-nowrap",
            current ? "bg-busy-soft text-busy" : "text-muted hover:bg-sunken hover:text-text",
          )}
        >
          <Icon aria-hidden size={17} className="shrink-0" />
          {railOpen && text}
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
  return (
    <nav
      aria-label={t("nav.main")}
      className="fixed inset-x-0 bottom-0 z-30 flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] sm:hidden"
    >
      {useItems(project).map(({ href, text, icon: Icon, current }) => (
        <Link
          key={href}
          href={href}
          aria-current={current ? "page" : undefined}
          className={clsx(
            "flex h-14 min-w-0 grow basis-0 flex-col items-center justify-center gap-0.5 text-[12px]",
            current ? "text-busy" : "text-muted",
          )}
        >
          <Icon aria-hidden size={19} />
          <span className="max-w-full truncate px-1">{text}</span>
        </Link>
      ))}
    </nav>
  );
}
