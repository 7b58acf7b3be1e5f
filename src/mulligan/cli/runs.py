"""`mulligan run`, `runs`, `show`, `watch`, `stop`."""

import time
from pathlib import Path

import click

from mulligan.cli.client import part
from mulligan.cli.documents import PipelineFile, ensure_project, save
from mulligan.cli.exits import EXIT_INTERRUPTED
from mulligan.cli.interrupts import Interrupts
from mulligan.cli.options import (
    EXAMPLE,
    RUN_HELP,
    Session,
    in_project,
    may_watch,
    names_run,
    with_session,
    with_working_session,
)
from mulligan.cli.output import between, emit, moment, note, one_line, table
from mulligan.cli.problems import Json
from mulligan.cli.progress import (
    FINAL,
    Progress,
    command_line,
    follow,
    report_end,
    signals_text,
    wait_text,
)
from mulligan.cli.references import all_steps, find_pipeline, find_run, path_of, state_of
from mulligan.cli.template_files import TemplateFiles, finds_templates

_STOP_DEADLINE_S = 15.0  # how long an interrupted command waits for the end of its run
_POLL_S = 0.05
_TITLES = ("RUN", "PIPELINE", "NUMBER", "STATUS", "ATTEMPT", "STARTED", "TOOK", "BY")


@click.command(help="Run a pipeline file here and now." + "\n\n" + EXAMPLE + "mulligan run ci.json")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-p", "parameters", multiple=True, metavar="KEY=VALUE", help="A start parameter.")
@finds_templates
@in_project
@may_watch
@with_working_session
def run(
    session: Session,
    file: Path,
    parameters: tuple[str, ...],
    watch: bool,  # noqa: FBT001 - click gives flags by name
    templates: TemplateFiles,
) -> int:
    """Store the file, start it, follow it."""
    values = dict(_parameter(text) for text in parameters)
    content = PipelineFile(file, templates)
    content.document()
    session.demand_lasting_server()
    if session.client.embedded and not watch:
        raise click.UsageError("--no-watch needs a server that goes on: `mulligan serve`")
    ensure_project(session)
    saved = save(session, content)
    with Interrupts() as interrupts:
        path = f"{session.path}/pipelines/{part(saved['id'])}/runs"
        started = session.client.call("POST", path, {"values": values})
        if session.is_table:
            click.echo(started["id"])
        note(f"run #{started['number']} of {one_line(saved['name'])}, version {saved['version']}")
        if not watch:
            if not session.is_table:
                emit(started, session.form)
            return 0
        try:
            interrupts.let_in()
            state = follow(session, started, Progress(session))
        except KeyboardInterrupt:
            return interrupted(session, started, stop=True)
    return report_end(session, state)


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="-p")
    return name, value


def interrupted(session: Session, run: Json, *, stop: bool) -> int:
    """End a command that was interrupted while it followed a run; stop the run if asked to."""
    if not stop:
        command = command_line(session, "stop", run["id"])
        note(f"interrupted; the run goes on. Stop it with: {command}")
        return EXIT_INTERRUPTED
    note("interrupted; the run is being stopped")
    state = state_of(session, run)
    if state["status"] not in FINAL:
        session.client.call("POST", f"{path_of(run)}/stop")
    deadline = time.monotonic() + _STOP_DEADLINE_S
    while state["status"] not in FINAL and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        state = state_of(session, run)
    retry = command_line(session, "retry", run["id"])
    note(f"{state['status']}: run #{state['number']}. Run it again with: {retry}")
    return EXIT_INTERRUPTED


def finish(
    session: Session, run: Json, progress: Progress, interrupts: Interrupts, *, watch: bool
) -> int:
    """Follow a run that goes on after a recovery or answer; return the exit code.

    Without `watch` only if the server ends with this command.
    """
    if not watch and not session.client.embedded:
        return 0
    try:
        interrupts.let_in()
        state = follow(session, run, progress)
    except KeyboardInterrupt:
        return interrupted(session, run, stop=session.client.embedded)
    return report_end(session, state)


@click.command(
    help="Stop a run. " + RUN_HELP + "\n\n" + EXAMPLE + "mulligan stop @latest --pipeline web"
)
@names_run
@with_working_session
def stop(session: Session, run: str, pipeline: str | None) -> int:
    """Stop a run."""
    found = find_run(session, run, pipeline)
    head = session.client.call("POST", f"{path_of(found)}/stop")
    note(f"stopping run #{head['number']} of {one_line(head['pipeline_name'])}")
    if session.client.embedded:
        follow(session, head, Progress(session, state_of(session, head)))
    if not session.is_table:
        emit(head, session.form)
    return 0


