"""`mulligan attempts`, `diff`: what was tried, and what came out differently."""

import re
from typing import Any

import click

from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_USAGE, FailureError
from mulligan.cli.options import (
    RUN_HELP,
    Session,
    in_project,
    names_run,
    names_step,
    with_session,
)
from mulligan.cli.output import between, moment, one_line
from mulligan.cli.problems import Json
from mulligan.cli.references import all_steps, find_node, find_run, path_of, state_of

_AT = re.compile(r"(.*)@([1-9][0-9]{0,8})")


@click.command(
    help="List the attempts of a run, or those of one of its steps. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan attempts @latest --step test"
)
@names_run
@names_step()
@with_session
def attempts(session: Session, run: str | None, pipeline: str | None, step: str | None) -> None:
    """List attempts."""
    state = state_of(session, find_run(session, run, pipeline))
    if step is not None:
        _list_tries(session, state, find_node(state, "step", step)["id"])
        return
    names = {stage["id"]: stage["name"] or stage["id"] for stage in state["stages"]}
    names |= {found["id"]: found["name"] for _, _, found in all_steps(state)}
    session.show_list(
        state["attempts"],
        ("ATTEMPT", "WHAT", "OF", "STATUS", "STARTED", "TOOK", "BY", "REASON"),
        lambda item: (
            str(item["number"]),
            item["what"],
            one_line(names.get(item["target"], item["target"]) or "the run"),
            "rolled back" if item["cause"] == "rolled_back" else item["status"] or "under way",
            moment(item["started_at"] or item["queued_at"]),
            between(item["started_at"], item["ended_at"]),
            one_line(item["actor"]),
            one_line(item["reason"]),
        ),
    )


def _list_tries(session: Session, state: Json, step: str) -> None:
    steps = session.client.get(f"{path_of(state)}/steps")["items"]
    (found,) = [each for each in steps if each["id"] == step]
    session.show_list(
        found["attempts"],
        ("ATTEMPT", "STATUS", "WHY", "RUNNER", "STARTED", "TOOK"),
        lambda item: (
            str(item["number"]),
            item["status"],
            item["cause"] or "",
            one_line(item["runner"] or "-"),
            moment(item["started_at"]),
            between(item["started_at"], item["ended_at"]),
        ),
        none="the step has not begun",
    )


@click.command(
    help="Compare two attempts of a run, or two runs: which steps ended differently or took "
    "longer. Without a second one, the last two attempts of the run. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan diff @latest@1 @latest@2\n  mulligan diff 41 42 --pipeline web"
)
@click.argument("first", metavar="RUN[@ATTEMPT]")
@click.argument("second", metavar="[RUN[@ATTEMPT]]", required=False)
@click.option("--pipeline", metavar="ID|NAME", help="For a RUN that is a number or begins with @.")
@click.option("--all", "everything", is_flag=True, help="Also steps that are the same.")
@in_project
@with_session
def diff(
    session: Session,
    first: str,
    second: str | None,
    pipeline: str | None,
    everything: bool,  # noqa: FBT001 - click gives flags by name
) -> None:
    """Compare."""
    if second is None:
        before, after = _last_two(session, first, pipeline)
    else:
        before, after = _state(session, first, pipeline), _state(session, second, pipeline)
    items = [item for item in compared(before, after) if everything or item["changed"]]
    names = [f"#{state['number']}@{state['attempt']}" for state in (before, after)]
    session.show_list(
        items,
        ("JOB", "STEP", *names, f"TOOK {names[0]}", f"TOOK {names[1]}"),
        lambda item: (
            one_line(item["job"]),
            one_line(item["step"]),
            *(_result(item[side]) for side in ("first", "second")),
            *(_took(item[side]) for side in ("first", "second")),
        ),
        none="no step ended differently",
    )


def _last_two(session: Session, text: str, pipeline: str | None) -> tuple[Json, Json]:
    run = find_run(session, text, pipeline)
    if run["attempt"] < 2:
        raise FailureError("the run has one attempt only; name a second run", EXIT_USAGE)
    return state_of(session, run, run["attempt"] - 1), state_of(session, run)


def _state(session: Session, text: str, pipeline: str | None) -> Json:
    found = _AT.fullmatch(text)
    if found is None:
        return state_of(session, find_run(session, text, pipeline))
    return state_of(session, find_run(session, found[1], pipeline), int(found[2]))


def compared(before: Json, after: Json) -> list[Json]:
    """Return the steps of two states, each with both sides; None where it is not."""
    sides = [
        {step["id"]: (job, step) for _, job, step in all_steps(state)} for state in (before, after)
    ]
    items = []
    for ident in dict.fromkeys([*sides[0], *sides[1]]):
        first, second = (side.get(ident) for side in sides)
        job, step = second or first or ({}, {})
        results = [_fields(found[1]) if found else None for found in (first, second)]
        items.append(
            {
                "id": ident,
                "job": job["name"] or job["id"],
                "step": step["name"],
                "changed": _key(results[0]) != _key(results[1]),
                "first": results[0],
                "second": results[1],
            }
        )
    return items


def _fields(step: Json) -> Json:
    keys = ("status", "cause", "attempt", "exit_code", "started_at", "ended_at")
    return {key: step[key] for key in keys}


def _key(result: Json | None) -> Any:
    return result and (result["status"], result["cause"], result["exit_code"])


def _result(result: Json | None) -> str:
    if result is None:
        return "-"
    code = result["exit_code"]
    return f"{result['status']} (exit {code})" if code else str(result["status"])


def _took(result: Json | None) -> str:
    return between(result["started_at"], result["ended_at"]) if result else "-"
