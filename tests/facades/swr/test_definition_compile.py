"""What a stored document means to the engine."""

from typing import Any

import pytest
from definition_texts import (
    IMAGE,
    INFO,
    PACKAGE,
    Json,
    build,
    definition,
    deploy,
    gray,
    image,
    resource,
    review,
    rules,
    shop,
    source,
)

from mulligan.core.hooks import HookKind
from mulligan.core.spec import AfterFailure, StepSpec
from mulligan.facades.swr.compile import SETTINGS, Compiled, compile_document
from mulligan.facades.swr.definition_in import assign_ids, read_new


def compiled(body: Json) -> Compiled:
    """Compile a body; its stages have the ids 11, 12 …"""
    return compile_document(assign_ids(read_new(body, rules()), 11, 1))


def step_of(body: Json, index: int = -1) -> StepSpec:
    """Return the step of one stage."""
    return compiled(body).spec.stages[index].jobs[0].steps[0]


def inputs_of(*stages: Json) -> Any:
    """Return the inputs of the last of some stages."""
    return step_of(definition(*stages)).inputs


def test_one_stage_is_one_job_with_one_step() -> None:
    """Ids follow from the position and the id of the stage."""
    spec = compiled(shop()).spec

    assert [stage.id for stage in spec.stages] == ["stage-2", "stage-3", "stage-4", "stage-5"]
    jobs = [job for stage in spec.stages for job in stage.jobs]
    assert [job.id for job in jobs] == ["11", "12", "13", "14"]
    assert jobs[0].hash_id == f"c-{11:032x}"
    steps = [step for job in jobs for step in job.steps]
    assert [step.id for step in steps] == [f"e-{number:032x}" for number in range(11, 15)]
    assert [(step.kind, step.code) for step in steps] == [
        ("source", "code_source"),
        ("build", "jenkins_build"),
        ("image", "dockerfile_build"),
        ("deploy", "official_deploy"),
    ]


def test_one_run_at_a_time_with_declared_variables_only() -> None:
    """The settings of such a pipeline."""
    assert (SETTINGS.run_lock, SETTINGS.dialect) == ("EXCLUSIVE", "declared")


def test_system_variables_are_computed() -> None:
    """The two system variables can't be given; the others have their defaults."""
    found = compiled(shop()).spec.parameters

    assert [(each.name, each.computed, each.constant, each.default) for each in found] == [
        ("SYS_INCREMENT", "number", True, ""),
        ("SYS_TIMESTAMP", "timestamp", True, ""),
        ("ENV", "", False, "test"),
    ]


@pytest.mark.parametrize(
    ("handler", "after", "hold_s", "goes_on"),
    [
        (None, AfterFailure.HOLD, 72 * 3600, False),
        ({"type": "timeout_reset", "params": {"timespan": 2}}, AfterFailure.HOLD, 7200, False),
        ({"type": "return_to_start"}, AfterFailure.RESET, 0, False),
        ({"type": "ignore_error"}, AfterFailure.END, 0, True),
    ],
)
def test_exception_handlers(
    handler: Json | None, after: AfterFailure, hold_s: int, goes_on: bool
) -> None:
    """What a failure means follows from the handler."""
    stage = compiled(definition(build(exception_handler=handler))).spec.stages[0]

    assert (stage.after_failure, stage.hold_s) == (after, hold_s)
    assert stage.jobs[0].continue_on_failure is goes_on


def test_source() -> None:
    """A source has what names the commit."""
    assert inputs_of(source(branch=None, tag="v1")) == {
        "git_type": "github",
        "url": "https://example.com/acme/shop.git",
        "tag": "v1",
    }


def test_build() -> None:
    """A build knows its sources by their steps, and its packages in and out."""
    stage = build(
        input_resources=[
            resource("code_source", "src", stage_index="0"),
            resource("package", "lib", **PACKAGE),
        ],
        output_resources=[resource("package", "war", **PACKAGE, local_file_path="t/shop.war")],
    )

    assert inputs_of(source(), stage) == {
        "basic_env": "java",
        "script": "mvn package",
        "enable_cache": False,
        "sources": [{"name": "src", "step": f"e-{11:032x}"}],
        "packages": [{"name": "lib", **PACKAGE}],
        "publish": [{**PACKAGE, "local_file_path": "t/shop.war"}],
    }


def test_image_build() -> None:
    """An image build has its file, its inputs and the image that it makes."""
    stage = {
        **image(dockerfile_path="./Dockerfile", build_path="web"),
        "input_resources": [resource("image", "base", **IMAGE)],
        "output_resources": [resource("image", "img", **IMAGE)],
    }

    assert inputs_of(stage) == {
        "dockerfile_path": "./Dockerfile",
        "build_path": "web",
        "basic_env": "dockerfile_path",
        "sources": [],
        "packages": [],
        "images": [IMAGE],
        "output": IMAGE,
    }


def test_review_has_no_end_of_waiting() -> None:
    """A review asks its users, one or all, for as long as it takes."""
    body = definition(review("one", "ann", "bob"))

    step, job = step_of(body), compiled(body).spec.stages[0].jobs[0]

    assert step.inputs == {"reviewUsers": ["ann", "bob"], "decide": "one"}
    assert min(step.timeout_s, job.timeout_s) > 50 * 365 * 86_400


