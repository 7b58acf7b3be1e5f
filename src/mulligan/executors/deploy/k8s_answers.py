"""What the answers and errors of an API server mean."""

import json
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from mulligan.executors.deploy.k8s_errors import (
    CLUSTER_UNUSABLE,
    ApiError,
    Conflict,
    MissingRightError,
    UnreachableError,
    WatchDroppedError,
    coded,
)
from mulligan.executors.deploy.k8s_order import Document

_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


def judge(error: Any) -> ApiError | UnreachableError | None:
    """Turn an error into what it means; None if the same request may work a little later."""
    status = int(getattr(error, "status", 0) or 0)
    if not status:
        return _judge_connection(error)
    body = _status_object(error)
    message = str(body.get("message") or getattr(error, "reason", "") or "")
    if status == HTTPStatus.UNAUTHORIZED:
        return UnreachableError(f"the API server doesn't accept our credential (401): {message}")
    if status == HTTPStatus.FORBIDDEN and " cannot " in message:
        return MissingRightError(f"our credential has not the right it needs (403): {message}")
    conflicts = _conflicts(body)
    if status in _TRANSIENT or (status == HTTPStatus.CONFLICT and not conflicts):
        return None
    return ApiError(status, str(body.get("reason") or ""), message, conflicts)


def _judge_connection(error: Any) -> UnreachableError | None:
    text = f"{error!r} {getattr(error, 'reason', '')!r}"
    if "SSL" in text or "certificate" in text.lower():
        return UnreachableError(f"no safe connection to the API server (TLS): {short(error)}")
    return None


def watch_error(error: Any) -> Exception:
    """Turn the error of a request for a stream into one of ours."""
    refusal = judge(error)
    if isinstance(refusal, ApiError) and refusal.status == HTTPStatus.GONE:
        return WatchDroppedError(refusal.message, gone=True)
    return refusal or WatchDroppedError(short(error))


def read_event(line: bytes) -> Document:
    """Read one event; an event of type ERROR is an error in the middle of a stream."""
    try:
        event = json.loads(line)
        kind, thing = event["type"], event["object"]
    except (ValueError, KeyError, TypeError):
        raise WatchDroppedError("the stream broke off in the middle of an event") from None
    if kind == "ERROR":
        gone = thing.get("code") == HTTPStatus.GONE
        raise WatchDroppedError(str(thing.get("message") or thing), gone=gone)
    return {"type": str(kind), "object": dict(thing)}


def lines_of(stream: Any) -> Iterator[bytes]:
    """Yield the lines of a stream as they arrive."""
    rest = b""
    chunks: Callable[..., Iterator[bytes]] = stream.stream
    for chunk in chunks(amt=None, decode_content=True):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def _status_object(error: Any) -> Document:
    try:
        body = json.loads(getattr(error, "body", "") or "{}")
    except ValueError:
        return {}
    return dict(body) if isinstance(body, dict) else {}


def _conflicts(body: Document) -> list[Conflict]:
    causes = (body.get("details") or {}).get("causes") or []
    return [
        Conflict(
            manager=str(cause.get("message", "")).partition('"')[2].partition('"')[0],
            field=str(cause.get("field", "")),
        )
        for cause in causes
        if cause.get("reason") == "FieldManagerConflict"
    ]


def retry_after(error: Any) -> float:
    """Return the seconds that the server asks us to wait; 0 when it doesn't."""
    headers = getattr(error, "headers", None) or {}
    try:
        return max(0.0, float(headers.get("Retry-After", 0)))
    except (TypeError, ValueError):
        return 0.0


def gave_up(error: Any, patience_s: float) -> str:
    """Say that repetition didn't help."""
    text = f"the API server can't be reached (tried for {patience_s:.0f} s): {short(error)}"
    return coded(CLUSTER_UNUSABLE, text)


def short(error: Any) -> str:
    """Say an error in one line of at most 300 characters."""
    status = int(getattr(error, "status", 0) or 0)
    if status:
        message = _status_object(error).get("message") or getattr(error, "reason", "")
        return f"the API server answers {status}: {message}"[:300]
    cause = getattr(error, "reason", None) or error
    return f"{type(cause).__name__}: {cause}"[:300]
