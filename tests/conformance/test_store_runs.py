"""What every store does with runs."""

import asyncio

import pytest
from msgspec.structs import replace

from conformance.store_builders import (
    ANN,
    NOW,
    RUNNER,
    SHOP,
    at,
    build_head,
    build_spec,
    build_version,
    create,
    decide,
    parts,
    pipeline_id,
    play,
    put_pipeline,
    run_id,
    step_id,
)
from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Decision, Effect
from mulligan.core.errors import ConflictError, NotFoundError, StaleRevisionError
from mulligan.core.ids import JobId, PipelineId, ProjectId
from mulligan.core.records import Artifact, AuditEntry, Receipt
from mulligan.core.run import Run, RunAttempt, Write
from mulligan.core.spec import PipelineSpec
from mulligan.core.status import Status
from mulligan.ports import Acts, Store

pytestmark = pytest.mark.anyio

RECEIPT = Receipt(
    actor=ANN,
    key="k-1",
    fingerprint="f",
    status=200,
    body=b'{"id": 1}',
    content_type="application/json",
    created_at=NOW,
)


async def start(store: Store, number: int = 1, spec: PipelineSpec | None = None) -> Run:
    """Store a new run of the pipeline that tests know as 1; make that when it is missing."""
    if await store.find_pipeline(pipeline_id(1)) is None:
        await put_pipeline(store, spec=spec)
    decision = create(build_head(number), spec)
    await store.append(decision)
    return decision.run


async def go(store: Store, run: Run, *events: e.Event, effects: tuple[Effect, ...] = ()) -> Run:
    """Store a decision of these events; return the snapshot after it."""
    decision = decide(run, *events, effects=effects)
    await store.append(decision)
    return decision.run


async def finish(store: Store, run: Run, *results: Status) -> Run:
    """Carry a new run to its end."""
    for decision in play(run, results=results):
        await store.append(decision)
        run = decision.run
    return run


def reopen(run: Run, seconds: float = 100) -> list[e.Event]:
    """Give the events of a retry of the last step of a finished run."""
    now = at(seconds)
    step = run.index.spec.stages[0].jobs[0].steps[-1].id
    number = run.head.attempt + 1
    attempt = RunAttempt(number=number, actor=ANN, queued_at=now, what="retry", target=step)
    return [
        e.RunRetried(at=now, attempt=attempt, retry_target=step),
        e.StageReset(at=now, node="stage-2", run_attempt=number),
        e.JobReset(at=now, node="1", run_attempt=number, workspace="live"),
        e.StepReset(at=now, node=step, run_attempt=number, asked=True),
        e.JobQueued(at=now, node="1", run_attempt=number),
    ]


# --- append and read back -----------------------------------------------------------------------


async def test_each_snapshot_of_a_run_is_read_back_equal(store: Store) -> None:
    """What `append` got is what `get_run` gives, at every revision."""
    run = await start(store)
    for decision in play(run, results=[Status.SUCCEEDED, Status.FAILED]):
        await store.append(decision)

        stored = await store.get_run(run.head.id)

        assert parts(stored) == parts(decision.run)


async def test_a_retried_run_is_read_back_with_its_newest_attempts(store: Store) -> None:
    """A snapshot holds the latest attempt of each node, also when there are older ones."""
    failed = await finish(store, await start(store), *[Status.SUCCEEDED] * 2, Status.FAILED)

    again = await go(store, failed, *reopen(failed))

    stored = await store.get_run(again.head.id)
    assert parts(stored) == parts(again)
    assert stored.steps[step_id(3)].attempt == 2
    assert stored.jobs[JobId("1")].attempt == 2


