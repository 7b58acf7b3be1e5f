"""Every error has its answer: HTTP status, code, and a text in both languages."""

import re

import pytest

from mulligan.core import errors as core_errors
from mulligan.core.errors import (
    ConflictError,
    ForbiddenError,
    IllegalTransitionError,
    InfrastructureError,
    InvalidError,
    MulliganError,
    NotFoundError,
    RefusedError,
    StaleFenceError,
    StaleRevisionError,
)
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.facades.bkci.errors import BY_CALL, INVALID, REFUSALS, render_error, render_plain
from mulligan.facades.common.errors import (
    BodyTooLargeError,
    KeyReusedError,
    RequestError,
    UnauthenticatedError,
)

PLACEHOLDER = re.compile(r"\{[0-9]+\}")
CHINESE = re.compile("[\u4e00-\u9fff]")


def refused(code: RefusalCode, *values: str, node: str = "") -> RefusedError:
    """Return the error of a refusal."""
    return RefusedError(Refusal(code=code, message="it can't be done", node=node, values=values))


@pytest.mark.parametrize("code", list(RefusalCode))
def test_every_refusal_has_a_wire_form(code: RefusalCode) -> None:
    """Each refusal has a number of this API and a text in Chinese and English."""
    http, zh = render_error(refused(code, "a", "b"), "zh")
    http_en, en = render_error(refused(code, "a", "b"), "en")

    assert http == http_en
    assert http in {400, 403, 404}
    assert zh["status"] == en["status"]
    assert zh["status"] > 2_100_000
    assert CHINESE.search(zh["message"])
    assert not CHINESE.search(en["message"])
    assert not PLACEHOLDER.search(zh["message"] + en["message"])
    assert zh.keys() == {"status", "message"}


@pytest.mark.parametrize("code", list(RefusalCode))
def test_every_refusal_without_values_is_answered(code: RefusalCode) -> None:
    """A refusal that brings no values has no placeholder left in its text either."""
    _, body = render_error(refused(code), "en")

    assert not PLACEHOLDER.search(body["message"])


@pytest.mark.parametrize(
    ("code", "http", "number"),
    [
        (RefusalCode.EXPIRED, 400, 2101258),
        (RefusalCode.PIPELINE_DELETED, 404, 2101038),
        (RefusalCode.VERSION_GONE, 404, 2101184),
        (RefusalCode.PIPELINE_LOCKED, 400, 2101047),
        (RefusalCode.PROJECT_DISABLED, 400, 2101080),
        (RefusalCode.TARGET_UNKNOWN, 400, 2101081),
        (RefusalCode.STAGE_NOT_FAILED, 400, 2101114),
        (RefusalCode.SKIP_NOT_ALLOWED, 400, 2101221),
        (RefusalCode.AWAITING_APPROVAL, 400, 2101129),
        (RefusalCode.STAGE_BUSY, 400, 2101129),
        (RefusalCode.NEEDS_SINGLE_STEP, 400, 2100002),
        (RefusalCode.STAGE_NOT_RUNNING, 400, 2101273),
        (RefusalCode.JOB_NOT_FINISHED, 400, 2101110),
        (RefusalCode.STEP_NOT_FAILED, 400, 2101277),
        (RefusalCode.QUEUE_FULL, 400, 2101049),
        (RefusalCode.TOO_FREQUENT, 400, 2101020),
        (RefusalCode.RUN_FINISHED, 400, 2101182),
        (RefusalCode.ALREADY_CANCELLED, 400, 2101019),
        (RefusalCode.NOT_AWAITING, 400, 2101167),
        (RefusalCode.NOT_A_REVIEWER, 403, 2101008),
        (RefusalCode.GROUP_UNKNOWN, 403, 2101073),
        (RefusalCode.ALREADY_RESUMED, 400, 2101107),
        (RefusalCode.PARAMETER_REQUIRED, 400, 2101254),
        (RefusalCode.PARAMETER_TOO_LONG, 400, 2101274),
        (RefusalCode.NOT_STARTABLE, 400, 2101021),
        (RefusalCode.STEPS_NOT_OPTIONAL, 400, 2100015),
        (RefusalCode.NO_RELEASED_VERSION, 400, 2101190),
    ],
)
def test_numbers_of_refusals(code: RefusalCode, http: int, number: int) -> None:
    """The published number and HTTP status of each refusal."""
    got, body = render_error(refused(code))

    assert (got, body["status"]) == (http, number)


