import type { Schemas } from "@/api/client";

type Deployment = Schemas["DeploymentView"];

const BROUGHT = new Set(["deploy", "promote", "base"]);

/**
 * What was live before the rollback that was the last act on an environment; null if the last act
 * was something else, or that can't be told from what is known of the history (newest first).
 */
export function undoable(history: readonly Deployment[]): Deployment | null {
  const done = history.filter(({ status }) => status === "succeeded");
  if (done[0]?.kind !== "rollback") return null;
  let live = "";
  for (const each of done.slice(1).reverse()) {
    if (BROUGHT.has(each.kind)) live = each.id;
    else if (each.kind === "rollback" && each.target) live = each.target;
  }
  if (!live || live === done[0].target) return null;
  return history.find(({ id }) => id === live) ?? null;
}
