import { useState } from "react";
import { Link } from "wouter";
import type { Schemas } from "@/api/client";
import { useLocale, useText } from "@/i18n";
import { stateOf } from "@/theme/status";
import { Select } from "@/ui/field";
import { Loaded } from "@/ui/loaded";
import { LongText } from "@/ui/long-text";
import { StateBadge } from "@/ui/status";
import { Duration, formatDuration, RelativeTime } from "@/ui/time";
import { AttemptComparison } from "./attempt-diff";
import { useChangeName } from "./change-list";
import { type RunPath, useAttempts } from "./data";
import { nameOfTarget, type Run } from "./model";
import { texts } from "./texts";

type Item = Schemas["AttemptItem"];

export function useWhatText(run: Run): (attempt: { what: string; target: string }) => string {
  const t = useText(texts);
  return ({ what, target }) => {
    const name = nameOfTarget(run, target) || (target ? target : t("whole-run"));
    if (what === "skip") return t("what.skip", { name });
    if (what === "rollback") return t("what.rollback", { name });
    return what === "retry" ? t("what.retry", { name }) : t("what.start");
  };
}

/** Who asked for each attempt, when and why, what it did; and two of them side by side. */
export function Attempts({
  path,
  run,
  href,
}: {
  path: RunPath;
  run: Run;
  href: (n: number) => string;
}) {
  const t = useText(texts);
  const query = useAttempts(path);
  const newest = run.attempts.length;
  const [pair, setPair] = useState<[number, number]>([Math.max(1, newest - 1), newest]);
  const choices = run.attempts.map(({ number }) => ({
    value: String(number),
    text: t("attempt.nth", { n: number }),
  }));
  return (
    <div className="space-y-5">
      <Loaded query={query}>
        {({ items }) => (
          <ol className="space-y-3">
            {[...items].reverse().map((item) => (
              <OneAttempt key={item.number} run={run} item={item} href={href(item.number)} />
            ))}
          </ol>
        )}
      </Loaded>
      {newest > 1 && (
        <div>
          <h2 className="mb-2 text-base font-semibold">{t("compare")}</h2>
          <div className="mb-3 flex max-w-md items-center gap-2">
            <Select
              aria-label={t("compare.before")}
              options={choices}
              value={String(pair[0])}
              onChange={(event) => setPair([Number(event.target.value), pair[1]])}
            />
            <span aria-hidden>→</span>
            <Select
              aria-label={t("compare.after")}
              options={choices}
              value={String(pair[1])}
              onChange={(event) => setPair([pair[0], Number(event.target.value)])}
            />
          </div>
          <AttemptComparison path={path} run={run} before={pair[0]} after={pair[1]} />
        </div>
      )}
    </div>
  );
}

function OneAttempt({ run, item, href }: { run: Run; item: Item; href: string }) {
  const t = useText(texts);
  const what = useWhatText(run);
  const locale = useLocale();
  return (
    <li className="rounded-lg border border-line bg-surface px-4 py-3" data-attempt={item.number}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Link href={href} className="font-semibold hover:text-accent hover:underline">
          {t("attempt.nth", { n: item.number })}
        </Link>
        <StateBadge
          state={stateOf({ status: item.status ?? run.status, cause: item.cause })}
          plain
        />
        <span>{what(item)}</span>
        <span className="text-muted">
          {item.actor} · <RelativeTime at={item.queued_at} /> ·{" "}
          <Duration from={item.started_at} to={item.ended_at} />
        </span>
      </div>
      {item.reason && <LongText className="mt-1" text={`“${item.reason}”`} />}
      <dl className="mt-1.5 grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-[13px]">
        <Names text={t("attempt.ran")} n={item.counts.ran} steps={item.ran} />
        <Names text={t("plan.keep")} n={item.counts.kept} steps={item.kept} />
        <Names text={t("plan.skip")} n={item.counts.skipped} steps={item.skipped} />
      </dl>
      <ChangedNames changes={item.changes} />
      {item.repairs.map((repair) => (
        <p key={repair.at} className="mt-1 text-[13px]">
          ↻ {what(repair)} · {repair.actor} · <RelativeTime at={repair.at} />
          {repair.reason && ` · “${repair.reason}”`}
          <ChangedNames changes={repair.changes} />
        </p>
      ))}
      {item.seconds_saved > 0 && (
        <p className="mt-1 text-[13px] text-ok">
          {t("plan.saves", { time: formatDuration(item.seconds_saved * 1000, locale) })}
        </p>
      )}
    </li>
  );
}

function ChangedNames({ changes }: { changes: Item["changes"] }) {
  const t = useText(texts);
  const nameOf = useChangeName();
  if (changes.length === 0) return null;
  const names = changes.slice(0, NAMED).map(nameOf);
  return (
    <span className="mt-1 block text-[13px] break-words" data-changed>
      {t("changes")}: {names.join(", ")}
      {changes.length > names.length && " …"}
    </span>
  );
}

const NAMED = 30;

function Names({
  text,
  n = 0,
  steps,
}: {
  text: string;
  n?: number;
  steps: readonly { id: string; name: string }[];
}) {
  if (n === 0) return null;
  const names = steps.slice(0, NAMED).map((step) => step.name);
  return (
    <>
      <dt className="whitespace-nowrap">
        {text} {n}
      </dt>
      <dd className="min-w-0 break-words text-muted">
        {names.join(", ")}
        {n > names.length && " …"}
      </dd>
    </>
  );
}
