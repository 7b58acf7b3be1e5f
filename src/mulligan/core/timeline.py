"""When the parts of a run were tried, and how long they took when all went well. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from mulligan.core.durations import seconds_between
from mulligan.core.run import Job, Run, Step
from mulligan.core.status import Status


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a job or step.

    Args:
        run_attempt: Of the run, in which it was made.
        queued_at: Of a job: since when it waited for a runner.
    """

    number: int
    run_attempt: int
    status: Status
    queued_at: datetime | None
    started_at: datetime
    ended_at: datetime | None


class NodeTimes(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a job or step besides its newest attempt.

    Args:
        kind: job or step.
        tries: All that began, oldest first, the newest as well; empty: there was one at most.
        usual: Seconds that it took in the run that this one is compared with; None: it did not
            succeed in it.
    """

    id: str
    kind: str
    tries: tuple[Try, ...]
    usual: float | None


def times_of(
    run: Run,
    jobs: Mapping[str, tuple[Job, ...]],
    steps: Mapping[str, tuple[Step, ...]],
    green: Run | None,
) -> Iterator[NodeTimes]:
    """Yield the jobs and steps of a run of which there is something to tell, in their order.

    Args:
        jobs, steps: All attempts of the run's nodes, oldest first.
        green: A run in which all went well, to compare with.
    """
    usual = {} if green is None else good_seconds(green)
    for spec in run.index.all_jobs():
        if spec.matrix is not None:
            continue  # only the pattern of its copies
        known = [
            NodeTimes(id=spec.id, kind="job", tries=_tries(jobs, spec.id), usual=usual.get(spec.id))
        ]
        known += [
            NodeTimes(
                id=step.id, kind="step", tries=_tries(steps, step.id), usual=usual.get(step.id)
            )
            for step in spec.steps
        ]
        yield from (each for each in known if each.tries or each.usual is not None)


def good_seconds(run: Run) -> dict[str, float]:
    """Return how long each job and step took that has succeeded, in its newest attempt."""
    found: dict[str, float] = {}
    records: list[Job | Step] = [*run.jobs.values(), *run.steps.values()]
    for record in records:
        seconds = seconds_between(record.started_at, record.ended_at)
        if record.status is Status.SUCCEEDED and seconds is not None:
            found[record.id] = seconds
    return found


def _tries(records: Mapping[str, tuple[Job | Step, ...]], node: str) -> tuple[Try, ...]:
    begun = tuple(
        Try(
            number=record.attempt,
            run_attempt=record.run_attempt,
            status=record.status,
            queued_at=record.queued_at if isinstance(record, Job) else None,
            started_at=record.started_at,
            ended_at=record.ended_at,
        )
        for record in records.get(node, ())
        if record.started_at is not None and record.status is not Status.SKIPPED
    )
    return begun if len(begun) > 1 else ()
