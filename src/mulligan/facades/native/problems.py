"""Errors of the own API: RFC 9457 problems, one table from error to problem by nearest class."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

from mulligan.core.errors import (
    ConflictError,
    ForbiddenError,
    InfrastructureError,
    InvalidError,
    NotFoundError,
    RefusedError,
    StateError,
)
from mulligan.core.refusal import LastAct, RefusalCode
from mulligan.engine.plugin_archive import PluginArchiveError
from mulligan.facades.common.errors import RequestError, UnauthenticatedError
from mulligan.facades.native.documents import locate
from mulligan.logs.format import LogError
from mulligan.pipeline_yaml.document_error import DocumentError

PROBLEM_JSON = "application/problem+json"
_ENCODER = msgspec.json.Encoder()
# what is otherwise a moment later
_PASSING = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})


class QueryError(RequestError):
    """A parameter of the query is malformed."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(400, message)
        self.parameter = parameter


class PartForbiddenError(ForbiddenError):
    """A permission is missing for a part of what was asked for."""

    def __init__(self, error: ForbiddenError, pointer: str) -> None:
        super().__init__(error.actor, error.permission, error.where)
        self.pointer = pointer


class ProblemItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong, and where.

    Args:
        pointer: JSON pointer into the body.
        parameter: Name of a query parameter.
        line, column: In the text of the body, from 1.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    line: int | None = None
    column: int | None = None


class FileRefusedError(Exception):
    """A pipeline file is refused; says all that is wrong with it, and where."""

    def __init__(self, items: Iterable[ProblemItem], *, code: str = "pipeline-file") -> None:
        self.items = tuple(items)
        self.code = code
        super().__init__("; ".join(item.detail for item in self.items))


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was not carried out (RFC 9457).

    Args:
        code: Stable word; for refusals one of `RefusalCode`.
        node, rule, instead: Of a refusal: what stands in the way, by which rule, and what would
            be possible.
        last: Of a refusal: what was done to the run last, by whom and when, if that is why.
        instance: Of what nobody expected: under which id the log of the server tells of it.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[ProblemItem, ...] = ()
    node: str | None = None
    rule: str | None = None
    instead: tuple[str, ...] = ()
    last: LastAct | None = None
    instance: str | None = None


def make_problem(status: int, code: str, detail: str, **more: Any) -> Problem:
    """Make a problem; its type and title follow from code and status."""
    return Problem(
        type=f"urn:mulligan:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        **more,
    )


def encode_problem(problem: Problem) -> bytes:
    """Give the body of a problem."""
    return _ENCODER.encode(problem)


def problem_response(problem: Problem) -> Response:
    """Answer with a problem."""
    headers = {}
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    elif problem.status in _PASSING:
        headers["Retry-After"] = "1"
    return Response(
        encode_problem(problem), problem.status, headers=headers, media_type=PROBLEM_JSON
    )


def problem_of(error: Exception, text: bytes = b"") -> Problem:
    """Give the problem that an error is, by its nearest known class.

    Args:
        text: The document that was sent, if its lines and columns are worth naming.
    """
    for kind in type(error).__mro__:
        render = _TABLE.get(kind)
        if render is not None:
            problem = render(error)
            return _located(problem, text) if text else problem
    return unexpected_problem()


def unexpected_problem(error_id: str = "") -> Problem:
    """Make the problem of an error that nobody expected; it tells nothing of what it was.

    Args:
        error_id: Under which the log tells of it.
    """
    instance = f"urn:mulligan:error:{error_id}" if error_id else None
    detail = "the server failed; its log says more"
    return make_problem(500, "internal", detail, instance=instance)


def _located(problem: Problem, text: bytes) -> Problem:
    items = []
    for item in problem.errors:
        place = None
        if item.pointer is not None and item.line is None:
            place = locate(text, item.pointer)
        if place is not None:
            item = msgspec.structs.replace(item, line=place[0], column=place[1])  # noqa: PLW2901
        items.append(item)
    return msgspec.structs.replace(problem, errors=tuple(items))


