"""What a name means at a place of a run, and who may write it."""

from __future__ import annotations

from typing import Any

import pytest
from core_specs import broken, job, last, one_job, pipeline, ran, review_step, stage, step, when
from core_start import FACTS
from core_world import Ending, World
from msgspec.structs import replace

from mulligan.core.expressions import condition_holds
from mulligan.core.ids import JobId, StepId, UserName
from mulligan.core.report import StepReport
from mulligan.core.run import RunHead, RunSettings, StartParameter
from mulligan.core.spec import Dialect, OnFailure, PipelineSpec
from mulligan.core.status import Status
from mulligan.core.values import LONGEST_VALUE, text_of
from mulligan.core.variables import (
    OLD_NAMES,
    PROTECTED,
    Scope,
    environment_of,
    millis,
    secrets_of,
    start_writes,
    substitute_people,
    writes_of_report,
)
from mulligan.testing.strategies import Outcome

ONE, TWO = JobId("1"), JobId("2")
A, B = StepId("a"), StepId("b")
PARAMETERS = (
    StartParameter(name="env", value="test"),
    StartParameter(name="dotted.name", value="yes"),
    StartParameter(name="fixed", value="1", read_only=True),
    StartParameter(name="secret", value="s3cret", sensitive=True),
    StartParameter(name="empty", value="", sensitive=True),
)


def two_jobs(**fields: Any) -> PipelineSpec:
    """Give a definition of two jobs, the second of which has environments of its own."""
    return pipeline(
        stage(2, job(1, step("a", on_failure=OnFailure.CONTINUE), "b")),
        stage(3, job(2, step("c", env=(("LEVEL", "${WHERE}-step"),)), env=(("WHERE", "${env}"),))),
        **fields,
    )


def writing(**values: str) -> Ending:
    """Let every step write these variables."""
    return lambda _step, _attempt: Outcome(variables=tuple(values.items()))


# --- reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("env", "test"),
        ("variables.env", "test"),
        ("dotted.name", "yes"),
        ("variables.dotted.name", "yes"),
        ("BK_CI_BUILD_NUM", "1"),
        ("ci.build_num", "1"),
        ("pipeline.build.num", "1"),
        ("variables.BK_CI_BUILD_NUM", "1"),
        ("ci.pipeline_name", "shop"),
        ("ci.actor", "alice"),
        ("ci.build_start_type", "SERVICE"),
        ("job.name", "job 2"),
        ("job.id", "j2"),
        ("job.index", "0"),
        ("job.stage_id", "stage-3"),
        ("job.stage_name", "stage 3"),
        ("job.status", "UNEXEC"),
        ("job.os", "LINUX"),
        ("job.container.node_alias", None),  # nobody has it yet
        ("job.container.network", None),
        ("jobs.j1.container.node_alias", "runner-1"),
        ("job.retry_task_id", ""),
        ("step.name", "c"),
        ("step.status", "UNEXEC"),
        ("steps.c.name", "c"),
        ("steps.a.name", None),  # of another job
        ("jobs.j1.status", "SUCCEED"),
        ("jobs.j1.outcome", "SUCCEED"),
        ("jobs.j1.steps.a.status", "SUCCEED"),  # it failed, but softly
        ("jobs.j1.steps.a.outcome", "FAILED"),
        ("jobs.j1.steps.a.error_code", "2199011"),
        ("jobs.j1.steps.a.error_message", "exit code 1"),
        ("jobs.j1.steps.b.error_code", ""),
        ("jobs.j1.steps.b.atom_code", ""),
        ("jobs.j1.steps.b.retry-count-auto", "0"),
        ("jobs.j1.steps.b.retry-count-manual", "0"),
        ("jobs.j1.steps.x.status", None),
        ("jobs.j1.nonsense", None),
        ("jobs.j9.status", None),
        ("envs.WHERE", "test"),
        ("envs.LEVEL", "${WHERE}-step"),
        ("envs.NONE", None),
        ("nothing", None),
        ("job", None),
        ("ci.nothing", None),
        ("matrix.os", None),
    ],
)
def test_names_at_a_step(name: str, value: str | None) -> None:
    """Variables, built-in ones under all of their names, and contexts."""
    world = World(two_jobs(), parameters=PARAMETERS)
    world.claim("1")
    failed: dict[str, Any] = {"error_type": 1, "error_code": 2199011, "message": "exit code 1"}
    world.report("1", status=Status.FAILED, **failed)
    world.report("1")

    scope = Scope(world.run, TWO, StepId("c"))

    assert scope.get(name) == value


