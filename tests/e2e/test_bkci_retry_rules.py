"""What the contract settles where the documents of `build_retry` disagree or are silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.scenario import BAD_REQUEST, OK, Scenario, assert_refused, assert_retried
from mulligan.testing.models import (
    finally_stage,
    job,
    one_job,
    parameter,
    pipeline,
    retry_model,
    review,
    stage,
    step,
)

if TYPE_CHECKING:
    from mulligan.testing.bkci import BkciClient
    from mulligan.testing.models import Workbench


@pytest.fixture
def demo(client: BkciClient, bench: Workbench) -> Scenario:
    """Give the shared pipeline in a project of its own."""
    return Scenario(client, bench, retry_model(bench))


def test_task_skipped_by_condition_is_judged_again(client: BkciClient, bench: Workbench) -> None:
    """A condition that was not met is asked again when the job runs again."""
    flag = f"if [ -e {bench.directory}/t3.broken ]; then setEnv go no; else setEnv go yes; fi"
    elements = [
        step("t1", bench.script("t1", flag)),
        step(
            "t2",
            bench.script("t2"),
            runCondition="CUSTOM_VARIABLE_MATCH",
            customVariables=[{"key": "go", "value": "yes"}],
        ),
        step("t3", bench.script("t3")),
    ]
    build = Scenario(client, bench, one_job("judged", elements)).run_broken("t3")
    before = build.detail().statuses("t2")
    bench.repair("t3")

    view = build.repair("1")

    assert before == ["SKIP"]
    assert (view.status, view.statuses("t2")) == ("SUCCEED", ["SUCCEED"])
    assert bench.counts("t1", "t2", "t3") == [2, 1, 2]


def test_task_skipped_by_a_person_stays_skipped(client: BkciClient, bench: Workbench) -> None:
    """A plain retry of the job keeps a person's skip; retrying exactly that task undoes it."""
    elements = [
        step("t1", bench.script("t1"), continueWhenFailed=True, manualSkip=True),
        step("t2", bench.script("t2")),
        step("t3", bench.script("t3")),
    ]
    scenario = Scenario(client, bench, one_job("waived", elements))
    build = scenario.run_broken("t1", "t3")
    skipped = build.repair("t1", skip=True)

    of_the_job = build.repair("1")
    runs_of_the_job = bench.counts("t1", "t2", "t3")
    bench.repair("t1", "t3")
    of_the_task = build.repair("t1")

    assert skipped.statuses("t1", "t2", "t3") == ["SKIP", "SUCCEED", "FAILED"]
    assert of_the_job.statuses("t1", "t2", "t3") == ["SKIP", "SUCCEED", "FAILED"]
    assert runs_of_the_job == [1, 2, 2]
    assert of_the_task.statuses("t1", "t2", "t3") == ["SUCCEED"] * 3
    assert bench.counts("t1", "t2", "t3") == [2, 3, 3]


def test_conditions_after_the_repaired_task_are_judged_again(
    client: BkciClient, bench: Workbench
) -> None:
    """A task for failures only, which ran at first, is skipped once its cause is repaired."""
    elements = [
        step("t1", bench.script("t1")),
        step("t2", bench.script("t2"), runCondition="PRE_TASK_FAILED_ONLY"),
    ]
    build = Scenario(client, bench, one_job("conditions", elements)).run_broken("t1")
    before = build.detail().statuses("t2")
    bench.repair("t1")

    view = build.repair("t1")

    assert before == ["SUCCEED"]
    assert (view.status, view.statuses("t2")) == ("SUCCEED", ["SKIP"])
    assert bench.ran("t2") == 1


def test_retry_of_a_succeeded_task_also_repairs_later_stages(demo: Scenario) -> None:
    """In a build that failed in stage 3, a retry in stage 2 runs the failed job of stage 3 too."""
    build = demo.run_broken("e31")
    demo.bench.repair("e31")

    view = build.repair("e12")

    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.attempts("e11", "e12", "e13", "e21", "e31") == [1, 2, 2, 1, 2]
    assert demo.bench.counts("e11", "e12", "e13", "e21", "e31") == [1, 2, 2, 1, 2]


def test_container_hash_names_its_job(demo: Scenario) -> None:
    """The hash of a job as `taskId` is that job."""
    build = demo.run_broken("e12")
    demo.bench.repair("e12")

    view = build.repair(build.detail().job("1")["containerHashId"])

    assert view.status == "SUCCEED"
    assert demo.bench.counts("e11", "e12", "e21") == [2, 2, 1]


def test_job_retry_starts_at_the_first_enabled_task(client: BkciClient, bench: Workbench) -> None:
    """A disabled first task does not keep a failed job from running again."""
    elements = [
        step("off", bench.script("off"), enable=False),
        step("on", bench.script("on")),
    ]
    build = Scenario(client, bench, one_job("disabled", elements)).run_broken("on")
    bench.repair("on")

    disabled = build.retry("off")
    view = build.repair("1")

    assert_refused(disabled, BAD_REQUEST, 2101081)
    assert (view.status, view.statuses("off", "on")) == ("SUCCEED", ["SKIP", "SUCCEED"])
    assert bench.counts("off", "on") == [0, 2]


