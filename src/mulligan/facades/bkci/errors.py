"""Errors to answers of this API, by nearest class, in tables: there is no `try` in a route."""

from collections.abc import Callable, Mapping
from typing import Any

from mulligan.core.errors import (
    CallerError,
    ConflictError,
    ForbiddenError,
    InfrastructureError,
    InvalidError,
    NotFoundError,
    RefusedError,
    StateError,
)
from mulligan.core.refusal import RefusalCode
from mulligan.facades.bkci import error_texts as t
from mulligan.facades.bkci.error_texts import Problem
from mulligan.facades.bkci.rule_texts import RULES, THINGS
from mulligan.facades.bkci.texts import DEFAULT_LANGUAGE, Text
from mulligan.facades.common.errors import KeyReusedError, RequestError

Answer = tuple[int, dict[str, Any]]


class NotServedError(CallerError):
    """The API has that call, this server does not serve it. `call`: its operation or path."""

    def __init__(self, call: str) -> None:
        super().__init__(f"the call {call} is not served")
        self.call = call


REFUSALS: Mapping[RefusalCode, Problem] = {
    RefusalCode.EXPIRED: t.EXPIRED,
    RefusalCode.PIPELINE_DELETED: t.NO_PIPELINE,
    RefusalCode.VERSION_GONE: t.NO_VERSION,
    RefusalCode.PIPELINE_LOCKED: t.LOCKED,
    RefusalCode.PROJECT_DISABLED: t.PROJECT_DISABLED,
    RefusalCode.TARGET_UNKNOWN: t.NO_TARGET,
    RefusalCode.STAGE_NOT_FAILED: t.STAGE_NOT_FAILED,
    RefusalCode.SKIP_NOT_ALLOWED: t.NO_SKIP,
    RefusalCode.AWAITING_APPROVAL: t.RUN_BUSY,
    RefusalCode.STAGE_BUSY: t.RUN_BUSY,
    RefusalCode.NEEDS_SINGLE_STEP: t.EMPTY_PARAMETER,
    RefusalCode.STAGE_NOT_RUNNING: t.STAGE_NOT_RUNNING,
    RefusalCode.JOB_NOT_FINISHED: t.JOB_RUNS,
    RefusalCode.STEP_NOT_FAILED: t.STEP_NOT_FAILED,
    RefusalCode.QUEUE_FULL: t.QUEUE_FULL,
    RefusalCode.TOO_FREQUENT: t.TOO_FREQUENT,
    RefusalCode.RUN_FINISHED: t.ENDED,
    RefusalCode.ALREADY_CANCELLED: t.ALREADY_CANCELLED,
    RefusalCode.NOT_AWAITING: t.STAGE_NOT_WAITING,
    RefusalCode.NOT_A_REVIEWER: t.NO_REVIEW_RIGHT,
    RefusalCode.GROUP_UNKNOWN: t.NO_GROUP,
    RefusalCode.ALREADY_RESUMED: t.RESUMED,
    RefusalCode.PARAMETER_REQUIRED: t.PARAMETER_REQUIRED,
    RefusalCode.PARAMETER_TOO_LONG: t.VALUE_TOO_LONG,
    RefusalCode.PARAMETER_INVALID: t.ILLEGAL_VALUE,
    RefusalCode.NOT_STARTABLE: t.NO_MANUAL_START,
    RefusalCode.STEPS_NOT_OPTIONAL: t.STEPS_NOT_OPTIONAL,
    RefusalCode.NO_RELEASED_VERSION: t.NOT_RELEASED,
    RefusalCode.PLAN_STALE: t.RUN_BUSY,
    RefusalCode.ALREADY_VOTED: t.STAGE_NOT_WAITING,
    RefusalCode.RUN_BUSY: t.RUN_BUSY,
    RefusalCode.RUN_ACTIVE: t.QUEUE_FULL,
    RefusalCode.RUN_HELD: t.RUN_BUSY,
    RefusalCode.NOT_NEWEST: t.ENDED,
    RefusalCode.NOT_RETRYABLE: t.STAGE_NOT_FAILED,
    RefusalCode.OLDER_THAN_LIVE: t.STAGE_NOT_FAILED,
    RefusalCode.NOT_STOPPABLE: t.RUN_BUSY,
    RefusalCode.NOT_DEPLOYING: t.NO_TARGET,
    RefusalCode.ROLLBACK_UNSUPPORTED: t.NO_TARGET,
    RefusalCode.NO_ROLLBACK_TARGET: t.NO_TARGET,
    RefusalCode.ENVIRONMENT_BUSY: t.RUN_BUSY,
    # no call of this dialect changes anything for a retry
    RefusalCode.CHANGES_WITH_SKIP: t.ILLEGAL_VALUE,
    RefusalCode.CHANGES_TOO_LARGE: t.VALUE_TOO_LONG,
    RefusalCode.STEP_KEPT: t.ILLEGAL_VALUE,
    RefusalCode.INPUT_UNKNOWN: t.ILLEGAL_VALUE,
    RefusalCode.INPUT_INVALID: t.ILLEGAL_VALUE,
    RefusalCode.INPUT_FIXED: t.ILLEGAL_VALUE,
    RefusalCode.PARAMETER_UNKNOWN: t.ILLEGAL_VALUE,
    RefusalCode.PARAMETER_FIXED: t.ILLEGAL_VALUE,
    RefusalCode.PARAMETERS_LATER: t.RUN_BUSY,
}
# What a placeholder gets when the refusal brings no value for it.
_DEFAULT_VALUES: Mapping[RefusalCode, tuple[str, ...]] = {
    RefusalCode.EXPIRED: ("28",),
    RefusalCode.NEEDS_SINGLE_STEP: ("BK_CI_RETRY_TASK_IN_STAGE_ID",),
}
INVALID: Mapping[str, Problem] = {
    **RULES,
    "model-illegal": t.MODEL_ILLEGAL,
    "trigger-stage": t.ONE_TRIGGER_STAGE,
    "stage-without-job": t.STAGE_WITHOUT_JOB,
    "job-without-step": t.JOB_WITHOUT_STEP,
    "finally-position": t.FINALLY_STAGE,
    "other-pipeline": t.OTHER_PIPELINE,
    "invalid-run": t.INVALID_RUN,
    "not-as-code": t.NOT_AS_CODE,
    "restarting": t.RESTARTING,
    "remark-too-long": t.REMARK_TOO_LONG,
    "too-many-runs": t.TOO_MANY_RUNS,
    "callback-url": t.CALLBACK_URL,
    "element-too-long": t.ELEMENT_TOO_LONG,
}
MISSING: Mapping[str, Problem] = {
    "run": t.NO_RUN,
    "pipeline": t.NO_PIPELINE,
    "version": t.NO_VERSION,
    "stage": t.NO_STAGE,
    "project": t.UNKNOWN_PROJECT,
}
CONFLICTS: Mapping[str, Problem] = {
    "draft": t.DRAFT_STALE,
    "template-in-use": t.TEMPLATE_IN_USE,
    **dict.fromkeys(("label", "label-group", "view", "template", "node-group"), t.TAKEN),
    "pipeline-name": t.NAME_TAKEN,
    "receipt": t.KEY_REUSED,
    "secret": t.SECRET_TAKEN,
    "repository": t.REPOSITORY_TAKEN,
    "run-number": t.BUSY,
}
# Where one call words the same matter differently: (call, what) -> answer. `what` is a
# `RefusalCode`, a `NotFoundError.kind`, or "forbidden".
BY_CALL: Mapping[tuple[str, str], Problem] = {
    ("build_retry", "run"): t.INVALID_RUN,
    ("build_stop", "forbidden"): t.MAY_NOT_CANCEL,
    ("manual_review", RefusalCode.NOT_A_REVIEWER): t.NOT_AUDITOR,
    ("manual_review", RefusalCode.NOT_AWAITING): t.NOT_AUDITABLE,
    ("manual_review", "step"): t.NOT_AUDITABLE,
    ("build_execute_pause", RefusalCode.NOT_AWAITING): t.RESUMED,
    ("build_execute_pause", RefusalCode.RUN_FINISHED): t.ENDED_EXCEPTION,
    ("logs", "forbidden"): t.NO_LOG_RIGHT,
}


