"""Rollbacks: which version is restored, what is refused, what they leave alone (§5.3 to §5.6)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from engine_world import ANN, BOB
from mulligan.core.cause import Cause
from mulligan.core.deployments import Act, Outcome
from mulligan.core.errors import MulliganError, RefusedError
from mulligan.core.ids import JobId, StageId
from mulligan.core.records import Pipeline
from mulligan.core.refusal import RefusalCode
from mulligan.core.run import Run
from mulligan.core.spec import AfterFailure, PipelineSpec, StageSpec
from mulligan.core.status import Status
from mulligan.engine.commands import RetryRun, RollBack
from mulligan.facades.swr.status import stage_status, standing_of
from mulligan.ports import StepEnd
from release_world import (
    ONLY,
    PROD,
    Releases,
    definition,
    deploy,
    releases,
    review,
    stage,
)

pytestmark = pytest.mark.anyio

BACK = (Act.ROLLBACK, Outcome.SUCCEEDED)


@pytest.fixture
async def world() -> AsyncIterator[Releases]:
    """Give a world with a runner."""
    async with releases() as made:
        yield made


def shown(run: Run, world: Releases) -> str:
    """Return the status that the SWR dialect shows."""
    return standing_of(run.head, run.index.spec, world.clock.now()).status


async def refusal(world: Releases, run: Run, index: int = 0, **fields: object) -> RefusalCode:
    """Return why a rollback is refused; the plan must say the same."""
    before = (world.disk.ledger, world.disk.environments)
    command = RollBack(
        actor=ANN,
        run_id=run.head.id,
        stage=StageId(f"stage-{index + 2}"),
        **fields,  # type: ignore[arg-type]
    )
    with pytest.raises(RefusedError) as planned:
        await world.rollbacks.plan(command)
    with pytest.raises(RefusedError) as refused:
        await world.rollbacks.roll_back(command)
    assert planned.value.refusal.code is refused.value.refusal.code
    assert (world.disk.ledger, world.disk.environments) == before
    return refused.value.refusal.code


async def three(world: Releases) -> tuple[Pipeline, Run]:
    """Make a pipeline that only deploys, with v1, v2 and v3 deployed."""
    pipeline = await world.add(ONLY)
    for version in ("v1", "v2", "v3"):
        run = await world.release(pipeline, version)
    return pipeline, run


# --- which version (§5.5) -------------------------------------------------------------------------


async def test_undo_chain(world: Releases) -> None:
    """v3 → v2 → v1 → nothing; v4 then follows v1, and its rollback restores that."""
    pipeline, run = await three(world)
    seen = []

    for _ in range(2):
        after = await world.rolled_back(run.head.id)
        seen.append((shown(after, world), await world.live_version()))
    at_the_end = await refusal(world, run)
    fourth = await world.release(pipeline, "v4")
    await world.rolled_back(fourth.head.id)

    assert seen == [("rollback_success", "v2"), ("rollback_success", "v1")]
    assert at_the_end is RefusalCode.NO_ROLLBACK_TARGET
    assert await world.live_version() == "v1"
    await world.settled()
    assert await refusal(world, fourth) is RefusalCode.NO_ROLLBACK_TARGET


async def test_rollback_of_the_first_deployment(world: Releases) -> None:
    """After the first deployment of a new workload there is nothing to go back to."""
    run = await world.release(await world.add(ONLY), "v1")

    assert await refusal(world, run) is RefusalCode.NO_ROLLBACK_TARGET


@pytest.mark.parametrize(
    "end",
    [StepEnd(exit_code=1), StepEnd(cause="unreachable"), StepEnd(cause="timeout")],
    ids=["failed", "unreachable", "timeout"],
)
async def test_failed_deployment_is_no_version(world: Releases, end: StepEnd) -> None:
    """After a failed deployment what is live is applied again, not the version before it."""
    pipeline = await world.add(ONLY)
    for version in ("v1", "v2"):
        await world.release(pipeline, version)
    world.scripted.end_with("deploy", end)
    failed = await world.release(pipeline, "v3")

    after = await world.rolled_back(failed.head.id)

    assert shown(after, world) == "rollback_success"
    assert await world.live_version() == "v2"
    assert world.acts()[-1] == BACK
    assert world.version_of(world.disk.ledger[-1].target) == "v2"


async def test_cancelled_deployment_is_no_version(world: Releases) -> None:
    """After a deployment that was stopped what is live is applied again."""
    pipeline, _ = await three(world)
    run_id = await world.begin_release(pipeline, "v4")
    await world.stop(run_id)
    stopped = await world.wait_end(run_id)
    world.scripted.release("deploy")

    await world.rolled_back(run_id)

    assert shown(stopped, world) == "cancel"
    assert await world.live_version() == "v3"


async def test_deployment_that_failed_before_it_began(world: Releases) -> None:
    """A deployment that never got as far as the ledger is no version either."""
    pipeline, _ = await three(world)
    other = await world.add(definition(deploy(0, "other", first_job=200), name="other"))
    await world.begin_release(other, "x1", "other")
    waiting = await world.start(pipeline, values={"VERSION": "v4"})
    await world.until(lambda: len(world.engine.deployments.open_keys()) == 1, "one holds it")
    await world.stop(waiting.id)
    await world.wait_end(waiting.id)
    world.scripted.end_with("other", StepEnd(exit_code=1))
    world.scripted.release("other")
    await world.until(lambda: not world.engine.deployments.open_keys(), "it is free")

    await world.rolled_back(waiting.id)

    assert await world.live_version() == "v3"
    assert world.version_of(world.disk.ledger[-1].target) == "v3"


async def test_failed_rollback_has_the_same_target_again(world: Releases) -> None:
    """After rollback_failed or rollback_exception the next rollback restores the same."""
    _, run = await three(world)
    await world.rolled_back(run.head.id)
    seen = []

    for end in (StepEnd(exit_code=1), StepEnd(cause="unreachable")):
        world.scripted.end_with("deploy", end)
        after = await world.rolled_back(run.head.id)
        seen.append((shown(after, world), await world.live_version()))
    await world.rolled_back(run.head.id)

    assert seen == [("rollback_failed", "v2"), ("rollback_exception", "v2")]
    assert {world.version_of(each.target) for each in world.disk.ledger[-3:]} == {"v1"}
    assert await world.live_version() == "v1"


async def test_chosen_version(world: Releases) -> None:
    """A chosen record is restored, also a newer one than what is live."""
    _, run = await three(world)
    first, _, third = (each.id for each in world.disk.ledger)

    await world.rolled_back(run.head.id, chosen=first)
    back = await world.live_version()
    await world.rolled_back(run.head.id, chosen=third)

    assert (back, await world.live_version()) == ("v1", "v3")


async def test_versions_that_can_not_be_chosen(world: Releases) -> None:
    """What is live, failed, a rollback, of another environment, or unknown can't be chosen."""
    pipeline, run = await three(world)
    await world.rolled_back(run.head.id)
    world.scripted.end_with("deploy", StepEnd(exit_code=1))
    run = await world.release(pipeline, "v4")
    elsewhere = definition(deploy(0, "other", environment="test", first_job=200), name="other")
    await world.release(await world.add(elsewhere), "x")
    live = (await world.environment()).live
    rollback, failed, other = (each.id for each in world.disk.ledger[-3:])

    codes = [
        await refusal(world, run, chosen=chosen)
        for chosen in (live, rollback, failed, other, "-", "d-unknown")
    ]

    assert codes == [RefusalCode.NO_ROLLBACK_TARGET] * 6