def test_deployment() -> None:
    """A release has the settings as they came, its image and its packages."""
    stage = deploy(
        input_resources=[resource("image", "img", **IMAGE), resource("package", "war", **PACKAGE)]
    )

    assert inputs_of(stage) == {
        "act": "deploy",
        "info": INFO,
        "deploy_mode": "cceMode",
        "gray_mode": "",
        "after_gray": "",
        "image": IMAGE,
        "packages": [{"name": "war", **PACKAGE}],
    }


_GREY = '{"driver":"command","application":"shop","deploy":"x","gray":{"deploy":"y"}}'
_OTHER = '{"driver":"command","application":"other","deploy":"x"}'


@pytest.mark.parametrize(
    ("stages", "follows"),
    [
        ([gray(_GREY), deploy("")], True),
        ([gray(_GREY), review(), deploy("")], True),
        ([gray(_GREY), deploy(INFO)], True),
        ([gray(_GREY), deploy(_OTHER)], False),
        ([gray(_GREY), deploy(""), deploy(INFO)], False),
        ([deploy(INFO)], False),
        ([gray("opaque"), deploy("opaque")], True),
    ],
)
def test_what_an_official_release_promotes(stages: list[Json], follows: bool) -> None:
    """It promotes the grey release before it, once, unless it names another target."""
    found = inputs_of(*stages)["after_gray"]

    assert found == (f"e-{11:032x}" if follows else "")


@pytest.mark.parametrize("mode", ["parallel", "serial"])
def test_multi_deploy(mode: str) -> None:
    """A stage of several deployments has a job for each, in serial mode one after the other."""
    tasks = [{"name": name, "deploy_mode": "cceMode", "input_info": INFO} for name in ("a", "b")]
    stage = {
        "name": "many",
        "service_name": "multi_deploy",
        "params": {"mode": mode, "tasks": tasks},
    }

    first, second = compiled(definition(stage)).spec.stages[0].jobs

    assert (first.name, second.name) == ("a", "b")
    assert first.id != second.id
    assert second.depends_on == ((first.id,) if mode == "serial" else ())
    assert all(job.steps[0].kind == "deploy" for job in (first, second))
    assert all(job.steps[0].inputs["info"] == INFO for job in (first, second))


def test_tests_have_their_report() -> None:
    """A test stage is a build with a report and the rate that must be reached."""
    params = {"basic_env": "java", "test_shell": "x", "pass_rate": 90, "report_path": "r/*.xml"}
    stage = {"name": "unit", "service_name": "unit_test", "params": params}

    step = step_of(definition(stage))

    assert (step.kind, step.inputs["script"]) == ("unit_test", "x")
    assert (step.inputs["pass_rate"], step.inputs["report_path"]) == (90, "r/*.xml")


def test_hooks_of_pipeline_and_stages() -> None:
    """Each trigger is a hook; a stage names its own in order; a push hook has its secret."""
    trigger = {"trigger_tag_create_event": True, "branchs": ["main"]}
    two = {"operator": "and", "triggers": [{"webhook": {}}, {"channel": {"name": "c"}}]}
    body = definition(
        source(code_trigger=trigger),
        build(pre_operation=two),
        pre_operation={"operator": "or", "triggers": []},
    )

    found = compiled(body)

    kinds = [(hook.kind, hook.stage, hook.position, hook.name) for hook in found.hooks]
    assert kinds == [
        (HookKind.WEBHOOK, "", 0, ""),
        (HookKind.CODE, "11", 0, ""),
        (HookKind.WEBHOOK, "12", 0, ""),
        (HookKind.CHANNEL, "12", 1, "c"),
    ]
    assert found.hooks[1].extra == trigger
    assert found.hooks[1].secret
    signals = found.spec.stages[1].signals
    assert signals is not None
    assert signals.signals == tuple(hook.id for hook in found.hooks[2:])
    assert signals.needs_all
    assert found.spec.signals is not None
    assert found.spec.signals.signals == (found.hooks[0].id,)
    assert found.spec.stages[0].signals is None
    assert len({hook.id for hook in found.hooks}) == 4


def test_hooks_set_variables() -> None:
    """A trigger says which of its parameters sets which variable."""
    assert compiled(shop()).hooks[0].converts == (("env", "ENV"),)


@pytest.mark.parametrize(
    ("condition", "expected"), [(None, (True, True)), (1, (True, False)), (2, (False, True))]
)
def test_messages(condition: int | None, expected: tuple[bool, bool]) -> None:
    """A stage's message goes out on success, failure or both, with values of variables."""
    convert = {"name": "number", "pipeline_param_name": "SYS_INCREMENT"}
    trigger = {
        "webhook": {"method": "PUT", "url": "https://example.com/x", "headers": {"A": "${ENV}"}},
        "pipeline_param_converts": [convert],
        "condition": condition,
    }

    stage = compiled(definition(build(post_operation={"triggers": [trigger]}))).spec.stages[0]

    [message] = stage.messages
    assert (message.on_success, message.on_failure) == expected
    assert message.values == (("number", "SYS_INCREMENT"),)
    assert (message.kind, message.config) == ("webhook", trigger["webhook"])


def test_notification() -> None:
    """The pipeline's notification is a message of the run."""
    config = {"user_id": "u", "user_name": "ann", "condition": 2, "pattern": 1, "email": "a@b.c"}
    body = definition(post_operation={"notifications": [{"type": 7, "config": config}]})

    [message] = compiled(body).spec.messages

    assert (message.kind, message.on_success, message.on_failure) == ("notification", False, True)
    assert message.config["email"] == "a@b.c"
