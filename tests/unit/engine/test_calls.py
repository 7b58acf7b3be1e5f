"""Steps that start runs of other pipelines: who waits for whom, what a crash leaves."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from builders import job, one_job, pipeline, review, stage, step
from engine_world import ADMIN, ANN, SHOP, World, a_world
from mulligan.core.cause import Cause
from mulligan.core.errors import InvalidError
from mulligan.core.flow.calls import called_run
from mulligan.core.flow.votes import Answer
from mulligan.core.ids import JobId, RunId, StageId, StepId, UserName
from mulligan.core.records import Pipeline, PipelineSettings, Role
from mulligan.core.run import Called, Run, RunHead
from mulligan.core.spec import AfterFailure, MutexSpec, ParameterSpec, PipelineSpec, StepSpec
from mulligan.core.status import Status
from mulligan.engine.catalog import Definition
from mulligan.engine.commands import AnswerStage
from mulligan.ports import RunFilter, StepEnd

pytestmark = pytest.mark.anyio

CALL = StepId("call")
CHILD = pipeline(
    stage("s", job("1", "work")),
    name="child",
    parameters=(ParameterSpec(name="color", default="red"),),
)


@pytest.fixture
async def shop() -> AsyncIterator[World]:
    """Give a world that works, with ann, in whose name pipelines run."""
    async with a_world() as world:
        await world.access.create_user(ADMIN, ANN)
        yield world


def call(target: str, **inputs: Any) -> StepSpec:
    """Give a step that starts a pipeline by its id."""
    fields = {key: inputs.pop(key) for key in list(inputs) if key in StepSpec.__struct_fields__}
    return step("call", kind="call", inputs={"pipeline": target, **inputs}, **fields)


def calling(*steps: StepSpec | str) -> PipelineSpec:
    """Give a definition of one job that starts another pipeline."""
    return pipeline(stage("p", job("1", *steps)), name="parent")


async def family(world: World, child: PipelineSpec = CHILD, **inputs: Any) -> tuple[Any, RunHead]:
    """Make a child and a parent and start the parent; give the child pipeline and the run."""
    made = await world.add_pipeline(child)
    parent = await world.add_pipeline(calling("before", call(made.id, **inputs), "after"))
    return made, await world.start(parent)


async def children(world: World, made: Pipeline) -> list[Run]:
    """Return the runs of a pipeline, oldest first."""
    page = await world.store.list_runs(RunFilter(pipeline=made.id))
    return [await world.run(head.id) for head in reversed(page.items)]


async def only_child(world: World, made: Pipeline) -> Run:
    """Wait for the first run of a pipeline."""
    await world.until(lambda: bool(world.engine.lines.load(made.id).running), "the child starts")
    return (await children(world, made))[0]


async def test_the_parent_ends_as_its_child_does(shop: World) -> None:
    """A waiting call: the child gets values and its parent's names, the step its id and result."""
    made, head = await family(shop, parameters={"color": "${tone}", "size": 1})

    run = await shop.wait_end(head.id)

    [child] = await children(shop, made)
    record = run.step(CALL)
    assert run.head.status is Status.SUCCEEDED
    assert [name for name, _ in shop.scripted.started] == ["before", "work", "after"]
    assert record.called == Called(project=SHOP, pipeline=made.id, run=child.head.id, number=1)
    assert child.head.start_kind == "pipeline"
    assert child.value("color") == "${tone}"  # the parent has no such variable
    assert child.value("size") is None  # the child has no such parameter
    assert child.value("BK_CI_PARENT_BUILD_ID") == head.id
    assert child.value("BK_CI_PARENT_BUILD_TASK_ID") == CALL
    assert child.value("BK_CI_PARENT_EXECUTE_COUNT") == "1"
    assert run.value("sub_pipeline_buildId") == child.head.id
    assert run.value("jobs.job1.steps.call.outputs.sub_pipeline_buildId") == child.head.id


async def test_values_are_substituted(shop: World) -> None:
    """Parameters hold variables of the parent, outputs of its steps too."""
    shop.scripted.end_with("before", StepEnd(exit_code=0, variables=(("tone", "blue"),)))
    made, head = await family(shop, parameters={"color": "${tone}"})

    await shop.wait_end(head.id)

    assert (await children(shop, made))[0].value("color") == "blue"


async def test_a_waiting_parent_needs_no_runner() -> None:
    """With one runner parent and child both come to their end."""
    async with a_world(slots=1) as world:
        await world.access.create_user(ADMIN, ANN)
        _, head = await family(world)

        assert (await world.wait_end(head.id)).head.status is Status.SUCCEEDED


