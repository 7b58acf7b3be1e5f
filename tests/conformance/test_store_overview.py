"""Pipelines with their newest runs, stages of runs, the past of a node, open gates."""

import pytest
from msgspec.structs import replace

from conformance.store_builders import (
    ANN,
    SHOP,
    at,
    build_head,
    build_pipeline,
    build_project,
    build_spec,
    build_version,
    create,
    decide,
    new_draft,
    pipeline_id,
    play,
    put_pipeline,
    run_id,
    step_id,
)
from conformance.store_strategies import BANK
from mulligan.core import events as e
from mulligan.core.ids import ProjectId, StageId, UserName
from mulligan.core.status import Status
from mulligan.ports import Store
from mulligan.ports.overview import PipelineFilter

pytestmark = pytest.mark.anyio

ALL = PipelineFilter()


async def play_run(store: Store, number: int, *results: Status, pipeline: int = 1) -> None:
    """Store a run that has ended so, two minutes after the one before."""
    ident = 100 * pipeline + number
    head = replace(build_head(number, ident=ident, pipeline=pipeline), queued_at=at(120 * number))
    decision = create(head)
    await store.append(decision)
    for each in play(decision.run, results=results):
        await store.append(each)


async def test_cards_show_the_newest_runs(store: Store) -> None:
    """Newest pipeline first, its newest runs first, no more than asked for."""
    await put_pipeline(store, 1)
    await put_pipeline(store, 2)
    for number in range(1, 5):
        await play_run(store, number)
    await play_run(store, 5, Status.FAILED)

    cards = await store.list_cards(SHOP, ALL, runs=3)

    assert [card.pipeline.id for card in cards] == [pipeline_id(2), pipeline_id(1)]
    assert cards[0].recent == ()
    assert [run.number for run in cards[1].recent] == [5, 4, 3]
    newest = cards[1].recent[0]
    assert (newest.status, newest.started_by, newest.recovered) == (Status.FAILED, ANN, False)
    head = await store.find_head(newest.id)
    assert head is not None
    assert (newest.queued_at, newest.ended_at) == (head.queued_at, head.ended_at)


async def test_cards_are_filtered_and_go_on(store: Store) -> None:
    """By name, by the status of the newest run, by label and maker; pages by number."""
    for number in (1, 2, 3):
        await put_pipeline(store, number)
    found = await store.find_pipeline(pipeline_id(2))
    assert found is not None
    settings = replace(found.settings, labels=("l1", "l2"))
    await store.put_pipeline(replace(found, settings=settings))
    await play_run(store, 1, Status.FAILED)
    await play_run(store, 1, pipeline=3)

    async def numbers(where: PipelineFilter, **more: int) -> list[str]:
        cards = await store.list_cards(SHOP, where, **more)
        return [card.pipeline.name for card in cards]

    assert await numbers(PipelineFilter(name="build 2")) == ["build 2"]
    assert await numbers(PipelineFilter(name_contains="d 1")) == ["build 1"]
    assert await numbers(PipelineFilter(statuses=(Status.FAILED,))) == ["build 1"]
    both = (Status.FAILED, Status.SUCCEEDED)
    assert await numbers(PipelineFilter(statuses=both)) == ["build 3", "build 1"]
    assert await numbers(PipelineFilter(labels=frozenset({"l2", "x"}))) == ["build 2"]
    assert await numbers(PipelineFilter(labels=frozenset())) == []
    assert await numbers(PipelineFilter(owner=UserName("nobody"))) == []
    assert await numbers(ALL, limit=2) == ["build 3", "build 2"]
    assert await numbers(ALL, limit=2, before=found.number) == ["build 1"]
    assert await store.list_cards(ProjectId("none"), ALL) == ()


async def test_stages_come_in_the_order_of_the_definition(store: Store) -> None:
    """With a record where something happened; unknown runs are left out."""
    await put_pipeline(store, 1, build_spec(stages=2))
    decision = create(build_head(1), build_spec(stages=2))
    await store.append(decision)
    first = StageId("stage-2")
    begun = decide(
        decision.run, e.RunStarted(at=at(1)), e.StageStarted(at=at(1), node=first, position=0)
    )
    await store.append(begun)

    found = await store.stages_of([run_id(1), run_id(99)])

    lines = [
        (line.id, line.record.status if line.record else None) for line in found.pop(run_id(1))
    ]
    assert lines == [("stage-2", Status.RUNNING), ("stage-3", None)]
    assert found == {}
    assert await store.stages_of([]) == {}


