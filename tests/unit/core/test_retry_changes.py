"""Inputs and parameters changed for the next attempt: what may be, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest
from core_specs import (
    accepted,
    broken,
    job,
    one_job,
    pipeline,
    ran,
    refused,
    review_step,
    stage,
    step,
)
from core_world import World
from msgspec import UNSET

from mulligan.core.attempts import same_inputs
from mulligan.core.evolve import evolve
from mulligan.core.ids import StepId
from mulligan.core.matrix import child_step_id
from mulligan.core.patches import as_changed, open_inputs
from mulligan.core.posts import ENTRY_INPUT
from mulligan.core.prepare import StepOrder, prepare_step
from mulligan.core.recovery.changes import MOST_BYTES, MOST_CHANGES
from mulligan.core.recovery.plan import Change, ChangeKind
from mulligan.core.recovery.request import Changes, StepChanges
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import ChangedName, Run, StartParameter
from mulligan.core.spec import MatrixSpec, ParameterSpec, PipelineSpec, StepSpec
from mulligan.core.variables import secrets_of
from mulligan.testing.strategies import Outcome

A, B = StepId("a"), StepId("b")
PARAMETERS = (
    ParameterSpec(name="color", default="red", kind="ENUM", options=("red", "blue")),
    ParameterSpec(name="key", default="", sensitive=True, kind="PASSWORD"),
    ParameterSpec(name="fixed", default="1", constant=True),
    ParameterSpec(name="still", default="1", read_only=True),
    ParameterSpec(name="stamp", computed="timestamp"),
    ParameterSpec(name="name", default="x", must_have=True),
    ParameterSpec(name="forms", default="[]", kind="FORM_LIST"),
)
STARTED = tuple(
    StartParameter(
        name=spec.name,
        value=spec.default or "old",
        read_only=spec.constant or spec.read_only,
        sensitive=spec.sensitive,
    )
    for spec in PARAMETERS
)
PLUGIN = {"version": "1.*", "input": {"word": "hi", "count": 3, "rows": [{}]}, "output": {}}


def of_step(name: str = "a", **fields: Any) -> Changes:
    """Give changes of one step."""
    return Changes(steps={name: StepChanges(**fields)})


def two_steps(*more: StepSpec) -> PipelineSpec:
    """Give a definition with the steps `a` and `b`, and parameters."""
    return pipeline(stage(2, job(1, "a", "b", *more)), parameters=PARAMETERS)


def failed(spec: PipelineSpec | None = None, **ends: int) -> World:
    """Give a run that has ended; by default its step `a` fails once."""
    return ran(spec or two_steps(), broken(**(ends or {"a": 1})), parameters=STARTED)


def order_of(run: Run, name: str = "a") -> StepOrder:
    """Give the order for a step as it would be started now."""
    return prepare_step(run, run.index.steps[StepId(name)])


# --- inputs ---------------------------------------------------------------------------------------


def test_a_changed_input_is_what_runs() -> None:
    """The plan shows before and after; the next attempt has it, its log names it."""
    world = failed()

    plan = accepted(world.retry("a", changes=of_step(inputs={"script": "echo ${color}"})))

    assert plan.changes.items == (
        Change(kind=ChangeKind.INPUT, step=A, name="script", before="true", after="echo ${color}"),
    )
    order = order_of(world.run)
    assert order.inputs == {"script": "echo red"}
    assert order.notes == ("changed for this run: script",)
    assert world.run.head.attempts[-1].changes == (
        ChangedName(kind="input", name="script", step=A),
    )
    assert world.run.index.steps[A].inputs == {"script": "true"}  # the definition stays


def test_earlier_attempts_keep_what_they_had() -> None:
    """Only records of the new attempt know of a change, also of a step that never ran."""
    world = failed()
    before = world.run

    world.retry("a", changes=Changes(steps={"a": TRUE_B.steps["b"], "b": TRUE_B.steps["b"]}))

    old = [step for decision in world.decisions for step in decision.steps if step.run_attempt == 1]
    assert all(record.patch is None for record in old)
    assert before.step(A).patch is None
    assert (world.run.step(B).run_attempt, world.run.step(B).patch) == (2, world.run.step(A).patch)


TRUE_B = of_step("b", inputs={"script": "echo 2"})


def test_changes_stay_for_the_run_until_they_are_set_back() -> None:
    """A later retry without changes has them still; null means as defined again."""
    world = failed(a=3)
    world.retry("a", changes=of_step(inputs={"script": "one"}, env={"X": "1"}, timeout_s=60))
    world.finish()

    kept = accepted(world.retry("a"))
    again = order_of(world.run)
    world.finish()
    back = accepted(
        world.retry("a", changes=of_step(inputs={"script": None}, env={"X": None}, timeout_s=None))
    )

    assert kept.changes.items == ()
    assert (again.inputs["script"], again.env["X"], again.timeout_s) == ("one", "1", 60)
    assert [(item.name, item.before, item.after) for item in back.changes.items] == [
        ("script", "one", "true"),
        ("X", "1", None),
        ("timeout_s", 60, 6000),
    ]
    assert world.run.step(A).patch is None
    assert order_of(world.run).notes == ()
    assert [len(attempt.changes) for attempt in world.run.head.attempts] == [0, 3, 0, 3]


def test_what_makes_no_difference_is_no_change() -> None:
    """The value that an input has anyway changes nothing and is not recorded."""
    changes = Changes(
        steps={"a": StepChanges(inputs={"script": "true"}, timeout_s=6000, env={"X": None})},
        parameters={"color": "red", "name": None},
    )
    world = failed()

    plan = accepted(world.retry("a", changes=changes))

    assert plan.changes.items == ()
    assert (world.run.step(A).patch, world.run.head.attempts[-1].changes) == (None, ())


def test_a_step_is_named_by_its_ref_too() -> None:
    """As everywhere where a step is named."""
    world = ran(one_job(step("e-1", ref="build")), broken(**{"e-1": 1}))

    accepted(world.retry("build", changes=of_step("build", inputs={"script": "x"})))

    assert world.run.step(StepId("e-1")).patch is not None


@pytest.mark.parametrize(
    ("inputs", "given", "value"),
    [
        ({"flag": True}, "false", False),
        ({"flag": True}, False, False),
        ({"depth": 1}, "5", 5),
        ({"patterns": ["a"]}, '["b", "c"]', ["b", "c"]),
        ({"script": "true"}, "5", "5"),
    ],
)
def test_a_text_may_stand_for_another_type(
    inputs: dict[str, Any], given: object, value: object
) -> None:
    """The value gets the type that the input has."""
    world = ran(one_job(step("a", inputs=inputs)), broken(a=1))
    (name,) = inputs

    accepted(world.retry("a", changes=of_step(inputs={name: given})))

    assert order_of(world.run).inputs == {name: value}


def test_inputs_of_a_plugin_are_its_own() -> None:
    """They are named as the plugin names them; its version is not among them."""
    world = ran(one_job(step("a", kind="plugin", inputs=PLUGIN)), broken(a=1))

    accepted(world.retry("a", changes=of_step(inputs={"word": "ho", "count": "4"})))

    assert order_of(world.run).inputs == {
        **PLUGIN,
        "input": {"word": "ho", "count": 4, "rows": [{}]},
    }


def test_inputs_with_a_structure_are_left_to_the_definition() -> None:
    """An empty list may stand for such too, but where a kind has only lists of texts."""
    lists: dict[str, Any] = {"sources": [], "packages": [{"name": "x"}], "image": None}
    build = step("a", kind="build", inputs={"script": "make", "rate": 0.5, **lists})

    assert open_inputs(build) == {"script": "make", "rate": 0.5}
    assert open_inputs(step("b", kind="archive", inputs={"patterns": []})) == {"patterns": []}


def test_a_post_action_has_what_its_step_has() -> None:
    """The inputs that were changed are those that it cleans up after."""
    post = step("p", kind="plugin", post_of=A, inputs={**PLUGIN, ENTRY_INPUT: "post"})
    spec = one_job(step("a", kind="plugin", inputs=PLUGIN), post)
    world = ran(spec, broken(a=1))

    accepted(world.retry("a", changes=of_step(inputs={"word": "ho"}, env={"X": "1"})))

    found = as_changed(world.run, post)
    assert (found.inputs["input"]["word"], found.inputs[ENTRY_INPUT]) == ("ho", "post")
    assert found.env == (("X", "1"),)


def test_environment_and_time_limit() -> None:
    """A variable may be new or instead of a defined one; expressions find it too."""
    spec = one_job(step("a", env=(("OLD", "1"), ("KEPT", "k")), timeout_text="${minutes}"))
    world = ran(spec, broken(a=1))

    plan = accepted(
        world.retry(
            "a",
            changes=of_step(
                inputs={"script": "${envs.NEW}"}, env={"OLD": "2", "NEW": "n"}, timeout_s=90
            ),
        )
    )

    order = order_of(world.run)
    assert [order.env[name] for name in ("OLD", "KEPT", "NEW")] == ["2", "k", "n"]
    assert (order.inputs["script"], order.timeout_s, order.problem) == ("n", 90, "")
    limits = [item for item in plan.changes.items if item.kind is ChangeKind.TIMEOUT]
    assert [(item.before, item.after) for item in limits] == [("${minutes}", 90)]


def test_a_step_of_a_running_run() -> None:
    """While the run goes on inputs may be changed; the repair says so."""
    spec = pipeline(stage(2, job(1, "a"), job(2, "x")), parameters=PARAMETERS)
    world = World(spec, broken(a=1), parameters=STARTED)
    world.claim("2")
    world.claim("1")
    world.report("1")

    assert refused(world.plan("a", changes=NEW_COLOR)) is RefusalCode.PARAMETERS_LATER
    accepted(world.retry("a", changes=of_step(inputs={"script": "x"})))

    assert order_of(world.run).inputs == {"script": "x"}
    (repair,) = world.run.head.attempts[-1].repairs
    assert repair.changes == (ChangedName(kind="input", name="script", step=A),)


NEW_COLOR = Changes(parameters={"color": "blue"})


# --- matrix jobs ----------------------------------------------------------------------------------


def matrix() -> World:
    """Give a run with a matrix job of two copies; the second one failed twice."""
    spec = pipeline(stage(2, job(1, "a", matrix=MatrixSpec(strategy='{"x": [1, 2]}'))))
    return ran(spec, broken(**{SECOND: 2}))


FIRST, SECOND = child_step_id(A, 1), child_step_id(A, 2)


def test_a_change_of_one_copy_of_a_matrix_job() -> None:
    """It holds for that copy until the job is split anew: its number may then mean another."""
    world = matrix()

    accepted(world.retry(SECOND, changes=of_step(SECOND, inputs={"script": "x"})))

    assert order_of(world.run, SECOND).inputs == {"script": "x"}
    assert order_of(world.run, FIRST).inputs == {"script": "true"}
    world.finish()
    world.retry("1")
    assert order_of(world.run, SECOND).inputs == {"script": "true"}


def test_a_change_of_a_matrix_job_is_one_of_all_its_copies() -> None:
    """Where it is split anew its pattern runs again; where it keeps its copies, only they do."""
    world = matrix()
    changes = of_step("a", inputs={"script": "x"})

    refusal = world.plan("1", only_failed=True, changes=changes)
    accepted(world.retry("1", changes=changes))

    assert refused(refusal) is RefusalCode.STEP_KEPT
    assert [order_of(world.run, name).inputs["script"] for name in (FIRST, SECOND)] == ["x", "x"]
    world.finish()
    world.retry()
    assert order_of(world.run, SECOND).inputs == {"script": "x"}


def test_a_step_of_a_matrix_job_is_named_by_its_ref() -> None:
    """It is the pattern where the job is split anew, or else the first copy."""
    matrix_of_two = MatrixSpec(strategy='{"x": [1, 2]}')
    spec = pipeline(stage(2, job(1, step("a", ref="build"), matrix=matrix_of_two)))
    world = ran(spec, broken(**{FIRST: 1, SECOND: 1}))
    changes = of_step("build", inputs={"script": "x"})

    one = accepted(world.plan(FIRST, changes=changes))
    every = accepted(world.plan("1", changes=changes))

    assert [change.step for change in one.changes.items] == [FIRST]
    assert [change.step for change in every.changes.items] == ["a"]


# --- parameters -----------------------------------------------------------------------------------


def test_a_changed_parameter_is_what_later_attempts_see() -> None:
    """It counts over what kept steps wrote; attempts before and a new start have the old one."""
    world = World(
        two_steps(),
        lambda name, attempt: (
            broken(b=1)(name, attempt) if name == "b" else Outcome(variables=(("color", "green"),))
        ),
        parameters=STARTED,
    )
    world.finish()
    assert world.run.value("color") == "green"

    plan = accepted(world.retry("b", changes=NEW_COLOR))

    assert [(item.name, item.before, item.after) for item in plan.changes.items] == [
        ("color", "red", "blue")
    ]
    assert world.run.value("color") == "blue"
    (color,) = [each for each in world.run.head.parameters if each.name == "color"]
    assert (color.value, color.at(1), color.at(2), color.present) == ("red", "red", "blue", "blue")
    assert world.run.head.attempts[-1].changes == (ChangedName(kind="parameter", name="color"),)


def test_a_whole_retry_applies_the_changed_parameters_again() -> None:
    """Also where the variables of earlier attempts are wiped, and in the retry after that."""
    world = failed(a=2)

    world.retry(changes=NEW_COLOR, clean_variables=True)
    first = world.run.value("color")
    world.finish()
    world.retry(clean_variables=True)

    assert (first, world.run.value("color")) == ("blue", "blue")
    world.finish()
    accepted(world.retry(changes=Changes(parameters={"color": None})))
    assert world.run.value("color") == "red"


def test_a_step_that_passes_with_another_parameter_is_not_flaky() -> None:
    """It was given something else, also by a change that an earlier retry has brought."""
    world = failed(a=2)
    first = world.run.step(A)

    world.retry("a", changes=NEW_COLOR)
    second = world.finish().step(A)
    world.retry("a")
    third = world.finish().step(A)

    assert [each.parameters_of for each in (first, second, third)] == [0, 2, 2]
    assert not same_inputs(first, second)
    assert same_inputs(second, third)


def test_secret_parameters_stay_secret() -> None:
    """Their values are masked in the plan, and the old one in logs too."""
    world = failed()

    plan = accepted(world.retry("a", changes=Changes(parameters={"key": "new"})))

    assert [(item.name, item.is_secret) for item in plan.changes.items] == [("key", True)]
    assert {"old", "new"} <= set(secrets_of(world.run))


# --- refusals -------------------------------------------------------------------------------------

STEPS = two_steps(
    review_step("r", "bob"),
    step("d", kind="deploy", inputs={"image": "x"}),
    step("off", enabled=False),
    step("p", kind="plugin", inputs=PLUGIN),
)


@pytest.mark.parametrize(
    ("changes", "code", "at"),
    [
        (of_step("x", inputs={"script": ""}), "target-unknown", "steps x"),
        (of_step("a", inputs={"script": ""}), "step-kept", "steps a"),
        (of_step("off", inputs={"script": ""}), "step-kept", "steps off"),
        (of_step("r", inputs={"reviewUsers": ["eve"]}), "input-fixed", "steps r"),
        (of_step("d", timeout_s=9), "input-fixed", "steps d"),
        (of_step("b", inputs={"nope": ""}), "input-unknown", "steps b inputs nope"),
        (of_step("p", inputs={"version": "2.*"}), "input-unknown", "steps p inputs version"),
        (of_step("p", inputs={"rows": []}), "input-unknown", "steps p inputs rows"),
        (of_step("p", inputs={"count": "many"}), "input-invalid", "steps p inputs count"),
        (of_step("b", inputs={"script": 5}), "input-invalid", "steps b inputs script"),
        (of_step("b", inputs={"script": ["x"]}), "input-invalid", "steps b inputs script"),
        (of_step("b", env={"a-b": "x"}), "input-invalid", "steps b env a-b"),
        (of_step("b", env={"BK_CI_BUILD_ID": "x"}), "input-invalid", "steps b env BK_CI_BUILD_ID"),
        (of_step("b", env={"X": "x" * 4001}), "input-invalid", "steps b env X"),
        (of_step("b", timeout_s=0), "input-invalid", "steps b timeout_s"),
        (of_step("b", timeout_s=604_801), "input-invalid", "steps b timeout_s"),
        (of_step("b", inputs={"script": "x" * MOST_BYTES}), "changes-too-large", ""),
        (of_step("b", env={f"X{n}": "" for n in range(MOST_CHANGES + 1)}), "changes-too-large", ""),
        (Changes(parameters={"nope": "1"}), "parameter-unknown", "parameters nope"),
        (Changes(parameters={"fixed": "1"}), "parameter-fixed", "parameters fixed"),
        (Changes(parameters={"still": "2"}), "parameter-fixed", "parameters still"),
        (Changes(parameters={"stamp": "2"}), "parameter-fixed", "parameters stamp"),
        (Changes(parameters={"forms": "[]"}), "parameter-fixed", "parameters forms"),
        (Changes(parameters={"color": "pink"}), "parameter-invalid", "parameters color"),
        (Changes(parameters={"name": " "}), "parameter-required", "parameters name"),
    ],
)
def test_what_can_not_be_changed(changes: Changes, code: str, at: str) -> None:
    """The refusal names what it is about, and nothing changes."""
    world = ran(STEPS, broken(b=1), parameters=STARTED)

    refusal = world.retry("b", changes=changes)

    assert isinstance(refusal, Refusal)
    assert refusal.message
    assert (refusal.code, " ".join(refusal.at)) == (code, at)
    assert world.run.head.attempt == 1


def test_a_step_is_changed_under_one_name() -> None:
    """Else the plan would show what the other name makes undone, and their order would decide."""
    world = ran(one_job(step("a", ref="build")), broken(a=1))
    twice = StepChanges(env={"X": "1"}), StepChanges(env={"X": None})

    refusal = world.retry("a", changes=Changes(steps=dict(zip(("a", "build"), twice, strict=True))))

    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.at) == (RefusalCode.INPUT_INVALID, ("steps", "build"))


def test_a_skip_changes_nothing() -> None:
    """What does not run needs no inputs."""
    refusal = failed().retry("a", skip=True, changes=NEW_COLOR)

    assert refused(refusal) is RefusalCode.CHANGES_WITH_SKIP


def test_what_a_run_keeps_has_a_bound() -> None:
    """Changes of many retries together are no larger than those of one may be."""
    half = "x" * (MOST_BYTES // 2)
    spec = one_job(step("a", inputs={"one": "", "two": "", "three": ""}))
    world = ran(spec, broken(a=9))
    for name in ("one", "two"):
        accepted(world.retry("a", changes=of_step(inputs={name: half[:-50]})))
        world.finish()

    refusal = world.retry("a", changes=of_step(inputs={"three": half}))

    assert refused(refusal) is RefusalCode.CHANGES_TOO_LARGE


# --- what follows from it -------------------------------------------------------------------------


def test_who_may_change_what() -> None:
    """A parameter needs what a start needs; a step is code and needs the right to edit."""
    both = Changes(parameters={"a": "1"}, steps={"a": StepChanges(timeout_s=1)})

    assert [each.value for each in both.permissions] == ["start", "edit"]
    assert [each.value for each in NEW_COLOR.permissions] == ["start"]
    assert Changes().permissions == ()


def test_names_without_values() -> None:
    """That is what the audit trail keeps."""
    changes = Changes(
        parameters={"key": "secret"},
        steps={"a": StepChanges(inputs={"script": "s"}, env={"X": "y"}, timeout_s=None)},
    )

    assert changes.names == (
        "parameters.key",
        "steps.a.inputs.script",
        "steps.a.env.X",
        "steps.a.timeout_s",
    )
    assert StepChanges().timeout_s is UNSET


def test_events_give_the_snapshot() -> None:
    """What is stored says it all: folding the events again comes to the same."""
    world = failed()
    world.retry("a", changes=Changes(steps=TRUE_B.steps, parameters={"color": "blue"}))

    run = world.first
    for event in world.events():
        run = evolve(run, event)

    assert run.steps == world.run.steps
    assert run.head.parameters == world.run.head.parameters
    assert run.writes == world.run.writes