async def test_an_asynchronous_call_is_done_when_the_child_is_there(shop: World) -> None:
    """The parent goes on at once, whatever becomes of the child."""
    shop.scripted.hold("work")
    made, head = await family(shop, waits=False)

    run = await shop.wait_end(head.id)

    assert run.head.status is Status.SUCCEEDED
    shop.scripted.fail("work")
    shop.scripted.release("work")
    child = await shop.wait_end((await children(shop, made))[0].head.id)
    assert child.head.status is Status.FAILED
    assert (await shop.run(head.id)).head.status is Status.SUCCEEDED


async def test_the_child_s_error_is_the_step_s(shop: World) -> None:
    """The step fails with message and numbers of the step that failed in the child."""
    shop.scripted.end_with("work", StepEnd(exit_code=3, error=(812345, "no disk")))
    _, head = await family(shop)

    run = await shop.wait_end(head.id)

    record = run.step(CALL)
    assert (record.status, record.cause) == (Status.FAILED, Cause.USER)
    assert (record.error_type, record.error_code, record.message) == (1, 812345, "no disk")
    assert shop.status(run, "after") is Status.SKIPPED


async def test_a_retry_starts_a_new_child(shop: World) -> None:
    """A failed step starts a new run; a good one is kept, and its run with it."""
    shop.scripted.fail("work", times=1)
    shop.scripted.fail("after", times=1)
    made, head = await family(shop)
    await shop.wait_end(head.id)

    await shop.retry(head.id, CALL)
    await shop.wait_end(head.id)
    second = (await shop.run(head.id)).step(CALL).called
    await shop.retry(head.id, "after")
    run = await shop.wait_end(head.id)

    runs = await children(shop, made)
    assert run.head.status is Status.SUCCEEDED
    assert [child.head.status for child in runs] == [Status.FAILED, Status.SUCCEEDED]
    assert run.step(CALL).called == second
    assert second is not None
    assert second.run == runs[1].head.id


async def test_an_automatic_retry_starts_a_new_child(shop: World) -> None:
    """Every try has a run of its own."""
    shop.scripted.fail("work", times=2)
    made, head = await family(shop, auto_retries=2)

    run = await shop.wait_end(head.id)

    assert run.head.status is Status.SUCCEEDED
    assert len(await children(shop, made)) == 3


async def test_a_stop_of_the_parent_stops_the_child(shop: World) -> None:
    """The child is stopped in the name of who stopped the parent."""
    shop.scripted.hold("work")
    made, head = await family(shop)
    await shop.wait_started("work")

    await shop.stop(head.id, UserName("bob"))
    run = await shop.wait_end(head.id)
    child = await shop.wait_end((await children(shop, made))[0].head.id)

    assert (run.head.status, run.step(CALL).status) == (Status.CANCELLED, Status.CANCELLED)
    assert child.head.status is Status.CANCELLED
    assert child.head.cancel is not None
    assert child.head.cancel.by == "bob"


async def test_a_stopped_child_cancels_the_step(shop: World) -> None:
    """Who stops only the child cancels the step that waits for it."""
    shop.scripted.hold("work")
    made, head = await family(shop)
    await shop.wait_started("work")

    await shop.stop((await children(shop, made))[0].head.id)
    run = await shop.wait_end(head.id)

    assert (run.step(CALL).status, run.head.status) == (Status.CANCELLED, Status.CANCELLED)


async def test_a_call_has_a_time_limit(shop: World) -> None:
    """When it is over the step fails and the child is stopped."""
    shop.scripted.hold("work")
    made, head = await family(shop, timeout_s=60)
    await shop.wait_started("work")

    shop.clock.advance(seconds=61)
    shop.supervisor.clock_moved()
    run = await shop.wait_end(head.id)

    assert (run.step(CALL).cause, run.step(CALL).error_code) == (Cause.TIMEOUT, 2199006)
    child = await shop.wait_end((await children(shop, made))[0].head.id)
    assert child.head.status is Status.CANCELLED


async def test_a_child_that_waits_for_a_review_is_waited_for(shop: World) -> None:
    """Its review is answered; then the parent goes on."""
    spec = pipeline(stage("s", job("1", "work"), review=review("bob")), name="child")
    made, head = await family(shop, spec)
    child = await only_child_or_waiting(shop, made)

    command = AnswerStage(
        actor=UserName("bob"),
        run_id=child.head.id,
        stage=StageId("s"),
        answer=Answer(user=UserName("bob"), approve=True),
    )
    assert not (await shop.run(head.id)).head.status.is_final
    await shop.engine.answer_stage(command)

    assert (await shop.wait_end(head.id)).head.status is Status.SUCCEEDED


async def only_child_or_waiting(world: World, made: Pipeline) -> Run:
    """Wait for the first run of a pipeline, though it only waits."""
    await world.until(lambda: bool(world.engine.lines.load(made.id).waiting), "the child waits")
    return (await children(world, made))[0]