async def test_chosen_version_with_a_gray_stage(world: Releases) -> None:
    """Where there is a grey stage no version can be chosen (F12)."""
    spec = definition(
        deploy(0, "stable"), deploy(1, "gray", act="gray"), deploy(2, "next", environment="test")
    )
    run = await world.release(await world.add(spec), "v1")

    codes = [await refusal(world, run, index, chosen="d-1") for index in range(3)]

    assert codes == [RefusalCode.ROLLBACK_UNSUPPORTED] * 3


async def test_base_is_restored_once(world: Releases) -> None:
    """What was there before the first deployment is a record that a rollback can restore."""
    pipeline = await world.add(ONLY)
    said = {"base": {"image": "old"}, "state": {"n": 1}}
    world.scripted.end_with("deploy", StepEnd(exit_code=0, result=said))
    run = await world.release(pipeline, "v1")
    first, base = world.disk.ledger

    after = await world.rolled_back(run.head.id)

    assert (base.act, base.outcome) == (Act.BASE, Outcome.SUCCEEDED)
    assert first.previous == base.id
    assert shown(after, world) == "rollback_success"
    assert (await world.environment()).live == base.id
    order = world.scripted.orders[-1].inputs["order"]
    assert (order["act"], order["target"]) == ("rollback", {"image": "old"})
    await world.settled()
    assert await refusal(world, run) is RefusalCode.NO_ROLLBACK_TARGET


