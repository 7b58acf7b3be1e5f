import { Check, CirclePause, Clock, Gauge, ShieldCheck, X } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { useChange } from "@/api/change";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useMe } from "@/api/session";
import { area, useText } from "@/i18n";
import { en } from "@/i18n/en/approvals";
import { zh } from "@/i18n/zh/approvals";
import { Button } from "@/ui/button";
import { asCommand, CopyAs } from "@/ui/copy";
import { Field, TextArea } from "@/ui/field";
import { LongText } from "@/ui/long-text";
import { RelativeTime } from "@/ui/time";
import { Groups } from "./groups";
import { isFilled, Parameter, sent, type Value } from "./parameter";

const texts = area(en, zh);
const ICONS = { pause: CirclePause, quality: Gauge };
const TALL = "h-[44px] grow sm:h-9 sm:grow-0"; // for thumbs

type Approval = Schemas["ApprovalView"];

interface Given {
  approve: boolean;
  comment: string;
  values: Record<string, Value>;
}

function bodyOf(approval: Approval, { approve, comment, values }: Given) {
  if (approval.kind === "pause") return { go_ahead: approve };
  const changed = approve ? sent(approval.parameters, values) : {};
  return { approve, suggestion: comment, values: changed };
}

function answer(approval: Approval, given: Given) {
  const { project, run, node, kind } = approval;
  const step = { params: { path: { project, run, step: node } } };
  if (kind === "pause") {
    const path = "/projects/{project}/runs/{run}/steps/{step}/resume";
    return ok(api.POST(path, { ...step, body: { go_ahead: given.approve } }));
  }
  const values = given.approve ? sent(approval.parameters, given.values) : {};
  const body = {
    approve: given.approve,
    suggestion: given.comment,
    values: values as Record<string, never>, // any JSON; the description can't say so
  };
  if (approval.path.includes("/stages/")) {
    return ok(
      api.POST("/projects/{project}/runs/{run}/stages/{stage}/answer", {
        params: { path: { project, run, stage: node } },
        body,
      }),
    );
  }
  return ok(api.POST("/projects/{project}/runs/{run}/steps/{step}/answer", { ...step, body }));
}

function words(kind: string, approve: boolean) {
  const act = approve ? "approve" : "reject";
  return kind === "pause" || kind === "quality" ? (`${act}.${kind}` as const) : (act as "approve");
}

/** One thing that waits: what it is, who is asked, and the answer. */
export function ApprovalCard({ approval }: { approval: Approval }) {
  const t = useText(texts);
  const run = `/projects/${encodeURIComponent(approval.project)}/runs/${approval.run}`;
  return (
    <li
      data-approval={approval.node}
      tabIndex={-1}
      aria-label={`${approval.pipeline_name} #${approval.number} › ${approval.name}`}
      className="rounded-lg border border-line bg-surface p-4"
    >
      <div className="flex flex-wrap items-baseline gap-x-2 gap-y-1">
        <h2 className="min-w-0 text-base font-semibold [overflow-wrap:anywhere]">
          <Link href={run} className="hover:text-accent hover:underline">
            {approval.pipeline_name} #{approval.number}
          </Link>
          <span className="text-muted"> › </span>
          {approval.name || approval.stage_name}
        </h2>
        <Kind kind={approval.kind} />
      </div>
      <p className="mt-0.5 flex flex-wrap gap-x-3 text-[13px] text-muted">
        <span className="font-mono">{approval.project}</span>
        <span>
          {t("asked", { user: approval.asked_by })} <RelativeTime at={approval.asked_at} />
        </span>
        {approval.due_at && (
          <span className="inline-flex items-center gap-1 text-wait">
            <Clock aria-hidden size={14} />
            {t("due")} <RelativeTime at={approval.due_at} />
          </span>
        )}
      </p>
      {approval.message && <LongText className="mt-2" text={approval.message} />}
      {approval.desc && <Described text={approval.desc} />}
      <Groups groups={approval.groups} />
      {approval.mine ? <Answer approval={approval} /> : <NotMine approval={approval} />}
    </li>
  );
}

/** What the review is about; of an event its page at the code host. */
function Described({ text }: { text: string }) {
  if (!/^https?:\/\/\S+$/.test(text)) {
    return <LongText className="mt-2" text={text} />;
  }
  return (
    <a
      href={text}
      rel="noreferrer"
      target="_blank"
      className="mt-2 block break-all text-accent underline underline-offset-2"
    >
      {text}
    </a>
  );
}

