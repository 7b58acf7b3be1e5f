/** The sections of the settings. A section is a file beside this one and a line here. */
import {
  Activity,
  Bell,
  Blocks,
  Clock,
  Gauge,
  Info,
  KeyRound,
  KeySquare,
  Lock,
  type LucideIcon,
  Package,
  Palette,
  ScrollText,
  UserCog,
  Users,
  Webhook,
} from "lucide-react";
import type { ComponentType } from "react";
import type { en as projectEn } from "@/i18n/en/project-settings";
import type { en as settingsEn } from "@/i18n/en/settings";
import { type Part, part } from "@/ui/part";

export type Group = "project" | "me" | "server";
export type SectionName = keyof typeof projectEn | keyof typeof settingsEn;
type Page = ComponentType<{ project: string }>;

export interface Section {
  id: string;
  group: Group;
  icon: LucideIcon;
  page: Part<{ project: string }>;
}

function section(
  group: Group,
  id: SectionName & string,
  icon: LucideIcon,
  load: () => Promise<{ default: Page }>,
): Section {
  return { id, group, icon, page: part(async () => (await load()).default) };
}

export const SECTIONS: readonly Section[] = [
  section("project", "members", Users, () => import("./members")),
  section("project", "secrets", Lock, () => import("./secrets")),
  section("project", "channels", Bell, () => import("./channels")),
  section("project", "quality", Gauge, () => import("./quality")),
  section("project", "hooks", Webhook, () => import("./hooks")),
  section("project", "triggers", Clock, () => import("./triggers")),
  section("project", "plugins", Blocks, () => import("./plugins")),
  section("project", "packages", Package, () => import("./packages")),
  section("project", "audit", ScrollText, () => import("./audit")),
  section("me", "preferences", Palette, () => import("./preferences")),
  section("me", "tokens", KeyRound, () => import("./tokens")),
  section("me", "access-keys", KeySquare, () => import("./access-keys")),
  section("server", "users", UserCog, () => import("./users")),
  section("server", "server-audit", Activity, () => import("./server-audit")),
  section("server", "about", Info, () => import("./about")),
];

export function hrefOf({ group, id }: Pick<Section, "group" | "id">, project: string): string {
  return group === "project"
    ? `/projects/${encodeURIComponent(project)}/settings/${id}`
    : `/settings/${id}`;
}