def render_error(error: Exception, language: str = DEFAULT_LANGUAGE, *, call: str = "") -> Answer:
    """Give the answer for an error.

    Args:
        language: "zh" or "en".
        call: Last part of the path ("build_retry"), "logs" for all log calls; some calls have
            their own words for the same matter.

    Returns:
        HTTP status and body; the body has no `data`.
    """
    for kind in type(error).__mro__:
        render = _RENDERERS.get(kind)
        if render is not None:
            return render(error, language, call)
    return _answer(t.UNEXPECTED, language)


def render_unexpected(language: str, error_id: str) -> Answer:
    """Give the answer for an error that nobody expected; the log tells of it under the id."""
    return _answer(t.UNEXPECTED, language, detail=error_id)


def render_plain(http: int, message: str) -> Answer:
    """Give an answer whose code is the HTTP status itself: 401, 404, 405, 413, 415 …"""
    return http, {"status": http, "message": message}


def _answer(
    problem: Problem, language: str, values: tuple[str, ...] = (), detail: str = ""
) -> Answer:
    text = _fill(problem.text.say(language), values)
    if detail:
        text = f"{text} ({detail})"
    return problem.http, {"status": problem.code, "message": text}


def _fill(template: str, values: tuple[str, ...]) -> str:
    """Put values into a template. Not with `format`: values come from users."""
    parts = template.split("{")
    filled = parts[0]
    for part in parts[1:]:
        number, brace, rest = part.partition("}")
        if brace and number.isdecimal():
            position = int(number)
            filled += (values[position] if position < len(values) else "") + rest
        else:
            filled += "{" + part
    return filled.strip()


