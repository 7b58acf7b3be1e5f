"""W2: many jobs of one step in one run, few and many at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench import limits
from bench.pipelines import fan
from bench.report import Bound, Figure, median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.session import Session

REPETITIONS = 3
FAN_LIMIT = ("--set", "limits.jobs_per_stage=1000")
SLEEP_S = 0.1


def measure_short_jobs(session: Session) -> Sequence[Figure]:
    """Compare jobs of one `true`, two at once, with `xargs -P2` and with asyncio."""
    jobs = session.size(500, 100)
    ours, xargs, bare = [], [], []
    with session.mulligan("--runners", "2", *FAN_LIMIT) as own:
        pipeline = own.api.create_pipeline(fan("fan", jobs, "true"))
        for _ in range(session.size(REPETITIONS, 1)):
            started = time.perf_counter()
            own.api.wait(own.api.start(pipeline), interval_s=0.05)
            ours.append((time.perf_counter() - started) / jobs * 1000)
            xargs.append(limits.xargs("true", jobs, 2) / jobs * 1000)
            bare.append(limits.asyncio_at_once("true", jobs, 2) / jobs * 1000)
    limit = median(xargs)
    return [
        Figure(
            what=f"{jobs} one-step jobs, 2 at once, per job",
            unit="ms",
            ours=median(ours),
            limit=limit,
            limit_name="xargs -P2",
            must=Bound(most=5, base=limit),
            aim=Bound(most=2, base=median(bare), base_name="asyncio"),
            note=f"asyncio, nothing stored: {median(bare):.2f} ms",
        )
    ]


def measure_sleeping_jobs(session: Session) -> Sequence[Figure]:
    """Compare jobs that sleep, 50 at once, with the ideal and with asyncio."""
    at_once = 50
    jobs = session.size(500, 200)
    script = f"sleep {SLEEP_S}"
    with session.mulligan("--runners", str(at_once), *FAN_LIMIT) as own:
        pipeline = own.api.create_pipeline(fan("fan", jobs, script))
        ours = []
        for _ in range(session.size(2, 1)):
            started = time.perf_counter()
            own.api.wait(own.api.start(pipeline), interval_s=0.05)
            ours.append(time.perf_counter() - started)
    bare = limits.asyncio_at_once(script, jobs, at_once)
    xargs = limits.xargs(script, jobs, at_once)
    ideal = jobs * SLEEP_S / at_once
    return [
        Figure(
            what=f"{jobs} × `{script}`, {at_once} at once",
            unit="s",
            ours=median(ours),
            limit=ideal,
            limit_name="ideal",
            must=Bound(most=2, base=ideal),
            aim=Bound(most=1.25, base=bare, base_name="asyncio"),
            note=f"asyncio {bare:.2f} s, xargs -P{at_once} {xargs:.2f} s",
        )
    ]
