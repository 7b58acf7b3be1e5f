"""Numbers about runs, how long recoveries take, what attempts left, which steps are flaky."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from core_specs import broken, job, one_job, pipeline, stage, step
from core_start import ALICE
from core_world import World
from msgspec.structs import replace

from mulligan.core import events as e
from mulligan.core.attempts import (
    Ledger,
    changed_inputs,
    changed_values,
    flaky_steps,
    part_of,
)
from mulligan.core.ids import StepId
from mulligan.core.insights import RunFact, insights_of, repairs_of
from mulligan.core.recovery.expected import expected_seconds, stops, usual_seconds
from mulligan.core.recovery.plan import Plan
from mulligan.core.run import RunAttempt, Step, StepPatch, Write
from mulligan.core.spec import ReviewGroup, ReviewSpec
from mulligan.core.status import Status

NOW = World(one_job("a")).now


def planned(world: World, target: str = "") -> Plan:
    """Give the plan of a retry, which must be possible."""
    plan = world.plan(target)
    assert isinstance(plan, Plan)
    return plan


def usual(**seconds: float) -> dict[StepId, float]:
    """Give how long steps take."""
    return {StepId(name): each for name, each in seconds.items()}


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        ({}, None),
        ({"a": 5.0}, 5.0),
        # side by side the longest counts, stages follow one another
        ({"a": 5.0, "b": 7.0, "d": 1.0}, 8.0),
        # c comes after b, in the same stage
        ({"a": 5.0, "b": 7.0, "c": 2.0, "d": 1.0}, 10.0),
        ({"x": 5.0}, None),
    ],
)
def test_how_long_a_recovery_takes(known: dict[str, float], wanted: float | None) -> None:
    """The longest way through jobs and stages, as far as it is known."""
    spec = pipeline(
        stage(1, job(1, "a"), job(2, "b"), job(3, "c", needs=(2,))), stage(2, job(4, "d"))
    )
    world = World(spec, broken("d"))
    world.finish()

    found = expected_seconds(planned(world), world.run.index, usual(**known))

    assert found == wanted


def test_only_what_runs_again_takes_time() -> None:
    """What a plan keeps takes none."""
    world = World(one_job("a", "b"), broken("b"))
    world.finish()

    found = expected_seconds(planned(world, "b"), world.run.index, usual(a=100.0, b=3.0))

    assert found == 3.0


def test_a_step_that_never_went_well_takes_what_it_took_here() -> None:
    """The middle of its past counts, else its own time; of one that has none nothing is known."""
    world = World(one_job("a", "b", "c"), broken("b"))
    world.finish()
    own = world.run.step(StepId("b"))
    assert own.started_at
    assert own.ended_at

    found = usual_seconds(
        world.run, {StepId("a"): (1.0, 2.0, 9.0), StepId("b"): (), StepId("c"): ()}
    )

    took = (own.ended_at - own.started_at).total_seconds()
    assert found == {"a": 2.0, "b": took}


def test_where_a_recovery_stops_for_people() -> None:
    """At reviews and pauses that are still to come, not at those whose answer holds."""
    asked = ReviewSpec(groups=(ReviewGroup(id="g", reviewers=(ALICE,)),))
    spec = pipeline(
        stage(2, job(1, "a"), review=asked),
        stage(3, job(2, "b", step("ask", kind="review"), step("c", pause_before=True))),
        stage(4, job(3, "d"), review=asked),
    )
    world = World(spec, broken("b"))
    world.finish()

    failed, whole = planned(world, "b"), planned(world)

    assert list(stops(failed, world.run)) == ["ask", "c", "stage-4"]
    assert list(stops(whole, world.run)) == ["stage-2", "ask", "c", "stage-4"]


def fact(status: Status, seconds: float = 1, *, recovered: bool = False, day: int = 0) -> RunFact:
    """Give a run that took so long, some days later."""
    queued = NOW + timedelta(days=day)
    ended = queued + timedelta(seconds=seconds)
    return RunFact(
        status=status, recovered=recovered, queued_at=queued, started_at=queued, ended_at=ended
    )


def test_how_runs_went() -> None:
    """Shares are of those with a result; those that were cancelled have none."""
    good, bad = Status.SUCCEEDED, Status.FAILED
    runs = [fact(good, 4), fact(good, 2, recovered=True), fact(bad, day=1), fact(Status.CANCELLED)]

    found = insights_of(runs)

    assert (found.runs, found.succeeded, found.failed, found.cancelled) == (4, 2, 1, 1)
    assert found.success_share == pytest.approx(2 / 3)
    assert found.recovered_share == pytest.approx(1 / 3)
    assert found.rescue_share == 0.5
    assert (found.p50_seconds, found.p95_seconds) == (2, 4)
    assert [(day.runs, day.failed) for day in found.days] == [(3, 0), (1, 1)]
    nothing = insights_of([])
    assert (nothing.success_share, nothing.p50_seconds, nothing.days) == (None, None, ())


def test_what_repairs_brought() -> None:
    """Only runs that were repaired count."""
    world = World(one_job("a", "b"), broken(b=1))
    world.finish()
    failed = world.run.head
    world.retry("b")
    world.finish()

    found = repairs_of([failed, world.run.head])

    assert found.seconds_saved == world.run.head.attempts[1].seconds_saved > 0
    assert found.recover_p50_seconds == found.recover_p95_seconds
    assert repairs_of([failed]).recover_p50_seconds is None


def record(status: Status, attempt: int = 1, run_attempt: int = 1, **fields: Any) -> Step:
    """Give a record of the step `a`."""
    return Step(id=StepId("a"), attempt=attempt, run_attempt=run_attempt, status=status, **fields)


@pytest.mark.parametrize(
    ("step_record", "wanted"),
    [
        (None, "never"),
        (record(Status.QUEUED, run_attempt=2), "never"),
        (record(Status.SUCCEEDED, run_attempt=1), "kept"),
        (record(Status.FAILED, run_attempt=2), "ran"),
        (record(Status.SKIPPED, run_attempt=2), "skipped"),
    ],
)
def test_what_an_attempt_did_with_a_step(step_record: Step | None, wanted: str) -> None:
    """Seen from the second attempt of the run."""
    assert part_of(step_record, 2) == wanted


FAILED = record(Status.FAILED, exit_code=1)
PASSED = record(Status.SUCCEEDED, 2, exit_code=0)


@pytest.mark.parametrize(
    ("attempts", "is_flaky"),
    [
        ((FAILED, PASSED), True),
        ((FAILED,), False),
        ((FAILED, record(Status.FAILED, 2, exit_code=1)), False),
        # it was given something else, or another commit
        ((FAILED, record(Status.SUCCEEDED, 2, exit_code=0, inputs={"script": "x"})), False),
        ((record(Status.FAILED, exit_code=1, pin="c1"), PASSED), False),
        ((FAILED, replace(PASSED, patch=StepPatch(env={"X": "1"}))), False),
        ((FAILED, replace(PASSED, parameters_of=2)), False),
        # it was not the step that failed
        ((record(Status.FAILED), PASSED), False),
    ],
)
def test_flaky_steps(attempts: tuple[Step, ...], is_flaky: bool) -> None:
    """A step that comes to another end with the same inputs."""
    assert bool(flaky_steps({"a": attempts})) is is_flaky


def test_values_that_attempts_left() -> None:
    """Each attempt's own; withdrawn ones are gone, and no value is told."""
    ledger = Ledger()
    again = RunAttempt(number=2, actor=ALICE, queued_at=NOW, what="retry")
    writes = (Write(name="x", value="1"), Write(name="y", value="1", writer="a"))
    later = (Write(name="x", value="2", writer="b"), Write(name="z", value="3", writer="b"))
    ledger.take(
        [
            e.ValuesWritten(at=NOW, writes=writes),
            e.RunRetried(at=NOW, attempt=again),
            e.ValuesWithdrawn(at=NOW, writers=("a",)),
            e.ValuesWritten(at=NOW, writes=later),
        ]
    )
    ledger.close()

    found = changed_values(ledger.ends[1], ledger.ends[2])

    assert [(each.name, each.how, each.writer) for each in found] == [
        ("x", "changed", "b"),
        ("y", "removed", ""),
        ("z", "added", "b"),
    ]
    assert changed_values(ledger.ends[2], ledger.ends[2]) == ()


def test_inputs_that_were_changed() -> None:
    """Named, without what they are."""
    changed = record(Status.SUCCEEDED, inputs={"script": "x", "same": 1})

    assert changed_inputs(record(Status.FAILED, inputs={"same": 1}), changed) == ("script",)
    assert changed_inputs(None, record(Status.FAILED)) == ()
