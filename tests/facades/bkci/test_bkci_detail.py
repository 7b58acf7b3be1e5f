"""`build_detail`: the published example, earlier attempts, buttons, reviews, times."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bkci.scenes import (
    ALICE,
    BOB,
    E11,
    E12,
    E13,
    E21,
    E31,
    FIRST,
    at,
    attempt,
    b1,
    b1_retried,
    compiled,
    failure,
    golden,
    head,
    history_of,
    job,
    minimal_model,
    run_of,
    stage,
    step,
)
from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, StageId, UserName
from mulligan.core.run import (
    CancelRequest,
    Gate,
    Job,
    MutexTicket,
    Run,
    Stage,
    Step,
    StepPatch,
    Vote,
)
from mulligan.core.status import Status
from mulligan.facades.bkci.attempt_view import AttemptView, count_auto_retries
from mulligan.facades.bkci.detail_out import render_detail
from mulligan.facades.bkci.model_source import source_of
from mulligan.facades.bkci.run_out import Surroundings
from mulligan.facades.bkci.run_parts import render_failed_tasks
from mulligan.ports import NodeHistory
from mulligan.testing.models import BuildView

Json = dict[str, Any]
AROUND = Surroundings(
    now=at(300), pipeline_name="demo", latest_version=8, latest_number=43, may_cancel=True
)


def detail(
    run: Run, source: Json, history: NodeHistory | None = None, number: int | None = None
) -> BuildView:
    """Render the detail of an attempt and wrap it for reading."""
    view = AttemptView(run, history or history_of(), number)
    return BuildView(render_detail(view, AROUND, source=source))


def task(shown: BuildView, step_id: str) -> Json:
    """Return the task with this id."""
    found: Json = next(
        element
        for each in shown.data["model"]["stages"]
        for container in each["containers"]
        for element in container["elements"]
        if element["id"] == step_id
    )
    return found


def without(part: Json, *members: str) -> Json:
    """Return an object of the example without members that it shortens."""
    return {key: value for key, value in part.items() if key not in members}


def contains(part: Json, expected: Json) -> bool:
    """Tell whether an object has all expected members."""
    return {key: part.get(key) for key in expected} == expected


def test_published_example() -> None:
    """After a retry of e12 in vain the detail is that of the published document."""
    run, history, source = b1_retried()
    expected = golden("build_detail")

    shown = detail(run, source, history)

    data = shown.data
    outer = without(expected, "id", "pipelineId", "model", "recordList")
    assert contains(data, outer)
    assert [each["startUser"] for each in data["recordList"]] == ["alice", "bob"]
    for wanted in expected["model"]["stages"]:
        got = shown.stage(wanted["id"])
        assert contains(got, without(wanted, "containers")), wanted["id"]
    wanted_jobs = expected["model"]["stages"][1]["containers"]
    for wanted in wanted_jobs:
        assert contains(shown.job(wanted["id"]), without(wanted, "elements"))
    names = {"e-…11": E11, "e-…12": E12, "e-…13": E13, "e-…21": E21}
    for element in (each for container in wanted_jobs for each in container["elements"]):
        assert contains(task(shown, names[element["id"]]), without(element, "id")), element


def test_answer_has_no_nulls() -> None:
    """Members without a value are left out, at every level that is made here."""
    run, source = b1()

    data = detail(run, source).data

    parts = [data, *data["model"]["stages"], *data["stageStatus"], *data["errorInfoList"]]
    parts += [container for each in data["model"]["stages"] for container in each["containers"]]
    assert [key for part in parts for key, value in part.items() if value is None] == []


def test_first_attempt_stays_as_it_was() -> None:
    """An earlier attempt shows its own records, times and no buttons."""
    run, history, source = b1_retried()

    first = detail(run, source, history, number=1)

    assert (first.status, first.execute_count) == ("FAILED", 1)
    assert first.data["queueTime"] == 1_787_299_999_000
    assert first.data["endTime"] == 1_787_300_065_000
    assert task(first, E12)["executeCount"] == 1
    assert task(first, E12)["elapsed"] == 30_000
    assert "retryCount" not in task(first, E12)
    assert "canRetry" not in task(first, E12)
    assert first.stage_statuses() == ["FAILED", "UNEXEC", "SUCCEED"]
    assert [e["taskId"] for e in first.data["errorInfoList"]] == [E12, E21]


@pytest.mark.parametrize("number", [None, 0, -1, 2, 9])
def test_attempt_out_of_range_is_the_latest(number: int | None) -> None:
    """Without a usable number the latest attempt is shown."""
    run, history, source = b1_retried()

    assert detail(run, source, history, number).execute_count == 2


def test_trigger_stage_has_succeeded() -> None:
    """The trigger stage is SUCCEED with its job and first element."""
    run, source = b1()

    trigger = detail(run, source).stage("stage-1")

    [container] = trigger["containers"]
    assert (trigger["status"], container["status"]) == ("SUCCEED", "SUCCEED")
    assert container["elements"][0]["status"] == "SUCCEED"
    assert container["params"][0]["id"] == "env"


def test_members_of_an_earlier_run_are_not_shown() -> None:
    """A definition saved with run-time members of another run does not bring them back."""
    model = minimal_model()
    for each in model["stages"]:
        each |= {"status": "FAILED", "canRetry": True, "executeCount": 9}
        for container in each["containers"]:
            container |= {"status": "FAILED", "canRetry": True, "startVMStatus": "FAILED"}
            for element in container["elements"]:
                element |= {"status": "FAILED", "errorMsg": "old", "retryCount": 7}
    index, source = compiled(model)
    waiting = head(status=Status.QUEUED, cause=None, stage=-1, started_at=None, ended_at=None)

    shown = detail(run_of(index, waiting), source)

    assert shown.stage_statuses() == [None, None, None]
    assert "executeCount" not in shown.stage("stage-2")
    assert "canRetry" not in shown.job("1")
    assert "startVMStatus" not in shown.job("1")
    assert contains(task(shown, E12), {"status": None, "errorMsg": None, "retryCount": None})


def test_times_of_stages_jobs_and_tasks() -> None:
    """Start, length and costs are milliseconds of the node's own record."""
    run, source = b1()

    shown = detail(run, source)

    assert contains(shown.stage("stage-2"), {"startEpoch": 1_787_300_001_000, "elapsed": 63_000})
    assert contains(shown.job("1"), {"startEpoch": 1_787_300_001_000, "elementElapsed": 39_000})
    assert contains(task(shown, E11), {"startEpoch": 1_787_300_001_000, "elapsed": 9_000})
    assert task(shown, E11)["timeCost"] == {
        "totalCost": 9_000,
        "systemCost": 0,
        "executeCost": 9_000,
        "waitCost": 0,
        "queueCost": 0,
    }
    assert "startEpoch" not in shown.stage("stage-3")


