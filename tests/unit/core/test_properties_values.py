"""R5: which value of a variable is visible, after any course of a run. Checked against a model."""

from __future__ import annotations

from core_acts import happen
from core_world import World
from hypothesis import given, settings

from mulligan.core import events as e
from mulligan.core.decision import Decision
from mulligan.core.ids import JobId, StepId
from mulligan.core.run import Run, StartParameter, Write
from mulligan.core.spec import PipelineSpec
from mulligan.testing.strategies import Act, Outcomes, acts, outcomes, pipeline_specs

PARAMETERS = (
    StartParameter(name="color", value="red"),
    StartParameter(name="fixed", value="1", read_only=True),
)


class Visible:
    """All writes of a run in order; a retry takes out those of the nodes that run again."""

    def __init__(self) -> None:
        self.writes: list[Write] = []

    def see(self, decision: Decision, before: Run) -> None:
        """Take in one decision; `before` is the snapshot that it was made on."""
        whole = any(isinstance(event, e.RunRetried) for event in decision.events) and not any(
            event.attempt.target for event in decision.events if isinstance(event, e.RunRetried)
        )
        carried = {event.node for event in decision.events if isinstance(event, e.GateCarried)}
        repaired = any(isinstance(event, e.RunRepaired) for event in decision.events)
        split: set[str] = set()
        for event in decision.events:
            match event:
                case e.JobSplit(node=node):
                    split.add(node)
                case e.JobReset(node=node, keeps_split=False) if not whole:
                    self.drop_copies(before, JobId(node))
                case e.StepReset(node=node) if parent_of(decision.run, node) in split:
                    pass  # a new split: what the old one wrote was withdrawn with that
                case e.ValuesWithdrawn(everything=True):
                    self.writes = [w for w in self.writes if w.writer == "start"]
                case e.ValuesWritten(writes=writes):
                    self.writes += writes
                case e.StepReset(node=node) | e.StepRetried(node=node, lost=False) if not whole:
                    self.drop(node)
                    self.drop_pause(event, repaired=repaired)
                case e.StageReset(node=node) if not whole and node not in carried:
                    self.drop(f"review:{node}")
                case _:
                    pass

    def drop(self, writer: str) -> None:
        """Take out what a node wrote."""
        self.writes = [write for write in self.writes if write.writer != writer]

    def drop_pause(self, event: e.StepReset | e.StepRetried, *, repaired: bool) -> None:
        """Take out who let a step begin if it pauses again: once in each attempt of the run."""
        if isinstance(event, e.StepReset) and not repaired:
            self.drop(f"pause:{event.node}")

    def drop_copies(self, run: Run, job_id: JobId) -> None:
        """Take out what the copies of a matrix job wrote."""
        for copy in run.index.children.get(job_id, ()):
            for step in copy.steps:
                self.drop(step.id)
                self.drop(f"pause:{step.id}")

    def values(self) -> dict[str, str]:
        """Return what is visible."""
        return {write.name: write.value for write in self.writes}


def parent_of(run: Run, step_id: str) -> JobId | None:
    """Return the matrix job of whose copies one holds the step."""
    return run.index.parents.get(run.index.step_job[StepId(step_id)][0])


@settings(deadline=None, max_examples=150)
@given(pipeline_specs(most_stages=3, most_jobs=3, most_steps=3), outcomes(), acts())
def test_values_of_what_runs_again_are_withdrawn(
    spec: PipelineSpec, ends: Outcomes, course: list[Act]
) -> None:
    """Visible is the last write of a node that does not run again, else the start value."""
    world = World(spec, ends, parameters=PARAMETERS)
    happen(world, course)
    world.finish()

    model = Visible()
    run = world.first
    for decision in world.decisions:
        model.see(decision, run)
        run = decision.run

        names = set(run.writes) | set(model.values())
        assert {name: run.value(name) for name in names} == {
            name: model.values().get(name) for name in names
        }


@settings(deadline=None, max_examples=60)
@given(pipeline_specs(most_stages=3, most_jobs=3, most_steps=3), outcomes(), acts())
def test_a_clean_whole_retry_begins_with_the_start_values(
    spec: PipelineSpec, ends: Outcomes, course: list[Act]
) -> None:
    """With clean variables nothing is left but what the start wrote, however much was written."""
    world = World(spec, ends, parameters=PARAMETERS)
    at_start = {name: stack[-1].value for name, stack in world.run.writes.items()}
    happen(world, course)
    world.finish()

    world.retry("", clean_variables=True, waits=True)

    assert {name: world.run.value(name) for name in world.run.writes} == at_start


@settings(deadline=None, max_examples=60)
@given(pipeline_specs(most_stages=3, most_jobs=3, most_steps=3), outcomes(), acts())
def test_a_whole_retry_applies_the_start_values_again(
    spec: PipelineSpec, ends: Outcomes, course: list[Act]
) -> None:
    """Without it the parameters are as at the start and other values stay."""
    world = World(spec, ends, parameters=PARAMETERS)
    happen(world, course)
    world.finish()
    before = {name: world.run.value(name) for name in world.run.writes}

    world.retry("", waits=True)

    after = {name: world.run.value(name) for name in world.run.writes}
    assert after == {**before, "color": "red", "fixed": "1"}
