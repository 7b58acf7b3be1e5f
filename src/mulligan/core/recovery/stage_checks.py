"""May a stage be retried, or rolled back, where a pipeline has one run at a time?

The tables of spec/swr-pipeline-api.md §5.2 and §5.4, as contract-swr.md settles them.
"""

from msgspec.structs import replace

from mulligan.core.hold import Phase, failed_stage, is_held, phase_of
from mulligan.core.ids import StageId
from mulligan.core.recovered import last_act
from mulligan.core.recovery.request import RetryFacts
from mulligan.core.recovery.target import Target
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Run
from mulligan.core.spec import AfterFailure, StageSpec
from mulligan.core.status import Status


def has_failed(run: Run, stage: StageSpec) -> bool:
    """Tell whether work of the stage failed, also if that was ignored."""
    return any(run.job(job.id).status is Status.FAILED for job in stage.jobs)


def check_stage_retry(run: Run, target: Target, facts: RetryFacts) -> Refusal | None:
    """Say why the stage can't be retried together with all that follows it, if so."""
    if target.is_trigger or facts.was_reset:
        return _not_retryable(target.node, "it has not run since the definition changed")
    if facts.own_index is not None:
        run = replace(run, index=facts.own_index)
    stage = run.index.spec.stages[run.index.stages[StageId(target.node)]]
    phase = phase_of(run, facts.now)
    if phase is Phase.EXECUTING:
        return busy(run)
    if phase is Phase.PAUSED:
        return _check_paused(run, stage)
    return _check_ended(run, stage, facts)


def busy(run: Run) -> Refusal:
    """Refuse because work of the run is under way."""
    position = max(0, run.head.stage)
    stages = run.index.spec.stages
    where = f" stage {position} ({stages[position].name})" if stages else ""
    last = last_act(run)
    return Refusal(
        code=RefusalCode.RUN_BUSY,
        message=f"run {run.head.number} executes{where}; last: {last}",
        values=(run.head.attempts[-1].actor,),
        last=last,
        instead=("wait for its end", "stop the run"),
    )


def _check_paused(run: Run, stage: StageSpec) -> Refusal | None:
    current = run.index.spec.stages[run.head.stage]
    if stage.id == run.awaits_signals:
        return None  # begins without them
    if stage.id == current.id or has_failed(run, stage):
        return busy(run)
    return _not_retryable(stage.id, f"it is {run.stage(stage.id).status}")


def _check_ended(run: Run, stage: StageSpec, facts: RetryFacts) -> Refusal | None:
    head = run.head
    last = run.index.spec.stages[head.stage] if head.stage >= 0 else None
    record = run.stage(stage.id)
    for earlier in run.index.spec.stages[: run.index.stages[stage.id]]:
        status = run.stage(earlier.id).status
        if status not in {Status.SUCCEEDED, Status.SKIPPED}:  # it was only rolled back
            return _not_retryable(stage.id, f"stage {earlier.id} before it is {status}")
    if last is not None and stage.id == last.id:
        return _check_last(run, stage, facts)
    if not has_failed(run, stage) or record.status is not Status.SUCCEEDED:
        return _not_retryable(stage.id, "it has neither failed nor been cancelled last")
    if is_held(run, facts.now) or was_reset_by_failure(run):
        return _not_retryable(stage.id, "the run stands at another stage")
    return None  # its failure was ignored


def was_reset_by_failure(run: Run) -> bool:
    """Tell whether the run failed at a stage that sends the pipeline back to its start."""
    stage = failed_stage(run.head, run.index.spec)
    return stage is not None and stage.after_failure is AfterFailure.RESET


def _check_last(run: Run, stage: StageSpec, facts: RetryFacts) -> Refusal | None:
    head = run.head
    if head.is_rollback:
        return None  # deploys again what was taken back
    status = run.stage(stage.id).status
    if status not in {Status.FAILED, Status.CANCELLED} and not has_failed(run, stage):
        return _not_retryable(stage.id, f"it is {status}")
    failed = failed_stage(head, run.index.spec) is not None and head.released_at is None
    if failed and not is_held(run, facts.now):
        return _not_retryable(stage.id, "the time in which it could be retried is over")
    return None


def _not_retryable(node: str, why: str) -> Refusal:
    return Refusal(
        code=RefusalCode.NOT_RETRYABLE,
        message=f"stage {node} can't be retried: {why}",
        node=node,
        instead=("start the pipeline anew",),
    )