def test_time_in_the_queue_is_a_cost_of_the_job() -> None:
    """What a job waited for a runner is in its wait and queue costs."""
    index, source = compiled()
    waited = replace(job(1, Status.SUCCEEDED, 10, 40), queued_at=at(4))

    shown = detail(run_of(index, head(), *FIRST, waited), source)

    assert shown.job("1")["timeCost"] == {
        "totalCost": 36_000,
        "systemCost": 0,
        "executeCost": 30_000,
        "waitCost": 6_000,
        "queueCost": 6_000,
    }


def test_running_task_grows() -> None:
    """What runs has no end yet: its length is measured until now and it has no costs."""
    index, source = compiled()
    running = head(status=Status.RUNNING, cause=None, ended_at=None, stage=0, failed_steps=())
    run = run_of(
        index,
        running,
        stage(2, Status.RUNNING, 1, None),
        job(1, Status.RUNNING, 1, None),
        step(E11, Status.RUNNING, 290, None),
    )

    shown = detail(run, source)

    assert contains(task(shown, E11), {"status": "RUNNING", "elapsed": 10_000})
    assert "timeCost" not in task(shown, E11)
    assert [task(shown, each).get("status") for each in (E12, E21, E31)] == ["QUEUE", "QUEUE", None]
    assert shown.job("2")["status"] == "QUEUE"
    assert "status" not in shown.job("3")
    assert shown.stage_statuses() == ["RUNNING", None, None]
    assert "endTime" not in shown.data


