/** Rolling back: what it would do and what changes by it, and then doing exactly that. */
import { useQuery } from "@tanstack/react-query";
import { ArrowRight, ShieldCheck, TriangleAlert, Undo2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useChange } from "@/api/change";
import { api, ok, ProblemError, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { environmentTexts } from "@/i18n/environments";
import { Release } from "@/parts/deployment";
import { Button } from "@/ui/button";
import { asCommand, CopyAs } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Field, TextInput } from "@/ui/field";
import { Loaded, useProblemText } from "@/ui/loaded";
import { Difference } from "./difference";

export interface Asked {
  /** Id of the deployment to restore; the one before the live one if absent. */
  to?: string;
  isUndo?: boolean;
}

type Plan = Schemas["RollbackPlanView"];
const STALE = 412;

interface Props {
  project: string;
  environment: Schemas["EnvironmentView"];
  asked: Asked;
  onClose: () => void;
  /** The id of the run in which it goes on. */
  onBegan: (run: string) => void;
}

export function RollbackDialog({ project, environment, asked, onClose, onBegan }: Props) {
  const t = useText(environmentTexts);
  const c = useText(common);
  const [reason, setReason] = useState("");
  const path = { project, environment: environment.id };
  const to = asked.to ?? null;
  const query = useQuery({
    queryKey: ["rollback-plan", environment.id, to], // not made old by events: it is what was read
    queryFn: ({ signal }) =>
      ok(
        api.POST("/projects/{project}/environments/{environment}/rollback/plan", {
          params: { path },
          body: { to },
          signal,
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnReconnect: false,
  });
  const apply = useChange(
    ({ etag }: Plan) =>
      ok(
        api.POST("/projects/{project}/environments/{environment}/rollback", {
          params: { path },
          headers: { "If-Match": etag },
          body: { to, reason },
        }),
      ),
    {
      done: t("roll-back.began"),
      old: [keys.environments(project)],
      onDone: ({ id }) => onBegan(id),
      quiet: true,
    },
  );
  const plan = query.data;
  const isStale = apply.error instanceof ProblemError && apply.error.status === STALE;

  function planAgain() {
    apply.reset();
    void query.refetch();
  }

  return (
    <Dialog
      open
      onOpenChange={onClose}
      wide
      title={t(asked.isUndo ? "plan.undo-title" : "plan.title", { environment: environment.name })}
      actions={
        <>
          <span className="mr-auto">
            <Copies {...{ project, environment, plan, to, reason }} />
          </span>
          <Button size="thumb" onClick={onClose}>
            {c("cancel")}
          </Button>
          {isStale ? (
            <Button variant="primary" size="thumb" busy={query.isFetching} onClick={planAgain}>
              {t("plan.again")}
            </Button>
          ) : (
            <Button
              variant="primary"
              size="thumb"
              icon={Undo2}
              disabled={!plan}
              busy={apply.isPending}
              onClick={() => plan && apply.mutate(plan)}
            >
              {plan?.action === "rollback"
                ? t("roll-back.do", { number: String(plan.restores.number) })
                : t(plan ? "roll-back.do.abort" : "roll-back")}
            </Button>
          )}
        </>
      }
    >
      {query.error ? <Refused error={query.error} /> : null}
      {!query.error && (
        <Loaded query={query}>
          {(found) => (
            <>
              <PlanView project={project} plan={found} />
              <Field label={t("reason")} hint={t("reason.hint")}>
                {(ids) => (
                  <TextInput
                    {...ids}
                    value={reason}
                    onChange={(event) => setReason(event.target.value)}
                  />
                )}
              </Field>
            </>
          )}
        </Loaded>
      )}
      {isStale && <Note tone="text-bad">{t("plan.stale")}</Note>}
      {apply.error && !isStale ? <Refused error={apply.error} /> : null}
    </Dialog>
  );
}

function Copies({
  project,
  environment,
  plan,
  to,
  reason,
}: Pick<Props, "project" | "environment"> & {
  plan: Plan | undefined;
  to: string | null;
  reason: string;
}) {
  const words = ["rollback", "--env", environment.name, "--project", project];
  if (plan?.action === "rollback") words.push("--to", String(plan.restores.number));
  if (reason) words.push("--reason", reason);
  return (
    <CopyAs
      command={asCommand(...words)}
      curl={{
        method: "POST",
        path: `/projects/${project}/environments/${environment.id}/rollback`,
        body: { to, reason },
      }}
    />
  );
}

function Refused({ error }: { error: unknown }) {
  const t = useText(environmentTexts);
  const say = useProblemText();
  const instead = error instanceof ProblemError ? (error.problem.instead ?? []) : [];
  return (
    <div role="alert" className="rounded-lg bg-bad-soft p-4">
      <p className="font-medium">{t("plan.refused")}</p>
      <p className="break-words">{say(error)}</p>
      {instead.length > 0 && (
        <ul className="mt-1 list-disc pl-5">
          {instead.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function PlanView({ project, plan }: { project: string; plan: Plan }) {
  const t = useText(environmentTexts);
  const { live } = plan.environment;
  const isAbort = plan.action !== "rollback";
  return (
    <>
      <div className="grid items-center gap-2 sm:grid-cols-[1fr_auto_1fr]">
        <Side title={t("plan.from")}>{live && <Release deployment={live} />}</Side>
        <ArrowRight aria-hidden size={18} className="mx-auto rotate-90 text-muted sm:rotate-0" />
        <Side title={t(isAbort ? "plan.gone" : "plan.to")}>
          <Release deployment={plan.restores} />
        </Side>
      </div>
      {isAbort && <Note tone="text-wait">{t("plan.abort")}</Note>}
      {!isAbort && live && <Difference project={project} from={live.id} to={plan.restores.id} />}
      <section className="my-4 space-y-1.5">
        {plan.cuts.length > 0 ? (
          <Note tone="text-wait">
            {t("plan.cuts")}: {plan.cuts.map(({ name }) => name).join(", ")}
          </Note>
        ) : (
          <p className="text-muted">{t("plan.cuts.none")}</p>
        )}
        <p>
          {t("plan.how", { attempt: String(plan.run_attempt), stage: plan.stage.name })}{" "}
          {plan.version > 0 && t("plan.newer", { version: String(plan.version) })}
        </p>
        <p className="flex items-start gap-2">
          <ShieldCheck aria-hidden size={16} className="mt-0.5 shrink-0 text-ok" />
          <span>
            {t("plan.guard")} {live && t("plan.back", { number: String(live.number) })}
          </span>
        </p>
      </section>
    </>
  );
}

function Side({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="rounded-lg border border-line p-3">
      <p className="mb-1 text-[13px] font-medium text-muted">{title}</p>
      {children}
    </div>
  );
}

function Note({ tone, children }: { tone: string; children: ReactNode }) {
  return (
    <p role="alert" className={`my-2 flex items-start gap-2 font-medium ${tone}`}>
      <TriangleAlert aria-hidden size={16} className="mt-0.5 shrink-0" />
      <span>{children}</span>
    </p>
  );
}
