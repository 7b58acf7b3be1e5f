"""A process that writes until it is killed: `python -m conformance.store_child DIR RUNS`.

Prints "RUN REVISION" for every answered append, each line in one write.
"""

import asyncio
import os
import sys
from pathlib import Path

from conformance.store_builders import at, build_head, create, decide, put_pipeline
from mulligan.core import events as e
from mulligan.core.decision import Effect
from mulligan.core.ids import UserName
from mulligan.store.sql.store import SqlStore


async def write(store: SqlStore, number: int) -> None:
    """Carry on one run for ever."""
    decision = create(build_head(number))
    await store.append(decision)
    while True:
        head = decision.run.head
        os.write(1, f"{head.id} {head.revision}\n".encode())
        remark = f"{head.revision + 1} " + "x" * (head.revision % 1_000)
        timer = Effect(kind="timer", key="1", due_at=at(head.revision), drop=head.revision % 3 == 0)
        decision = decide(
            decision.run,
            e.RemarkWritten(at=at(head.revision), actor=UserName("ann"), text=remark),
            effects=[timer],
        )
        await store.append(decision)


async def main(directory: Path, runs: int) -> None:
    """Open the store and write with many tasks at once."""
    store = SqlStore(directory / "mulligan.db")
    await store.open()
    await put_pipeline(store)
    async with asyncio.TaskGroup() as tasks:
        for number in range(1, runs + 1):
            tasks.create_task(write(store, number))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
