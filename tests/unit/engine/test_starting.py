"""The checks of a start, and what a new run begins with."""

from typing import Any

import pytest
from msgspec.structs import replace

from builders import job, one_job, pipeline, stage, step
from engine_world import ADMIN, ANN, SHOP, World
from mulligan.core.errors import RefusedError
from mulligan.core.ids import JobId, StepId
from mulligan.core.posts import index_of
from mulligan.core.records import PipelineSettings, Project
from mulligan.core.refusal import RefusalCode
from mulligan.core.run import Run, StartParameter
from mulligan.core.spec import JobSpec, ParameterSpec, PipelineSpec
from mulligan.core.status import Status
from mulligan.engine.catalog import Definition

pytestmark = pytest.mark.anyio


async def refusal_of(hand: World, spec: PipelineSpec, **fields: Any) -> RefusalCode:
    """Start a pipeline in vain; give the reason."""
    settings = fields.pop("settings", None)
    made = await hand.add_pipeline(spec, settings)
    with pytest.raises(RefusedError) as refused:
        await hand.start(made, **fields)
    return refused.value.refusal.code


def one_job_with(**fields: Any) -> PipelineSpec:
    """Give a definition of one job with other fields of the pipeline."""
    return PipelineSpec(name="build", stages=one_job("a").stages, **fields)


def waiting_for(text: str) -> PipelineSpec:
    """Give a definition whose last job waits for those that the variable `first` names."""
    jobs = (job("1", "a", ref="one"), job("2", "b", ref="two"), job("3", "c", ref="three"))
    last = replace(jobs[2], depends_text=text)
    parameters = (ParameterSpec(name="first", default="one"),)
    return pipeline(stage("s", *jobs[:2], last), parameters=parameters)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("${first}", ("1",)),
        ("${{ variables.first }}; gone, two", ("1", "2")),
        ("${gone}", ()),
    ],
)
async def test_job_waits_for_those_that_the_parameters_name(
    hand: World, text: str, needs: tuple[str, ...]
) -> None:
    """Names with variables are settled at the start and stay, also after a look at the store."""
    made = await hand.add_pipeline(waiting_for(text))

    head = await hand.start(made)

    run = await hand.run(head.id)
    assert run.index.jobs[JobId("3")].depends_on == needs
    assert index_of(made_spec(run), head.posts).jobs[JobId("3")].depends_on == needs


async def test_run_goes_on_by_no_definition_whose_jobs_wait_by_other_names(hand: World) -> None:
    """What was settled by other texts may make a circle with it: such jobs would wait for ever."""
    spec = waiting_for("${first}")
    made = await hand.add_pipeline(spec)
    head = await hand.start(made)
    await hand.stop(head.id)
    run = await hand.run(head.id)
    one, two, three = spec.stages[0].jobs

    async def goes_on_by(*jobs: JobSpec) -> bool:
        newer = replace(spec, stages=(stage("s", *jobs),))
        definition = Definition(spec=newer, dialect="bkci", source={"name": "newer"})
        stored = await hand.store.find_pipeline(made.id)
        assert stored is not None
        await hand.catalog.edit_pipeline(ADMIN, stored, definition)
        return await hand.engine.newest_index(run) is not None

    assert await goes_on_by(one, replace(two, depends_on=(three.id,)), three)
    assert not await goes_on_by(replace(one, depends_on=(three.id,)), two, three)
    assert not await goes_on_by(one, two, replace(three, depends_text="${second}"))


def made_spec(run: Run) -> PipelineSpec:
    """Give the definition of a run as its version has it: nothing settled."""
    jobs = [replace(each, depends_on=()) for each in run.index.spec.stages[0].jobs]
    return replace(run.index.spec, stages=(stage("s", *jobs),))


async def test_jobs_that_would_wait_for_each_other_are_not_started(hand: World) -> None:
    """Parameters by which a job waits for itself are refused: it would wait for ever."""
    spec = waiting_for("${first}")
    parameters = (ParameterSpec(name="first", default="three"),)

    code = await refusal_of(hand, replace(spec, parameters=parameters))

    assert code is RefusalCode.PARAMETER_INVALID


COLOUR = "colour"


@pytest.mark.parametrize(
    ("fields", "given", "value"),
    [
        ({"default": "red"}, {}, "red"),
        ({"default": "red"}, {COLOUR: "blue"}, "blue"),
        ({"default": "red"}, {COLOUR: ""}, ""),
        ({"default": "red", "constant": True}, {COLOUR: "blue"}, "red"),
        ({}, {COLOUR: "x" * 5000}, "x" * 4000),
    ],
)
async def test_value_of_a_parameter(
    hand: World, fields: dict[str, Any], given: dict[str, str], value: str
) -> None:
    """A given value wins over the default but for constants; what is too long is cut."""
    spec = one_job_with(parameters=(ParameterSpec(name=COLOUR, **fields),))
    made = await hand.add_pipeline(spec)

    head = await hand.start(made, values=given)

    run = await hand.run(head.id)
    assert head.parameters[0].value == value
    assert run.value(COLOUR) == value


