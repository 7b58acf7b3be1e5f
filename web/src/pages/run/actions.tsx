import { useMutation, useQueryClient } from "@tanstack/react-query";
import {
  CircleStop,
  Download,
  FileCode,
  Link2,
  type LucideIcon,
  MessageSquareText,
  RotateCcw,
  Terminal,
  TestTubeDiagonal,
} from "lucide-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { API, api, ok } from "@/api/client";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { CommandMenu, useCopying } from "@/parts/command-menu";
import { Button } from "@/ui/button";
import type { Command } from "@/ui/commands";
import { asCommand, asCurl } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { TextArea } from "@/ui/field";
import { toast } from "@/ui/toast";
import { type RunPath, useCall } from "./data";
import { isOver, type Run } from "./model";
import { hrefOfRun } from "./places";
import { texts } from "./texts";
import type { Whys } from "./use-page";

const MASKED = "******";

interface Props {
  path: RunPath;
  run: Run;
  /** How many steps the chosen retry would run. */
  count: number | null;
  onRetry: () => void;
  stop: { asked: boolean; ask: (asked: boolean) => void };
  why: Whys;
}

/** The buttons of the head: retry, stop, and what is needed less often. */
export function Actions({ path, run, count, onRetry, stop, why }: Props) {
  const t = useText(texts);
  const [remark, setRemark] = useState(false);
  const [rebuild, setRebuild] = useState(false);
  return (
    <>
      {!isOver(run) && (
        <Button variant="danger" icon={CircleStop} why={why.stop} onClick={() => stop.ask(true)}>
          {t("stop")}
        </Button>
      )}
      <Button icon={RotateCcw} why={why.retry} onClick={onRetry} data-retry>
        {count ? t("retry.count", { n: count }) : t("retry")}
      </Button>
      <More
        path={path}
        run={run}
        why={why}
        onRemark={() => setRemark(true)}
        onRebuild={() => setRebuild(true)}
      />
      <StopDialog path={path} run={run} open={stop.asked} onOpenChange={stop.ask} />
      {remark && <RemarkDialog path={path} run={run} onClose={() => setRemark(false)} />}
      {rebuild && <RebuildDialog run={run} onClose={() => setRebuild(false)} />}
    </>
  );
}

type MoreProps = Pick<Props, "path" | "run" | "why"> & {
  onRemark: () => void;
  onRebuild: () => void;
};

/** What is needed less often, in groups: for the menu, and for the palette. */
function useLessOften({ path, run, why, onRemark, onRebuild }: MoreProps): Command[][] {
  const t = useText(texts);
  const call = `/projects/${path.project}/runs/${path.run}`;
  const definition = `/projects/${path.project}/pipelines/${run.pipeline}/definition`;
  const copied = useCopying();
  const copying = (id: "link" | "command" | "curl", icon: LucideIcon, text: () => string) => ({
    id: `copy:${id}`,
    icon,
    text: t(`copy.${id}`),
    run: () => void copied(text()),
  });
  const address = () => new URL(hrefOfRun(path.project, path.run).slice(1), document.baseURI).href;
  return [
    [
      {
        id: "rebuild",
        icon: RotateCcw,
        text: t("rebuild"),
        hint: t("rebuild.hint"),
        why: why.rebuild,
        run: onRebuild,
      },
      {
        id: "remark",
        icon: MessageSquareText,
        text: t("remark"),
        why: why.remark,
        run: onRemark,
      },
    ],
    [
      copying("link", Link2, address),
      copying("command", Terminal, () => asCommand("show", path.run, "--project", path.project)),
      copying("curl", TestTubeDiagonal, () => asCurl({ method: "GET", path: call })),
    ],
    [
      {
        id: "definition",
        icon: FileCode,
        text: t("definition"),
        run: () => open(`${API}${definition}?version=${run.version}&format=yaml`),
      },
      {
        id: "log.download",
        icon: Download,
        text: t("log.download"),
        run: () => open(`${API}${call}/log/download`),
      },
    ],
  ];
}

function More(props: MoreProps) {
  return <CommandMenu groups={useLessOften(props)} />;
}

function StopDialog({
  path,
  run,
  open,
  onOpenChange,
}: {
  path: RunPath;
  run: Run;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const t = useText(texts);
  const c = useText(common);
  const call = useCall();
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={t("stop.title", { number: run.number })}
      description={t("stop.hint")}
      actions={
        <>
          <Button onClick={() => onOpenChange(false)}>{c("cancel")}</Button>
          <Button
            variant="danger"
            icon={CircleStop}
            busy={call.isPending}
            autoFocus
            onClick={() =>
              call.mutate(
                { path: `/projects/${path.project}/runs/${path.run}/stop`, body: undefined },
                {
                  onSuccess: () => onOpenChange(false),
                  onError: (error) => toast("bad", error.message),
                },
              )
            }
          >
            {t("stop")}
          </Button>
        </>
      }
    />
  );
}

function RemarkDialog({ path, run, onClose }: { path: RunPath; run: Run; onClose: () => void }) {
  const t = useText(texts);
  const c = useText(common);
  const call = useCall();
  const [text, setText] = useState(run.remark);
  function save(): void {
    call.mutate(
      {
        method: "PUT",
        path: `/projects/${path.project}/runs/${path.run}/remark`,
        body: { remark: text.trim() },
      },
      { onSuccess: onClose, onError: (error) => toast("bad", error.message) },
    );
  }
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t("remark")}
      actions={
        <>
          <Button onClick={onClose}>{c("cancel")}</Button>
          <Button variant="primary" busy={call.isPending} onClick={save}>
            {t("save")}
          </Button>
        </>
      }
    >
      <TextArea
        aria-label={t("remark")}
        autoFocus
        maxLength={4096}
        rows={4}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </Dialog>
  );
}

function RebuildDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const t = useText(texts);
  const c = useText(common);
  const [, navigate] = useLocation();
  const client = useQueryClient();
  // what a retry has changed is no part of a new run
  const first = run.parameters.map(({ name, value, started_with }) => ({
    name,
    value: started_with ?? value,
  }));
  const known = first.filter((each) => each.value !== MASKED);
  const hidden = run.parameters.length - known.length;
  const start = useMutation({
    mutationFn: () =>
      ok(
        api.POST("/projects/{project}/pipelines/{pipeline}/runs", {
          params: { path: { project: run.project, pipeline: run.pipeline } },
          body: {
            values: Object.fromEntries(known.map((each) => [each.name, each.value])) as never,
          },
        }),
      ),
    onSuccess: (started) => {
      void client.invalidateQueries();
      onClose();
      navigate(hrefOfRun(run.project, started.id));
    },
  });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t("rebuild")}
      description={t("rebuild.about", { n: known.length })}
      actions={
        <>
          <Button onClick={onClose}>{c("cancel")}</Button>
          <Button variant="primary" busy={start.isPending} onClick={() => start.mutate()} autoFocus>
            {t("rebuild")}
          </Button>
        </>
      }
    >
      {hidden > 0 && <p className="text-muted">{t("rebuild.hidden", { n: hidden })}</p>}
    </Dialog>
  );
}
