"""W4 and W5: from a request to the start of a process, for a new run and for a retry."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.errors import CallError
from bench.pipelines import chain, task_ids
from bench.report import Bound, Figure, percentile
from bench.session import StartMark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.client import Api
    from bench.session import Session

IDLE_S = 0.02  # between two measurements: the server has nothing left to do
WARM_UP = 3


def measure_first_process(session: Session) -> Sequence[Figure]:
    """Compare request to first process on an idle server with the engine limit, alternately."""
    count = session.size(50, 15)
    mark = StartMark(session.path("mark"))
    ours, limit = [], []
    with session.mulligan("--runners", "2") as own, session.engine_limit() as (_, limit_api):
        pipeline = own.api.create_pipeline(chain("mark", mark.script))
        for _ in range(count + WARM_UP):
            ours.append(first_process_ms(own.api, pipeline, mark))
            ms, run = mark.ms_after(lambda: limit_api.start(mark.script))
            limit_api.wait(run)
            limit.append(ms)
            time.sleep(IDLE_S)
    del ours[:WARM_UP], limit[:WARM_UP]
    session.remembered["first_process_ms"] = percentile(ours, 0.5)
    return [
        _figure("p50", ours, limit, share=0.5, most=3, aim=1.5),
        _figure(f"p99 (n={count})", ours, limit, share=0.99, most=5, aim=None),
    ]


def first_process_ms(api: Api, pipeline: str, mark: StartMark) -> float:
    """Start a run of a pipeline that sets `mark`; return the ms until it did. Waits for the end."""
    ms, build = mark.ms_after(lambda: api.start(pipeline))
    api.wait(build)
    time.sleep(IDLE_S)
    return ms


def measure_retry(session: Session) -> Sequence[Figure]:
    """Compare `build_retry` to the failed step's start with the same of a new run, alternately."""
    count = session.size(30, 10)
    mark = StartMark(session.path("mark"))
    retried, started = [], []
    with session.mulligan("--runners", "2") as own:
        scene = RetryScene(own.api, session.path("journal"), mark)
        pipeline = own.api.create_pipeline(chain("mark", mark.script))
        for _ in range(count + WARM_UP):
            retried.append(scene.fail_and_retry_ms())
            started.append(first_process_ms(own.api, pipeline, mark))
    del retried[:WARM_UP], started[:WARM_UP]
    base = percentile(started, 0.5)
    return [
        Figure(
            what="build_retry to the failed step's start, p50",
            unit="ms",
            ours=percentile(retried, 0.5),
            limit=base,
            limit_name="own new run",
            must=Bound(most=1.2, base=base),
            aim=Bound(most=1, base=base),
            note=f"p99 {percentile(retried, 0.99):.1f} ms, steps ran 1, 2, 1 times in each of "
            f"{count}",
        )
    ]


class RetryScene:
    """A pipeline of three steps, the second of which fails until a file is there."""

    def __init__(self, api: Api, journal: Path, mark: StartMark) -> None:
        """Make the pipeline; its steps write their numbers to `journal`."""
        self._api = api
        self._journal = journal
        self._mark = mark
        self._cure = journal.with_name(f"{journal.name}.cure")
        note = f">> '{journal}'"
        second = f"{mark.script}; echo 2 {note}; [ -e '{self._cure}' ]"
        model = chain("retry", f"echo 1 {note}", second, f"echo 3 {note}")
        self._task = task_ids(model)[1]
        self._pipeline = api.create_pipeline(model)

    def fail_and_retry_ms(self) -> float:
        """Let a run fail, cure and retry it; return the ms from the call to the step's start.

        Raises:
            CallError: the three steps did not run 1, 2 and 1 times.
        """
        self._journal.write_text("")
        self._cure.unlink(missing_ok=True)
        build = self._api.start(self._pipeline)
        self._api.wait(build, "FAILED")
        self._cure.touch()
        time.sleep(IDLE_S)
        ms, _ = self._mark.ms_after(lambda: self._api.retry(build, self._task))
        self._api.wait(build)
        ran = self._journal.read_text().split()
        if ran != ["1", "2", "2", "3"]:
            raise CallError(f"the steps ran in the order {ran}")
        return ms


def _figure(
    name: str,
    ours: Sequence[float],
    limit: Sequence[float],
    *,
    share: float,
    most: float,
    aim: float | None,
) -> Figure:
    base = percentile(limit, share)
    return Figure(
        what=f"request to first process, idle server, {name}",
        unit="ms",
        ours=percentile(ours, share),
        limit=base,
        limit_name="engine limit",
        must=Bound(most=most, base=base),
        aim=None if aim is None else Bound(most=aim, base=base),
    )
