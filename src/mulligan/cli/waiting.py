"""Wait for the end of a run that a command has begun or found."""

import time

import click

from mulligan.cli.exits import EXIT_INTERRUPTED, EXIT_RUNNING, EXIT_WAITING
from mulligan.cli.following import Following
from mulligan.cli.interrupts import Interrupts
from mulligan.cli.language import tr
from mulligan.cli.logs import Printer
from mulligan.cli.options import Session
from mulligan.cli.output import duration, note
from mulligan.cli.problems import Json, OverdueError
from mulligan.cli.progress import (
    FINAL,
    Progress,
    command_line,
    follow,
    needs_person,
    report_end,
    run_name,
)
from mulligan.cli.references import path_of, state_of

_STOP_DEADLINE_S = 15.0  # how long an interrupted command waits for the end of its run
_POLL_S = 0.05


def begin(session: Session, pipeline: Json, values: dict[str, str], watch: Following) -> int:
    """Start a run of a pipeline and follow it if that is wanted; return the exit code.

    Args:
        pipeline: Its `id`, `name` and `version`.
    """
    if session.client.embedded and not watch.follows:
        raise click.UsageError("--no-watch needs a server that goes on: `mulligan serve`")
    with Interrupts() as interrupts:
        path = f"{session.path}/pipelines/{pipeline['id']}/runs"
        started = session.client.call("POST", path, {"values": values})
        if session.is_table:
            click.echo(started["id"])
        name = {"pipeline_name": pipeline["name"], **started}
        note(tr("run {run}, version {version}", run=run_name(name), version=pipeline["version"]))
        if not watch.follows and not session.is_table:
            session.emit(started)
        progress = Progress(session)
        return finish(session, started, progress, interrupts, watch=watch, stops=True)


def finish(
    session: Session,
    run: Json,
    progress: Progress,
    interrupts: Interrupts,
    *,
    watch: Following,
    stops: bool = False,
) -> int:
    """Follow a run that goes on after a recovery or answer; return the exit code.

    If it is not to be followed, only where the server ends with this command.

    Args:
        stops: Who interrupts the command stops the run.
    """
    if not watch.follows and not session.client.embedded:
        return 0
    ends_here = session.client.embedded
    try:
        interrupts.let_in()
        watch.limit(session.client)
        return report_end(session, _end(session, run, progress, watch))
    except KeyboardInterrupt:
        return interrupted(session, run, stop=stops or ends_here)
    except OverdueError:
        return _overdue(session, run, watch, stop=ends_here)


def _end(session: Session, run: Json, progress: Progress, watch: Following) -> Json:
    """Return the last state of a run."""
    progress.is_quiet = watch.is_quiet or watch.prints_logs
    if watch.prints_logs:
        return Printer(session, run, following=True).follow_run(progress.known_attempts())
    return follow(session, run, progress)


def _overdue(session: Session, run: Json, watch: Following, *, stop: bool) -> int:
    """End a command that has waited as long as it may."""
    length = duration(watch.timeout_s or 0)
    state = state_of(session, run)
    if stop:
        note(tr("not at its end after {time}", time=length))
        interrupted(session, run, stop=True)
        return EXIT_RUNNING
    waits = needs_person(state)
    if waits:
        note(tr("waits for a person after {time}; it goes on", time=length))
    else:
        note(tr("still running after {time}; it goes on", time=length))
    if not session.is_table:
        session.emit(state)
    return EXIT_WAITING if waits else EXIT_RUNNING


def interrupted(session: Session, run: Json, *, stop: bool) -> int:
    """End a command that was interrupted while it followed a run; stop the run if asked to."""
    if not stop:
        command = command_line(session, "stop", run["id"])
        note(tr("interrupted; the run goes on. Stop it with: {command}", command=command))
        return EXIT_INTERRUPTED
    note(tr("interrupted; the run is being stopped"))
    state = state_of(session, run)
    if state["status"] not in FINAL:
        session.client.call("POST", f"{path_of(run)}/stop")
    deadline = time.monotonic() + _STOP_DEADLINE_S
    while state["status"] not in FINAL and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        state = state_of(session, run)
    retry = command_line(session, "retry", run["id"])
    note(
        tr(
            "{status}: run #{number}. Run it again with: {command}",
            status=state["status"],
            number=state["number"],
            command=retry,
        )
    )
    return EXIT_INTERRUPTED
