"""The part of the store that answers what pages show of many pipelines and runs at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from mulligan.core.failure import PastNode
from mulligan.core.ids import PipelineId, ProjectId, RunId, StageId, StepId, UserName
from mulligan.core.records import Pipeline
from mulligan.core.run import Gate, Stage, Step
from mulligan.core.status import Status


class RecentRun(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a run in the columns of lists."""

    id: RunId
    number: int
    status: Status
    cause: str
    started_by: UserName
    start_kind: str
    branch: str
    message: str
    recovered: bool
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class PipelineCard(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline and its newest runs, newest first."""

    pipeline: Pipeline
    recent: tuple[RecentRun, ...]


class PipelineFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which pipelines; every field narrows.

    Args:
        statuses: Of the newest run.
        labels: Ids; one of them is enough.
    """

    name: str = ""
    name_contains: str = ""
    statuses: tuple[Status, ...] = ()
    labels: frozenset[str] | None = None
    owner: UserName = UserName("")


class StageLine(msgspec.Struct, frozen=True, kw_only=True):
    """A stage of a run: its place in the definition, and its latest record, if it has one."""

    id: StageId
    name: str
    is_finally: bool
    record: Stage | None


class RetriedStep(msgspec.Struct, frozen=True, kw_only=True):
    """All attempts of a step that has several, oldest first."""

    run: RunId
    step: StepId
    attempts: tuple[Step, ...]


class OpenGate(msgspec.Struct, frozen=True, kw_only=True):
    """A gate at which an unfinished run waits. `key`: ascends with the age of gates."""

    key: int
    run: RunId
    project: ProjectId
    pipeline: PipelineId
    gate: Gate


class OverviewStore(Protocol):
    """Lists of pipelines, runs and gates, with as few questions to the database as possible."""

    async def list_cards(
        self,
        project: ProjectId,
        where: PipelineFilter,
        *,
        runs: int = 20,
        limit: int = 50,
        before: int | None = None,
    ) -> tuple[PipelineCard, ...]:
        """Return live pipelines, newest first, with up to `runs` of their runs.

        `before`: with a smaller number.
        """
        ...

    async def stages_of(self, run_ids: Sequence[RunId]) -> dict[RunId, tuple[StageLine, ...]]:
        """Return the stages of runs in the order of their definitions.

        A run whose version is gone has none.
        """
        ...

    async def past_of(
        self, pipeline: PipelineId, kind: str, node: str, *, up_to: int, limit: int
    ) -> tuple[PastNode, ...]:
        """Return what became of a node in the runs of a pipeline, newest first.

        Args:
            kind: stage, job or step.
            up_to: The greatest number of a run.
            limit: Runs that are looked at; those that never came to the node are left out.
        """
        ...

    async def step_seconds(
        self, pipeline: PipelineId, steps: Sequence[StepId], *, runs: int
    ) -> dict[StepId, tuple[float, ...]]:
        """Return how long steps took when they succeeded in the newest `runs` of a pipeline."""
        ...

    async def run_rows(
        self,
        project: ProjectId,
        pipeline: PipelineId | None,
        *,
        since: datetime,
        limit: int,
    ) -> tuple[RecentRun, ...]:
        """Return the newest runs asked for at or after an instant, newest first."""
        ...

    async def retried_steps(self, run_ids: Sequence[RunId]) -> tuple[RetriedStep, ...]:
        """Return the steps of runs that have more than one attempt, by run and step."""
        ...

    async def open_gates(
        self,
        projects: Sequence[ProjectId] | None,
        *,
        limit: int = 50,
        after: int = 0,
    ) -> tuple[OpenGate, ...]:
        """Return the gates that wait for somebody, oldest first.

        `projects`: only of these, None = of all; `after`: with a greater `key`.
        """
        ...
