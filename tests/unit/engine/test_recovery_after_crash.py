"""What the next life of a server takes up: reports, held jobs, offers, timers, queues."""

import pytest

from builders import job, one_job, pipeline, review, stage, step
from engine_world import SHOP, World, a_world
from mulligan.core.cause import Cause
from mulligan.core.errors import InfrastructureError
from mulligan.core.ids import JobId, RunId, StepId
from mulligan.core.records import PipelineSettings
from mulligan.core.recovery.request import Changes, StepChanges
from mulligan.core.run import RunHead
from mulligan.core.spec import Condition, ParameterSpec, RunWhen
from mulligan.core.status import Status
from mulligan.ports import LateEnd, StepEnd

pytestmark = pytest.mark.anyio

ONE = one_job("a")
TWO = one_job("a", "b")
JOB = JobId("1")
REVIEWED = pipeline(stage("one", job("1", "a"), review=review("bob", timeout_s=3600)))


async def test_held_jobs_are_taken_back(hand: World) -> None:
    """A job that was running when the server died becomes a lost attempt and runs again."""
    made = await hand.add_pipeline(TWO)
    head = await hand.start(made)
    first = await hand.claim(head.id)
    await hand.report(first)

    async with a_world(store=hand.store, clock=hand.clock) as second:
        run = await second.wait_end(head.id)

        attempts = await second.store.step_attempts(head.id, StepId("b"))
        assert run.head.status is Status.SUCCEEDED
        assert second.scripted.started == [("b", 2)]
        assert [attempt.cause for attempt in attempts] == [Cause.LOST, None]
        assert run.job(JOB).fence == 2


async def test_what_was_changed_for_a_retry_outlives_the_server(hand: World) -> None:
    """It was stored with the retry: the next life runs with it, also after another loss."""
    spec = pipeline(stage("s", job("1", "a")), parameters=(ParameterSpec(name="colour"),))
    made = await hand.add_pipeline(spec)
    head = await hand.start(made, values={"colour": "red"})
    await hand.report(await hand.claim(head.id), StepEnd(exit_code=1))
    changes = Changes(
        steps={"a": StepChanges(env={"MODE": "slow"}, timeout_s=60)}, parameters={"colour": "blue"}
    )

    await hand.retry(head.id, "a", changes=changes)
    lost = await hand.claim(head.id, attempt=2)

    async with a_world(store=hand.store, clock=hand.clock) as second:
        run = await second.wait_end(head.id)
        (order,) = second.scripted.orders
        for each in (lost, order):
            assert (each.env["MODE"], each.env["colour"], each.timeout_s) == ("slow", "blue", 60)
        assert order.step_attempt == lost.step_attempt + 1
        assert run.head.parameters[0].value == "red"
        assert [len(attempt.changes) for attempt in run.head.attempts] == [0, 3]
        entry = (await second.store.list_audit(project=SHOP))[0]
        assert entry.detail["changes"] == changes.names


async def test_late_end_is_taken_in_and_its_step_not_run_again(hand: World) -> None:
    """An end that only the spool knows counts: the step is not run a second time."""
    made = await hand.add_pipeline(TWO)
    head = await hand.start(made)
    order = await hand.claim(head.id)
    second = World(store=hand.store, clock=hand.clock)
    second.scripted.late.append(
        LateEnd(
            run_id=head.id,
            job_id=JOB,
            fence=order.fence,
            step_id=StepId("a"),
            step_attempt=1,
            end=StepEnd(exit_code=0, variables=(("colour", "blue"),)),
        )
    )

    await second.open()
    run = await second.wait_end(head.id)

    assert run.head.status is Status.SUCCEEDED
    assert run.value("colour") == "blue"
    assert second.scripted.started == [("b", 1)]
    assert second.scripted.late == []
    await second.close()


async def test_late_end_that_was_stored_is_refused(hand: World) -> None:
    """An end that had been reported before the crash changes nothing."""
    made = await hand.add_pipeline(TWO)
    head = await hand.start(made)
    order = await hand.claim(head.id)
    await hand.report(order, StepEnd(exit_code=1))
    second = World(store=hand.store, clock=hand.clock)
    for run_id, step_id in ((head.id, "a"), (head.id, "nothing"), (RunId("b-nobody"), "a")):
        second.scripted.late.append(
            LateEnd(
                run_id=run_id,
                job_id=JOB,
                fence=order.fence,
                step_id=StepId(step_id),
                step_attempt=1,
                end=StepEnd(exit_code=0),
            )
        )

    await second.open()

    run = await second.run(head.id)
    assert run.head.status is Status.FAILED
    assert second.scripted.late == []
    await second.close()