async def test_parameter_keeps_its_kind(hand: World) -> None:
    """What the run shows of a parameter is what the definition says of it."""
    parameter = ParameterSpec(
        name=COLOUR, default="red", kind="ENUM", constant=True, sensitive=True, desc="paint"
    )
    made = await hand.add_pipeline(one_job_with(parameters=(parameter,)))

    head = await hand.start(made)

    assert head.parameters == (
        StartParameter(
            name=COLOUR,
            value="red",
            kind="ENUM",
            read_only=True,
            sensitive=True,
            default="red",
            desc="paint",
        ),
    )


@pytest.mark.parametrize("given", [{}, {COLOUR: ""}, {COLOUR: "  "}])
async def test_required_parameter_without_a_value_is_refused(
    hand: World, given: dict[str, str]
) -> None:
    """A parameter that must have a value can't be blank."""
    spec = one_job_with(parameters=(ParameterSpec(name=COLOUR, must_have=True),))

    assert await refusal_of(hand, spec, values=given) is RefusalCode.PARAMETER_REQUIRED


async def test_long_value_is_refused_where_that_is_wanted(hand: World) -> None:
    """A pipeline may refuse values over 4,000 characters instead of cutting them."""
    spec = one_job_with(parameters=(ParameterSpec(name=COLOUR),))
    settings = PipelineSettings(fail_on_long_values=True)

    code = await refusal_of(hand, spec, values={COLOUR: "x" * 4001}, settings=settings)

    assert code is RefusalCode.PARAMETER_TOO_LONG


async def test_run_lock_refuses(hand: World) -> None:
    """The run lock LOCK refuses every start."""
    settings = PipelineSettings(run_lock="LOCK")

    code = await refusal_of(hand, one_job("a"), settings=settings)

    assert code is RefusalCode.PIPELINE_LOCKED


async def test_disabled_project_refuses(hand: World) -> None:
    """Nothing starts in a disabled project."""
    made = await hand.add_pipeline(one_job("a"))
    project = await hand.catalog.get_project(SHOP)
    await hand.store.put_project(
        Project(
            id=SHOP,
            name=project.name,
            created_by=ANN,
            created_at=project.created_at,
            number=project.number,
            disabled=True,
        )
    )

    with pytest.raises(RefusedError) as refused:
        await hand.start(made)

    assert refused.value.refusal.code is RefusalCode.PROJECT_DISABLED


async def test_pipeline_without_its_version_refuses(hand: World) -> None:
    """A pipeline whose newest version is not there can't be started."""
    made = await hand.add_pipeline(one_job("a"))
    await hand.store.drop_versions(made.id, 0)

    with pytest.raises(RefusedError) as refused:
        await hand.start(made)

    assert refused.value.refusal.code is RefusalCode.NO_RELEASED_VERSION


async def test_pipeline_without_manual_trigger(hand: World) -> None:
    """A start by hand needs a trigger for that, one over the API does not."""
    made = await hand.add_pipeline(one_job_with(manual_start=False))

    with pytest.raises(RefusedError) as refused:
        await hand.start(made, needs_manual_trigger=True)
    head = await hand.start(made)

    assert refused.value.refusal.code is RefusalCode.NOT_STARTABLE
    assert head.status is Status.RUNNING


async def test_step_can_be_switched_off_at_the_start(hand: World) -> None:
    """A step that is switched off for this run is skipped in it."""
    spec = replace(one_job("a", step("b")), steps_optional=True)
    made = await hand.add_pipeline(spec)

    head = await hand.start(made, disabled_steps=frozenset({StepId("a")}))
    order = await hand.claim(head.id)

    assert order.step_id == "b"


async def test_pipeline_of_no_stages_succeeds_at_once(hand: World) -> None:
    """A run with nothing to do has ended when its start is answered."""
    made = await hand.add_pipeline(PipelineSpec(name="empty"))

    head = await hand.start(made)

    assert head.status is Status.SUCCEEDED


async def test_facts_of_the_pipeline_are_values_of_the_run(hand: World) -> None:
    """Scripts can read what they belong to, and can't change it."""
    made = await hand.add_pipeline(one_job("a"))

    head = await hand.start(made, message="nightly", start_kind="timer")
    order = await hand.claim(head.id)

    env = order.env
    assert (env["BK_CI_PIPELINE_NAME"], env["BK_CI_PROJECT_NAME_CN"]) == ("build", "Shop")
    assert (env["BK_CI_BUILD_MSG"], env["BK_CI_START_TYPE"]) == ("nightly", "TIME_TRIGGER")
    assert env["BK_CI_PIPELINE_CREATE_USER"] == ADMIN.user
    assert env["BK_CI_BUILD_URL"].endswith(head.id)


async def test_definition_is_compiled_once(hand: World) -> None:
    """All runs of a version share its index."""
    made = await hand.add_pipeline(one_job("a"))
    first = await hand.run((await hand.start(made)).id)
    second = await hand.run((await hand.start(made)).id)

    assert first.index is second.index
