"""Cases 12 to 23 of the thirty: triggers, the course of a run, retry."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.definitions import (
    IGNORE_ERROR,
    RETURN_TO_START,
    build,
    builds,
    definition,
    shop,
    triggers,
    webhook,
)
from e2e.swr.scenario import (
    ACCEPTED,
    BAD,
    BUSY,
    FOREIGN,
    HOUR_S,
    INVALID,
    NOT_FOUND,
    SERVER_ERROR,
    UNKNOWN,
    ZERO_TIME,
    Pipeline,
    assert_empty_object,
    wait_ran,
)

if TYPE_CHECKING:
    from e2e.swr.client import Reply, SwrClient
    from e2e.swr.scenario import World
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

HOLD_H = 72
HELD_HOOK = (BAD, "SWR.4001137")


@pytest.fixture
def web_shop(dev1: SwrClient, bench: Workbench, target: Target, repository: str) -> Pipeline:
    """Give the pipeline of the published example."""
    return Pipeline(dev1, shop(bench, target, repository))


@pytest.fixture
def held(web_shop: Pipeline, bench: Workbench) -> Pipeline:
    """Give that pipeline HELD at its stage 2, with the cause repaired since."""
    bench.break_steps("image")
    web_shop.run("stage_exception")
    bench.repair("image")
    return web_shop


def test_12_webhook_starts_a_run(web_shop: Pipeline, target: Target) -> None:
    """A webhook starts a run with its parameters for this run only."""
    answer = web_shop.fire(env="prod", other="1")

    assert_empty_object(answer)
    web_shop.settle("success")
    assert target.live.startswith("prod.")
    assert len(target.live) == len("prod.") + 18
    variables = web_shop.variables()
    assert (variables["ENV"], variables["SYS_INCREMENT"]) == ("test", "1")
    assert target.live == f"prod.{variables['SYS_TIMESTAMP']}"


def test_13_running_pipeline_is_busy(web_shop: Pipeline, bench: Workbench) -> None:
    """While a run executes: webhook 409, update 409, delete 500."""
    bench.hold("compile")
    web_shop.start()
    wait_ran(bench, "compile")

    found = [web_shop.fire(), web_shop.update(), web_shop.delete()]

    assert [answer.error for answer in found] == [BUSY, BUSY, (SERVER_ERROR, "SWR.5001140")]
    bench.release("compile")
    web_shop.settle("success")


def test_14_both_of_two_webhooks(dev1: SwrClient, bench: Workbench) -> None:
    """With `and` each webhook alone is 202, the last one 201; the latches are cleared then."""
    given = builds(bench, "one", pre_operation=triggers("and", webhook(), webhook()))
    pipeline = Pipeline(dev1, given)
    bench.hold("one")

    first = [pipeline.fire(0), pipeline.fire(0)]
    between = pipeline.status()
    last = pipeline.fire(1)

    assert [answer.error for answer in first] == [(ACCEPTED, "SWR.2021106")] * 2
    assert between["status"] == "waiting"
    assert satisfied(between) == [True, False]
    assert_empty_object(last)
    after = pipeline.status()
    assert (after["status"], satisfied(after)) == ("running", [False, False])
    bench.release("one")
    pipeline.settle("success")


def satisfied(status: Json) -> list[bool]:
    """Return the latches of the pipeline's triggers."""
    return [each["is_satisfied"] for each in status["pre_operation"]["triggers_status"]]


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_15_unknown_webhook(dev1: SwrClient, version: str) -> None:
    """An unknown webhook id is 404 SWR.4040126 under both paths."""
    answer = dev1.post(f"/{version}/manage/webhooks/{uuid.uuid4()}")

    assert answer.error == (NOT_FOUND, "SWR.4040126")


def test_15_known_webhook_under_v3(web_shop: Pipeline, dev1: SwrClient) -> None:
    """The webhook works under /v3 too."""
    answer = dev1.post(web_shop.hook_path().replace("/v2/", "/v3/"))

    assert_empty_object(answer)
    web_shop.settle("success")


