"""Pipelines with their newest runs, and executions of jobs, in the memory store."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from mulligan.core.decision import Decision
from mulligan.core.ids import JobId, PipelineId, ProjectId, RunId
from mulligan.core.records import Pipeline
from mulligan.core.run import RunHead
from mulligan.ports import StageJob
from mulligan.store.changed import changed_jobs
from mulligan.store.matching import ascii_lower
from mulligan.store.memory_groups import MemoryGroups
from mulligan.store.memory_records import StoredRun

RUNS_AT_MOST = 2_000  # that are searched for executions of a job


class MemoryExecutions(MemoryGroups):
    """Implements the part of `ports.GroupStore` that looks at runs."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: dict[RunId, StoredRun] = {}
        self._executions: dict[tuple[RunId, JobId, int], int] = {}  # numbers of job attempts

    def _number_jobs(self, decision: Decision) -> None:
        for job in changed_jobs(decision):
            key = (decision.run.head.id, job.id, job.attempt)
            self._executions.setdefault(key, len(self._executions) + 1)

    def _heads_of(self, pipeline: PipelineId) -> Iterable[RunHead]:
        return (stored.head for stored in self._runs_of(pipeline))

    def _runs_of(self, pipeline: PipelineId) -> list[StoredRun]:
        """Return the runs of a pipeline, newest first."""
        found = [stored for stored in self._runs.values() if stored.head.pipeline == pipeline]
        return sorted(found, key=lambda stored: stored.head.number, reverse=True)

    async def list_group_pipelines(
        self,
        project: ProjectId,
        *,
        name_contains: str = "",
        groups: Sequence[int] | None = None,
        released: bool = False,
        limit: int = 1000,
        offset: int = 0,
    ) -> tuple[tuple[tuple[Pipeline, RunHead | None], ...], int]:
        """Return live pipelines, last changed first, with the heads of their newest runs."""
        found = [
            pipeline
            for pipeline in self._live(project)
            if ascii_lower(name_contains) in ascii_lower(pipeline.name)
            and (groups is None or pipeline.group in groups)
            and (not released or any(owner == pipeline.id for owner, _ in self._versions))
        ]
        found.sort(key=self._last_change, reverse=True)
        items = [(pipeline, await self.newest_run(pipeline.id)) for pipeline in found]
        return tuple(items[offset : offset + limit]), len(found)

    def _last_change(self, pipeline: Pipeline) -> tuple[datetime, int]:
        newest = self._runs_of(pipeline.id)[:1]
        changes = [pipeline.updated_at, *(stored.updated_at for stored in newest)]
        return max(changes), pipeline.number

    async def newest_run(self, pipeline: PipelineId) -> RunHead | None:
        """Return the head of the run with the greatest number."""
        return next(iter(self._heads_of(pipeline)), None)

    async def pipeline_by_number(self, number: int) -> Pipeline | None:
        """Return a pipeline by its integer id, also a deleted one."""
        found = self._pipelines.values()
        return next((pipeline for pipeline in found if pipeline.number == number), None)

    async def list_stage_jobs(
        self, pipeline: PipelineId, job_id: JobId, *, limit: int = 20
    ) -> tuple[StageJob, ...]:
        """Return executions of a job: newest run first, of each run newest attempt first."""
        found = [
            self._stage_job(stored, job_id, job.attempt)
            for stored in self._runs_of(pipeline)[:RUNS_AT_MOST]
            for job in reversed(stored.jobs.of(job_id))
        ]
        return tuple(found[:limit])

    async def find_stage_job(self, number: int) -> StageJob | None:
        """Return an execution by its number."""
        for (run_id, job_id, attempt), found in self._executions.items():
            if found == number:
                return self._stage_job(self._runs[run_id], job_id, attempt)
        return None

    def _stage_job(self, stored: StoredRun, job_id: JobId, attempt: int) -> StageJob:
        number = self._executions[stored.head.id, job_id, attempt]
        (job,) = (job for job in stored.jobs.of(job_id) if job.attempt == attempt)
        return StageJob(number=number, head=stored.head, job=job)