def test_waived_task_says_so_in_the_language() -> None:
    """A skipped task has the message of the published text in both languages."""
    index, source = compiled()
    waived = step(E12, Status.SKIPPED, 10, 40, cause=Cause.WAIVED, actor=BOB)
    view = AttemptView(run_of(index, head(), *FIRST, waived))

    chinese = BuildView(render_detail(view, AROUND, source=source))
    english = BuildView(render_detail(view, replace(AROUND, language="en"), source=source))

    assert contains(task(chinese, E12), {"status": "SKIP", "errorMsg": "被手动跳过"})
    assert task(english, E12)["errorMsg"] == "Manually skipped"
    assert english.data["trigger"] == "Openapi start"
    assert not {"canRetry", "canSkip"} & task(chinese, E12).keys()


def test_task_error() -> None:
    """A failed task carries type, code and message; numbers follow from the cause if missing."""
    index, source = compiled()
    timed_out = step(E21, Status.FAILED, 1, 64, cause=Cause.TIMEOUT, message="too long")

    shown = detail(run_of(index, head(), *FIRST, timed_out), source)

    assert contains(
        task(shown, E12), {"errorType": 1, "errorCode": 2199011, "errorMsg": "exit code 1"}
    )
    assert contains(
        task(shown, E21),
        {"status": "EXEC_TIMEOUT", "errorType": 1, "errorCode": 2199006, "errorMsg": "too long"},
    )


def test_long_error_message_is_cut() -> None:
    """A task's message has at most 4000 characters."""
    index, source = compiled()
    wordy = failure(E21, 1, 64, message="x" * 5000)

    shown = detail(run_of(index, head(), *FIRST, wordy), source)

    assert len(task(shown, E21)["errorMsg"]) == 4000


BUTTONS: list[tuple[str, Json, Json]] = [
    ("plain", {}, {"canRetry": True}),
    ("no manual retry", {"manualRetry": False}, {"canRetry": False}),
    (
        "manual skip",
        {"continueWhenFailed": True, "manualSkip": True},
        {"canRetry": True, "canSkip": True},
    ),
    ("auto continue", {"continueWhenFailed": True}, {}),
    ("on failure only", {"runCondition": "PRE_TASK_FAILED_ONLY"}, {}),
    ("even if failed", {"runCondition": "PRE_TASK_FAILED_BUT_CANCEL"}, {}),
    ("always", {"runCondition": "PRE_TASK_FAILED_EVEN_CANCEL"}, {}),
    ("hard failure only", {"runCondition": "PRE_TASK_FAILED_ONLY_EXCEPT_SKIP"}, {}),
]


@pytest.mark.parametrize(
    ("members", "buttons"), [case[1:] for case in BUTTONS], ids=[case[0] for case in BUTTONS]
)
def test_buttons_of_a_failed_task(members: Json, buttons: Json) -> None:
    """Retry and skip are offered by the options of the task."""
    model = minimal_model()
    model["stages"][1]["containers"][1]["elements"][0]["additionalOptions"] = members
    run, source = b1(model)

    shown = task(detail(run, source), E21)

    assert {key: shown[key] for key in ("canRetry", "canSkip") if key in shown} == buttons


def test_buttons_of_stages_and_jobs() -> None:
    """Failed stages and jobs can be retried, good ones and the finally stage can't."""
    index, source = compiled()
    broken = stage(4, Status.FAILED, 64, 65, cause=Cause.USER)
    cancelled = job(2, Status.CANCELLED, 1, 64)
    run = run_of(index, head(), *FIRST, broken, cancelled)

    shown = detail(run, source)

    assert shown.stage("stage-2")["canRetry"] is True
    assert shown.stage("stage-4")["canRetry"] is False
    assert "canRetry" not in shown.stage("stage-3")
    assert [shown.job(n).get("canRetry") for n in "1234"] == [True, True, None, None]


