"""What holds after every decision about any run, whoever did what, in whatever order.

The rules themselves stand in `core_watch`: each decision of a `World` is put to them.
"""

from __future__ import annotations

import msgspec
from core_acts import happen
from core_world import World
from hypothesis import given, settings
from hypothesis import strategies as st

from mulligan.core.events import Event
from mulligan.core.evolve import evolve
from mulligan.core.run import RunSettings
from mulligan.core.spec import PipelineSpec
from mulligan.core.status import Status
from mulligan.testing.strategies import Act, Outcomes, acts, outcomes, pipeline_specs

_DECODER = msgspec.json.Decoder(Event)


@settings(deadline=None, max_examples=250)
@given(
    pipeline_specs(most_stages=4, most_jobs=3, most_steps=4, mutexes=True),
    outcomes(),
    acts(),
    st.booleans(),
    st.booleans(),
)
def test_every_run_ends_and_no_rule_is_broken(
    spec: PipelineSpec, ends: Outcomes, course: list[Act], upstream: bool, waits: bool
) -> None:
    """However runners, people and accidents mix, every rule holds and the run comes to its end."""
    world = World(spec, ends, settings=RunSettings(only_current_attempt=upstream), waits=waits)

    happen(world, course)
    run = world.finish()

    assert run.head.status.is_final
    assert run.head.cancel is None or run.head.status is not Status.SUCCEEDED


@settings(deadline=None, max_examples=25)
@given(pipeline_specs(), outcomes(), acts(most=60))
def test_large_definitions_end_as_well(
    spec: PipelineSpec, ends: Outcomes, course: list[Act]
) -> None:
    """The same with as many stages, jobs and steps as a user may draw by hand."""
    world = World(spec, ends)

    happen(world, course)
    run = world.finish()

    assert run.head.status.is_final


@settings(deadline=None, max_examples=60)
@given(pipeline_specs(most_stages=3, most_jobs=3, most_steps=3, mutexes=True), outcomes(), acts())
def test_stored_events_give_the_stored_snapshot(
    spec: PipelineSpec, ends: Outcomes, course: list[Act]
) -> None:
    """Events that went through JSON and back, replayed from the beginning, give the same run."""
    world = World(spec, ends)
    happen(world, course)
    stored = [msgspec.json.encode(event) for event in world.events()]

    again = world.first
    for text in stored:
        again = evolve(again, _DECODER.decode(text))

    expected = world.run
    assert again.head == msgspec.structs.replace(expected.head, revision=again.head.revision)
    assert (again.stages, again.jobs, again.steps) == (
        expected.stages,
        expected.jobs,
        expected.steps,
    )
    assert (again.gates, again.writes) == (expected.gates, expected.writes)


@settings(deadline=None, max_examples=60)
@given(pipeline_specs(most_stages=3, most_jobs=3, most_steps=3), outcomes(), acts())
def test_revisions_follow_one_another(
    spec: PipelineSpec, ends: Outcomes, course: list[Act]
) -> None:
    """Each decision builds on the revision of the one before, and none is empty."""
    world = World(spec, ends)

    happen(world, course)

    bases = [decision.base_revision for decision in world.decisions]
    assert bases == list(range(len(bases)))
    assert world.run.head.revision == len(bases)
    assert all(decision.events for decision in world.decisions)
