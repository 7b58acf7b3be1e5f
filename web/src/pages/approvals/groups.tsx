import { CircleCheck, CircleDashed, CircleX, Hourglass } from "lucide-react";
import type { Schemas } from "@/api/client";
import { area, useText } from "@/i18n";
import { en } from "@/i18n/en/approvals";
import { zh } from "@/i18n/zh/approvals";
import { RelativeTime } from "@/ui/time";

const texts = area(en, zh);
const LOOKS = {
  done: { icon: CircleCheck, colour: "text-ok" },
  asked: { icon: Hourglass, colour: "text-wait" },
  waiting: { icon: CircleDashed, colour: "text-idle" },
};

/** Who is asked, in order, and what they said. */
export function Groups({ groups }: { groups: readonly Schemas["ApprovalGroup"][] }) {
  const t = useText(texts);
  if (groups.length === 0) return null;
  return (
    <ol aria-label={t("groups")} className="mt-3 space-y-1.5">
      {groups.map((group, index) => {
        const { icon: Icon, colour } = LOOKS[group.state as "done"] ?? LOOKS.waiting;
        const people = group.reviewers.join(", ");
        return (
          <li key={group.id} className="flex items-start gap-2">
            <Icon aria-hidden size={16} className={`mt-0.5 shrink-0 ${colour}`} />
            <div className="min-w-0">
              {groups.length > 1 && (
                <span className="font-medium">
                  {group.name || t("group.number", { n: index + 1 })}{" "}
                </span>
              )}
              <span className="break-words">
                {t(group.reviewers.length > 1 ? "group.any" : "group.one", { people })}
              </span>
              <span className={`ml-2 text-[13px] ${colour}`}>
                {t(`group.${group.state}` as "group.done")}
              </span>
              {group.votes.map((vote) => (
                <p key={vote.user + vote.at} className="mt-0.5 text-[13px] break-words">
                  {vote.approve ? (
                    <CircleCheck aria-hidden size={14} className="mr-1 inline text-ok" />
                  ) : (
                    <CircleX aria-hidden size={14} className="mr-1 inline text-bad" />
                  )}
                  {vote.user} {t(vote.approve ? "vote.yes" : "vote.no")}{" "}
                  <RelativeTime at={vote.at} />
                  {vote.comment && <q className="ml-1">{vote.comment}</q>}
                </p>
              ))}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
