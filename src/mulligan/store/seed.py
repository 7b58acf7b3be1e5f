"""Many finished runs at once, for capacity tests: `mulligan admin seed`.

The runs differ in result, cause, user, trigger, message and times, and are written through the
same tables and by the same code as those of a server.
"""

import asyncio
import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from string import Template

import msgspec

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Decision, Draft
from mulligan.core.ids import SYSTEM, PipelineId, ProjectId, RunId, RunnerName, UserName
from mulligan.core.records import Pipeline, PipelineVersion, Project
from mulligan.core.run import Run, RunAttempt, RunHead, Write
from mulligan.core.spec import PipelineSpec, SpecIndex
from mulligan.core.status import Status
from mulligan.ports import NO_ACTS
from mulligan.store.sql.append import Append
from mulligan.store.sql.dialects import Connection
from mulligan.store.sql.store import SqlStore

RUNS_AT_ONCE = 2_000  # of one transaction
CACHE_KB = 262_144  # the inner pages of all indexes of a million runs
WAL_PAGES = 32_768  # 128 MiB; a page that is written again and again is copied once
USERS = tuple(UserName(f"user-{number:02}") for number in range(1, 21))
START_KINDS = ("manual", "webhook", "service", "timer", "pipeline", "remote")
TOPICS = ("login", "basket", "search", "prices", "invoices", "stock", "returns", "mail")
_RUNNER = RunnerName("local-1")
# Share of runs that end so; the others succeed.
_FAILED, _CANCELLED = 0.15, 0.05
_REMARKED = 0.02
_KINDS_OF_FAILURE = (Cause.USER, Cause.USER, Cause.USER, Cause.TIMEOUT, Cause.INFRA)


class _Target(msgspec.Struct):
    """A pipeline that gets runs."""

    pipeline: Pipeline
    index: SpecIndex
    number: int  # of the last run


class _Definition(msgspec.Struct, frozen=True):
    """The file seed_pipeline.json: one definition as the engine and as its dialect knows it."""

    spec: PipelineSpec
    source: dict[str, object]


def seed_runs(
    path: Path,
    project: str,
    *,
    pipelines: int = 1,
    runs: int,
    age_days: float = 30,
    randomness: int = 1,
) -> list[PipelineId]:
    """Write finished runs; return the pipelines that they belong to.

    Project and pipelines ("seed-1" …) are made where they are missing, the database too.

    Args:
        path: The database of a server that is stopped.
        runs: How many, spread evenly over the pipelines and over `age_days` until an hour ago.
        randomness: The same number gives the same mixture.

    Raises:
        DataInUseError: The server is running.
    """
    return asyncio.run(_seed(path, ProjectId(project), pipelines, runs, age_days, randomness))


async def _seed(
    path: Path, project: ProjectId, pipelines: int, runs: int, age_days: float, randomness: int
) -> list[PipelineId]:
    store = SqlStore(path, synchronous="NORMAL")
    await store.open()
    try:
        targets = await _prepare(store, project, pipelines)
        last = datetime.now(UTC) - timedelta(hours=1)
        await store.writer.submit(_make_room)
        maker = _Maker(store, targets, last - timedelta(days=age_days), last, runs, randomness)
        for first in range(0, runs, RUNS_AT_ONCE):
            places = range(first, min(first + RUNS_AT_ONCE, runs))
            await store.writer.submit(partial(maker.write, places=places))
    finally:
        await store.close()
    return [target.pipeline.id for target in targets]


def _make_room(connection: Connection) -> None:
    """Trade memory for time: a server that lives on must be thriftier."""
    connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")


async def _prepare(store: SqlStore, project: ProjectId, count: int) -> list[_Target]:
    now = datetime.now(UTC)
    if await store.find_project(project) is None:
        made = Project(id=project, name=project, created_by=SYSTEM, created_at=now)
        await store.put_project(made)
    return [await _target(store, project, f"seed-{place}", now) for place in range(1, count + 1)]


async def _target(store: SqlStore, project: ProjectId, name: str, now: datetime) -> _Target:
    pipeline = await store.find_pipeline_by_name(project, name)
    if pipeline is None:
        pipeline, version = _new_pipeline(project, name, now)
        pipeline = await store.put_pipeline(pipeline, version)
    found = await store.find_version(pipeline.id, pipeline.version)
    if found is None:
        raise ValueError(f"pipeline {name} has no version {pipeline.version}")
    number = await store.last_number(pipeline.id)
    return _Target(pipeline=pipeline, index=SpecIndex(found.spec), number=number)


def _new_pipeline(project: ProjectId, name: str, now: datetime) -> tuple[Pipeline, PipelineVersion]:
    text = Path(__file__).with_name("seed_pipeline.json").read_text(encoding="utf-8")
    ids = {f"id{place}": uuid.uuid4().hex for place in range(1, 10)}
    definition = msgspec.json.decode(Template(text).substitute(ids, name=name), type=_Definition)
    pipeline = Pipeline(
        id=PipelineId(f"p-{uuid.uuid4().hex}"),
        project=project,
        name=name,
        created_by=SYSTEM,
        created_at=now,
        updated_by=SYSTEM,
        updated_at=now,
    )
    version = PipelineVersion(
        pipeline=pipeline.id,
        version=pipeline.version,
        spec=definition.spec,
        dialect="bkci",
        source=definition.source,
        created_by=SYSTEM,
        created_at=now,
    )
    return pipeline, version