async def test_the_past_of_a_node(store: Store) -> None:
    """Newest first, up to a run; runs that never came to it are left out."""
    await put_pipeline(store, 1)
    await play_run(store, 1)
    await play_run(store, 2, Status.SUCCEEDED, Status.FAILED)
    await play_run(store, 3, Status.FAILED)

    past = await store.past_of(pipeline_id(1), "step", step_id(2), up_to=3, limit=10)

    seen = [(node.number, node.status, node.seconds) for node in past]
    assert seen == [(2, Status.FAILED, 1.0), (1, Status.SUCCEEDED, 1.0)]
    job = await store.past_of(pipeline_id(1), "job", "1", up_to=2, limit=1)
    assert [(node.number, node.status) for node in job] == [(2, Status.FAILED)]
    assert await store.past_of(pipeline_id(9), "stage", "stage-2", up_to=9, limit=9) == ()


async def test_open_gates_are_those_of_unfinished_runs(store: Store) -> None:
    """Oldest first, of the wanted projects; one that is closed waits no more."""
    await put_pipeline(store, 1)
    await store.put_project(build_project(BANK))
    await store.put_pipeline(build_pipeline(3, project=BANK), build_version(3))
    runs = []
    for place, (project, pipeline) in enumerate(((SHOP, 1), (BANK, 3)), start=1):
        head = replace(build_head(1, ident=place, pipeline=pipeline), project=project)
        draft = new_draft(head)
        draft.emit(e.RunStarted(at=at(place)))
        draft.emit(
            e.GateOpened(
                at=at(place),
                node=StageId("stage-2"),
                kind="stage-review",
                run_attempt=1,
                reviewers=("ann",),
            )
        )
        decision = draft.decision()
        await store.append(decision)
        runs.append(decision.run)

    every = await store.open_gates(None)
    assert [each.run for each in every] == [run_id(1), run_id(2)]
    assert every[0].gate.reviewers == ("ann",)
    assert (every[0].project, every[0].pipeline) == (SHOP, pipeline_id(1))
    assert await store.open_gates([BANK]) == every[1:]
    assert await store.open_gates(None, after=every[0].key) == every[1:]
    assert await store.open_gates(None, limit=1) == every[:1]
    assert await store.open_gates([]) == ()
    closed = e.GateClosed(at=at(9), node=StageId("stage-2"), approved=True)
    await store.append(decide(runs[0], closed))
    assert await store.open_gates(None) == every[1:]


async def test_what_steps_took(store: Store) -> None:
    """When they succeeded, in the newest runs; and runs since an instant."""
    await put_pipeline(store, 1)
    await play_run(store, 1)
    await play_run(store, 2)
    await play_run(store, 3, Status.SUCCEEDED, Status.FAILED)
    wanted = [step_id(1), step_id(2)]

    took = await store.step_seconds(pipeline_id(1), wanted, runs=2)

    assert took == {step_id(1): (1.0, 1.0), step_id(2): (1.0,)}
    assert await store.step_seconds(pipeline_id(1), [], runs=2) == {}
    rows = await store.run_rows(SHOP, None, since=at(240), limit=9)
    assert [run.number for run in rows] == [3, 2]
    assert await store.run_rows(SHOP, pipeline_id(1), since=at(240), limit=1) == rows[:1]
    assert await store.run_rows(BANK, None, since=at(0), limit=9) == ()


async def test_steps_with_several_attempts(store: Store) -> None:
    """All attempts of these, none of others."""
    await put_pipeline(store, 1)
    await play_run(store, 1, Status.SUCCEEDED, Status.FAILED)
    run = await store.get_run(run_id(101))
    again = decide(run, e.StepReset(at=at(900), node=step_id(2), run_attempt=2))
    await store.append(again)

    (found,) = await store.retried_steps([run_id(101), run_id(9)])

    assert (found.run, found.step) == (run_id(101), step_id(2))
    assert [(step.attempt, step.status) for step in found.attempts] == [
        (1, Status.FAILED),
        (2, Status.QUEUED),
    ]
