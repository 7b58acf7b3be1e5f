"""Mutex groups and concurrency groups of a real server, as users of the BK-CI API meet them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from e2e.scenario import BAD_REQUEST, OK, Build, Scenario, assert_refused, new_project
from mulligan.testing.models import job, parameter, pipeline, stage, step

if TYPE_CHECKING:
    from mulligan.testing.bkci import BkciClient
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

QUEUE_FULL = 2101049


def door(**fields: object) -> Json:
    """Return a mutex group whose name comes from a variable; jobs may wait for it."""
    waiting = {"queueEnable": True, "queue": 3, "timeout": 10}
    return {"enable": True, "mutexGroupName": "door-${where}", **waiting, **fields}


def guarded(
    client: BkciClient, bench: Workbench, name: str, project: str, **fields: object
) -> Scenario:
    """Return a pipeline whose only job needs the mutex; its task has the pipeline's name."""
    container = job("guarded", [step(name, bench.script(name))], mutexGroup=door(**fields))
    params = [parameter("where", "here")]
    model = pipeline(name, [stage("build", [container])], params=params)
    return Scenario(client, bench, model, project)


def mutex_of(build: Build) -> Json:
    """Return the mutex group of the build's job."""
    return dict(build.detail().job("1")["mutexGroup"])


def test_mutex_over_two_pipelines(client: BkciClient, bench: Workbench) -> None:
    """A job waits while a job of another pipeline has the mutex, and begins when that ends."""
    project = new_project(client)
    one = guarded(client, bench, "one", project)
    two = guarded(client, bench, "two", project)
    bench.hold("one")
    first = one.start()
    first.wait_ran("one")

    second = two.start()
    waiting = second.wait_job("1", "LOOP_WAITING")
    shown = mutex_of(second)
    elsewhere = two.run({"where": "there"}).status()
    before = bench.ran("two")
    bench.release("one")

    assert waiting.status == "RUNNING"
    assert waiting.task("two")["status"] == "QUEUE"
    assert shown["runtimeMutexGroup"] == "door-here"
    assert shown["linkTip"] == f"{one.pipeline}_Pipeline[one]Job[guarded]"
    assert (elsewhere["status"], before) == ("SUCCEED", 1)
    assert (first.wait().status, second.wait().status) == ("SUCCEED", "SUCCEED")
    assert bench.journal() == ["one", "two", "two"]


def test_15_taken_mutex_and_no_time_to_wait(client: BkciClient, bench: Workbench) -> None:
    """A queue without a time-out is no queue (worked example 15)."""
    project = new_project(client)
    one = guarded(client, bench, "one", project)
    two = guarded(client, bench, "two", project, timeout=0)
    bench.hold("one")
    first = one.start()
    first.wait_ran("one")

    view = two.run().detail()
    tip = view.job("1")["mutexGroup"]["linkTip"]
    bench.release("one")

    assert view.status == "FAILED"
    assert (view.job("1")["status"], view.task("two")["status"]) == ("FAILED", "UNEXEC")
    assert "job guarded of one #1" in tip
    assert bench.ran("two") == 0
    assert first.wait().status == "SUCCEED"


def test_waiting_job_is_cancelled_and_retried(client: BkciClient, bench: Workbench) -> None:
    """A job that is cancelled while it waits leaves the queue; a retry of it asks again."""
    project = new_project(client)
    one = guarded(client, bench, "one", project)
    two = guarded(client, bench, "two", project)
    bench.hold("one")
    first = one.start()
    first.wait_ran("one")
    second = two.start()
    second.wait_job("1", "LOOP_WAITING")

    status, _ = second.stop()
    stopped = second.wait()
    second.retry()
    again = second.wait_job("1", "LOOP_WAITING")
    bench.release("one")

    assert (status, stopped.status, stopped.job("1")["status"]) == (OK, "CANCELED", "CANCELED")
    assert again.execute_count == 2
    assert second.wait().status == "SUCCEED"
    assert bench.counts("one", "two") == [1, 1]


def grouped(client: BkciClient, bench: Workbench, name: str, project: str, **more: Any) -> Scenario:
    """Return a pipeline with one task of its name, whose builds are of the group `prod`."""
    container = job("only", [step(name, bench.script(name))])
    scenario = Scenario(client, bench, pipeline(name, [stage("build", [container])]), project)
    client.change_setting(
        project, scenario.pipeline, runLockType="GROUP_LOCK", concurrencyGroup="prod", **more
    )
    return scenario


def test_concurrency_group_over_two_pipelines(client: BkciClient, bench: Workbench) -> None:
    """Builds of a group go one at a time, whichever pipeline they are of."""
    project = new_project(client)
    one = grouped(client, bench, "one", project)
    two = grouped(client, bench, "two", project, maxQueueSize=1)
    three = grouped(client, bench, "three", project, maxQueueSize=0)
    bench.hold("one", "two")
    first = one.start()
    first.wait_ran("one")

    second = two.start()
    waiting = second.status()
    third = two.start()
    dropped = second.wait()
    refused = client.try_start(project, three.pipeline)
    bench.release("one")
    third.wait_ran("two")
    bench.release("two")

    assert waiting["status"] == "QUEUE"
    assert dropped.status == "CANCELED"
    assert_refused(refused, BAD_REQUEST, QUEUE_FULL)
    assert (first.wait().status, third.wait().status) == ("SUCCEED", "SUCCEED")
    assert bench.journal() == ["one", "two"]


def test_newer_build_cancels_the_group(client: BkciClient, bench: Workbench) -> None:
    """`concurrencyCancelInProgress` cancels the older builds of the group, then it goes."""
    project = new_project(client)
    one = grouped(client, bench, "one", project)
    two = grouped(client, bench, "two", project, concurrencyCancelInProgress=True)
    bench.hold("one")
    first, waiting = one.start(), one.start()
    first.wait_ran("one")

    newer = two.start()

    assert newer.wait().status == "SUCCEED"
    assert (first.wait().status, waiting.wait().status) == ("CANCELED", "CANCELED")
    assert bench.counts("one", "two") == [1, 1]