@pytest.mark.parametrize("name", ["job.name", "step.name", "steps.a.name", "envs.WHERE"])
def test_contexts_are_empty_outside_of_a_job(name: str) -> None:
    """At a stage there is no job, no step and no environment."""
    scope = Scope(World(two_jobs()).run)

    assert name not in scope
    with pytest.raises(KeyError):
        scope[name]


def test_iterating_lists_what_can_be_read() -> None:
    """Every listed name has a value, and the length is their number."""
    world = World(two_jobs(), writing(x="1"), parameters=PARAMETERS)
    world.claim("1")
    world.report("1", outputs=(("k", "v"),))

    for scope in (Scope(world.run), Scope(world.run, TWO), Scope(world.run, ONE, A)):
        names = list(scope)
        assert len(names) == len(set(names)) == len(scope)
        assert {name for name in names if scope.get(name) is None} == set()

    assert "steps.a.outputs.k" in Scope(world.run, ONE)
    assert {"envs.WHERE", "envs.LEVEL"} <= set(Scope(world.run, TWO, StepId("c")))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("variables.env == 'test'", True),
        ("variables.dotted.name == 'yes'", True),
        ("ci.build_num == '1'", True),
        ("jobs.j1.outcome == 'SUCCEED'", True),
        ("jobs.j1.steps.b.outcome == 'SUCCEED'", True),
        ("jobs.j1.steps.b.outputs.k == 'v'", True),
        ("jobs.j2.steps.c.status == 'UNEXEC'", True),
        ("steps.c.status == 'UNEXEC'", True),
        ("envs.WHERE == 'test'", True),
        ("pipeline.build.num == '1'", False),  # old names are hidden from expressions
    ],
)
def test_names_in_an_expression(text: str, holds: bool) -> None:
    """An expression sees what a placeholder sees, but for the old names."""
    world = World(two_jobs(), parameters=PARAMETERS)
    world.claim("1")
    world.report("1")
    world.report("1", outputs=(("k", "v"),))

    scope = Scope(world.run, TWO, StepId("c"))

    assert condition_holds(text, scope, blank=False, hidden=OLD_NAMES) is holds


def test_outputs_are_read_by_their_own_job_and_by_all_others() -> None:
    """In the own job by the step's name, elsewhere by that of the job, too."""
    world = World(two_jobs())
    world.claim("1")

    world.report("1", outputs=(("image", "shop:1"),))

    assert world.run.value("jobs.j1.steps.a.outputs.image") == "shop:1"
    assert Scope(world.run, ONE).get("steps.a.outputs.image") == "shop:1"
    assert Scope(world.run, TWO).get("jobs.j1.steps.a.outputs.image") == "shop:1"
    assert Scope(world.run, TWO).get("steps.a.outputs.image") is None


def test_outputs_need_names_of_job_and_step() -> None:
    """Without them nobody could read the output: it is dropped."""
    world = World(one_job(step("a", ref="")))
    world.claim("1")

    world.report("1", outputs=(("image", "shop:1"),))

    assert set(world.run.writes) == set(FACTS)


def test_a_context_finds_values_inside_values() -> None:
    """The text of an environment may name anything but an environment: no circle is possible."""
    env = (("A", "${{ variables.env }}/${{ ci.build_num }}"), ("B", "${{ envs.B }}"))
    world = World(pipeline(stage(2, job(1, "a", env=env))), parameters=PARAMETERS)

    scope = Scope(world.run, ONE, A)

    assert (scope["envs.A"], scope["envs.B"]) == ("test/1", "${{ envs.B }}")


# --- built-in values --------------------------------------------------------------------------


