import { useQuery } from "@tanstack/react-query";
import { Inbox, RotateCcw } from "lucide-react";
import { Link } from "wouter";
import { useChange } from "@/api/change";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { usePaged } from "@/api/paged";
import { useRefusal } from "@/api/rights";
import { useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { useQueryState } from "@/state/query";
import { Button } from "@/ui/button";
import { asCommand, CopyAs } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Loaded } from "@/ui/loaded";
import { Cell, Row } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import { toast } from "@/ui/toast";
import { Listed, Pill } from "./parts";

const TONES: Record<string, string> = {
  open: "bg-wait-soft! text-wait!",
  done: "bg-ok-soft! text-ok!",
  refused: "bg-bad-soft! text-bad!",
};

interface Props {
  project: string;
  hook: string;
}

/** What a hook was delivered; one of them opens beside the list. */
export function Deliveries({ project, hook }: Props) {
  const t = useText(projectTexts);
  const [opened, setOpened] = useQueryState("delivery");
  const list = usePaged(keys.project(project, "hooks", hook, "deliveries"), (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/hooks/{hook}/deliveries", {
        params: { path: { project, hook }, query: { cursor } },
        signal,
      }),
    ),
  );
  return (
    <>
      <Listed
        list={list}
        label={t("hooks.deliveries")}
        columns={[
          t("deliveries.column.number"),
          t("deliveries.column.when"),
          t("deliveries.column.event"),
          t("deliveries.column.what"),
          t("deliveries.column.state"),
        ]}
        empty={{ icon: Inbox, title: t("deliveries.empty"), hint: t("deliveries.empty.hint") }}
        row={(each) => (
          <Row key={each.id}>
            <Cell>
              <button
                type="button"
                className="min-h-7 px-1 text-accent underline underline-offset-2"
                onClick={() => setOpened(String(each.id))}
              >
                {each.id}
              </button>
            </Cell>
            <Cell>
              <RelativeTime at={each.received_at} />
            </Cell>
            <Cell className="whitespace-nowrap">{each.event || "–"}</Cell>
            <Cell className="min-w-40">
              <span className="block break-words">{each.title}</span>
              <span className="block font-mono text-[13px] break-all text-muted">
                {each.ref} {each.commit.slice(0, 10)} {each.user}
              </span>
            </Cell>
            <Cell>
              <State delivery={each} />
            </Cell>
          </Row>
        )}
      />
      {opened && (
        <One project={project} hook={hook} delivery={opened} onClose={() => setOpened("")} />
      )}
    </>
  );
}

function State({ delivery }: { delivery: Schemas["DeliveryView"] }) {
  const t = useText(projectTexts);
  return (
    <>
      <Pill className={TONES[delivery.state]}>
        {t(`delivery.state.${delivery.state}` as "delivery.state.done")}
      </Pill>
      {delivery.reason && <span className="ml-2 text-[13px] text-muted">{delivery.reason}</span>}
    </>
  );
}

function One({
  project,
  hook,
  delivery,
  onClose,
}: Props & { delivery: string; onClose: () => void }) {
  const t = useText(projectTexts);
  const path = { project, hook, delivery };
  const why = useRefusal(project)("start");
  const query = useQuery({
    queryKey: keys.project(project, "hooks", hook, "delivery", delivery),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/hooks/{hook}/deliveries/{delivery}", {
          params: { path },
          signal,
        }),
      ),
  });
  const replay = useChange(
    () =>
      ok(
        api.POST("/projects/{project}/hooks/{hook}/deliveries/{delivery}/replay", {
          params: { path },
        }),
      ),
    {
      old: [keys.project(project, "hooks", hook), keys.runs(project)],
      onDone: ({ runs }) => toast("good", t("delivery.replayed", { n: runs.length })),
    },
  );
  return (
    <Dialog
      open
      onOpenChange={onClose}
      place="side"
      wide
      title={t("delivery.title", { number: delivery })}
      actions={
        <>
          <span className="mr-auto">
            <CopyAs
              command={asCommand("hook", "replay", hook, delivery, "--project", project)}
              curl={{
                method: "POST",
                path: `/projects/${project}/hooks/${hook}/deliveries/${delivery}/replay`,
              }}
            />
          </span>
          <Button
            icon={RotateCcw}
            why={why}
            busy={replay.isPending}
            onClick={() => replay.mutate(undefined)}
          >
            {t("delivery.replay")}
          </Button>
        </>
      }
    >
      <Loaded query={query}>{(found) => <Content project={project} delivery={found} />}</Loaded>
    </Dialog>
  );
}

function Content({ project, delivery }: { project: string; delivery: Schemas["DeliveryDetail"] }) {
  const t = useText(projectTexts);
  const box =
    "rounded-md border border-line bg-sunken p-3 font-mono text-[13px] break-all whitespace-pre-wrap";
  return (
    <>
      <p className="mb-3 flex flex-wrap items-center gap-2">
        <State delivery={delivery} />
        <RelativeTime at={delivery.received_at} />
        {delivery.replay_of !== null && (
          <span>{t("delivery.replay-of", { number: String(delivery.replay_of) })}</span>
        )}
      </p>
      <h3 className="mb-1 font-medium">{t("delivery.outcomes")}</h3>
      {delivery.outcomes.length === 0 && (
        <p className="mb-3 text-muted">{t("delivery.outcomes.none")}</p>
      )}
      <ul className="mb-4 space-y-1">
        {delivery.outcomes.map((outcome) => (
          <li key={outcome.pipeline + outcome.trigger}>
            <span className="font-mono text-[13px]">{outcome.pipeline}</span>{" "}
            {outcome.run ? (
              <Link
                href={`/projects/${encodeURIComponent(project)}/runs/${outcome.run}`}
                className="text-accent underline underline-offset-2"
              >
                {t("delivery.started")}
              </Link>
            ) : (
              <span className="text-muted">{outcome.reason}</span>
            )}
            {outcome.passed_over.map((each) => (
              <span key={each.trigger + each.filter} className="block pl-4 text-[13px] text-muted">
                {each.trigger}: {each.reason}
              </span>
            ))}
          </li>
        ))}
      </ul>
      <details className="mb-3">
        <summary className="min-h-7 font-medium">{t("delivery.headers")}</summary>
        <pre className={box}>
          {Object.entries(delivery.headers)
            .map(([name, value]) => `${name}: ${value}`)
            .join("\n")}
        </pre>
      </details>
      <details>
        <summary className="min-h-7 font-medium">{t("delivery.payload")}</summary>
        <pre className={box}>{delivery.payload}</pre>
      </details>
    </>
  );
}
