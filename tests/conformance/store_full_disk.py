"""A process that hits the largest size of a file: `python -m conformance.store_full_disk DIR`.

Prints what happened: how many appends were answered before the failure, the error, and how many of
as many more were answered once there was room again.
"""

import asyncio
import resource
import signal
import sys
from pathlib import Path

from conformance.store_builders import at, build_head, create, decide, parts, put_pipeline
from mulligan.core import events as e
from mulligan.core.decision import Decision
from mulligan.core.errors import InfrastructureError
from mulligan.core.ids import UserName
from mulligan.core.run import Run
from mulligan.store.sql.store import SqlStore

BYTES = 1_500_000
MORE = 20


def remark(run: Run) -> Decision:
    """Give a decision that takes some space."""
    text = f"{run.head.revision} " + "x" * 5_000
    return decide(run, e.RemarkWritten(at=at(1), actor=UserName("ann"), text=text))


async def main(directory: Path) -> None:
    """Write until the disk is full, then with more room."""
    store = SqlStore(directory / "mulligan.db")
    await store.open()
    await put_pipeline(store)
    created = create(build_head())
    await store.append(created)
    run = created.run
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, unlimited))
    answered = 0
    try:
        while answered < 10_000:
            decision = remark(run)
            await store.append(decision)
            run, answered = decision.run, answered + 1
    except InfrastructureError as error:
        print(answered > 0, type(error).__name__)
    stored = await store.get_run(run.head.id)
    print(parts(stored) == parts(run))
    resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
    for _ in range(MORE):
        decision = remark(run)
        await store.append(decision)
        run = decision.run
    stored = await store.get_run(run.head.id)
    print(parts(stored) == parts(run))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
