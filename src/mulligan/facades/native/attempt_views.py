"""Show the steps of a run with all their attempts. Pure."""

from mulligan.core.run import Run, Step
from mulligan.core.spec import StepSpec
from mulligan.core.status import Status
from mulligan.facades.native import shapes
from mulligan.facades.native.run_views import word
from mulligan.ports import NodeHistory


def steps_with_attempts(run: Run, history: NodeHistory) -> shapes.StepList:
    """Show every step with all its attempts."""
    return shapes.StepList(
        items=tuple(
            _step_attempts(run.step(spec.id), spec, history.steps.get(spec.id, ()))
            for job in run.index.all_jobs()
            for spec in job.steps
            if job.matrix is None
        )
    )


def _step_attempts(latest: Step, spec: StepSpec, records: tuple[Step, ...]) -> shapes.StepAttempts:
    # the snapshot may be a moment newer than the history, or older
    known = {record.attempt: record for record in records if record.attempt <= latest.attempt}
    if known or latest.status is not Status.QUEUED:
        known[latest.attempt] = latest
    return shapes.StepAttempts(
        id=spec.id,
        name=spec.name,
        status=latest.status.value,
        cause=word(latest.cause),
        attempt=latest.attempt,
        attempts=tuple(
            shapes.StepAttempt(
                number=record.attempt,
                status=record.status.value,
                cause=word(record.cause),
                runner=record.runner,
                started_at=record.started_at,
                ended_at=record.ended_at,
            )
            for _, record in sorted(known.items())
        ),
    )
