"""Deployments: the lock of an environment, the ledger, grey releases and their promotion."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine_world import ANN, BOB
from mulligan.core.deployments import Act, Outcome
from mulligan.core.errors import RefusedError
from mulligan.core.ids import RunId
from mulligan.core.refusal import RefusalCode
from mulligan.core.run import Run
from mulligan.core.status import Status
from mulligan.engine import deployments
from mulligan.facades.swr.status import stage_status, standing_of
from mulligan.ports import StepEnd
from release_world import (
    ONLY,
    PROD,
    Releases,
    definition,
    deploy,
    gray_release,
    releases,
    review,
    stage,
)

pytestmark = pytest.mark.anyio

OTHER = definition(deploy(0, "other", first_job=200), name="other")
GRAY, PROMOTE = 1, 3


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once whether an environment is free."""
    monkeypatch.setattr(deployments, "_LOOK_AGAIN_S", 0.01)


@pytest.fixture
async def world() -> AsyncIterator[Releases]:
    """Give a world with a runner."""
    async with releases() as made:
        yield made


def shown(run: Run, world: Releases) -> str:
    """Return the status that the SWR dialect shows."""
    return standing_of(run.head, run.index.spec, world.clock.now()).status


# --- the lock -------------------------------------------------------------------------------------


async def test_second_deployment_waits(world: Releases) -> None:
    """One act at a time: the second begins when the first has ended, and follows it."""
    one, other = await world.add(ONLY), await world.add(OTHER)
    first = await world.begin_release(one, "v1")
    second = await world.start(other, values={"VERSION": "x1"})
    await world.until(lambda: world.runner.busy == 2, "both are claimed")

    waits = world.scripted.runs("other")
    holder = (await world.environment()).holder
    world.scripted.release("deploy")
    await world.wait_end(first)
    await world.wait_end(second.id)

    assert waits == 0
    assert holder == world.disk.ledger[0].id
    assert [each.previous for each in world.disk.ledger] == ["", world.disk.ledger[0].id]
    assert await world.live_version() == "x1"
    await world.settled()


async def test_second_deployment_is_stopped_while_it_waits(world: Releases) -> None:
    """A deployment that waits for its environment can be stopped; it leaves no record."""
    one, other = await world.add(ONLY), await world.add(OTHER)
    first = await world.begin_release(one, "v1")
    second = await world.start(other, values={"VERSION": "x1"})
    await world.until(lambda: world.runner.busy == 2, "both are claimed")

    await world.stop(second.id)
    run = await world.wait_end(second.id)

    assert shown(run, world) == "cancel"
    assert world.acts() == [(Act.DEPLOY, Outcome.RUNNING)]
    world.scripted.release("deploy")
    await world.wait_end(first)
    await world.settled()
    assert world.scripted.runs("other") == 0


async def test_second_deployment_runs_out_of_time_while_it_waits(world: Releases) -> None:
    """A deployment that waits longer than its job may take ends with a time-out."""
    short = deploy(0, "other", first_job=200, job_timeout_s=0.05)
    one, other = await world.add(ONLY), await world.add(definition(short, name="other"))
    first = await world.begin_release(one, "v1")

    run = await world.release(other, "x1")

    assert shown(run, world) == "timeout"
    world.scripted.release("deploy")
    await world.wait_end(first)
    assert world.acts() == [(Act.DEPLOY, Outcome.SUCCEEDED)]
    await world.settled()


async def test_many_wait_for_one_environment(world: Releases) -> None:
    """Of many that wait each gets its turn, never two at once."""
    async with releases(slots=12) as made:
        pipelines = [
            await made.add(definition(deploy(0, f"d{n}", first_job=n * 10), name=f"p{n}"))
            for n in range(10)
        ]

        heads = [await made.start(each, values={"VERSION": each.name}) for each in pipelines]
        runs = [await made.wait_end(head.id) for head in heads]

        assert {run.head.status for run in runs} == {Status.SUCCEEDED}
        assert made.acts() == [(Act.DEPLOY, Outcome.SUCCEEDED)] * 10
        previous = [each.previous for each in made.disk.ledger]
        assert previous == ["", *[each.id for each in made.disk.ledger[:-1]]]
        await made.settled()


async def test_environments_do_not_wait_for_each_other(world: Releases) -> None:
    """Stages of different environments deploy at the same time."""
    one = await world.add(ONLY)
    other = await world.add(
        definition(deploy(0, "other", environment="test", first_job=200), name="other")
    )
    first = await world.begin_release(one, "v1")

    run = await world.release(other, "x1")

    assert run.head.status is Status.SUCCEEDED
    world.scripted.release("deploy")
    await world.wait_end(first)


