"""What is counted over all runs."""

import pytest

from conformance.store_builders import at, build_head, decide, new_draft, play, step_id
from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.ids import RunnerName
from mulligan.core.run import Run
from mulligan.core.status import Status
from mulligan.core.tallies import DURATIONS, Tally, bucket_of, result_word, tallies_of


def ended(*results: Status, seconds: float = 1) -> tuple[Run, list[Tally]]:
    """Play a run to its end; return it and what all its decisions count."""
    draft = new_draft(build_head())
    run, found = draft.run, list(tallies_of(draft.decision()))
    for decision in play(run, results=results, seconds=seconds):
        run = decision.run
        found += tallies_of(decision)
    return run, found


@pytest.mark.parametrize(
    ("status", "cause", "word"),
    [
        (Status.SUCCEEDED, None, "success"),
        (Status.FAILED, Cause.USER, "failure"),
        (Status.FAILED, Cause.QUEUE_TIMEOUT, "timeout"),
        (Status.FAILED, Cause.LOST, "error"),
        (Status.CANCELLED, None, "cancellation"),
    ],
)
def test_words_of_results(status: Status, cause: Cause | None, word: str) -> None:
    """Results have the words of the convention."""
    assert result_word(status, cause) == word


@pytest.mark.parametrize(
    ("seconds", "label"), [(0, "1"), (1, "1"), (1.5, "5"), (86_400, "86400"), (1e9, "+Inf")]
)
def test_buckets(seconds: float, label: str) -> None:
    """A duration is counted where it is not above the bound."""
    assert bucket_of(seconds, DURATIONS) == label


def test_a_run_that_succeeds() -> None:
    """Its end, how long it waited and worked; nothing is counted on the way."""
    _, found = ended(seconds=2)

    names = [tally.name for tally in found]
    assert names == ["runs_ended", "run_seconds", "run_buckets", "run_seconds", "run_buckets"]
    assert found[0].label == "succeeded"
    assert {tally.label for tally in found[1:]} == {
        "pending success",
        "pending success 1",
        "executing success",
        "executing success 10",
    }


def test_a_run_that_fails() -> None:
    """It is broken, and says why."""
    _, found = ended(Status.FAILED)

    assert Tally("run_errors", "user", 1) in found
    assert Tally("broken_runs", "", 1) in found
    assert not [tally for tally in found if tally.name.startswith("recover")]


def test_steps_that_are_flaky_or_lost() -> None:
    """A step that passed after tries of its own, and one whose runner is gone."""
    run = new_draft(build_head()).run
    started = e.StepStarted(at=at(1), node=step_id(1), runner=RunnerName("r"))
    for changes, name in (
        ({"status": Status.SUCCEEDED, "tries": 2}, "flaky_passes"),
        ({"status": Status.FAILED, "cause": Cause.LOST}, "lost_attempts"),
    ):
        finished = e.StepFinished(at=at(2), node=step_id(1), **changes)
        assert tallies_of(decide(run, started, finished)) == [Tally(name, "", 1)]
