import { useQuery } from "@tanstack/react-query";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useText } from "@/i18n";
import { environmentTexts } from "@/i18n/environments";
import { DeploymentState, Release } from "@/parts/deployment";
import { Dialog } from "@/ui/dialog";
import { Loaded } from "@/ui/loaded";

/** One deployment with its settings and what the driver applied. */
export function Details({
  project,
  deployment,
  onClose,
}: {
  project: string;
  deployment: Schemas["DeploymentView"];
  onClose: () => void;
}) {
  const t = useText(environmentTexts);
  const query = useQuery({
    queryKey: keys.environments(project, "deployment", deployment.id),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/deployments/{deployment}", {
          params: { path: { project, deployment: deployment.id } },
          signal,
        }),
      ),
  });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      wide
      place="side"
      title={t("details.title", { number: String(deployment.number) })}
      description={t("details.masked")}
    >
      <div className="mb-4 flex flex-wrap items-start justify-between gap-3">
        <Release deployment={deployment} />
        <DeploymentState deployment={deployment} />
      </div>
      <Loaded query={query}>
        {({ info, manifest, tries }) => (
          <>
            {tries > 1 && <p className="mb-3">{t("tries", { n: tries })}</p>}
            <Block title={t("details.settings")} text={pretty(info)} />
            <Block title={t("details.manifest")} text={manifest ?? ""} />
          </>
        )}
      </Loaded>
    </Dialog>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // a manifest of the user's
  }
}

function Block({ title, text }: { title: string; text: string }) {
  const t = useText(environmentTexts);
  return (
    <section className="mb-4" aria-label={title}>
      <h3 className="mb-1 font-medium">{title}</h3>
      {text ? (
        <pre className="rounded-md border border-line bg-sunken p-3 font-mono text-[13px] break-words whitespace-pre-wrap">
          {text}
        </pre>
      ) : (
        <p className="text-muted">{t("details.none")}</p>
      )}
    </section>
  );
}