def test_no_buttons_after_the_window() -> None:
    """28 days after the start nothing is offered; without a window it is for ever."""
    run, source = b1()
    view = AttemptView(run)
    late = replace(AROUND, now=at(0) + timedelta(days=28, minutes=1))

    over = BuildView(render_detail(view, late, source=source))
    endless = BuildView(render_detail(view, replace(late, retry_window=None), source=source))

    assert "canRetry" not in over.job("1")
    assert "canRetry" not in task(over, E12)
    assert endless.job("1")["canRetry"] is True


def test_no_buttons_while_the_finally_stage_runs() -> None:
    """A retry in that moment would be refused, so it is not offered."""
    index, source = compiled()
    running = head(status=Status.RUNNING, cause=None, ended_at=None, stage=2)
    run = run_of(index, running, *FIRST, stage(4, Status.RUNNING, 64, None))

    shown = detail(run, source)

    assert "canRetry" not in shown.job("1")
    assert shown.stage_statuses() == ["FAILED", "UNEXEC", "RUNNING"]


def test_retry_counts() -> None:
    """Retries by the rule and by hand are told apart; lost attempts are neither."""
    tries = [
        failure(E21, 1, 2),
        failure(E21, 2, 3, attempt=2, auto_retries=1, cause=Cause.LOST),
        failure(E21, 4, 5, attempt=3, auto_retries=1),
        failure(E21, 200, 201, attempt=4, run_attempt=2, job_attempt=2, manual_retries=1),
    ]
    index, source = compiled()
    second = head(
        attempt=2, attempts=(attempt(1, ALICE, -1, 0, 65), attempt(2, BOB, 200, 200, 260))
    )
    run = run_of(index, second, *FIRST, tries[-1])
    history = history_of(*tries)

    shown = detail(run, source, history)
    first = detail(run, source, history, number=1)

    assert contains(task(shown, E21), {"retryCount": 2, "retryCountManual": 1, "retryCountAuto": 1})
    assert contains(task(first, E21), {"retryCount": 1, "retryCountManual": 0, "retryCountAuto": 1})


def test_retries_that_have_not_started_are_not_counted() -> None:
    """A step that was put back and waits has not been retried yet."""
    waiting = Step(id=E21, attempt=2, run_attempt=2, manual_retries=1)

    assert count_auto_retries([failure(E21, 1, 2), waiting]) == 0
    assert count_auto_retries([]) == 0


CHECK_IN = {
    "manualTrigger": True,
    "reviewGroups": [
        {"id": "g1", "name": "leads", "reviewers": ["alice"]},
        {"id": "g2", "name": "qa", "reviewers": ["${{ who }}"]},
    ],
    "reviewDesc": "build ${BK_CI_BUILD_NUM} of ${nobody}",
    "reviewParams": [{"key": "version", "value": "1"}, {"key": "note"}],
}


def reviewed(gate: Gate | None, record: Stage | None, **changes: Any) -> BuildView:
    """Render B1 with a review before stage 3."""
    index, source = compiled(minimal_model(stage_3={"checkIn": CHECK_IN}))
    records: list[Any] = [stage(2, Status.SUCCEEDED, 1, 64)]
    records += [each for each in (gate, record) if each is not None]
    run = run_of(index, head(failed_steps=(), errors=(), **changes), *records)
    return detail(run, source)


def open_gate(**changes: Any) -> Gate:
    """Return the review of stage 3, which the second group is asked for."""
    fields: dict[str, Any] = {
        "node": "stage-3",
        "number": 1,
        "kind": "stage-review",
        "run_attempt": 1,
        "opened_at": at(64),
        "group": 1,
        "reviewers": ("bob",),
        "votes": (
            Vote(
                group=0,
                user=ALICE,
                approve=True,
                at=at(70),
                suggestion="fine",
                values={"version": "2"},
            ),
        ),
        "values": {"version": "2"},
    }
    return Gate(**(fields | changes))


