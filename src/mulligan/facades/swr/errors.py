"""Errors in the dialect's shape, an array with one object (spec/swr-pipeline-api.md §1.5)."""

from collections.abc import Callable, Mapping
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
from mulligan.core.refusal import RefusalCode
from mulligan.facades.common.errors import KeyReusedError, RequestError

JSON_TYPE = "application/json;charset=utf8"

NO_CREDENTIAL = "SWR.4012000"
BAD_CREDENTIAL = "SWR.4010000"
OTHER_ACCOUNT = "SWR.4011064"
RIGHT_TOO_LOW = "S2I.4039002"
NO_RIGHT = "S2I.4039001"
INVALID = "SWR.4000014"
MISSING = "SWR.4001014"
NOT_FOUND = "SWR.4040162"
NO_SUCH_PATH = "SWR.4040083"
EXISTS = "SWR.4090236"
RUNNING = "SWR.4091105"
TOO_LARGE = "SWR.4131001"
NO_START = "SWR.5001109"

# Wire messages; the first three digits of the number are the HTTP status.
MESSAGES: Mapping[str, str] = {
    # who
    BAD_CREDENTIAL: "Authenticate Error",
    NO_CREDENTIAL: "Have NOT recive token OR akey/skey",
    OTHER_ACCOUNT: "cross domain error, unauthorized!",
    "SWR.4000031": "Invalid ak sk",
    "SWR.4001013": "neither may be empty",
    "SWR.4002047": "not set",
    "S2I.4019069": "Invalid webhook secret, bad credentials",
    RIGHT_TOO_LOW: "You don't have the authority",
    NO_RIGHT: "You are requesting the resource which is not belong to you",
    "SWR.4031042": "Too many requests",
    # requests
    INVALID: "Invalid param",
    MISSING: "Missing essential parameter",
    "SWR.4001024": "Failed to get Query Parameters",
    "SWR.4001025": "Invalid query Parameters",
    "SWR.4001035": "'filter' is invalid",
    "SWR.4001070": "Web Bad request error: param limit error",
    "SWR.4001072": "Web Bad request error: param offset error",
    "SWR.4001028": "'namespace' is invalid",
    "SWR.4001029": "'repository' is invalid",
    "SWR.4001030": "'package' is invalid",
    "SWR.4000016": "Invalid tag",
    "SWR.4001021": "'tag' should not be empty",
    "SWR.4001093": "Web Bad request error: param description error",
    TOO_LARGE: "Request entity too large",
    NO_SUCH_PATH: "request error: not fond request uri",
    NOT_FOUND: "Not found database data",
    # groups
    "SWR.4001150": "Authorization Error: Pipeline Group ID is null.",
    EXISTS: "Conflict: resource is exist",
    "SWR.4097005": "Conflict: group auth is exist",
    "SWR.4007003": "Invalid auth para",
    "SWR.4000008": "Failed to delete auth",
    "SWR.5000007": "Failed to update group auth",
    "SWR.5007001": "Group auth is missing",
    "SWR.5007002": "Failed to get group auth",
    "SWR.5007004": "Failed to get group",
    "SWR.5007006": "Failed to create group",
    # definitions
    "SWR.4001142": "Pipeline name is invalid",
    "SWR.4001141": "Stage name is invalid",
    "SWR.4001133": "Pipeline params does not exist!",
    "SWR.4091134": "Pipeline params already exists!",
    "SWR.4001143": "Fail to save aos deploy, param error",
    "SWR.4001145": "Invalid smn param.",
    "SWR.5001099": "Failed to create pipeline!",
    "SWR.5001100": "Failed to put pipeline!",
    "SWR.5001123": "Failed to get pipeline detail!",
    "SWR.5001124": "Failed to get stage detail!",
    # runs
    "SWR.2021106": "The trigger condition of pipeline is not satisfied!",
    "SWR.2021107": "The trigger condition of stage is not satisfied!",
    "SWR.4001137": (
        "Pipeline has been executed, can not be automatically triggered before being reset"
    ),
    "SWR.4001151": "Fail to stop pipeline",
    "SWR.4001152": "We can only rollback to a successful upgraded version.",
    RUNNING: "Pipeline is still running!",
    NO_START: "Fail to start pipeline!",
    "SWR.5001110": "Fail to start stage!",
    "SWR.5001108": "Fail to start assembling service!",
    "SWR.5001122": "Fail to handle event!",
    "SWR.5001140": "Fail to delete pipeline! Because the pipeline is still running!",
    # triggers and messages
    "SWR.4040126": "Not found trigger",
    "SWR.4041117": "Channel does not exist!",
    "SWR.4091136": "Duplicate channel name!",
    "SWR.5001129": "Failed to notify webhook!",
    "SWR.4001130": "Webhook returns abnormal response!",
    "SWR.5000138": "Failed to get webhook!",
    # templates
    "SWR.4090254": "Conflict: template name is exist",
    "SWR.5001127": "Failed to export template!",
    "SWR.5001128": "Failed to get template!",
    # software center
    "SWR.4000015": "Invalid package name",
    "SWR.4002001": "Invalid domain or repository",
    "SWR.4002007": "Invalid package",
    "SWR.4002015": "Invalid version",
    "SWR.4002025": "Invalid folder",
    "SWR.4002026": "Invalid file name",
    "SWR.4002039": "Invalid visibility",
    "SWR.4040004": "Not found package",
    "SWR.4042019": "Not found package version",
    "SWR.4042033": "Not found package file",
    "SWR.4132036": "Package file too large",
    "SWR.5002002": "Failed to get package",
    "SWR.5002006": "Failed to list packages",
    "SWR.5002012": "Failed to get package version",
    "SWR.5002017": "Failed to list package versions",
    "SWR.5002021": "Failed to get package file",
    "SWR.5002024": "Failed to save package file",
    "SWR.5002027": "Failed to list package files",
}