def test_built_in_values_of_a_first_attempt() -> None:
    """Nothing is said of a retry, a remark or an end that does not exist."""
    world = World(one_job("a"))

    scope = Scope(world.run)

    absent = ("BK_CI_RETRY_COUNT", "BK_CI_BUILD_REMARK", "BK_CI_BUILD_MSG", "BK_CI_BUILD_END_TIME")
    assert [scope.get(name) for name in absent] == [None] * 4
    assert scope["BK_CI_BUILD_START_TIME"] == str(1767225600 * 1000)


def test_built_in_values_of_a_retry() -> None:
    """The count of retries, the target, the one who retried, and what has failed so far."""
    world = ran(one_job("a", "b"), broken(b=1))
    failed = Scope(world.run)["BK_CI_BUILD_FAIL_TASKS"]
    total = Scope(world.run)["BK_CI_BUILD_TOTAL_TIME"]

    world.retry("b")

    scope = Scope(world.run)
    assert (scope["BK_CI_RETRY_COUNT"], scope["pipeline.retry.count"]) == ("1", "1")
    assert (scope["BK_CI_RETRY_TASK_ID"], scope["BK_CI_START_USER_ID"]) == ("b", "alice")
    assert scope["BK_CI_RETRY_BUILD_ID"] == world.run.head.id
    assert (failed, scope["ci.failed_tasknames"]) == ("[stage 2][job 1]b \n", "b")
    assert total == "3000"
    world.finish()
    assert Scope(world.run).get("BK_CI_BUILD_FAIL_TASKS") is None


def test_a_whole_retry_has_no_target() -> None:
    """There is no first step of it to name."""
    world = ran(one_job("a"), broken(a=1))

    world.retry("")

    assert Scope(world.run).get("BK_CI_RETRY_TASK_ID") is None


def test_remark_and_message_are_readable() -> None:
    """As long as there are some."""
    world = World(one_job("a", "b"))
    world.claim("1")
    world.report("1", remark="blue")
    head = replace(world.run.head, message="nightly")

    scope = Scope(replace(world.run, head=head))

    assert (scope["ci.remark"], scope["ci.build_msg"]) == ("blue", "nightly")


def test_what_was_not_reached_shows_as_never_run() -> None:
    """The contexts have a word of their own for it."""
    world = ran(one_job("a", "b"), broken("a"))

    assert Scope(world.run, ONE)["steps.b.outcome"] == "UNEXEC"


def test_nodes_without_a_name_of_their_own_are_not_listed() -> None:
    """Nobody could write down what they are called."""
    nameless = replace(one_job(step("a", ref=""), "b").stages[0].jobs[0], ref="")
    world = World(pipeline(stage(2, nameless)))

    names = {name for name in Scope(world.run, ONE) if name.startswith(("jobs.", "steps."))}

    assert {name.partition(".")[2].partition(".")[0] for name in names} == {"b"}


def test_what_is_protected_can_not_be_overridden_by_a_start() -> None:
    """A built-in value counts even if something of its name was written, a few may be written."""
    parameters = (
        StartParameter(name="BK_CI_BUILD_NUM", value="99"),
        StartParameter(name="BK_CI_START_USER_NAME", value="robot"),
    )
    world = World(one_job("a"), parameters=parameters)

    scope, env = Scope(world.run), environment_of(world.run, ONE, world.run.index.steps[A])

    assert (scope["BK_CI_BUILD_NUM"], scope["BK_CI_START_USER_NAME"]) == ("1", "robot")
    assert (env["BK_CI_BUILD_NUM"], env["BK_CI_START_USER_NAME"]) == ("1", "robot")


@pytest.mark.parametrize(
    ("known", "actor"), [("BK_CI_START_WEBHOOK_USER_ID", "dev"), ("BK_CI_START_X_USER_ID", "alice")]
)
def test_the_actor_of_an_event_is_its_author(known: str, actor: str) -> None:
    """A run by an event is in the name of an editor, but is the doing of somebody else."""
    world = World(one_job("a"), parameters=(StartParameter(name=known, value="dev"),))
    by_event = replace(world.run, head=replace(world.run.head, start_kind="webhook"))

    assert [Scope(world.run)["ci.actor"], Scope(by_event)["ci.actor"]] == ["alice", actor]