def test_16_success(web_shop: Pipeline) -> None:
    """A run that succeeds ends at its last stage, with one job in each."""
    status = web_shop.run("success")

    assert status["stage_index"] == 3
    assert status["end_time"] > status["start_time"] > ZERO_TIME
    assert web_shop.stage_statuses() == ["success"] * 4
    for index in range(4):
        [job] = web_shop.jobs(index)
        assert job["state"] == "Successful"
        assert isinstance(job["duration"], str)
        assert job["duration"].isdigit()
        assert job["progress"] == "100"
        assert isinstance(job["id"], int)


def test_17_failed_run_is_held(held: Pipeline) -> None:
    """A stage that failed under timeout_reset holds the run; automatic triggers are refused."""
    status, answer = held.status(), held.fire()

    assert (status["status"], status["stage_index"]) == ("stage_exception", 2)
    assert status["end_time"] == ZERO_TIME
    assert held.stage_statuses() == ["success", "success", "stage_exception", "waiting"]
    assert answer.error == HELD_HOOK
    assert held.status()["status"] == "stage_exception"


def test_18_retry_goes_on(held: Pipeline, bench: Workbench, target: Target) -> None:
    """A retry runs the stage and all after it, and leaves what was done and its variables."""
    before, variables = held.status(), held.variables()

    answer = held.retry(2)

    assert_empty_object(answer)
    after = held.settle("success")
    assert after["stages"][:2] == before["stages"][:2]
    assert [job["state"] for job in held.jobs(2)] == ["Successful", "Failed"]
    assert held.job_counts() == [1, 1, 2, 1]
    assert held.variables() == variables
    assert after["start_time"] == before["start_time"]
    assert after["end_time"] > before["updated_time"]
    assert bench.counts("compile", "image") == [1, 2]
    assert target.live == f"test.{variables['SYS_TIMESTAMP']}"


@pytest.mark.parametrize("tail", ["?mode=retry", "", "/start", "?mode=retry&source="])
def test_19_forms_of_the_call(held: Pipeline, tail: str) -> None:
    """The older path and a call without mode have the same effect."""
    answer = held.client.post(held.stage_path(2) + tail)

    assert_empty_object(answer)
    held.settle("success")
    assert held.job_counts() == [1, 1, 2, 1]


def test_20_hold_ends(own_world: World, bench: Workbench, target: Target, repository: str) -> None:
    """After the exception wait the run is over: no retry, but a trigger starts a new one."""
    pipeline = Pipeline(own_world.login("dev1"), shop(bench, target, repository))
    bench.break_steps("image")
    pipeline.run("stage_exception")
    bench.repair("image")
    own_world.advance(HOLD_H * HOUR_S)

    status = pipeline.wait("timeout")
    retried, fired = pipeline.retry(2), pipeline.fire()

    assert status["end_time"] > status["start_time"]
    assert status["stages"][2]["status"] == "stage_exception"
    assert retried.error == INVALID
    assert_empty_object(fired)
    assert pipeline.settle("success")["start_time"] > status["start_time"]
    assert pipeline.variables()["SYS_INCREMENT"] == "2"


def test_20_hold_lasts_until_then(own_world: World, bench: Workbench) -> None:
    """A minute before its end the hold is still there, and the stage can be retried."""
    pipeline = Pipeline(own_world.login("dev1"), builds(bench, "one"))
    bench.break_steps("one")
    pipeline.run("stage_exception")
    bench.repair("one")
    own_world.advance(HOLD_H * HOUR_S - 60)

    assert pipeline.status()["status"] == "stage_exception"
    assert_empty_object(pipeline.retry(0))

    pipeline.settle("success")


def test_21_return_to_start(dev1: SwrClient, bench: Workbench) -> None:
    """With return_to_start the pipeline waits at 0 again; the failed stage can't be retried."""
    stages = [
        build("one", bench.script("one")),
        build("two", bench.script("two"), exception_handler=RETURN_TO_START),
    ]
    pipeline = Pipeline(dev1, definition(stages, pre_operation=triggers("or")))
    bench.break_steps("two")

    status = pipeline.run("waiting")
    answer = pipeline.retry(1)

    assert status["stage_index"] == 0
    assert pipeline.stage_statuses() == ["waiting", "waiting"]
    assert [job["state"] for job in pipeline.jobs(1)] == ["Failed"]
    assert status["last_run"]["status"] == "stage_exception"
    assert status["last_run"]["stage_index"] == 1
    assert answer.error == INVALID
    assert_empty_object(pipeline.fire())


