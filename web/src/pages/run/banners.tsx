import { CircleCheck, type Clock, History, Hourglass } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { useLocale, useText } from "@/i18n";
import { formatDuration } from "@/ui/time";
import { useWhatText } from "./attempts";
import { nameOfTarget, type Run } from "./model";
import { hrefOfRun } from "./places";
import { texts } from "./texts";

function Banner({
  tone,
  icon: Icon,
  children,
  name,
}: {
  tone: string;
  icon: typeof Clock;
  children: ReactNode;
  name: string;
}) {
  return (
    <div data-banner={name} className={`flex items-start gap-2 rounded-lg px-3 py-2 ${tone}`}>
      <Icon aria-hidden size={17} className="mt-0.5 shrink-0" />
      <p className="min-w-0 grow break-words">{children}</p>
    </div>
  );
}

/** What one should know before one looks at the nodes. */
export function Banners({
  run,
  isPast,
  newestHref,
}: {
  run: Run;
  isPast: boolean;
  newestHref: string;
}) {
  const t = useText(texts);
  return (
    <div className="mb-3 space-y-2 empty:hidden">
      {isPast && (
        <Banner name="past" tone="bg-wait-soft text-wait" icon={History}>
          {t("past", { n: run.attempt })}{" "}
          <Link href={newestHref} className="font-medium underline underline-offset-2">
            {t("past.newest")}
          </Link>
        </Banner>
      )}
      {!isPast && run.status === "succeeded" && <Recovered run={run} />}
      {run.waits.map((wait) => (
        <Banner
          key={`${wait.kind}:${wait.node}`}
          name="wait"
          tone="bg-sunken text-text"
          icon={Hourglass}
        >
          {waitText(t, run, wait)}
          {wait.holders.map((holder) => (
            <span key={holder.run}>
              {" "}
              <Link
                href={hrefOfRun(run.project, holder.run)}
                className="text-accent underline underline-offset-2"
              >
                {holder.pipeline_name} #{holder.number}
              </Link>
            </span>
          ))}
        </Banner>
      ))}
    </div>
  );
}

function waitText(
  t: ReturnType<typeof useText<(typeof texts)["en"]>>,
  run: Run,
  wait: Run["waits"][number],
): string {
  const job = nameOfTarget(run, wait.node);
  const what = wait.kind === "queue" ? t("wait.queue") : t("wait.for", { name: wait.name });
  const ahead = wait.ahead > 0 ? t("wait.ahead", { n: wait.ahead }) : "";
  return [job, what, ahead].filter(Boolean).join(" · ");
}

/** It failed, was repaired, and is green: how, by whom, and what that saved. */
function Recovered({ run }: { run: Run }) {
  const t = useText(texts);
  const locale = useLocale();
  const what = useWhatText(run);
  const newest = run.attempts.at(-1);
  const { recovery } = run;
  if (!recovery) return null;
  const parts = [
    t("recovered.by", { actor: recovery.by }),
    newest && run.attempt > 1 ? what(newest) : "",
    run.waivers.length > 0 ? t("recovered.waived", { n: run.waivers.length }) : "",
    recovery.seconds_to_recover !== null
      ? t("recovered.after", { time: formatDuration(recovery.seconds_to_recover * 1000, locale) })
      : "",
    recovery.seconds_saved > 0
      ? t("plan.saves", { time: formatDuration(recovery.seconds_saved * 1000, locale) })
      : "",
  ];
  return (
    <Banner name="recovered" tone="bg-ok-soft text-ok" icon={CircleCheck}>
      {parts.filter(Boolean).join(" · ")}
    </Banner>
  );
}
