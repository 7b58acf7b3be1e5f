import type { UseQueryResult } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { isNotFound, NetworkError, ProblemError } from "@/api/client";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { Button } from "./button";
import { Skeleton } from "./empty";
import { NothingHere } from "./nothing-here";

/** Say in the user's words what went wrong. */
export function useProblemText(): (error: unknown) => string {
  const t = useText(common);
  return (error) => {
    if (error instanceof ProblemError) {
      return error.message || t("error.server", { status: error.status });
    }
    if (error instanceof NetworkError) return t("error.network");
    return error instanceof Error ? error.message : String(error);
  };
}

/** An error where what failed would stand. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useText(common);
  const say = useProblemText();
  return (
    <div role="alert" className="flex items-start gap-3 rounded-lg bg-bad-soft p-4 text-text">
      <CircleAlert aria-hidden size={20} className="mt-0.5 shrink-0 text-bad" />
      <div className="min-w-0 grow">
        <p className="font-medium">{t("load.failed")}</p>
        <p className="break-words">{say(error)}</p>
      </div>
      {onRetry && (
        <Button size="small" onClick={onRetry}>
          {t("retry")}
        </Button>
      )}
    </div>
  );
}

/** Show what a query gives: grey places until then, the error if it failed, "nothing here" for 404. */
export function Loaded<T>({
  query,
  children,
  placeholder,
}: {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  placeholder?: ReactNode;
}) {
  const t = useText(common);
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) {
    if (isNotFound(query.error)) return <NothingHere />;
    return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  }
  return (
    <div role="status">
      <span className="sr-only">{t("loading")}</span>
      {placeholder ?? <Lines />}
    </div>
  );
}

function Lines() {
  return (
    <div className="space-y-3">
      <Skeleton className="h-10" />
      <Skeleton className="h-10" />
      <Skeleton className="h-10" />
    </div>
  );
}
