"""How long a recovery will probably take, and where it will stop for people. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from mulligan.core.durations import quantile
from mulligan.core.flow.judge import is_enabled, is_on
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.recovery.plan import Action, Plan
from mulligan.core.run import Run
from mulligan.core.spec import REVIEW, SpecIndex, StageSpec


def stops(plan: Plan, run: Run) -> Iterator[StageId | StepId]:
    """Yield the stages and steps that people are asked about before they begin, in order."""
    for stage in run.index.spec.stages:
        if not is_on(run, stage):
            continue
        asks = stage.review is not None and stage.id not in plan.approvals_kept
        if asks and plan.stages[stage.id].action is Action.RERUN:
            yield stage.id
        jobs = (job for job in run.index.jobs_of(stage) if is_on(run, job))
        for step in (step for job in jobs for step in job.steps if is_enabled(run, step)):
            node = plan.steps.get(step.id)
            if (step.kind == REVIEW or step.pause_before) and node and node.action is Action.RERUN:
                yield step.id


def usual_seconds(run: Run, past: Mapping[StepId, Sequence[float]]) -> dict[StepId, float]:
    """Give what steps usually take, in seconds; of one that never went well what it took here.

    Args:
        past: What they took when they went well, by all that are asked about.
    """
    found = {}
    for step_id, took in past.items():
        usual = quantile(took, 0.5)
        step = run.steps.get(step_id)
        if usual is None and step and step.started_at and step.ended_at:
            usual = (step.ended_at - step.started_at).total_seconds()
        if usual is not None:
            found[step_id] = usual
    return found


def expected_seconds(plan: Plan, index: SpecIndex, usual: Mapping[StepId, float]) -> float | None:
    """Give the seconds that what runs again usually takes; None = nothing is known of it.

    Stages follow one another, jobs of a stage run side by side but after those that they need. Of
    steps without a past nothing is counted.

    Args:
        usual: How long steps usually take, in seconds.
    """
    rerun = plan.steps_with(Action.RERUN)
    if not any(step in usual for step in rerun):
        return None
    again = frozenset(rerun)
    return sum(_stage_seconds(index, stage, again, usual) for stage in index.spec.stages)


def _stage_seconds(
    index: SpecIndex, stage: StageSpec, again: frozenset[StepId], usual: Mapping[StepId, float]
) -> float:
    ends: dict[JobId, float] = {}
    waiting = {job.id: job for job in index.jobs_of(stage)}
    while waiting:
        ready = [
            job
            for job in waiting.values()
            if not any(needed in waiting and needed != job.id for needed in job.depends_on)
        ]
        for job in ready or list(waiting.values()):  # a circle never ends otherwise
            own = sum(usual.get(step.id, 0.0) for step in job.steps if step.id in again)
            ends[job.id] = own + max(
                (ends.get(needed, 0.0) for needed in job.depends_on), default=0
            )
            del waiting[job.id]
    return max(ends.values(), default=0.0)
