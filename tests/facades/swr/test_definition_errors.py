"""How errors of the layers below are said in this dialect."""

import json

import pytest

from mulligan.core.errors import (
    ConflictError,
    ForbiddenError,
    InfrastructureError,
    InvalidError,
    NotFoundError,
    RefusedError,
    StaleRevisionError,
)
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.facades.common.errors import (
    BodyTooLargeError,
    KeyReusedError,
    RequestError,
    UnauthenticatedError,
)
from mulligan.facades.swr.errors import MESSAGES, SwrError, bad, missing, refuse, render_error

CREATE = "SWR.5001099"


def refused(code: RefusalCode) -> RefusedError:
    """Return the error of a refusal."""
    return RefusedError(Refusal(code=code, message="no"))


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (SwrError("SWR.4091134", "twice"), 409, "SWR.4091134"),
        (SwrError("SWR.4000014", "type", status=415), 415, "SWR.4000014"),
        (bad("name", "wrong"), 400, "SWR.4000014"),
        (missing("name"), 400, "SWR.4001014"),
        (InvalidError("wrong", pointer="/name"), 400, "SWR.4000014"),
        (NotFoundError("pipeline", "p-1"), 404, "SWR.4040162"),
        (ForbiddenError("ann", "edit", "acme"), 403, "S2I.4039002"),
        (ConflictError("taken", code="pipeline-name"), 409, "SWR.4090236"),
        (ConflictError("taken", code="group"), 409, "SWR.4090236"),
        (ConflictError("taken", code="template"), 409, "SWR.4090254"),
        (ConflictError("used", code="receipt"), 400, "SWR.4000014"),
        (KeyReusedError("k"), 400, "SWR.4000014"),
        (StaleRevisionError("moved"), 409, "SWR.4091105"),
        (InfrastructureError("disk full"), 500, CREATE),
        (RuntimeError("a bug with a s3cret in it"), 500, CREATE),
        (BodyTooLargeError(7), 413, "SWR.4131001"),
        (UnauthenticatedError(), 401, "SWR.4010000"),
        (RequestError(400, "broken"), 400, "SWR.4000014"),
        (refused(RefusalCode.QUEUE_FULL), 409, "SWR.4091105"),
        (refused(RefusalCode.STAGE_NOT_FAILED), 400, "SWR.4000014"),
        (refused(RefusalCode.NOT_A_REVIEWER), 403, "S2I.4039002"),
        (refused(RefusalCode.NO_ROLLBACK_TARGET), 400, "SWR.4001152"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_errors(error: Exception, status: int, code: str) -> None:
    """Every error becomes an array with one object, with the code of the call for failures."""
    answer = render_error(error, failure=CREATE)

    [found] = json.loads(bytes(answer.body))
    assert (answer.status_code, found["errorCode"]) == (status, "SVCSTG." + code)
    assert found["errorMessage"] == MESSAGES[code]
    assert answer.headers["Content-Type"] == "application/json;charset=utf8"
    assert "s3cret" not in found["detail"]


@pytest.mark.parametrize("code", list(MESSAGES))
def test_codes_have_their_status_in_front(code: str) -> None:
    """A code is a word and seven digits, of which the first three are an HTTP status."""
    word, _, number = code.partition(".")

    assert word in {"SWR", "S2I"}
    assert len(number) == 7
    assert SwrError(code).status in {202, *range(400, 512)}


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "S2I.4039002"), (413, "SWR.4131001"), (421, "SWR.4000014"), (431, "SWR.4000014")],
)
def test_refusals_of_the_guard(status: int, code: str) -> None:
    """What is refused in front of the dialect has its shape, too."""
    media_type, body = refuse(status, "no")

    assert media_type == "application/json;charset=utf8"
    assert json.loads(body)[0]["errorCode"] == "SVCSTG." + code