def test_open_review() -> None:
    """The stage is paused; groups that have answered say so, the asked one names its people."""
    record = Stage(id=StageId("stage-3"), started_at=at(64))
    shown = reviewed(open_gate(), record, status=Status.RUNNING, cause=None, ended_at=None, stage=1)

    paused = shown.stage("stage-3")
    first, second = paused["checkIn"]["reviewGroups"]
    assert (shown.status, paused["status"]) == ("STAGE_SUCCESS", "PAUSE")
    assert "endTime" not in shown.data
    assert paused["checkIn"]["status"] == "REVIEWING"
    assert contains(first, {"status": "PROCESS", "operator": "alice", "suggest": "fine"})
    assert first["reviewTime"] == 1_787_300_070_000
    assert first["params"] == [{"key": "version", "value": "2", "valueType": "STRING"}]
    assert second["reviewers"] == ["bob"]
    assert paused["checkIn"]["reviewDesc"] == "build 42 of ${nobody}"
    assert "status" not in second
    assert paused["checkIn"]["reviewParams"][0]["value"] == "2"
    assert "status" not in shown.job("3")


def test_refused_review() -> None:
    """Stage and run end as STAGE_SUCCESS, and it is said who refused."""
    refusal = Vote(group=1, user=BOB, approve=False, at=at(80), suggestion="no")
    gate = open_gate(state="rejected", votes=(*open_gate().votes, refusal), closed_at=at(80))
    record = replace(stage(3, Status.FAILED, 64, 80), cause=Cause.REJECTED)

    shown = reviewed(gate, record, cause=Cause.REJECTED, ended_at=at(80))

    refused = shown.stage("stage-3")
    assert (shown.status, refused["status"]) == ("STAGE_SUCCESS", "STAGE_SUCCESS")
    assert refused["checkIn"]["status"] == "REVIEW_ABORT"
    assert contains(
        refused["checkIn"]["reviewGroups"][1],
        {"status": "ABORT", "operator": "bob", "suggest": "no"},
    )
    assert shown.data["cancelUserId"] == "bob"
    assert shown.data["endTime"] == 1_787_300_080_000
    assert "canRetry" not in refused
    assert refused["timeCost"]["waitCost"] == 16_000
    assert refused["timeCost"]["executeCost"] == 0
    assert shown.job("3")["status"] == "UNEXEC"


def test_review_of_an_earlier_attempt_is_not_shown_as_that_of_this_one() -> None:
    """A stage that a retry has put back has no answers before it is reached again."""
    gate = open_gate(state="rejected", closed_at=at(80))
    record = Stage(id=StageId("stage-3"), attempt=2, run_attempt=2)

    shown = reviewed(gate, record, status=Status.RUNNING, cause=None, ended_at=None, stage=0)

    waiting = shown.stage("stage-3")
    assert waiting["status"] == "QUEUE"
    assert "status" not in waiting["checkIn"]
    assert all("operator" not in group for group in waiting["checkIn"]["reviewGroups"])


def test_failed_run_with_a_refused_review_step_has_failed() -> None:
    """The refusal of a review task is an ordinary failure of stage and run."""
    index, source = compiled()
    refused = step(E21, Status.FAILED, 1, 64, cause=Cause.REJECTED)
    broken = stage(2, Status.FAILED, 1, 64, cause=Cause.REJECTED)
    run = run_of(index, head(cause=Cause.REJECTED), *FIRST, broken, refused)

    shown = detail(run, source)

    assert (shown.status, shown.stage("stage-2")["status"]) == ("FAILED", "FAILED")
    assert task(shown, E21)["status"] == "REVIEW_ABORT"