# --- the table --------------------------------------------------------------------------------

# Refusals that are not about the state of the run.
_REFUSAL_STATUS = {
    RefusalCode.PLAN_STALE: 412,
    RefusalCode.TARGET_UNKNOWN: 422,
    RefusalCode.PARAMETER_REQUIRED: 422,
    RefusalCode.PARAMETER_TOO_LONG: 422,
    RefusalCode.PARAMETER_INVALID: 422,
    RefusalCode.CHANGES_WITH_SKIP: 422,
    RefusalCode.CHANGES_TOO_LARGE: 422,
    RefusalCode.STEP_KEPT: 422,
    RefusalCode.INPUT_UNKNOWN: 422,
    RefusalCode.INPUT_INVALID: 422,
    RefusalCode.INPUT_FIXED: 422,
    RefusalCode.PARAMETER_UNKNOWN: 422,
    RefusalCode.PARAMETER_FIXED: 422,
    RefusalCode.NOT_A_REVIEWER: 403,
    RefusalCode.TOO_FREQUENT: 429,
}


def _invalid(error: InvalidError) -> Problem:
    item = ProblemItem(detail=str(error), pointer=error.pointer)
    return make_problem(422, error.code, str(error), errors=(item,))


def _part_forbidden(error: PartForbiddenError) -> Problem:
    item = ProblemItem(detail=str(error), pointer=error.pointer)
    return make_problem(403, "forbidden", str(error), errors=(item,))


def _archive(error: PluginArchiveError) -> Problem:
    items = tuple(ProblemItem(detail=problem) for problem in error.problems)
    return make_problem(422, "plugin", str(error), errors=items)


def _refused(error: RefusedError) -> Problem:
    refusal = error.refusal
    status = _REFUSAL_STATUS.get(refusal.code, 409)
    pointer = "/changes" + "".join(f"/{_escaped(key)}" for key in refusal.at)
    errors = (ProblemItem(detail=refusal.message, pointer=pointer),) if refusal.at else ()
    return make_problem(
        status,
        refusal.code.value,
        refusal.message,
        errors=errors,
        node=refusal.node or None,
        rule=refusal.rule or None,
        instead=refusal.instead,
        last=refusal.last,
    )


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _document(error: DocumentError) -> Problem:
    item = ProblemItem(detail=error.message, line=error.line, column=error.column)
    return make_problem(422, "document", str(error), errors=(item,))


def _file(error: FileRefusedError) -> Problem:
    more = f", and {len(error.items) - 1} more" if len(error.items) > 1 else ""
    first = error.items[0]
    detail = f"line {first.line}, column {first.column}: {first.detail}{more}"
    return make_problem(422, error.code, detail, errors=error.items)


def _request(error: RequestError) -> Problem:
    words = {
        400: "bad-request",
        413: "too-large",
        412: "precondition",
        415: "media-type",
        422: "key-reused",
    }
    code = words.get(error.status, "request")
    if isinstance(error, QueryError):
        item = ProblemItem(detail=error.message, parameter=error.parameter)
        return make_problem(error.status, "bad-query", error.message, errors=(item,))
    return make_problem(error.status, code, error.message)


_TABLE: dict[type[Exception], Callable[[Any], Problem]] = {
    InvalidError: _invalid,
    NotFoundError: lambda error: make_problem(404, "not-found", str(error)),
    PartForbiddenError: _part_forbidden,
    ForbiddenError: lambda error: make_problem(403, "forbidden", str(error)),
    ConflictError: lambda error: make_problem(409, error.code, str(error)),
    PluginArchiveError: _archive,
    RefusedError: _refused,
    StateError: lambda error: make_problem(409, "state-moved", str(error)),
    InfrastructureError: lambda error: make_problem(503, "unavailable", str(error)),
    UnauthenticatedError: lambda error: make_problem(401, "unauthenticated", error.message),
    RequestError: _request,
    DocumentError: _document,
    FileRefusedError: _file,
    LogError: lambda error: make_problem(404, "not-found", str(error)),
}
KNOWN = tuple(_TABLE)
