/** Start a pipeline, retry a failed run: the two things that lists of them offer. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Play, RotateCcw } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { api, ok } from "@/api/client";
import { keys } from "@/api/keys";
import { useRefusal } from "@/api/rights";
import { useText } from "@/i18n";
import { runTexts } from "@/i18n/runs";
import { Button } from "@/ui/button";
import { useCommands } from "@/ui/commands";
import { toast } from "@/ui/toast";

const StartDialog = lazy(() => import("./start-dialog"));

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
      {open && (
        <Suspense>
          <StartDialog of={of} onClose={() => setOpen(false)} />
        </Suspense>
      )}
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

/** Retry what failed of a run; its page offers more. */
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
  return (
    <Button
      size="small"
      icon={RotateCcw}
      busy={retry.isPending}
      why={refusal("retry")}
      onClick={() => retry.mutate()}
    >
      {t("retry")}
    </Button>
  );
}
