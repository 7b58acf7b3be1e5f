import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { API, api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useText } from "@/i18n";
import { Loaded } from "@/ui/loaded";
import type { RunPath } from "./data";
import { LogLines } from "./log-lines";
import { texts } from "./texts";

const LINES = 200;
const SPACING_MS = 500;

interface Props extends RunPath {
  step: string;
  name: string;
  attempt: number;
  /** It goes on: new lines are shown as they come. */
  running: boolean;
}

/** The last lines of the log of a step. */
export function StepLog({ project, run, step, name, attempt, running }: Props) {
  const t = useText(texts);
  const query = useQuery({
    queryKey: keys.run(run, "log", step, attempt),
    queryFn: async ({ signal }) => {
      const lines = (from: number, count: number): Promise<Schemas["LogPage"]> =>
        ok(
          api.GET("/projects/{project}/runs/{run}/steps/{step}/log", {
            params: { path: { project, run, step }, query: { attempt, from, count } },
            signal,
          }),
        ) as Promise<Schemas["LogPage"]>; // `from` asks for JSON
      const { total } = await lines(1, 0);
      return lines(Math.max(1, total - LINES + 1), LINES);
    },
    placeholderData: (old) => (old?.step === step && old.attempt === attempt ? old : undefined),
  });
  useFollowing({ project, run, step, attempt }, running);
  return (
    <Loaded query={query}>
      {(page) => <LogLines lines={page.lines} label={t("log.of", { step: name })} />}
    </Loaded>
  );
}

/** Read the lines anew when there are more of them. */
function useFollowing(
  { project, run, step, attempt }: RunPath & { step: string; attempt: number },
  running: boolean,
): void {
  const client = useQueryClient();
  useEffect(() => {
    if (!running) return;
    const path = `/projects/${encodeURIComponent(project)}/runs/${run}/steps/${step}/log`;
    const source = new EventSource(`${API}${path}?attempt=${attempt}&follow=true`);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const queryKey = keys.run(run, "log", step, attempt);
    source.onmessage = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void client.invalidateQueries({ queryKey });
      }, SPACING_MS);
    };
    source.addEventListener("end", () => source.close());
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [client, project, run, step, attempt, running]);
}