async def test_failed_steps_keep_their_order(store: Store) -> None:
    """The list of failed steps loses one that succeeds and gets one that fails again at its end."""
    spec = build_spec(jobs=3, steps=1)
    run = await start(store, spec=spec)
    run = await go(store, run, e.RunStarted(at=NOW))
    for number in (1, 2, 3):
        run = await go(store, run, *fail(number))
    failed = await store.get_run(run.head.id)

    run = await go(store, run, e.StepRetried(at=NOW, node=step_id(1)), *fail(1))
    run = await go(
        store,
        run,
        e.StepRetried(at=NOW, node=step_id(2)),
        e.StepStarted(at=NOW, node=step_id(2)),
        e.StepFinished(at=NOW, node=step_id(2), status=Status.SUCCEEDED),
    )

    stored = await store.get_run(run.head.id)
    assert failed.head.failed_steps == (step_id(1), step_id(2), step_id(3))
    assert stored.head.failed_steps == (step_id(3), step_id(1))


def fail(number: int) -> list[e.Event]:
    """Give the events of a step that runs and fails."""
    return [
        e.StepStarted(at=NOW, node=step_id(number)),
        e.StepFinished(at=NOW, node=step_id(number), status=Status.FAILED, cause=Cause.USER),
    ]


async def test_withdrawn_values_are_gone(store: Store) -> None:
    """A value is the newest write whose writer was not withdrawn since."""
    run = await start(store)
    by_step = Write(name="colour", value="blue", writer=step_id(1), attempt=1)
    other = Write(name="size", value="large", writer=step_id(2), attempt=1)
    run = await go(store, run, e.ValuesWritten(at=NOW, writes=(by_step, other)))
    written = await store.get_run(run.head.id)

    run = await go(store, run, e.ValuesWithdrawn(at=NOW, writers=(step_id(1), step_id(2))))
    withdrawn = await store.get_run(run.head.id)
    run = await go(
        store,
        run,
        e.ValuesWithdrawn(at=NOW, everything=True),
        e.ValuesWritten(at=NOW, writes=(replace(other, attempt=2),)),
    )

    anew = await store.get_run(run.head.id)
    assert (written.value("colour"), written.value("size")) == ("blue", "large")
    assert (withdrawn.value("colour"), withdrawn.value("size")) == ("red", None)
    assert (anew.value("colour"), anew.value("size")) == (None, "large")
    assert parts(anew) == parts(run)


async def test_many_withdrawn_writers_at_once(store: Store) -> None:
    """Thousands of steps may be withdrawn by one event."""
    run = await start(store)
    writers = [step_id(number) for number in range(2_000)]
    writes = tuple(Write(name=f"v{n}", value="x", writer=w) for n, w in enumerate(writers))
    run = await go(store, run, e.ValuesWritten(at=NOW, writes=writes))

    run = await go(store, run, e.ValuesWithdrawn(at=NOW, writers=tuple(writers[1:])))

    stored = await store.get_run(run.head.id)
    assert set(stored.writes) == {"colour", "v0"}


async def test_history_holds_all_attempts(store: Store) -> None:
    """Every attempt of every node can be read, oldest first, after a newer one was made."""
    failed = await finish(store, await start(store), *[Status.SUCCEEDED] * 2, Status.FAILED)

    again = await go(store, failed, *reopen(failed))

    history = await store.history(again.head.id)
    assert history.steps[step_id(3)] == (failed.steps[step_id(3)], again.steps[step_id(3)])
    assert [job.status for job in history.jobs["1"]] == [Status.FAILED, Status.QUEUED]
    assert [stage.attempt for stage in history.stages["stage-2"]] == [1, 2]
    assert history.steps[step_id(1)] == (failed.steps[step_id(1)],)
    assert await store.step_attempts(again.head.id, step_id(3)) == history.steps[step_id(3)]


async def test_two_attempts_of_a_step_in_one_decision(store: Store) -> None:
    """A decision that ends an attempt and begins the next one stores both."""
    run = await start(store)
    run = await go(
        store, run, e.RunStarted(at=NOW), *fail(1), e.StepRetried(at=at(1), node=step_id(1))
    )

    attempts = await store.step_attempts(run.head.id, step_id(1))

    assert [step.attempt for step in attempts] == [1, 2]
    assert [step.status for step in attempts] == [Status.FAILED, Status.QUEUED]
    assert (await store.get_run(run.head.id)).steps[step_id(1)] == attempts[1]