def test_writes_of_the_failed_try_are_withdrawn(client: BkciClient, bench: Workbench) -> None:
    """A task that runs again does not see what it wrote itself; what kept tasks wrote stays."""
    note = bench.note("saw $kept/$own/$given")
    elements = [
        step("t1", bench.script("t1", "setEnv kept one")),
        step("t2", bench.script("t2", note, "setEnv own two", "setEnv given changed")),
    ]
    stages = [stage("build", [job("build", elements)])]
    model = pipeline("withdrawn", stages, params=[parameter("given", "start")])
    build = Scenario(client, bench, model).run_broken("t2")
    written = client.variables(build.scenario.project, build.id, "own", "given")
    bench.repair("t2")

    view = build.repair("t2")

    assert written == {"own": "two", "given": "changed"}
    assert view.status == "SUCCEED"
    assert [line for line in bench.journal() if line.startswith("saw")] == ["saw one//start"] * 2


def test_approval_holds_when_nothing_before_it_runs_again(
    client: BkciClient, bench: Workbench
) -> None:
    """A retry behind an approved gate goes on without asking; one before it asks again."""
    scenario = Scenario(client, bench, retry_model(bench, check_in=review(["alice"])))
    bench.break_steps("e31")
    build = scenario.start()
    build.wait_status("STAGE_SUCCESS")
    client.review(scenario.project, build.id, "stage-3")
    failed = build.wait()

    behind = build.repair("e31")
    build.retry("e12")
    before = build.wait_status("STAGE_SUCCESS")
    bench.repair("e31")
    http, _ = client.review(scenario.project, build.id, "stage-3")
    last = build.wait()

    assert (failed.status, behind.status) == ("FAILED", "FAILED")
    assert before.get("endTime") is None
    assert http == OK
    assert (last.status, last.execute_count) == ("SUCCEED", 3)
    assert bench.counts("e12", "e31") == [2, 3]


def test_whole_rebuild_asks_for_approval_again(client: BkciClient, bench: Workbench) -> None:
    """An approval does not outlive a whole rebuild."""
    scenario = Scenario(client, bench, retry_model(bench, check_in=review(["alice"])))
    build = scenario.start()
    build.wait_status("STAGE_SUCCESS")
    client.review(scenario.project, build.id, "stage-3")
    build.wait()

    reply = build.retry()
    waiting = build.wait_status("STAGE_SUCCESS")

    assert_retried(reply, 2)
    assert waiting.get("endTime") is None
    assert bench.counts("e12", "e31") == [2, 1]


def test_refused_review_is_not_retried_into_an_approval(
    client: BkciClient, bench: Workbench
) -> None:
    """After a refusal the stage form is refused, and a whole rebuild asks again."""
    scenario = Scenario(client, bench, retry_model(bench, check_in=review(["alice"])))
    build = scenario.start()
    build.wait_status("STAGE_SUCCESS")
    client.review(scenario.project, build.id, "stage-3", cancel=True)
    rejected = build.wait()

    of_the_stage = build.retry("stage-3")
    whole = build.retry()
    waiting = build.wait_status("STAGE_SUCCESS")

    assert rejected.status == "STAGE_SUCCESS"
    assert_refused(of_the_stage, BAD_REQUEST, 2101114)
    assert_retried(whole, 2)
    assert waiting.get("endTime") is None
    assert bench.ran("e31") == 0


def test_only_a_reviewer_may_approve(client: BkciClient, bench: Workbench) -> None:
    """A review is answered by a member of its group, when it is open, and by nobody else."""
    scenario = Scenario(client, bench, retry_model(bench, check_in=review(["carol"])))
    build = scenario.start()
    build.wait_status("STAGE_SUCCESS")
    carol = client.acting_as("carol")

    stranger = client.review(scenario.project, build.id, "stage-3")
    other_stage = carol.review(scenario.project, build.id, "stage-2")
    unknown = carol.review(scenario.project, build.id, "stage-9")
    http, _ = carol.review(scenario.project, build.id, "stage-3")
    carol.close()

    assert_refused(stranger, 403, 2101008)
    assert_refused(other_stage, BAD_REQUEST, 2101167)
    assert_refused(unknown, 404, 2101166)
    assert http == OK
    assert build.wait().status == "SUCCEED"


def test_failed_finally_stage_is_retried_alone(demo: Scenario) -> None:
    """A failed finally stage is repaired by its stage id; an earlier red stage stays red."""
    build = demo.run_broken("e12", "e41")
    demo.bench.repair("e41")

    view = build.repair("stage-4")

    assert (view.status, view.execute_count) == ("FAILED", 2)
    assert view.stage_statuses() == ["FAILED", "UNEXEC", "SUCCEED"]
    assert demo.bench.counts("e11", "e12", "e31", "e41") == [1, 1, 0, 2]


