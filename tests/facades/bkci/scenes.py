"""Runs in the states that answers are rendered from: the published examples, made of records."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from immutables import Map

from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, PipelineId, ProjectId, RunId, StageId, StepId, UserName
from mulligan.core.run import (
    Gate,
    Job,
    Run,
    RunAttempt,
    RunError,
    RunHead,
    Stage,
    StartParameter,
    Step,
)
from mulligan.core.spec import SpecIndex
from mulligan.core.status import Status
from mulligan.facades.bkci.model_in import read_model
from mulligan.ports import NodeHistory

Json = dict[str, Any]
GOLDEN = Path(__file__).parent / "golden"

E11 = StepId("e-00000000000000000000000000000011")
E12 = StepId("e-00000000000000000000000000000012")
E13 = StepId("e-00000000000000000000000000000013")
E21 = StepId("e-00000000000000000000000000000021")
E31 = StepId("e-00000000000000000000000000000031")
E41 = StepId("e-00000000000000000000000000000041")
ALICE, BOB = UserName("alice"), UserName("bob")
ZERO = datetime.fromtimestamp(1_787_300_000, UTC)  # startTime of the examples


def at(seconds: float) -> datetime:
    """Return an instant so many seconds after the start of the first attempt."""
    return ZERO + timedelta(seconds=seconds)


def golden(name: str) -> Json:
    """Return a fresh copy of an example of the published document."""
    return dict(json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8")))


class CountedIds:
    """Give ids that count up: 32 digits each."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def hex32(self) -> str:
        """Return the next id."""
        return f"{next(self._numbers):032x}"


def minimal_model(**stage_fields: Json) -> Json:
    """Return the minimal pipeline; `stage_3={…}` adds members to that stage."""
    model = golden("minimal_model")
    for name, fields in stage_fields.items():
        model["stages"][int(name.removeprefix("stage_")) - 1].update(fields)
    return model


def compiled(model: Json | None = None) -> tuple[SpecIndex, Json]:
    """Return a model compiled and as it is stored."""
    spec, source = read_model(model or minimal_model(), ids=CountedIds())
    return SpecIndex(spec), source


def head(**changes: Any) -> RunHead:
    """Return the head of the first attempt, failed after 65 s."""
    fields: dict[str, Any] = {
        "id": RunId("b-2f1c9a0e7d1b4c6b8a5e3f7d90c1e2a4"),
        "project": ProjectId("demo"),
        "pipeline": PipelineId("p-7d0c3b2a19e84f5d8c6b7a9e0f1d2c3b"),
        "version": 7,
        "number": 42,
        "started_by": ALICE,
        "queued_at": at(-1),
        "started_at": at(0),
        "ended_at": at(65),
        "attempts": (attempt(1, ALICE, -1, 0, 65),),
        "status": Status.FAILED,
        "cause": Cause.USER,
        "stage": 2,
        "parameters": (StartParameter(name="env", value="test"),),
        "failed_steps": (E12, E21),
        "errors": (
            RunError(step=E12, message="exit code 1", error_type=1, error_code=2199011),
            RunError(step=E21, message="exit code 1", error_type=1, error_code=2199011),
        ),
    }
    return RunHead(**(fields | changes))


def attempt(
    number: int,
    actor: UserName,
    queued: float,
    started: float | None,
    ended: float | None,
    **changes: Any,
) -> RunAttempt:
    """Return an attempt of a run; failed if it has ended."""
    fields: dict[str, Any] = {
        "number": number,
        "actor": actor,
        "queued_at": at(queued),
        "started_at": at(started) if started is not None else None,
        "ended_at": at(ended) if ended is not None else None,
        "status": Status.FAILED if ended is not None else None,
        "cause": Cause.USER if ended is not None else None,
    }
    return RunAttempt(**(fields | changes))


def stage(number: int, status: Status, start: float, end: float | None, **more: Any) -> Stage:
    """Return the record of `stage-<number>`."""
    ended = at(end) if end is not None else None
    return Stage(
        id=StageId(f"stage-{number}"), status=status, started_at=at(start), ended_at=ended, **more
    )


def job(number: int, status: Status, start: float, end: float | None, **more: Any) -> Job:
    """Return the record of a job that was queued when it started."""
    return Job(
        id=JobId(str(number)),
        status=status,
        queued_at=at(start),
        started_at=at(start),
        ended_at=at(end) if end is not None else None,
        **more,
    )