async def test_deployment_without_a_place(world: Releases) -> None:
    """A target that names neither environment nor application fails its stage, and says so."""
    step = deploy(0).jobs[0].steps[0]
    spec = definition(
        stage(0, "deploy", kind="deploy", inputs={**step.inputs, "info": '{"driver": "command"}'})
    )

    run = await world.release(await world.add(spec), "v1")

    assert shown(run, world) == "stage_exception"
    assert "application" in run.step(step.id).message
    assert world.disk.ledger == []


async def test_what_a_driver_said_is_kept(world: Releases) -> None:
    """The record keeps manifest and state; it ends when its job does."""
    pipeline = await world.add(ONLY)
    said = {"manifest": "kind: x", "state": {"port": 1}}
    world.scripted.end_with("deploy", StepEnd(exit_code=0, result=said))

    run = await world.release(pipeline, "v1")

    record = world.disk.ledger[0]
    assert record.result == said
    assert record.ended_at == run.head.ended_at
    assert (record.run, record.actor, record.job_attempt) == (run.head.id, ANN, 1)
    assert record.release.image == "n/web:v1"


# --- grey releases --------------------------------------------------------------------------------


async def stable(world: Releases) -> None:
    """Have v1 live."""
    first = definition(deploy(0, "first", first_job=900), name="first")
    await world.release(await world.add(first), "v1")


async def open_gray(world: Releases, version: str = "v2") -> RunId:
    """Put a grey release out and stand before its review."""
    pipeline = await world.store.find_pipeline_by_name("shop", "web")  # type: ignore[arg-type]
    pipeline = pipeline or await world.add(gray_release())
    world.clock.advance(seconds=1)
    head = await world.start(pipeline, values={"VERSION": version})
    await world.wait_review(head.id, 2)
    return head.id


async def promoted(world: Releases, version: str = "v2") -> Run:
    """Put a grey release out and promote it."""
    run_id = await open_gray(world, version)
    await world.vote(run_id, 2, approve=True)
    return await world.wait_end(run_id)


async def test_gray_review_promote(world: Releases) -> None:
    """A grey release does not move what is live; its promotion does, and ends it."""
    await stable(world)

    run_id = await open_gray(world)
    between = await world.environment()
    await world.vote(run_id, 2, approve=True)
    run = await world.wait_end(run_id)

    after = await world.environment()
    assert world.version_of(between.live) == "v1"
    assert world.version_of(between.gray) == "v2"
    assert shown(run, world) == "success"
    assert await world.live_version() == "v2"
    assert after.gray == ""
    promote = world.disk.ledger[-1]
    assert (promote.act, promote.target) == (Act.PROMOTE, between.gray)
    assert world.version_of(promote.previous) == "v1"
    await world.settled()


async def test_gray_abort(world: Releases) -> None:
    """A rollback of the grey stage while its review is open takes it away; v1 stays live."""
    await stable(world)
    run_id = await open_gray(world)

    run = await world.rolled_back(run_id, GRAY)

    environment = await world.environment()
    statuses = [stage_status(run, each) for each in run.index.spec.stages]
    assert shown(run, world) == "rollback_success"
    assert statuses == ["success", "rollback_success", "cancel", "waiting"]
    assert (world.version_of(environment.live), environment.gray) == ("v1", "")
    assert world.acts()[-1] == (Act.ABORT, Outcome.SUCCEEDED)
    with pytest.raises(RefusedError) as again:
        await world.roll_back(run_id, GRAY)
    assert again.value.refusal.code is RefusalCode.NO_ROLLBACK_TARGET


async def test_gray_again_after_its_abort(world: Releases) -> None:
    """After an abort a retry puts the grey release out again and asks the reviewers again."""
    await stable(world)
    run_id = await open_gray(world)
    await world.rolled_back(run_id, GRAY)

    await world.retry_stage(run_id, GRAY)
    await world.wait_review(run_id, 2)
    await world.vote(run_id, 2, approve=True)
    run = await world.wait_end(run_id)

    assert shown(run, world) == "success"
    assert await world.live_version() == "v2"


