"""Records of steps, read some at a time."""

from collections.abc import AsyncIterator

from mulligan.core.ids import RunId, StepId
from mulligan.core.records import StepRecord
from mulligan.ports import Store

AT_ONCE = 20  # one may hold megabytes


async def step_records(
    store: Store,
    run_id: RunId,
    kind: str,
    *,
    step: StepId | None = None,
    attempt: int | None = None,
) -> AsyncIterator[StepRecord]:
    """Yield what a step, or every step, left of one kind, oldest first; of one attempt, or all."""
    after = 0
    while True:
        found = await store.list_step_records(
            run_id, kind, step=step, attempt=attempt, after=after, limit=AT_ONCE
        )
        for record in found:
            yield record
        if len(found) < AT_ONCE:
            return
        after = found[-1].number
