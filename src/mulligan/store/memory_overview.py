"""What pages show of many pipelines and runs at once, in the memory store."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mulligan.core.durations import seconds_between
from mulligan.core.failure import PastNode
from mulligan.core.ids import PipelineId, ProjectId, RunId, StepId
from mulligan.core.recovered import branch_of, recovery_of
from mulligan.core.run import Job, RunHead, Stage, Step
from mulligan.core.status import Status
from mulligan.ports.overview import (
    OpenGate,
    PipelineCard,
    PipelineFilter,
    RecentRun,
    RetriedStep,
    StageLine,
)
from mulligan.store.matching import passes
from mulligan.store.memory_executions import MemoryExecutions


class MemoryOverview(MemoryExecutions):
    """Implements `ports.OverviewStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._gate_keys: dict[tuple[RunId, str, int], int] = {}

    async def list_cards(
        self,
        project: ProjectId,
        where: PipelineFilter,
        *,
        runs: int = 20,
        limit: int = 50,
        before: int | None = None,
    ) -> tuple[PipelineCard, ...]:
        """Return live pipelines, newest first, with their newest runs."""
        found = []
        for pipeline in sorted(self._live(project), key=lambda each: each.number, reverse=True):
            recent = [_run(head) for head in self._heads_of(pipeline.id)][:runs]
            newest = await self.newest_run(pipeline.id)
            if (
                passes(pipeline, where)
                and where.name in {"", pipeline.name}
                and where.name_contains in pipeline.name
                and (not where.statuses or (newest and newest.status in where.statuses))
                and (before is None or pipeline.number < before)
            ):
                found.append(PipelineCard(pipeline=pipeline, recent=tuple(recent)))
        return tuple(found[:limit])

    async def stages_of(self, run_ids: Sequence[RunId]) -> dict[RunId, tuple[StageLine, ...]]:
        """Return the stages of runs in the order of their definitions."""
        runs = [self._runs[run_id].run for run_id in run_ids if run_id in self._runs]
        return {
            run.head.id: tuple(
                StageLine(
                    id=stage.id,
                    name=stage.name,
                    is_finally=stage.is_finally,
                    record=run.stages.get(stage.id),
                )
                for stage in run.index.spec.stages
            )
            for run in runs
        }

    async def past_of(
        self, pipeline: PipelineId, kind: str, node: str, *, up_to: int, limit: int
    ) -> tuple[PastNode, ...]:
        """Return what became of a node in the runs of a pipeline, newest first."""
        looked_at = [each.run for each in self._runs_of(pipeline) if each.head.number <= up_to]
        found = []
        for run in looked_at[:limit]:
            records: dict[str, Mapping[Any, Stage | Job | Step]] = {
                "stage": run.stages,
                "job": run.jobs,
                "step": run.steps,
            }
            record = records[kind].get(node)
            if record is not None:
                found.append(_past(run.head, record))
        return tuple(found)

    async def step_seconds(
        self, pipeline: PipelineId, steps: Sequence[StepId], *, runs: int
    ) -> dict[StepId, tuple[float, ...]]:
        """Return how long steps took when they succeeded in the newest runs of a pipeline."""
        found: dict[StepId, list[float]] = {}
        for stored in self._runs_of(pipeline)[:runs]:
            for record in stored.run.steps.values():
                seconds = seconds_between(record.started_at, record.ended_at)
                good = record.status is Status.SUCCEEDED and record.id in steps
                if good and seconds is not None:
                    found.setdefault(record.id, []).append(seconds)
        return {step: tuple(seconds) for step, seconds in found.items()}

    async def run_rows(
        self,
        project: ProjectId,
        pipeline: PipelineId | None,
        *,
        since: datetime,
        limit: int,
    ) -> tuple[RecentRun, ...]:
        """Return the newest runs asked for at or after an instant, newest first."""
        found = [
            stored
            for stored in self._runs.values()
            if (stored.head.project == project if pipeline is None else True)
            and pipeline in {None, stored.head.pipeline}
            and stored.head.queued_at >= since
        ]
        found.sort(key=lambda stored: (stored.head.queued_at, stored.key), reverse=True)
        return tuple(_run(stored.head) for stored in found[:limit])

    async def retried_steps(self, run_ids: Sequence[RunId]) -> tuple[RetriedStep, ...]:
        """Return the steps of runs that have more than one attempt."""
        found = [
            RetriedStep(run=run_id, step=StepId(node), attempts=attempts)
            for run_id in run_ids
            if run_id in self._runs
            for node, attempts in self._runs[run_id].steps.all().items()
            if len(attempts) > 1
        ]
        return tuple(sorted(found, key=lambda each: (each.run, each.step)))

    async def open_gates(
        self,
        projects: Sequence[ProjectId] | None,
        *,
        limit: int = 50,
        after: int = 0,
    ) -> tuple[OpenGate, ...]:
        """Return the gates that wait for somebody, oldest first."""
        waiting = [
            (gate, stored.head)
            for stored in self._runs.values()
            for gate in stored.run.gates.values()
            if gate.state == "open" and not stored.head.status.is_final
        ]
        found = [
            OpenGate(
                key=self._gate_key(head.id, gate.node, gate.number),
                run=head.id,
                project=head.project,
                pipeline=head.pipeline,
                gate=gate,
            )
            for gate, head in sorted(waiting, key=lambda each: each[0].opened_at)
            if projects is None or head.project in projects
        ]
        found.sort(key=lambda each: each.key)
        return tuple(each for each in found if each.key > after)[:limit]

    def _gate_key(self, run: RunId, node: str, number: int) -> int:
        return self._gate_keys.setdefault((run, node, number), len(self._gate_keys) + 1)


def _past(head: RunHead, record: Stage | Job | Step) -> PastNode:
    return PastNode(
        run=head.id,
        number=head.number,
        status=record.status,
        started_by=head.started_by,
        message=head.message,
        queued_at=head.queued_at,
        seconds=seconds_between(record.started_at, record.ended_at),
        attempt=record.attempt,
    )


def _run(head: RunHead) -> RecentRun:
    return RecentRun(
        id=head.id,
        number=head.number,
        status=head.status,
        cause="" if head.cause is None else head.cause.value,
        started_by=head.started_by,
        start_kind=head.start_kind,
        branch=branch_of(head),
        message=head.message,
        recovered=recovery_of(head) is not None,
        queued_at=head.queued_at,
        started_at=head.started_at,
        ended_at=head.ended_at,
    )
