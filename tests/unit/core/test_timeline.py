"""Times of a run: which attempts there were, and what another run took."""

from datetime import UTC, datetime, timedelta
from typing import Any

from core_start import first_run
from immutables import Map
from msgspec.structs import replace

from builders import job, pipeline, stage
from mulligan.core.run import Job, Run, Step
from mulligan.core.spec import MatrixSpec
from mulligan.core.status import Status
from mulligan.core.timeline import NodeTimes, times_of

START = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = pipeline(stage("s", job("build", "compile"), job("test", "unit")))
BUILD, TEST = SPEC.stages[0].jobs
COMPILE, UNIT = BUILD.steps[0].id, TEST.steps[0].id


def took(first: float, last: float, **more: Any) -> dict[str, Any]:
    """Return the fields of a record that succeeded between two seconds."""
    begin, end = START + timedelta(seconds=first), START + timedelta(seconds=last)
    return {"status": Status.SUCCEEDED, "started_at": begin, "ended_at": end, **more}


def run_of(*records: Job | Step) -> Run:
    """Return a snapshot with these records."""
    return replace(
        first_run(SPEC),
        jobs=Map({each.id: each for each in records if isinstance(each, Job)}),
        steps=Map({each.id: each for each in records if isinstance(each, Step)}),
    )


def times(
    *, jobs: tuple[Job, ...] = (), steps: tuple[Step, ...] = (), green: Run | None = None
) -> dict[str, NodeTimes]:
    """Return the times of a run whose job BUILD and step COMPILE had these attempts."""
    found = times_of(run_of(), {BUILD.id: jobs}, {COMPILE: steps}, green)
    return {each.id: each for each in found}


def test_usual_seconds_are_those_of_what_succeeded() -> None:
    """A node that failed, was skipped or still runs in the other run has none."""
    green = run_of(
        Job(id=BUILD.id, **took(0, 10)),
        Job(id=TEST.id, **took(0, 4, status=Status.SKIPPED)),
        Step(id=COMPILE, **took(2, 9)),
        Step(id=UNIT, **took(0, 4, status=Status.FAILED)),
    )

    found = times(green=green)

    assert [(each.id, each.kind, each.usual) for each in found.values()] == [
        (BUILD.id, "job", 10.0),
        (COMPILE, "step", 7.0),
    ]
    assert times() == {}


def test_tries_are_told_where_there_are_several() -> None:
    """All that began, with where they lie; one alone is in the run itself."""
    steps = (
        Step(id=COMPILE, **took(0, 1, status=Status.FAILED)),
        Step(id=COMPILE, **took(5, 7, attempt=2, run_attempt=2)),
        Step(id=COMPILE, attempt=3, run_attempt=3),
    )
    jobs = (Job(id=BUILD.id, queued_at=START, **took(1, 2)), Job(id=BUILD.id, attempt=2))

    found = times(jobs=jobs, steps=steps)

    assert list(found) == [COMPILE]
    first, second = found[COMPILE].tries
    assert (first.number, first.run_attempt, first.status) == (1, 1, Status.FAILED)
    assert (second.number, second.run_attempt, second.status) == (2, 2, Status.SUCCEEDED)


def test_jobs_have_waited() -> None:
    """Of a job it is told since when it waited; one that was skipped was not tried."""
    jobs = (
        Job(id=BUILD.id, queued_at=START, **took(1, 2)),
        Job(id=BUILD.id, **took(3, 3, attempt=2, status=Status.SKIPPED)),
        Job(id=BUILD.id, queued_at=START + timedelta(seconds=4), **took(6, 8, attempt=3)),
    )

    tries = times(jobs=jobs)[BUILD.id].tries

    assert [(each.number, each.started_at - (each.queued_at or START)) for each in tries] == [
        (1, timedelta(seconds=1)),
        (3, timedelta(seconds=2)),
    ]


def test_matrix_jobs_are_only_a_pattern() -> None:
    """What is told of a matrix job is told of its copies."""
    spec = pipeline(stage("s", job("all", "x", matrix=MatrixSpec(strategy="os: [x, y]"))))
    (pattern,) = spec.stages[0].jobs
    tries = tuple(Job(id=pattern.id, **took(n, n + 1, attempt=n)) for n in (1, 2))

    assert list(times_of(first_run(spec), {pattern.id: tries}, {}, None)) == []
