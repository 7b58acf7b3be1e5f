"""W3: many three-stage runs submitted at once over HTTP."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench.client import Api, LimitApi
from bench.pipelines import job, pipeline, step
from bench.report import Bound, Figure, median, percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.session import Session

CONNECTIONS = 8
STAGES = 3
REPETITIONS = 3
MS_PER_S = 1000


@dataclass(frozen=True, kw_only=True)
class Burst:
    """Hold what a burst of runs gave: runs per second and the latency of each submit in ms."""

    per_s: float
    submit_ms: Sequence[float]


def measure_runs(session: Session) -> Sequence[Figure]:
    """Compare the rate of runs and the latency of submitting them with the engine limit."""
    count = session.size(200, 50)
    steps = ["true"] * STAGES
    stages = [[job(f"job{n}", step(f"step{n}", script))] for n, script in enumerate(steps)]
    ours, limit = [], []
    with session.mulligan("--runners", "2") as own, session.engine_limit() as (server, limit_api):
        pipeline_id = own.api.create_pipeline(pipeline("three", *stages))
        own.api.wait(own.api.start(pipeline_id))
        limit_api.wait(limit_api.start(*steps))
        for _ in range(session.size(REPETITIONS, 1)):
            apis = [Api(session.connect(own.server)) for _ in range(CONNECTIONS)]
            submits = [partial(api.start, pipeline_id) for api in apis]
            ours.append(burst(submits, count, lambda run: _end_of(own.api, run)))
            limit_apis = [LimitApi(session.connect(server)) for _ in range(CONNECTIONS)]
            submits = [partial(api.start, *steps) for api in limit_apis]
            limit.append(burst(submits, count, lambda run: limit_api.wait(run, interval_s=0.05)))
    return [_rate(ours, limit, count), _latency(ours, limit)]


def burst(
    submits: Sequence[Callable[[], str]], count: int, end_of: Callable[[str], float]
) -> Burst:
    """Submit `count` runs, one at a time by each of `submits`, and wait for all of them.

    Args:
        submits: submit one run each and return its id; each is used by one thread.
        count: runs altogether.
        end_of: waits for a run and returns when it ended, in seconds since 1970.
    """
    numbers = iter(range(count))

    def submitter(submit: Callable[[], str]) -> list[tuple[str, float]]:
        found = []
        for _ in numbers:  # the threads share the iterator: each number is taken once
            started = time.perf_counter()
            run = submit()
            found.append((run, (time.perf_counter() - started) * MS_PER_S))
        return found

    started_at = time.time()
    with ThreadPoolExecutor(len(submits)) as pool:
        try:
            submitted = [pair for found in pool.map(submitter, submits) for pair in found]
        finally:
            for _ in numbers:  # after an error the other threads find nothing left to do
                pass
    # The run that was taken last is asked for first, so that the others need one look each.
    ends = [end_of(run) for run, _ in reversed(submitted)]
    return Burst(per_s=count / (max(ends) - started_at), submit_ms=[ms for _, ms in submitted])


def _end_of(api: Api, run: str) -> float:
    status = api.wait(run, interval_s=0.05)
    return float(status.get("endTime") or time.time() * MS_PER_S) / MS_PER_S


def _rate(ours: Sequence[Burst], limit: Sequence[Burst], count: int) -> Figure:
    base = median(each.per_s for each in limit)
    return Figure(
        what=f"{count} runs of {STAGES} stages over {CONNECTIONS} connections",
        unit="runs/s",
        ours=median(each.per_s for each in ours),
        limit=base,
        limit_name="engine limit",
        must=Bound(least=0.4, base=base),
        aim=Bound(least=0.7, base=base),
        note=f"of each of {len(ours)}: {', '.join(f'{each.per_s:.0f}' for each in ours)} runs/s, "
        f"limit {', '.join(f'{each.per_s:.0f}' for each in limit)}",
    )


def _latency(ours: Sequence[Burst], limit: Sequence[Burst]) -> Figure:
    own_ms = [ms for each in ours for ms in each.submit_ms]
    limit_ms = [ms for each in limit for ms in each.submit_ms]
    base = percentile(limit_ms, 0.99)
    return Figure(
        what="submit meanwhile, p99",
        unit="ms",
        ours=percentile(own_ms, 0.99),
        limit=base,
        limit_name="engine limit",
        must=Bound(most=2, base=base),
        aim=Bound(most=1.2, base=base),
        note=f"p50 {percentile(own_ms, 0.5):.1f} ms, limit {percentile(limit_ms, 0.5):.1f} ms",
    )
