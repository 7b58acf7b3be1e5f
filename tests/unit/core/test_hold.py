"""How far a run is as a whole: executing, paused, held, closed (swr-pipeline-api.md §4.1, §4.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mulligan.core.cause import Cause
from mulligan.core.hold import Phase, failed_stage, head_is_held, hold_until, is_held
from mulligan.core.refusal import RefusalCode
from mulligan.core.spec import AfterFailure
from mulligan.core.status import Status
from release_run import ANN, Release
from release_world import HOUR_S, definition, deploy, review, stage

HOLD = definition(stage(0, "a", hold_s=2 * HOUR_S), stage(1, "b"))


def failed(cause: Cause = Cause.USER, **fields: Any) -> Release:
    """Give a run whose only stage failed."""
    release = Release(definition(stage(0, "a", **fields)))
    release.work(0, cause)
    return release


def test_phases_of_ordinary_work() -> None:
    """A job that waits for a runner executes; a review that asks does not."""
    release = Release(definition(stage(0, "a"), review(1, ANN), stage(2, "b")))
    seen = [release.phase]

    release.begin()
    seen.append(release.phase)
    release.end(0)
    seen.append(release.phase)
    release.begin()
    seen.append(release.phase)
    release.vote(1)
    seen.append(release.phase)
    release.work(2)
    seen.append(release.phase)

    executing = Phase.EXECUTING
    assert seen == [executing, executing, executing, Phase.PAUSED, executing, Phase.CLOSED]


def test_waiting_for_signals_is_paused() -> None:
    """A stage that waits for its signals executes nothing."""
    release = Release(definition(stage(0, "a", signals=("h",))))

    before = release.phase
    release.signal(0, "h")

    assert (before, release.phase) == (Phase.PAUSED, Phase.EXECUTING)


def test_stop_under_way_is_executing() -> None:
    """While a stop is carried out the run is not paused."""
    release = Release(definition(stage(0, "a"), stage(1, "b")))
    release.begin()

    release.cancel()
    during = release.phase
    release.end(0, status=Status.CANCELLED)

    assert (during, release.phase) == (Phase.EXECUTING, Phase.CLOSED)


@pytest.mark.parametrize("late_s", [-1, 0, 1])
def test_end_of_a_hold(late_s: int) -> None:
    """A hold lasts to the second; nothing has to happen for its end."""
    release = Release(HOLD)
    release.work(0, Cause.USER)
    until = hold_until(release.run.head, HOLD)
    assert until is not None

    release.now = until + timedelta(seconds=late_s)

    assert is_held(release.run, release.now) is (late_s < 0)
    assert head_is_held(release.run.head, HOLD, release.now) is (late_s < 0)
    assert release.phase is (Phase.HELD if late_s < 0 else Phase.CLOSED)


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({"after_failure": AfterFailure.HOLD, "hold_s": 10}, True),
        ({"after_failure": AfterFailure.HOLD, "hold_s": 0}, False),
        ({"after_failure": AfterFailure.RESET, "hold_s": 0}, False),
        ({"after_failure": AfterFailure.END, "hold_s": 0}, True),
    ],
)
def test_handlers(fields: dict[str, Any], held: bool) -> None:
    """Only a reset, and a hold of no time, let go at once; a plain end holds for ever."""
    release = failed(**fields)

    assert (release.phase is Phase.HELD) is held


@pytest.mark.parametrize("cause", [each for each in Cause if each is not Cause.TERMINATED])
def test_every_failure_is_held(cause: Cause) -> None:
    """All kinds of failure go through the handler."""
    assert failed(cause).phase is Phase.HELD


def test_ignored_failure_is_not_held() -> None:
    """A run that went on after an ignored failure is over when it is."""
    release = Release(definition(stage(0, "a", ignored=True), stage(1, "b")))
    release.work(0, Cause.USER)
    between = release.phase
    release.work(1)

    assert (between, release.phase) == (Phase.EXECUTING, Phase.CLOSED)
    assert release.run.head.status is Status.SUCCEEDED


def test_end_by_force_is_not_held() -> None:
    """No handler runs after a stop, also when it took force (§4.5)."""
    release = Release(HOLD)
    release.begin()

    release.terminate()

    assert release.run.head.status is Status.FAILED
    assert release.phase is Phase.CLOSED
    assert failed_stage(release.run.head, HOLD) is None
    refusal = release.give_up()
    assert refusal is not None
    assert refusal.code is RefusalCode.NOT_STOPPABLE


def test_giving_a_held_run_up() -> None:
    """A held run can be given up once; its stage keeps its failure."""
    release = failed()

    first = release.give_up()
    second = release.give_up()

    assert first is None
    assert second is not None
    assert release.phase is Phase.CLOSED
    assert release.run.head.status is Status.FAILED
    assert release.run.head.released_at is not None


def test_failed_rollback_is_not_held() -> None:
    """A rollback that failed is final until the user acts."""
    release = Release(definition(deploy(0)))
    release.work(0)
    release.roll_back(0)

    release.work(0, Cause.USER)

    assert release.phase is Phase.CLOSED
    assert failed_stage(release.run.head, release.run.index.spec) is None
