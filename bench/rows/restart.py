"""W9: the server is killed with SIGKILL in the middle of a run and started again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.client import Api
from bench.errors import CallError
from bench.pipelines import chain
from bench.report import Bound, Figure, median, percentile
from bench.rows.first_process import first_process_ms
from bench.rows.footprint import start_times
from bench.session import StartMark, wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.session import Session

KILLS = 5


def measure_restart(session: Session) -> Sequence[Figure]:
    """Compare restart to the next step's start with the sum of a start and two first processes."""
    kills = session.size(KILLS, 2)
    taken = [_killed_ms(session) for _ in range(kills)]
    start_ms, first_ms = _own_start_ms(session), _own_first_process_ms(session)
    base = start_ms + 2 * first_ms
    return [
        Figure(
            what=f"restart after kill -9 to the next step's start, median of {kills}",
            unit="ms",
            ours=median(taken),
            limit=base,
            limit_name="start + 2 × first process",
            must=Bound(most=1, base=base),
            note=f"from {min(taken):.0f} to {max(taken):.0f} ms; own start {start_ms:.0f} ms, own "
            f"first process {first_ms:.1f} ms; no finished step ran again, none was lost",
        )
    ]


def _killed_ms(session: Session) -> float:
    """Kill the server while step 2 of 3 runs; return the ms from its new start to a new step."""
    journal = session.path("journal")
    journal.write_text("")
    mark = StartMark(session.path("mark"))
    note = f">> '{journal}'"
    # Only its second start ends by itself.
    second = f"{mark.script}; echo 2 {note}; [ $(grep -c 2 '{journal}') -gt 1 ] || sleep 60"
    with session.mulligan("--runners", "2") as own:
        model = chain("restart", f"echo 1 {note}", second, f"echo 3 {note}")
        build = own.api.start(own.api.create_pipeline(model))
        wait_for(lambda: "2" in journal.read_text())
        own.server.kill()
        mark.clear()
        own.server.start()
        ms = (mark.wait() - own.server.started_at_ns) / 1e6
        # The new server listens on another port.
        Api(session.connect(own.server)).wait(build)
    ran = journal.read_text().split()
    if ran != ["1", "2", "2", "3"]:
        raise CallError(f"the steps ran in the order {ran}")
    return ms


def _own_start_ms(session: Session) -> float:
    if "start_s" not in session.remembered:
        start_times(session, 2)
    return session.remembered["start_s"] * 1000


def _own_first_process_ms(session: Session) -> float:
    if "first_process_ms" not in session.remembered:
        mark = StartMark(session.path("mark"))
        with session.mulligan("--runners", "2") as own:
            pipeline = own.api.create_pipeline(chain("mark", mark.script))
            time.sleep(0.5)
            taken = [first_process_ms(own.api, pipeline, mark) for _ in range(15)]
        session.remembered["first_process_ms"] = percentile(taken, 0.5)
    return session.remembered["first_process_ms"]
