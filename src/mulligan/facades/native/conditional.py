"""What holds for every answer: entity tags, parts of it, where a list goes on (RFC 9110, 8288)."""

import hashlib
import typing
from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mulligan.facades.common.auth import header
from mulligan.facades.common.errors import RequestError
from mulligan.facades.native.problems import QueryError

JSON = "application/json"
_ENCODER = msgspec.json.Encoder()
_MOST_FIELDS = 100


class PreconditionError(RequestError):
    """`If-Match` names another state than the present one."""

    def __init__(self, what: str) -> None:
        super().__init__(412, f"{what} has changed since; read it again")


class ValueResponse(Response):
    """A value as JSON, encoded when it is known which parts of it are wanted."""

    def __init__(self, value: object, status: int = 200) -> None:
        super().__init__(_ENCODER.encode(value), status, media_type=JSON)
        self.value = value


def finish(request: Request, kind: Any, response: Response) -> Response:
    """Give the answer to a GET: the wanted fields, an entity tag, a link to the next page.

    Args:
        kind: Type of the answer.

    Raises:
        QueryError: `fields` names one that there isn't.
    """
    if not isinstance(response, ValueResponse) or response.status_code != 200:
        return response
    wanted = request.query_params.get("fields", "").strip()
    if wanted:
        response.body = _ENCODER.encode(_select(response.value, kind, wanted))
        response.headers["Content-Length"] = str(len(response.body))
    following = getattr(response.value, "next_cursor", None)
    if following:
        url = request.url.include_query_params(cursor=following)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    tag = response.headers.get("etag")
    if tag is None:
        tag = response.headers["ETag"] = tag_of(response.body)
    if is_listed(tag, header(request, "if-none-match")):
        kept = {
            name: response.headers[name] for name in ("etag", "link") if name in response.headers
        }
        return Response(status_code=304, headers=kept)
    return response


def tag_of(body: bytes | memoryview) -> str:
    """Give the strong entity tag of a body."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def is_listed(tag: str, given: str) -> bool:
    """Tell whether a tag is one of those in `If-None-Match` or `If-Match`; "" names none."""
    parts = [part.strip().removeprefix("W/") for part in given.split(",")]
    return given.strip() == "*" or tag in parts


def demand_match(request: Request, tag: str, what: str) -> None:
    """Check `If-Match`, if it is there.

    Raises:
        PreconditionError: It names another state.
    """
    given = header(request, "if-match")
    if given and not is_listed(tag, given):
        raise PreconditionError(what)


def _select(value: object, kind: Any, wanted: str) -> object:
    names = [name.strip() for name in wanted.split(",") if name.strip()][:_MOST_FIELDS]
    known = fields_of(kind)
    unknown = [name for name in names if known and name not in known]
    if unknown:
        raise QueryError("fields", f"fields: {unknown[0][:50]!r} is none of: {', '.join(known)}")
    whole = msgspec.to_builtins(value)
    if isinstance(whole, dict) and "items" in whole:
        items = [{name: item[name] for name in names if name in item} for item in whole["items"]]
        return {**whole, "items": items}
    return {name: whole[name] for name in names if name in whole}


@cache
def fields_of(kind: Any) -> tuple[str, ...]:
    """Return what `fields` may name: the members of a list's items, else of the answer itself."""
    names: tuple[str, ...] = getattr(kind, "__struct_fields__", ())
    if "items" not in names:
        return names
    arguments = typing.get_args(typing.get_type_hints(kind)["items"])
    return getattr(arguments[0], "__struct_fields__", ()) if arguments else ()
