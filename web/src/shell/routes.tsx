/**
 * The pages and where they are. A page is a folder in `pages/` with a default export; it is loaded
 * when it is opened. What stands in the rail has a line in `RAIL`.
 */
import {
  ChartColumn,
  FolderKanban,
  Layers,
  type LucideIcon,
  Server,
  Settings,
  ShieldCheck,
  Workflow,
} from "lucide-react";
import type { ComponentType } from "react";
import type { common } from "@/i18n/common";
import { Skeleton } from "@/ui/empty";
import { type Part, part } from "@/ui/part";

interface Page {
  /** Pattern of wouter, below the base of the page. */
  path: string;
  page: Part<{ params: Record<string, string> }>;
}

// biome-ignore lint/suspicious/noExplicitAny: each page names the parts of its own path
function page(load: () => Promise<{ default: ComponentType<any> }>): Page["page"] {
  return part(async () => (await load()).default, <Skeleton className="h-40" />);
}

export const PAGES: readonly Page[] = [
  { path: "/projects", page: page(() => import("@/pages/projects")) },
  { path: "/projects/:project", page: page(() => import("@/pages/pipelines")) },
  { path: "/projects/:project/pipelines/:pipeline", page: page(() => import("@/pages/pipeline")) },
  { path: "/projects/:project/new-pipeline", page: page(() => import("@/pages/new-pipeline")) },
  {
    path: "/projects/:project/pipelines/:pipeline/definition",
    page: page(() => import("@/pages/definition")),
  },
  { path: "/projects/:project/runs/:run/log", page: page(() => import("@/pages/log")) },
  { path: "/projects/:project/runs/:run", page: page(() => import("@/pages/run")) },
  { path: "/runs/:run", page: page(() => import("@/pages/run/find")) },
  { path: "/approvals", page: page(() => import("@/pages/approvals")) },
  { path: "/projects/:project/environments", page: page(() => import("@/pages/environments")) },
  {
    path: "/projects/:project/environments/:environment",
    page: page(() => import("@/pages/environment")),
  },
  { path: "/projects/:project/insights", page: page(() => import("@/pages/insights")) },
  { path: "/projects/:project/runners", page: page(() => import("@/pages/runners")) },
  {
    path: "/projects/:project/settings/:section?",
    page: page(() => import("@/pages/settings")),
  },
  { path: "/settings/:section?", page: page(() => import("@/pages/settings")) },
];

/** Load the page of a path before it is known whether it may be shown. */
export function beginPage(path: string): void {
  const found = PAGES.find((each) => {
    const pattern = each.path.replace(/\/:\w+\?/g, "(/[^/]+)?").replace(/:\w+/g, "[^/]+");
    return new RegExp(`^${pattern}/?$`).test(path);
  });
  void found?.page.begin();
}

interface RailItem {
  text: keyof typeof common.en;
  icon: LucideIcon;
  /** Where it leads; with `:project` only while one is open. */
  href: string;
  /** It is lit on these paths. */
  on: RegExp;
  /** It stands in the bottom bar of phones, too, where there is room for five. */
  phone?: boolean;
}

export const RAIL: readonly RailItem[] = [
  {
    text: "nav.projects",
    icon: FolderKanban,
    href: "/projects",
    on: /^\/projects\/?$/,
    phone: true,
  },
  {
    text: "nav.pipelines",
    icon: Workflow,
    href: "/projects/:project",
    on: /^\/projects\/[^/]+(\/(new-pipeline|pipelines|runs)(\/.*)?)?$/,
    phone: true,
  },
  {
    text: "nav.approvals",
    icon: ShieldCheck,
    href: "/approvals",
    on: /^\/approvals/,
    phone: true,
  },
  {
    text: "nav.environments",
    icon: Layers,
    href: "/projects/:project/environments",
    on: /^\/projects\/[^/]+\/environments/,
    phone: true,
  },
  {
    text: "nav.insights",
    icon: ChartColumn,
    href: "/projects/:project/insights",
    on: /^\/projects\/[^/]+\/insights/,
  },
  {
    text: "nav.runners",
    icon: Server,
    href: "/projects/:project/runners",
    on: /^\/projects\/[^/]+\/runners/,
  },
  {
    text: "nav.settings",
    icon: Settings,
    href: "/settings",
    on: /^(\/projects\/[^/]+)?\/settings/,
    phone: true,
  },
];