def test_review_task_in_the_model() -> None:
    """A review task shows who was asked, what was said and the values as they are now."""
    model = minimal_model()
    model["stages"][1]["containers"][1]["elements"] = [
        {
            "@type": "manualReviewUserTask",
            "id": E21,
            "name": "approve",
            "reviewUsers": ["${{ who }}"],
            "params": [{"key": "version", "value": "1"}],
        }
    ]
    index, source = compiled(model)
    gate = Gate(
        node=E21,
        number=1,
        kind="step-review",
        run_attempt=1,
        opened_at=at(1),
        reviewers=("bob",),
        values={"version": "2"},
        votes=(Vote(group=0, user=BOB, approve=True, at=at(5), suggestion="ok"),),
        state="approved",
        closed_at=at(5),
    )
    done = Step(id=E21, status=Status.SUCCEEDED, ended_at=at(5))

    whole = detail(run_of(index, head(), *FIRST, gate, done), source)
    shown = task(whole, E21)

    assert "cancelUserId" not in whole.data
    assert shown["status"] == "REVIEW_PROCESSED"
    assert shown["actualReviewUsers"] == ["bob"]
    assert shown["suggest"] == "ok"
    assert shown["params"] == [{"key": "version", "value": "2"}]
    assert (shown["startEpoch"], shown["elapsed"]) == (1_787_300_001_000, 4_000)
    assert (shown["timeCost"]["waitCost"], shown["timeCost"]["executeCost"]) == (4_000, 0)

    refusal = replace(gate.votes[0], approve=False)
    refused = replace(gate, votes=(refusal,), state="rejected")
    aborted = replace(done, status=Status.FAILED, cause=Cause.REJECTED)
    whole = detail(run_of(index, head(), *FIRST, refused, aborted), source)
    assert (task(whole, E21)["status"], whole.data["cancelUserId"]) == ("REVIEW_ABORT", "bob")
    again = run_of(index, head(), *FIRST, refused, Step(id=E21, attempt=2))
    assert "cancelUserId" not in detail(again, source).data


def test_paused_task() -> None:
    """A task that waits to be let on is PAUSE, and so is its job; the run goes on."""
    index, source = compiled()
    running = head(status=Status.RUNNING, cause=None, ended_at=None, stage=0, failed_steps=())
    gate = Gate(node=E11, number=1, kind="pause", run_attempt=1, opened_at=at(2))
    run = run_of(
        index,
        running,
        stage(2, Status.RUNNING, 1, None),
        job(1, Status.RUNNING, 1, None, parked=True),
        gate,
    )

    shown = detail(run, source)

    assert (shown.status, shown.stage("stage-2")["status"]) == ("RUNNING", "RUNNING")
    assert shown.job("1")["status"] == "PAUSE"
    assert task(shown, E11)["status"] == "PAUSE"
    assert task(shown, E12)["status"] == "QUEUE"


def task_of(kind: str, **fields: Any) -> Json:
    """Return a task of a plugin as it is stored."""
    return {"@type": "marketBuild", "id": E11, "name": "x", "atomCode": kind, **fields}


@pytest.mark.parametrize(
    ("element", "inputs", "shown"),
    [
        ({"@type": "linuxScript", "script": "a"}, {"script": "b"}, {"script": "b"}),
        (task_of("run", data={"input": {"script": "a"}}), {"script": "b"}, {"script": "b"}),
        (task_of("echo", data={"input": {"word": "a", "n": 1}}), {"word": "b"}, {"word": "b"}),
        (
            task_of("checkout", data={"input": {"pullType": "BRANCH", "refName": "main"}}),
            {"ref": "other"},
            {"refName": "other"},
        ),
        (
            task_of("checkout", data={"input": {"gitPullMode": {"type": "TAG", "value": "1"}}}),
            {"ref": "2"},
            {"gitPullMode": {"type": "TAG", "value": "2"}},
        ),
        (
            task_of("uploadArtifact", data={"input": {"filePath": "a"}}),
            {"patterns": ["b", "c"]},
            {"filePath": ["b", "c"]},
        ),
    ],
)
def test_a_task_shows_what_was_changed_for_a_retry(
    element: Json, inputs: Json, shown: Json
) -> None:
    """The members that its inputs are read from say what has run; attempts before do not."""
    model = minimal_model()
    model["stages"][1]["containers"][0]["elements"][0] = {"name": "x", "id": E11, **element}
    index, source = compiled(model)
    patch = StepPatch(inputs=inputs, env={"X": "1", "API_TOKEN": "s3cret"}, timeout_s=120)
    second = replace(failure(E11, 2, 3, attempt=2, run_attempt=2), patch=patch)
    twice = head(attempt=2, attempts=(attempt(1, ALICE, -1, 0, 65), attempt(2, BOB, 66, 66, 70)))
    run, history = run_of(index, twice, *FIRST, second), history_of(failure(E11, 1, 2), second)

    new = task(detail(run, source, history), E11)
    old = task(detail(run, source, history, number=1), E11)

    assert contains(given_of(new), shown)
    assert new["customEnv"] == [
        {"key": "X", "value": "1"},
        {"key": "API_TOKEN", "value": "******"},
    ]
    assert new["additionalOptions"]["timeout"] == 2
    assert not contains(given_of(old), shown)


