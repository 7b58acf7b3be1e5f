/** Where one can go from everywhere, and what one can do there. */
import { History, Keyboard, Languages, LogOut, Moon, Plus, Sun, SunMoon } from "lucide-react";
import { useRefusal } from "@/api/rights";
import { useLanguage, useMe, useSignOut } from "@/api/session";
import { translator, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { paletteTexts } from "@/i18n/palette";
import { projectTexts } from "@/i18n/project-settings";
import { settingsTexts } from "@/i18n/settings";
import { useSectionName, useSections } from "@/pages/settings";
import { hrefOf, type Section } from "@/pages/settings/sections";
import { recentPlaces } from "@/state/places";
import { changeSettings, type Theme, useSettings } from "@/state/settings";
import type { Command } from "@/ui/commands";
import { RAIL } from "../routes";

type Go = (path: string) => void;

const LANGUAGES = ["en", "zh"] as const;
const both = LANGUAGES.map((language) => translator(common, language));

function namesOf({ group, id }: Section): string[] {
  return LANGUAGES.map((language) =>
    group === "project"
      ? translator(projectTexts, language)(id as "members")
      : translator(settingsTexts, language)(id as "tokens"),
  );
}

/** The pages of the rail; found by their names in both languages. */
export function usePages(project: string, go: Go): Command[] {
  const t = useText(common);
  const p = useText(paletteTexts);
  const why = useRefusal(project)("edit");
  const base = `/projects/${encodeURIComponent(project)}`;
  const pages = RAIL.filter(({ href }) => project || !href.includes(":project")).map((item) => ({
    id: `page:${item.href}`,
    text: t(item.text as "nav.projects"),
    hint: item.href.includes(":project") ? p("in-project", { project }) : undefined,
    icon: item.icon,
    words: both.map((name) => name(item.text as "nav.projects")),
    run: () => go(item.href.replace("/projects/:project", base)),
  }));
  if (!project) return pages;
  const create = { id: "page:new-pipeline", text: p("new-pipeline"), icon: Plus, why };
  return [...pages, { ...create, run: () => go(`${base}/new-pipeline`) }];
}

export function useSettingsPlaces(project: string, go: Go): Command[] {
  const p = useText(paletteTexts);
  const nameOf = useSectionName();
  return useSections(project).map((section) => ({
    id: `settings:${section.group}:${section.id}`,
    text: nameOf(section),
    hint: section.group === "project" ? p("in-project", { project }) : undefined,
    icon: section.icon,
    words: [section.id, p("group.settings"), ...namesOf(section)],
    run: () => go(hrefOf(section, project)),
  }));
}

export function useRecent(here: string, go: Go): Command[] {
  return recentPlaces()
    .filter(({ path }) => path !== here)
    .slice(0, 6)
    .map(({ path, title, project }) => ({
      id: `recent:${path}`,
      text: title,
      hint: title === project ? undefined : project,
      icon: History,
      run: () => go(path),
    }));
}

const THEMES = { light: Sun, dark: Moon, system: SunMoon } as const;

/** What has nothing to do with the page that is open. */
export function useAnywhere(onHelp: () => void): Command[] {
  const t = useText(common);
  const p = useText(paletteTexts);
  const { way } = useMe();
  const { theme, keys } = useSettings();
  const [language, setLanguage] = useLanguage();
  const signOut = useSignOut();
  const themes = (Object.keys(THEMES) as Theme[]).filter((each) => each !== theme);
  return [
    {
      id: "language",
      text: p("language"),
      icon: Languages,
      words: ["language", "语言"],
      run: () => setLanguage(language === "en" ? "zh" : "en"),
    },
    ...themes.map((each) => ({
      id: `theme:${each}`,
      text: p(`theme.${each}`),
      icon: THEMES[each],
      words: ["theme", each, "主题"],
      run: () => changeSettings({ theme: each }),
    })),
    { id: "help", text: t("keys.title"), icon: Keyboard, key: "?", run: onHelp },
    {
      id: "keys",
      text: p(keys ? "keys.off" : "keys.on"),
      icon: Keyboard,
      run: () => changeSettings({ keys: !keys }),
    },
    ...(way === "session"
      ? [{ id: "sign-out", text: t("me.sign-out"), icon: LogOut, run: () => signOut.mutate() }]
      : []),
  ];
}
