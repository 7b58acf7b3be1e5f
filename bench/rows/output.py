"""W6: a step that prints 100 MB in a million lines."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from bench import limits
from bench.errors import CallError
from bench.pipelines import chain, task_ids
from bench.processes import MemoryPeak
from bench.report import Bound, Figure, median, percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.client import Api
    from bench.session import Session

LINE_BYTES = 100  # with the newline
TAIL_LINES = 1000
TAIL_CALLS = 20


def measure_output(session: Session) -> Sequence[Figure]:
    """Compare the wall time with a copy from pipe to file; take memory and the log's tail."""
    lines = session.size(1_000_000, 200_000)
    script = f"seq -f '%0{LINE_BYTES - 1}.0f' {lines}"  # every line has its number
    megabytes = lines * LINE_BYTES // 1_000_000
    walls, growth, bare = [], [], []
    with session.mulligan("--runners", "2") as own:
        own.api.wait(own.api.start(own.api.create_pipeline(chain("warm-up", "true"))))
        model = chain("output", script)
        pipeline = own.api.create_pipeline(model)
        for _ in range(session.size(3, 1)):
            with MemoryPeak(own.server.pid) as memory:
                started = time.perf_counter()
                build = own.api.start(pipeline)
                own.api.wait(build)
                walls.append(time.perf_counter() - started)
            growth.append(memory.growth_mb)
            path = session.path("output")
            bare.append(limits.pipe_to_file(script, path))
            path.unlink()
        tail = _tail(own.api, build, task_ids(model)[0], lines)
    base = median(bare)
    return [
        Figure(
            what=f"{megabytes} MB in {lines:,} lines from one step",
            unit="s",
            ours=median(walls),
            limit=base,
            limit_name="pipe to file",
            must=Bound(most=2.5, base=base),
            aim=Bound(most=1.5, base=base),
        ),
        Figure(
            what="growth of RSS meanwhile, whole process tree",
            unit="MB",
            ours=max(growth),
            must=Bound(most=32),
            aim=Bound(most=16),
            note=f"of each of {len(growth)}: {', '.join(f'{each:.1f}' for each in growth)} MB; "
            "the step's own processes are in it",
        ),
        tail,
    ]


def _tail(api: Api, build: str, task: str, lines: int) -> Figure:
    what = f"last {TAIL_LINES:,} lines over HTTP, p50"
    path = f"/api/v1/projects/{api.project}/runs/{build}/steps/{task}/log?tail={TAIL_LINES}"
    taken = []
    for _ in range(TAIL_CALLS):
        started = time.perf_counter()
        status, content = api.connection.request("GET", path)
        taken.append((time.perf_counter() - started) * 1000)
        if status == HTTPStatus.NOT_FOUND:
            return Figure(what=what, unit="ms", note="HTTP 404 for the log of the step")
        _check_tail(status, content, lines)
    worst = percentile(taken, 0.99)
    return Figure(
        what=what,
        unit="ms",
        ours=percentile(taken, 0.5),
        must=Bound(most=10),
        note=f"worst {worst:.1f} ms of {TAIL_CALLS}",
    )


def _check_tail(status: int, content: bytes, lines: int) -> None:
    found = content.decode().splitlines()
    numbers = [int(line.split()[-1]) for line in found if line.split()[-1:][0].isdigit()]
    if status != HTTPStatus.OK or numbers != list(range(lines - TAIL_LINES + 1, lines + 1)):
        raise CallError(f"the log's tail is wrong: HTTP {status}, {content[-100:]!r}")
