"""Receipts: the same key does nothing again, and keeps the first answer."""

import asyncio

import pytest

from builders import one_job
from engine_world import ANN, World
from mulligan.core.errors import (
    ConflictError,
    RefusedError,
)
from mulligan.engine.commands import ReceiptRequest, RetryRun, SetRemark, StartRun, StopRun
from mulligan.ports import RunFilter

pytestmark = pytest.mark.anyio

SIMPLE = one_job("a", "b")


def receipt(key: str, fingerprint: str = "same") -> ReceiptRequest:
    """Ask for a receipt that holds the text of the answer."""
    return ReceiptRequest(
        key=key,
        fingerprint=fingerprint,
        render=lambda result: (200, b"first", type(result).__name__),
    )


async def test_receipt_is_stored_with_its_act(hand: World) -> None:
    """The first answer to a key is kept, with what it answered."""
    made = await hand.add_pipeline(SIMPLE)

    command = StartRun(actor=ANN, pipeline=made.id, receipt=receipt("k1"))
    await hand.engine.start_run(command)

    kept = await hand.store.find_receipt(ANN, "k1")
    assert kept is not None
    assert (kept.status, kept.body, kept.content_type) == (200, b"first", "RunHead")
    assert kept.fingerprint == "same"


async def test_key_that_was_used_does_nothing_again(hand: World) -> None:
    """An act under a key that exists is refused as a whole, and the first answer stays (R14)."""
    made = await hand.add_pipeline(SIMPLE)
    command = StartRun(actor=ANN, pipeline=made.id, receipt=receipt("k1"))
    await hand.engine.start_run(command)

    with pytest.raises(ConflictError) as conflict:
        await hand.engine.start_run(command)

    assert conflict.value.code == "receipt"
    assert len((await hand.store.list_runs(RunFilter())).items) == 1
    assert len(await hand.store.list_audit()) == 3  # project, pipeline, one start


async def test_key_that_was_used_leaves_no_gap_in_the_numbers(hand: World) -> None:
    """The number that a repeated start was given goes to the next run."""
    made = await hand.add_pipeline(SIMPLE)
    command = StartRun(actor=ANN, pipeline=made.id, receipt=receipt("k1"))
    await hand.engine.start_run(command)

    with pytest.raises(ConflictError):
        await hand.engine.start_run(command)
    following = await hand.start(made)

    assert following.number == 2


async def test_same_key_at_the_same_time_acts_once(hand: World) -> None:
    """Of two stops under one key one is done, the other conflicts; there is one audit entry."""
    made = await hand.add_pipeline(SIMPLE)
    head = await hand.start(made)
    await hand.claim(head.id)

    def command(text: str) -> SetRemark:
        return SetRemark(actor=ANN, run_id=head.id, text=text, receipt=receipt("k"))

    both = await asyncio.gather(
        hand.engine.set_remark(command("one")),
        hand.engine.set_remark(command("two")),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, ConflictError) for answer in both) == 1
    assert (await hand.run(head.id)).head.remark == "one"


async def test_refused_act_keeps_no_receipt(hand: World) -> None:
    """A refusal can be tried again under the same key: nothing was stored for it."""
    made = await hand.add_pipeline(SIMPLE)
    head = await hand.start(made)

    command = RetryRun(actor=ANN, run_id=head.id, target="a", receipt=receipt("k"))
    with pytest.raises(RefusedError):
        await hand.engine.retry_run(command)

    assert await hand.store.find_receipt(ANN, "k") is None


async def test_run_under_way_stays_counted_after_a_conflict(hand: World) -> None:
    """A conflict of keys on a run that goes on does not make its pipeline look idle."""
    made = await hand.add_pipeline(SIMPLE)
    head = await hand.start(made)
    command = SetRemark(actor=ANN, run_id=head.id, text="x", receipt=receipt("k"))
    await hand.engine.set_remark(command)

    with pytest.raises(ConflictError):
        await hand.engine.set_remark(command)

    assert hand.engine.lines.load(made.id).running == 1


async def test_stop_under_a_used_key_stops_nothing(hand: World) -> None:
    """A stop whose key was used for something else is refused before it kills anything."""
    made = await hand.add_pipeline(SIMPLE)
    head = await hand.start(made)
    await hand.claim(head.id)
    await hand.engine.set_remark(
        SetRemark(actor=ANN, run_id=head.id, text="x", receipt=receipt("k"))
    )

    with pytest.raises(ConflictError):
        await hand.engine.stop_run(StopRun(actor=ANN, run_id=head.id, receipt=receipt("k")))

    assert (await hand.run(head.id)).head.cancel is None
