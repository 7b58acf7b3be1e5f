import { ShieldCheck } from "lucide-react";
import { useMemo, useRef } from "react";
import { useApprovals } from "@/api/approvals";
import { area, useText } from "@/i18n";
import { en } from "@/i18n/en/approvals";
import { zh } from "@/i18n/zh/approvals";
import { useQueryState } from "@/state/query";
import { LinkButton } from "@/ui/button";
import { Command } from "@/ui/copy";
import { Empty } from "@/ui/empty";
import { usePageTitle } from "@/ui/head";
import { useKeys } from "@/ui/keys";
import { Loaded } from "@/ui/loaded";
import { PageHead } from "@/ui/page";
import { LinkTabs } from "@/ui/tabs";
import { ApprovalCard } from "./card";

const texts = area(en, zh);

const CHECK_IN = "check-in: { reviews: { flows: [ { reviewers: [ alice, bob ] } ] } }";

export default function Approvals() {
  const t = useText(texts);
  const [view] = useQueryState("view");
  const isMine = view !== "all";
  const query = useApprovals(isMine);
  const count = useApprovals(true).data?.items.length ?? 0;
  const list = useRef<HTMLUListElement>(null);
  useListKeys(list);
  usePageTitle(count > 0 ? `(${count}) ${t("title")}` : t("title"));
  return (
    <div className="mx-auto max-w-3xl">
      <PageHead title={t("title")} />
      <div className="mb-4">
        <LinkTabs
          label={t("views")}
          current={isMine ? "mine" : "all"}
          tabs={[
            {
              value: "mine",
              text: `${t("view.mine")}${count ? ` ${count}` : ""}`,
              href: "/approvals",
            },
            { value: "all", text: t("view.all"), href: "/approvals?view=all" },
          ]}
        />
      </div>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty
              icon={ShieldCheck}
              title={t(isMine ? "empty.mine" : "empty.all")}
              action={
                isMine && <LinkButton href="/approvals?view=all">{t("empty.mine.all")}</LinkButton>
              }
            >
              <p>{t(isMine ? "empty.mine.hint" : "empty.all.hint")}</p>
              {!isMine && <Command>{CHECK_IN}</Command>}
            </Empty>
          ) : (
            <ul ref={list} className="space-y-4">
              {items.map((approval) => (
                <ApprovalCard key={`${approval.run} ${approval.node}`} approval={approval} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </div>
  );
}

/** Walk through the cards with the keys, and answer the one that has the focus. */
function useListKeys(list: React.RefObject<HTMLUListElement | null>) {
  const t = useText(texts);
  const bindings = useMemo(() => {
    function cards() {
      return [...(list.current?.querySelectorAll<HTMLElement>("[data-approval]") ?? [])];
    }
    function chosen() {
      return document.activeElement?.closest<HTMLElement>("[data-approval]") ?? null;
    }
    function step(by: number) {
      const all = cards();
      const at = all.indexOf(chosen() as HTMLElement);
      all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]?.focus();
    }
    function press(what: string) {
      chosen()?.querySelector<HTMLButtonElement>(`[data-act=${what}]`)?.click();
    }
    return [
      { key: "j", text: t("key.next"), run: () => step(1) },
      { key: "k", text: t("key.previous"), run: () => step(-1) },
      { key: "a", text: t("key.approve"), run: () => press("approve") },
      { key: "x", text: t("key.reject"), run: () => press("reject") },
    ];
  }, [t, list]);
  useKeys(bindings);
}
