import { useQuery } from "@tanstack/react-query";
import { History, Undo2 } from "lucide-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useRefusal } from "@/api/rights";
import { useText } from "@/i18n";
import { environmentTexts } from "@/i18n/environments";
import { DeploymentState, Release } from "@/parts/deployment";
import { Button } from "@/ui/button";
import { useCommands } from "@/ui/commands";
import { usePageTitle } from "@/ui/head";
import { useKeys } from "@/ui/keys";
import { Loaded } from "@/ui/loaded";
import { PageHead } from "@/ui/page";
import { Details } from "./details";
import { HistoryTable } from "./history";
import { Progress } from "./progress";
import { type Asked, RollbackDialog } from "./rollback";
import { undoable } from "./undo";

type Environment = Schemas["EnvironmentView"];
type Deployment = Schemas["DeploymentView"];
const HISTORY = 100;

export default function EnvironmentPage({
  params: { project, environment },
}: {
  params: { project: string; environment: string };
}) {
  const path = { project, environment };
  const shown = useQuery({
    queryKey: keys.environments(project, environment),
    queryFn: ({ signal }) =>
      ok(api.GET("/projects/{project}/environments/{environment}", { params: { path }, signal })),
  });
  const history = useQuery({
    queryKey: keys.environments(project, environment, "history"),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/environments/{environment}/deployments", {
          params: { path, query: { limit: HISTORY } },
          signal,
        }),
      ),
  });
  return (
    <div className="mx-auto max-w-6xl">
      <Loaded query={shown}>
        {(found) => (
          <Loaded query={history}>
            {({ items }) => <Shown project={project} environment={found} history={items} />}
          </Loaded>
        )}
      </Loaded>
    </div>
  );
}

function Shown({
  project,
  environment,
  history,
}: {
  project: string;
  environment: Environment;
  history: readonly Deployment[];
}) {
  const t = useText(environmentTexts);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [run, setRun] = useState("");
  const [details, setDetails] = useState<Deployment | null>(null);
  const { name, live, gray, holder, driver } = environment;
  const undo = undoable(history);
  const refusal = useRefusal(project)("roll-back");
  const nothing = live === null && gray === null ? t("nothing-live") : undefined;
  const why = refusal ?? nothing ?? (holder ? t("why.under-way") : undefined);
  const canAsk = !why;
  usePageTitle(`${environment.application || name} · ${name}`);
  const bindings = useMemo(
    () => [{ key: "b", text: t("key.roll-back"), run: () => setAsked({}), enabled: canAsk }],
    [t, canAsk],
  );
  useKeys(bindings);
  const text = t("roll-back.previous");
  useCommands([{ id: "roll-back", text, icon: Undo2, key: "b", why, run: () => setAsked({}) }]);
  return (
    <>
      <PageHead
        crumbs={[
          { text: project, href: `/projects/${encodeURIComponent(project)}` },
          { text: t("title"), href: `/projects/${encodeURIComponent(project)}/environments` },
        ]}
        title={environment.application ? `${environment.application} · ${name}` : name}
        badge={
          <span className="rounded-full bg-sunken px-2 py-0.5 text-[13px] text-muted">
            {driver}
          </span>
        }
        actions={
          <Button icon={Undo2} variant="danger" why={why} onClick={() => setAsked({})}>
            {text}
          </Button>
        }
      />
      {run && <Progress project={project} run={run} environment={name} />}
      <dl className="mb-6 grid gap-3 sm:grid-cols-2">
        <Fact project={project} title={t("live")} deployment={live} />
        {gray && <Fact project={project} title={t("gray")} deployment={gray} />}
        {holder && <Fact project={project} title={t("under-way")} deployment={holder} />}
      </dl>
      {undo && !holder && (
        <div className="mb-6 flex flex-wrap items-center gap-3 rounded-lg bg-wait-soft p-3">
          <History aria-hidden size={18} className="text-wait" />
          <p className="min-w-0 grow">{t("undo.hint")}</p>
          <Button
            size="small"
            why={refusal}
            onClick={() => setAsked({ to: undo.id, isUndo: true })}
          >
            {t("undo", { number: String(undo.number) })}
          </Button>
        </div>
      )}
      <h2 className="mb-2 text-base font-semibold">{t("history")}</h2>
      <HistoryTable
        history={history}
        why={why}
        onRollBack={({ id }) => setAsked({ to: id })}
        onDetails={setDetails}
      />
      {asked && (
        <RollbackDialog
          project={project}
          environment={environment}
          asked={asked}
          onClose={() => setAsked(null)}
          onBegan={(began) => {
            setAsked(null);
            setRun(began);
          }}
        />
      )}
      {details && (
        <Details project={project} deployment={details} onClose={() => setDetails(null)} />
      )}
    </>
  );
}

function Fact({
  project,
  title,
  deployment,
}: {
  project: string;
  title: string;
  deployment: Deployment | null;
}) {
  const t = useText(environmentTexts);
  return (
    <div className="rounded-lg border border-line bg-surface p-4">
      <dt className="mb-1 flex items-center justify-between gap-2 text-[13px] font-medium text-muted">
        {title}
        {deployment && <DeploymentState deployment={deployment} />}
      </dt>
      <dd className="flex items-end gap-3">
        <div className="min-w-0 grow">
          {deployment ? (
            <Release deployment={deployment} />
          ) : (
            <span className="text-muted">{t("nothing-live")}</span>
          )}
        </div>
        {deployment && (
          <Link
            href={`/projects/${encodeURIComponent(project)}/runs/${deployment.run}`}
            className="inline-block py-0.5 text-accent hover:underline"
          >
            {t("run")}
          </Link>
        )}
      </dd>
    </div>
  );
}