def given_of(element: Json) -> Json:
    """Return the inputs of a task: those of its plugin, or its own members."""
    return dict((element.get("data") or {}).get("input") or element)


def test_what_never_ran_counts_to_the_attempt_that_did_not_come_to_it() -> None:
    """Stage, job and task that a retry did not come to show the attempt of that retry."""
    run, history, source = b1_retried()
    shown = detail(run, source, history)

    assert shown.stage("stage-3")["executeCount"] == 2
    assert contains(shown.job("3"), {"status": "UNEXEC", "executeCount": 2})
    assert contains(task(shown, E31), {"status": "UNEXEC", "executeCount": 2})
    first = detail(run, source, history, number=1)
    assert (first.job("3")["executeCount"], task(first, E31)["executeCount"]) == (1, 1)


def test_who_cancelled() -> None:
    """The first canceller is named."""
    index, source = compiled()
    request = CancelRequest(by=UserName("carol"), at=at(10), stage=0)
    ended = head(status=Status.CANCELLED, cause=None, cancel=request)

    shown = detail(run_of(index, ended, *FIRST), source)

    assert (shown.status, shown.data["cancelUserId"]) == ("CANCELED", "carol")


def test_disabled_parts_are_skipped() -> None:
    """Parts of what was skipped on purpose are SKIP, not UNEXEC."""
    index, source = compiled()
    skipped = Stage(id=StageId("stage-3"), status=Status.SKIPPED, cause=Cause.DISABLED)
    off = Job(id=index.spec.stages[2].jobs[0].id, status=Status.SKIPPED, cause=Cause.DISABLED)

    shown = detail(run_of(index, head(), *FIRST, skipped, off), source)

    assert [shown.job(n)["status"] for n in "34"] == ["SKIP", "SKIP"]
    assert task(shown, E31)["status"] == "SKIP"


def test_failed_tasks_of_both_attempts() -> None:
    """Failed tasks are listed by attempt; a task without `stepId` has none."""
    run, history, _ = b1_retried()

    latest = render_failed_tasks(AttemptView(run, history))
    first = render_failed_tasks(AttemptView(run, history, 1))

    assert latest == first
    assert first == [
        {
            "stepId": "test",
            "taskId": E12,
            "taskName": "test",
            "jobId": "1",
            "jobName": "build",
            "stageName": "build",
            "errorMsg": "exit code 1",
            "matrixFlag": False,
        },
        {
            "taskId": E21,
            "taskName": "lint",
            "jobId": "2",
            "jobName": "lint",
            "stageName": "build",
            "errorMsg": "exit code 1",
            "matrixFlag": False,
        },
    ]


def test_partial_retry_keeps_the_start_of_the_run() -> None:
    """`startTime` of an attempt is that of the last whole rebuild up to it."""
    index, source = compiled()
    attempts = (
        attempt(1, ALICE, -1, 0, 65),
        attempt(2, BOB, 100, 101, 165),
        attempt(3, BOB, 200, 201, 265, target=E12),
        attempt(4, BOB, 300, 301, 365, target=E21),
    )
    run = run_of(index, head(attempt=4, attempts=attempts, started_at=at(101)), *FIRST)
    history = history_of(*FIRST)

    starts = [detail(run, source, history, n).data["startTime"] for n in (1, 2, 3, 4)]

    assert [start - 1_787_300_000_000 for start in starts] == [0, 101_000, 101_000, 101_000]


