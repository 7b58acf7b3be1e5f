"""Run the benchmark: `python -m bench [--rows W1,W4] [--json FILE] [--quick] [--strict]`."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import limits
from bench.errors import BenchError, RowTimeoutError
from bench.processes import Others
from bench.report import Noise, Report, RowResult, median, table, to_json
from bench.rows import PAGE_ROWS, ROWS, Row
from bench.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.report import Figure

TOTAL_LIMIT_S = 360.0  # for all rows together
QUIET_WAIT_S = 8.0  # at most, before each row
QUIET_PAUSE_S = 0.3
QUIET_RATIO = 1.3  # how much slower than at best a process may start in a quiet moment
COMMITS = 50
LEAST_S = 5.0  # a row is not begun with less time than this


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the chosen rows, print the table; return the exit code.

    0 when the run came to its end, whatever the figures; with `--strict` 1 when a row missed its
    must or was not measured; 2 for wrong arguments.
    """
    options = _parser().parse_args(arguments)
    rows = _chosen(options.rows)
    with tempfile.TemporaryDirectory(prefix="mulligan-bench-", ignore_cleanup_errors=True) as path:
        session = Session(Path(path), quick=options.quick)
        ends_at = time.monotonic() + options.limit
        results = [measure(row, session, ends_at - time.monotonic()) for row in rows]
        report = Report(
            rows=results,
            quick=options.quick,
            machine=_machine(Path(path)),
            requests=session.tally.requests,
            server_errors=session.tally.server_errors,
        )
    print(table(report), end="")
    if options.json is not None:
        options.json.write_text(to_json(report), encoding="utf-8")
    return 1 if options.strict and not report.all_met else 0


def measure(row: Row, session: Session, left_s: float) -> RowResult:
    """Measure one row within its own time limit and `left_s`; a failure is its reason."""
    if left_s < LEAST_S:
        return RowResult(row=row.name, what=row.what, reason="no time was left")
    print(f"bench: {row.name} {row.what} ...", file=sys.stderr, flush=True)
    started = time.monotonic()
    before = quiet_moment(session)
    commit_ms = [commit_time(session)]
    others = Others()
    figures: tuple[Figure, ...] = ()
    reason = ""
    try:
        with time_limit(min(row.limit_s, left_s)):
            figures = tuple(row.measure(session))
    except (BenchError, OSError, LookupError, ValueError) as error:
        reason = f"{error}" or type(error).__name__
    foreign = others.cores()
    commit_ms.append(commit_time(session))
    noise = Noise(
        before_ms=before,
        after_ms=limits.calibrate(),
        load=os.getloadavg()[0],
        commit_ms=median(commit_ms),
        others=foreign,
    )
    seconds = time.monotonic() - started
    return RowResult(
        row=row.name, what=row.what, figures=figures, reason=reason, noise=noise, seconds=seconds
    )


def quiet_moment(session: Session) -> float:
    """Wait, but not for long, until the machine is about as quiet as it was at best.

    Returns:
        The milliseconds of `limits.calibrate` at the end of the wait.
    """
    gives_up_at = time.monotonic() + QUIET_WAIT_S
    while True:
        found = limits.calibrate()
        session.quietest_ms = min(session.quietest_ms, found)
        if found <= QUIET_RATIO * session.quietest_ms or time.monotonic() > gives_up_at:
            return found
        time.sleep(QUIET_PAUSE_S)


def commit_time(session: Session) -> float:
    """Return the milliseconds of one durable commit: other people's `fsync` delay ours."""
    return limits.commits(COMMITS, session.path("commits.db"), "FULL") / COMMITS * 1000


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise RowTimeoutError in the block when it takes longer."""

    def expire(_number: int, _frame: object) -> None:
        raise RowTimeoutError(f"took longer than {seconds:.0f} s")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _parser() -> argparse.ArgumentParser:
    names = ",".join(row.name for row in ROWS)
    page = ",".join(row.name for row in PAGE_ROWS)
    parser = argparse.ArgumentParser(prog="bench", description="Measure Mulligan against limits.")
    parser.add_argument(
        "--rows",
        help=f"comma separated, of {names} (all by default), or {page} (the page, in a browser)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    parser.add_argument("--quick", action="store_true", help="small n: for a first look only")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a must is not met")
    parser.add_argument(
        "--limit", type=float, default=TOTAL_LIMIT_S, metavar="S", help="seconds for all rows"
    )
    return parser


def _chosen(names: str | None) -> list[Row]:
    if names is None:
        return list(ROWS)
    known = {row.name.lower(): row for row in (*ROWS, *PAGE_ROWS)}
    wanted = [name.strip().lower() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        _parser().error(f"no such row: {', '.join(unknown)}")
    return [known[name] for name in wanted]


def _machine(directory: Path) -> dict[str, object]:
    return {
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
        "files on": _file_system(directory),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def _file_system(directory: Path) -> str:
    """Return the type of the file system: on tmpfs a commit costs nothing."""
    try:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return "?"
    found = [line.split()[1:3] for line in mounts]
    above = [pair for pair in found if directory.resolve().is_relative_to(pair[0])]
    return max(above, key=lambda pair: len(pair[0]))[1] if above else "?"


if __name__ == "__main__":
    sys.exit(main())
