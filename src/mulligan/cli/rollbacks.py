"""`mulligan rollback`: restore what was live before."""

import re

import click

from mulligan.cli.client import part
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_USAGE, FailureError
from mulligan.cli.following import Following, may_watch
from mulligan.cli.interrupts import Interrupts
from mulligan.cli.language import tr
from mulligan.cli.options import (
    RUN_HELP,
    Session,
    demand_yes,
    in_project,
    may_ask,
    with_working_session,
)
from mulligan.cli.output import moment, note, one_line
from mulligan.cli.problems import Json
from mulligan.cli.progress import Progress, run_name
from mulligan.cli.references import find_node, find_run, path_of, state_of
from mulligan.cli.releases import MOST, find_environment, path_to, release_text
from mulligan.cli.waiting import finish

_NUMBER = re.compile(r"#?([1-9][0-9]{0,17})")


@click.command(
    help="Roll back: restore what was live before. Name the stage of a RUN, or --env. "
    + RUN_HELP
    + " The release is restored in the same run, as an attempt of its own; if it fails, what was "
    "live stays recorded as live.\n\n"
    + EXAMPLE
    + "mulligan rollback --env prod --plan\n  mulligan rollback @latest --stage release --reason "
    '"checkout is broken"'
)
@click.argument("run", metavar="[RUN]", required=False)
@click.option("--stage", help="The stage that deployed; needed if the run has several.")
@click.option("--env", "environment", metavar="ENV", help="An environment: name, id or key.")
@click.option("--to", metavar="DEPLOYMENT", help="An older deployment: d-…, its number with --env.")
@click.option("--pipeline", metavar="ID|NAME", help="For a RUN that is a number or begins with @.")
@click.option("--reason", default="", help="Why.")
@click.option(
    "--plan", "--dry-run", "only_plan", is_flag=True, help="Show what would happen; do nothing."
)
@in_project
@may_ask
@may_watch
@with_working_session
def rollback(
    session: Session,
    run: str | None,
    stage: str | None,
    environment: str | None,
    to: str | None,
    pipeline: str | None,
    reason: str,
    only_plan: bool,  # noqa: FBT001 - click gives flags by name
    yes: bool,  # noqa: FBT001 - click gives flags by name
    watch: Following,
) -> int:
    """Roll back."""
    if (run is None) == (environment is None):
        raise click.UsageError("either a RUN or --env ENV")
    if environment is not None:
        if stage or pipeline:
            raise click.UsageError("--stage and --pipeline go with a RUN, not with --env")
        project = session.path
        path = path_to(session, find_environment(session, environment))
        body = {"to": _deployment(session, path, to), "reason": reason}
    else:
        if to and not to.startswith("d-"):
            raise click.UsageError("--to takes an id d-… with a RUN; a number goes with --env")
        state = state_of(session, find_run(session, str(run), pipeline))
        project = f"/projects/{part(state['project'])}"
        path = f"{path_of(state)}/stages/{part(_stage(state, stage))}"
        body = {"to": to, "reason": reason}
    plan = session.client.call("POST", f"{path}/rollback/plan", body, reads=True)
    if only_plan:
        _show_plan(session, plan)
        return 0
    session.demand_lasting_server()
    if not yes:
        _tell(plan, err=True)
        demand_yes()
    before = session.client.get(f"{project}/runs/{part(plan['run'])}")
    return _carry_out(session, plan, before, f"{path}/rollback", body, watch=watch)


def _carry_out(
    session: Session, plan: Json, before: Json, path: str, body: Json, *, watch: Following
) -> int:
    """Do what was planned, and only that."""
    with Interrupts() as interrupts:
        head = session.client.call("POST", path, body, headers={"If-Match": plan["etag"]})
        note(
            tr(
                "attempt {attempt} of run {run}: {what}",
                attempt=head["attempt"],
                run=run_name(head),
                what=_deed(plan),
            )
        )
        if not watch.follows and not session.client.embedded and not session.is_table:
            session.emit(head)
        return finish(session, head, Progress(session, before), interrupts, watch=watch)


def _deployment(session: Session, path: str, text: str | None) -> str | None:
    """Return the id of a deployment of an environment that is named by its id or number."""
    number = _NUMBER.fullmatch(text or "")
    if number is None:
        return text
    for item in session.client.pages(f"{path}/deployments", MOST):
        if item["number"] == int(number[1]):
            return str(item["id"])
    raise FailureError(f"the environment has no deployment {text}", EXIT_USAGE)


def _stage(state: Json, text: str | None) -> str:
    """Return the id of a stage; without a text that of the only one that deploys."""
    if text is not None:
        return str(find_node(state, "stage", text)["id"])
    deploying = [
        stage
        for stage in state["stages"]
        if any(step["kind"] == "deploy" for job in stage["jobs"] for step in job["steps"])
    ]
    if len(deploying) == 1:
        return str(deploying[0]["id"])
    names = ", ".join(f"{stage['id']} ({one_line(stage['name'])})" for stage in deploying)
    message = f"say --stage; these deploy: {names}" if names else "no stage of the run deploys"
    raise FailureError(message, EXIT_USAGE)


def _deed(plan: Json) -> str:
    where = one_line(plan["environment"]["name"])
    restored = release_text(plan["restores"])
    if plan["action"] == "abort":
        return f"take the grey release {restored} away from {where}"
    return f"restore {restored} in {where}, now {release_text(plan['environment']['live'])}"


def _show_plan(session: Session, plan: Json) -> None:
    if not session.is_table:
        session.emit(plan)
        return
    _tell(plan, err=False)
    note(f"nothing was changed. It would be attempt {plan['run_attempt']} of run {plan['run']}")


def _tell(plan: Json, *, err: bool) -> None:
    restores = plan["restores"]
    click.echo(f"{plan['action']}: {_deed(plan)}", err=err)
    click.echo(
        f"restores: deployment {restores['number']} ({restores['id']}) of "
        f"{moment(restores['started_at'])} by {one_line(restores['actor'])}",
        err=err,
    )
    for cut in plan["cuts"]:
        line = f"cuts off: stage {cut['id']} ({one_line(cut['name'])}), which is under way"
        click.echo(line, err=err)
