"""Logs in this API: the queries, and lines as they are shown."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

import msgspec

from mulligan.core.ids import JobId, PipelineId, RunId, StepId
from mulligan.core.matrix import find_copy
from mulligan.core.spec import JobSpec, SpecIndex, StepSpec
from mulligan.facades.bkci.query import Query, blank
from mulligan.facades.bkci.times import Json, present
from mulligan.logs.lines import LogLine, SectionKey

MOST_LINES = 10_000  # of one answer
DEFAULT_RANGE_LINES = 100
PRIORITY = 40
DEBUG_PREFIX = "##[debug]"
Place = tuple[list[JobSpec], StepSpec | None]
_LEVELS = {"WARN": "##[warning]", "ERROR": "##[error]", "DEBUG": DEBUG_PREFIX, "LOG": ""}


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines are asked for; an empty text narrows nothing.

    Args:
        attempt: Of the run. Absent in a query it is 1, not the latest.
        step: Id of a step (`tag`).
        step_ref / job_ref / job_hash: The author's ids and the hash of a job. With a step given
            in either way the query's `jobId` is not looked at.
        debug: Debug lines are wanted.
        level_prefix: Only lines that begin so.
        start / end: First and last line wanted, inclusive.
        count: At most so many.
        from_start: Of the range: its first lines, not its last.
        reverse: From the end of the log.
    """

    run: RunId
    pipeline: PipelineId | None = None
    attempt: int = 1
    step: str = ""
    step_ref: str = ""
    job_ref: str = ""
    job_hash: str = ""
    debug: bool = False
    level_prefix: str = ""
    start: int = 1
    end: int | None = None
    count: int = MOST_LINES
    from_start: bool = True
    reverse: bool = False


class ShownLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a run's log with what it belongs to. `line_number` ascends over the run."""

    line_number: int
    time_ms: int
    text: str
    step: str = ""
    job_ref: str = ""
    job_hash: str = ""
    step_ref: str = ""
    run_attempt: int = 1


def read_log_query(query: Query, call: str) -> LogQuery:
    """Read the query of a log call.

    Args:
        call: Last part of the path: "init_logs", "more_logs", "after_line_logs",
            "download_logs", "log_mode" or "last_line_num".
    """
    step, ref = query.text("tag") or "", query.text("stepId") or ""
    if call == "log_mode" and not step:
        raise blank("tag")
    pipeline = query.text("pipelineId")
    prefix = query.word("logType", _LEVELS, "")
    start, end, count = _range(query, call)
    return LogQuery(
        run=RunId(query.needed("buildId")),
        pipeline=PipelineId(pipeline) if pipeline is not None else None,
        attempt=max(1, query.whole("executeCount") or 1),
        step=step,
        step_ref=ref,
        job_ref="" if step or ref else query.text("jobId") or "",
        job_hash=query.text("containerHashId") or "",
        debug=query.flag("debug") or prefix == DEBUG_PREFIX,
        level_prefix=prefix,
        start=start,
        end=end,
        count=count,
        from_start=query.flag("fromStart", default=True),
        reverse=query.flag("reverse"),
    )


def _range(query: Query, call: str) -> tuple[int, int | None, int]:
    if call == "after_line_logs":
        return _line(query, "start"), None, MOST_LINES
    if call == "more_logs":
        count = query.whole("num")
        bounded = DEFAULT_RANGE_LINES if count is None or count < 1 else min(count, MOST_LINES)
        return _line(query, "start"), _line(query, "end"), bounded
    return 1, None, MOST_LINES


def _line(query: Query, name: str) -> int:
    number = query.long(name)
    if number is None:
        raise blank(name)
    return number


def wants(query: LogQuery, text: str) -> bool:
    """Tell whether a line's text is asked for."""
    if not query.debug and text.startswith(DEBUG_PREFIX):
        return False
    return text.startswith(query.level_prefix)


class Places:
    """Finds what the sections of a run's logs belong to."""

    def __init__(self, index: SpecIndex) -> None:
        self._index = index
        self._found: dict[tuple[str, str], Place] = {}

    def of(self, key: SectionKey) -> Place:
        """Return the jobs of a section, that which ran first, then the matrix job; and the step."""
        names = (key.job_id, key.step_id)
        if names not in self._found:
            self._found[names] = _place_of(key, self._index)
        return self._found[names]


def _place_of(key: SectionKey, index: SpecIndex) -> Place:
    """Look a section up; also one of a copy that is gone because its job was split anew."""
    place = index.step_job.get(StepId(key.step_id))
    job = index.jobs.get(place[0] if place is not None else JobId(key.job_id))
    parent = index.jobs.get(index.parents[job.id]) if job and job.id in index.parents else None
    if job is None:
        parent, job = find_copy(index.jobs, JobId(key.job_id))
    steps = job.steps if job is not None else ()
    step = next((step for step in steps if step.id == key.step_id), None)
    return [each for each in (job, parent) if each is not None], step


def shown_line(line: LogLine, places: Places) -> ShownLine:
    """Give a stored line with the names of its job and step."""
    section = line.section
    jobs, step = places.of(section)
    job = jobs[0] if jobs else None
    return ShownLine(
        line_number=line.run_number,
        time_ms=line.time_ms,
        text=line.text,
        step=section.tag or section.step_id,
        job_ref=job.ref if job is not None else "",
        job_hash=job.hash_id if job is not None else "",
        step_ref=step.ref if step is not None else "",
        run_attempt=section.run_attempt,
    )


def render_logs(
    run: RunId,
    lines: Iterable[ShownLine],
    *,
    finished: bool,
    has_more: bool,
    time_used_ms: int = 0,
) -> Json:
    """Return `QueryLogs`. `finished`: what was asked for writes no more lines."""
    shown = [_line_fields(line) for line in lines]
    return {
        "buildId": run,
        "finished": finished,
        "hasMore": has_more,
        "logs": shown,
        "timeUsed": time_used_ms,
        "status": 0 if shown else 1,
        "subTags": [],
    }


def _line_fields(line: ShownLine) -> Json:
    return present(
        {
            "lineNo": line.line_number,
            "timestamp": line.time_ms,
            "message": line.text,
            "priority": PRIORITY,
            "tag": line.step,
            "subTag": "",
            "jobId": line.job_ref,
            "containerHashId": line.job_hash or None,
            "stepId": line.step_ref or None,
            "executeCount": line.run_attempt,
        }
    )


def render_log_mode(run: RunId, *, finished: bool) -> Json:
    """Return `QueryLogStatus`; all logs can be searched here."""
    return {"buildId": run, "finished": finished, "logMode": "UPLOAD"}


def render_last_line(run: RunId, *, finished: bool, line_number: int) -> Json:
    """Return `QueryLogLineNum`; 0 without lines."""
    return {"buildId": run, "finished": finished, "lastLineNum": line_number}


def download_line(line: ShownLine, zone: tzinfo = UTC) -> str:
    """Return a line of a downloaded log, with its newline."""
    instant = datetime.fromtimestamp(line.time_ms / 1000, zone)
    stamp = f"{instant:%Y-%m-%d %H:%M:%S}:{line.time_ms % 1000:03d}"
    return f"{stamp} : {line.text}\n"


def download_name(pipeline: PipelineId, run: RunId) -> str:
    """Return the value of `Content-Disposition` of a downloaded log."""
    return f'attachment; filename="{pipeline}-{run}-log.txt"'
