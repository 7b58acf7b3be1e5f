"""`mulligan attempts`, `diff`: what was tried, and what came out differently."""

import re
from typing import Any

import click

from mulligan.cli.changes import changed_name, show_changes
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
from mulligan.cli.output import between, duration, moment, note, one_line, seconds_between
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
    found = find_run(session, run, pipeline)
    if step is not None:
        state = state_of(session, found)
        _list_tries(session, state, find_node(state, "step", step)["id"])
        return
    session.show_list(
        session.client.get(f"{path_of(found)}/attempts")["items"],
        (
            "ATTEMPT",
            "WHAT",
            "STATUS",
            "RAN",
            "KEPT",
            "SKIPPED",
            "TOOK",
            "SAVED",
            "BY",
            "REASON",
            "CHANGED",
        ),
        lambda item: (
            str(item["number"]),
            item["what"],
            "rolled back" if item["cause"] == "rolled_back" else item["status"] or "under way",
            *(str(item["counts"][part]) for part in ("ran", "kept", "skipped")),
            _length(item["seconds"]),
            _length(item["seconds_saved"] or None),
            one_line(item["actor"]),
            one_line(item["reason"]),
            one_line(", ".join(changed_name(each) for each in item.get("changes", ()))),
        ),
        wide={"OF": "target", "STARTED": "started_at", "ENDED": "ended_at"},
    )


def _length(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)


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
    before, after = _sides(session, first, second, pipeline)
    found = compared(session, before, after)
    found["steps"] = [item for item in found["steps"] if everything or item["changed"]]
    if not session.is_table:
        session.emit(found)
        return
    names = [f"#{state['number']}@{state['attempt']}" for state in (before, after)]
    session.show_list(
        found["steps"],
        ("JOB", "STEP", *names, f"TOOK {names[0]}", f"TOOK {names[1]}", "INPUTS"),
        lambda item: (
            one_line(item["job"]),
            one_line(item["name"]),
            *(_result(item[side]) for side in ("before", "after")),
            *(_length((item[side] or {}).get("seconds")) for side in ("before", "after")),
            one_line(", ".join(item["inputs"])),
        ),
        none="no step ended differently",
    )
    show_changes(found.get("changes") or ())
    for value in found["variables"] or ():
        note(f"variable {one_line(value['name'])}: {value['how']}")


def _sides(
    session: Session, first: str, second: str | None, pipeline: str | None
) -> tuple[Json, Json]:
    """Return both states; without a second text the last two attempts of a run."""
    if second is not None:
        return _state(session, first, pipeline), _state(session, second, pipeline)
    run = find_run(session, first, pipeline)
    if run["attempt"] == 1:
        raise FailureError("the run has one attempt only; name a second run", EXIT_USAGE)
    return state_of(session, run, run["attempt"] - 1), state_of(session, run)


def _state(session: Session, text: str, pipeline: str | None) -> Json:
    found = _AT.fullmatch(text)
    if found is None:
        return state_of(session, find_run(session, text, pipeline))
    return state_of(session, find_run(session, found[1], pipeline), int(found[2]))


def compared(session: Session, before: Json, after: Json) -> Json:
    """Return what differs: of attempts of one run as the server tells, else the steps alone."""
    if before["id"] == after["id"]:
        path = f"{path_of(after)}/attempts/{before['attempt']}/diff/{after['attempt']}"
        return dict(session.client.get(path))
    heads = [{key: state[key] for key in ("id", "number", "attempt")} for state in (before, after)]
    steps = compared_steps(before, after)
    return {"before": heads[0], "after": heads[1], "steps": steps, "variables": None}


def compared_steps(before: Json, after: Json) -> list[Json]:
    """Return the steps of two runs side by side; None where one is not."""
    sides = [
        {step["id"]: (stage, job, step) for stage, job, step in all_steps(state)}
        for state in (before, after)
    ]
    items = []
    for ident in dict.fromkeys([*sides[0], *sides[1]]):
        found = [side.get(ident) for side in sides]
        stage, job, step = found[1] or found[0] or ({}, {}, {})
        results = [_fields(each[2]) if each else None for each in found]
        items.append(
            {
                "stage": stage["name"] or stage["id"],
                "job": job["name"] or job["id"],
                "id": ident,
                "name": step["name"],
                "changed": _key(results[0]) != _key(results[1]),
                "before": results[0],
                "after": results[1],
                "inputs": [],
            }
        )
    return items


def _fields(step: Json) -> Json:
    fields = {key: step[key] for key in ("status", "cause", "attempt", "exit_code")}
    return {**fields, "seconds": seconds_between(step["started_at"], step["ended_at"])}


def _key(result: Json | None) -> Any:
    return result and (result["status"], result["cause"], result["exit_code"])


def _result(result: Json | None) -> str:
    if result is None:
        return "-"
    code = result["exit_code"]
    return f"{result['status']} (exit {code})" if code else str(result["status"])