def step(step_id: StepId, status: Status, start: float, end: float | None, **more: Any) -> Step:
    """Return the record of a step."""
    ended = at(end) if end is not None else None
    return Step(id=step_id, status=status, started_at=at(start), ended_at=ended, **more)


def failure(step_id: StepId, start: float, end: float, **more: Any) -> Step:
    """Return the record of a step whose script ended with 1."""
    fields = {"cause": Cause.USER, "exit_code": 1, "message": "exit code 1", **more}
    return step(step_id, Status.FAILED, start, end, error_type=1, error_code=2199011, **fields)


def unreached(step_id: StepId, **more: Any) -> Step:
    """Return the record of a step that never had its turn."""
    return Step(id=step_id, status=Status.SKIPPED, cause=Cause.UNREACHED, **more)


def run_of(
    index: SpecIndex,
    run_head: RunHead,
    *records: Stage | Job | Step | Gate,
) -> Run:
    """Return a snapshot that holds these records."""
    return Run(
        head=run_head,
        index=index,
        stages=Map({each.id: each for each in records if isinstance(each, Stage)}),
        jobs=Map({each.id: each for each in records if isinstance(each, Job)}),
        steps=Map({each.id: each for each in records if isinstance(each, Step)}),
        gates=Map({each.node: each for each in records if isinstance(each, Gate)}),
    )


FIRST: tuple[Stage | Job | Step, ...] = (
    stage(2, Status.FAILED, 1, 64, cause=Cause.USER),
    Stage(id=StageId("stage-3"), status=Status.SKIPPED, cause=Cause.UNREACHED, ended_at=at(64)),
    stage(4, Status.SUCCEEDED, 64, 65),
    job(1, Status.FAILED, 1, 40, cause=Cause.USER),
    job(2, Status.FAILED, 1, 64, cause=Cause.USER),
    job(4, Status.SUCCEEDED, 64, 65),
    step(E11, Status.SUCCEEDED, 1, 10),
    failure(E12, 10, 40),
    unreached(E13),
    failure(E21, 1, 64),
    step(E41, Status.SUCCEEDED, 64, 65),
)
"""What B1 left: e12 and e21 failed, stage 3 was never reached, the finally stage ran."""

SECOND: tuple[Stage | Job | Step, ...] = (
    stage(2, Status.FAILED, 200, 259, cause=Cause.USER, attempt=2, run_attempt=2),
    Stage(
        id=StageId("stage-3"),
        status=Status.SKIPPED,
        cause=Cause.UNREACHED,
        attempt=2,
        run_attempt=2,
    ),
    stage(4, Status.SUCCEEDED, 259, 260, attempt=2, run_attempt=2),
    job(1, Status.FAILED, 200, 259, cause=Cause.USER, attempt=2, run_attempt=2),
    job(4, Status.SUCCEEDED, 259, 260, attempt=2, run_attempt=2),
    failure(E12, 200, 259, attempt=2, run_attempt=2, job_attempt=2, manual_retries=1),
    unreached(E13, attempt=2, run_attempt=2),
    step(E41, Status.SUCCEEDED, 259, 260, attempt=2, run_attempt=2, job_attempt=2),
)
"""What a retry of e12 by bob left, which failed again."""


def b1(model: Json | None = None) -> tuple[Run, Json]:
    """Return the run of the examples after its first attempt, and its stored model."""
    index, source = compiled(model)
    return run_of(index, head(), *FIRST), source


def b1_retried() -> tuple[Run, NodeHistory, Json]:
    """Return B1 after bob has retried e12 in vain, with its history."""
    index, source = compiled()
    second = head(
        attempt=2,
        queued_at=at(200),
        ended_at=at(260),
        attempts=(attempt(1, ALICE, -1, 0, 65), attempt(2, BOB, 200, 200, 260, target=E12)),
    )
    run = run_of(index, second, *FIRST, *SECOND)
    return run, history_of(*FIRST, *SECOND), source


def history_of(*records: Stage | Job | Step | Gate) -> NodeHistory:
    """Return a history of these records, which stand in the order of their making."""
    history = NodeHistory(stages={}, jobs={}, steps={}, gates={})
    for each in records:
        match each:
            case Stage():
                history.stages[each.id] = (*history.stages.get(each.id, ()), each)
            case Job():
                history.jobs[each.id] = (*history.jobs.get(each.id, ()), each)
            case Step():
                history.steps[each.id] = (*history.steps.get(each.id, ()), each)
            case Gate():
                history.gates[each.node] = (*history.gates.get(each.node, ()), each)
    return history