def test_instants_are_milliseconds() -> None:
    """None has no instant."""
    assert millis(None) == ""


# --- the environment of a process -------------------------------------------------------------


def test_the_environment_has_what_a_shell_can_name() -> None:
    """Variables with dots are left out; a step's environment wins over its job's, that over all."""
    spec = pipeline(
        stage(
            2,
            job(
                1,
                step("a", env=(("WHO", "step"), ("NUL", "a\0b")), ref="first"),
                env=(("WHO", "job"), ("WHERE", "${{ variables.env }}-${{ job.name }}")),
            ),
        )
    )
    world = World(spec, parameters=PARAMETERS)

    env = environment_of(world.run, ONE, world.run.index.steps[A])

    assert (env["env"], env["WHO"], env["WHERE"], env["NUL"]) == (
        "test",
        "step",
        "test-job 1",
        "ab",
    )
    assert "dotted.name" not in env
    assert (env["BK_CI_BUILD_JOB_ID"], env["BK_CI_BUILD_TASK_ID"]) == ("1", "a")
    assert (env["BK_CI_STEP_ID"], env["BK_CI_TASK_NAME"]) == ("first", "a")
    assert env["BK_CI_PROJECT_NAME"] == "demo"


# --- writing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "is_taken"),
    [
        ("x", "1", True),
        ("env", "prod", True),
        ("x", "", True),
        ("x", "v" * LONGEST_VALUE, True),
        ("x", "v" * (LONGEST_VALUE + 1), False),
        ("", "1", False),
        ("  ", "1", False),
        ("BK_CI_BUILD_NUM", "9", False),
        ("BK_CI_BUILD_REMARK", "9", True),
        ("fixed", "2", False),
        ("x", "the s3cret is out", False),
        ("x", "s3", True),
    ],
)
def test_who_may_write_what(name: str, value: str, is_taken: bool) -> None:
    """Protected, read-only, over-long and secret values are left out without a failure."""
    world = World(one_job("a"), parameters=PARAMETERS)
    report = StepReport(
        job=ONE, step=A, attempt=1, fence=1, status=Status.SUCCEEDED, variables=((name, value),)
    )

    writes = writes_of_report(world.run, report)

    assert [(write.name, write.value, write.writer) for write in writes] == (
        [(name, value, "a")] if is_taken else []
    )


def test_every_protected_name_is_protected() -> None:
    """No script can change what the server says about the run."""
    world = World(one_job("a"))
    variables = tuple((name, "x") for name in sorted(PROTECTED))
    report = StepReport(
        job=ONE, step=A, attempt=1, fence=1, status=Status.SUCCEEDED, variables=variables
    )

    assert writes_of_report(world.run, report) == ()
    assert len(variables) > 15


def test_a_failed_step_writes_too() -> None:
    """What a step set before it failed is visible to the steps after it."""
    spec = one_job("a", step("b", "always"))
    world = World(spec)
    world.claim("1")

    world.report("1", status=Status.FAILED, variables=(("x", "1"),))

    assert world.run.value("x") == "1"


def test_later_writes_of_one_attempt_replace_its_earlier_ones() -> None:
    """Of the same step attempt only the last value is kept."""
    world = World(one_job("a"))
    world.claim("1")

    world.report("1", variables=(("x", "1"), ("x", "2")))

    assert [write.value for write in world.run.writes["x"]] == ["2"]


def test_secrets_are_the_values_of_sensitive_parameters() -> None:
    """Blank ones are none: they would mask everything."""
    world = World(one_job("a"), parameters=PARAMETERS)

    assert secrets_of(world.run) == ("s3cret",)


def test_the_start_writes_facts_first_and_parameters_on_top() -> None:
    """Facts of the pipeline are read-only where their names are protected."""
    head: RunHead = World(one_job("a")).run.head

    writes = start_writes(head, FACTS, PARAMETERS)

    assert [write.name for write in writes][:2] == list(FACTS)
    read_only = {write.name for write in writes if write.read_only}
    assert read_only == {"BK_CI_BUILD_URL", "fixed"}
    assert {write.writer for write in writes} == {"start"}


