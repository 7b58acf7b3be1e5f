"""Files, values and people of an attempt: what other servers mixed up between attempts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builders import failing, job, one_job, pipeline, review, stage, step
from engine_world import a_world
from mulligan.core.flow.votes import Answer, answer_stage
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.prepare import StepOrder, prepare_step
from mulligan.core.recovery.plan import Plan
from mulligan.core.report import ArchivedFile
from mulligan.core.run import StartParameter
from mulligan.core.spec import PipelineSpec
from mulligan.core.status import Status
from mulligan.executors.work import RunFiles
from mulligan.logs.store import LogFiles
from mulligan.ports import StepEnd
from mulligan.testing.simulate import Simulation

Pairs = tuple[tuple[str, str], ...]
RED = (StartParameter(name="colour", value="red"),)


class Values(dict[StepId, Pairs]):
    """What the attempts of steps set: `write(run, step, attempt)` is asked at each end."""

    def __init__(self, sim: Simulation, write: Callable[[Simulation, StepId, int], Pairs]) -> None:
        super().__init__()
        self._sim = sim
        self._write = write

    def get(self, key: StepId, default: Any = None) -> Any:
        """Ask what the present attempt of a step sets."""
        return self._write(self._sim, key, self._sim.run.step(key).attempt)


def order_of(sim: Simulation, name: str) -> StepOrder:
    """Give the order of a step as its runner would get it now."""
    return prepare_step(sim.run, sim.run.index.steps[StepId(name)])


# 1 ----------------------------------------------------------------------------------------------


def test_retry_passes_on_files_of_another_run() -> None:
    """A step is never run on files that its own job did not leave: else the job restarts."""
    sim = Simulation(one_job("fetch", "test"), failing(("test", 1)))
    sim.finish()

    plan = sim.retry("test", live=False)
    first = sim.claim(JobId("1"))

    assert isinstance(plan, Plan)
    assert plan.workspaces == {"1": "widened"}
    assert first == "fetch"
    assert order_of(sim, "fetch").workspace == "widened"


def test_retry_takes_the_directory_of_another_run_for_its_own(tmp_path: Path) -> None:
    """The directory of the same job in another run does not count as kept."""
    sim = Simulation(one_job("fetch"))
    files = RunFiles(root=tmp_path, logs=LogFiles(tmp_path / "logs"))
    (tmp_path / "workspaces" / ("b-" + "f" * 32) / "1").mkdir(parents=True)
    before = files.live_workspaces(sim.run)

    (tmp_path / "workspaces" / sim.run.head.id / "1").mkdir(parents=True)

    assert before == frozenset()
    assert files.live_workspaces(sim.run) == {"1"}


# 2 ----------------------------------------------------------------------------------------------


def test_retry_goes_green_without_working() -> None:
    """A retry is only as good as the new attempt: it is really started, and its failure counts."""
    sim = Simulation(one_job("install"), failing(("install", 1), ("install", 2)))
    sim.finish()

    sim.retry("install")
    second = sim.finish().head.status
    sim.retry()
    third = sim.finish().head.status

    assert sim.started == [("install", 1), ("install", 2), ("install", 3)]
    assert (second, third) == (Status.FAILED, Status.SUCCEEDED)


# 3 ----------------------------------------------------------------------------------------------


def test_variable_grows_at_each_retry() -> None:
    """A step that appends to a variable finds the same start value at each attempt."""
    sim = Simulation(one_job("add", "use"), failing(("use", 1), ("use", 2)), parameters=RED)
    sim.outputs = Values(
        sim,
        lambda run, name, _: (("colour", f"{run.run.value('colour')}+"),) if name == "add" else (),
    )
    sim.finish()
    for _ in range(2):
        sim.retry("add")
        sim.finish()

    assert sim.started.count((StepId("add"), 3)) == 1
    assert sim.run.value("colour") == "red+"


# 4 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["build", "1", "s", ""])
def test_values_of_the_first_attempt_leak_into_the_retry(target: str) -> None:
    """What a failed attempt set is gone when its retry begins, and the start value is back."""
    sim = Simulation(one_job("build"), failing(("build", 1)), parameters=RED)
    sim.outputs = {StepId("build"): (("colour", "blue"), ("half", "done"))}
    sim.finish()
    left = sim.run.value("colour")

    sim.retry(target, clean=True)
    sim.claim(JobId("1"))
    env = order_of(sim, "build").env

    assert left == "blue"
    assert env["colour"] == "red"
    assert "half" not in env


def test_start_values_get_lost_at_a_retry() -> None:
    """Every retry still knows what the run was started with."""
    parameters = (*RED, StartParameter(name="level", value="7", read_only=True))
    sim = Simulation(one_job("build"), failing(("build", 1), ("build", 2)), parameters=parameters)
    sim.finish()

    sim.retry("build")
    sim.finish()
    sim.retry("", clean=True)
    sim.claim(JobId("1"))
    env = order_of(sim, "build").env

    assert (env["colour"], env["level"]) == ("red", "7")


def test_values_of_kept_steps_get_lost_at_a_retry() -> None:
    """What a kept step set is still there for the step that runs again."""
    sim = Simulation(one_job("pick", "build"), failing(("build", 1)), parameters=RED)
    sim.outputs = {StepId("pick"): (("colour", "green"),)}
    sim.finish()

    sim.retry("build")
    sim.claim(JobId("1"))

    assert order_of(sim, "build").env["colour"] == "green"


# 5 and 6 ----------------------------------------------------------------------------------------

SHIP: PipelineSpec = pipeline(
    stage("one", job("1", "build")),
    stage("two", job("2", step("ship", inputs={"script": "ship ${version}"}))),
)


def test_expression_sees_stale_output_of_an_earlier_stage() -> None:
    """After an earlier step ran again, later ones see what it set this time."""
    sim = Simulation(SHIP, failing(("ship", 1)))
    sim.outputs = Values(
        sim,
        lambda _run, name, attempt: (("version", str(attempt)),) if name == "build" else (),
    )
    sim.finish()

    sim.retry("build")
    assert sim.claim(JobId("1")) == "build"
    sim.report(StepId("build"))
    sim.claim(JobId("2"))

    assert order_of(sim, "ship").inputs == {"script": "ship 2"}


def test_output_is_looked_up_in_the_last_attempt_only() -> None:
    """A value that was set in the first attempt of a run is there in its third."""
    sim = Simulation(SHIP, failing(("ship", 1), ("ship", 2)))
    sim.outputs = {StepId("build"): (("version", "1"),)}
    sim.finish()
    sim.retry("ship")
    sim.finish()

    sim.retry("ship")
    sim.claim(JobId("2"))

    assert sim.run.head.attempt == 3
    assert order_of(sim, "ship").inputs == {"script": "ship 1"}


# 7 ----------------------------------------------------------------------------------------------


def test_reviewers_of_the_old_attempt_are_asked() -> None:
    """The people of a review are named anew when it is asked again."""
    spec = pipeline(
        stage("one", job("1", "pick")),
        stage("two", job("2", "ship"), review=review("${approver}")),
    )
    sim = Simulation(spec, failing(("ship", 1)))
    sim.outputs = Values(
        sim,
        lambda _run, name, attempt: (
            (("approver", "bob" if attempt == 1 else "carol"),) if name == "pick" else ()
        ),
    )
    sim.finish()
    first = sim.run.gates["two"].reviewers
    draft = sim.draft()
    answer_stage(draft, StageId("two"), Answer(user=first[0], approve=True))  # type: ignore[arg-type]
    sim.take(draft)
    sim.finish()

    sim.retry()
    sim.finish()

    gate = sim.run.open_gate("two")
    assert first == ("bob",)
    assert gate is not None
    assert gate.reviewers == ("carol",)


# 9 ----------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_artifact_of_the_same_name_blocks_the_retry() -> None:
    """A retried step archives the same name again; who downloads it gets the new file."""
    spec = pipeline(
        stage("one", job("1", "pack")),
        stage("two", job("2", step("fetch", kind="download"))),
    )

    def archived(digest: str, exit_code: int) -> StepEnd:
        file = ArchivedFile(path="app.zip", size=1, digest=digest)
        return StepEnd(exit_code=exit_code, artifacts=(file,))

    async with a_world(works=False) as world:
        head = await world.start(await world.add_pipeline(spec))
        await world.report(await world.claim(head.id, "1"), archived("old", 1))
        await world.retry(head.id, "pack")

        await world.report(await world.claim(head.id, "1", attempt=2), archived("new", 0))
        order = await world.claim(head.id, "2")

        kept = await world.store.list_artifacts(head.id)
        assert order.inputs["files"] == {"app.zip": "new"}
        assert [(file.attempt, file.digest) for file in kept] == [(1, "old"), (2, "new")]
