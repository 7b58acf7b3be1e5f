"""What every store counts over all runs."""

import pytest

from conformance.store_builders import build_head, new_draft, play, put_pipeline
from mulligan.core.errors import StaleRevisionError
from mulligan.core.status import Status
from mulligan.ports import Store

pytestmark = pytest.mark.anyio


async def test_counts_come_with_what_they_count(store: Store) -> None:
    """They are added to by the transaction that stores the end of a run, or not at all."""
    await put_pipeline(store)
    assert await store.tallies() == {}
    for number, results in ((1, ()), (2, (Status.FAILED,)), (3, ())):
        decision = new_draft(build_head(number)).decision()
        await store.append(decision)
        for following in play(decision.run, results=results):
            await store.append(following)
    with pytest.raises(StaleRevisionError):
        await store.append(following)

    counts = await store.tallies()

    assert counts["runs_ended", "succeeded"] == 2
    assert counts["runs_ended", "failed"] == counts["broken_runs", ""] == 1
    worked = counts["run_seconds", "executing success"]
    assert worked > 0
    assert ("recovered_runs", "") not in counts


async def test_how_far_traces_are(store: Store) -> None:
    """The cursor is there from when somebody wants traces until nobody does."""
    found = [await store.find_trace_cursor()]
    for seq in (7, 9, None):
        await store.put_trace_cursor(seq)
        found.append(await store.find_trace_cursor())

    assert found == [None, 7, 9, None]