function Kind({ kind }: { kind: string }) {
  const t = useText(texts);
  const Icon = ICONS[kind as "pause"] ?? ShieldCheck;
  return (
    <span className="inline-flex h-6 items-center gap-1.5 rounded-full bg-wait-soft px-2 text-[13px] font-medium text-wait">
      <Icon aria-hidden size={14} />
      {t(`kind.${kind}` as "kind.pause")}
    </span>
  );
}

function NotMine({ approval }: { approval: Approval }) {
  const t = useText(texts);
  const { user } = useMe();
  const voted = approval.groups.some(({ votes }) => votes.some((vote) => vote.user === user));
  const why = t(voted ? "not-mine.voted" : "not-mine");
  return (
    <>
      <p className="mt-3 mb-2 text-muted">{why}</p>
      <div className="flex flex-wrap gap-2">
        <Button icon={Check} why={why} className={TALL}>
          {t(words(approval.kind, true))}
        </Button>
        <Button icon={X} why={why} className={TALL}>
          {t(words(approval.kind, false))}
        </Button>
      </div>
    </>
  );
}

function Answer({ approval }: { approval: Approval }) {
  const t = useText(texts);
  const [comment, setComment] = useState("");
  const [values, setValues] = useState<Record<string, Value>>({});
  const [isChecked, setIsChecked] = useState(false);
  const [last, setLast] = useState(true);
  const give = useChange((given: Given) => answer(approval, given), {
    done: t(last ? "done.yes" : "done.no"),
    old: [keys.approvals(), keys.run(approval.run), keys.runs(approval.project)],
  });
  const takesComment = approval.kind !== "pause";
  const lacksComment = approval.comment_required && !comment.trim();
  const missing = approval.parameters.filter((each) => !isFilled(each, values));

  function send(approve: boolean) {
    setIsChecked(true);
    setLast(approve);
    if (lacksComment || (approve && missing.length > 0)) return;
    give.mutate({ approve, comment: comment.trim(), values });
  }

  return (
    <div className="mt-3 border-t border-line pt-3">
      {approval.parameters.length > 0 && (
        <fieldset className="min-w-0">
          <legend className="mb-2 font-medium">{t("parameters")}</legend>
          <div className="grid grid-cols-1 gap-x-4 sm:grid-cols-2">
            {approval.parameters.map((parameter) => (
              <Parameter
                key={parameter.key}
                parameter={parameter}
                value={values[parameter.key]}
                error={
                  isChecked && missing.includes(parameter) ? t("parameter.required") : undefined
                }
                onChange={(value) => setValues((old) => ({ ...old, [parameter.key]: value }))}
              />
            ))}
          </div>
        </fieldset>
      )}
      {takesComment && (
        <Field
          label={t("comment")}
          required={approval.comment_required}
          error={isChecked && lacksComment ? t("comment.required") : undefined}
        >
          {(ids) => (
            <TextArea
              {...ids}
              rows={2}
              value={comment}
              onChange={(event) => setComment(event.target.value)}
            />
          )}
        </Field>
      )}
      <div className="flex flex-wrap items-center gap-2">
        <Button
          variant="primary"
          icon={Check}
          data-act="approve"
          busy={give.isPending && last}
          disabled={give.isPending}
          onClick={() => send(true)}
          className={TALL}
        >
          {t(words(approval.kind, true))}
        </Button>
        <Button
          variant="danger"
          icon={X}
          data-act="reject"
          busy={give.isPending && !last}
          disabled={give.isPending}
          onClick={() => send(false)}
          className={TALL}
        >
          {t(words(approval.kind, false))}
        </Button>
        <span className="basis-full sm:ml-auto sm:basis-auto">
          <CopyAs
            command={command(approval, comment)}
            curl={{
              method: "POST",
              path: approval.path,
              body: bodyOf(approval, { approve: true, comment, values }),
            }}
          />
        </span>
      </div>
    </div>
  );
}

function command({ run, node, kind, path, project }: Approval, comment: string): string {
  const place = path.includes("/stages/") ? ["--stage", node] : ["--step", node];
  const message = comment && kind !== "pause" ? ["--message", comment] : [];
  return asCommand("approve", run, ...place, "--project", project, ...message);
}
