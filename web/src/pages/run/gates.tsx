import { CirclePause, Hourglass } from "lucide-react";
import type { Schemas } from "@/api/client";
import { useText } from "@/i18n";
import { Button } from "@/ui/button";
import { CopyAs } from "@/ui/copy";
import { useProblemText } from "@/ui/loaded";
import { LongText } from "@/ui/long-text";
import { RelativeTime } from "@/ui/time";
import { AnswerForm } from "./answer-form";
import { type RunPath, useCall } from "./data";
import { commandOf } from "./places";
import { texts } from "./texts";

export type Waiting = Schemas["ApprovalView"];

const TITLES: Record<string, "gate.paused" | "gate.quality" | "gate.trigger"> = {
  pause: "gate.paused",
  quality: "gate.quality",
  "trigger-review": "gate.trigger",
};

/** What of the run waits for people, each with its buttons. */
export function Gates({ path, items }: { path: RunPath; items: readonly Waiting[] }) {
  return (
    <>
      {items.map((item) => (
        <Gate key={`${item.kind}:${item.node}`} path={path} item={item} />
      ))}
    </>
  );
}

function Gate({ path, item }: { path: RunPath; item: Waiting }) {
  const t = useText(texts);
  const isPause = item.kind === "pause";
  const Icon = isPause ? CirclePause : Hourglass;
  return (
    <section
      aria-label={item.name}
      data-gate={item.kind}
      className="rounded-lg border border-wait bg-surface p-4"
    >
      <h2 className="flex items-start gap-2 text-base font-semibold">
        <Icon aria-hidden size={19} className="mt-0.5 shrink-0 text-wait" />
        <span className="min-w-0 [overflow-wrap:anywhere]">
          {t(TITLES[item.kind] ?? "gate.review", { name: item.name || item.node })}
        </span>
      </h2>
      <p className="mt-1 text-[13px] text-muted">
        {t("gate.asked")} {item.asked_by} · <RelativeTime at={item.asked_at} />
        {item.due_at && (
          <>
            {" "}
            · {t("gate.due")} <RelativeTime at={item.due_at} />
          </>
        )}
      </p>
      {item.desc && <LongText className="mt-2" text={item.desc} />}
      <Groups item={item} />
      {isPause ? <Pause path={path} item={item} /> : <AnswerForm path={path} item={item} />}
    </section>
  );
}

function Groups({ item }: { item: Waiting }) {
  const t = useText(texts);
  return item.groups.map((group, index) => (
    <div key={group.id || String(index)} className="mt-2 text-[13px]">
      <p>
        <span className="font-medium">{group.name || t("gate.group", { n: index + 1 })}</span>{" "}
        <span className="text-muted">
          {t(
            group.state === "done"
              ? "gate.done"
              : group.state === "asked"
                ? "gate.now"
                : "gate.later",
          )}
          {group.reviewers.length > 0 && ` · ${group.reviewers.join(", ")}`}
        </span>
      </p>
      {group.votes.map((vote) => (
        <p key={vote.user} className="pl-3">
          {vote.approve ? "✓" : "✗"} {vote.user} {vote.comment && `“${vote.comment}”`}
        </p>
      ))}
    </div>
  ));
}

function Pause({ path, item }: { path: RunPath; item: Waiting }) {
  const t = useText(texts);
  const say = useProblemText();
  const call = useCall();
  const why = item.mine ? undefined : t("gate.not-mine");
  const resume = (go_ahead: boolean) => call.mutate({ path: item.path, body: { go_ahead } });
  return (
    <>
      {call.error && (
        <p role="alert" className="mt-2 rounded-md bg-bad-soft px-3 py-2 text-bad">
          {say(call.error)}
        </p>
      )}
      <div className="mt-3 flex flex-wrap items-center gap-2">
        <Button
          variant="primary"
          busy={call.isPending}
          why={why}
          data-continue
          onClick={() => resume(true)}
        >
          {t("gate.continue")}
        </Button>
        <Button variant="danger" why={why} disabled={call.isPending} onClick={() => resume(false)}>
          {t("gate.end")}
        </Button>
        <CopyAs
          command={commandOf({ ...path, mode: "resume", node: item.node }, "")}
          curl={{ method: "POST", path: item.path, body: { go_ahead: true } }}
        />
      </div>
      {why && <p className="mt-2 text-[13px] text-muted">{why}</p>}
    </>
  );
}
