"""What a new run begins with, and why a start is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from core_specs import one_job
from msgspec.structs import replace

from mulligan.core.ids import PipelineId, ProjectId, RunId, StepId, UserName
from mulligan.core.records import Pipeline, PipelineSettings, PipelineVersion, Project
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Run
from mulligan.core.spec import Dialect, ParameterSpec, SpecIndex
from mulligan.core.values import LONGEST_VALUE
from mulligan.engine.commands import StartRun
from mulligan.engine.starting import StartPolicy, new_run

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BEN = UserName("ann"), UserName("ben")
PIPELINE = Pipeline(
    id=PipelineId("p-1"),
    project=ProjectId("shop"),
    name="build",
    created_by=ANN,
    created_at=NOW,
    updated_by=BEN,
    updated_at=NOW,
    version=7,
)
PROJECT = Project(id=ProjectId("shop"), name="The shop", created_by=ANN, created_at=NOW)
PARAMETERS = (
    ParameterSpec(name="env", default="test"),
    ParameterSpec(name="fixed", default="1", constant=True),
    ParameterSpec(name="token", sensitive=True, read_only=True, kind="PASSWORD", desc="a token"),
)
VERSION = PipelineVersion(
    pipeline=PIPELINE.id,
    version=7,
    spec=replace(one_job("a"), parameters=PARAMETERS),
    dialect="bkci",
    source={},
    created_by=ANN,
    created_at=NOW,
)


def start(
    *,
    values: dict[str, str] | None = None,
    pipeline: Pipeline = PIPELINE,
    project: Project | None = PROJECT,
    version: PipelineVersion | None = VERSION,
    policy: StartPolicy | None = None,
    **fields: Any,
) -> Any:
    """Start a run; give the run and its writes, or the refusal."""
    return new_run(
        StartRun(actor=BEN, pipeline=pipeline.id, values=values or {}, **fields),
        pipeline=pipeline,
        project=project,
        version=version,
        index=SpecIndex(version.spec) if version is not None else None,
        run_id=RunId("b-1"),
        number=42,
        now=NOW,
        policy=policy or StartPolicy(public_url="http://ci"),
    )


def settled(**settings: Any) -> Pipeline:
    """Give the pipeline with other settings."""
    return replace(PIPELINE, settings=PipelineSettings(**settings))


def code(answer: object) -> RefusalCode:
    """Give the code of a refusal."""
    assert isinstance(answer, Refusal), answer
    assert answer.message
    return answer.code


def test_a_new_run_is_queued_at_its_first_attempt() -> None:
    """It has its number, its version and the settings of the moment."""
    policy = StartPolicy(only_current_attempt=True, on_lost="fail", lost_budget=1)
    pipeline = settled(
        dialect=Dialect.CONSTRAINED, fail_on_long_values=True, cancel_policy="RESTRICTED"
    )

    run, _ = start(pipeline=pipeline, policy=policy, message="hello", start_kind="manual")

    assert isinstance(run, Run)
    head = run.head
    assert (head.number, head.version, head.attempt, head.status.value) == (42, 7, 1, "queued")
    assert (head.started_by, head.message, head.start_kind) == (BEN, "hello", "manual")
    assert [(attempt.number, attempt.actor) for attempt in head.attempts] == [(1, BEN)]
    settings = head.settings
    assert (settings.dialect, settings.only_current_attempt) == (Dialect.CONSTRAINED, True)
    assert (settings.on_lost, settings.lost_budget, settings.cancel_policy) == (
        "fail",
        1,
        "RESTRICTED",
    )


def test_the_facts_of_the_pipeline_are_written() -> None:
    """Scripts can read them as variables."""
    _, writes = start()

    values = {write.name: write.value for write in writes}
    assert values["BK_CI_PIPELINE_NAME"] == "build"
    assert values["BK_CI_PROJECT_NAME_CN"] == "The shop"
    assert values["BK_CI_PIPELINE_CREATE_USER"] == "ann"
    assert values["BK_CI_PIPELINE_UPDATE_USER"] == "ben"
    assert values["BK_CI_BUILD_URL"] == "http://ci/runs/b-1"


def test_only_defined_parameters_are_taken() -> None:
    """Unknown names are dropped, constants keep their value, missing ones get their default."""
    run, writes = start(values={"token": "s3", "fixed": "2", "unknown": "x"})

    found = {parameter.name: parameter.value for parameter in run.head.parameters}
    assert found == {"env": "test", "fixed": "1", "token": "s3"}
    assert "unknown" not in {write.name for write in writes}
    by_name = {write.name: write for write in writes}
    assert (by_name["fixed"].read_only, by_name["env"].read_only) == (True, False)
    assert (by_name["token"].read_only, by_name["token"].sensitive) == (True, True)
    assert [parameter.kind for parameter in run.head.parameters] == ["STRING", "STRING", "PASSWORD"]


@pytest.mark.parametrize(
    ("values", "is_refused"),
    [({}, True), ({"must": " \t"}, True), ({"must": ""}, True), ({"must": "x"}, False)],
)
def test_a_parameter_that_must_have_a_value(values: dict[str, str], is_refused: bool) -> None:
    """Blank is no value."""
    spec = replace(VERSION.spec, parameters=(ParameterSpec(name="must", must_have=True),))

    answer = start(version=replace(VERSION, spec=spec), values=values)

    assert isinstance(answer, Refusal) is is_refused
    if is_refused:
        assert (code(answer), answer.values) == (RefusalCode.PARAMETER_REQUIRED, ("must",))


def test_over_long_values_are_cut_or_refused() -> None:
    """By the setting of the pipeline; the longest value allowed passes both."""
    longest, too_long = "x" * LONGEST_VALUE, "x" * (LONGEST_VALUE + 1)
    strict = settled(fail_on_long_values=True)

    cut, _ = start(values={"env": too_long})
    passed, _ = start(values={"env": longest}, pipeline=strict)
    refused = start(values={"env": too_long}, pipeline=strict)

    assert cut.head.parameters[0].value == passed.head.parameters[0].value == longest
    assert code(refused) is RefusalCode.PARAMETER_TOO_LONG


REASONS: list[tuple[dict[str, Any], RefusalCode]] = [
    ({"deleted_at": NOW}, RefusalCode.PIPELINE_DELETED),
    ({"locked": True}, RefusalCode.PIPELINE_LOCKED),
    ({"settings": PipelineSettings(run_lock="LOCK")}, RefusalCode.PIPELINE_LOCKED),
]


@pytest.mark.parametrize("place", range(len(REASONS)))
def test_the_first_reason_against_a_start_is_given(place: int) -> None:
    """Deleted before locked, both before anything about project, version or trigger."""
    changes: dict[str, Any] = {}
    for reason, _ in REASONS[place:]:
        changes |= reason

    answer = start(pipeline=replace(PIPELINE, **changes), project=None, version=None)

    assert code(answer) is REASONS[place][1]


@pytest.mark.parametrize("project", [None, replace(PROJECT, disabled=True)])
def test_a_disabled_project_starts_nothing(project: Project | None) -> None:
    """It is looked at before the version."""
    assert code(start(project=project, version=None)) is RefusalCode.PROJECT_DISABLED


def test_a_pipeline_without_a_released_version_starts_nothing() -> None:
    """There is nothing that could run."""
    assert code(start(version=None)) is RefusalCode.NO_RELEASED_VERSION


@pytest.mark.parametrize(
    ("manual_start", "is_needed", "is_refused"),
    [(True, True, False), (False, True, True), (False, False, False)],
)
def test_a_manual_trigger_is_only_needed_where_it_is_asked_for(
    manual_start: bool, is_needed: bool, is_refused: bool
) -> None:
    """A8: a start over the API needs none, a restart does."""
    version = replace(VERSION, spec=replace(VERSION.spec, manual_start=manual_start))

    answer = start(version=version, needs_manual_trigger=is_needed)

    assert isinstance(answer, Refusal) is is_refused
    if is_refused:
        assert code(answer) is RefusalCode.NOT_STARTABLE


def test_steps_switched_off_at_the_start_are_remembered() -> None:
    """For this run and all its attempts."""
    version = replace(VERSION, spec=replace(VERSION.spec, steps_optional=True))

    run, _ = start(version=version, disabled_steps=frozenset({StepId("a")}))

    assert run.head.disabled_steps == {"a"}


def test_steps_are_left_out_only_where_the_definition_allows_it() -> None:
    """The refusal names one of them; a start of all steps needs no leave."""
    answer = start(disabled_steps=frozenset({StepId("b"), StepId("a")}))

    assert isinstance(answer, Refusal)
    assert (code(answer), answer.node) == (RefusalCode.STEPS_NOT_OPTIONAL, "a")
    assert not isinstance(start(), Refusal)


def test_a_project_without_a_name_of_its_own_is_named_by_its_id() -> None:
    """The policy's address may be empty, too."""
    _, writes = start(policy=StartPolicy())

    assert {write.name: write.value for write in writes}["BK_CI_BUILD_URL"] == "/runs/b-1"


