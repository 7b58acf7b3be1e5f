"""W10: one run with 10,000 jobs costs as much per job as one with ten."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from bench.pipelines import fan
from bench.processes import processor_s, tree
from bench.report import Bound, Figure
from bench.session import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.client import Api
    from bench.session import OwnServer, Session

T = TypeVar("T")

SMALL_JOBS = 10
POLL_END_S = 0.05


class Count:
    """Count the jobs that ran: each step adds one byte to a file."""

    def __init__(self, path: Path) -> None:
        """Use a file of its own."""
        self._path = path
        self.script = f"echo >> '{path}'"
        self.reset()

    def reset(self) -> None:
        """Start again at zero."""
        self._path.write_bytes(b"")

    def wait(self, jobs: int) -> None:
        """Wait until so many jobs ran."""
        wait_for(lambda: self._path.stat().st_size >= jobs)


def measure_large_run(session: Session) -> Sequence[Figure]:
    """Compare the server's processor time per job between a large run and small ones."""
    jobs, counted = session.size(10_000, 2_000), session.size(500, 200)
    count = Count(session.path("count"))
    with session.mulligan("--runners", "2", "--set", "limits.jobs_per_stage=10000") as own:
        small = own.api.create_pipeline(fan("small", SMALL_JOBS, count.script))
        _small_run_s(own, small, count)  # warm-up; starts the step host
        rounds = counted // (SMALL_JOBS - 1)
        used = sum(_small_run_s(own, small, count) for _ in range(rounds))
        base_ms = used / (rounds * (SMALL_JOBS - 1)) * 1000
        ours_ms, facts = _large_run(own, fan("large", jobs, count.script), count, counted)
    return [
        Figure(
            what=f"server's processor time per job, run of {jobs:,} jobs",
            unit="ms",
            ours=ours_ms,
            limit=base_ms,
            limit_name=f"run of {SMALL_JOBS} jobs",
            must=Bound(most=1.5, base=base_ms),
            aim=Bound(most=1, base=base_ms),
            note=f"jobs 2 to {counted} of it; " + ", ".join(facts),
        )
    ]


def _small_run_s(own: OwnServer, pipeline: str, count: Count) -> float:
    """Return the processor seconds between the first and the last job of a small run."""
    count.reset()
    pids = tree(own.server.pid)
    build = own.api.start(pipeline)
    seconds = _used_s(pids, count, SMALL_JOBS)
    own.api.wait(build)
    return seconds


def _large_run(
    own: OwnServer, model: dict[str, object], count: Count, counted: int
) -> tuple[float, list[str]]:
    """Return the processor ms per job of the first jobs, and facts about single requests."""
    api = own.api
    facts: list[str] = []
    pipeline = _timed(facts, "create", lambda: api.create_pipeline(model))
    count.reset()
    pids = tree(own.server.pid)
    build = _timed(facts, "start", lambda: api.start(pipeline))
    ms = _used_s(pids, count, counted) / (counted - 1) * 1000
    _timed(facts, "build_status", lambda: api.status(build))
    _timed(facts, "build_detail", lambda: api.call("GET", "build_detail", buildId=build))
    _time_metrics(facts, api)
    _timed(facts, "stop", lambda: api.stop(build))
    _timed(facts, "until cancelled", lambda: api.wait(build, "CANCELED", POLL_END_S))
    return ms, facts


def _used_s(pids: Sequence[int], count: Count, jobs: int) -> float:
    count.wait(1)
    before = processor_s(pids)
    count.wait(jobs)
    return processor_s(pids) - before


def _time_metrics(facts: list[str], api: Api) -> None:
    started = time.perf_counter()
    status, _ = api.connection.request("GET", "/metrics")
    ms = (time.perf_counter() - started) * 1000
    facts.append(f"metrics {ms:.0f} ms" if status == HTTPStatus.OK else f"metrics HTTP {status}")


def _timed(facts: list[str], name: str, act: Callable[[], T]) -> T:
    started = time.perf_counter()
    value = act()
    facts.append(f"{name} {(time.perf_counter() - started) * 1000:.0f} ms")
    return value
