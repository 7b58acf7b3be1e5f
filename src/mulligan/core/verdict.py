"""The result of a run's stages before its finally stage, whoever asks."""

from mulligan.core.cause import Cause
from mulligan.core.run import Run
from mulligan.core.status import Status


def counts(run: Run, run_attempt: int) -> bool:
    """Tell whether a record of that attempt of the run counts for the verdict (R8)."""
    return not run.head.settings.only_current_attempt or run_attempt == run.head.attempt


def base_verdict(run: Run) -> tuple[Status, Cause | None]:
    """Give the result of the stages before the finally stage: the first that is not good.

    Every stage counts, whichever attempt of the run it was last part of (R8), unless the run
    follows the upstream rule: then only stages of the current attempt do. A retry of nothing but
    the finally stage leaves the verdict of the others as it was, under both rules.
    """
    stages = [run.stage(spec.id) for spec in run.index.spec.stages if not spec.is_finally]
    current = [stage for stage in stages if counts(run, stage.run_attempt)]
    for stage in current or stages:
        if stage.status in {Status.FAILED, Status.CANCELLED}:
            return stage.status, stage.cause
    return Status.SUCCEEDED, None


_WORDS = {Status.FAILED: "FAILED", Status.CANCELLED: "CANCELED"}


def result_word(run: Run) -> str:
    """Give the result that a finally stage, or who hears of the end, may know; "" before that."""
    head = run.head
    if head.status.is_final:
        status, cause = head.status, head.cause
    elif head.stage >= 0 and run.index.spec.stages[head.stage].is_finally:
        status, cause = base_verdict(run)
    else:
        return ""
    if status is Status.FAILED and cause is Cause.REJECTED:
        return "STAGE_SUCCESS"
    return _WORDS.get(status, "SUCCEED")