def test_failed_finally_stage_alone_makes_the_build_green(demo: Scenario) -> None:
    """When only the finally stage failed, its retry makes the build green."""
    build = demo.run_broken("e41")
    demo.bench.repair("e41")

    view = build.repair("e41")

    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert demo.bench.counts("e11", "e31", "e41") == [1, 1, 2]


def test_task_retry_in_the_finally_stage_runs_all_of_it(
    client: BkciClient, bench: Workbench
) -> None:
    """A retry of one task of the finally stage runs its other jobs too."""
    last = [job(name, [step(name, bench.script(name))]) for name in ("f1", "f2")]
    first = stage("build", [job("build", [step("only", bench.script("only"))])])
    scenario = Scenario(client, bench, pipeline("twice", [first, finally_stage(last)]))
    build = scenario.run_broken("f1")
    bench.repair("f1")

    view = build.repair("f1")

    assert view.status == "SUCCEED"
    assert bench.counts("only", "f1", "f2") == [1, 2, 2]


def test_job_skipped_for_its_dependency_runs_after_the_repair(
    client: BkciClient, bench: Workbench
) -> None:
    """A job that was skipped because another failed runs once that one is repaired."""
    jobs = [
        job("a", [step("a", bench.script("a"))]),
        job(
            "b",
            [step("b", bench.script("b"))],
            control={"dependOnType": "ID", "dependOnId": ["a"]},
        ),
    ]
    scenario = Scenario(client, bench, pipeline("dependent", [stage("build", jobs)]))
    build = scenario.run_broken("a")
    bench.repair("a")

    view = build.repair("a")

    assert (view.status, view.job("2")["status"]) == ("SUCCEED", "SUCCEED")
    assert bench.counts("a", "b") == [2, 1]


def test_manual_retry_renews_no_automatic_tries(client: BkciClient, bench: Workbench) -> None:
    """A budget of automatic retries that is used up stays used up."""
    element = step("t1", bench.script("t1"), retryWhenFailed=True, retryCount=2)
    build = Scenario(client, bench, one_job("budget", [element])).run_broken("t1")
    automatic = bench.ran("t1")

    view = build.repair("t1")

    assert automatic == 3
    assert view.status == "FAILED"
    assert bench.ran("t1") == 4


def test_retry_waits_for_its_turn(demo: Scenario) -> None:
    """A retry queues like a start when one build at a time may run, and goes on by itself."""
    build = demo.run_broken("e12")
    demo.bench.repair("e12")
    demo.client.change_setting(demo.project, demo.pipeline, runLockType="SINGLE")
    demo.bench.hold("e11")
    other = demo.start()
    other.wait_ran("e11", 2)

    reply = build.retry("e12")
    waiting = build.status()["status"]
    ran = demo.bench.ran("e12")
    demo.bench.release("e11")

    assert_retried(reply, 2)
    assert waiting in {"QUEUE", "QUEUE_CACHE"}
    assert ran == 1
    assert (other.wait().status, build.wait().status) == ("SUCCEED", "SUCCEED")


def test_retry_is_refused_when_nobody_may_wait(demo: Scenario) -> None:
    """With one build at a time and no place to wait, a retry beside a running build is refused."""
    build = demo.run_broken("e12")
    demo.client.change_setting(demo.project, demo.pipeline, runLockType="SINGLE", maxQueueSize=0)
    demo.bench.hold("e11")
    other = demo.start()
    other.wait_ran("e11", 2)

    reply = build.retry("e12")
    demo.bench.release("e11")
    other.wait()

    assert_refused(reply, BAD_REQUEST, 2101049)
    assert build.detail().execute_count == 1


def test_cancelled_task_is_retried(demo: Scenario) -> None:
    """A task that was cancelled can be retried, with the work before it kept."""
    demo.bench.hold("e12")
    build = demo.start()
    build.wait_ran("e12")
    build.wait_job("2", "SUCCEED")
    build.stop()
    cancelled = build.wait()
    demo.bench.release("e12")

    view = build.repair("e12")

    assert cancelled.status == "CANCELED"
    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.attempts("e11", "e12", "e13", "e21") == [1, 2, 2, 1]
    assert demo.bench.counts("e11", "e12", "e13", "e21", "e31") == [1, 2, 1, 1, 1]


def test_step_id_named_like_a_job_is_shadowed(client: BkciClient, bench: Workbench) -> None:
    """A `taskId` that is both a container id and a step id is the container."""
    elements = [
        step("t1", bench.script("t1")),
        step("t2", bench.script("t2"), step_id="1"),
    ]
    build = Scenario(client, bench, one_job("shadow", elements)).run_broken("t2")
    bench.repair("t2")

    view = build.repair("1")

    assert view.status == "SUCCEED"
    assert bench.counts("t1", "t2") == [2, 2]


def test_build_id_wins_over_build_number(demo: Scenario) -> None:
    """When id and number name different builds, the id is what counts."""
    first, second = demo.run(), demo.run()

    reply = first.retry(buildNumber=second.num, pipelineId=demo.pipeline)
    first.wait()

    assert_retried(reply, 2)
    assert reply[1]["data"]["id"] == first.id
    assert (first.detail().execute_count, second.detail().execute_count) == (2, 1)
