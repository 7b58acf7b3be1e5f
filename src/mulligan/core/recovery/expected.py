"""How long a recovery will probably take. Pure."""

from collections.abc import Mapping

from mulligan.core.ids import JobId, StepId
from mulligan.core.recovery.plan import Action, Plan
from mulligan.core.spec import SpecIndex, StageSpec


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
