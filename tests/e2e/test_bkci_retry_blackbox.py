"""The thirty black-box cases of `build_retry`, each on a real server, in the order of the spec.

B1 is a build of the shared pipeline (see `retry_model`) in which e12 and e21 failed. A stage is
green only when the latest record of each of its enabled jobs is green; upstream's own verdict,
which looks at the jobs of the current attempt only, has a test of its own beside case 3.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from e2e.scenario import (
    BAD_REQUEST,
    NOT_FOUND,
    OK,
    Build,
    Reply,
    Scenario,
    assert_refused,
    assert_retried,
)
from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import containers, retry_model, review, step
from mulligan.testing.server import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

    from mulligan.testing.models import Workbench

DAY_S = 24 * 3600
HOUR_S = 3600
UNFINISHED = {"QUEUE", "QUEUE_CACHE", "RUNNING"}
MANUALLY_SKIPPED = {"被手动跳过", "Manually skipped"}


@pytest.fixture
def demo(client: BkciClient, bench: Workbench) -> Scenario:
    """Give the shared pipeline in a project of its own."""
    return Scenario(client, bench, retry_model(bench))


@pytest.fixture
def b1(demo: Scenario) -> Build:
    """Give a build that failed at e12 and e21."""
    build = demo.run_broken("e12", "e21")
    view = build.detail()
    assert view.statuses("e11", "e12", "e13", "e21", "e41") == [
        "SUCCEED",
        "FAILED",
        "UNEXEC",
        "FAILED",
        "SUCCEED",
    ]
    assert view.stage_statuses() == ["FAILED", "UNEXEC", "SUCCEED"]
    return build


@pytest.fixture
def half_failed(demo: Scenario) -> Build:
    """Give a running build whose job 1 failed at e12 while job 2 still runs."""
    demo.bench.break_steps("e12")
    demo.bench.hold("e21")
    build = demo.start()
    build.wait_ran("e21")
    build.wait_job("1", "FAILED")
    return build


def test_01_whole_rebuild_runs_all_stages_in_a_new_attempt(demo: Scenario, b1: Build) -> None:
    """A retry without target keeps id and number and runs everything again as attempt 2."""
    before = b1.status()
    demo.bench.repair("e12", "e21")
    demo.bench.hold("e11")

    http, body = b1.retry()
    during = b1.status()
    b1.wait_ran("e11", 2)
    running = b1.wait_status("RUNNING")
    demo.bench.release("e11")
    view = b1.wait()

    assert http == OK
    assert (body["data"]["id"], body["data"]["num"]) == (b1.id, b1.num)
    assert body["data"]["executeCount"] == 2
    assert during["status"] in UNFINISHED
    assert during.get("endTime") is None
    assert running["startTime"] > before["startTime"]
    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.stage_statuses() == ["SUCCEED", "SUCCEED", "SUCCEED"]
    assert demo.bench.counts("e11", "e12", "e13", "e21", "e31", "e41") == [2, 2, 1, 2, 1, 2]
    assert b1.status()["variables"]["BK_CI_RETRY_COUNT"] == "1"


def test_02_succeeded_build_is_rebuilt_whole(demo: Scenario) -> None:
    """The status of a finished build does not matter: a green one runs again from the start."""
    build = demo.run()
    assert build.status()["status"] == "SUCCEED"

    view = build.repair()

    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert demo.bench.counts("e11", "e12", "e13", "e21", "e31", "e41") == [2] * 6


def test_03_task_retry_keeps_good_work_and_the_other_red_job(demo: Scenario, b1: Build) -> None:
    """Repairing one of two red jobs leaves the build red; repairing the last one goes on."""
    before = b1.status()
    demo.bench.repair("e12")

    view = b1.repair("e12")
    after = b1.status()
    demo.bench.repair("e21")
    last = b1.repair("e21")

    assert view.statuses("e11", "e12", "e13", "e21") == ["SUCCEED", "SUCCEED", "SUCCEED", "FAILED"]
    assert view.attempts("e11", "e12", "e13", "e21", "e41") == [1, 2, 2, 1, 2]
    assert [view.job("1")["status"], view.job("2")["status"]] == ["SUCCEED", "FAILED"]
    assert [view.job("1")["executeCount"], view.job("2")["executeCount"]] == [2, 1]
    assert view.stage_statuses() == ["FAILED", "UNEXEC", "SUCCEED"]
    assert (view.status, view.execute_count) == ("FAILED", 2)
    assert after["startTime"] == before["startTime"]
    assert after["queueTime"] > before["queueTime"]
    assert (last.status, last.execute_count) == ("SUCCEED", 3)
    assert last.stage_statuses() == ["SUCCEED", "SUCCEED", "SUCCEED"]
    assert last.attempts("e11", "e12", "e13", "e21", "e31", "e41") == [1, 2, 2, 3, 3, 3]
    assert demo.bench.counts("e11", "e12", "e13", "e21", "e31", "e41") == [1, 2, 1, 2, 1, 3]


def test_03_task_retry_with_the_upstream_verdict(tmp_path: Path, bench: Workbench) -> None:
    """With `bkci.verdict = as-upstream` only jobs of the current attempt decide the stage."""
    setting = "bkci.verdict=as-upstream"
    with (
        ServerProcess(tmp_path / "data", "--set", setting) as server,
        BkciClient(server.url) as client,
    ):
        build = Scenario(client, bench, retry_model(bench)).run_broken("e12", "e21")
        bench.repair("e12")

        view = build.repair("e12")

    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.stage_statuses() == ["SUCCEED", "SUCCEED", "SUCCEED"]
    assert (view.job("2")["status"], view.job("2")["executeCount"]) == ("FAILED", 1)
    assert bench.counts("e11", "e12", "e13", "e21", "e31", "e41") == [1, 2, 1, 1, 1, 2]


def test_04_step_id_names_the_task(demo: Scenario, b1: Build) -> None:
    """The user's own `stepId` as `taskId` does what the task's id does."""
    demo.bench.repair("e12")

    view = b1.repair("test")

    assert view.attempts("e11", "e12", "e13", "e21", "e41") == [1, 2, 2, 1, 2]
    assert view.statuses("e12", "e13", "e21") == ["SUCCEED", "SUCCEED", "FAILED"]
    assert demo.bench.counts("e11", "e12", "e13", "e21", "e31", "e41") == [1, 2, 1, 1, 0, 2]


def test_05_skipped_task_counts_as_green(demo: Scenario, b1: Build) -> None:
    """A skipped task is SKIP with its message, the next ones run, and the build can go green."""
    view = b1.repair("e12", skip=True)
    demo.bench.repair("e21")
    last = b1.repair("e21")

    skipped = view.task("e12")
    assert view.execute_count == 2
    assert (skipped["status"], skipped["executeCount"]) == ("SKIP", 2)
    assert skipped["errorMsg"] in MANUALLY_SKIPPED
    assert not skipped.get("canRetry")
    assert not skipped.get("canSkip")
    assert view.job("1")["status"] == "SUCCEED"
    assert view.statuses("e13", "e21") == ["SUCCEED", "FAILED"]
    assert view.stage_statuses() == ["FAILED", "UNEXEC", "SUCCEED"]
    assert (last.status, last.statuses("e12")) == ("SUCCEED", ["SKIP"])
    assert demo.bench.counts("e11", "e12", "e13", "e21", "e31") == [1, 1, 1, 2, 1]


@pytest.mark.parametrize("user", ["bob", "admin"])
def test_06_skip_of_a_task_that_forbids_it_is_refused(demo: Scenario, b1: Build, user: str) -> None:
    """Without `manualSkip` and without API_OPERATE nobody may skip, and nothing changes."""
    before = demo.bench.journal()

    reply = b1.retry("e21", user=user, skip=True)

    assert_refused(reply, BAD_REQUEST, 2101221)
    view = b1.detail()
    assert (view.status, view.execute_count) == ("FAILED", 1)
    assert view.statuses("e21") == ["FAILED"]
    assert demo.bench.journal() == before


def test_07_skip_with_the_special_right(demo: Scenario, b1: Build) -> None:
    """A user with the project right API_OPERATE may skip a task without `manualSkip`."""
    refused = b1.retry("e21", user="bob", skip=True)
    path = f"/api/v1/projects/{demo.project}/members/bob"
    granted = demo.client.http.request(
        "PUT", path, body={"role": "developer", "permissions": ["api_operate"]}
    )

    reply = b1.retry("e21", user="bob", skip=True)

    assert_refused(refused, BAD_REQUEST, 2101221)
    assert granted.http == OK, str(granted)
    assert_retried(reply, 2)
    view = b1.wait()
    assert view.statuses("e12", "e21") == ["FAILED", "SKIP"]
    assert demo.bench.ran("e21") == 1


def test_08_stage_retry_runs_the_whole_stage_and_what_follows(demo: Scenario, b1: Build) -> None:
    """A stage id runs every job of the stage from its first task, then the later stages."""
    before = b1.status()
    demo.bench.repair("e12", "e21")

    view = b1.repair("stage-2")

    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.attempts("e11", "e12", "e13", "e21", "e31", "e41") == [2] * 6
    assert demo.bench.counts("e11", "e12", "e13", "e21", "e31", "e41") == [2, 2, 1, 2, 1, 2]
    assert b1.status()["startTime"] == before["startTime"]


def test_09_failed_jobs_of_a_stage_only(client: BkciClient, bench: Workbench) -> None:
    """With `failedContainer` a succeeded job of the stage is kept, failed ones run whole."""
    scenario = Scenario(client, bench, retry_model(bench, good_job=True))
    build = scenario.run_broken("e12", "e21")
    bench.repair("e12", "e21")

    view = build.repair("stage-2", failedContainer=True)

    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert (view.job("3")["status"], view.job("3")["executeCount"]) == ("SUCCEED", 1)
    assert view.attempts("e11", "e12", "e13", "e21", "e22") == [2, 2, 2, 2, 1]
    assert bench.counts("e11", "e12", "e13", "e21", "e22", "e31") == [2, 2, 1, 2, 1, 1]


def test_10_stage_skip_skips_every_failed_task(demo: Scenario, b1: Build) -> None:
    """A skip of a stage needs no `manualSkip`; good tasks of the stage run again."""
    view = b1.repair("stage-2", skip=True)

    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.statuses("e11", "e12", "e13", "e21") == ["SUCCEED", "SKIP", "SUCCEED", "SKIP"]
    assert demo.bench.counts("e11", "e12", "e13", "e21", "e31", "e41") == [2, 1, 1, 1, 1, 2]


def test_11_stage_skip_leaves_good_jobs_alone(client: BkciClient, bench: Workbench) -> None:
    """With `failedContainer` a skip of a stage does not touch its succeeded job."""
    scenario = Scenario(client, bench, retry_model(bench, good_job=True))
    build = scenario.run_broken("e12", "e21")

    view = build.repair("stage-2", skip=True, failedContainer=True)

    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.statuses("e12", "e21", "e22") == ["SKIP", "SKIP", "SUCCEED"]
    assert view.job("3")["executeCount"] == 1
    assert bench.counts("e11", "e12", "e13", "e21", "e22") == [2, 1, 1, 1, 1]


def test_12_retry_of_a_succeeded_stage_is_refused(demo: Scenario) -> None:
    """A stage that neither failed nor was cancelled has no stage retry."""
    build = demo.run_broken("e31")

    reply = build.retry("stage-2")

    assert_refused(reply, BAD_REQUEST, 2101114)
    assert build.detail().execute_count == 1
    assert demo.bench.counts("e11", "e31") == [1, 1]


def test_13_task_retry_keeps_the_stage_before(demo: Scenario) -> None:
    """A retry in stage 3 keeps stage 2 completely and runs the finally stage again."""
    build = demo.run_broken("e31")
    demo.bench.repair("e31")

    view = build.repair("e31")

    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.stage("stage-2")["executeCount"] == 1
    assert view.attempts("e11", "e12", "e13", "e21", "e31", "e41") == [1, 1, 1, 1, 2, 2]
    assert demo.bench.counts("e11", "e12", "e13", "e21", "e31", "e41") == [1, 1, 1, 1, 2, 2]


def test_14_container_id_runs_the_whole_job(demo: Scenario, b1: Build) -> None:
    """A container id runs its job from the first task and keeps the other job."""
    demo.bench.repair("e12")

    view = b1.repair("1")

    assert view.attempts("e11", "e12", "e13", "e21") == [2, 2, 2, 1]
    assert view.statuses("e11", "e12", "e13", "e21") == ["SUCCEED", "SUCCEED", "SUCCEED", "FAILED"]
    assert demo.bench.counts("e11", "e12", "e13", "e21") == [2, 2, 1, 1]


def test_15_skip_of_a_job_is_a_plain_retry(demo: Scenario, b1: Build) -> None:
    """`skip` beside a container id is ignored: the job runs and nothing is skipped."""
    demo.bench.repair("e12")

    view = b1.repair("1", skip=True)

    assert view.statuses("e11", "e12", "e13") == ["SUCCEED", "SUCCEED", "SUCCEED"]
    assert demo.bench.counts("e11", "e12", "e13", "e21") == [2, 2, 1, 1]


def test_16_skip_without_a_target_is_a_whole_rebuild(demo: Scenario, b1: Build) -> None:
    """`skip` without `taskId` is ignored: everything runs again and nothing is skipped."""
    view = b1.repair(skip=True)

    assert view.execute_count == 2
    assert view.statuses("e11", "e12", "e21") == ["SUCCEED", "FAILED", "FAILED"]
    assert demo.bench.counts("e11", "e12", "e21", "e41") == [2, 2, 2, 2]


def test_17_the_trigger_stage_cannot_be_retried(demo: Scenario, b1: Build) -> None:
    """The trigger stage, its job and its element each have their refusal."""
    stage_reply = b1.retry("stage-1")
    job_reply = b1.retry("0")
    element_reply = b1.retry("manual")
    skip_reply = b1.retry("manual", skip=True)

    assert_refused(stage_reply, BAD_REQUEST, 2101114)
    assert_refused(job_reply, BAD_REQUEST, 2101081)
    assert_refused(element_reply, BAD_REQUEST, 2101081)
    assert_refused(skip_reply, BAD_REQUEST, 2101221)
    assert b1.detail().execute_count == 1


@pytest.mark.parametrize(
    "task", ["does-not-exist", "build", "stage_2", "e-" + "0" * 32, "stage-9", "99"]
)
def test_18_unknown_task_of_a_finished_build_is_refused(
    demo: Scenario, b1: Build, task: str
) -> None:
    """What names no stage, job or task (also a `jobId`) is an error, never a whole rebuild."""
    before = demo.bench.journal()

    reply = b1.retry(task)

    assert_refused(reply, BAD_REQUEST, 2101081)
    assert b1.detail().execute_count == 1
    assert demo.bench.journal() == before


def test_18_unknown_task_of_a_running_build_is_refused(demo: Scenario, half_failed: Build) -> None:
    """An unknown task is the same error while the build still runs."""
    reply = half_failed.retry("does-not-exist")
    demo.bench.release("e21")

    assert_refused(reply, BAD_REQUEST, 2101081)
    assert half_failed.wait().execute_count == 1


def test_19_retry_inside_a_running_build(demo: Scenario, half_failed: Build) -> None:
    """A failed task is repaired in the same attempt while the other job goes on untouched."""
    demo.bench.repair("e12")

    reply = half_failed.retry("e12")
    during = half_failed.wait_task("e13", "SUCCEED")
    status = half_failed.status()["status"]
    demo.bench.release("e21")
    view = half_failed.wait()

    assert_retried(reply, 1)
    assert status == "RUNNING"
    assert during.statuses("e21") == ["RUNNING"]
    assert during.task("e12")["retryCount"] == 1
    assert (view.status, view.execute_count) == ("SUCCEED", 1)
    assert demo.bench.counts("e11", "e12", "e13", "e21", "e31", "e41") == [1, 2, 1, 1, 1, 1]


def test_20_whole_rebuild_of_a_running_build_is_refused(demo: Scenario, half_failed: Build) -> None:
    """A running build takes only the retry of a single task."""
    reply = half_failed.retry()
    demo.bench.release("e21")

    assert_refused(reply, BAD_REQUEST, 2100002, "BK_CI_RETRY_TASK_IN_STAGE_ID")
    assert half_failed.wait().execute_count == 1
    assert demo.bench.ran("e11") == 1


def test_21_retry_of_a_task_whose_job_runs_is_refused(demo: Scenario, half_failed: Build) -> None:
    """A task can only be retried once its job has ended."""
    reply = half_failed.retry("e21")
    demo.bench.release("e21")

    assert_refused(reply, BAD_REQUEST, 2101110)
    half_failed.wait()
    assert demo.bench.ran("e21") == 1


def test_22_retry_in_a_stage_that_is_over_is_refused(client: BkciClient, bench: Workbench) -> None:
    """While stage 3 runs, a failure that stage 2 went past cannot be retried."""
    model = retry_model(bench, first_job={"continueWhenFailed": True})
    scenario = Scenario(client, bench, model)
    bench.break_steps("e12")
    bench.hold("e31")
    build = scenario.start()
    build.wait_ran("e31")

    reply = build.retry("e12")
    bench.release("e31")

    assert_refused(reply, BAD_REQUEST, 2101273)
    assert build.wait().status == "SUCCEED"
    assert bench.ran("e12") == 1


def test_23_retry_of_a_succeeded_task_of_a_running_build_is_refused(
    demo: Scenario, half_failed: Build
) -> None:
    """Inside a running build only failed or cancelled tasks are retried."""
    reply = half_failed.retry("e11")
    demo.bench.release("e21")

    assert_refused(reply, BAD_REQUEST, 2101277)
    half_failed.wait()
    assert demo.bench.ran("e11") == 1


def _retry_as(build: Build, url: str, project: str, user: str, barrier: Barrier) -> Reply:
    with BkciClient(url, user) as client:
        client.status(project, build.id)
        barrier.wait()
        return client.retry(project, buildId=build.id)


@pytest.mark.parametrize("users", [("alice", "bob"), ("alice", "alice")])
def test_24_simultaneous_rebuilds_make_one_attempt(
    demo: Scenario, b1: Build, users: tuple[str, str]
) -> None:
    """Of two whole rebuilds at once one makes the new attempt; only a twin gets its answer too."""
    demo.bench.hold("e11")
    barrier = Barrier(2)
    url = demo.client.http.url

    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(_retry_as, b1, url, demo.project, u, barrier) for u in users]
        replies = [call.result() for call in calls]
    b1.wait_ran("e11", 2)
    demo.bench.release("e11")
    view = b1.wait()

    accepted = [reply for reply in replies if reply[0] == OK]
    refused = [reply for reply in replies if reply[0] != OK]
    assert len(accepted) in ({1} if users[0] != users[1] else {1, 2})
    for reply in accepted:
        assert_retried(reply, 2)
    for reply in refused:
        assert_refused(reply, BAD_REQUEST, 2100002)
    assert view.execute_count == 2
    assert demo.bench.ran("e11") == 2


def test_25_retry_while_a_review_is_open_is_refused(client: BkciClient, bench: Workbench) -> None:
    """A build that waits for a stage review refuses every retry and keeps the review open."""
    model = retry_model(bench, check_in=review(["alice"]))
    scenario = Scenario(client, bench, model)
    build = scenario.start()
    waiting = build.wait_status("STAGE_SUCCESS")

    whole, task, stage = build.retry(), build.retry("e12"), build.retry("stage-3")
    still = build.detail().stage("stage-3")["status"]
    http, body = client.review(scenario.project, build.id, "stage-3")
    view = build.wait()

    assert waiting.get("endTime") is None
    assert_refused(whole, BAD_REQUEST, 2101129)
    assert_refused(task, BAD_REQUEST, 2101129)
    assert_refused(stage, BAD_REQUEST, 2101114)
    assert still == "PAUSE"
    assert (http, body["data"]) == (OK, True)
    assert (view.status, view.execute_count) == ("SUCCEED", 1)


def test_26_retry_ends_after_28_days(own_client: BkciClient, bench: Workbench) -> None:
    """A build may be retried until 28 days after its start; a whole rebuild renews the start."""
    scenario = Scenario(own_client, bench, retry_model(bench))
    renewed, old = scenario.run_broken("e12", "e21"), scenario.start()
    old.wait()
    own_client.advance_clock(27 * DAY_S + 23 * HOUR_S)
    in_time = renewed.retry()
    renewed.wait()

    own_client.advance_clock(HOUR_S + 60)

    too_late, after_rebuild = old.retry(), renewed.retry()
    assert_retried(in_time, 2)
    assert_refused(too_late, BAD_REQUEST, 2101258, "28")
    assert old.detail().execute_count == 1
    assert_retried(after_rebuild, 3)
    renewed.wait()


def test_27_locked_deleted_and_foreign_pipelines(demo: Scenario, b1: Build) -> None:
    """A locked pipeline, a deleted one, and an id of another pipeline each have their refusal."""
    client, project = demo.client, demo.project
    other = client.pipeline_create(project, retry_model(demo.bench, "other"))

    foreign = b1.retry(pipelineId=other)
    client.pipeline_lock(project, demo.pipeline, enable=False)
    locked = b1.retry()
    client.pipeline_lock(project, demo.pipeline, enable=True)
    client.pipeline_delete(project, demo.pipeline)
    deleted = b1.retry()

    assert_refused(foreign, BAD_REQUEST, BAD_REQUEST, "PipelineId is invalid")
    assert_refused(locked, BAD_REQUEST, 2101047)
    assert_refused(deleted, NOT_FOUND, 2101038)
    assert b1.detail().execute_count == 1
    assert demo.bench.ran("e11") == 1


def test_28_a_retry_runs_the_version_of_the_build(demo: Scenario, b1: Build) -> None:
    """Edits after the start have no effect on a retry, and new tasks are unknown to it."""
    bench, client = demo.bench, demo.client
    model = client.pipeline_get(demo.project, demo.pipeline)
    elements = next(c for c in containers(model) if c.get("jobId") == "build")["elements"]
    elements[1]["script"] = bench.script("e12-edited")
    elements.append(step("e14", bench.script("e14")))
    client.pipeline_edit(demo.project, demo.pipeline, model)
    before = b1.detail().data
    bench.repair("e12", "e21")

    unknown = b1.retry(elements[-1]["id"])
    view = b1.repair()

    assert_refused(unknown, BAD_REQUEST, 2101081)
    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.data["curVersion"] == before["curVersion"]
    assert view.data["latestVersion"] > view.data["curVersion"]
    assert bench.counts("e12", "e12-edited", "e14") == [2, 0, 0]


def test_29_build_number_instead_of_build_id(demo: Scenario, b1: Build) -> None:
    """A build is named by its id, or by pipeline and number; anything less is refused."""
    client, project, pipeline = demo.client, demo.project, demo.pipeline

    reply = client.retry(project, pipelineId=pipeline, buildNumber=b1.num)
    b1.wait()
    unknown = client.retry(project, pipelineId=pipeline, buildNumber=9999)
    nothing = client.retry(project, pipelineId=pipeline)
    no_pipeline = client.retry(project, buildNumber=b1.num)

    assert_retried(reply, 2)
    assert reply[1]["data"]["id"] == b1.id
    assert unknown[0] == BAD_REQUEST
    assert unknown[1]["status"] != 0
    text = "buildId and buildNumber cannot be empty at the same time"
    assert_refused(nothing, BAD_REQUEST, BAD_REQUEST, text)
    text = "pipelineId and buildId cannot be empty at the same time"
    assert_refused(no_pipeline, BAD_REQUEST, BAD_REQUEST, text)
    assert b1.detail().execute_count == 2


def test_30_variables_of_whole_and_partial_retries(client: BkciClient, bench: Workbench) -> None:
    """A whole rebuild applies start parameters again; a task retry sees what kept tasks wrote."""
    model = retry_model(bench)
    first, second = model["stages"][1]["containers"][0]["elements"][:2]
    seen = bench.note
    first["script"] = f"{seen('first $env/$out')}\nsetEnv out 1\nsetEnv env prod\n"
    second["script"] = bench.script("e12", seen("second $env/$out"))
    scenario = Scenario(client, bench, model)

    build = scenario.run_broken("e12")
    build.repair()
    build.repair("e12")
    client.change_setting(scenario.project, scenario.pipeline, cleanVariablesWhenRetry=True)
    build.repair()

    attempts = [line for line in bench.journal() if line.startswith(("first", "second"))]
    assert attempts == [
        *["first test/", "second prod/1"],
        *["first test/1", "second prod/1"],
        *["second prod/1"],
        *["first test/", "second prod/1"],
    ]
