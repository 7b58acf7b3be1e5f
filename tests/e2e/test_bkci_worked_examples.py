"""The worked examples of the engine's specification, each with its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.scenario import FORBIDDEN, OK, Scenario
from mulligan.testing.models import finally_stage, job, one_job, pipeline, review, stage, step

if TYPE_CHECKING:
    from mulligan.testing.bkci import BkciClient, Json
    from mulligan.testing.models import Workbench

BAD_EXPRESSION = "variables.x == 'a' &&"
CUSTOM = {"runCondition": "CUSTOM_CONDITION_MATCH", "customCondition": BAD_EXPRESSION}


def plain_job(bench: Workbench, name: str, **control: object) -> Json:
    """Return a job of one step; both are called `name`."""
    return job(name, [step(name, bench.script(name))], control=dict(control))


def final_jobs(bench: Workbench) -> Json:
    """Return a finally stage with a job per way a build can come to its end."""
    return finally_stage(
        [
            plain_job(bench, "on_success", runCondition="PREVIOUS_STAGE_SUCCESS"),
            plain_job(bench, "on_failure", runCondition="PREVIOUS_STAGE_FAILED"),
            plain_job(bench, "on_cancel", runCondition="PREVIOUS_STAGE_CANCEL"),
            plain_job(bench, "always", runCondition="STAGE_RUNNING"),
        ]
    )


def test_01_conditions_after_a_failure(client: BkciClient, bench: Workbench) -> None:
    """After a failure only tasks run whose condition allows it, and the job stays red."""
    elements = [
        step("t1", bench.script("t1")),
        step("t2", bench.script("t2")),
        step("t3", bench.script("t3"), runCondition="PRE_TASK_FAILED_ONLY"),
        step("t4", bench.script("t4"), runCondition="PRE_TASK_FAILED_BUT_CANCEL"),
    ]
    build = Scenario(client, bench, one_job("example", elements)).run_broken("t1")

    view = build.detail()

    assert view.statuses("t1", "t2", "t3", "t4") == ["FAILED", "UNEXEC", "SUCCEED", "SUCCEED"]
    assert view.job("1")["status"] == "FAILED"
    assert bench.counts("t1", "t2", "t3", "t4") == [1, 0, 1, 1]


def test_02_conditions_after_a_continued_failure(client: BkciClient, bench: Workbench) -> None:
    """A continued failure is a success to some conditions and a failure to others."""
    look = bench.note("status ${{ steps.t1.status }} outcome ${{ steps.t1.outcome }}")
    elements = [
        step("t1", bench.script("t1"), step_id="t1", continueWhenFailed=True),
        step("t2", bench.script("t2", look)),
        step("t3", bench.script("t3"), runCondition="PRE_TASK_FAILED_ONLY"),
        step("t4", bench.script("t4"), runCondition="PRE_TASK_FAILED_ONLY_EXCEPT_SKIP"),
    ]
    scenario = Scenario(client, bench, one_job("example", elements))
    bench.break_steps("t1")

    view = scenario.run().detail()

    assert view.status == "SUCCEED"
    assert view.job("1")["status"] == "SUCCEED"
    assert view.statuses("t1", "t2", "t3", "t4") == ["FAILED", "SUCCEED", "SUCCEED", "SKIP"]
    assert "status SUCCEED outcome FAILED" in bench.journal()


def test_03_automatic_retry_has_a_ceiling(client: BkciClient, bench: Workbench) -> None:
    """However many automatic retries are asked for, a task runs at most six times."""
    element = step("t1", bench.script("t1"), retryWhenFailed=True, retryCount=9)
    build = Scenario(client, bench, one_job("example", [element])).run_broken("t1")

    task = build.detail().task("t1")

    assert bench.ran("t1") == 6
    assert (task["status"], task["executeCount"]) == ("FAILED", 1)
    assert (task["retryCountAuto"], task["retryCountManual"]) == (5, 0)


def test_03_automatic_retry_stops_at_success(client: BkciClient, bench: Workbench) -> None:
    """A task that succeeds at its second try makes the build green in the same attempt."""
    once = f"[ $(grep -c t1 {bench.journal_path}) = 2 ]"
    element = step("t1", bench.script("t1", once), retryWhenFailed=True, retryCount=3)
    scenario = Scenario(client, bench, one_job("example", [element]))

    view = scenario.run().detail()

    assert (view.status, view.execute_count) == ("SUCCEED", 1)
    assert bench.ran("t1") == 2


@pytest.mark.parametrize(("go_on", "verdict"), [(False, "FAILED"), (True, "SUCCEED")])
def test_04_and_05_job_that_depends_on_a_failed_one(
    client: BkciClient, bench: Workbench, go_on: bool, verdict: str
) -> None:
    """A dependent job is skipped; the stage is red unless the failed job is waived."""
    jobs = [
        plain_job(bench, "a", continueWhenFailed=go_on),
        plain_job(bench, "b", dependOnType="ID", dependOnId=["a"]),
    ]
    scenario = Scenario(client, bench, pipeline("example", [stage("build", jobs)]))
    bench.break_steps("a")

    view = scenario.run().detail()

    assert [view.job("1")["status"], view.job("2")["status"]] == ["FAILED", "SKIP"]
    assert (view.stage_statuses(), view.status) == ([verdict], verdict)
    assert bench.ran("b") == 0


def test_06_fast_kill(client: BkciClient, bench: Workbench) -> None:
    """With fast kill the first failure of a stage ends its other jobs."""
    jobs = [plain_job(bench, "a"), plain_job(bench, "b")]
    model = pipeline("example", [stage("build", jobs, fastKill=True)])
    scenario = Scenario(client, bench, model)
    bench.break_steps("a")
    bench.hold("a", "b")
    build = scenario.start()
    build.wait_ran("a")
    build.wait_ran("b")

    bench.release("a")
    view = build.wait()

    assert [view.job("1")["status"], view.job("2")["status"]] == ["FAILED", "TERMINATE"]
    assert view.task("b")["errorCode"] == 2199010
    assert (view.stage_statuses(), view.status) == (["FAILED"], "FAILED")


def test_07_finally_jobs_after_a_failure(client: BkciClient, bench: Workbench) -> None:
    """After a failure the middle stages do not run, and the fitting finally jobs do."""
    middle = [stage(name, [plain_job(bench, name)]) for name in ("s2", "s3", "s4")]
    scenario = Scenario(client, bench, pipeline("example", [*middle, final_jobs(bench)]))
    build = scenario.run_broken("s2")

    view = build.detail()

    assert view.stage_statuses()[:3] == ["FAILED", "UNEXEC", "UNEXEC"]
    assert view.job("4")["status"] == "SKIP"
    assert bench.counts("s2", "s3", "s4") == [1, 0, 0]
    assert bench.counts("on_success", "on_failure", "on_cancel", "always") == [0, 1, 0, 1]
    assert view.status == "FAILED"


@pytest.mark.parametrize("broken", [("s2", "last"), ("last",)])
def test_08_and_09_failing_finally_job(
    client: BkciClient, bench: Workbench, broken: tuple[str, ...]
) -> None:
    """A finally job that fails makes the build red, whatever the other stages were."""
    stages = [stage("s2", [plain_job(bench, "s2")]), finally_stage([plain_job(bench, "last")])]
    scenario = Scenario(client, bench, pipeline("example", stages))

    view = scenario.run_broken(*broken).detail()

    assert view.stage_statuses()[1] == "FAILED"
    assert bench.counts("s2", "last") == [1, 1]


def test_10_finally_jobs_after_a_cancel(client: BkciClient, bench: Workbench) -> None:
    """A cancelled build runs the finally jobs meant for a cancel and those meant for always."""
    stages = [stage(name, [plain_job(bench, name)]) for name in ("s2", "s3")]
    scenario = Scenario(client, bench, pipeline("example", [*stages, final_jobs(bench)]))
    bench.hold("s2")
    build = scenario.start()
    build.wait_ran("s2")

    reply = build.stop()
    view = build.wait()

    assert reply[0] == OK
    assert view.stage_statuses()[:2] == ["CANCELED", "UNEXEC"]
    assert bench.counts("on_success", "on_failure", "on_cancel", "always") == [0, 0, 1, 1]
    assert view.status == "CANCELED"


def test_11_rejected_review(client: BkciClient, bench: Workbench) -> None:
    """A rejected review ends the build without a failure, through the finally stage."""
    stages = [stage(name, [plain_job(bench, name)]) for name in ("s2", "s3", "s4")]
    stages[1]["checkIn"] = review(["alice"])
    scenario = Scenario(client, bench, pipeline("example", [*stages, final_jobs(bench)]))
    build = scenario.start()
    build.wait_status("STAGE_SUCCESS")

    reply = client.review(scenario.project, build.id, "stage-3", cancel=True)
    view = build.wait()

    assert reply[0] == OK
    assert view.stage_statuses()[:3] == ["SUCCEED", "STAGE_SUCCESS", "UNEXEC"]
    assert bench.counts("s2", "s3", "s4") == [1, 0, 0]
    assert bench.counts("on_success", "on_failure", "on_cancel", "always") == [1, 0, 0, 1]
    assert view.status == "STAGE_SUCCESS"
    assert build.status()["endTime"] > 0


def test_review_by_two_groups(client: BkciClient, bench: Workbench) -> None:
    """First people named, then those of a role; tasks see who answered, and the last values."""
    facts = ("0.operator", "0.result", "1.operator")
    flow = " ".join(f"${{{{ stages.ship.check-in.flow.{fact} }}}}" for fact in facts)
    look = bench.note(f"$version by {flow}")
    check_in = {
        "manualTrigger": True,
        "timeout": 24,
        "reviewGroups": [
            {"name": "one", "reviewers": ["bob"]},
            {"name": "two", "groups": ["manager"]},
        ],
        "reviewParams": [{"key": "version", "value": "1", "valueType": "STRING", "required": True}],
    }
    ship = job("ship", [step("ship", bench.script("ship", look))])
    stages = [stage("s", [ship], checkIn=check_in, stageIdForUser="ship")]
    scenario = Scenario(client, bench, pipeline("example", stages))
    build = scenario.start()
    build.wait_status("STAGE_SUCCESS")
    bob = client.acting_as("bob")

    early = client.review(scenario.project, build.id, "stage-2")
    first = bob.review(scenario.project, build.id, "stage-2", version="2")
    groups = build.detail().stage("stage-2")["checkIn"]["reviewGroups"]
    second = client.review(scenario.project, build.id, "stage-2", version="3")
    view = build.wait()
    bob.close()

    assert (early[0], first[0], second[0]) == (FORBIDDEN, OK, OK)
    assert (groups[0]["status"], groups[0]["operator"]) == ("PROCESS", "bob")
    assert groups[0]["params"] == [{"key": "version", "value": "2", "valueType": "STRING"}]
    assert groups[1]["reviewers"] == ["alice"]
    assert view.status == "SUCCEED"
    assert "3 by bob checked alice" in bench.journal()


def test_12_all_stages_disabled(client: BkciClient, bench: Workbench) -> None:
    """A build with nothing to do succeeds."""
    off = {"enable": False, "runCondition": "AFTER_LAST_FINISHED"}
    stages = [
        stage(name, [plain_job(bench, name)], stageControlOption=off) for name in ("s2", "s3")
    ]
    scenario = Scenario(client, bench, pipeline("example", stages))

    view = scenario.run().detail()

    assert (view.status, view.stage_statuses()) == ("SUCCEED", ["SKIP", "SKIP"])
    assert bench.journal() == []


def test_13_only_task_disabled(client: BkciClient, bench: Workbench) -> None:
    """A job whose only task is disabled is skipped with it."""
    element = step("t1", bench.script("t1"), enable=False)
    scenario = Scenario(client, bench, one_job("example", [element]))

    view = scenario.run().detail()

    assert (view.task("t1")["status"], view.job("1")["status"]) == ("SKIP", "SKIP")
    assert view.status == "SUCCEED"
    assert bench.ran("t1") == 0


def test_14_full_serial_queue_drops_its_oldest(client: BkciClient, bench: Workbench) -> None:
    """With one at a time and one place to wait, a third build takes the place of the second."""
    model = pipeline("example", [stage("build", [plain_job(bench, "only")])])
    scenario = Scenario(client, bench, model)
    client.change_setting(scenario.project, scenario.pipeline, runLockType="SINGLE", maxQueueSize=1)
    bench.hold("only")
    first = scenario.start()
    first.wait_ran("only")

    second, third = scenario.start(), scenario.start()
    dropped = second.wait()
    waiting = third.status()["status"]
    bench.release("only")

    assert dropped.status == "CANCELED"
    assert waiting in {"QUEUE", "QUEUE_CACHE"}
    assert (first.wait().status, third.wait().status) == ("SUCCEED", "SUCCEED")
    assert bench.ran("only") == 2


def test_17_post_action_after_a_failure_and_a_cancel(client: BkciClient, bench: Workbench) -> None:
    """The post action for "always" runs when a later task fails, and not when a user cancels."""
    first = step("t1", bench.script("t1"))
    post = step(
        "post",
        bench.script("post"),
        runCondition="PRE_TASK_FAILED_BUT_CANCEL",
        elementPostInfo={"postCondition": "always()", "parentElementId": first["id"]},
    )
    elements = [first, step("t2", bench.script("t2")), post]
    scenario = Scenario(client, bench, one_job("example", elements))

    failed = scenario.run_broken("t2").detail()
    bench.hold("t2")
    stopped = scenario.start()
    stopped.wait_ran("t2", 2)
    stopped.stop()
    view = stopped.wait()

    assert failed.statuses("t1", "t2", "post") == ["SUCCEED", "FAILED", "SUCCEED"]
    assert view.statuses("t1", "t2", "post") == ["SUCCEED", "CANCELED", "UNEXEC"]
    assert bench.ran("post") == 1


def test_18_skip_by_hand(client: BkciClient, bench: Workbench) -> None:
    """A task that is skipped by hand lets the next one run in a new attempt."""
    elements = [
        step("t1", bench.script("t1"), continueWhenFailed=True, manualSkip=True),
        step("t2", bench.script("t2")),
    ]
    build = Scenario(client, bench, one_job("example", elements)).run_broken("t1")

    view = build.repair("t1", skip=True)

    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.statuses("t1", "t2") == ["SKIP", "SUCCEED"]
    assert bench.counts("t1", "t2") == [1, 1]


def test_19_wrong_expression_at_a_task(client: BkciClient, bench: Workbench) -> None:
    """A task whose condition cannot be read is skipped, and nothing fails."""
    elements = [
        step("odd", bench.script("odd"), **CUSTOM),
        step("next", bench.script("next")),
    ]
    scenario = Scenario(client, bench, one_job("example", elements))

    view = scenario.run().detail()

    assert (view.status, view.statuses("odd", "next")) == ("SUCCEED", ["SKIP", "SUCCEED"])
    assert bench.counts("odd", "next") == [0, 1]


def test_19_wrong_expression_at_a_job(client: BkciClient, bench: Workbench) -> None:
    """A job whose condition cannot be read is skipped, and nothing fails."""
    jobs = [plain_job(bench, "odd", **CUSTOM), plain_job(bench, "next")]
    scenario = Scenario(client, bench, pipeline("example", [stage("build", jobs)]))

    view = scenario.run().detail()

    assert [view.job("1")["status"], view.job("2")["status"]] == ["SKIP", "SUCCEED"]
    assert view.status == "SUCCEED"
    assert bench.counts("odd", "next") == [0, 1]


def test_19_wrong_expression_at_a_stage(client: BkciClient, bench: Workbench) -> None:
    """A stage whose condition cannot be read is skipped, and nothing fails."""
    stages = [
        stage("odd", [plain_job(bench, "odd")], stageControlOption={"enable": True, **CUSTOM}),
        stage("next", [plain_job(bench, "next")]),
    ]
    scenario = Scenario(client, bench, pipeline("example", stages))

    view = scenario.run().detail()

    assert (view.status, view.stage_statuses()) == ("SUCCEED", ["SKIP", "SUCCEED"])
    assert bench.counts("odd", "next") == [0, 1]
