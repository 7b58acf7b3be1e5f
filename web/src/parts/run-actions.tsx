/** Start a pipeline, retry a failed run: the two things that lists of them offer. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ChevronDown, Play, RotateCcw } from "lucide-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { api, ok } from "@/api/client";
import { keys } from "@/api/keys";
import { type Permission, useRefusal } from "@/api/rights";
import { useText } from "@/i18n";
import { runTexts } from "@/i18n/runs";
import { Button, IconButton } from "@/ui/button";
import { useCommands } from "@/ui/commands";
import { Menu, MenuItem } from "@/ui/menu";
import { part, useBegun } from "@/ui/part";
import { toast } from "@/ui/toast";

const StartDialog = part(async () => (await import("./start-dialog")).default);
const PARTS = [StartDialog];

export interface PipelineName {
  project: string;
  pipeline: string;
  name: string;
}

const NONE: [] = [];

export function StartButton({ of, primary = false }: { of: PipelineName; primary?: boolean }) {
  const t = useText(runTexts);
  const refusal = useRefusal(of.project);
  const [open, setOpen] = useState(false);
  useBegun(PARTS);
  const run = () => setOpen(true);
  const why = refusal("start");
  useCommands(primary ? [{ id: "start", text: t("run"), icon: Play, why, run }] : NONE);
  return (
    <>
      <Button
        size={primary ? "normal" : "small"}
        variant={primary ? "primary" : "normal"}
        icon={Play}
        data-start
        why={why}
        onClick={run}
      >
        {t("run")}
      </Button>
      {open && <StartDialog of={of} onClose={() => setOpen(false)} />}
    </>
  );
}

/** Run the failed jobs of the stage again at which a run failed; all else is kept. */
async function retryFailed(project: string, run: string) {
  const params = { path: { project, run } };
  const { stages } = await ok(api.GET("/projects/{project}/runs/{run}", { params }));
  const failed = stages.filter((stage) => stage.status === "failed");
  const first = failed.find((stage) => !stage.is_finally) ?? failed[0];
  const body = first ? { target: first.id, only_failed: true } : {};
  return ok(api.POST("/projects/{project}/runs/{run}/recovery/apply", { params, body }));
}

/** All ways to recover, and what each takes. */
const WAYS: readonly [mode: string, permission: Permission][] = [
  ["retry-step", "retry"],
  ["retry-job", "retry"],
  ["retry-failed", "retry"],
  ["retry-stage", "retry"],
  ["retry-run", "retry"],
  ["skip-step", "skip"],
  ["skip-failed", "skip"],
  ["rollback-stage", "roll-back"],
];

/** Retry what failed of a run at once; the other ways are chosen on its page, with their plan. */
export function RetryButton({
  project,
  run,
}: {
  project: string;
  run: { id: string; number: number };
}) {
  const t = useText(runTexts);
  const client = useQueryClient();
  const refusal = useRefusal(project);
  const retry = useMutation({
    mutationFn: () => retryFailed(project, run.id),
    onSuccess: ({ run: { attempt } }) => {
      toast("good", t("retry.done", { n: String(run.number), attempt }));
      void client.invalidateQueries({ queryKey: keys.run(run.id) });
      void client.invalidateQueries({ queryKey: keys.project(project) });
    },
  });
  const [, navigate] = useLocation();
  const page = `/projects/${encodeURIComponent(project)}/runs/${run.id}`;
  return (
    <span className="inline-flex">
      <Button
        size="small"
        icon={RotateCcw}
        busy={retry.isPending}
        why={refusal("retry")}
        onClick={() => retry.mutate()}
        className="rounded-r-none!"
      >
        {t("retry")}
      </Button>
      <Menu
        trigger={
          <IconButton
            size="small"
            variant="normal"
            icon={ChevronDown}
            label={t("ways", { n: String(run.number) })}
            className="rounded-l-none! border-l-0!"
          />
        }
      >
        {WAYS.map(([mode, permission]) => (
          <MenuItem
            key={mode}
            why={refusal(permission)}
            onSelect={() => navigate(`${page}?recover=${mode}`)}
          >
            {t(`way.${mode}` as "way.retry-run")}
          </MenuItem>
        ))}
      </Menu>
    </span>
  );
}
