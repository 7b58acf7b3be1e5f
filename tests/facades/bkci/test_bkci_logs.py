"""Logs: queries with their defaults, lines as they are shown and downloaded."""

from datetime import timedelta, timezone

import pytest

from bkci.scenes import E12, compiled
from mulligan.core.errors import InvalidError
from mulligan.core.ids import PipelineId, RunId
from mulligan.facades.bkci.log_wire import (
    LogQuery,
    Places,
    ShownLine,
    download_line,
    download_name,
    read_log_query,
    render_last_line,
    render_log_mode,
    render_logs,
    shown_line,
    wants,
)
from mulligan.facades.bkci.query import Query
from mulligan.logs.lines import LogLine, SectionKey

RUN = RunId("b-2f1c")


def read(call: str, **values: str) -> LogQuery:
    """Read the query of a log call on one run."""
    return read_log_query(Query({"buildId": RUN, **values}.items()), call)


def test_absent_attempt_is_the_first() -> None:
    """Not the latest: a client that does not ask for an attempt reads the first."""
    found = read("init_logs")

    assert found.attempt == 1
    assert (found.start, found.end, found.count) == (1, None, 10_000)
    assert (found.reverse, found.debug) == (False, False)


def test_job_is_not_looked_at_beside_a_step() -> None:
    """`jobId` counts only without `tag` and `stepId`."""
    assert read("init_logs", jobId="build").job_ref == "build"
    assert read("init_logs", jobId="build", tag=E12).job_ref == ""
    by_ref = read("init_logs", jobId="build", stepId="test", containerHashId="c-1")
    assert (by_ref.step_ref, by_ref.job_ref, by_ref.job_hash) == ("test", "", "c-1")


def test_range_of_lines() -> None:
    """`more_logs` gives up to `num` lines of an inclusive range, from its start or its end."""
    found = read("more_logs", start="5", end="9", num="3", fromStart="false", executeCount="2")

    assert (found.start, found.end, found.count, found.from_start) == (5, 9, 3, False)
    assert found.attempt == 2
    assert read("more_logs", start="5", end="9").count == 100


def test_lines_after_a_line() -> None:
    """`after_line_logs` begins with the line that is named."""
    found = read("after_line_logs", start="58")

    assert (found.start, found.end, found.count) == (58, None, 10_000)


@pytest.mark.parametrize(
    ("call", "values"),
    [
        ("after_line_logs", {}),
        ("more_logs", {"start": "1"}),
        ("more_logs", {"end": "1"}),
        ("log_mode", {}),
        ("init_logs", {"buildId": " "}),
        ("after_line_logs", {"start": "x"}),
        ("init_logs", {"logType": "LOUD"}),
    ],
)
def test_what_a_log_call_needs(call: str, values: dict[str, str]) -> None:
    """Missing or senseless parameters are refused."""
    with pytest.raises(InvalidError):
        read(call, **values)


@pytest.mark.parametrize(
    ("values", "text", "wanted"),
    [
        ({}, "plain", True),
        ({}, "##[debug]x", False),
        ({"debug": "true"}, "##[debug]x", True),
        ({"logType": "ERROR"}, "##[error]x", True),
        ({"logType": "ERROR"}, "plain", False),
        ({"logType": "DEBUG"}, "##[debug]x", True),
        ({"logType": "LOG"}, "##[warning]x", True),
    ],
)
def test_which_lines_are_wanted(values: dict[str, str], text: str, wanted: bool) -> None:
    """Debug lines are hidden unless asked for; a log type narrows by prefix."""
    assert wants(read("init_logs", **values), text) is wanted


def stored_line(key: SectionKey) -> LogLine:
    """Return a line as the log store gives it."""
    return LogLine(
        number=3,
        run_number=57,
        time_ms=1_787_300_110_000,
        text="##[command]run tests",
        section=key,
        offset=0,
        offset_end=21,
        complete=True,
        continues=False,
    )


def test_published_example_of_a_log() -> None:
    """The answer is that of the published document."""
    index, _ = compiled()
    key = SectionKey(step_id=E12, step_attempt=2, run_attempt=2, job_id="1")
    line = shown_line(stored_line(key), Places(index))

    shown = render_logs(RUN, [line], finished=True, has_more=False, time_used_ms=12)

    assert shown == {
        "buildId": "b-2f1c",
        "finished": True,
        "hasMore": False,
        "timeUsed": 12,
        "status": 0,
        "subTags": [],
        "logs": [
            {
                "lineNo": 57,
                "timestamp": 1_787_300_110_000,
                "message": "##[command]run tests",
                "priority": 40,
                "tag": E12,
                "subTag": "",
                "jobId": "build",
                "containerHashId": index.spec.stages[0].jobs[0].hash_id,
                "stepId": "test",
                "executeCount": 2,
            }
        ],
    }


def test_line_of_the_engine_belongs_to_its_job() -> None:
    """A section that is no step's shows its tag and the job."""
    index, _ = compiled()
    key = SectionKey(step_id="", step_attempt=1, run_attempt=1, job_id="2", tag="startVM-2")

    line = shown_line(stored_line(key), Places(index))

    assert (line.step, line.job_ref, line.step_ref) == ("startVM-2", "lint", "")


def test_empty_log_is_no_error() -> None:
    """Without lines the status is 1."""
    shown = render_logs(RUN, [], finished=False, has_more=False)

    assert (shown["status"], shown["logs"]) == (1, [])


def test_log_mode_and_last_line() -> None:
    """Logs can be searched; the last line is told by its number in the run."""
    assert render_log_mode(RUN, finished=True) == {
        "buildId": "b-2f1c",
        "finished": True,
        "logMode": "UPLOAD",
    }
    assert render_last_line(RUN, finished=False, line_number=57) == {
        "buildId": "b-2f1c",
        "finished": False,
        "lastLineNum": 57,
    }


def test_downloaded_line() -> None:
    """A line has its time to the millisecond, in the zone of the server."""
    line = ShownLine(line_number=1, time_ms=1_787_300_110_007, text="\x1b[31mred")

    assert download_line(line) == "2026-08-21 08:15:10:007 : \x1b[31mred\n"
    zone = timezone(timedelta(hours=8))
    assert download_line(line, zone) == "2026-08-21 16:15:10:007 : \x1b[31mred\n"


def test_name_of_the_download() -> None:
    """The file is named after pipeline and run."""
    assert download_name(PipelineId("p-1"), RUN) == 'attachment; filename="p-1-b-2f1c-log.txt"'