@click.command(
    help="Follow a run until it ends; the exit code tells its result. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan watch @latest"
)
@names_run
@with_working_session
def watch(session: Session, run: str, pipeline: str | None) -> int:
    """Follow a run."""
    found = find_run(session, run, pipeline)
    with Interrupts() as interrupts:
        return finish(session, found, Progress(session), interrupts, watch=True)


@click.command(help="List runs, newest first.\n\n" + EXAMPLE + "mulligan runs --status failed")
@in_project
@click.option("--pipeline", metavar="ID|NAME", help="Only of this pipeline.")
@click.option("--status", help="Only these, separated by commas.")
@click.option("--actor", help="Only those that this user started.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@with_session
def runs(
    session: Session, pipeline: str | None, status: str | None, actor: str | None, limit: int
) -> None:
    """List runs."""
    ident = find_pipeline(session, pipeline)["id"] if pipeline else None
    items = session.listed("runs", limit, pipeline=ident, status=status, actor=actor)
    none = f"project {session.project} has no such runs"
    session.show_list(items, _TITLES, _row, none=none)


def _row(item: Json) -> tuple[str, ...]:
    return (
        item["id"],
        one_line(item["pipeline_name"]),
        str(item["number"]),
        "rolled back" if item["cause"] == "rolled_back" else item["status"],
        str(item["attempt"]),
        moment(item["started_at"] or item["queued_at"]),
        between(item["started_at"], item["ended_at"]),
        one_line(item["actor"]),
    )


@click.command(
    help="Show a run with its stages, jobs and steps. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan show @failed"
)
@names_run
@click.option("--attempt", type=click.IntRange(1), help="As this attempt of the run left it.")
@with_session
def show(session: Session, run: str, pipeline: str | None, attempt: int | None) -> None:
    """Show a run."""
    state = state_of(session, find_run(session, run, pipeline), attempt)
    if not session.is_table:
        emit(state, session.form)
        return
    table(_TITLES, [_row(state)])
    click.echo()
    table(
        ("STAGE", "JOB", "STEP", "ID", "STATUS", "ATTEMPT", "TOOK", "WHY"),
        [_step_row(*found) for found in all_steps(state)],
    )
    for each in state["attempts"][1:]:
        click.echo(_attempt_line(state, each))
    for gate in state["gates"]:
        click.echo(_gate_line(gate))
    for wait in state["waits"]:
        click.echo(wait_text(wait))
    for job in (job for stage in state["stages"] for job in stage["jobs"] if job["message"]):
        click.echo(f"{one_line(job['name'] or job['id'])}: {one_line(job['message'])}")
    for waiver in state["waivers"]:
        click.echo(f"skipped by {waiver['by']}: {waiver['step']}: {one_line(waiver['reason'])}")


def _attempt_line(state: Json, attempt: Json) -> str:
    what = attempt["what"]
    if attempt["target"]:
        names = {stage["id"]: stage["name"] for stage in state["stages"]}
        what += f" of {one_line(names.get(attempt['target']) or attempt['target'])}"
    ended = "rolled back" if attempt["cause"] == "rolled_back" else attempt["status"]
    reason = f": {one_line(attempt['reason'])}" if attempt["reason"] else ""
    by = one_line(attempt["actor"])
    return f"attempt {attempt['number']}: {what} by {by}, {ended or 'under way'}{reason}"


def _gate_line(gate: Json) -> str:
    if gate["kind"] == "signal":
        return f"waits: {gate['node']} for {signals_text(gate)}"
    return f"waits: {gate['kind']} of {gate['node']}, by {', '.join(gate['reviewers'])}"


def _step_row(stage: Json, job: Json, step: Json) -> tuple[str, ...]:
    why = step["cause"] or ("rollback" if job["mode"] == "rollback" else "")
    if step["exit_code"]:
        why = f"exit {step['exit_code']}"
    return (
        one_line(stage["name"] or stage["id"]),
        one_line(job["name"] or job["id"]),
        one_line(step["name"]),
        step["id"],
        step["status"],
        str(step["attempt"]),
        between(step["started_at"], step["ended_at"]),
        why,
    )