# --- values that are checked and values that hold others ------------------------------------------


def with_parameters(*parameters: ParameterSpec) -> PipelineVersion:
    """Give the version with other parameters."""
    return replace(VERSION, spec=replace(VERSION.spec, parameters=parameters))


@pytest.mark.parametrize(
    ("kind", "value", "is_allowed"),
    [
        ("ENUM", "a", True),
        ("ENUM", "c", False),
        ("ENUM", "", True),
        ("MULTIPLE", "a,b", True),
        ("MULTIPLE", "a,c", False),
        ("STRING", "c", True),
    ],
)
def test_a_choice_is_one_of_its_options(kind: str, value: str, is_allowed: bool) -> None:
    """Only what is offered may be given."""
    version = with_parameters(ParameterSpec(name="env", kind=kind, options=("a", "b")))

    found = start(values={"env": value}, version=version)

    if is_allowed:
        assert found[0].head.parameters[0].value == value
    else:
        assert found.code is RefusalCode.PARAMETER_INVALID


@pytest.mark.parametrize(("mode", "code"), [("full", RefusalCode.PARAMETER_REQUIRED), ("x", None)])
def test_what_is_not_shown_may_stay_empty(mode: str, code: RefusalCode | None) -> None:
    """A value that must not be empty is asked for only where the form shows it."""
    version = with_parameters(
        ParameterSpec(name="mode"),
        ParameterSpec(name="tag", must_have=True, shown_when=(("mode", "full"),)),
    )

    found = start(values={"mode": mode}, version=version)

    assert (found.code if isinstance(found, Refusal) else None) is code


