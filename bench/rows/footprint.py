"""W7: cold start, idle memory and idle processor time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.pipelines import chain
from bench.processes import processor_s, proportional_mb, resident_mb, tree
from bench.report import Bound, Figure, median
from bench.servers import engine_limit, mulligan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.session import Session

STARTS = 5
SETTLE_S = 2.0


def measure_footprint(session: Session) -> Sequence[Figure]:
    """Compare start and memory with the engine limit; take the processor time of doing nothing."""
    ours, limit = start_times(session, session.size(STARTS, 2))
    idle_s = session.size(10, 3)
    with session.engine_limit() as (server, _):
        base_mb = proportional_mb(tree(server.pid))
    with session.mulligan("--runners", "2") as own:
        own.api.wait(own.api.start(own.api.create_pipeline(chain("warm-up", "true"))))
        time.sleep(SETTLE_S)
        pids = tree(own.server.pid)
        used = processor_s(pids)
        time.sleep(idle_s)
        share = (processor_s(pids) - used) / idle_s * 100
        memory_mb, resident = proportional_mb(pids), resident_mb(pids)
    return [
        Figure(
            what=f"cold start to ready, median of {len(ours)}",
            unit="s",
            ours=median(ours),
            limit=median(limit),
            limit_name="engine limit",
            must=Bound(most=4, base=median(limit)),
            aim=Bound(most=0.5),
            note=f"from {min(ours):.2f} to {max(ours):.2f} s, with an empty data directory",
        ),
        Figure(
            what="idle memory after one run (PSS of the tree)",
            unit="MB",
            ours=memory_mb,
            limit=base_mb,
            limit_name="engine limit",
            must=Bound(most=90),
            aim=Bound(most=65),
            note=f"{len(pids)} processes, sum of RSS {resident:.0f} MB",
        ),
        Figure(
            what=f"idle processor time over {idle_s} s",
            unit="%",
            ours=share,
            must=Bound(most=0.5),
            aim=Bound(most=0.05),
        ),
    ]


def start_times(session: Session, count: int) -> tuple[list[float], list[float]]:
    """Return the seconds from spawn to ready, ours and the engine limit's, taken alternately."""
    ours, limit = [], []
    for _ in range(count + 1):
        with mulligan(session.path("data"), "--runners", "2") as server:
            ours.append(server.start_s)
        with engine_limit(session.path("limit.db")) as server:
            limit.append(server.start_s)
    del ours[0], limit[0]  # they may have compiled modules
    session.remembered["start_s"] = median(ours)
    return ours, limit
