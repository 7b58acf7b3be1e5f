"""Jobs and their logs: what the executions of a stage look like (§2.11, §2.12)."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from mulligan.core.cause import Cause
from mulligan.core.hooks import Note
from mulligan.core.run import Job
from mulligan.core.spec import StepSpec
from mulligan.core.status import Status
from mulligan.facades.swr.fields import Json
from mulligan.facades.swr.log_codes import translated
from mulligan.facades.swr.times import time_text
from mulligan.logs.lines import LogLine
from mulligan.ports import StageJob

STATES = ("Waiting", "Building", "Successful", "Failed", "Timeout", "Cancel")
_HALF_WAY = "50"


class ShownJob(msgspec.Struct, frozen=True, kw_only=True):
    """An execution and what its answer needs. `target`: number of the job that it restored."""

    job: StageJob
    step: StepSpec | None
    stage_id: int
    resource: str = ""
    line_count: int = 0
    notes: Sequence[Note] = ()
    target: int | None = None


def state_of(job: Job) -> str:
    """Name the state of an execution."""
    match job.status:
        case Status.QUEUED:
            return "Waiting"
        case Status.RUNNING:
            return "Building"
        case Status.SUCCEEDED:
            return "Successful"
        case Status.FAILED if job.cause is Cause.TERMINATED:
            return "Cancel"
        case Status.FAILED:
            late = job.cause in {Cause.TIMEOUT, Cause.JOB_TIMEOUT}
            return "Timeout" if late else "Failed"
        case _:
            return "Cancel"


def render_job(shown: ShownJob, now: datetime) -> Json:
    """Give one execution, without its log."""
    job, head = shown.job.job, shown.job.head
    attempt = head.attempts[min(job.run_attempt, len(head.attempts)) - 1]
    state = state_of(job)
    answer: Json = {
        "id": shown.job.number,
        "service": shown.step.code if shown.step is not None else "",
        "service_id": shown.stage_id,
        "region_name": "",
        "resource_type": "image",
        "resource": shown.resource,
        "duration": _duration(job, now),
        "state": state,
        "progress": {"Waiting": "0", "Building": _HALF_WAY}.get(state, "100"),
        "pkg": _package(shown.step),
        "creator_id": hashlib.sha256(attempt.actor.encode()).hexdigest()[:32],
        "creator_name": attempt.actor,
        "created_at": time_text(job.queued_at or attempt.queued_at),
        "log_num": record_count(shown),
        "mode": _mode(shown.job),
    }
    if shown.target is not None:
        answer["target_job_id"] = shown.target
    return answer


def _mode(shown: StageJob) -> str:
    attempt = shown.head.attempts[min(shown.job.run_attempt, len(shown.head.attempts)) - 1]
    if shown.job.mode == "rollback":
        return "rollback"
    return "retry" if attempt.what == "retry" else "start"


def _duration(job: Job, now: datetime) -> str:
    if job.started_at is None:
        return "0"
    return str(max(0, int(((job.ended_at or now) - job.started_at).total_seconds())))


def _package(step: StepSpec | None) -> Json | None:
    if step is None or step.kind != "source":
        return None
    tag = str(step.inputs.get("tag") or "")
    return {
        "git_branch": str(step.inputs.get("branch") or ""),
        "git_clone_type": "tag" if tag else "branch",
        "git_tag": tag,
    }


# --- logs: a phase, the lines, what the server noted, the phase in which it ended -----------------


def record_count(shown: ShownJob) -> int:
    """Give the number of records of an execution's log."""
    has_end = shown.job.job.status.is_final
    return 1 + shown.line_count + len(shown.notes) + int(has_end)


def lines_wanted(shown: ShownJob, offset: int, limit: int) -> tuple[int, int]:
    """Tell which lines a page of records needs: the first (from 1), and how many."""
    first = max(1, offset)  # record 0 is the phase, record n line n
    last = min(shown.line_count, offset + limit - 1)
    return first, max(0, last - first + 1)


def render_records(
    shown: ShownJob, lines: Iterable[LogLine], offset: int, limit: int
) -> list[Json]:
    """Give the records of a page from what `lines_wanted` asked for.

    The page ends early where so many bytes were read that further lines are missing.
    """
    job = shown.job.job
    by_number = {line.number: line for line in lines}
    began = job.started_at or job.queued_at or datetime.now(UTC)
    records: list[Json] = []
    for number in range(offset, min(offset + limit, record_count(shown))):
        if number == 0:
            records.append(_record("phase", "Preparing", began, "waiting", 0))
        elif number <= shown.line_count:
            line = by_number.get(number)
            if line is None:
                break
            at_time = datetime.fromtimestamp(line.time_ms / 1000, UTC)
            records.append(
                _record("content", translated(line.text), at_time, "Building", int(_HALF_WAY))
            )
        elif number <= shown.line_count + len(shown.notes):
            note = shown.notes[number - shown.line_count - 1]
            records.append(_record("content", translated(note.text), note.at, state_of(job), 100))
        else:
            state = state_of(job)
            records.append(_record("phase", state, job.ended_at or began, state, 100))
    return records


def _record(kind: str, message: str, at: datetime, state: str, progress: int) -> Json:
    entry: dict[str, Any] = {
        "Type": kind,
        "Message": message,
        "Time": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z",
        "State": state,
        "Progress": progress,
    }
    content = msgspec.json.encode([entry]).decode()
    return {"content": content, "created_at": time_text(at)}