def test_references_and_forms_expand() -> None:
    """A repository reference and a list of forms give a variable for each of their parts."""
    version = with_parameters(
        ParameterSpec(name="repo", kind="REPO_REF", default='{"repo-name":"g/r","branch":"main"}'),
        ParameterSpec(name="hosts", kind="FORM_LIST", default='[{"ip":"1","n":2},{"ip":"3"}]'),
        ParameterSpec(name="bad", kind="FORM_LIST", default="no json"),
    )

    _, writes = start(values={"repo.branch": "dev"}, version=version)

    values = {write.name: write.value for write in writes}
    assert (values["repo.repo-name"], values["repo.branch"]) == ("g/r", "dev")
    assert (values["hosts.0.ip"], values["hosts.0.n"], values["hosts.1.ip"]) == ("1", "2", "3")
    assert values["bad"] == "no json"


def test_facts_of_a_start() -> None:
    """Who started it, in whose name it runs, what the caller gave besides."""
    run, writes = start(facts={"BK_CI_MATERIAL_ID": "m"}, start_kind="manual")

    values = {write.name: write.value for write in writes}
    assert values["BK_CI_START_MANUAL_USER_ID"] == run.head.started_by
    assert values["BK_CI_AUTHORIZER"] == "ben"
    assert (values["BK_CI_MATERIAL_ID"], values["BK_CI_PIPELINE_DIALECT"]) == ("m", "CLASSIC")
