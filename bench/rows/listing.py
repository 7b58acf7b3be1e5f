"""W8: the run list with ten times as many runs."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from bench.client import Api
from bench.errors import NotMeasuredError
from bench.report import Bound, Figure, percentile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.client import Json
    from bench.session import Session

PROJECT = "seeded"
PAGE_SIZE = 50
SEED_LIMIT_S = 100
SHOWN_CHARACTERS = 300


def measure_listing(session: Session) -> Sequence[Figure]:
    """Compare the same lists of runs at two sizes, alternately."""
    small, large = session.size(10_000, 1_000), session.size(100_000, 10_000)
    calls = session.size(30, 10)
    small_data, large_data = session.path("small"), session.path("large")
    seed(small_data, small)
    seconds = seed(large_data, large)
    with (
        session.mulligan(data=small_data) as small_server,
        session.mulligan(data=large_data) as large_server,
    ):
        pair = [Api(own.api.connection, PROJECT) for own in (small_server, large_server)]
        pipelines = [_pipeline(api) for api in pair]
        figures = []
        for name, queries in _queries(small, large).items():
            taken: tuple[list[float], list[float]] = ([], [])
            for _ in range(calls):
                for api, pipeline, query, found in zip(
                    pair, pipelines, queries, taken, strict=True
                ):
                    found.append(_timed(api, pipeline, query))
            figures.append(_figure(name, taken, (small, large)))
    note = f"{large:,} runs were seeded in {seconds:.0f} s"
    return [*figures, Figure(what="seeding", unit="s", ours=seconds, note=note)]


def seed(data: Path, runs: int) -> float:
    """Write finished runs to a new data directory; return the seconds it took.

    Raises:
        NotMeasuredError: the command failed.
    """
    command = [sys.executable, "-m", "mulligan", "admin", "seed", "--data", str(data)]
    started = time.perf_counter()
    result = subprocess.run(
        [*command, "--project", PROJECT, "--runs", str(runs), "--pipelines", "1"],
        capture_output=True,
        text=True,
        timeout=SEED_LIMIT_S,
        check=False,
    )
    if result.returncode != 0:
        shown = " ".join(result.stderr.split())[-SHOWN_CHARACTERS:]
        raise NotMeasuredError(f"`mulligan admin seed` ended {result.returncode}: {shown}")
    return time.perf_counter() - started


def _queries(small: int, large: int) -> dict[str, tuple[Json, Json]]:
    deep = {"page": small // 2 // PAGE_SIZE}
    last = {"page": small // PAGE_SIZE}, {"page": large // PAGE_SIZE}
    failed = {"status": "FAILED"}
    return {
        "first page": ({}, {}),
        f"page {deep['page']}": (deep, deep),
        "last page of each": last,
        "failed only": (failed, failed),
        "failed only, page 2": ({**failed, "page": 2}, {**failed, "page": 2}),
    }


def _pipeline(api: Api) -> str:
    return str(api.call("GET", "pipelines/pipeline_list")["records"][0]["pipelineId"])


def _timed(api: Api, pipeline: str, query: Json) -> float:
    started = time.perf_counter()
    page = api.call("GET", "build_histories", pipelineId=pipeline, pageSize=PAGE_SIZE, **query)
    seconds = time.perf_counter() - started
    if not page["records"]:
        raise NotMeasuredError(f"build_histories is empty for {query}")
    return seconds * 1000


def _figure(name: str, taken: tuple[list[float], list[float]], sizes: tuple[int, int]) -> Figure:
    base, ours = (percentile(each, 0.5) for each in taken)
    small, large = sizes
    return Figure(
        what=f"build_histories at {large:,} runs, {name}, p50",
        unit="ms",
        ours=ours,
        limit=base,
        limit_name=f"at {small:,}",
        must=Bound(most=1.2, base=base),
        aim=Bound(most=8),
    )