# --- people and texts -------------------------------------------------------------------------


def test_people_are_substituted_split_and_named_once() -> None:
    """Lists in variables are lists of people."""
    values = {"team": "ann, ben;ann", "lead": " cid "}

    people = substitute_people(("${team}", "${{ lead }}", "ann", ""), values)

    assert people == ("ann", "ben", "cid")


def test_people_in_a_text_that_gets_too_large_are_nobody() -> None:
    """The others are still asked."""
    people = substitute_people(("${large}" * 4200, "ann"), {"large": "x" * 4000})

    assert people == ("ann",)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (None, ""),
        (True, "true"),
        (3, "3"),
        ([1, "a"], '[1,"a"]'),
        ({"a": None}, '{"a":null}'),
    ],
)
def test_values_are_texts(value: Any, text: str) -> None:
    """Any JSON value has a text."""
    assert text_of(value) == text


def test_a_condition_sees_what_a_review_wrote() -> None:
    """The answer of a review step decides about the steps after it."""
    wanted = when("variables", ("MANUAL_REVIEWER", "ann"))
    world = World(one_job(review_step("r", "ann", "ben"), step("b", wanted)))
    world.claim("1")

    world.vote("r", user=UserName("ben"))

    assert world.finish().step(B).status is Status.SKIPPED


# --- built-in names that depend on the place ------------------------------------------------------


def test_a_step_knows_where_it_is() -> None:
    """Job, step and plugin can be read, by old names too; not outside of them."""
    world = ran(one_job(step("a", code="run", inputs={"version": "2.*"})))

    scope = Scope(world.run, ONE, A)

    assert (scope["BK_CI_BUILD_TASK_ID"], scope["pipeline.task.id"]) == ("a", "a")
    assert (scope["pipeline.job.id"], scope["BK_CI_ATOM_CODE"]) == ("1", "run")
    assert (scope["step.atom_version"], scope["BK_CI_ATOM_TIMEOUT"]) == ("2.*", "100")
    assert "BK_CI_BUILD_TASK_ID" not in Scope(world.run)


@pytest.mark.parametrize(("breaks", "word"), [("", "SUCCEED"), ("a", "FAILED")])
def test_the_finally_stage_knows_the_result(breaks: str, word: str) -> None:
    """Not before it; then what the stages before came to."""
    world = World(pipeline(stage(2, job(1, "a")), last(3, job(2, "z"))), broken(breaks))
    world.claim("1")
    before = Scope(world.run, ONE, A).get("ci.build_status")
    world.report("1")
    world.claim("2")

    assert before is None
    assert Scope(world.run, TWO, StepId("z"))["ci.build_status"] == word


def test_old_names_of_the_recommended_version() -> None:
    """Parameters of older definitions are found by both names."""
    parameters = (StartParameter(name="MajorVersion", value="3"),)
    world = ran(one_job("a"), parameters=parameters)

    assert Scope(world.run)["BK_CI_MAJOR_VERSION"] == "3"


@pytest.mark.parametrize(
    ("settings", "values", "problem"),
    [
        ({}, {"fixed": "2"}, "read-only"),
        ({}, {"BK_CI_BUILD_ID": "2"}, ""),  # only left out
        ({}, {"long": "x" * (LONGEST_VALUE + 1)}, ""),  # only left out
        ({"fail_on_long_values": True}, {"long": "x" * (LONGEST_VALUE + 1)}, "longer than"),
        ({}, {"名字": "x"}, ""),
        ({"dialect": Dialect.CONSTRAINED}, {"名字": "x"}, "can't be the name"),
    ],
)
def test_forbidden_writes_fail_a_step(
    settings: dict[str, Any], values: dict[str, str], problem: str
) -> None:
    """A good step that writes what it must not fails, and says which value it was."""
    world = World(
        one_job("a"), writing(**values), settings=RunSettings(**settings), parameters=PARAMETERS
    )
    run = world.finish()

    record = run.step(A)
    assert (record.status is Status.FAILED) is bool(problem)
    assert problem in record.message
    if problem:
        assert (record.error_type, record.error_code) == (1, 2199002)
