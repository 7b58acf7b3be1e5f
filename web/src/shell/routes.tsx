/**
 * The pages and where they are. A page is a folder in `pages/` with a default export; it is loaded
 * when it is opened. What stands in the rail has a line in `RAIL`.
 */
import { FolderKanban, type LucideIcon, Workflow } from "lucide-react";
import { type ComponentType, lazy } from "react";
import type { common } from "@/i18n/common";

interface Page {
  /** Pattern of wouter, below the base of the page. */
  path: string;
  page: ComponentType<{ params: Record<string, string> }>;
}

// biome-ignore lint/suspicious/noExplicitAny: each page names the parts of its own path
function page(load: () => Promise<{ default: ComponentType<any> }>): Page["page"] {
  return lazy(load);
}

export const PAGES: readonly Page[] = [
  { path: "/projects", page: page(() => import("@/pages/projects")) },
  { path: "/projects/:project", page: page(() => import("@/pages/pipelines")) },
  { path: "/projects/:project/pipelines/:pipeline", page: page(() => import("@/pages/pipeline")) },
  { path: "/projects/:project/runs/:run/log", page: page(() => import("@/pages/log")) },
  { path: "/projects/:project/runs/:run", page: page(() => import("@/pages/run")) },
  { path: "/runs/:run", page: page(() => import("@/pages/run/find")) },
];

interface RailItem {
  text: keyof typeof common.en;
  icon: LucideIcon;
  /** Where it leads; with `:project` only while one is open. */
  href: string;
  /** It is lit on these paths. */
  on: RegExp;
}

export const RAIL: readonly RailItem[] = [
  { text: "nav.projects", icon: FolderKanban, href: "/projects", on: /^\/projects\/?$/ },
  {
    text: "nav.pipelines",
    icon: Workflow,
    href: "/projects/:project",
    on: /^\/projects\/[^/]+(\/(pipelines|runs)(\/.*)?)?$/,
  },
];
