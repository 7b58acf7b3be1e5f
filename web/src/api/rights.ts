/** What one may do in a project. A button that would be refused is disabled, and says why. */
import { useQuery } from "@tanstack/react-query";
import { area, useText } from "@/i18n";
import { en } from "@/i18n/en/rights";
import { zh } from "@/i18n/zh/rights";
import { api, ok } from "./client";
import { keys } from "./keys";

const texts = area(en, zh);

/** As the server names them, see `Permission` there. */
export type Permission = keyof typeof en;

/** A project and what one may do in it; not found also if one may not see it. */
export function useProjectView(project: string) {
  return useQuery({
    queryKey: keys.project(project, "rights"),
    queryFn: ({ signal }) =>
      ok(api.GET("/projects/{project}", { params: { path: { project } }, signal })),
    staleTime: 60_000,
    enabled: Boolean(project),
  });
}

/**
 * Give a function that says why one may not do that in a project; undefined = one may. While it is
 * not known yet, everything seems possible: the server decides anyway.
 */
export function useRefusal(project: string): (permission: Permission) => string | undefined {
  const t = useText(texts);
  const { data } = useProjectView(project);
  return (permission) =>
    !data || data.permissions.includes(permission) ? undefined : t(permission);
}
