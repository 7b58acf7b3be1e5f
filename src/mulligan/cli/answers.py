"""`mulligan approve`, `reject`, `resume`, `approvals`: a run waits for a person."""

import click

from mulligan.cli.client import part
from mulligan.cli.completions import stages
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_CONFLICT, EXIT_USAGE, FailureError
from mulligan.cli.following import Following, may_follow
from mulligan.cli.interrupts import Interrupts
from mulligan.cli.language import tr
from mulligan.cli.options import (
    RUN_HELP,
    Session,
    key_values,
    may_preview,
    names_run,
    names_step,
    with_session,
    with_working_session,
)
from mulligan.cli.output import moment, note, one_line
from mulligan.cli.problems import Json
from mulligan.cli.progress import REVIEWS_OF_STAGES, Progress, signals_text
from mulligan.cli.references import find_node, find_run, path_of, state_of
from mulligan.cli.waiting import finish


@click.command(
    help="Say yes to what a run waits for: a review, or a pause. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + 'mulligan approve @latest --stage deploy -m "looks good"'
)
@names_run
@click.option(
    "--stage", help="The stage that waits; needed if several things wait.", shell_complete=stages
)
@names_step(text="The step that waits.")
@click.option("--reject", "no", is_flag=True, help="Say no.")
@click.option("-m", "--message", default="", help="What to say with it.")
@click.option("-p", "values", multiple=True, metavar="KEY=VALUE", help="A parameter it asks for.")
@may_preview
@may_follow
@with_working_session
def approve(
    session: Session,
    run: str | None,
    pipeline: str | None,
    stage: str | None,
    step: str | None,
    no: bool,  # noqa: FBT001 - click gives flags by name
    message: str,
    values: tuple[str, ...],
    watch: Following,
) -> int:
    """Approve, or reject with `--reject`."""
    body = {"approve": not no, "suggestion": message, "values": key_values(values)}
    state = state_of(session, find_run(session, run, pipeline))
    return _answer(session, state, _gate(state, stage, step), body, watch)


@click.command(
    help="Say no to what a run waits for: a review, or a pause. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + 'mulligan reject @latest --stage deploy -m "not on a Friday"'
)
@names_run
@click.option(
    "--stage", help="The stage that waits; needed if several things wait.", shell_complete=stages
)
@names_step(text="The step that waits.")
@click.option("-m", "--message", default="", help="What to say with it.")
@may_preview
@may_follow
@with_working_session
def reject(
    session: Session,
    run: str | None,
    pipeline: str | None,
    stage: str | None,
    step: str | None,
    message: str,
    watch: Following,
) -> int:
    """Reject."""
    body = {"approve": False, "suggestion": message, "values": {}}
    state = state_of(session, find_run(session, run, pipeline))
    return _answer(session, state, _gate(state, stage, step), body, watch)


@click.command(
    help="Let a run go on that waits at a paused step. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan resume @latest --watch"
)
@names_run
@names_step(text="The step that waits; needed if several do.")
@may_preview
@may_follow
@with_working_session
def resume(
    session: Session, run: str | None, pipeline: str | None, step: str | None, watch: Following
) -> int:
    """Resume."""
    state = state_of(session, find_run(session, run, pipeline))
    state["gates"] = [gate for gate in state["gates"] if gate["kind"] in {"pause", "signal"}]
    return _answer(session, state, _gate(state, None, step), {"approve": True}, watch)


def _answer(session: Session, state: Json, gate: Json, body: Json, watch: Following) -> int:
    """Send an answer to what waits, and follow the run if that is wanted."""
    kind = "stages" if gate["kind"] in REVIEWS_OF_STAGES else "steps"
    path = f"{path_of(state)}/{kind}/{part(gate['node'])}"
    if gate["kind"] == "pause":
        sent, path = {"go_ahead": body["approve"]}, f"{path}/resume"
    else:
        sent, path = {**body, "group": gate["group"]}, f"{path}/answer"
    with Interrupts() as interrupts:
        head = session.client.call("POST", path, sent)
        said = tr("approved: {node}") if body["approve"] else tr("rejected: {node}")
        note(said.format(node=gate["node"]))
        if not session.is_table and not session.client.embedded and not watch.follows:
            session.emit(head)
        return finish(session, head, Progress(session, state), interrupts, watch=watch)


def _gate(state: Json, stage: str | None, step: str | None) -> Json:
    # a webhook or channel is no question to a person
    gates = [gate for gate in state["gates"] if gate["kind"] != "signal"]
    if stage:
        is_asked = any(gate["node"] == stage for gate in gates)  # that of the trigger is no stage
        node = stage if is_asked else find_node(state, "stage", stage)["id"]
        gates = [gate for gate in gates if gate["node"] == node]
    elif step:
        node = find_node(state, "step", step)["id"]
        gates = [gate for gate in gates if gate["node"] == node]
    if not gates:
        where = f"{stage or step}" if stage or step else f"run {state['id']}"
        signals = [signals_text(gate) for gate in state["gates"] if gate["kind"] == "signal"]
        what = f"for {signals[0]} only" if signals else f"for nobody; it is {state['status']}"
        raise FailureError(f"{where} waits {what}", EXIT_CONFLICT)
    if len(gates) > 1:
        nodes = ", ".join(gate["node"] for gate in gates)
        raise FailureError(f"several wait, say which by --stage or --step: {nodes}", EXIT_USAGE)
    return dict(gates[0])


@click.command(
    help="List what waits for people, oldest first: reviews and pauses of runs, in all projects "
    "that one may see.\n\n" + EXAMPLE + "mulligan approvals --mine"
)
@click.option("--project", help="Only of this project.")
@click.option("--mine", is_flag=True, help="Only what one may answer now.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@with_session
def approvals(session: Session, mine: bool, limit: int) -> None:  # noqa: FBT001 - click gives flags by name
    """List what waits."""
    query = {"project": session.named_project, "mine": mine or None}
    session.show_list(
        session.client.pages("/approvals", limit, **query),
        ("RUN", "PROJECT", "PIPELINE", "NUMBER", "WAITS", "WHERE", "ASKED", "SINCE"),
        lambda item: (
            item["run"],
            item["project"],
            one_line(item["pipeline_name"]),
            str(item["number"]),
            item["kind"],
            one_line(item["name"] or item["node"]),
            one_line(", ".join(_asked(item))) or "-",
            moment(item["asked_at"]),
        ),
        none=tr("nothing waits for a person"),
        wide={"NODE": "node", "BY": "asked_by", "UNTIL": "due_at", "MESSAGE": "message"},
    )


def _asked(item: Json) -> list[str]:
    groups = [group for group in item["groups"] if group["state"] == "asked"]
    return [name for group in groups for name in group["reviewers"]]
