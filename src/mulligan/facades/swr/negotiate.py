"""Which format a request has and which one its answer (spec/swr-pipeline-api.md §1.3)."""

import asyncio
from typing import Any

import msgspec
from starlette.responses import Response

from mulligan.facades.common.body import read_json
from mulligan.facades.common.errors import RequestError
from mulligan.facades.common.ways import Limits
from mulligan.facades.swr.errors import INVALID, JSON_TYPE, SwrError, bad

YAML_TYPE = "application/yaml;charset=utf8"
MOST_BYTES = 1024 * 1024
_JSON = "application/json"
_YAML = ("application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml")
_CHARSETS = frozenset({"utf8", "utf-8", ""})
_IN_THREAD = 16 * 1024  # bytes of YAML that would keep other requests waiting


def wants_json(accept: str) -> bool:
    """Tell whether `Accept` asks for JSON where YAML is the default.

    It does when `application/json` is named with q > 0 and not below a named YAML type.
    """
    json_quality = yaml_quality = 0.0
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = _quality(parameters)
        if name == _JSON:
            json_quality = max(json_quality, quality)
        elif name in _YAML:
            yaml_quality = max(yaml_quality, quality)
    return json_quality > 0 and json_quality >= yaml_quality


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                quality = float(value.strip())
            except ValueError:
                return 0.0
            return quality if 0 <= quality <= 1 else 0.0
    return 1.0


def is_yaml(content_type: str, *, takes_yaml: bool) -> bool:
    """Tell whether a body is YAML; without a type it is JSON.

    Raises:
        SwrError: 415, the type is not taken.
    """
    name, *parameters = (piece.strip().lower() for piece in content_type.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "charset" and value.strip().strip('"') not in _CHARSETS:
            raise _unsupported(content_type)
    if name in {"", _JSON}:
        return False
    if takes_yaml and name in _YAML:
        return True
    raise _unsupported(content_type)


def _unsupported(content_type: str) -> SwrError:
    return SwrError(INVALID, f"the Content-Type {content_type!r} is not taken", status=415)


async def read_value(body: bytes, limits: Limits, *, yaml: bool) -> Any:
    """Decode a body; a blank one is None.

    Raises:
        SwrError: 4000014, it is malformed.
    """
    if yaml:
        from mulligan.facades.swr.yaml_io import load_yaml  # most requests do without

        if len(body) > _IN_THREAD:
            return await asyncio.to_thread(load_yaml, body)
        return load_yaml(body)
    try:
        return read_json(body.removeprefix(b"\xef\xbb\xbf"), limits)
    except RequestError as error:
        raise bad("body", error.message) from None


def render(value: object, *, as_json: bool = True) -> tuple[bytes, str]:
    """Give body and media type of an answer."""
    if as_json:
        return msgspec.json.encode(value), JSON_TYPE
    from mulligan.pipeline_yaml.dump import dump_yaml

    return dump_yaml(value), YAML_TYPE


def answer(
    value: object,
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    as_json: bool = True,
) -> Response:
    """Answer with a value."""
    body, media_type = render(value, as_json=as_json)
    return Response(body, status_code=status, headers=headers, media_type=media_type)
