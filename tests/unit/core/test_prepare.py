"""The order for a step: everything its runner needs, with all texts substituted."""

from __future__ import annotations

from typing import Any

import pytest
from core_specs import broken, job, one_job, pipeline, stage, step
from core_world import World
from msgspec.structs import replace

from mulligan.core.ids import JobId, StepId
from mulligan.core.prepare import StepOrder, in_workspace, prepare_step
from mulligan.core.run import RunSettings, StartParameter
from mulligan.core.spec import Dialect, OnFailure

PARAMETERS = (
    StartParameter(name="env", value="test"),
    StartParameter(name="minutes", value="7"),
    StartParameter(name="word", value="soon"),
    StartParameter(name="token", value="s3cret", sensitive=True),
)
CONSTRAINED = RunSettings(dialect=Dialect.CONSTRAINED)
DECLARED = RunSettings(dialect=Dialect.DECLARED)


def order(world: World, step_id: str = "a") -> StepOrder:
    """Give the order for a step of a run."""
    return prepare_step(world.run, world.run.index.steps[StepId(step_id)])


def started(spec: Any, ending: Any = None, **fields: Any) -> World:
    """Give a run whose first job is claimed."""
    world = World(spec, ending, parameters=PARAMETERS, **fields)
    world.claim("1")
    return world


def test_the_order_says_which_attempt_it_is_for() -> None:
    """Attempts of run, job and step, and the fence that the report has to bring back."""
    world = started(one_job(step("a", auto_retries=1, code="run")), broken(a=1))
    world.report("1")

    found = order(world)

    assert (found.run_attempt, found.job_attempt, found.step_attempt, found.fence) == (1, 1, 2, 1)
    assert (found.run_id, found.job_id, found.step_id) == (world.run.head.id, "1", "a")
    assert (found.step_name, found.kind, found.code, found.secrets) == (
        "a",
        "script",
        "run",
        ("s3cret",),
    )
    assert found.env["env"] == "test"


@pytest.mark.parametrize(
    ("settings", "script", "inner"),
    [
        (RunSettings(), "# ${env}\necho test test $env", ["test", {"k": "test-${{ 1 }}"}, 5]),
        (CONSTRAINED, "# ${env}\necho ${env} test $env", ["test", {"k": "${env}-1"}, 5]),
    ],
)
def test_inputs_are_substituted_by_the_dialect(
    settings: RunSettings, script: str, inner: list[Any]
) -> None:
    """CLASSIC replaces names everywhere but in comments of scripts, CONSTRAINED expressions."""
    inputs = {
        "script": "# ${env}\necho ${env} ${{ variables.env }} $env",
        "list": ["${{ variables.env }}", {"k": "${env}-${{ 1 }}"}, 5],
    }
    world = started(one_job(step("a", inputs=inputs)), settings=settings)

    found = order(world)

    assert (found.inputs["script"], found.inputs["list"]) == (script, inner)


@pytest.mark.parametrize(
    ("settings", "script"),
    [
        (RunSettings(), "ls ${ci.workspace} ${{ci.workspace}} ${WORKSPACE} $env"),
        (CONSTRAINED, "ls ${{ ci.workspace }} ${{ci.workspace}} ${{ WORKSPACE }} $env"),
    ],
)
def test_the_directory_of_the_job_is_put_in_where_the_job_is(
    settings: RunSettings, script: str
) -> None:
    """Texts keep its name until a machine has the job: inputs at any depth and the environment."""
    inputs = {"script": script, "list": [{"k": "${{ ci.workspace }}/a"}, 5]}
    env = (("OUT", "${{ ci.workspace }}/out"),)
    world = started(one_job(step("a", inputs=inputs, env=env)), settings=settings)

    found = in_workspace(order(world), "/ws")

    assert found.inputs == {"script": "ls /ws /ws /ws $env", "list": [{"k": "/ws/a"}, 5]}
    assert found.env["OUT"] == "/ws/out"


def test_a_service_that_names_no_directory_has_its_texts_as_they_are() -> None:
    """Where only declared names are replaced, `${{ ci.workspace }}` is text like any other."""
    inputs = {"script": "echo '${{ ci.workspace }}' > template.yml"}
    world = started(one_job(step("a", inputs=inputs)), settings=DECLARED)

    found = in_workspace(order(world), "/ws")

    assert found.inputs == inputs


