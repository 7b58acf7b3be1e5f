"""Errors that nobody expected, in every dialect: its shape, an id, and nothing of the inside."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from bkci.calling import Caller

INSIDE = "disk /var/secret is made of cheese"
_ID = re.compile(r"\b[0-9a-f]{32}\b")


def native(body: Any) -> str:
    """Return the id that a problem of the own API (RFC 9457) tells; check its shape."""
    assert body["type"] == "urn:mulligan:problem:internal"
    assert (body["status"], body["code"], bool(body["title"])) == (500, "internal", True)
    return str(body["instance"]).removeprefix("urn:mulligan:error:")


def bkci(body: Any) -> str:
    """Return the id that a result of the BK-CI API tells; check its shape."""
    assert body.keys() == {"status", "message"}
    assert body["status"] == 500
    return _the_id(body["message"])


def swr(body: Any) -> str:
    """Return the id that an error of the SWR API tells; check its shape."""
    (error,) = body
    assert error.keys() == {"errorCode", "errorMessage", "detail"}
    assert error["errorCode"].startswith("SVCSTG.")
    return _the_id(error["detail"])


def _the_id(text: str) -> str:
    (found,) = _ID.findall(text)
    return str(found)


@pytest.mark.parametrize(
    ("method", "path", "id_in"),
    [
        ("GET", "/api/v1/projects/default/quality-rules", native),
        ("PUT", "/api/v1/projects/default/quality-rules/x", native),
        ("GET", "/api/apigw-user/v4/projects/default/pipelines/pipeline_list", bkci),
        ("POST", "/api/apigw-user/v4/projects/default/build_start?pipelineId=p", bkci),
        ("GET", "/v3/manage/pipelinegroups", swr),
        ("POST", "/v2/manage/pipelinegroups", swr),
    ],
)
def test_a_store_that_raises(
    served: Caller,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    id_in: Callable[[Any], str],
) -> None:
    """The answer is 500 in the dialect's words; the log has the traceback under the same id."""

    def broken(*_args: object, **_more: object) -> object:
        raise RuntimeError(INSIDE)

    for name in ("find_project", "list_items", "list_groups", "list_pipelines"):
        monkeypatch.setattr(served.server.store, name, broken)
    with caplog.at_level(logging.ERROR, logger="mulligan"):
        answer = served.http.request(
            method,
            path,
            json={} if method != "GET" else None,
            headers={"X-DEVOPS-UID": "alice"},
        )

    assert answer.status_code == 500, answer.text
    assert INSIDE not in answer.text
    assert "Traceback" not in answer.text
    found = id_in(answer.json())
    (record,) = (each for each in caplog.records if found in str(vars(each)))
    assert record.exc_info is not None
    assert INSIDE in str(record.exc_info[1])
