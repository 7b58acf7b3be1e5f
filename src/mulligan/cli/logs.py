"""`mulligan logs`."""

import sys

import click

from mulligan.cli.client import part
from mulligan.cli.exits import EXIT_INTERRUPTED
from mulligan.cli.options import EXAMPLE, RUN_HELP, Session, names_run, with_session
from mulligan.cli.output import one_line
from mulligan.cli.problems import Json, ProblemError
from mulligan.cli.progress import FINAL, states_wanted
from mulligan.cli.references import all_steps, find_node, find_run, path_of, state_of

_NOT_FOUND = 404


@click.command(
    help="Print the log of a step, or of all steps in their order. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan logs @latest --step test -f"
)
@names_run
@click.option("--step", help="The step: its id, its own id in the file, or name.")
@click.option("--attempt", type=click.IntRange(1), help="Of the step, without --step of the run.")
@click.option("--tail", type=click.IntRange(0, 100_000), help="Only so many last lines.")
@click.option("-f", "--follow", "following", is_flag=True, help="Go on until the end.")
@with_session
def logs(
    session: Session,
    run: str,
    pipeline: str | None,
    step: str | None,
    attempt: int | None,
    tail: int | None,
    following: bool,  # noqa: FBT001 - click gives flags by name
) -> int:
    """Print logs."""
    found = find_run(session, run, pipeline)
    printer = _Printer(session, found, tail, following=following)
    try:
        if step is not None:
            printer.print_step(find_node(state_of(session, found), "step", step)["id"], attempt)
        elif following and attempt is None:
            printer.follow_run()
        else:
            printer.print_run(state_of(session, found, attempt))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


class _Printer:
    """Prints the logs of one run to stdout."""

    def __init__(self, session: Session, run: Json, tail: int | None, *, following: bool) -> None:
        self._session = session
        self._run = run
        self._tail = tail
        self._following = following

    def print_step(self, step: str, attempt: int | None) -> None:
        """Print the log of a step, as it is or until its end.

        Raises:
            ProblemError: It has none.
        """
        path = f"{path_of(self._run)}/steps/{part(step)}/log"
        client = self._session.client
        if not self._following:
            for piece in client.read(path, attempt=attempt, tail=self._tail):
                sys.stdout.buffer.write(piece)
        else:
            for event in client.stream(path, attempt=attempt, tail=self._tail, follow=True):
                if event.name == "":
                    sys.stdout.buffer.write(event.data.encode() + b"\n")
                    sys.stdout.buffer.flush()
        sys.stdout.buffer.flush()

    def print_run(self, state: Json) -> None:
        """Print the logs of all steps that ran."""
        for _, job, step in all_steps(state):
            if _began(step):
                self._print_titled(job, step)

    def follow_run(self) -> None:
        """Print the log of one step after the other until the run has ended."""
        printed: set[tuple[str, int]] = set()
        for _ in states_wanted(self._session, self._run):
            state = self._print_new(printed)
            if state["status"] in FINAL:
                return

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


def _began(step: Json) -> bool:
    return step["started_at"] is not None
