"""Follow a run: lines about its progress on stderr, and what to do when it failed."""

import shlex

import click

from mulligan.cli.client import part
from mulligan.cli.exits import BY_STATUS
from mulligan.cli.happenings import CONNECTED, Told, happenings
from mulligan.cli.language import tr
from mulligan.cli.options import Session
from mulligan.cli.output import between, duration, linked, note, one_line, paint
from mulligan.cli.problems import Json, ProblemError, UnreachableError
from mulligan.cli.references import all_steps, page_of_run, path_of, state_of

FINAL = frozenset(BY_STATUS)
TAIL = 20  # lines of the log of a failed step
REVIEWS_OF_STAGES = ("stage-review", "quality", "trigger-review")  # the last: of the trigger's
_MOST_FAILED = 3  # steps whose logs are shown
_SHOWN_SKIPS = frozenset({"waived", "condition", "disabled"})
_STATUS_WIDTH = len("succeeded")


class Progress:
    """Says what changed between two looks at a run.

    Args:
        before: The run before it went on; what ended by then is not told again.
    """

    def __init__(self, session: Session, before: Json | None = None) -> None:
        self.is_quiet = False
        self._session = session
        self._told: dict[str, tuple[int, str]] = {}
        self._stage = ""
        self._gates: set[tuple[str, str]] = set()
        self._waits: set[tuple[str, str]] = set()
        if before is not None:
            for _, _, step in all_steps(before):
                self._told[step["id"]] = _mark(step)

    def known_attempts(self) -> set[tuple[str, int]]:
        """Return steps and attempts of which was told already."""
        return {(step, attempt) for step, (attempt, _) in self._told.items()}

    def show(self, state: Json) -> None:
        """Tell what is new."""
        if self.is_quiet:
            return
        for stage, job, step in all_steps(state):
            if self._told.get(step["id"]) == _mark(step):
                continue
            self._told[step["id"]] = _mark(step)
            line = _line(job, step)
            if line is None:
                continue
            if self._stage != stage["id"]:
                self._stage = stage["id"]
                note(tr("stage {name}", name=one_line(stage["name"] or stage["id"])))
            note(f"  {line}")
        gates = {(gate["node"], gate["kind"]): gate for gate in state["gates"]}
        for key, gate in gates.items():
            if key not in self._gates:
                note(self._question(state, gate))
        self._gates = set(gates)
        self._show_waits(state.get("waits", []))

    def _show_waits(self, waits: list[Json]) -> None:
        lines = {(wait["node"], wait["name"]): wait_text(wait) for wait in waits}
        for key, line in lines.items():
            if key not in self._waits:
                note(line)
        self._waits = set(lines)

    def _question(self, state: Json, gate: Json) -> str:
        if gate["kind"] == "signal":
            what = signals_text(gate)
            return tr("waiting for {what}: stage {stage}", what=what, stage=gate["node"])
        option = "--stage" if gate["kind"] in REVIEWS_OF_STAGES else "--step"
        command = command_line(self._session, "approve", state["id"], option, gate["node"])
        who = ", ".join(gate["reviewers"])
        if gate["kind"] == "pause":
            return tr("waiting to be resumed: {command}", command=command)
        if not who:
            return tr("waiting for approval: {command}", command=command)
        return tr("waiting for approval by {who}: {command}", who=who, command=command)


def needs_person(state: Json) -> bool:
    """Tell whether a run waits for an answer of a person."""
    return any(gate["kind"] != "signal" for gate in state["gates"])


def signals_text(gate: Json) -> str:
    """Tell what a stage waits for that no person answers."""
    came, needed = gate["signals"] or (0, 1)
    return tr("a webhook or channel ({came} of {needed} came)", came=came, needed=needed)


_WAITS = {
    "queue": "its turn",
    "group": "group {}",
    "mutex": "mutex {}",
    "limit": "a place in this job",
}


def wait_text(wait: Json) -> str:
    """Tell what a run or a job of it waits for, and who has it."""
    who = f"job {one_line(wait['node'])}" if wait["node"] else "the run"
    line = f"waits: {who} for {_WAITS[wait['kind']].format(one_line(wait['name']))}"
    if wait["holders"]:
        line += f", held by {', '.join(_holder(holder) for holder in wait['holders'])}"
    return line + (f" ({wait['ahead']} ahead)" if wait["ahead"] else "")


def _holder(holder: Json) -> str:
    run = f"{one_line(holder['pipeline_name'])} #{holder['number']}"
    return f"{run} job {one_line(holder['job_name'])}" if holder["job"] else run


def _mark(step: Json) -> tuple[int, str]:
    return step["attempt"], step["status"]


def _line(job: Json, step: Json) -> str | None:
    """Give the line about a step; None: there is nothing to say about it."""
    status = step["status"]
    if status == "queued" or (status == "skipped" and step["cause"] not in _SHOWN_SKIPS):
        return None
    name = one_line(step["name"])
    if len(job["steps"]) > 1 or job["name"] != step["name"]:
        name = f"{one_line(job['name'] or job['id'])} / {name}"
    details = ["rollback"] if job["mode"] == "rollback" else []
    if status == "failed" and step["exit_code"] is not None:
        details.append(f"exit {step['exit_code']}")
    elif status in {"failed", "cancelled", "skipped"} and step["cause"]:
        details.append(step["cause"])
    if status in FINAL and step["ended_at"] and step["started_at"]:
        details.append(between(step["started_at"], step["ended_at"]))
    if step.get("called"):
        details.append(f"run {step['called']}")
    if step["attempt"] > 1:
        details.append(f"attempt {step['attempt']}")
    padding = " " * (_STATUS_WIDTH - len(status))
    return f"{paint(status)}{padding}  {name}" + (f" ({', '.join(details)})" if details else "")


