/** How a deployment is named and shown, on every page. */
import type { Schemas } from "@/api/client";
import { useText } from "@/i18n";
import { environmentTexts } from "@/i18n/environments";
import { type State, stateOf } from "@/theme/status";
import { StateBadge } from "@/ui/status";
import { RelativeTime } from "@/ui/time";

type Deployment = Schemas["DeploymentView"];

const SHOWN_FILES = 2;

/** What it brought, shortly: the image, or the names of the files. */
export function releaseName({ image, files, number }: Deployment): string {
  if (image) return image;
  const names = Object.entries(files).map(([name, digest]) => `${name}@${digest.slice(0, 7)}`);
  if (names.length === 0) return `#${number}`;
  const more = names.length - SHOWN_FILES;
  return names.slice(0, SHOWN_FILES).join(", ") + (more > 0 ? ` +${more}` : "");
}

export function stateOfDeployment({ status }: Pick<Deployment, "status">): State {
  return stateOf({ status: status === "unreachable" ? "failed" : status });
}

export function DeploymentState({ deployment }: { deployment: Deployment }) {
  const t = useText(environmentTexts);
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2">
      <StateBadge state={stateOfDeployment(deployment)} />
      {deployment.status === "unreachable" && (
        <span className="text-[13px] text-muted">{t("status.unreachable")}</span>
      )}
    </span>
  );
}

/** A release in two lines: what, and since when by whom. */
export function Release({ deployment }: { deployment: Deployment }) {
  const t = useText(environmentTexts);
  return (
    <span className="block min-w-0">
      <span className="block font-mono text-[13px] break-all">{releaseName(deployment)}</span>
      <span className="block text-[13px] text-muted">
        #{deployment.number} · <RelativeTime at={deployment.started_at} /> ·{" "}
        {t("by", { user: deployment.actor })}
      </span>
    </span>
  );
}