async def test_a_held_child_is_waited_for_and_repaired(shop: World) -> None:
    """A failed child that is kept open for a retry has not ended: its repair lets the step pass."""
    held = stage("s", job("1", "work"), after_failure=AfterFailure.HOLD, hold_s=3600)
    shop.scripted.fail("work", times=1)
    made, head = await family(shop, pipeline(held, name="child"))
    await shop.wait_started("work")
    child = (await children(shop, made))[0]
    await shop.wait_end(child.head.id)
    assert not (await shop.run(head.id)).head.status.is_final

    await shop.retry(child.head.id, "work")

    assert (await shop.wait_end(head.id)).head.status is Status.SUCCEEDED


async def test_the_hold_of_a_child_runs_out(shop: World) -> None:
    """When nobody repairs it in time, the step fails."""
    held = stage("s", job("1", "work"), after_failure=AfterFailure.HOLD, hold_s=3600)
    shop.scripted.fail("work")
    made, head = await family(shop, pipeline(held, name="child"), timeout_s=10_000)
    await shop.wait_started("work")
    await shop.wait_end((await children(shop, made))[0].head.id)

    shop.clock.advance(seconds=3601)
    shop.supervisor.clock_moved()

    assert (await shop.wait_end(head.id)).step(CALL).cause is Cause.USER


@pytest.mark.parametrize("what", ["nothing", "deleted", "locked", "no manual start", "rights"])
async def test_what_can_not_be_started_fails_the_step(shop: World, what: str) -> None:
    """The step says why; nothing was started."""
    spec = replace(CHILD, manual_start=what != "no manual start")
    locked = PipelineSettings(run_lock="LOCK") if what == "locked" else None
    made = await shop.add_pipeline(spec, locked)
    target = "p-nobody" if what == "nothing" else made.id
    parent = await shop.add_pipeline(calling(call(target)))
    if what == "deleted":
        await shop.catalog.delete_pipeline(ADMIN, made)
    if what == "rights":
        await shop.access.set_member(ADMIN, SHOP, ANN, Role.VIEWER)

    run = await shop.wait_end((await shop.start(parent)).id)

    record = run.step(CALL)
    assert (record.status, record.cause, record.error_code) == (
        Status.FAILED,
        Cause.CONFIG,
        2199002,
    )
    assert record.message
    assert await children(shop, made) == []


@pytest.mark.parametrize("cancels", [False, True])
async def test_a_child_of_the_own_concurrency_group(shop: World, cancels: bool) -> None:
    """It would wait for its parent, or stop it, while that waits for it: the step fails instead."""
    settings = PipelineSettings(
        run_lock="GROUP_LOCK", concurrency_group="prod", concurrency_cancel=cancels
    )
    child = await shop.add_pipeline(CHILD, settings)
    middle = await shop.add_pipeline(calling(call(child.id)))
    parent = await shop.add_pipeline(
        pipeline(stage("q", job("1", call(middle.id))), name="above"), settings
    )

    run = await shop.wait_end((await shop.start(parent)).id)

    step = run.step(CALL)
    assert (run.head.status, step.status) == (Status.FAILED, Status.FAILED)
    assert f"run 1 of pipeline {parent.id} waits for this one" in step.message
    assert await children(shop, child) == []


async def test_a_child_of_the_group_that_nobody_waits_for(shop: World) -> None:
    """Its turn comes when the run that has started it has ended."""
    settings = PipelineSettings(run_lock="GROUP_LOCK", concurrency_group="prod")
    child = await shop.add_pipeline(CHILD, settings)
    parent = await shop.add_pipeline(calling(call(child.id, waits=False)), settings)

    run = await shop.wait_end((await shop.start(parent)).id)
    (found,) = await children(shop, child)

    assert run.head.status is Status.SUCCEEDED
    assert (await shop.wait_end(found.head.id)).head.status is Status.SUCCEEDED


async def test_a_pipeline_is_found_by_name(shop: World) -> None:
    """By name within the project; the name may hold a variable."""
    await shop.add_pipeline(CHILD)
    parent = await shop.add_pipeline(calling(call("chi${rest}", by="name"), "after"))
    shop.scripted.end_with("before", StepEnd(exit_code=0))

    run = await shop.wait_end((await shop.start(parent)).id)

    assert "chi${rest}" in run.step(CALL).message  # unknown variables stay as they are
    other = await shop.add_pipeline(
        pipeline(stage("p", job("1", call("child", by="name"))), name="other")
    )
    assert (await shop.wait_end((await shop.start(other)).id)).head.status is Status.SUCCEEDED


async def test_a_circle_is_refused_when_it_is_stored(shop: World) -> None:
    """Directly by name, and through another pipeline."""
    with pytest.raises(InvalidError, match="start itself"):
        await shop.add_pipeline(calling(call("parent", by="name")))
    made = await shop.add_pipeline(CHILD)
    parent = await shop.add_pipeline(calling(call(made.id)))
    back = replace(CHILD, stages=(stage("s", job("1", call(parent.id))),))

    with pytest.raises(InvalidError, match="start itself"):
        await shop.catalog.edit_pipeline(
            ADMIN, made, Definition(spec=back, dialect="bkci", source={"name": "child"})
        )


