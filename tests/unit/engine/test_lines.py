"""Runs in memory: what is kept, what counts as load, and what happens to a broken line."""

import pytest
from msgspec.structs import replace

from builders import one_job
from engine_world import World
from mulligan.core.run import Run
from mulligan.core.status import Status
from mulligan.engine import lines
from mulligan.engine.lines import Lines

pytestmark = pytest.mark.anyio


def at(run: Run, revision: int, status: Status | None = None) -> Run:
    """Give the snapshot at another revision."""
    head = replace(run.head, revision=revision, status=status or run.head.status)
    return replace(run, head=head)


async def a_run(hand: World) -> Run:
    """Give a stored run that goes on."""
    made = await hand.add_pipeline(one_job("a"))
    head = await hand.start(made)
    return await hand.store.get_run(head.id)


async def test_line_is_read_once(hand: World) -> None:
    """Everybody builds on the same line of a run."""
    run = await a_run(hand)
    kept = Lines(hand.store)

    first = await kept.get(run.head.id)
    second = await kept.get(run.head.id)

    assert first is second
    assert first.stored == run


async def test_ended_runs_are_kept_for_a_while(
    hand: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only so many ended runs stay in memory; the oldest go first."""
    monkeypatch.setattr(lines, "_KEPT_ENDED", 2)
    run = await a_run(hand)
    kept = Lines(hand.store)

    for name in ("b-1", "b-2", "b-3"):
        head = replace(run.head, id=name, status=Status.SUCCEEDED)
        kept.add(replace(run, head=head))

    assert kept.find("b-1") is None  # type: ignore[arg-type]
    assert kept.find("b-3") is not None  # type: ignore[arg-type]
    assert kept.pipelines() == ()


async def test_older_answer_does_not_set_readers_back(hand: World) -> None:
    """A commit that is told of late does not hide a newer one."""
    run = await a_run(hand)
    kept = Lines(hand.store)
    line = kept.add(run)

    kept.stored(line, at(run, 5))
    kept.stored(line, at(run, 4))

    assert line.stored.head.revision == 5


async def test_run_that_never_was_stored_counts_no_more(hand: World) -> None:
    """A run whose first commit failed leaves nothing behind."""
    run = await a_run(hand)
    kept = Lines(hand.store)
    line = kept.add(at(run, 0))

    kept.drop(run.head.id, line)

    assert kept.find(run.head.id) is None
    assert kept.pipelines() == ()


async def test_broken_line_counts_until_it_is_read_again(hand: World) -> None:
    """A run that goes on is a load although its line broke, once and not twice."""
    run = await a_run(hand)
    kept = Lines(hand.store)
    line = kept.add(run)
    line.tip = at(run, 9, Status.SUCCEEDED)  # decided, but it could not be stored

    kept.drop(run.head.id, line)
    broken = kept.load(run.head.pipeline).running
    again = await kept.get(run.head.id)

    assert broken == 1
    assert again is not line
    assert kept.load(run.head.pipeline).running == 1


async def test_end_that_was_stored_after_the_break_counts(hand: World) -> None:
    """If an earlier decision of a broken line still gets stored and ends the run, it is no load."""
    run = await a_run(hand)
    kept = Lines(hand.store)
    line = kept.add(run)
    kept.drop(run.head.id, line)

    kept.stored(line, at(run, 2, Status.FAILED))

    assert kept.load(run.head.pipeline).running == 0
    assert kept.pipelines() == ()


async def test_second_failure_of_a_line_does_not_hurt_the_new_one(hand: World) -> None:
    """What was decided on a broken line fails later; by then there may be another line."""
    run = await a_run(hand)
    kept = Lines(hand.store)
    line = kept.add(run)
    kept.drop(run.head.id, line)
    again = await kept.get(run.head.id)

    kept.drop(run.head.id, line)

    assert kept.find(run.head.id) is again
    assert not again.is_broken


async def test_ended_line_that_could_not_be_stored_is_forgotten(hand: World) -> None:
    """An ended run whose line broke is read from the store the next time."""
    run = await a_run(hand)
    kept = Lines(hand.store)
    line = kept.add(at(run, 7, Status.FAILED))

    kept.drop(run.head.id, line)

    assert kept.find(run.head.id) is None


async def test_one_run_can_be_left_out_of_the_load(hand: World) -> None:
    """The run that is asked about does not stand in its own way."""
    run = await a_run(hand)

    load = hand.engine.lines.load(run.head.pipeline, but=run.head.id)

    assert (load.queued, load.running) == ((), 0)


async def test_line_that_was_forgotten_is_not_brought_back(
    hand: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that is told of after its line was let go changes nothing in memory."""
    monkeypatch.setattr(lines, "_KEPT_ENDED", 0)
    run = await a_run(hand)
    kept = Lines(hand.store)
    line = kept.add(at(run, 3, Status.SUCCEEDED))

    kept.stored(line, at(run, 4, Status.SUCCEEDED))

    assert kept.find(run.head.id) is None