async def test_gates_are_kept_by_number(store: Store) -> None:
    """A gate that is opened again is a new record; the closed one stays."""
    run = await start(store)
    opened = e.GateOpened(
        at=NOW, node=step_id(1), kind="pause", run_attempt=1, reviewers=("ann",), due_at=at(60)
    )
    run = await go(store, run, opened)
    voted = e.GateVoted(at=at(1), node=step_id(1), user=ANN, approve=True, values={"n": [1, None]})
    run = await go(store, run, voted, e.GateClosed(at=at(1), node=step_id(1), approved=True))

    run = await go(store, run, replace(opened, at=at(2)))

    stored = await store.get_run(run.head.id)
    history = await store.history(run.head.id)
    assert parts(stored) == parts(run)
    assert stored.open_gate(step_id(1)) == run.gates[step_id(1)]
    assert [gate.state for gate in history.gates[step_id(1)]] == ["approved", "open"]
    assert history.gates[step_id(1)][0].votes[0].values == {"n": [1, None]}


# --- conditions ---------------------------------------------------------------------------------


async def test_a_decision_on_an_old_revision_is_refused(store: Store) -> None:
    """Of two decisions on one revision the second one changes nothing."""
    run = await start(store)
    await store.append(decide(run, e.RemarkWritten(at=NOW, actor=ANN, text="first")))
    seq = await store.last_seq()

    with pytest.raises(StaleRevisionError):
        await store.append(decide(run, e.RemarkWritten(at=NOW, actor=ANN, text="second")))

    assert (await store.get_run(run.head.id)).head.remark == "first"
    assert await store.last_seq() == seq


async def test_a_run_is_made_only_once(store: Store) -> None:
    """A new run with the id of a stored one is refused as stale."""
    run = await start(store)

    with pytest.raises(StaleRevisionError):
        await store.append(create(build_head(2, ident=1)))

    assert (await store.get_run(run.head.id)).head.number == 1


async def test_a_decision_on_an_unknown_run_is_refused(store: Store) -> None:
    """What was never stored has no revision to build on."""
    await put_pipeline(store)
    run = create(build_head()).run

    with pytest.raises(StaleRevisionError):
        await store.append(decide(run, e.RunStarted(at=NOW)))

    assert await store.find_head(run.head.id) is None


async def test_a_run_number_is_given_only_once(store: Store) -> None:
    """The second run with a number of the same pipeline is a conflict and is not stored."""
    await start(store)

    with pytest.raises(ConflictError) as caught:
        await store.append(create(build_head(1, ident=2)))

    assert caught.value.code == "run-number"
    assert await store.find_head(run_id(2)) is None


async def test_a_run_needs_its_pipeline(store: Store) -> None:
    """A run of a pipeline that is not stored is refused."""
    with pytest.raises(NotFoundError):
        await store.append(create(build_head()))

    assert await store.last_seq() == 0


async def test_a_decision_needs_an_event(store: Store) -> None:
    """A revision without an event would be a gap for whoever follows the events."""
    run = await start(store)
    head = replace(run.head, revision=2)

    with pytest.raises(ValueError, match="gap"):
        await store.append(Decision(run=replace(run, head=head), base_revision=1, events=()))

    assert (await store.get_run(run.head.id)).head.revision == 1


async def test_acts_are_stored_with_the_decision(store: Store) -> None:
    """Receipt and audit entry are there after the act that they belong to."""
    run = await start(store)
    entry = AuditEntry(at=NOW, actor=ANN, action="run.remark", project=SHOP, target=run.head.id)
    decision = decide(run, e.RemarkWritten(at=NOW, actor=ANN, text="x"))

    await store.append(decision, Acts(receipt=RECEIPT, audit=(entry,)))

    assert await store.find_receipt(ANN, "k-1") == RECEIPT
    (stored,) = await store.list_audit(project=SHOP)
    assert replace(stored, id=0) == entry


