import type { RefObject } from "react";
import { Link } from "wouter";
import { useText } from "@/i18n";
import type { Failure, Modes, RunPath } from "./data";
import { FailureHead, FailureLog } from "./failure";
import { FirstTime } from "./first-time";
import { Gates, type Waiting } from "./gates";
import type { Run } from "./model";
import { RecoveryPanel } from "./panel";
import { hrefOfRun } from "./places";
import type { Recovery } from "./recovery";
import { texts } from "./texts";

interface Props {
  path: RunPath;
  run: Run;
  failure: Failure | undefined;
  gates: readonly Waiting[];
  modes: Modes | undefined;
  recovery: Recovery;
  refs: { apply: RefObject<HTMLButtonElement | null>; reason: RefObject<HTMLInputElement | null> };
  /** The recovery panel is there. */
  open: boolean;
  onClose?: () => void;
  narrow: boolean;
}

/** Beside the graph, or above it on phones: what failed, what waits, how to go on. */
export function Side(props: Props) {
  const { path, run, failure, gates, open, narrow } = props;
  const t = useText(texts);
  const failed = failure?.node ? failure : undefined;
  return (
    <aside
      aria-label={t("side")}
      className="space-y-3 lg:sticky lg:top-14 lg:max-h-[calc(100dvh-4.5rem)] lg:overflow-y-auto"
    >
      {failed && (
        <div className="rounded-lg border border-bad bg-surface p-4">
          <FailureHead failure={failed} project={path.project} />
          {narrow && failed.log && (
            <div className="mt-2 [&>section]:max-h-60">
              <FailureLog failure={failed} />
              <Link
                href={hrefOfRun(
                  path.project,
                  path.run,
                  `/log?step=${failed.log.step}&attempt=${failed.log.attempt}`,
                )}
                className="mt-1 inline-flex min-h-[44px] items-center text-accent underline underline-offset-2"
              >
                {t("log.open")}
              </Link>
            </div>
          )}
        </div>
      )}
      <Gates path={path} items={gates} />
      {open && (
        <RecoveryPanel
          path={path}
          run={run}
          modes={props.modes}
          recovery={props.recovery}
          refs={props.refs}
          narrow={narrow}
          onClose={props.onClose}
        />
      )}
      {open && failed && <FirstTime />}
    </aside>
  );
}
