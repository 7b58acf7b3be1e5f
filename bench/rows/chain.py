"""W1: a chain of `true` steps in one job, durable, output captured."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench import limits
from bench.pipelines import chain
from bench.processes import processor_s, tree
from bench.report import Bound, Figure, median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.session import Session

REPETITIONS = 3


def measure_chain(session: Session) -> Sequence[Figure]:
    """Compare the time of a step with a spawn and two commits by bare Python."""
    steps = session.size(200, 50)
    ours: list[float] = []
    full: list[float] = []
    normal: list[float] = []
    processor: list[float] = []
    option = ("--runners", "2", "--set", "limits.steps_per_job=1000")
    with session.mulligan(*option) as own:
        pipeline = own.api.create_pipeline(chain("chain", *["true"] * steps))
        own.api.wait(own.api.start(pipeline))  # the first run warms up both of us
        pids = tree(own.server.pid)
        for _ in range(session.size(REPETITIONS, 1)):
            used = processor_s(pids)
            started = time.perf_counter()
            build = own.api.start(pipeline)
            own.api.wait(build)
            ours.append((time.perf_counter() - started) / steps * 1000)
            processor.append((processor_s(pids) - used) / steps * 1000)
            database = session.path("limit.db")
            for mode, found in (("FULL", full), ("NORMAL", normal)):
                seconds = limits.spawn_and_commit("true", steps, database, mode)
                found.append(seconds / steps * 1000)
    limit = median(full)
    return [
        Figure(
            what=f"{steps} `true` steps in one job, per step",
            unit="ms",
            ours=median(ours),
            limit=limit,
            limit_name="process limit",
            must=Bound(most=4, base=limit),
            aim=Bound(most=2, base=limit),
            note=f"limit with NORMAL {median(normal):.2f} ms; "
            f"server and step host used {median(processor):.2f} ms of processor a step",
        )
    ]
