import { FileText, MoreHorizontal, Undo2 } from "lucide-react";
import type { Schemas } from "@/api/client";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { environmentTexts } from "@/i18n/environments";
import { DeploymentState, releaseName } from "@/parts/deployment";
import { IconButton } from "@/ui/button";
import { Menu, MenuItem } from "@/ui/menu";
import { Cell, Head, Row, Table } from "@/ui/table";
import { Duration, RelativeTime } from "@/ui/time";

type Deployment = Schemas["DeploymentView"];

const BROUGHT = new Set(["deploy", "promote", "base"]); // an act that brought a release

interface Props {
  history: readonly Deployment[];
  /** Why nothing can be rolled back now. */
  why: string | undefined;
  onRollBack: (deployment: Deployment) => void;
  onDetails: (deployment: Deployment) => void;
}

/** All that was done to an environment, newest first. */
export function HistoryTable({ history, why, onRollBack, onDetails }: Props) {
  const t = useText(environmentTexts);
  const c = useText(common);
  const numbers = new Map(history.map(({ id, number }) => [id, number]));
  if (history.length === 0) return <p className="text-muted">{t("history.empty")}</p>;
  return (
    <Table label={t("history")}>
      <thead>
        <tr>
          <Head>{t("column.number")}</Head>
          <Head>{t("column.what")}</Head>
          <Head>{t("column.state")}</Head>
          <Head>{t("column.release")}</Head>
          <Head>{t("column.started")}</Head>
          <Head>{t("column.took")}</Head>
          <Head>{t("column.by")}</Head>
          <Head>
            <span className="sr-only">{t("column.actions")}</span>
          </Head>
        </tr>
      </thead>
      <tbody>
        {history.map((each) => {
          const target = each.target ? numbers.get(each.target) : undefined;
          const isGoal = !each.is_live && each.status === "succeeded" && BROUGHT.has(each.kind);
          return (
            <Row key={each.id} data-deployment={each.number}>
              <Cell className="tabular-nums">{each.number}</Cell>
              <Cell className="whitespace-nowrap">
                {t(`kind.${each.kind}` as "kind.deploy")}
                {target !== undefined && ` ${t("restored", { number: String(target) })}`}
                {each.is_live && (
                  <span className="ml-2 rounded-full bg-ok-soft px-2 py-0.5 text-[13px] font-medium text-ok">
                    {t("live")}
                  </span>
                )}
              </Cell>
              <Cell>
                <DeploymentState deployment={each} />
              </Cell>
              <Cell className="min-w-40 font-mono text-[13px] break-all">{releaseName(each)}</Cell>
              <Cell>
                <RelativeTime at={each.started_at} />
              </Cell>
              <Cell>
                <Duration from={each.started_at} to={each.ended_at} />
              </Cell>
              <Cell>{each.actor}</Cell>
              <Cell className="text-right">
                <Menu trigger={<IconButton size="small" label={c("more")} icon={MoreHorizontal} />}>
                  {isGoal && (
                    <MenuItem icon={Undo2} why={why} onSelect={() => onRollBack(each)}>
                      {t("roll-back.here")}
                    </MenuItem>
                  )}
                  <MenuItem icon={FileText} onSelect={() => onDetails(each)}>
                    {t("details")}
                  </MenuItem>
                </Menu>
              </Cell>
            </Row>
          );
        })}
      </tbody>
    </Table>
  );
}