async def test_second_deployment_has_no_base(world: Releases) -> None:
    """A base that is told when something is live already is no record of its own."""
    pipeline = await world.add(ONLY)
    await world.release(pipeline, "v1")
    world.scripted.end_with("deploy", StepEnd(exit_code=0, result={"base": {}}))

    await world.release(pipeline, "v2")

    assert [each.act for each in world.disk.ledger] == [Act.DEPLOY, Act.DEPLOY]


async def test_record_of_another_workload_is_skipped(world: Releases) -> None:
    """After the target of a stage changed, the records of the old one are no versions of it."""
    pipeline, _ = await three(world)
    moved = definition(deploy(0, environment="test"))
    await world.change_definition(pipeline, moved)
    run = await world.release(pipeline, "v4")

    code = await refusal(world, run)

    assert code is RefusalCode.NO_ROLLBACK_TARGET
    assert await world.live_version() == "v3"
    assert await world.live_version("shop/test/web") == "v4"


# --- what the restored record brings --------------------------------------------------------------


async def test_order_of_a_rollback(world: Releases) -> None:
    """The driver gets the texts, image and own state of the record that is restored."""
    pipeline = await world.add(ONLY)
    for version in ("v1", "v2"):
        world.scripted.end_with("deploy", StepEnd(exit_code=0, result={"state": {"of": version}}))
        run = await world.release(pipeline, version)

    await world.rolled_back(run.head.id)

    order = world.scripted.orders[-1].inputs["order"]
    assert order["info"]["deploy"] == "sh v1"
    assert order["image_name"] == "n/web:v1"
    assert order["previous_image_name"] == "n/web:v2"
    assert order["target"] == {"of": "v1"}
    assert order["live"]["result"] == {"of": "v2"}
    assert (order["act"], order["resume"]) == ("rollback", False)


# --- effects (§5.6) -------------------------------------------------------------------------------


async def test_effect_on_the_run(world: Releases) -> None:
    """Earlier and finished later stages stay, the run is over, its variables are as before."""
    spec = definition(stage(0, "build"), deploy(1), stage(2, "after"))
    pipeline = await world.add(spec)
    await world.release(pipeline, "v1")
    run = await world.release(pipeline, "v2")
    world.clock.advance(minutes=1)
    world.scripted.hold("deploy")

    await world.roll_back(run.head.id, 1)
    during = await world.run(run.head.id)
    world.scripted.release("deploy")
    after = await world.wait_end(run.head.id)

    spec = run.index.spec
    assert shown(during, world) == "rollbacking"
    assert [stage_status(during, each) for each in spec.stages] == [
        "success",
        "rollbacking",
        "success",
    ]
    assert during.head.stage == 1
    assert [stage_status(after, each) for each in spec.stages] == [
        "success",
        "rollback_success",
        "success",
    ]
    assert after.value("VERSION") == "v2"
    for kept in ("stage-2", "stage-4"):
        assert after.stage(StageId(kept)) == run.stage(StageId(kept))
    assert world.scripted.runs("after") == 2


