"""The rows of the benchmark: each measures one kind of work and returns figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.rows.chain import measure_chain
from bench.rows.first_process import measure_first_process, measure_retry
from bench.rows.footprint import measure_footprint
from bench.rows.jobs import measure_short_jobs, measure_sleeping_jobs
from bench.rows.large_run import measure_large_run
from bench.rows.listing import measure_listing
from bench.rows.output import measure_output
from bench.rows.page import (
    measure_page_first,
    measure_page_graph,
    measure_page_live,
    measure_page_log,
)
from bench.rows.restart import measure_restart
from bench.rows.runs import measure_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.report import Figure
    from bench.session import Session


@dataclass(frozen=True, kw_only=True)
class Row:
    """Hold one row: `limit_s` is how long it may take."""

    name: str
    what: str
    limit_s: float
    measure: Callable[[Session], Sequence[Figure]]


ROWS = (
    Row(name="W1", what="chain of `true` steps", limit_s=40, measure=measure_chain),
    Row(name="W2", what="one-step jobs, 2 at once", limit_s=40, measure=measure_short_jobs),
    Row(name="W2s", what="sleeping jobs, 50 at once", limit_s=30, measure=measure_sleeping_jobs),
    Row(name="W3", what="three-stage runs at once", limit_s=60, measure=measure_runs),
    Row(name="W4", what="request to first process", limit_s=30, measure=measure_first_process),
    Row(name="W5", what="build_retry to process", limit_s=30, measure=measure_retry),
    Row(name="W6", what="100 MB of output", limit_s=60, measure=measure_output),
    Row(name="W7", what="start, idle", limit_s=60, measure=measure_footprint),
    Row(name="W8", what="run list", limit_s=150, measure=measure_listing),
    Row(name="W9", what="restart after kill -9", limit_s=60, measure=measure_restart),
    Row(name="W10", what="one run with 10,000 jobs", limit_s=90, measure=measure_large_run),
)
# These need a browser, so they are measured when they are asked for.
PAGE_ROWS = (
    Row(name="P1", what="long log in the page", limit_s=240, measure=measure_page_log),
    Row(name="P2", what="live log in the page", limit_s=60, measure=measure_page_live),
    Row(name="P3", what="graph of 1,000 jobs", limit_s=120, measure=measure_page_graph),
    Row(name="P4", what="first pages", limit_s=60, measure=measure_page_first),
)