def test_published_example_of_an_error() -> None:
    """The published error body, to the letter."""
    assert render_error(refused(RefusalCode.EXPIRED, "28")) == (
        400,
        {"status": 2101258, "message": "构建数据已过期，重试时间不能晚于构建开始时间28天以上"},
    )


def test_refusal_says_where_and_what_instead() -> None:
    """English readers get the core's sentence too, Chinese readers the place."""
    error = refused(RefusalCode.SKIP_NOT_ALLOWED, node="e-12")

    assert render_error(error, "zh")[1]["message"] == "task不允许被跳过 (e-12)"
    assert render_error(error, "en")[1]["message"] == (
        "task not allowed to be skipped (it can't be done)"
    )


@pytest.mark.parametrize(
    ("call", "error", "http", "number"),
    [
        ("build_retry", NotFoundError("run", "b-1"), 400, 400),
        ("build_status", NotFoundError("run", "b-1"), 404, 2101163),
        ("build_stop", ForbiddenError("bob", "stop", "demo"), 400, 2101340),
        ("build_retry", ForbiddenError("bob", "retry", "demo"), 403, 403),
        ("logs", ForbiddenError("bob", "view-log", "demo"), 403, 2108004),
        ("manual_review", refused(RefusalCode.NOT_A_REVIEWER, "bob"), 400, 2101018),
        ("manual_review", refused(RefusalCode.NOT_AWAITING, "e-1"), 400, 2101279),
        ("manual_review", NotFoundError("step", "e-1"), 400, 2101279),
        ("build_execute_pause", refused(RefusalCode.RUN_FINISHED), 400, 2101012),
        ("build_execute_pause", refused(RefusalCode.NOT_AWAITING, "e-1"), 400, 2101107),
    ],
)
def test_calls_with_words_of_their_own(call: str, error: Exception, http: int, number: int) -> None:
    """Some calls word the same matter differently."""
    got, body = render_error(error, "en", call=call)

    assert (got, body["status"]) == (http, number)


def test_unknown_run_of_a_retry() -> None:
    """The open API layer's text for a build that does not fit."""
    error = NotFoundError("run", "b-1")

    messages = [
        render_error(error, each, call="build_retry")[1]["message"] for each in ("zh", "en")
    ]

    assert all("PipelineId is invalid" in message for message in messages)


@pytest.mark.parametrize(
    ("kind", "http", "number"),
    [
        ("run", 404, 2101163),
        ("pipeline", 404, 2101038),
        ("version", 404, 2101184),
        ("stage", 404, 2101166),
        ("project", 404, 404),
        ("user", 404, 404),
        ("something", 404, 404),
    ],
)
def test_what_is_not_there(kind: str, http: int, number: int) -> None:
    """Each kind of thing has its number; what it was called is in the text where there is room."""
    got, body = render_error(NotFoundError(kind, "NAME"), "en")

    assert (got, body["status"]) == (http, number)
    assert "NAME" in body["message"] or kind == "pipeline"


def test_unknown_project() -> None:
    """The published text of an unknown project, in any language."""
    body = {"status": 404, "message": "ProjectId [nope] not find, please check it."}

    assert render_error(NotFoundError("project", "nope"), "zh") == (404, body)
    assert render_error(NotFoundError("project", "nope"), "en") == (404, body)


