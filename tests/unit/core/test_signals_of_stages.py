"""Signals that a stage waits for: latches, early ones, and what they bring (§4.3, §4.4)."""

from __future__ import annotations

import pytest

from mulligan.core.cause import Cause
from mulligan.core.hold import Phase
from mulligan.core.ids import StageId
from mulligan.core.spec import AfterFailure, PipelineSpec
from mulligan.core.status import Status
from release_run import Release
from release_world import definition, deploy, stage


def told(*, needs_all: bool = True, **fields: object) -> PipelineSpec:
    """Give: build, and a stage that waits for h1 and h2."""
    second = stage(1, "told", signals=("h1", "h2"), needs_all=needs_all, **fields)  # type: ignore[arg-type]
    return definition(stage(0, "build"), second, stage(2, "last"))


def reached(*, needs_all: bool = True) -> Release:
    """Give a run that stands before its signals."""
    release = Release(told(needs_all=needs_all))
    release.work(0)
    return release


def test_one_of_two_is_enough() -> None:
    """`or`: the first signal begins the stage (S3)."""
    release = reached(needs_all=False)

    assert release.signal(1, "h2") is True
    assert release.phase is Phase.EXECUTING


@pytest.mark.parametrize("order", [("h1", "h2"), ("h2", "h1"), ("h1", "h1", "h2")])
def test_all_have_to_come(order: tuple[str, ...]) -> None:
    """`and`: the last missing one begins it, in whatever order; one twice counts once."""
    release = reached()

    begins = [release.signal(1, hook) for hook in order]

    assert begins == [False] * (len(order) - 1) + [True]
    assert release.run.stage(release.spec(1).id).status is Status.RUNNING


def test_newest_values_of_a_signal_hold() -> None:
    """The same signal again before the others: its newest values win."""
    release = reached()

    release.signal(1, "h1", {"VERSION": "old"})
    release.signal(1, "h1", {"VERSION": "new"})
    release.signal(1, "h2")

    assert release.run.value("VERSION") == "new"


def test_early_signals() -> None:
    """A signal for a stage that is not reached is latched while the run goes on."""
    release = Release(told())

    early = [release.signal(1, "h1"), release.signal(1, "h2", {"VERSION": "v5"})]
    release.work(0)

    assert early == [False, False]
    assert release.phase is Phase.EXECUTING
    assert release.offered() == [release.job_id(1)]
    assert release.run.value("VERSION") == "v5"


def test_one_early_one_late() -> None:
    """Early and late signals count together; the stage shows as waiting for the other."""
    release = Release(told())
    release.signal(1, "h1")
    release.work(0)

    waits = release.run.awaits_signals
    begins = release.signal(1, "h2")

    assert waits == StageId("stage-3")
    assert begins is True


def test_signal_for_a_stage_that_has_begun() -> None:
    """A signal that comes too late changes nothing."""
    release = reached(needs_all=False)
    release.signal(1, "h1")
    before = release.run

    assert release.signal(1, "h2", {"VERSION": "late"}) is False
    assert release.run is before
    release.work(1)
    assert release.signal(1, "h2") is False


def test_signal_of_another_condition_does_not_count() -> None:
    """A signal that the stage does not wait for does not begin it."""
    release = reached()
    release.signal(1, "h1")

    assert release.signal(1, "h3") is False
    assert release.phase is Phase.PAUSED


def test_stop_while_waiting() -> None:
    """A run that waits for signals can be stopped; its stage is cancelled, no job is left."""
    release = reached()

    assert release.cancel() is None

    assert release.run.head.status is Status.CANCELLED
    assert release.run.stage(release.spec(1).id).status is Status.CANCELLED
    assert release.offered() == []


def test_rollback_while_waiting() -> None:
    """A rollback of an earlier stage closes the waiting (S11)."""
    release = Release(definition(deploy(0), stage(1, "told", signals=("h1",))))
    release.work(0)
    release.signal(1, "h0")

    release.roll_back(0)
    gate = release.run.gates[release.spec(1).id]
    release.work(0)

    assert gate.state == "rejected"
    assert release.run.stage(release.spec(1).id).cause is Cause.ROLLED_BACK
    assert release.phase is Phase.CLOSED


# --- a start without the right to -----------------------------------------------------------------


def test_start_without_a_right() -> None:
    """The first stage of a run that was started without the right fails as unauthorized."""
    release = Release(definition(stage(0, "build"), stage(1, "last")))

    release.refuse()

    assert (release.run.head.status, release.run.head.cause) == (
        Status.FAILED,
        Cause.UNAUTHORIZED,
    )
    assert release.phase is Phase.HELD
    assert release.offered() == []


@pytest.mark.parametrize("needs_all", [True, False])
def test_start_without_a_right_before_signals(needs_all: bool) -> None:
    """So does one that waits for signals: it does not stand there for ever."""
    first = stage(0, "told", signals=("h1", "h2"), needs_all=needs_all)
    release = Release(definition(first, stage(1, "last")))

    release.refuse()

    assert (release.run.head.status, release.run.head.cause) == (
        Status.FAILED,
        Cause.UNAUTHORIZED,
    )
    assert release.run.stage(release.spec(0).id).status is Status.FAILED
    assert release.phase is Phase.HELD
    assert release.signal(0, "h1") is False


def test_start_without_a_right_of_a_stage_that_may_fail() -> None:
    """Where failures are ignored the next stage is as little allowed: the run goes on to it."""
    first = stage(0, "told", signals=("h1",), ignored=True, after_failure=AfterFailure.END)
    release = Release(definition(first, stage(1, "last")))

    release.refuse()

    job = release.run.job(release.job_id(0))
    assert (job.status, job.cause) == (Status.FAILED, Cause.UNAUTHORIZED)
    assert release.offered() == [release.job_id(1)]
