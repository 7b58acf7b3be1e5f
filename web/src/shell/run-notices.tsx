/** A message of the browser when one's own run ends, for those who asked for it. */
import { useCallback } from "react";
import { useLocation } from "wouter";
import { api, BASE, ok } from "@/api/client";
import { type ServerEvent, useEvents } from "@/api/events";
import { useMe } from "@/api/session";
import { translator } from "@/i18n";
import { common } from "@/i18n/common";
import { settings, useSettings } from "@/state/settings";
import { stateOfRun } from "@/theme/status";

export function RunNotices({ project }: { project: string }) {
  const { notify } = useSettings();
  return notify && project && "Notification" in window ? <Listening project={project} /> : null;
}

function Listening({ project }: { project: string }) {
  const { user } = useMe();
  const [, navigate] = useLocation();
  const handle = useCallback(
    ({ run, event }: ServerEvent) => {
      if (event.type === "RunFinished") void tell(project, run, user, navigate);
    },
    [project, user, navigate],
  );
  useEvents(project, handle);
  return null;
}

/** Who looks at the page needs no message. Tabs that show the same one show it once: its tag. */
async function tell(project: string, id: string, user: string, navigate: (to: string) => void) {
  if (Notification.permission !== "granted" || document.visibilityState === "visible") return;
  const params = { path: { project, run: id } };
  const run = await ok(api.GET("/projects/{project}/runs/{run}", { params })).catch(() => null);
  if (run?.actor !== user) return;
  const t = translator(common, settings().language);
  const state = t(`state.${stateOfRun(run)}`);
  const title = t("notify.title", { n: String(run.number), pipeline: run.pipeline_name, state });
  const path = `/projects/${encodeURIComponent(project)}/runs/${id}`;
  try {
    const shown = new Notification(title, {
      body: run.message,
      tag: `mulligan.${id}`,
      icon: `${BASE}favicon.svg`,
    });
    shown.onclick = () => {
      window.focus();
      navigate(path);
      shown.close();
    };
  } catch {
    // phones show messages of installed pages only
  }
}

/** Ask the browser's owner; tell whether messages may be shown. */
export async function askForNotices(): Promise<boolean> {
  if (!("Notification" in window)) return false;
  if (Notification.permission !== "default") return Notification.permission === "granted";
  return (await Notification.requestPermission()) === "granted";
}