@pytest.mark.parametrize("code", sorted(INVALID))
def test_every_invalid_code_has_both_languages(code: str) -> None:
    """Each rule has a Chinese and an English text without placeholders left."""
    error = InvalidError("wrong", pointer="/a", code=code, values=("1", "2", "3"))

    _, zh = render_error(error, "zh")
    _, en = render_error(error, "en")

    assert zh["status"] == en["status"]
    assert CHINESE.search(zh["message"])
    assert not CHINESE.search(en["message"])
    assert not PLACEHOLDER.search(zh["message"] + en["message"])


def test_invalid_model_names_the_place() -> None:
    """The published text is followed by the pointer."""
    error = InvalidError("no", pointer="/stages/1", code="stage-without-job")

    assert render_error(error, "zh")[1] == {
        "status": 2101025,
        "message": "流水线: Stage缺少Job (/stages/1)",
    }


def test_unknown_code_of_an_invalid_request() -> None:
    """What has no number of its own is 400 with the English text."""
    error = InvalidError("buildId and buildNumber cannot be empty at the same time")

    http, body = render_error(error, "zh")

    assert (http, body["status"]) == (400, 400)
    assert body["message"].startswith("参数校验失败")
    assert "buildId and buildNumber cannot be empty at the same time" in body["message"]


@pytest.mark.parametrize(
    ("error", "http", "number"),
    [
        (ConflictError("taken", code="pipeline-name"), 409, 2101013),
        (ConflictError("taken", code="receipt"), 400, 400),
        (ConflictError("taken", code="project"), 409, 409),
        (KeyReusedError("k"), 400, 400),
        (UnauthenticatedError(), 401, 401),
        (BodyTooLargeError(5), 413, 413),
        (RequestError(415, "type"), 415, 415),
        (StaleRevisionError("moved on"), 400, 2101129),
        (StaleFenceError("late"), 400, 2101129),
        (IllegalTransitionError("no"), 400, 2101129),
        (InfrastructureError("disk full"), 503, 2100001),
        (MulliganError("other"), 500, 500),
        (RuntimeError("bug"), 500, 500),
    ],
)
def test_other_errors(error: Exception, http: int, number: int) -> None:
    """Every class of error is answered, by the nearest class in the table."""
    got, body = render_error(error, "en")

    assert (got, body["status"]) == (http, number)
    assert body["message"]


SAMPLES: list[MulliganError] = [
    InvalidError("a"),
    NotFoundError("run", "a"),
    ForbiddenError("a", "b", "c"),
    ConflictError("a"),
    refused(RefusalCode.STAGE_BUSY),
    StaleRevisionError("a"),
    StaleFenceError("a"),
    IllegalTransitionError("a"),
    InfrastructureError("a"),
]


def test_every_class_of_the_core_has_an_answer() -> None:
    """No class of the error tree falls through to 500."""
    kinds = [
        kind
        for kind in vars(core_errors).values()
        if isinstance(kind, type) and issubclass(kind, MulliganError)
    ]
    leaves = {kind for kind in kinds if not any(kind in other.__bases__ for other in kinds)}

    answers = [render_error(error, "en")[0] for error in SAMPLES]

    assert {type(error) for error in SAMPLES} == leaves
    assert 500 not in answers


def test_unexpected_error_says_nothing_of_its_cause() -> None:
    """A bug does not show its message to the caller."""
    _, body = render_error(RuntimeError("password=hunter2"))

    assert "hunter2" not in body["message"]


def test_values_are_not_templates() -> None:
    """Braces in what users wrote stay as they are."""
    error = NotFoundError("run", "{0}{__class__}{")

    assert render_error(error, "en")[1]["message"] == (
        "Pipeline build [{0}{__class__}{] does not exist"
    )


def test_wrapper_of_plain_http_errors() -> None:
    """Errors before the dialect have the same wrapper."""
    assert render_plain(401, "no") == (401, {"status": 401, "message": "no"})


def test_tables_name_only_what_exists() -> None:
    """Each row of the table by call is about a refusal, a kind of thing, or a missing right."""
    known = {*RefusalCode, "run", "step", "forbidden"}

    named = {what for _, what in BY_CALL}

    assert known >= named
    assert set(REFUSALS) == set(RefusalCode)
