"""`mulligan runs`, `show`, `watch`, `stop`."""

import click

from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import BY_STATUS, EXIT_RUNNING, EXIT_WAITING
from mulligan.cli.following import Following, always_follows
from mulligan.cli.interrupts import Interrupts
from mulligan.cli.language import tr
from mulligan.cli.options import (
    RUN_HELP,
    Session,
    in_project,
    may_preview,
    names_run,
    with_session,
    with_working_session,
)
from mulligan.cli.output import between, moment, note, one_line, table
from mulligan.cli.problems import Json
from mulligan.cli.progress import Progress, follow, needs_person, run_name, signals_text, wait_text
from mulligan.cli.references import all_steps, find_pipeline, find_run, path_of, state_of
from mulligan.cli.waiting import finish

_TITLES = ("RUN", "PIPELINE", "NUMBER", "STATUS", "ATTEMPT", "STARTED", "TOOK", "BY")
_WIDE = {"VERSION": "version", "START": "start_kind", "MESSAGE": "message", "REMARK": "remark"}


@click.command(
    help="Stop a run. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan stop @latest --pipeline web\n  mulligan run cancel @latest"
)
@names_run
@may_preview
@with_working_session
def stop(session: Session, run: str | None, pipeline: str | None) -> int:
    """Stop a run."""
    found = find_run(session, run, pipeline)
    head = session.client.call("POST", f"{path_of(found)}/stop")
    note(tr("stopping run {run}", run=run_name(head)))
    if session.client.embedded:
        follow(session, head, Progress(session, state_of(session, head)))
    if not session.is_table:
        session.emit(head)
    return 0


@click.command(
    help="Follow a run until it ends; the exit code tells its result. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan watch @latest\n  mulligan run watch @latest --timeout 10m"
)
@names_run
@always_follows
@with_working_session
def watch(session: Session, run: str | None, pipeline: str | None, watch: Following) -> int:
    """Follow a run."""
    found = find_run(session, run, pipeline)
    with Interrupts() as interrupts:
        return finish(session, found, Progress(session), interrupts, watch=watch)


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
    none = tr("project {project} has no such runs", project=session.project)
    session.show_list(items, _TITLES, _row, none=none, wide=_WIDE)


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
    + "mulligan show @failed\n  mulligan run view 41 --pipeline web -o json"
)
@names_run
@click.option("--attempt", type=click.IntRange(1), help="As this attempt of the run left it.")
@click.option(
    "--exit-status",
    is_flag=True,
    help="The exit code tells the result; 6 it waits for a person, 8 it goes on.",
)
@with_session
def show(
    session: Session,
    run: str | None,
    pipeline: str | None,
    attempt: int | None,
    exit_status: bool,  # noqa: FBT001 - click gives flags by name
) -> int:
    """Show a run."""
    state = state_of(session, find_run(session, run, pipeline), attempt)
    if session.is_table:
        _show(state)
    else:
        session.emit(state)
    if not exit_status:
        return 0
    return BY_STATUS.get(state["status"], EXIT_WAITING if needs_person(state) else EXIT_RUNNING)


def _show(state: Json) -> None:
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