async def test_a_circle_by_a_variable_fails_where_it_closes(shop: World) -> None:
    """What is only known when it runs is looked at then: the innermost call fails."""
    child = replace(
        CHILD,
        stages=(stage("s", job("1", call("${back}"))),),
        parameters=(ParameterSpec(name="back"),),
    )
    made = await shop.add_pipeline(child)
    named = await shop.add_pipeline(one_job("x"))
    parent = await shop.catalog.edit_pipeline(
        ADMIN,
        named,
        Definition(
            spec=calling(call(made.id, parameters={"back": named.id})),
            dialect="bkci",
            source={"name": "parent"},
        ),
    )

    run = await shop.wait_end((await shop.start(parent)).id)

    assert "a circle" in run.step(CALL).message
    assert len(await children(shop, parent)) == 1


# --- a crash in between ---------------------------------------------------------------------------


async def hand_over(hand: World, *, store_child: bool) -> tuple[Pipeline, RunHead]:
    """Bring a run to its call in a life whose effects are lost; maybe the child is stored."""
    await hand.access.create_user(ADMIN, ANN)
    hand.engine.on_effects = lambda _run, _effects: None
    made, head = await family(hand)
    await hand.report(await hand.claim(head.id))
    if store_child:
        [row] = [row for row in await hand.store.outbox() if row.effect.kind == "call"]
        hand.unruly.failing = []
        calls = hand.supervisor.calls
        run = await hand.run(head.id)
        called = called_run(head.id, CALL, 1)
        await calls._start(run, run.index.steps[CALL], 1, called, waits=True)
        assert row.effect.data == {"attempt": 1}
    return made, head


@pytest.mark.parametrize("store_child", [False, True])
async def test_a_crash_before_and_after_the_child_is_stored(hand: World, store_child: bool) -> None:
    """The next life starts the child exactly once, and the parent goes on."""
    made, head = await hand_over(hand, store_child=store_child)

    async with a_world(store=hand.store, clock=hand.clock) as second:
        run = await second.wait_end(head.id)

        assert run.head.status is Status.SUCCEEDED
        assert len(await children(second, made)) == 1


async def test_a_crash_before_the_end_of_the_child_is_told(hand: World) -> None:
    """The child has ended, its parent was not told: the next life tells it."""
    made, head = await hand_over(hand, store_child=True)
    [child] = await children(hand, made)
    await hand.report(await hand.claim(child.head.id))
    assert (await hand.run(child.head.id)).head.status is Status.SUCCEEDED

    async with a_world(store=hand.store, clock=hand.clock) as second:
        run = await second.wait_end(head.id)

        assert run.head.status is Status.SUCCEEDED
        assert run.step(CALL).called is not None
        assert len(await children(second, made)) == 1


async def test_a_stop_before_the_child_is_noted_stops_it(hand: World) -> None:
    """The parent is stopped while its child was stored but not noted: the child is stopped too."""
    made, head = await hand_over(hand, store_child=True)
    await hand.stop(head.id)

    async with a_world(store=hand.store, clock=hand.clock) as second:
        child = await second.wait_end(RunId(called_run(head.id, CALL, 1)))

        assert child.head.status is Status.CANCELLED
        assert (await second.run(head.id)).head.status is Status.CANCELLED
        assert len(await children(second, made)) == 1


@pytest.mark.parametrize(("waits", "status"), [(True, Status.FAILED), (False, Status.SUCCEEDED)])
async def test_a_caller_that_holds_what_its_run_needs(
    shop: World, *, waits: bool, status: Status
) -> None:
    """Neither could go on: the called job fails at once and says so. Who does not wait lets go."""
    door = MutexSpec(name="door", places=3, timeout_s=600)
    last = await shop.add_pipeline(pipeline(stage("s", job("1", "work", mutex=door)), name="last"))
    between = await shop.add_pipeline(calling(call(last.id)))
    steps = (call(between.id, waits=waits), "after")
    first = await shop.add_pipeline(
        pipeline(stage("p", job("1", *steps, mutex=door)), name="first")
    )

    run = await shop.wait_end((await shop.start(first)).id)

    while not (made := await children(shop, last)):  # noqa: ASYNC110 - any condition
        await asyncio.sleep(0.001)
    called = await shop.wait_end(made[0].head.id)
    assert called.head.status is status
    assert run.head.status is status
    if waits:
        record = called.job(JobId("1"))
        assert record.cause is Cause.LOCKED
        assert "door is held by job 1 of first #1, which has started this run" in record.message
        assert run.step(CALL).message == record.message