def _refused(error: RefusedError, language: str, call: str) -> Answer:
    refusal = error.refusal
    problem = BY_CALL.get((call, refusal.code)) or REFUSALS[refusal.code]
    values = refusal.values or _DEFAULT_VALUES.get(refusal.code, ())
    # the core's sentence is English; who reads Chinese gets at least the place
    detail = refusal.message if language == "en" else refusal.node
    return _answer(problem, language, values, detail)


def _invalid(error: InvalidError, language: str, _call: str) -> Answer:
    problem = INVALID.get(error.code)
    if problem is None:
        return _answer(t.BAD_REQUEST, language, (str(error),))
    if error.code not in RULES:
        return _answer(problem, language, error.values, error.pointer)
    return _answer(problem, language, (error.pointer, *error.values))


def _not_found(error: NotFoundError, language: str, call: str) -> Answer:
    problem = BY_CALL.get((call, error.kind)) or MISSING.get(error.kind)
    if problem is not None:
        return _answer(problem, language, (error.ident,))
    thing = THINGS.get(error.kind, Text(error.kind, error.kind)).say(language)
    return _answer(t.NOT_FOUND, language, (thing, error.ident))


def _forbidden(error: ForbiddenError, language: str, call: str) -> Answer:
    problem = BY_CALL.get((call, "forbidden"))
    if problem is not None:
        return _answer(problem, language, (error.actor, error.where))
    return _answer(t.FORBIDDEN, language, (), f"{error.actor}: {error.permission} @ {error.where}")


def _conflict(error: ConflictError, language: str, _call: str) -> Answer:
    problem = CONFLICTS.get(error.code)
    if problem is None:
        return _answer(t.CONFLICT, language, (str(error),))
    return _answer(problem, language, error.values)


def _request(error: RequestError, _language: str, _call: str) -> Answer:
    return render_plain(error.status, error.message)


_RENDERERS: Mapping[type, Callable[[Any, str, str], Answer]] = {
    RefusedError: _refused,
    InvalidError: _invalid,
    NotFoundError: _not_found,
    ForbiddenError: _forbidden,
    ConflictError: _conflict,
    KeyReusedError: lambda _error, language, _call: _answer(t.KEY_REUSED, language),
    RequestError: _request,
    NotServedError: lambda error, language, _call: _answer(t.NOT_SERVED, language, (error.call,)),
    StateError: lambda _error, language, _call: _answer(t.RUN_BUSY, language),
    InfrastructureError: lambda _error, language, _call: _answer(t.BUSY, language),
}
