"""`mulligan retry`, `skip`, `plan`: what a run that failed needs from a person."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click

from mulligan.cli.changes import Changes, gives_changes, show_changes
from mulligan.cli.completions import jobs, stages, steps
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_CONFLICT, FailureError
from mulligan.cli.following import Following, may_watch
from mulligan.cli.interrupts import Interrupts
from mulligan.cli.language import tr
from mulligan.cli.options import (
    RUN_HELP,
    Session,
    demand_yes,
    may_ask,
    names_run,
    names_step,
    with_session,
    with_working_session,
)
from mulligan.cli.output import note, one_line, table
from mulligan.cli.problems import Json
from mulligan.cli.progress import Progress, run_name, saved_text
from mulligan.cli.references import Kind, find_node, find_run, path_of, state_of
from mulligan.cli.waiting import finish

F = TypeVar("F", bound=Callable[..., Any])

NO_CHANGES = Changes()
_PART_HELP = " A part is named by its id, its own id in the file, or its name."


class Part(NamedTuple):
    """The part of a run that is meant.

    Args:
        named: Texts for a step, job or stage; at most one is there.
        only_failed: Only what failed of it.
        skip: It is left out instead.
    """

    named: dict[Kind, str | None]
    only_failed: bool
    skip: bool

    def body(self, state: Json, reason: str, changes: Changes = NO_CHANGES) -> Json:
        """Return what the server is asked for."""
        body = {
            "target": self._target(state),
            "skip": self.skip,
            "reason": reason,
            "only_failed": self.only_failed,
        }
        changed = changes.body(state)
        return {**body, "changes": changed} if changed else body

    def _target(self, state: Json) -> str:
        """Return the id of the node that is meant; "" = the whole run."""
        for kind, text in self.named.items():
            if text is not None:
                return str(find_node(state, kind, text)["id"])
        if not self.only_failed:
            return ""
        for stage in state["stages"]:
            if stage["status"] == "failed":
                return str(stage["id"])
        raise FailureError(tr("no stage of the run failed"), EXIT_CONFLICT)


def _names_part(act: F) -> F:
    """Add the options that name a part of a run; the command gets it as `part`."""

    @click.option(
        "--step", "--from", "step", help="This step and what comes after it.", shell_complete=steps
    )
    @click.option("--job", help="This job and what comes after it.", shell_complete=jobs)
    @click.option("--stage", help="This stage and what comes after it.", shell_complete=stages)
    @click.option("--all", "whole", is_flag=True, help="The whole run.  [default]")
    @click.option(
        "--failed",
        is_flag=True,
        help="Only the failed jobs of the (failed) stage, or copies of a matrix job.",
    )
    @click.option("--skip", is_flag=True, help="Leave out the failed step or steps instead.")
    @functools.wraps(act)
    def command(
        *args: Any,
        step: str | None,
        job: str | None,
        stage: str | None,
        whole: bool,
        failed: bool,
        skip: bool,
        **kwargs: Any,
    ) -> Any:
        named: dict[Kind, str | None] = {"step": step, "job": job, "stage": stage}
        if sum(text is not None for text in named.values()) + whole > 1:
            raise click.UsageError("only one of --step, --job, --stage and --all")
        if failed and (step or whole):
            raise click.UsageError("--failed goes with --stage or --job, or stands alone")
        return act(*args, part=Part(named, failed, skip), **kwargs)

    return command  # type: ignore[return-value]  # click calls it by keyword, whatever F takes


@click.command(
    help="Run a part of a run again in place; what succeeded before it is kept. Without a part: "
    "the whole run. On a terminal the plan is shown first. "
    + RUN_HELP
    + _PART_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan retry @failed --step test --plan\n"
    + "  mulligan retry @failed --step test --input test.script=@fixed.sh -p mirror=b"
)
@names_run
@_names_part
@gives_changes
@click.option("--reason", default="", help="Why; a skip needs one.")
@click.option(
    "--plan", "--dry-run", "only_plan", is_flag=True, help="Show what would happen; do nothing."
)
@may_ask
@may_watch
@with_working_session
def retry(
    session: Session,
    run: str | None,
    pipeline: str | None,
    part: Part,
    changes: Changes,
    reason: str,
    only_plan: bool,  # noqa: FBT001 - click gives flags by name
    yes: bool,  # noqa: FBT001 - click gives flags by name
    watch: Following,
) -> int:
    """Retry a part of a run."""
    if part.skip and not reason.strip() and not only_plan:
        raise click.UsageError("a skip needs a reason: --reason TEXT")
    state = state_of(session, find_run(session, run, pipeline))
    body = part.body(state, reason, changes)
    if only_plan:
        return _only_plan(session, state, body)
    return _recover(session, state, body, yes=yes, watch=watch)


@click.command(
    help="Show what a retry or skip would do, and why; change nothing. "
    + RUN_HELP
    + _PART_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan plan @failed --step test -o json\n  mulligan plan @failed --modes"
)
@names_run
@_names_part
@gives_changes
@click.option(
    "--modes",
    is_flag=True,
    help="List every way to recover, or why it is not possible.",
)
@with_session
def plan(
    session: Session,
    run: str | None,
    pipeline: str | None,
    part: Part,
    changes: Changes,
    modes: bool,  # noqa: FBT001 - click gives flags by name
) -> int:
    """Show a plan."""
    state = state_of(session, find_run(session, run, pipeline))
    if modes:
        return _list_modes(session, state, part.named["step"])
    return _only_plan(session, state, part.body(state, "", changes))


@click.command(
    help="Leave out a failed step, with a reason that stays in the record. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + 'mulligan skip @failed --step lint --reason "known, see ticket 12"'
)
@names_run
@names_step(required=True)
@click.option("--reason", required=True, help="Why.")
@click.option(
    "--plan", "--dry-run", "only_plan", is_flag=True, help="Show what would happen; do nothing."
)
@may_ask
@may_watch
@with_working_session
def skip(
    session: Session,
    run: str | None,
    pipeline: str | None,
    step: str,
    reason: str,
    only_plan: bool,  # noqa: FBT001 - click gives flags by name
    yes: bool,  # noqa: FBT001 - click gives flags by name
    watch: Following,
) -> int:
    """Skip a step."""
    if not reason.strip():
        raise click.UsageError("a skip needs a reason: --reason TEXT")
    state = state_of(session, find_run(session, run, pipeline))
    body = Part({"step": step}, only_failed=False, skip=True).body(state, reason)
    if only_plan:
        return _only_plan(session, state, body)
    return _recover(session, state, body, yes=yes, watch=watch)


def _list_modes(session: Session, state: Json, step: str | None) -> int:
    ident = find_node(state, "step", step)["id"] if step is not None else None
    found = session.client.get(f"{path_of(state)}/recovery/modes", step=ident)
    session.show_list(
        found["items"],
        ("WAY", "ALLOWED", "WHAT", "IT WOULD"),
        lambda item: (
            item["mode"],
            "yes" if item["allowed"] else "no",
            one_line(item["name"] or item["node"]) or tr("the run"),
            _would(item),
        ),
    )
    return 0


def _would(mode: Json) -> str:
    if mode["why_not"]:
        return one_line(mode["why_not"]["message"])
    if mode["restores"]:
        return tr("restore deployment {deployment}", deployment=mode["restores"])
    return saved_text(mode["plan"]) if mode["plan"] else ""


def _plan(session: Session, state: Json, body: Json) -> Json:
    path = f"{path_of(state)}/recovery/plan"
    return dict(session.client.call("POST", path, body, reads=True))


def _only_plan(session: Session, state: Json, body: Json) -> int:
    made = _plan(session, state, body)
    if session.is_table:
        _show_plan(made)
    else:
        session.emit(made)
    return 0


def _recover(session: Session, state: Json, body: Json, *, yes: bool, watch: Following) -> int:
    session.demand_lasting_server()
    headers = {}
    if not yes:
        made = _plan(session, state, body)
        _show_plan(made, err=True)
        demand_yes()
        headers["If-Match"] = made["etag"]  # what was shown is done, or nothing
    with Interrupts() as interrupts:
        path = f"{path_of(state)}/recovery/apply"
        applied = session.client.call("POST", path, body, headers=headers)
        head, done = applied["run"], applied["plan"]
        note(
            tr(
                "attempt {attempt} of run {run}: {what}",
                attempt=head["attempt"],
                run=run_name(head),
                what=saved_text(done),
            )
        )
        if not watch.follows and not session.client.embedded and not session.is_table:
            session.emit(applied)
        return finish(session, head, Progress(session, state), interrupts, watch=watch)


def _show_plan(plan: Json, *, err: bool = False) -> None:
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
    table(("WHAT", "ID", "ACTION", "WHY", "WORKSPACE"), rows, err=err)
    show_changes(plan.get("changes") or ())
    names = {node["id"]: node["name"] or node["id"] for node in plan["nodes"]}
    for node in plan["approvals"]["asked"]:
        note(tr("it will stop at {node} until people have answered", node=names.get(node, node)))
    number, what = plan["run_attempt"], saved_text(plan)
    if err:
        note(tr("It will be attempt {attempt}: {what}", attempt=number, what=what))
    else:
        text = "nothing was changed. It would be attempt {attempt}: {what}"
        note(tr(text, attempt=number, what=what))