async def test_rollback_behind_an_open_review(world: Releases) -> None:
    """The review is closed with its votes kept; the stages after it stay waiting."""
    spec = definition(deploy(0), review(1, ANN, BOB), stage(2, "after"))
    pipeline = await world.add(spec)
    first = await world.start(pipeline, values={"VERSION": "v1"})
    await world.wait_review(first.id, 1)
    for who in (ANN, BOB):
        await world.vote(first.id, 1, approve=True, who=who)
    await world.wait_end(first.id)
    second = await world.start(pipeline, values={"VERSION": "v2"})
    await world.wait_review(second.id, 1)
    await world.vote(second.id, 1, approve=True)

    after = await world.rolled_back(second.id)

    statuses = [stage_status(after, each) for each in after.index.spec.stages]
    assert statuses == ["rollback_success", "cancel", "waiting"]
    step = after.index.spec.stages[1].jobs[0].steps[0].id
    assert [vote.user for vote in after.gates[step].votes] == [ANN]
    assert after.gates[step].state == "rejected"
    with pytest.raises(RefusedError):
        await world.vote(second.id, 1, approve=True, who=BOB)
    with pytest.raises(RefusedError) as retried:
        await world.retry_stage(second.id, 1)
    assert retried.value.refusal.code is RefusalCode.NOT_RETRYABLE
    assert await world.live_version() == "v1"


async def test_retry_after_a_rollback_deploys_the_new_version(world: Releases) -> None:
    """A retry of the rolled-back stage deploys the version of the run again, and goes on."""
    pipeline = await world.add(definition(deploy(0), stage(1, "after")))
    await world.release(pipeline, "v1")
    run = await world.release(pipeline, "v2")
    await world.rolled_back(run.head.id)

    await world.retry_stage(run.head.id, 0)
    after = await world.wait_end(run.head.id)

    assert shown(after, world) == "success"
    assert await world.live_version() == "v2"
    assert world.scripted.runs("after") == 3


async def test_rollback_ends_a_hold(world: Releases) -> None:
    """A held run is over by a rollback of a stage before the failed one."""
    pipeline = await world.add(definition(deploy(0), stage(1, "after")))
    await world.release(pipeline, "v1")
    world.scripted.fail("after", times=1)
    held = await world.release(pipeline, "v2")

    after = await world.rolled_back(held.head.id)

    assert shown(held, world) == "stage_exception"
    assert shown(after, world) == "rollback_success"
    assert stage_status(after, after.index.spec.stages[1]) == "stage_exception"


# --- refused (§5.4) -------------------------------------------------------------------------------


async def test_two_rollbacks_at_once(world: Releases) -> None:
    """Of two rollbacks at one moment one is taken and one is told that it is busy."""
    _, run = await three(world)
    world.scripted.hold("deploy")

    answers = await asyncio.gather(
        *(world.roll_back(run.head.id) for _ in range(4)), return_exceptions=True
    )
    await world.until(lambda: world.scripted.runs("deploy") == 4, "the rollback runs")
    world.scripted.release("deploy")
    await world.wait_end(run.head.id)

    refused = [each for each in answers if isinstance(each, RefusedError)]
    assert len(refused) == 3
    assert all(each.refusal.code is RefusalCode.RUN_BUSY for each in refused)
    await world.settled()
    assert len(world.acts()) == 4


async def test_rollback_and_retry_and_start_at_once(world: Releases) -> None:
    """Whatever comes at one moment, one is taken, and the ledger has one act for it."""
    pipeline = await world.add(ONLY)
    for version in ("v1", "v2"):
        run = await world.release(pipeline, version)
    world.scripted.fail("deploy", times=1)
    run = await world.release(pipeline, "v3")

    answers = await asyncio.gather(
        world.roll_back(run.head.id),
        world.retry_stage(run.head.id, 0),
        world.roll_back(run.head.id),
        return_exceptions=True,
    )
    await world.wait_end(run.head.id)

    assert sum(isinstance(each, MulliganError) for each in answers) == 2
    await world.settled()
    assert len(world.acts()) == 4


async def test_rollback_while_another_pipeline_deploys(world: Releases) -> None:
    """While somebody else holds the environment it is refused, and says who, since when."""
    _, run = await three(world)
    other = await world.add(definition(deploy(0, "other", first_job=200), name="other"))
    other_run = await world.begin_release(other, "x1", "other")

    with pytest.raises(RefusedError) as refused:
        await world.roll_back(run.head.id, actor=BOB)

    told = refused.value.refusal
    assert told.code is RefusalCode.ENVIRONMENT_BUSY
    since = f"{world.disk.ledger[-1].started_at:%H:%M:%S}Z"
    assert ANN in told.message
    assert since in told.message
    assert told.values == (ANN,)
    world.scripted.release("other")
    await world.wait_end(other_run)
    assert (await world.rolled_back(run.head.id)).head.is_rollback


