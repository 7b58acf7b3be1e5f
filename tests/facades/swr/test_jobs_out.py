"""Executions of a stage and their logs as they are shown (§2.11, §2.12)."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from typing import Any

import pytest

from mulligan.core.cause import Cause
from mulligan.core.hooks import Note
from mulligan.core.status import Status
from mulligan.facades.swr.jobs_out import (
    ShownJob,
    lines_wanted,
    record_count,
    render_job,
    render_records,
    state_of,
)
from mulligan.facades.swr.times import time_text
from mulligan.logs.lines import LogLine, SectionKey
from mulligan.ports import StageJob
from mulligan.testing.simulate import START
from release_run import ANN, Release
from release_world import definition, deploy, review, stage

SHOP = definition(stage(0, "build"), deploy(1), review(2, ANN))


def job_of(release: Release, index: int, **fields: Any) -> ShownJob:
    """Show the newest execution of a stage."""
    return ShownJob(
        **{
            "job": StageJob(
                number=7, head=release.run.head, job=release.run.job(release.job_id(index))
            ),
            "step": release.spec(index).jobs[0].steps[0],
            "stage_id": 100 + index,
            **fields,
        }
    )


def ended(cause: Cause | None = None, status: Status | None = None) -> Release:
    """Give a run whose build has ended."""
    release = Release(SHOP)
    release.begin()
    release.end(0, cause, status)
    return release


@pytest.mark.parametrize(
    ("cause", "state"),
    [
        (None, "Successful"),
        (Cause.USER, "Failed"),
        (Cause.UNREACHABLE, "Failed"),
        (Cause.UNAUTHORIZED, "Failed"),
        (Cause.LOST, "Failed"),
        (Cause.TIMEOUT, "Timeout"),
        (Cause.JOB_TIMEOUT, "Timeout"),
    ],
)
def test_states_of_ended_jobs(cause: Cause | None, state: str) -> None:
    """The state of an execution follows from how it ended; its progress is then full."""
    answer = render_job(job_of(ended(cause), 0), START)

    assert (answer["state"], answer["progress"]) == (state, "100")


def test_states_on_the_way() -> None:
    """An execution waits, builds, and has its end; numbers are strings."""
    release = Release(SHOP)
    seen = [render_job(job_of(release, 0), release.now)]
    release.begin()
    release.pass_time(seconds=9)
    seen.append(render_job(job_of(release, 0), release.now))
    release.end(0)
    release.pass_time(seconds=50)
    seen.append(render_job(job_of(release, 0), release.now))

    told = [(each["state"], each["progress"], each["duration"]) for each in seen]
    assert told == [("Waiting", "0", "0"), ("Building", "50", "9"), ("Successful", "100", "10")]
    assert seen[0]["created_at"] == time_text(START)
    assert (seen[0]["id"], seen[0]["creator_name"], seen[0]["mode"]) == (7, "alice", "start")


@pytest.mark.parametrize("how", ["asked", "before the claim", "by force"])
def test_stopped_jobs_are_cancelled(how: str) -> None:
    """However a run was stopped, its execution was cancelled."""
    release = Release(SHOP)
    if how != "before the claim":
        release.begin()
    if how == "by force":
        release.terminate()
    else:
        release.cancel()
    if how == "asked":
        release.end(0, status=Status.CANCELLED)

    assert state_of(release.run.job(release.job_id(0))) == "Cancel"


def test_modes() -> None:
    """A start, a retry and a rollback are told apart, with who did it and what was restored."""
    release = Release(SHOP)
    release.work(0)
    release.work(1, Cause.USER)
    modes = [render_job(job_of(release, 1), release.now)["mode"]]
    release.retry_stage(1)
    modes.append(render_job(job_of(release, 1), release.now)["mode"])
    release.work(1)
    release.begin()
    release.roll_back(1)
    shown = render_job(job_of(release, 1, target=5), release.now)
    review_shown = render_job(job_of(release, 2), release.now)

    assert modes == ["start", "retry"]
    assert (shown["mode"], shown["target_job_id"], shown["state"]) == ("rollback", 5, "Waiting")
    assert review_shown["state"] == "Cancel"
    assert "target_job_id" not in review_shown


def line(number: int, text: str = "") -> LogLine:
    """Give a line of a log."""
    return LogLine(
        number=number,
        run_number=number,
        time_ms=number,
        text=text or f"line {number}",
        section=SectionKey(step_id="e-1", step_attempt=1, run_attempt=1),
        offset=0,
        offset_end=0,
        complete=True,
        continues=False,
    )


def test_every_page_of_a_log() -> None:
    """Pages put together are the whole log, wherever they begin; nothing is read for nothing."""
    release = ended()
    lines = [line(number) for number in range(1, 5)]
    note = Note(run="r", job="j", attempt=1, at=START + timedelta(seconds=9), text="told")
    shown = job_of(release, 0, line_count=4, notes=(note,))
    whole = render_records(shown, lines, 0, 100)

    for offset, limit in itertools.product(range(9), range(1, 9)):
        first, count = lines_wanted(shown, offset, limit)
        page = render_records(shown, lines[first - 1 : first - 1 + count], offset, limit)
        assert page == whole[offset : offset + limit]

    entries = [json.loads(each["content"])[0] for each in whole]
    assert record_count(shown) == len(whole) == 7
    assert [each["Type"] for each in entries] == ["phase", *["content"] * 5, "phase"]
    assert [each["Message"] for each in entries][1:6] == [
        *(f"line {n}" for n in range(1, 5)),
        "told",
    ]
    assert entries[-1]["State"] == "Successful"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("webhook-not-sent: POST /: x", "SVCSTG.SWR.5001129 Failed to notify webhook! POST /: x"),
        ("sms-not-sent: none", "SVCSTG.SWR.5001144 Failed to notify by SMS! none"),
        ("cluster-unusable: gone", "SVCSTG.SWR.5004001: gone"),
        ("##[error]service-not-changed: x", "##[error]SVCSTG.SWR.5004013: x"),
        ("SVCSTG.SWR.5004001: of an older server", "SVCSTG.SWR.5004001: of an older server"),
        ("my-own-tool: cluster-unusable: x", "my-own-tool: cluster-unusable: x"),
    ],
)
def test_codes_of_failures_have_their_numbers(text: str, shown: str) -> None:
    """What is stored is neutral; logs of this API have the numbers of this dialect."""
    release = ended()
    note = Note(run="r", job="j", attempt=1, at=START, text=text)

    records = render_records(job_of(release, 0, line_count=1, notes=(note,)), [line(1, text)], 1, 2)

    assert [json.loads(each["content"])[0]["Message"] for each in records] == [shown, shown]


def test_log_of_a_job_that_has_not_ended() -> None:
    """An execution under way has no phase of its end."""
    release = Release(SHOP)

    shown = job_of(release, 0)

    assert record_count(shown) == 1
    assert len(render_records(shown, [], 0, 10)) == 1
