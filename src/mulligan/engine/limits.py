"""Limits of jobs: how many runs of a pipeline may be in the same job at once.

Judged when a runner asks for the job. An offer that finds the limit reached is kept here and goes
out again when one of the others leaves the job; after a restart it comes from the outbox again.
"""

from collections.abc import Iterator

from mulligan.core.decision import Decision
from mulligan.core.ids import JobId, RunId, RunnerName
from mulligan.core.run import Job, Run
from mulligan.core.spec import JobSpec
from mulligan.core.status import Status
from mulligan.engine.lines import Lines

Place = tuple[RunId, JobId]


class JobLimits:
    """One per process."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._waiting: dict[Place, None] = {}  # in the order of coming

    def admits(self, run: Run, job_id: JobId, runner: RunnerName) -> bool:
        """Tell whether a runner may take the job now; if not, it is offered again later."""
        spec = run.index.jobs[job_id]
        if not spec.most_at_once and not spec.most_per_runner:
            return True
        others = [job.runner for job in self._in_same_job(run, spec)]
        full = 0 < spec.most_at_once <= len(others)
        if full or 0 < spec.most_per_runner <= others.count(runner):
            self._waiting[run.head.id, job_id] = None
            return False
        self._waiting.pop((run.head.id, job_id), None)
        return True

    def _in_same_job(self, run: Run, spec: JobSpec) -> Iterator[Job]:
        whole = run.index.jobs[run.index.parents.get(spec.id, spec.id)]  # counted with its copies
        for other in self._lines.unfinished(run.head.pipeline):
            found = _same_job(other, whole)
            if found is None:
                continue
            for each in (found, *(copy.id for copy in other.index.children.get(found, ()))):
                is_itself = (other.head.id, each) == (run.head.id, spec.id)
                if not is_itself and _is_held(other.job(each)):
                    yield other.job(each)

    def committed(self, decision: Decision) -> list[Place]:
        """Take in a stored decision; give the jobs that may be offered again for it."""
        if not self._waiting:
            return []
        left = [job for job in decision.jobs if not _is_held(job)]
        for job in left:
            if job.status.is_final:
                self._waiting.pop((decision.run.head.id, job.id), None)
        specs = (decision.run.index.jobs.get(job.id) for job in left)  # None: a copy that is gone
        if not any(spec is not None and _is_limited(spec) for spec in specs):
            return []
        again, self._waiting = list(self._waiting), {}
        return again


def _is_limited(spec: JobSpec) -> bool:
    return bool(spec.most_at_once or spec.most_per_runner)


def _is_held(job: Job) -> bool:
    return job.status is Status.RUNNING and not job.parked


def _same_job(run: Run, spec: JobSpec) -> JobId | None:
    """Find a job in a run that may be of another version: by its global id, if it has one."""
    own = run.index.jobs.get(spec.id)
    if own is not None and own.hash_id == spec.hash_id:
        return own.id
    if not spec.hash_id:
        return None
    found = (job.id for job in run.index.all_jobs() if job.hash_id == spec.hash_id)
    return next(found, None)
