"""`mulligan retry`, `skip`, `approve`: what a run that failed or waits needs from a person."""

import click

from mulligan.cli.client import part
from mulligan.cli.exits import EXIT_CONFLICT, EXIT_USAGE, FailureError
from mulligan.cli.interrupts import Interrupts
from mulligan.cli.options import (
    EXAMPLE,
    RUN_HELP,
    Session,
    may_watch,
    names_run,
    with_working_session,
)
from mulligan.cli.output import emit, note, one_line, table
from mulligan.cli.problems import Json
from mulligan.cli.progress import Progress, saved_text, signals_text
from mulligan.cli.references import Kind, find_node, find_run, path_of, state_of
from mulligan.cli.runs import finish


@click.command(
    help="Run a part of a run again in place; what succeeded before it is kept. Without a part: "
    "the whole run. "
    + RUN_HELP
    + " A part is named by its id, its own id in the file, or its name.\n\n"
    + EXAMPLE
    + "mulligan retry @failed --step test --plan"
)
@names_run
@click.option("--step", help="This step and what comes after it.")
@click.option("--job", help="This job and what comes after it.")
@click.option("--stage", help="This stage and what comes after it.")
@click.option(
    "--failed",
    is_flag=True,
    help="Only the failed jobs of the (failed) stage, or copies of a matrix job.",
)
@click.option("--skip", is_flag=True, help="Leave out the failed step or steps instead.")
@click.option("--reason", default="", help="Why; a skip needs one.")
@click.option("--plan", "only_plan", is_flag=True, help="Show what would happen; change nothing.")
@may_watch
@with_working_session
def retry(
    session: Session,
    run: str,
    pipeline: str | None,
    step: str | None,
    job: str | None,
    stage: str | None,
    failed: bool,  # noqa: FBT001 - click gives flags by name
    skip: bool,  # noqa: FBT001
    reason: str,
    only_plan: bool,  # noqa: FBT001
    watch: bool,  # noqa: FBT001
) -> int:
    """Retry a part of a run."""
    named: dict[Kind, str | None] = {"step": step, "job": job, "stage": stage}
    if sum(text is not None for text in named.values()) > 1:
        raise click.UsageError("only one of --step, --job and --stage")
    if failed and step:
        raise click.UsageError("--failed goes with --stage or --job, or stands alone")
    if skip and not reason.strip() and not only_plan:
        raise click.UsageError("a skip needs a reason: --reason TEXT")
    state = state_of(session, find_run(session, run, pipeline))
    body: Json = {"reason": reason, "skip": skip, "only_failed": failed}
    body["target"] = _target(state, named, failed=failed)
    return _recover(session, state, body, only_plan=only_plan, watch=watch)


@click.command(
    help="Leave out a failed step, with a reason that stays in the record. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + 'mulligan skip @failed --step lint --reason "known, see ticket 12"'
)
@names_run
@click.option("--step", required=True, help="The step: its id, its own id in the file, or name.")
@click.option("--reason", required=True, help="Why.")
@may_watch
@with_working_session
def skip(
    session: Session,
    run: str,
    pipeline: str | None,
    step: str,
    reason: str,
    watch: bool,  # noqa: FBT001 - click gives flags by name
) -> int:
    """Skip a step."""
    if not reason.strip():
        raise click.UsageError("a skip needs a reason: --reason TEXT")
    state = state_of(session, find_run(session, run, pipeline))
    target = find_node(state, "step", step)["id"]
    body = {"target": target, "skip": True, "reason": reason, "only_failed": False}
    return _recover(session, state, body, only_plan=False, watch=watch)


def _target(state: Json, named: dict[Kind, str | None], *, failed: bool) -> str:
    """Return the id of the node that is meant; "" = the whole run."""
    for kind, text in named.items():
        if text is not None:
            return str(find_node(state, kind, text)["id"])
    if not failed:
        return ""
    for stage in state["stages"]:
        if stage["status"] == "failed":
            return str(stage["id"])
    raise FailureError("no stage of the run failed", EXIT_CONFLICT)


def _recover(session: Session, state: Json, body: Json, *, only_plan: bool, watch: bool) -> int:
    path = f"{path_of(state)}/recovery"
    if only_plan:
        _show_plan(session, session.client.call("POST", f"{path}/plan", body))
        return 0
    session.demand_lasting_server()
    with Interrupts() as interrupts:
        applied = session.client.call("POST", f"{path}/apply", body)
        head, plan = applied["run"], applied["plan"]
        number = f"#{head['number']} of {one_line(head['pipeline_name'])}"
        note(f"attempt {head['attempt']} of run {number}: {saved_text(plan)}")
        if not watch and not session.client.embedded and not session.is_table:
            emit(applied, session.form)
        return finish(session, head, Progress(session, state), interrupts, watch=watch)


def _show_plan(session: Session, plan: Json) -> None:
    if not session.is_table:
        emit(plan, session.form)
        return
    indents = {"stage": "", "job": "  ", "step": "    "}
    rows = [
        (
            indents[node["kind"]] + one_line(node["name"] or node["id"]),
            node["id"],
            node["action"],
            node["reason"],
            node["workspace"] or "",
        )
        for node in plan["nodes"]
    ]
    table(("WHAT", "ID", "ACTION", "WHY", "WORKSPACE"), rows)
    for stage in plan["approvals"]["void"]:
        note(f"stage {stage} will ask for approval again")
    note(f"nothing was changed. It would be attempt {plan['run_attempt']}: {saved_text(plan)}")


@click.command(
    help="Answer what a run waits for: a review or a pause. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + 'mulligan approve @latest --stage deploy -m "looks good"'
)
@names_run
@click.option("--stage", help="The stage that waits; needed if several things wait.")
@click.option("--step", help="The step that waits.")
@click.option("--reject", is_flag=True, help="Say no.")
@click.option("-m", "--message", default="", help="What to say with it.")
@with_working_session
def approve(
    session: Session,
    run: str,
    pipeline: str | None,
    stage: str | None,
    step: str | None,
    reject: bool,  # noqa: FBT001 - click gives flags by name
    message: str,
) -> int:
    """Approve or reject."""
    if stage and step:
        raise click.UsageError("only one of --stage and --step")
    state = state_of(session, find_run(session, run, pipeline))
    gate = _gate(state, stage, step)
    kind = "stages" if gate["kind"] in ("stage-review", "quality") else "steps"
    path = f"{path_of(state)}/{kind}/{part(gate['node'])}"
    body = {"approve": not reject, "group": gate["group"], "suggestion": message}
    if gate["kind"] == "pause":
        body, path = {"go_ahead": not reject}, f"{path}/resume"
    else:
        path = f"{path}/answer"
    with Interrupts() as interrupts:
        head = session.client.call("POST", path, body)
        note(f"{'rejected' if reject else 'approved'}: {gate['node']}")
        if not session.is_table and not session.client.embedded:
            emit(head, session.form)
        return finish(session, head, Progress(session, state), interrupts, watch=False)


def _gate(state: Json, stage: str | None, step: str | None) -> Json:
    # a webhook or channel is no question to a person
    gates = [gate for gate in state["gates"] if gate["kind"] != "signal"]
    if stage:
        node = find_node(state, "stage", stage)["id"]
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