@pytest.mark.parametrize("lost", [{}, {"name": "", "stages": []}, {"stages": [{}, {}]}])
def test_run_whose_document_is_gone_or_of_another_dialect(lost: Json) -> None:
    """Without a document that fits, the model is made from what the run knows of its parts."""
    run, _ = b1()

    shown = detail(run, lost)

    assert shown.stage_statuses() == ["FAILED", "UNEXEC", "SUCCEED"]
    assert shown.task("test")["stepId"] == "test"
    assert contains(task(shown, E12), {"status": "FAILED", "canRetry": True, "canSkip": True})
    assert task(shown, E11)["script"] == "true"
    assert [each["name"] for each in shown.data["stageStatus"]] == [
        "stage-1",
        "build",
        "deploy",
        "finally",
    ]


def test_document_made_from_a_spec_means_the_same() -> None:
    """What is made from a spec can be read again: same parts, same ids, same switches."""
    index, _ = compiled()

    again, _ = compiled(source_of(index.spec))

    assert list(again.steps) == list(index.steps)
    for step_id, spec in index.steps.items():
        other = again.steps[step_id]
        assert (other.name, other.ref, other.kind) == (spec.name, spec.ref, spec.kind)
        assert (other.on_failure, other.may_skip) == (spec.on_failure, spec.may_skip)
        assert other.inputs == spec.inputs
    assert again.spec.parameters == index.spec.parameters
    assert again.spec.trigger_steps == index.spec.trigger_steps


def test_mutex_group_shows_its_name_and_its_holder() -> None:
    """The name as evaluated; while the job waits who has it, when it gave up why it did."""
    model = minimal_model()
    model["stages"][1]["containers"][0]["mutexGroup"] = {"enable": True, "mutexGroupName": "${x}"}
    index, source = compiled(model)
    record = Job(id=JobId("1"), mutex=MutexTicket(name="door", asked_at=at(1)))
    ended = replace(
        record, status=Status.FAILED, cause=Cause.LOCKED, message="no place", ended_at=at(2)
    )

    def shown(job: Job) -> Json:
        run = run_of(index, head(), job)
        around = replace(AROUND, holders={JobId("1"): "p-1_Pipeline[one]Job[two]"})
        found = render_detail(AttemptView(run), around, source=source)
        mutex: Json = found["model"]["stages"][1]["containers"][0]["mutexGroup"]
        return mutex

    plain = {"enable": True, "mutexGroupName": "${x}", "runtimeMutexGroup": "door"}
    assert shown(record) == plain | {"linkTip": "p-1_Pipeline[one]Job[two]"}
    assert shown(ended) == plain | {"linkTip": "no place"}


def test_failures_without_a_task() -> None:
    """A job that ended before its first task, and a build that waited too long, are errors too."""
    index, source = compiled(minimal_model())
    ended = replace(
        job(1, Status.FAILED, 1, 2), cause=Cause.LOCKED, message="mutex door is held by somebody"
    )
    late = head(cause=Cause.QUEUE_TIMEOUT, errors=(), failed_steps=())

    (first,) = detail(run_of(index, head(errors=()), ended), source).data["errorInfoList"]
    (second,) = detail(run_of(index, late), source).data["errorInfoList"]

    names = ("stageId", "containerId", "taskId", "errorType", "errorCode")
    assert [first[name] for name in names] == ["stage-2", "1", "", 1, 2199005]
    assert first["errorMsg"] == "mutex door is held by somebody"
    assert [second[name] for name in names] == ["", "", "", 1, 2199005]


def test_waiting_for_a_mutex_is_queueing() -> None:
    """The time in the queue begins when the job asks, not when the mutex is its own."""
    index, source = compiled(minimal_model())
    ticket = MutexTicket(name="door", asked_at=at(1), held=True)
    ran = replace(job(1, Status.SUCCEEDED, 11, 21), mutex=ticket)

    found = render_detail(AttemptView(run_of(index, head(), ran)), AROUND, source=source)

    cost = found["model"]["stages"][1]["containers"][0]["timeCost"]
    assert (cost["queueCost"], cost["executeCost"]) == (10_000, 10_000)