class _Maker:
    """Makes runs in the order of their ages."""

    def __init__(
        self,
        store: SqlStore,
        targets: Sequence[_Target],
        first: datetime,
        last: datetime,
        runs: int,
        randomness: int,
    ) -> None:
        self._dialect = store.dialect
        self._targets = targets
        self._first = first
        self._pace = (last - first) / max(runs, 1)
        self._random = random.Random(randomness)  # noqa: S311 - nothing secret comes of it

    def write(self, connection: Connection, places: range) -> None:
        """Store the runs of some places."""
        for place in places:
            target = self._targets[place % len(self._targets)]
            decision = self._run(target, self._first + place * self._pace)
            Append(self._dialect, decision, NO_ACTS, None, None)(connection)

    def _run(self, target: _Target, now: datetime) -> Decision:
        """Make a run with its whole life in one decision."""
        target.number += 1
        head = self._head(target, now)
        draft = Draft(Run(head=head, index=target.index), now, is_new=True)
        draft.emit(e.RunCreated(at=now, actor=head.started_by))
        writes = (Write(name="BK_CI_BUILD_NUM", value=str(head.number), read_only=True),)
        draft.emit(e.ValuesWritten(at=now, writes=writes))
        lot = self._random.random()
        steps = len(target.index.steps)
        player = _Player(draft, now, self._random)
        if lot < _FAILED + _CANCELLED:
            result = Status.FAILED if lot < _FAILED else Status.CANCELLED
            player.play(result, self._random.randrange(steps))
        else:
            player.play(Status.SUCCEEDED, steps)
        if self._random.random() < _REMARKED:
            text = f"see ticket {self._random.randrange(1_000)}"
            draft.emit(e.RemarkWritten(at=player.now, actor=head.started_by, text=text))
        return draft.decision()

    def _head(self, target: _Target, now: datetime) -> RunHead:
        actor = self._random.choice(USERS)
        return RunHead(
            id=RunId(f"b-{uuid.uuid4().hex}"),
            project=target.pipeline.project,
            pipeline=target.pipeline.id,
            version=target.pipeline.version,
            number=target.number,
            started_by=actor,
            queued_at=now,
            attempts=(RunAttempt(number=1, actor=actor, queued_at=now),),
            start_kind=self._random.choices(START_KINDS, (30, 40, 15, 10, 4, 1))[0],
            message=f"{self._random.choice(TOPICS)}: change {self._random.randrange(100_000)}",
        )


class _Player:
    """Emits what happens in a run whose jobs run one after the other."""

    def __init__(self, draft: Draft, now: datetime, chance: random.Random) -> None:
        self.now = now
        self._draft = draft
        self._random = chance
        self._cause: Cause | None = None
        self._left = 0  # steps until the one that does not succeed

    def play(self, result: Status, successes: int) -> None:
        """Run the first `successes` steps well; the next one, if any, ends with the result."""
        draft = self._draft
        self._left = successes
        if result is Status.FAILED:
            self._cause = self._random.choice(_KINDS_OF_FAILURE)
        self._wait(2)
        draft.emit(e.RunStarted(at=self.now))
        for position, stage in enumerate(draft.run.index.spec.stages):
            draft.emit(e.StageStarted(at=self.now, node=stage.id, position=position))
            for job in stage.jobs:
                draft.emit(e.JobQueued(at=self.now, node=job.id, run_attempt=1))
                self._wait(3)
                draft.emit(e.JobClaimed(at=self.now, node=job.id, runner=_RUNNER, fence=1))
                self._play_steps([step.id for step in job.steps], result)
                ended = result if self._left < 0 else Status.SUCCEEDED
                draft.emit(e.JobFinished(at=self.now, node=job.id, status=ended))
            ended = result if self._left < 0 else Status.SUCCEEDED
            draft.emit(e.StageFinished(at=self.now, node=stage.id, status=ended))
        draft.emit(e.RunFinished(at=self.now, status=result, cause=self._cause))

    def _play_steps(self, steps: Sequence[str], result: Status) -> None:
        for step in steps:
            if self._left < 0:
                skipped = e.StepSkipped(at=self.now, node=step, cause=Cause.UNREACHED)
                self._draft.emit(skipped)
                continue
            self._draft.emit(e.StepStarted(at=self.now, node=step, runner=_RUNNER))
            self._wait(60)
            self._left -= 1
            status = Status.SUCCEEDED if self._left >= 0 else result
            self._draft.emit(
                e.StepFinished(
                    at=self.now,
                    node=step,
                    status=status,
                    cause=self._cause if status is Status.FAILED else None,
                    exit_code=0 if status is Status.SUCCEEDED else 1,
                )
            )

    def _wait(self, most_s: float) -> None:
        self.now += timedelta(milliseconds=self._random.randrange(1, int(most_s * 1_000)))
