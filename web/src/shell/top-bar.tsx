import { CircleUser, Keyboard, Languages, LogOut, Moon, Search, Sun } from "lucide-react";
import { Link } from "wouter";
import type { Feed } from "@/api/events";
import { useConnection } from "@/api/events";
import { useLanguage, useMe, useSignOut } from "@/api/session";
import { translator, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { changeSettings, settings, type Theme, useSettings } from "@/state/settings";
import { useIsDark } from "@/theme/theme";
import { Button, IconButton } from "@/ui/button";
import { openPalette } from "@/ui/commands";
import { Key } from "@/ui/keys";
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLine, MenuSwitch } from "@/ui/menu";
import { toast } from "@/ui/toast";
import { Tooltip } from "@/ui/tooltip";
import { askForNotices } from "./run-notices";

const DOTS = { live: "bg-ok", connecting: "bg-wait", offline: "bg-bad" };

export function TopBar({ feed, onHelp }: { feed: Feed | null; onHelp: () => void }) {
  const t = useText(common);
  return (
    <header className="sticky top-0 z-30 flex h-12 items-center gap-2 border-b border-line bg-surface px-3">
      <Link href="/projects" className="flex items-center gap-2 font-semibold">
        <Logo />
        {t("app.name")}
      </Link>
      <PaletteButton />
      <div className="flex items-center gap-1">
        {feed && <Connected feed={feed} />}
        <LanguageButton />
        <ThemeButton />
        <AccountMenu onHelp={onHelp} />
      </div>
    </header>
  );
}

/** It looks like a field, and opens one. */
function PaletteButton() {
  const t = useText(common);
  const { keys } = useSettings();
  return (
    <button
      type="button"
      aria-haspopup="dialog"
      onClick={() => openPalette(true)}
      className="mr-1 ml-auto inline-flex h-8 w-8 items-center justify-center gap-2 rounded-md text-[13px] text-muted hover:bg-sunken hover:text-text sm:mr-auto sm:ml-4 sm:w-64 sm:justify-start sm:border sm:border-line sm:bg-bg sm:px-2.5 lg:w-80"
    >
      <Search aria-hidden size={16} className="shrink-0" />
      <span className="sr-only text-left sm:not-sr-only sm:grow">{t("palette.open")}</span>
      {keys && (
        <span className="hidden sm:inline">
          <Key>$mod+k</Key>
        </span>
      )}
    </button>
  );
}

export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 32 32">
      <rect width="32" height="32" rx="8" fill="#2456a6" />
      <path
        d="M9 18.5a7 7 0 1 0 2-6.2M9 8.5v5h5"
        fill="none"
        stroke="#fff"
        strokeWidth="3"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

function Connected({ feed }: { feed: Feed }) {
  const t = useText(common);
  const connection = useConnection(feed);
  return (
    <Tooltip text={t(`live.hint.${connection}`)}>
      <button
        type="button"
        className="inline-flex h-7 items-center gap-1.5 rounded-full px-2 text-[13px] text-muted"
      >
        <span aria-hidden data-colour className={`size-2 rounded-full ${DOTS[connection]}`} />
        <span role="status">{t(`live.${connection}`)}</span>
      </button>
    </Tooltip>
  );
}

export function LanguageButton() {
  const t = useText(common);
  const [language, setLanguage] = useLanguage();
  const other = language === "en" ? "zh" : "en";
  return (
    <Tooltip text={t("language.switch")}>
      <Button
        variant="ghost"
        size="small"
        icon={Languages}
        aria-label={t("language.switch")}
        onClick={() => setLanguage(other)}
      >
        <span lang={other === "zh" ? "zh-CN" : "en"}>{other === "zh" ? "中" : "EN"}</span>
      </Button>
    </Tooltip>
  );
}

export function ThemeButton() {
  const t = useText(common);
  const dark = useIsDark();
  return (
    <IconButton
      size="small"
      label={t("theme.switch")}
      icon={dark ? Sun : Moon}
      onClick={() => changeSettings({ theme: dark ? "light" : "dark" })}
    />
  );
}

async function switchNotices(wanted: boolean): Promise<void> {
  const notify = wanted && (await askForNotices());
  changeSettings({ notify });
  if (wanted && !notify) {
    toast("bad", translator(common, settings().language)("me.notify.denied"));
  }
}

function AccountMenu({ onHelp }: { onHelp: () => void }) {
  const t = useText(common);
  const me = useMe();
  const { theme, notify } = useSettings();
  const [language, setLanguage] = useLanguage();
  const signOut = useSignOut();
  const themes: { value: Theme; text: string }[] = [
    { value: "system", text: t("theme.system") },
    { value: "light", text: t("theme.light") },
    { value: "dark", text: t("theme.dark") },
  ];
  return (
    <Menu trigger={<IconButton size="small" label={t("me.menu")} icon={CircleUser} />}>
      <MenuLabel>{t("me.signed-in", { user: me.user })}</MenuLabel>
      {me.way === "dev" && <MenuLabel>{t("me.dev")}</MenuLabel>}
      <MenuLine />
      <MenuChoice
        label={t("me.language")}
        value={language}
        choices={[
          { value: "en", text: "English" },
          { value: "zh", text: "中文" },
        ]}
        onChange={setLanguage}
      />
      <MenuLine />
      <MenuChoice
        label={t("me.theme")}
        value={theme}
        choices={themes}
        onChange={(chosen) => changeSettings({ theme: chosen })}
      />
      <MenuLine />
      <MenuSwitch checked={notify} onChange={(to) => void switchNotices(to)}>
        {t("me.notify")}
      </MenuSwitch>
      <MenuItem icon={Keyboard} onSelect={onHelp}>
        {t("keys.title")}
      </MenuItem>
      {me.way === "session" && (
        <MenuItem icon={LogOut} onSelect={() => signOut.mutate()}>
          {t("me.sign-out")}
        </MenuItem>
      )}
      <MenuLabel>{t("me.version", { version: me.version })}</MenuLabel>
    </Menu>
  );
}