@pytest.mark.parametrize("exit_code", [1, 69])
async def test_gray_that_fails(world: Releases, exit_code: int) -> None:
    """A grey release that fails moves nothing; its rollback takes away what it left, once."""
    await stable(world)
    pipeline = await world.add(gray_release())
    world.scripted.fail("gray", times=1, exit_code=exit_code)
    run = await world.release(pipeline, "v2")

    after = await world.rolled_back(run.head.id, GRAY)

    environment = await world.environment()
    assert shown(run, world) == "stage_exception"
    assert shown(after, world) == "rollback_success"
    assert (world.version_of(environment.live), environment.gray) == ("v1", "")
    assert world.disk.ledger[-1].target == world.disk.ledger[-2].id
    with pytest.raises(RefusedError) as again:
        await world.roll_back(run.head.id, GRAY)
    assert again.value.refusal.code is RefusalCode.NO_ROLLBACK_TARGET


async def test_abort_that_fails(world: Releases) -> None:
    """A grey release whose abort failed is still there, and the abort can be tried again."""
    await stable(world)
    run_id = await open_gray(world)
    world.scripted.end_with("gray", StepEnd(exit_code=1))

    failed = await world.rolled_back(run_id, GRAY)
    still = (await world.environment()).gray
    again = await world.rolled_back(run_id, GRAY)

    assert [shown(each, world) for each in (failed, again)] == [
        "rollback_failed",
        "rollback_success",
    ]
    assert world.version_of(still) == "v2"
    assert (await world.environment()).gray == ""


async def test_promotion_that_fails(world: Releases) -> None:
    """A failed promotion leaves v1 live and the grey release open; a retry promotes it."""
    await stable(world)
    world.scripted.fail("promote", times=1)

    run = await promoted(world)
    environment = await world.environment()
    await world.retry_stage(run.head.id, PROMOTE)
    again = await world.wait_end(run.head.id)

    assert shown(run, world) == "stage_exception"
    assert world.version_of(environment.live) == "v1"
    assert world.version_of(environment.gray) == "v2"
    assert shown(again, world) == "success"
    assert await world.live_version() == "v2"


async def test_abort_after_a_promotion_that_failed(world: Releases) -> None:
    """After a failed promotion the grey stage can be rolled back; then it is gone."""
    await stable(world)
    world.scripted.fail("promote", times=1)
    run = await promoted(world)

    await world.rolled_back(run.head.id, GRAY)
    with pytest.raises(RefusedError) as again:
        await world.roll_back(run.head.id, GRAY)

    assert (await world.environment()).gray == ""
    assert again.value.refusal.code is RefusalCode.NO_ROLLBACK_TARGET


async def test_promoted_gray_is_not_aborted(world: Releases) -> None:
    """What has been promoted is not taken away by its grey stage (F9), but by the official one."""
    await stable(world)
    run = await promoted(world)

    with pytest.raises(RefusedError) as refused:
        await world.roll_back(run.head.id, GRAY)
    after = await world.rolled_back(run.head.id, PROMOTE)

    assert refused.value.refusal.code is RefusalCode.ROLLBACK_UNSUPPORTED
    assert refused.value.refusal.rule == "F9"
    assert shown(after, world) == "rollback_success"
    assert await world.live_version() == "v1"


async def test_retry_of_a_promotion_that_was_rolled_back(world: Releases) -> None:
    """A retry of the official stage after its rollback deploys the promoted version again."""
    await stable(world)
    run = await promoted(world)
    await world.rolled_back(run.head.id, PROMOTE)

    await world.retry_stage(run.head.id, PROMOTE)
    after = await world.wait_end(run.head.id)

    assert shown(after, world) == "success"
    assert await world.live_version() == "v2"
    await world.rolled_back(run.head.id, PROMOTE)
    assert await world.live_version() == "v1"
    await world.settled()


@pytest.mark.parametrize(
    "gray", [{"gray_mode": "istio"}, {"gray_mode": "service", "strategy": "blue_green"}]
)
async def test_strategies_without_rollback_of_the_promotion(
    world: Releases, gray: dict[str, Any]
) -> None:
    """With Istio or blue-green only the grey stage can be rolled back (F11)."""
    await stable(world)
    pipeline = await world.add(gray_release(**gray))
    head = await world.start(pipeline, values={"VERSION": "v2"})
    await world.wait_review(head.id, 2)
    await world.vote(head.id, 2, approve=True)
    await world.wait_end(head.id)
    codes = []

    for index in (GRAY, PROMOTE):
        with pytest.raises(RefusedError) as refused:
            await world.roll_back(head.id, index)
        codes.append((refused.value.refusal.code, refused.value.refusal.rule))

    assert codes == [
        (RefusalCode.ROLLBACK_UNSUPPORTED, "F9"),
        (RefusalCode.ROLLBACK_UNSUPPORTED, "F11"),
    ]