async def test_a_receipt_that_exists_refuses_the_whole_decision(store: Store) -> None:
    """The second act under one key changes nothing, in whichever table."""
    run = await start(store)
    await store.put_receipt(RECEIPT)
    entry = AuditEntry(at=NOW, actor=ANN, action="run.remark", project=SHOP)
    decision = decide(
        run,
        e.RemarkWritten(at=NOW, actor=ANN, text="x"),
        effects=[Effect(kind="notify", key="1")],
    )

    with pytest.raises(ConflictError) as caught:
        await store.append(decision, Acts(receipt=RECEIPT, audit=(entry,)))

    assert caught.value.code == "receipt"
    assert parts(await store.get_run(run.head.id)) == parts(run)
    assert await store.outbox() == ()
    assert await store.list_audit() == ()
    assert len(await store.events_after(0, run_id=run.head.id)) == 2


# --- several at once ----------------------------------------------------------------------------


async def test_appends_to_many_runs_at_once_all_land(store: Store) -> None:
    """200 runs that are carried on at the same time are all stored, each step in its order."""
    await put_pipeline(store)

    async def whole_life(number: int) -> None:
        decision = create(build_head(number))
        await store.append(decision)
        for following in play(decision.run):
            await store.append(following)

    await asyncio.gather(*(whole_life(number) for number in range(1, 201)))

    for number in range(1, 201):
        run = await store.get_run(run_id(number))
        assert run.head.status is Status.SUCCEEDED
        events = await store.events_after(0, run_id=run_id(number))
        revisions = [row.revision for row in events]
        assert revisions == sorted(revisions)
        assert set(revisions) == set(range(1, run.head.revision + 1))


async def test_of_many_decisions_on_one_revision_one_wins(store: Store) -> None:
    """However many decide at once, exactly one of them is stored."""
    run = await start(store)
    decisions = [
        decide(run, e.RemarkWritten(at=NOW, actor=ANN, text=f"remark {number}"))
        for number in range(20)
    ]

    answers = await asyncio.gather(
        *(store.append(decision) for decision in decisions), return_exceptions=True
    )

    won = [number for number, answer in enumerate(answers) if answer is None]
    assert len(won) == 1
    assert all(isinstance(answer, StaleRevisionError) for answer in answers if answer is not None)
    stored = await store.get_run(run.head.id)
    assert stored.head.remark == f"remark {won[0]}"


async def test_decisions_of_a_run_may_follow_without_waiting(store: Store) -> None:
    """Decisions are carried out in the order of the calls, each on the one before."""
    await put_pipeline(store)
    created = create(build_head())
    decisions = [created, *play(created.run)]

    await asyncio.gather(*(store.append(decision) for decision in decisions))

    stored = await store.get_run(run_id(1))
    assert parts(stored) == parts(decisions[-1].run)


async def test_what_follows_a_refused_decision_is_refused_too(store: Store) -> None:
    """A decision on a revision that was not reached is stale; one on the stored revision is not."""
    run = await start(store)
    await store.put_receipt(RECEIPT)
    first = decide(run, e.RemarkWritten(at=NOW, actor=ANN, text="first"))
    second = decide(first.run, e.RunStarted(at=NOW))

    answers = await asyncio.gather(
        store.append(first, Acts(receipt=RECEIPT)), store.append(second), return_exceptions=True
    )
    other = decide(run, e.RemarkWritten(at=NOW, actor=ANN, text="other"))
    await store.append(other)
    last = decide(other.run, e.RunStarted(at=NOW))
    await store.append(last)

    assert [type(answer) for answer in answers] == [ConflictError, StaleRevisionError]
    assert parts(await store.get_run(run.head.id)) == parts(last.run)


async def test_a_caller_that_gives_up_leaves_the_store_usable(store: Store) -> None:
    """A cancelled `append` was carried out or not; in either case the run can be carried on."""
    run = await start(store)
    decision = decide(run, e.RemarkWritten(at=NOW, actor=ANN, text="x"))
    task = asyncio.ensure_future(store.append(decision))
    await asyncio.sleep(0)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    stored = await store.get_run(run.head.id)
    assert stored.head.revision in {1, 2}
    await until_settled(store, run)


async def until_settled(store: Store, run: Run) -> None:
    """Go on from whatever is stored; someone else may still be quicker, but not for ever."""
    for _ in range(3):
        stored = await store.get_run(run.head.id)
        try:
            await store.append(decide(stored, e.RunStarted(at=at(1))))
        except StaleRevisionError:
            continue
        return
    pytest.fail("the revision keeps changing")


