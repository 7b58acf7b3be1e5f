"""Which rows a decision changes, as both stores keep them.

`Decision.jobs` and `.stages` hold each record as it was after its last own event. Events of steps
move what is derived of them (`Job.cursor`, `Job.weather`, `Stage.open_jobs`) afterwards; `derive`
fills that in again after loading, but only while the node is not final. So records are taken from
the snapshot where it still has that attempt, and a job that no runner is working on is kept again
when one of its steps changed.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from mulligan.core.decision import Decision
from mulligan.core.run import Job, MutexTicket, Stage
from mulligan.core.status import Status


def is_held(job: Job) -> bool:
    """Tell whether a runner holds the job."""
    return job.status is Status.RUNNING and not job.parked


def changed_stages(decision: Decision) -> Iterator[Stage]:
    """Yield the changed records of stages, without what is derived."""
    for stage in decision.stages:
        yield replace(stage, open_jobs=0) if stage.open_jobs else stage


def changed_jobs(decision: Decision) -> Iterator[Job]:
    """Yield the changed records of jobs, for each job oldest attempt first."""
    run = decision.run
    seen = set()
    for job in decision.jobs:
        newest = run.jobs[job.id]
        yield newest if newest.attempt == job.attempt else job
        seen.add(job.id)
    for step in decision.steps:
        place = run.index.step_job.get(step.id)
        moved = run.jobs.get(place[0]) if place is not None else None  # None: a copy that is gone
        if moved is None or moved.status is Status.RUNNING or moved.id in seen:
            continue
        seen.add(moved.id)
        yield moved


def changed_tickets(decision: Decision) -> Iterator[tuple[Job, MutexTicket]]:
    """Yield the jobs whose tickets a decision may have changed; a final one has none any more."""
    for job in decision.jobs:
        if job.mutex is not None:
            yield job, job.mutex
