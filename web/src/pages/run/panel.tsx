import { clsx } from "clsx";
import { RefreshCw, RotateCcw, SkipForward, Undo2, X } from "lucide-react";
import { type FormEvent, type RefObject, useId, useState } from "react";
import { useText } from "@/i18n";
import { Button, IconButton } from "@/ui/button";
import { CopyAs } from "@/ui/copy";
import { Skeleton } from "@/ui/empty";
import { TextInput } from "@/ui/field";
import { Key } from "@/ui/keys";
import { useProblemText } from "@/ui/loaded";
import { RelativeTime } from "@/ui/time";
import { ChangeForm } from "./change-form";
import { NO_CHANGES, shownBody } from "./changes";
import type { Mode, Modes, RunPath } from "./data";
import type { Run } from "./model";
import { ModeChoice } from "./modes";
import { commandOf } from "./places";
import { Preview, RollbackPreview } from "./preview";
import { canChange, isRollback, type LastAct, type Recovery } from "./recovery";
import { texts } from "./texts";

interface Props {
  path: RunPath;
  run: Run;
  modes: Modes | undefined;
  recovery: Recovery;
  refs: { apply: RefObject<HTMLButtonElement | null>; reason: RefObject<HTMLInputElement | null> };
  /** A phone: the default way first, the others when asked for. */
  narrow: boolean;
  onClose?: () => void;
}

/** How the run can go on: the ways, what each would do exactly, and the button that does it. */
export function RecoveryPanel({ path, run, modes, recovery, refs, narrow, onClose }: Props) {
  const t = useText(texts);
  const say = useProblemText();
  const { mode, plan, rollback, problem } = recovery;
  const [changing, setChanging] = useState(false); // outlives a look at a way that takes none
  function submit(event: FormEvent) {
    event.preventDefault();
    if (recovery.stale) recovery.refresh();
    else recovery.apply();
  }
  return (
    <section
      aria-labelledby="recover"
      data-recovery
      className="rounded-lg border border-line bg-surface"
    >
      <header className="flex items-center gap-2 px-4 pt-3">
        <h2 id="recover" className="grow text-base font-semibold">
          {t("recover")}
        </h2>
        {onClose && (
          <IconButton size="small" icon={X} label={t("recover.close")} onClick={onClose} />
        )}
      </header>
      {modes ? (
        <form onSubmit={submit} className="px-4">
          <ModeChoice modes={modes} chosen={mode} onChoose={recovery.choose} folded={narrow} />
          {canChange(mode) && (
            <ChangeForm
              path={path}
              step={modes.step}
              draft={recovery.changes}
              onChange={recovery.setChanges}
              open={changing}
              onOpenChange={setChanging}
            />
          )}
          {mode && (
            <div className="mt-3 border-t border-line pt-3">
              {plan && !isRollback(mode) && <Preview plan={plan} run={run} />}
              {rollback && <RollbackPreview plan={rollback} />}
              {!plan && !rollback && problem === null && <Skeleton className="h-24" />}
            </div>
          )}
          {problem !== null && problem !== undefined && (
            <p role="alert" className="mt-2 rounded-md bg-bad-soft px-3 py-2 text-bad">
              {say(problem)}
            </p>
          )}
          {mode ? (
            <Doing path={path} recovery={recovery} refs={refs} />
          ) : (
            <p className="mt-3 text-muted">{t("recover.nothing")}</p>
          )}
        </form>
      ) : (
        <div className="p-4">
          <Skeleton className="h-40" />
        </div>
      )}
    </section>
  );
}

/** The same for a shell; secrets are named, not shown. */
function CopyCall({ path, mode, recovery }: { path: RunPath; mode: Mode; recovery: Recovery }) {
  const { plan, reason } = recovery;
  const draft = canChange(mode) ? recovery.changes : NO_CHANGES;
  const given = shownBody(draft, plan?.changes ?? []);
  const why = reason.trim() ? { reason: reason.trim() } : {};
  return (
    <CopyAs
      command={commandOf({ ...path, mode: mode.mode, node: mode.node }, reason, given.changes)}
      curl={{
        method: "POST",
        path: mode.request.path,
        body: { ...mode.request.body, ...given, ...why },
      }}
    />
  );
}

/** Who was faster. */
function Last({ act: { what, name, target, by, at } }: { act: LastAct }) {
  const t = useText(texts);
  const key = `what.${what}` as "what.retry";
  const word = key in texts.en ? t(key, { name: name || target || t("whole-run") }) : what;
  return (
    <span className="block" data-last>
      {t("stale.last", { what: word, by })} · <RelativeTime at={at} />
    </span>
  );
}

const ICONS = { retry: RotateCcw, skip: SkipForward, rollback: Undo2, resume: RotateCcw };

function Doing({ path, recovery, refs }: Pick<Props, "path" | "recovery" | "refs">) {
  const t = useText(texts);
  const id = useId();
  const { mode, plan, stale, reason } = recovery;
  if (!mode) return null;
  const kind = mode.mode.split("-")[0] as keyof typeof ICONS;
  const text =
    kind === "skip"
      ? t("do.skip", { n: plan?.counts.skip ?? 0 })
      : kind === "rollback"
        ? t("do.rollback")
        : t("do.retry", { n: plan?.counts.rerun ?? 0 });
  return (
    <div className="-mx-4 lg:sticky lg:bottom-0 rounded-b-lg bg-surface px-4 pb-4">
      <label htmlFor={id} className="mt-3 mb-1 block text-[13px] text-muted">
        {t(mode.needs_reason ? "reason.needed" : "reason")}
      </label>
      <TextInput
        id={id}
        ref={refs.reason}
        value={reason}
        required={mode.needs_reason}
        maxLength={4096}
        placeholder={t("reason.example")}
        onChange={(event) => recovery.setReason(event.target.value)}
      />
      {stale && (
        <p role="alert" className="mt-3 rounded-md bg-wait-soft px-3 py-2 text-wait">
          {t("stale.hint")}
          {recovery.last && <Last act={recovery.last} />}
        </p>
      )}
      <div className="mt-3 flex flex-wrap items-center gap-x-3 gap-y-2">
        <Button
          ref={refs.apply}
          type="submit"
          variant={stale ? "normal" : "primary"}
          icon={stale ? RefreshCw : ICONS[kind]}
          busy={recovery.busy}
          disabled={!stale && !plan && !recovery.rollback}
          data-apply
          className={clsx("h-[44px]! grow sm:h-10!", !stale && "text-base!")}
        >
          {stale ? t("stale") : text}
        </Button>
        <span className="hidden items-center gap-1.5 text-[13px] text-muted sm:inline-flex">
          <Key>Enter</Key>
        </span>
        <CopyCall path={path} mode={mode} recovery={recovery} />
      </div>
    </div>
  );
}
