"""`mulligan logs`."""

import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from mulligan.cli.client import part
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_FAILED, EXIT_INTERRUPTED, FailureError
from mulligan.cli.following import length
from mulligan.cli.happenings import happenings
from mulligan.cli.options import RUN_HELP, Session, names_run, names_step, with_session
from mulligan.cli.output import one_line
from mulligan.cli.pager import paged
from mulligan.cli.problems import Json, ProblemError, UnreachableError
from mulligan.cli.progress import FINAL, failed_steps
from mulligan.cli.references import all_steps, find_node, find_run, path_of, state_of

_NOT_FOUND = 404
_GAP = b"--\n"


@click.command(
    help="Print the log of a step, or of all steps in their order; also while they run. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan logs @latest --step test -f\n  mulligan logs @failed --grep 'error|panic' -C 3"
)
@names_run
@names_step()
@click.option("--failed", is_flag=True, help="Only of the steps that failed.")
@click.option("--attempt", type=click.IntRange(1), help="Of the step, without --step of the run.")
@click.option("--tail", type=click.IntRange(0, 100_000), help="Only so many last lines.")
@click.option("--grep", metavar="RE", help="Only lines in which this is found.")
@click.option("-C", "--around", type=click.IntRange(0, 1000), default=0, help="Lines around them.")
@click.option(
    "--since", type=length, metavar="TIME", help="Only steps that ran in that time: 5m, 2h."
)
@click.option(
    "--download", type=click.Path(path_type=Path), help="Write all logs, of all attempts, as a zip."
)
@click.option("-f", "--follow", "following", is_flag=True, help="Go on until the end.")
@with_session
def logs(
    session: Session,
    run: str | None,
    pipeline: str | None,
    step: str | None,
    failed: bool,  # noqa: FBT001 - click gives flags by name
    attempt: int | None,
    tail: int | None,
    grep: str | None,
    around: int,
    since: float | None,
    download: Path | None,
    following: bool,  # noqa: FBT001 - click gives flags by name
) -> int:
    """Print logs."""
    if download is not None:
        return _download(session, find_run(session, run, pipeline), download)
    if failed and step:
        raise click.UsageError("either --failed or --step")
    pattern = _pattern(grep) if grep is not None else None
    found = find_run(session, run, pipeline)
    printer = Printer(session, found, following=following, tail=tail, grep=pattern, around=around)
    try:
        with nullcontext() if following else paged():
            if step is not None:
                printer.print_step(find_node(state_of(session, found), "step", step)["id"], attempt)
            elif following and attempt is None and not failed:
                printer.follow_run()
            else:
                printer.print_run(
                    state_of(session, found, attempt), only_failed=failed, since=since
                )
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


def _download(session: Session, run: Json, target: Path) -> int:
    pieces = session.client.read(f"{path_of(run)}/log/download")
    try:
        with target.open("wb") as file:
            file.writelines(pieces)
    except OSError as error:
        raise FailureError(f"{target}: {error.strerror or error}", EXIT_FAILED) from None
    return 0


def _pattern(text: str) -> re.Pattern[bytes]:
    try:
        return re.compile(text.encode())
    except re.error as error:
        raise click.BadParameter(f"{text!r}: {error}", param_hint="--grep") from None


class Printer:
    """Prints the logs of one run to stdout.

    Args:
        tail: Only so many last lines of each.
        grep: Only lines in which it is found, and `around` lines around each.
    """

    def __init__(
        self,
        session: Session,
        run: Json,
        *,
        following: bool,
        tail: int | None = None,
        grep: re.Pattern[bytes] | None = None,
        around: int = 0,
    ) -> None:
        self._session = session
        self._run = run
        self._tail = tail
        self._following = following
        self._grep = grep
        self._around = around

    def print_step(self, step: str, attempt: int | None) -> None:
        """Print the log of a step, as it is or until its end.

        Raises:
            ProblemError: It has none.
        """
        path = f"{path_of(self._run)}/steps/{part(step)}/log"
        pieces = self._followed(path, attempt) if self._following else self._read(path, attempt)
        if self._grep is not None:
            pieces = matching(_lines(pieces), self._grep, self._around)
        for piece in pieces:
            sys.stdout.buffer.write(piece)
            if self._following:
                sys.stdout.buffer.flush()
        sys.stdout.buffer.flush()

    def _read(self, path: str, attempt: int | None) -> Iterator[bytes]:
        return self._session.client.read(path, attempt=attempt, tail=self._tail)

    def _followed(self, path: str, attempt: int | None) -> Iterator[bytes]:
        client = self._session.client
        for event in client.stream(path, attempt=attempt, tail=self._tail, follow=True):
            if event.name == "":
                yield event.data.encode() + b"\n"

    def print_run(
        self, state: Json, *, only_failed: bool = False, since: float | None = None
    ) -> None:
        """Print the logs of all steps that ran.

        Args:
            since: Only of those that ran in so many seconds before now.
        """
        found = failed_steps(state) if only_failed else all_steps(state)
        for _, job, step in found:
            if _began(step) and _ran_since(step, since):
                self._print_titled(job, step)

    def follow_run(self, printed: set[tuple[str, int]] | None = None) -> Json:
        """Print the log of one step after the other until the run has ended; return its state.

        Args:
            printed: Steps and attempts that are left out.

        Raises:
            UnreachableError: The server went away.
        """
        printed = set() if printed is None else printed
        for _ in happenings(self._session, self._run):
            try:
                state = self._print_new(printed)
            except UnreachableError:
                if self._session.client.embedded:
                    raise
                continue  # the stream of events tells when the server is back
            if state["status"] in FINAL:
                return state
        raise UnreachableError(self._session.client.url, "it ended the stream")

    def _print_new(self, printed: set[tuple[str, int]]) -> Json:
        """Print what is not printed yet; while that takes, more may begin."""
        while True:
            state = state_of(self._session, self._run)
            new = [
                (job, step)
                for _, job, step in all_steps(state)
                if _began(step) and (step["id"], step["attempt"]) not in printed
            ]
            if not new:
                return state
            job, step = new[0]
            printed.add((step["id"], step["attempt"]))
            self._print_titled(job, step)

    def _print_titled(self, job: Json, step: Json) -> None:
        name = f"{one_line(job['name'] or job['id'])} / {one_line(step['name'])}"
        click.echo(f"--- {name}, attempt {step['attempt']} ---")
        sys.stdout.flush()
        try:
            self.print_step(step["id"], step["attempt"])
        except ProblemError as error:
            if error.status != _NOT_FOUND:  # it ended before it wrote anything
                raise


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield whole lines, each with its end."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if rest:
        yield rest + b"\n"


def matching(lines: Iterable[bytes], wanted: re.Pattern[bytes], around: int) -> Iterator[bytes]:
    """Yield the lines in which a pattern is found, with lines around them; `--` between groups."""
    before: deque[tuple[int, bytes]] = deque(maxlen=around)
    after, last = 0, -1
    for number, line in enumerate(lines):
        if wanted.search(line):
            first = before[0][0] if before else number
            if around and last >= 0 and first > last + 1:
                yield _GAP
            yield from (text for _, text in before)
            yield line
            before.clear()
            after, last = around, number
        elif after:
            yield line
            after, last = after - 1, number
        else:
            before.append((number, line))


def _began(step: Json) -> bool:
    return step["started_at"] is not None


def _ran_since(step: Json, since: float | None) -> bool:
    if since is None or step["ended_at"] is None:
        return True
    ended = datetime.fromisoformat(step["ended_at"].replace("Z", "+00:00"))
    return ended >= datetime.now(UTC) - timedelta(seconds=since)