# --- finding ------------------------------------------------------------------------------------


async def test_an_unknown_run_is_not_found(store: Store) -> None:
    """Reading what is not there says so."""
    with pytest.raises(NotFoundError):
        await store.get_run(run_id(9))
    with pytest.raises(NotFoundError):
        await store.history(run_id(9))

    assert await store.find_head(run_id(9)) is None
    assert await store.step_attempts(run_id(9), step_id(1)) == ()
    assert await store.list_artifacts(run_id(9)) == ()


async def test_a_run_is_found_by_its_number(store: Store) -> None:
    """Numbers lead to runs of that pipeline only."""
    await start(store, 1)
    await start(store, 7)
    await put_pipeline(store, 2)

    found = [await store.find_run_by_number(pipeline_id(1), number) for number in (1, 2, 7)]

    assert found == [run_id(1), None, run_id(7)]
    assert await store.last_number(pipeline_id(1)) == 7
    assert await store.last_number(pipeline_id(2)) == 0
    assert await store.last_number(PipelineId("p-none")) == 0
    assert await store.find_run_by_number(pipeline_id(2), 1) is None


async def test_unfinished_runs_are_counted(store: Store) -> None:
    """Queued and running runs are counted apart, finished ones not at all."""
    await finish(store, await start(store, 1))
    await start(store, 2)
    await start(store, 3)
    await go(store, await start(store, 4), e.RunStarted(at=NOW))

    assert await store.count_unfinished(pipeline_id(1)) == (2, 1)
    assert await store.count_unfinished(PipelineId("p-none")) == (0, 0)


async def test_a_run_whose_version_was_dropped_has_a_head_only(store: Store) -> None:
    """Without its definition a run can be listed, but not loaded."""
    run = await finish(store, await start(store))
    pipeline = await store.find_pipeline(pipeline_id(1))
    assert pipeline is not None
    await store.put_pipeline(pipeline, build_version(version=2))

    assert await store.drop_versions(pipeline_id(1), keep=1) == 1

    assert await store.find_head(run.head.id) == run.head
    with pytest.raises(NotFoundError):
        await store.get_run(run.head.id)


async def test_held_jobs_are_those_that_a_runner_has(store: Store) -> None:
    """A claimed job is held until it is parked, requeued or finished."""
    held: list[tuple[object, ...]] = []
    run = await start(store)
    claimed = e.JobClaimed(at=NOW, node="1", runner=RUNNER, fence=1)
    for events in (
        [e.RunStarted(at=NOW), e.JobQueued(at=NOW, node="1", run_attempt=1)],
        [claimed],
        [e.JobParked(at=NOW, node="1")],
        [e.JobRequeued(at=NOW, node="1"), replace(claimed, fence=2)],
        [e.JobFinished(at=NOW, node="1", status=Status.SUCCEEDED)],
    ):
        run = await go(store, run, *events)
        held.append(await store.held_jobs())

    job = ((run.head.id, "1"),)
    assert held == [(), job, (), job, ()]


# --- events and effects -------------------------------------------------------------------------


async def test_events_are_one_ascending_sequence(store: Store) -> None:
    """Reading on from the last `seq` gives every event once, in order, as it was."""
    one = await start(store, 1)
    two = await start(store, 2)
    one = await go(store, one, e.RunStarted(at=NOW), e.RemarkWritten(at=NOW, actor=ANN, text="é"))
    await go(store, two, e.RunStarted(at=NOW))

    first = await store.events_after(0, limit=3)
    rest = await store.events_after(first[-1].seq)

    rows = [*first, *rest]
    assert len(first) == 3
    assert [row.seq for row in rows] == sorted({row.seq for row in rows})
    assert [(row.run_id, row.revision) for row in rows] == [
        *[(run_id(1), 1)] * 2,
        *[(run_id(2), 1)] * 2,
        *[(run_id(1), 2)] * 2,
        (run_id(2), 2),
    ]
    assert rows[5].event == e.RemarkWritten(at=NOW, actor=ANN, text="é")
    assert rows[-1].seq == await store.last_seq()
    assert await store.events_after(rows[-1].seq) == ()