async def test_rollback_is_not_stopped(world: Releases) -> None:
    """A rollback can't be stopped, nor retried, nor rolled back, while it is under way."""
    _, run = await three(world)
    world.scripted.hold("deploy")
    await world.roll_back(run.head.id)
    codes = []

    for act in (world.stop(run.head.id), world.retry_stage(run.head.id, 0)):
        with pytest.raises(RefusedError) as refused:
            await act
        codes.append(refused.value.refusal.code)
    codes.append(await refusal(world, run))

    assert codes == [RefusalCode.NOT_STOPPABLE, RefusalCode.RUN_BUSY, RefusalCode.RUN_BUSY]
    world.scripted.release("deploy")
    assert shown(await world.wait_end(run.head.id), world) == "rollback_success"


async def test_older_run_is_not_rolled_back(world: Releases) -> None:
    """Only the newest run of the pipeline is rolled back."""
    pipeline = await world.add(ONLY)
    first = await world.release(pipeline, "v1")
    await world.release(pipeline, "v2")

    assert await refusal(world, first) is RefusalCode.NOT_NEWEST


async def test_stage_that_deploys_nothing(world: Releases) -> None:
    """A stage that does not deploy can't be rolled back (F2)."""
    run = await world.release(await world.add(definition(stage(0, "build"), deploy(1))), "v1")

    assert await refusal(world, run, 0) is RefusalCode.NOT_DEPLOYING


async def test_stage_that_the_run_does_not_have(world: Releases) -> None:
    """A stage that was added after the newest run is refused, not an error of the server."""
    pipeline, run = await three(world)
    longer = definition(deploy(0), deploy(1, "second", environment="test"))
    await world.change_definition(pipeline, longer, resets=True)

    assert await refusal(world, run, 1) is RefusalCode.NOT_RETRYABLE


@pytest.mark.parametrize("how", ["held", "stopped", "reset"])
async def test_stage_that_was_not_reached(world: Releases, how: str) -> None:
    """What a held run did not reach is refused until it is over; then what is live can go back."""
    reset: dict[str, Any] = {"after_failure": AfterFailure.RESET, "hold_s": 0}
    handler = reset if how == "reset" else {}
    spec = definition(stage(0, "build", **handler), deploy(1))
    pipeline = await world.add(spec)
    for version in ("v1", "v2"):
        await world.release(pipeline, version)
    world.scripted.fail("build", times=1)
    run = await world.release(pipeline, "v3")

    if how == "held":
        code = await refusal(world, run, 1)

        assert code is RefusalCode.NOT_RETRYABLE
        return
    if how == "stopped":
        await world.give_up(run.head.id)
    after = await world.rolled_back(run.head.id, 1)

    assert shown(after, world) == "rollback_success"
    assert await world.live_version() == "v1"


async def test_stale_plan(world: Releases) -> None:
    """A rollback bound to a plan is refused when run or ledger have moved on."""
    _, run = await three(world)
    stage_id = StageId("stage-2")
    command = RollBack(actor=ANN, run_id=run.head.id, stage=stage_id)
    plan = await world.rollbacks.plan(command)
    bound = replace(command, revision=plan.revision, restores=plan.restores)
    await world.rolled_back(run.head.id)

    for stale in (bound, replace(bound, revision=None)):
        with pytest.raises(RefusedError) as refused:
            await world.rollbacks.roll_back(stale)
        assert refused.value.refusal.code is RefusalCode.PLAN_STALE

    fresh = await world.rollbacks.plan(command)
    await world.rollbacks.roll_back(
        replace(command, revision=fresh.revision, restores=fresh.restores)
    )
    assert world.disk.ledger[-1].target == fresh.restores


# --- R12 ------------------------------------------------------------------------------------------