async def test_second_gray_while_one_is_open(world: Releases) -> None:
    """A newer grey release takes the place of the open one; its abort leaves none."""
    await stable(world)
    first = await open_gray(world, "v2")
    await world.vote(first, 2, approve=False)
    await world.wait_end(first)

    second = await open_gray(world, "v3")
    order = next(
        each.inputs["order"] for each in reversed(world.scripted.orders) if each.kind == "deploy"
    )
    environment = await world.environment()
    await world.rolled_back(second, GRAY)

    assert order["gray"]["image_name"] == "n/web:v2"
    assert world.version_of(environment.gray) == "v3"
    assert (await world.environment()).gray == ""
    assert await world.live_version() == "v1"


async def test_gray_of_another_pipeline_is_not_promoted(world: Releases) -> None:
    """What reviewers approved is promoted, not a grey release that took its place since."""
    await stable(world)
    run_id = await open_gray(world, "v2")
    other = definition(
        deploy(0, "other-gray", act="gray", first_job=500),
        review(1, BOB, first_job=500),
        name="other",
    )
    other_head = await world.start(await world.add(other), values={"VERSION": "x9"})
    await world.wait_review(other_head.id, 1)

    await world.vote(run_id, 2, approve=True)
    run = await world.wait_end(run_id)

    assert shown(run, world) == "stage_exception"
    assert await world.live_version() == "v1"


async def test_gray_without_a_live_release(world: Releases) -> None:
    """A grey release needs something to stand beside."""
    run = await world.release(await world.add(gray_release()), "v1")

    assert shown(run, world) == "stage_exception"
    assert "grey" in run.step(run.index.spec.stages[1].jobs[0].steps[0].id).message
    assert world.disk.environments == {}


async def test_deployment_beside_an_open_gray(world: Releases) -> None:
    """A plain deployment ends an open grey release: it can't be promoted any more."""
    await stable(world)
    run_id = await open_gray(world)
    await world.release(await world.add(OTHER), "x1")

    await world.vote(run_id, 2, approve=True)
    run = await world.wait_end(run_id)

    assert (await world.environment()).gray == ""
    assert shown(run, world) == "stage_exception"
    assert await world.live_version() == "x1"


async def test_abort_while_the_check_between_runs(world: Releases) -> None:
    """While a stage between grey and official release executes, it is cut and the grey goes."""
    await stable(world)
    put_out = deploy(0, "gray", act="gray")
    spec = definition(
        put_out,
        stage(1, "check"),
        deploy(2, "promote", after_gray=put_out.jobs[0].steps[0].id),
    )
    world.scripted.hold("check")
    head = await world.start(await world.add(spec), values={"VERSION": "v2"})
    await world.wait_started("check")

    run = await world.rolled_back(head.id, 0)

    statuses = [stage_status(run, each) for each in run.index.spec.stages]
    assert statuses == ["rollback_success", "cancel", "waiting"]
    assert world.scripted.kills == [("check", "cancelled", 0.0)]
    assert await world.live_version() == "v1"
    await world.settled()


async def test_abort_while_the_promotion_runs(world: Releases) -> None:
    """From the official release on the grey stage is busy, then promoted."""
    await stable(world)
    run_id = await open_gray(world)
    world.scripted.hold("promote")
    await world.vote(run_id, 2, approve=True)
    await world.wait_started("promote")

    with pytest.raises(RefusedError) as refused:
        await world.roll_back(run_id, GRAY)

    assert refused.value.refusal.code is RefusalCode.RUN_BUSY
    world.scripted.release("promote")
    assert shown(await world.wait_end(run_id), world) == "success"


# --- what is remembered ---------------------------------------------------------------------------


async def test_many_environments(world: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    """More environments than memory keeps change nothing."""
    monkeypatch.setattr(deployments, "_KEPT_ENVIRONMENTS", 2)
    pipelines = [
        await world.add(
            definition(deploy(0, f"d{n}", environment=f"e{n}", first_job=n * 10), name=f"p{n}")
        )
        for n in range(6)
    ]

    for _ in range(2):
        await asyncio.gather(*(world.release(each, "v1") for each in pipelines))

    for n in range(6):
        assert len(world.acts(f"shop/e{n}/web")) == 2
    assert PROD not in world.disk.environments
    await world.settled()
