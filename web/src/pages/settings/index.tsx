import { clsx } from "clsx";
import { ChevronLeft } from "lucide-react";
import { Link } from "wouter";
import { useMe } from "@/api/session";
import { useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { settingsTexts } from "@/i18n/settings";
import { useSettings } from "@/state/settings";
import { Skeleton } from "@/ui/empty";
import { usePageTitle } from "@/ui/head";
import { NothingHere } from "@/ui/nothing-here";
import { PageHead } from "@/ui/page";
import { type Group, hrefOf, SECTIONS, type Section } from "./sections";

const GROUPS: readonly Group[] = ["project", "me", "server"];
const FIRST = "preferences";

export function useSectionName(): (section: Pick<Section, "group" | "id">) => string {
  const t = useText(settingsTexts);
  const p = useText(projectTexts);
  return ({ group, id }) => (group === "project" ? p(id as "members") : t(id as "tokens"));
}

/** Which sections there are for the caller. */
export function useSections(project: string): readonly Section[] {
  const me = useMe();
  const isAdmin = me.is_admin || me.way === "dev";
  return SECTIONS.filter(
    ({ group, id }) =>
      (group !== "project" || project) && (group !== "server" || isAdmin || id === "about"),
  );
}

/** All settings: of the project, one's own, of the server. On phones first the list, then one. */
export default function SettingsPage({
  params,
}: {
  params: { project?: string; section?: string };
}) {
  const t = useText(settingsTexts);
  const { project: last } = useSettings();
  const project = params.project ?? last;
  const sections = useSections(project);
  const wanted = params.section ?? (params.project ? "members" : FIRST);
  const chosen = sections.find(
    ({ id, group }) => id === wanted && (group === "project") === Boolean(params.project),
  );
  usePageTitle(t("title"));
  return (
    <div className="mx-auto max-w-6xl">
      <PageHead title={t("title")} />
      <div className="gap-8 md:flex">
        <div className={clsx("shrink-0 md:block md:w-52", params.section && "hidden")}>
          <SideList project={project} sections={sections} chosen={chosen} />
        </div>
        <div className={clsx("min-w-0 grow md:block", !params.section && "hidden")}>
          <Link
            href="/settings"
            className="mb-3 inline-flex min-h-9 items-center gap-1 text-accent md:hidden"
          >
            <ChevronLeft aria-hidden size={16} />
            {t("back")}
          </Link>
          {chosen ? (
            <chosen.page
              key={`${chosen.id}.${project}`}
              project={project}
              waiting={<Skeleton className="h-40" />}
            />
          ) : (
            <NothingHere />
          )}
        </div>
      </div>
    </div>
  );
}

function SideList({
  project,
  sections,
  chosen,
}: {
  project: string;
  sections: readonly Section[];
  chosen: Section | undefined;
}) {
  const t = useText(settingsTexts);
  const nameOf = useSectionName();
  return (
    <nav aria-label={t("title")} className="space-y-4">
      {GROUPS.map((group) => {
        const own = sections.filter((section) => section.group === group);
        if (own.length === 0) return null;
        const title =
          group === "project" ? t("group.project", { project }) : t(`group.${group}` as "group.me");
        return (
          <div key={group}>
            <h2 className="mb-1 truncate px-2 text-[13px] font-medium text-muted">{title}</h2>
            <ul>
              {own.map((section) => (
                <li key={section.id}>
                  <Link
                    href={hrefOf(section, project)}
                    aria-current={section === chosen ? "page" : undefined}
                    className={clsx(
                      "flex min-h-[44px] items-center gap-2 rounded-md px-2 md:min-h-8",
                      section === chosen ? "bg-busy-soft font-medium text-busy" : "hover:bg-sunken",
                    )}
                  >
                    <section.icon aria-hidden size={16} className="shrink-0" />
                    {nameOf(section)}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </nav>
  );
}
