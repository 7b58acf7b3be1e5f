import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, ok } from "@/api/client";
import { keys } from "@/api/keys";
import { useText } from "@/i18n";
import { environmentTexts } from "@/i18n/environments";
import type { State } from "@/theme/status";
import { isOver } from "@/theme/status";
import { StateBadge } from "@/ui/status";

/** How the rollback goes that was begun here. */
export function Progress({
  project,
  run,
  environment,
}: {
  project: string;
  run: string;
  environment: string;
}) {
  const t = useText(environmentTexts);
  const { data } = useQuery({
    queryKey: keys.run(run, "progress"),
    queryFn: ({ signal }) =>
      ok(api.GET("/projects/{project}/runs/{run}", { params: { path: { project, run } }, signal })),
    refetchInterval: ({ state }) => (state.data && isOver(state.data) ? false : 3000),
  });
  if (!data) return null;
  const state: State = !isOver(data)
    ? "running"
    : data.cause === "rolled_back"
      ? "rolled-back"
      : "failed";
  const text = {
    running: "progress.going",
    "rolled-back": "progress.done",
    failed: "progress.failed",
  } as const;
  return (
    <div
      role="status"
      className="mb-4 flex flex-wrap items-center gap-3 rounded-lg border border-line bg-surface p-3"
    >
      <StateBadge state={state} />
      <span className="min-w-0 grow">{t(text[state as "failed"], { environment })}</span>
      <Link
        href={`/projects/${encodeURIComponent(project)}/runs/${run}`}
        className="inline-block py-0.5 text-accent hover:underline"
      >
        {t("progress.open")}
      </Link>
    </div>
  );
}