class SwrError(Exception):
    """An answer of this dialect.

    Args:
        code: Without its prefix: "SWR.4000014".
        detail: What is wrong and where; never a secret.
        status: HTTP status; None: the first three digits of the number.
    """

    def __init__(self, code: str, detail: str = "", *, status: int | None = None) -> None:
        super().__init__(detail or code)
        self.code = code
        self.detail = detail
        self.status = status or int(code.partition(".")[2][:3])


def bad(path: str, reason: str, code: str = INVALID) -> SwrError:
    """Make the error for a bad value; `path` as in `stages[0].params.url`."""
    return SwrError(code, f"{path}: {reason}")


def missing(path: str, code: str = MISSING) -> SwrError:
    """Make the error for an absent field."""
    return SwrError(code, f"{path} is required")


def render_error(error: Exception, *, failure: str = NO_START) -> Response:
    """Give the answer for an error of any kind.

    Args:
        failure: The code of the call for storage that fails and for bugs.
    """
    return error_response(translate(error, failure=failure))


def render_unexpected(failure: str, error_id: str) -> Response:
    """Give the answer for an error that nobody expected; the log tells of it under the id."""
    detail = f"the server failed; its log says why, under {error_id}"
    return error_response(SwrError(failure, detail, status=500))


def refuse(status: int, message: str) -> tuple[str, bytes]:
    """Give media type and body for what the guard in front refuses."""
    code = {403: RIGHT_TOO_LOW, 413: TOO_LARGE}.get(status, INVALID)
    return JSON_TYPE, bytes(error_response(SwrError(code, message)).body)


def error_response(error: SwrError) -> Response:
    """Give the answer for an error of this dialect."""
    message = MESSAGES.get(error.code, "error")
    body = [{"errorCode": "SVCSTG." + error.code, "errorMessage": message, "detail": error.detail}]
    return Response(msgspec.json.encode(body), status_code=error.status, media_type=JSON_TYPE)


def translate(error: Exception, *, failure: str = NO_START) -> SwrError:
    """Give the error of this dialect that says the same."""
    if isinstance(error, SwrError):
        return error
    for kind in type(error).__mro__:
        convert = _TRANSLATIONS.get(kind)
        if convert is not None:
            return convert(error, failure)
    return SwrError(failure, "the server failed; its log says why")


_REFUSALS: Mapping[RefusalCode, str] = {
    RefusalCode.NOT_A_REVIEWER: RIGHT_TOO_LOW,
    RefusalCode.AWAITING_APPROVAL: RUNNING,
    RefusalCode.STAGE_BUSY: RUNNING,
    RefusalCode.NEEDS_SINGLE_STEP: RUNNING,
    RefusalCode.JOB_NOT_FINISHED: RUNNING,
    RefusalCode.QUEUE_FULL: RUNNING,
    RefusalCode.TARGET_UNKNOWN: NOT_FOUND,
    RefusalCode.PIPELINE_DELETED: NOT_FOUND,
    RefusalCode.RUN_BUSY: RUNNING,
    RefusalCode.RUN_ACTIVE: RUNNING,
    RefusalCode.ENVIRONMENT_BUSY: RUNNING,
    RefusalCode.RUN_HELD: "SWR.4001137",
    RefusalCode.NO_ROLLBACK_TARGET: "SWR.4001152",
    RefusalCode.NOT_STOPPABLE: "SWR.4001151",
    RefusalCode.RUN_FINISHED: "SWR.4001151",
    RefusalCode.ALREADY_CANCELLED: "SWR.4001151",
}
_CONFLICTS: Mapping[str, str] = {
    "receipt": INVALID,
    "template": "SWR.4090254",
    "run-number": RUNNING,
    "exclusive": RUNNING,
    "busy": RUNNING,
}


def _refused(error: RefusedError, _failure: str) -> SwrError:
    return SwrError(_REFUSALS.get(error.refusal.code, INVALID), error.refusal.message)


def _invalid(error: InvalidError, _failure: str) -> SwrError:
    where = f"{error.pointer}: " if error.pointer else ""
    return SwrError(INVALID, where + str(error))


def _conflict(error: ConflictError, _failure: str) -> SwrError:
    code = _CONFLICTS.get(error.code, EXISTS)
    return SwrError(code, str(error), status=400 if error.code == "receipt" else None)


def _request(error: RequestError, _failure: str) -> SwrError:
    code = {401: BAD_CREDENTIAL, 404: NO_SUCH_PATH, 413: TOO_LARGE}.get(error.status, INVALID)
    return SwrError(code, error.message, status=error.status)


_TRANSLATIONS: Mapping[type, Callable[[Any, str], SwrError]] = {
    RefusedError: _refused,
    InvalidError: _invalid,
    NotFoundError: lambda error, _failure: SwrError(NOT_FOUND, str(error)),
    ForbiddenError: lambda error, _failure: SwrError(RIGHT_TOO_LOW, str(error)),
    ConflictError: _conflict,
    StateError: lambda error, _failure: SwrError(RUNNING, str(error)),
    InfrastructureError: lambda _error, failure: SwrError(
        failure, "storage can't be reached; nothing was changed, try again later"
    ),
    KeyReusedError: lambda error, _failure: SwrError(INVALID, error.message),
    RequestError: _request,
}
