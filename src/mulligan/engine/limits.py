"""Limits of jobs: how many runs of a pipeline may be in the same job at once.

Judged when a runner asks for the job. An offer that finds the limit reached is kept here and goes
out again when one of the others leaves the job; after a restart it comes from the outbox again.
"""

from collections.abc import Iterator

from mulligan.core.decision import Decision
from mulligan.core.ids import JobId, PipelineId, RunId, RunnerName
from mulligan.core.run import Job, Run
from mulligan.core.spec import JobSpec
from mulligan.core.status import Status
from mulligan.engine.lines import Lines

Place = tuple[RunId, JobId]
_Same = tuple[PipelineId, str]  # what a job has in common with itself in other runs


class JobLimits:
    """One per process."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._waiting: dict[Place, _Same] = {}  # in the order of coming

    def admits(self, run: Run, job_id: JobId, runner: RunnerName) -> bool:
        """Tell whether a runner may take the job now; if not, it is offered again later."""
        spec = run.index.jobs.get(job_id)
        if spec is None:  # a copy that a new split has replaced: the offer is out of date
            return False
        if not _is_limited(spec):
            return True
        others = [held.runner for _, held in self._in_same_job(run, spec)]
        if _is_full(spec, len(others), others.count(runner)):
            self._waiting[run.head.id, job_id] = _same(run, job_id)
            return False
        self._waiting.pop((run.head.id, job_id), None)
        return True

    def in_the_way(self, run: Run, job_id: JobId) -> list[Place]:
        """Return the jobs that keep a queued one from being taken; none if it may be."""
        if (run.head.id, job_id) not in self._waiting:
            return []
        others = self._in_same_job(run, run.index.jobs[job_id])
        return [(run_id, held.id) for run_id, held in others]

    def _in_same_job(self, run: Run, spec: JobSpec) -> Iterator[tuple[RunId, Job]]:
        whole = _whole(run, spec.id)
        for other in self._lines.unfinished(run.head.pipeline):
            found = _same_job(other, whole)
            if found is None:
                continue
            for each in (found, *(copy.id for copy in other.index.children.get(found, ()))):
                is_itself = (other.head.id, each) == (run.head.id, spec.id)
                if not is_itself and _is_held(other.job(each)):
                    yield other.head.id, other.job(each)

    def committed(self, decision: Decision) -> list[Place]:
        """Take in a stored decision; give the jobs that may be offered again for it."""
        if not self._waiting:
            return []
        left = [job for job in decision.jobs if not _is_held(job)]
        for job in left:
            if job.status.is_final:
                self._waiting.pop((decision.run.head.id, job.id), None)
        index = decision.run.index  # without the copies that are gone
        # Whether it has a limit says nothing: in the version of those that wait it may have one.
        free = {_same(decision.run, job.id) for job in left if job.id in index.jobs}
        again = [place for place, same in self._waiting.items() if same in free]
        for place in again:
            del self._waiting[place]
        return again


def _whole(run: Run, job_id: JobId) -> JobSpec:
    """Give the job that counts: a matrix job counts together with its copies."""
    return run.index.jobs[run.index.parents.get(job_id, job_id)]


def _same(run: Run, job_id: JobId) -> _Same:
    spec = _whole(run, job_id)
    return run.head.pipeline, spec.hash_id or spec.id


def _is_full(spec: JobSpec, over_all: int, on_runner: int) -> bool:
    return 0 < spec.most_at_once <= over_all or 0 < spec.most_per_runner <= on_runner


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