def test_21_ignore_error(dev1: SwrClient, bench: Workbench) -> None:
    """With ignore_error the run goes on; the stage stays failed and can be retried afterwards."""
    stages = [
        build("one", bench.script("one"), exception_handler=IGNORE_ERROR),
        build("two", bench.script("two")),
    ]
    pipeline = Pipeline(dev1, definition(stages))
    bench.break_steps("one")

    pipeline.run("success")
    failed = pipeline.stage_statuses()
    bench.repair("one")
    answer = pipeline.retry(0)

    assert failed == ["stage_exception", "success"]
    assert_empty_object(answer)
    pipeline.settle("success")
    assert pipeline.stage_statuses() == ["success", "success"]
    assert pipeline.job_counts() == [2, 2]


def test_22_retry_where_nothing_failed(dev1: SwrClient, bench: Workbench) -> None:
    """A stage that succeeded, one not reached, and a busy pipeline can't be retried."""
    pipeline = Pipeline(dev1, builds(bench, "one", "two", "three"))
    bench.break_steps("two")
    pipeline.run("stage_exception")

    idle = [pipeline.retry(0), pipeline.retry(2)]
    bench.repair("two")
    bench.hold("two")
    pipeline.retry(1)
    busy = [pipeline.retry(index) for index in range(3)]

    assert [answer.error for answer in idle] == [INVALID, INVALID]
    assert [answer.error for answer in busy] == [BUSY] * 3
    bench.release("two")
    pipeline.settle("success")
    assert pipeline.job_counts() == [1, 2, 1]


def test_22_waiting_pipeline(web_shop: Pipeline) -> None:
    """A pipeline that never ran has nothing to retry."""
    assert web_shop.retry(0).error == INVALID


def test_22_two_retries_at_once(held: Pipeline, bench: Workbench) -> None:
    """Of two retries at the same moment one is taken, the other 409; one job is made."""
    bench.hold("image")
    barrier = Barrier(2)

    def call() -> Reply:
        barrier.wait()
        return held.retry(2)

    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(call) for _ in range(2)]
        found = sorted((each.result() for each in calls), key=lambda answer: answer.http)

    assert_empty_object(found[0])
    assert found[1].error == BUSY
    assert len(held.jobs(2)) == 2
    bench.release("image")
    held.settle("success")


def test_23_bad_calls(held: Pipeline, dev1: SwrClient, eve: SwrClient) -> None:
    """Every wrong part of the call has its own answer, and none changes anything."""
    path = held.stage_path(2, "/start")

    found = [
        dev1.post(path, mode="redo"),
        dev1.post(path, mode="Retry"),
        dev1.post(f"{held.path}/stages/x/start", mode="retry"),
        dev1.post(f"{held.path}/stages/-1/start", mode="retry"),
        dev1.post(f"{held.path}/stages/9/start", mode="retry"),
        dev1.post("/v3/manage/pipelines/999999/stages/2/start", mode="retry"),
        dev1.post("/v3/manage/pipelines/abc/stages/2/start", mode="retry"),
        eve.post(path, mode="retry"),
    ]

    expected = [INVALID, INVALID, INVALID, INVALID, UNKNOWN, UNKNOWN, INVALID, FOREIGN]
    assert [answer.error for answer in found] == expected
    assert found[0].detail
    assert held.status()["status"] == "stage_exception"
    assert len(held.jobs(2)) == 1


def test_23_order_of_checks(held: Pipeline, dev1: SwrClient, eve: SwrClient) -> None:
    """The pipeline is judged before the stage, the stage before the mode."""
    found = [
        dev1.post("/v3/manage/pipelines/999999/stages/x/start", mode="redo"),
        eve.post(f"{held.path}/stages/x/start", mode="redo"),
        dev1.post(f"{held.path}/stages/9/start", mode="redo"),
    ]

    assert [answer.error for answer in found] == [UNKNOWN, FOREIGN, UNKNOWN]