async def test_offers_are_made_again(hand: World) -> None:
    """A job that was offered but not claimed when the server died is offered by the next."""
    made = await hand.add_pipeline(pipeline(stage("s", job("1", "a", labels=("linux",)))))
    head = await hand.start(made)

    async with a_world(store=hand.store, clock=hand.clock, works=False) as second:
        offer = await second.dispatcher.next()

        assert (offer.run_id, offer.job_id, offer.attempt) == (head.id, JOB, 1)
        assert offer.labels == ("linux",)
        assert second.dispatcher.depth == 0


async def test_timers_are_set_again(hand: World) -> None:
    """A review whose time ended while no server ran is refused by the next life."""
    made = await hand.add_pipeline(REVIEWED)
    head = await hand.start(made)
    hand.clock.advance(hours=2)

    async with a_world(store=hand.store, clock=hand.clock) as second:
        run = await second.wait_end(head.id)

        assert run.head.cause is Cause.REJECTED


async def test_queue_is_served_after_a_crash(hand: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose place got free in the last moment of a life begins in the next."""
    made = await hand.add_pipeline(ONE, PipelineSettings(run_lock="SINGLE"))
    first = await hand.start(made)
    second = await hand.start(made)
    order = await hand.claim(first.id)
    hand.engine.on_effects = lambda _run, _effects: None

    async def dead(*_: object) -> None:
        return None

    monkeypatch.setattr(hand.engine.queues, "serve", dead)
    await hand.report(order)
    waiting = (await hand.run(second.id)).head.status

    async with a_world(store=hand.store, clock=hand.clock) as after:
        run = await after.wait_end(second.id)

        assert waiting is Status.QUEUED
        assert run.head.status is Status.SUCCEEDED


async def test_cancel_of_the_life_before_is_finished(hand: World) -> None:
    """A run that was being stopped at the crash runs its clean-up and is cancelled."""
    clean = step("clean", condition=Condition(when=RunWhen.ALWAYS))
    made = await hand.add_pipeline(one_job("a", "b", clean))
    head = await hand.start(made)
    await hand.claim(head.id)
    await hand.stop(head.id)

    async with a_world(store=hand.store, clock=hand.clock) as second:
        run = await second.wait_end(head.id)

        assert run.head.status is Status.CANCELLED
        assert second.scripted.started == [("clean", 1)]
        assert "kill" not in [row.effect.kind for row in await second.store.outbox()]


async def test_many_unfinished_runs_are_taken_into_memory(hand: World) -> None:
    """All unfinished runs count after a start, also those of the second page of the list."""
    made = await hand.add_pipeline(ONE, PipelineSettings(run_lock="SINGLE", max_queue_size=300))
    for _ in range(205):
        await hand.start(made)

    async with a_world(store=hand.store, clock=hand.clock, works=False) as second:
        load = second.engine.lines.load(made.id)

        assert (load.running, len(load.queued)) == (1, 204)


def late_end(head: RunHead, end: StepEnd) -> LateEnd:
    """Give the end of step `a` that was never reported."""
    return LateEnd(
        run_id=head.id, job_id=JOB, fence=1, step_id=StepId("a"), step_attempt=1, end=end
    )


async def test_late_end_of_an_interrupted_step_is_a_loss(hand: World) -> None:
    """A step that ended only because its server did is run again."""
    head = await hand.start(await hand.add_pipeline(ONE))
    await hand.claim(head.id)
    second = World(store=hand.store, clock=hand.clock)
    second.scripted.late.append(late_end(head, StepEnd(cause="lost", signal=9)))

    await second.open()
    run = await second.wait_end(head.id)

    assert run.head.status is Status.SUCCEEDED
    assert second.scripted.started == [("a", 2)]
    await second.close()


async def test_report_that_can_not_be_taken_in_does_not_stop_the_start(
    hand: World, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bad report in the spool costs its step another attempt, not the whole server."""
    head = await hand.start(await hand.add_pipeline(ONE))
    await hand.claim(head.id)
    second = World(store=hand.store, clock=hand.clock)
    second.scripted.late.append(late_end(head, StepEnd(exit_code=0)))
    report = second.engine.report_step

    async def fail(*_: object, **__: object) -> None:
        monkeypatch.setattr(second.engine, "report_step", report)
        raise ValueError("unreadable")

    monkeypatch.setattr(second.engine, "report_step", fail)
    await second.open()
    run = await second.wait_end(head.id)

    assert "late_report_failed" in logged
    assert run.head.status is Status.SUCCEEDED
    assert second.scripted.started == [("a", 2)]
    await second.close()


async def test_start_without_a_store_fails(hand: World) -> None:
    """If what an earlier life left can't be stored, the server does not begin to work."""
    head = await hand.start(await hand.add_pipeline(ONE))
    await hand.claim(head.id)
    second = World(store=hand.store, clock=hand.clock)
    second.scripted.late.append(late_end(head, StepEnd(exit_code=0)))
    hand.unruly.outages = 1

    with pytest.raises(InfrastructureError):
        await second.open()

    assert len(second.scripted.late) == 1
    assert (await hand.run(head.id)).head.status is Status.RUNNING