async def test_retry_of_something_older_than_what_is_live(world: Releases) -> None:
    """A retry that would replace the release of a newer run of another pipeline is refused."""
    world.scripted.fail("deploy", times=1)
    pipeline = await world.add(ONLY)
    failed = await world.release(pipeline, "v1")
    other = await world.add(definition(deploy(0, "other", first_job=200), name="other"))
    await world.release(other, "x1")

    with pytest.raises(RefusedError) as refused:
        await world.retry_stage(failed.head.id, 0)

    assert refused.value.refusal.code is RefusalCode.OLDER_THAN_LIVE
    assert refused.value.refusal.rule == "R12"
    assert await world.live_version() == "x1"


async def test_retry_before_a_stage_that_deploys_something_older(world: Releases) -> None:
    """A retry of an earlier stage is refused too: what follows it would deploy."""
    world.scripted.fail("build", times=1)
    pipeline = await world.add(definition(stage(0, "build"), deploy(1)))
    failed = await world.release(pipeline, "v1")
    other = await world.add(definition(deploy(0, "other", first_job=200), name="other"))
    await world.release(other, "x1")

    with pytest.raises(RefusedError) as refused:
        await world.retry_stage(failed.head.id, 0)

    assert refused.value.refusal.code is RefusalCode.OLDER_THAN_LIVE


async def test_retry_that_waits_while_a_newer_run_deploys(world: Releases) -> None:
    """A retry that waited for the environment does not replace what became live meanwhile."""
    world.scripted.fail("deploy", times=1)
    pipeline = await world.add(ONLY)
    failed = await world.release(pipeline, "v1")
    other = await world.add(definition(deploy(0, "other", first_job=200), name="other"))
    other_run = await world.begin_release(other, "x1", "other")

    await world.retry_stage(failed.head.id, 0)
    world.scripted.release("other")
    await world.wait_end(other_run)
    run = await world.wait_end(failed.head.id)

    assert shown(run, world) == "stage_exception"
    assert "R12" in run.step(run.index.spec.stages[0].jobs[0].steps[0].id).message
    assert await world.live_version() == "x1"


async def test_retry_after_the_newer_release_was_rolled_back(world: Releases) -> None:
    """When the newer release is gone again, the retry is allowed."""
    pipeline = await world.add(ONLY)
    await world.release(pipeline, "v1")
    world.scripted.fail("deploy", times=1)
    failed = await world.release(pipeline, "v2")
    other = await world.add(definition(deploy(0, "other", first_job=200), name="other"))
    newer = await world.release(other, "x1")
    await world.rolled_back(newer.head.id)

    await world.retry_stage(failed.head.id, 0)
    await world.wait_end(failed.head.id)

    assert await world.live_version() == "v2"


async def test_retry_by_a_repaired_definition_is_judged_by_its_environment(
    world: Releases,
) -> None:
    """What a repaired stage would deploy to counts, not what the failed one named."""
    world.scripted.fail("deploy", times=1)
    pipeline = await world.add(definition(deploy(0, environment="test")))
    failed = await world.release(pipeline, "v1")
    other = await world.add(definition(deploy(0, "other", first_job=200), name="other"))
    await world.release(other, "x1")
    await world.change_definition(pipeline, ONLY)
    command = RetryRun(actor=ANN, run_id=failed.head.id, target="stage-2", through_end=True)

    for act in (world.engine.plan_retry, world.engine.retry_run):
        with pytest.raises(RefusedError) as refused:
            await act(command)
        assert refused.value.refusal.code is RefusalCode.OLDER_THAN_LIVE


async def test_preview_of_a_retry_is_what_runs(world: Releases) -> None:
    """The plan of a retry by a repaired definition equals what is then applied."""
    world.scripted.fail("build", times=1)
    pipeline = await world.add(definition(stage(0, "build"), deploy(1)))
    failed = await world.release(pipeline, "v1")
    await world.change_definition(pipeline, definition(stage(0, "mended"), deploy(1)))
    command = RetryRun(actor=ANN, run_id=failed.head.id, target="stage-2", through_end=True)

    preview = await world.engine.plan_retry(command)
    outcome = await world.engine.retry_run(command)
    await world.wait_end(failed.head.id)

    assert preview == outcome.plan
    assert world.scripted.started[-2:] == [("mended", 2), ("deploy", 1)]