def command_line(session: Session, *words: str) -> str:
    """Give a command of this program that reaches the same server."""
    return shlex.join(["mulligan", *words, *session.server.as_flags()])


def follow(session: Session, run: Json, progress: Progress) -> Json:
    """Wait for the end of a run and tell what happens; return its last state.

    Raises:
        UnreachableError: The server went away.
    """
    prints = session.form.name == "jsonl"
    state: Json = {"revision": -1, "status": ""}
    printed = Told(-1, is_last=False)
    for told in happenings(session, run, prints=prints):
        if told is not CONNECTED:
            printed = told
        if told.revision > state["revision"]:
            try:
                state = state_of(session, run)
            except UnreachableError:
                if session.client.embedded:
                    raise
                continue  # the stream breaks, too, and tells when the server is back
            progress.show(state)
        # who prints events prints the last one of this end, too
        is_told = printed.is_last and printed.revision >= state["revision"]
        if state["status"] in FINAL and (is_told or not prints):
            return state
    raise UnreachableError(session.client.url, "it ended the stream")


def report_end(session: Session, state: Json) -> int:
    """Tell how a run ended – for a failed one why, and how to retry it; return the exit code."""
    attempt = state["attempts"][-1]
    started, ended = attempt["started_at"] or attempt["queued_at"], attempt["ended_at"]
    note(
        tr(
            "{verdict}: run {run}, attempt {attempt} in {time}",
            verdict=paint(state["verdict"] or state["status"]),
            run=linked(run_name(state), page_of_run(session, state)),
            attempt=state["attempt"],
            time=between(started, ended),
        )
    )
    if state["status"] == "failed":
        explain_failure(session, state)
    if not session.is_table:
        session.emit(state)
    # a rollback that succeeded leaves the run cancelled, but is what was asked for
    return 0 if attempt["cause"] == "rolled_back" else BY_STATUS[state["status"]]


def run_name(run: Json) -> str:
    """Name a run as people do."""
    name = one_line(run["pipeline_name"])
    return tr("#{number} of {pipeline}", number=run["number"], pipeline=name)


def failed_steps(state: Json) -> list[tuple[Json, Json, Json]]:
    """Return the steps that made the run fail, with stage and job."""
    failed = [found for found in all_steps(state) if found[2]["status"] == "failed"]
    return [found for found in failed if found[1]["status"] == "failed"] or failed


def explain_failure(session: Session, state: Json) -> None:
    """Show the failed steps, the ends of their logs, and the command that retries."""
    failed = failed_steps(state)
    for stage, job, step in failed[:_MOST_FAILED]:
        why = f"exit {step['exit_code']}" if step["exit_code"] is not None else step["cause"]
        where = f"{one_line(job['name'] or job['id'])}, {one_line(stage['name'] or stage['id'])}"
        name = one_line(step["name"])
        note()
        note(tr("failed: {step} ({why}) in {where}", step=name, why=why or "failed", where=where))
        if step["message"] and step["message"] != f"exit code {step['exit_code']}":
            note(f"  {one_line(step['message'])}")
        for line in log_tail(session, state, step):
            note(f"  | {line}")
        _propose(session, state, stage, step)
    _tell_since(session, state)
    if len(failed) > _MOST_FAILED:
        note(tr("and {count} more failed steps", count=len(failed) - _MOST_FAILED))
    if len(failed) != 1 and not _is_rollback(state):
        command = command_line(session, "retry", state["id"], "--failed")
        note(tr("retry all: {command}", command=command))


def _tell_since(session: Session, state: Json) -> None:
    """Say since which run this fails, if it is not the first."""
    try:
        since = session.client.get(f"{path_of(state)}/failure", lines=0)["since"]
    except ProblemError:  # one may not look; nothing is wrong with the run
        return
    if since is None or since["runs"] == 1:
        return
    first, green = since["first"], since["last_green"]
    values = {"number": first["number"], "who": one_line(first["actor"])}
    if green is None:
        note(tr("fails since run #{number} by {who}", **values))
    else:
        text = "fails since run #{number} by {who}; last succeeded in run #{green}"
        note(tr(text, green=green["number"], **values))


def _is_rollback(state: Json) -> bool:
    return bool(state["attempts"][-1]["what"] == "rollback")


def _propose(session: Session, state: Json, stage: Json, step: Json) -> None:
    """Say which commands mend a failed step."""
    back = command_line(session, "rollback", state["id"], "--stage", stage["id"])
    if _is_rollback(state):
        note(tr("roll back again: {command}", command=back))
        return
    again = command_line(session, "retry", state["id"], "--step", step["id"])
    note(tr("retry it: {command}", command=again))
    if step["kind"] == "deploy":
        note(tr("or restore what was live: {command}", command=back))


def log_tail(session: Session, run: Json, step: Json) -> list[str]:
    """Return the last lines of the log of a step's newest attempt."""
    path = f"{path_of(run)}/steps/{part(step['id'])}/log"
    try:
        text = b"".join(session.client.read(path, tail=TAIL)).decode("utf-8", "replace")
    except ProblemError:  # it never began, or one may not see logs
        return []
    return [one_line(click.unstyle(line)).rstrip() for line in text.splitlines()]


def saved_text(plan: Json) -> str:
    """Tell in one line what a recovery does."""
    counts = plan["counts"]
    text = tr("re-run {rerun}, kept {keep} steps", **counts)
    if counts["skip"]:
        text = tr("re-run {rerun}, kept {keep}, skipped {skip} steps", **counts)
    if plan["seconds_saved"] > 0:
        text += tr("; saved {time}", time=duration(plan["seconds_saved"]))
    return text