async def test_events_can_be_narrowed(store: Store) -> None:
    """Events of a project, a pipeline or a run are those of its runs only."""
    await start(store, 1)
    await put_pipeline(store, 2)
    await store.append(create(build_head(1, ident=2, pipeline=2)))

    by_run = await store.events_after(0, run_id=run_id(2))
    by_pipeline = await store.events_after(0, pipeline=pipeline_id(2), project=SHOP)
    by_project = await store.events_after(0, project=SHOP)

    assert {row.run_id for row in by_run} == {run_id(2)}
    assert by_pipeline == by_run
    assert {(row.run_id, row.pipeline, row.project) for row in by_project} == {
        (run_id(1), pipeline_id(1), SHOP),
        (run_id(2), pipeline_id(2), SHOP),
    }
    assert await store.events_after(0, project=ProjectId("none")) == ()
    assert await store.events_after(0, run_id=run_id(9)) == ()


async def test_effects_wait_in_the_outbox(store: Store) -> None:
    """An effect is there from its decision on, until it is dropped by a decision or when done."""
    run = await start(store)
    timer = Effect(kind="timer", key="1", due_at=at(60), data={"what": "timeout", "n": [1, 2]})
    offer = Effect(kind="offer", key="1")
    run = await go(store, run, e.RunStarted(at=NOW), effects=(timer, offer))
    both = await store.outbox()
    run = await go(
        store,
        run,
        e.RemarkWritten(at=at(5), actor=ANN, text="x"),
        effects=(replace(offer, drop=True), replace(timer, due_at=at(90))),
    )

    one = await store.outbox()
    await store.drop_effect(run.head.id, "timer", "1")
    await store.drop_effect(run.head.id, "timer", "1")
    await store.drop_effect(run_id(9), "timer", "1")

    assert [(row.effect, row.created_at, row.run_id) for row in both] == [
        (timer, NOW, run.head.id),
        (offer, NOW, run.head.id),
    ]
    assert [(row.effect.due_at, row.created_at) for row in one] == [(at(90), at(5))]
    assert await store.outbox() == ()


async def test_the_oldest_effect_comes_first(store: Store) -> None:
    """Effects of several runs are given in the order of their decisions' times."""
    early, late = await start(store, 1), await start(store, 2)
    offer = Effect(kind="offer", key="1")

    await go(store, late, e.RunStarted(at=at(9)), effects=(offer,))
    await go(store, early, e.RunStarted(at=at(3)), effects=(offer,))

    assert [row.run_id for row in await store.outbox()] == [run_id(1), run_id(2)]


# --- artifacts ----------------------------------------------------------------------------------


async def test_artifacts_are_listed_by_age_and_replaced_by_path(store: Store) -> None:
    """The same path of the same attempt again takes the place of the first."""
    run = await start(store)
    first = Artifact(
        run=run.head.id,
        step=step_id(1),
        attempt=1,
        run_attempt=1,
        path="dist/a.zip",
        size=3,
        digest="0" * 64,
        created_at=NOW,
    )
    second = replace(first, path="dist/b.zip")
    await store.add_artifacts([first, second])

    await store.add_artifacts([replace(first, size=5), replace(first, attempt=2)])

    assert await store.list_artifacts(run.head.id) == (
        replace(first, size=5),
        second,
        replace(first, attempt=2),
    )


async def test_artifacts_of_an_unknown_run_are_refused(store: Store) -> None:
    """Nothing of a list of artifacts is stored when one of them has no run."""
    run = await start(store)
    known = Artifact(
        run=run.head.id,
        step=step_id(1),
        attempt=1,
        run_attempt=1,
        path="a",
        size=0,
        digest="0" * 64,
        created_at=NOW,
    )

    with pytest.raises(NotFoundError):
        await store.add_artifacts([known, replace(known, run=run_id(9))])

    assert await store.list_artifacts(run.head.id) == ()