def test_secrets_that_hold_the_name_of_the_directory_stay_masked() -> None:
    """What a step gets instead is masked as well, and what plugins read has the directory too."""
    secret = "it is ${{ ci.workspace }}"
    world = started(one_job(step("a", inputs={"script": "true"})))
    made = replace(order(world), secrets=(secret,), env={"KEY": secret}, variables={"KEY": secret})

    found = in_workspace(made, "/ws")

    assert found.env["KEY"] == found.variables["KEY"] == "it is /ws"
    assert set(found.secrets) == {secret, "it is /ws"}


def test_only_scripts_have_comments() -> None:
    """A line of another input that begins with "#" is substituted like any."""
    inputs = {"script": "# ${env}", "note": "# ${env}"}
    script = order(started(one_job(step("a", inputs=inputs))))
    plugin = order(started(one_job(step("a", inputs=inputs, kind="plugin"))))

    assert (script.inputs, plugin.inputs) == (
        {"script": "# ${env}", "note": "# test"},
        {"script": "# test", "note": "# test"},
    )


@pytest.mark.parametrize(
    ("text", "seconds", "problem"),
    [
        ("", 6000.0, ""),
        ("  ", 6000.0, ""),
        ("5", 300.0, ""),
        ("0", 604800.0, ""),
        ("10081", 604800.0, ""),
        ("-5", 604800.0, ""),
        ("9" * 5000, 604800.0, ""),
        ("${minutes}", 420.0, ""),
        ("${{ minutes }}", 420.0, ""),
        ("${{ variables.minutes }}", 420.0, ""),
        ("${word}", 0.0, "not a number"),
        ("${nothing}", 0.0, "not a number"),
        ("soon", 0.0, "not a number"),
        ("1${minutes}", 0.0, "not a number"),  # only a single variable is one
    ],
)
def test_the_time_limit_of_a_step(text: str, seconds: float, problem: str) -> None:
    """A text that is no number of minutes fails the step with a reason."""
    found = order(started(one_job(step("a", timeout_text=text))))

    assert found.timeout_s == seconds
    assert (problem in found.problem) if problem else found.problem == ""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 54000.0), ("5", 300.0), ("0", 604800.0), ("${minutes}", 420.0), ("${word}", 54000.0)],
)
def test_the_time_limit_of_a_job(text: str, seconds: float) -> None:
    """A text that is no number stands for the default."""
    spec = pipeline(stage(2, job(1, "a", timeout_text=text)))

    assert order(started(spec)).job_timeout_s == seconds


def test_the_first_step_begins_with_an_empty_directory_the_next_goes_on() -> None:
    """Files of an earlier step of the same job attempt are there."""
    world = started(one_job("a", "b"))
    first = order(world).workspace

    world.report("1")

    assert (first, order(world, "b").workspace) == ("fresh", "live")


def test_a_first_step_that_is_tried_again_begins_anew() -> None:
    """What its first try left was not there when that began."""
    world = started(one_job(step("a", auto_retries=1)), broken(a=1))

    world.report("1")

    assert order(world).workspace == "fresh"


def test_a_skipped_first_step_leaves_no_files() -> None:
    """The first step that really starts gets the empty directory."""
    world = started(one_job(step("off", enabled=False), step("no", "failure"), "a", "b"))
    first = order(world).workspace

    world.report("1")

    assert (first, order(world, "b").workspace) == ("fresh", "live")


@pytest.mark.parametrize(("live", "workspace"), [(True, "live"), (False, "widened")])
def test_a_retried_job_takes_the_directory_that_its_plan_chose(live: bool, workspace: str) -> None:
    """Live as it was left, or anew because it is gone; later steps find what the first made."""
    spec = one_job("a", step("soft", on_failure=OnFailure.CONTINUE), "b", "c")
    world = started(spec, broken(b=1))
    world.finish()

    world.retry("b", live=live)

    step_id = world.claim("1")
    assert step_id == ("b" if live else "a")
    assert order(world, step_id).workspace == workspace
    following = world.report("1")
    assert following is not None
    assert order(world, following).workspace == "live"
    assert world.run.job(JobId("1")).workspace == workspace


def test_a_pinned_commit_comes_with_the_order() -> None:
    """A checkout that runs again gets the commit of its first run."""
    world = started(one_job("a", "b"), broken("b"))
    world.report("1", pin="c0ffee")
    world.finish()
    world.retry("1")
    world.claim("1")

    assert order(world).pin == "c0ffee"


def test_an_order_that_would_get_too_large_says_so() -> None:
    """Over 16 million characters are not inserted: the step fails with a reason instead."""
    parameters = (StartParameter(name="large", value="x" * 4000),)
    world = World(one_job(step("a", inputs={"script": "${large}" * 4200})), parameters=parameters)
    world.claim("1")

    found = order(world)

    assert "characters" in found.problem
    assert found.step_id == "a"
