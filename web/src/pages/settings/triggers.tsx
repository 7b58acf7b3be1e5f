import { useQuery } from "@tanstack/react-query";
import { Clock } from "lucide-react";
import { Link } from "wouter";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { usePaged } from "@/api/paged";
import { useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { Command } from "@/ui/copy";
import { Skeleton } from "@/ui/empty";
import { Loaded } from "@/ui/loaded";
import { Cell, Row } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import { Listed, Pill, Section } from "./parts";

const AT_ONCE = 20; // each pipeline is a call

export default function Triggers({ project }: { project: string }) {
  const t = useText(projectTexts);
  const list = usePaged(keys.pipelines(project, "triggers"), (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/pipelines", {
        params: { path: { project }, query: { cursor, limit: AT_ONCE } },
        signal,
      }),
    ),
  );
  return (
    <Section title={t("triggers")} hint={t("triggers.hint")}>
      <Listed
        list={list}
        label={t("triggers")}
        columns={[t("triggers.column.pipeline"), t("triggers")]}
        empty={{
          icon: Clock,
          title: t("triggers.empty"),
          hint: <Command>{`mulligan init && mulligan import --project ${project}`}</Command>,
        }}
        row={(pipeline) => (
          <Row key={pipeline.id}>
            <Cell className="w-1/2 min-w-40 align-top font-medium [overflow-wrap:anywhere]">
              <Link
                href={`/projects/${encodeURIComponent(project)}/pipelines/${pipeline.id}`}
                title={pipeline.name}
                className="line-clamp-3 py-0.5 hover:text-accent hover:underline"
              >
                {pipeline.name}
              </Link>
            </Cell>
            <Cell>
              <OfPipeline project={project} pipeline={pipeline.id} />
            </Cell>
          </Row>
        )}
      />
    </Section>
  );
}

function OfPipeline({ project, pipeline }: { project: string; pipeline: string }) {
  const t = useText(projectTexts);
  const query = useQuery({
    queryKey: keys.pipeline(pipeline, "triggers"),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/pipelines/{pipeline}/triggers", {
          params: { path: { project, pipeline } },
          signal,
        }),
      ),
  });
  return (
    <Loaded query={query} placeholder={<Skeleton className="h-6" />}>
      {({ items }) =>
        items.length === 0 ? (
          <span className="text-muted">{t("triggers.none")}</span>
        ) : (
          <ul className="space-y-1.5">
            {items.map((trigger) => (
              <One key={trigger.id} trigger={trigger} />
            ))}
          </ul>
        )
      }
    </Loaded>
  );
}

function One({ trigger }: { trigger: Schemas["TriggerView"] }) {
  const t = useText(projectTexts);
  const { kind, enabled, waits_for, next_at, last_at, last, name } = trigger;
  return (
    <li className="flex flex-wrap items-baseline gap-x-2">
      <Pill>{t(`triggers.kind.${kind}` as "triggers.kind.timer")}</Pill>
      <span className={enabled ? "" : "text-muted line-through"}>{name}</span>
      {waits_for.length > 0 && (
        <span className="font-mono text-[13px] break-all">{waits_for.join(", ")}</span>
      )}
      {!enabled && <span className="text-muted">{t("triggers.off")}</span>}
      {kind === "timer" && enabled && (
        <span className="text-[13px]">
          {t("triggers.next")}: <RelativeTime at={next_at} />
        </span>
      )}
      {last_at && (
        <span className="text-[13px] text-muted">
          {t("triggers.last")}: <RelativeTime at={last_at} /> {last}
        </span>
      )}
    </li>
  );
}