async def test_shared_environment_of_two_pipelines(world: Releases) -> None:
    """Two pipelines on one environment share its live pointer: a rollback undoes the newest."""
    one = await world.add(ONLY)
    other = await world.add(definition(deploy(0, "other", first_job=200), name="other"))
    first = await world.release(one, "a1")
    await world.release(other, "b1")

    await world.rolled_back(first.head.id)

    assert await world.live_version() == "a1"
    assert len(world.disk.environments) == 1
    assert list(world.disk.environments) == [PROD]
    await world.settled()
    assert first.job(JobId("100")).status is Status.SUCCEEDED


async def test_stage_that_has_moved_since(world: Releases) -> None:
    """After a stage was put before it, what is live of a deploy stage still can go back (§5.4)."""
    pipeline, run = await three(world)
    moved = definition(stage(0, "new", first_job=500), *_moved(deploy(0), 1))
    await world.change_definition(pipeline, moved, resets=True)

    done = await world.rolled_back(run.head.id, 1)

    assert await world.live_version() == "v2"
    assert (done.head.number, done.head.attempt) == (run.head.number + 1, 1)
    assert done.head.cause is Cause.ROLLED_BACK
    assert done.stage(StageId("stage-2")).status is Status.QUEUED
    await world.rolled_back(done.head.id, 1)
    assert await world.live_version() == "v1"


async def test_run_and_its_first_attempt_were_asked_for_at_once(
    world: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback by a run of its own has one time of beginning, though the clock goes on."""
    pipeline, run = await three(world)
    moved = definition(stage(0, "new", first_job=500), *_moved(deploy(0), 1))
    await world.change_definition(pipeline, moved, resets=True)
    look = world.clock.now

    def look_later() -> datetime:
        world.clock.advance(microseconds=1)
        return look()

    monkeypatch.setattr(world.clock, "now", look_later)
    done = await world.rolled_back(run.head.id, 1)

    assert done.head.number == run.head.number + 1
    assert done.head.attempts[0].queued_at == done.head.queued_at


def _moved(old: StageSpec, index: int) -> tuple[StageSpec, ...]:
    """Give a stage at another place: its job keeps its id, the stage does not."""
    return (replace(old, id=StageId(f"stage-{index + 2}")),)


# --- parts that run for some paths only -----------------------------------------------------------

DOCS = ("docs",)


def _only_with_docs(part: str) -> PipelineSpec:
    """Give the pipeline that only deploys, where one part of the stage goes by changed paths."""
    deploying = ONLY.stages[0]
    job = deploying.jobs[0]
    match part:
        case "stage":
            changed = replace(deploying, if_modify=DOCS)
        case "job":
            changed = replace(deploying, jobs=(replace(job, if_modify=DOCS),))
        case _:
            step = replace(job.steps[0], if_modify=DOCS)
            changed = replace(deploying, jobs=(replace(job, steps=(step,)),))
    return replace(ONLY, stages=(changed,))


@pytest.mark.parametrize("part", ["stage", "job", "step"])
async def test_rollback_of_a_part_that_nothing_changed_for(world: Releases, part: str) -> None:
    """The newest run deployed nothing, so its stage is taken back to what was live before that."""
    pipeline = await world.add(_only_with_docs(part))
    for version in ("v1", "v2"):
        await world.release(pipeline, version)
    head = await world.start(pipeline, values={"VERSION": "v3"}, changed_paths=("src/a.py",))
    ended = await world.wait_end(head.id)
    assert await world.live_version() == "v2"

    after = await world.rolled_back(ended.head.id)

    assert await world.live_version() == "v1"
    assert world.acts()[-1] == BACK
    assert shown(after, world) == "rollback_success"
    await world.settled()
    assert (await world.environment()).holder == ""


@pytest.mark.parametrize("part", ["stage", "job", "step"])
async def test_deploy_after_such_a_rollback(world: Releases, part: str) -> None:
    """The environment is free, and the next run that changes the paths deploys."""
    pipeline = await world.add(_only_with_docs(part))
    for version in ("v1", "v2"):
        await world.release(pipeline, version)
    head = await world.start(pipeline, values={"VERSION": "v3"}, changed_paths=("src/a.py",))
    await world.rolled_back((await world.wait_end(head.id)).head.id)

    await world.release(pipeline, "v4")

    assert await world.live_version() == "v4"
    await world.settled()
