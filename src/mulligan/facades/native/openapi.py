"""The OpenAPI document, made from the table of endpoints and the types of bodies and answers."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from mulligan import __version__
from mulligan.facades.native.endpoints import JSON, OCTETS, Endpoint
from mulligan.facades.native.problems import PROBLEM_JSON, Problem

_REF = "#/components/schemas/{name}"
_PARTS = re.compile(r"\{(\w+)\}")
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same call gets the first answer.",
    "schema": {"type": "string", "maxLength": 255},
}


_FIELDS = {
    "name": "fields",
    "in": "query",
    "description": "Only these members, separated by commas; of a list those of each item.",
    "schema": {"type": "string"},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "Answer 304 if the answer still has this `ETag`.",
    "schema": {"type": "string"},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "Answer 412, and do nothing, if what it is about no longer has this `ETag`.",
    "schema": {"type": "string"},
}
_TAG = {"description": "Changes with the answer", "schema": {"type": "string"}}


def make_document(endpoints: Iterable[Endpoint], prefix: str) -> dict[str, Any]:
    """Make the document for endpoints that are mounted under a prefix."""
    table = tuple(endpoints)
    types = [Problem]
    for endpoint in table:
        types += [kind for kind in (endpoint.body, endpoint.answer) if kind not in {None, *types}]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    known = dict(zip(types, schemas, strict=True))
    paths: dict[str, Any] = {}
    for endpoint in table:
        operation = _operation(endpoint, known)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mulligan", "version": __version__},
        "servers": [{"url": prefix}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "Problem": {
                    "description": "What is wrong (RFC 9457)",
                    "content": {PROBLEM_JSON: {"schema": known[Problem]}},
                }
            },
        },
    }


def _operation(endpoint: Endpoint, known: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.act.__name__,
        "summary": endpoint.summary,
        "parameters": list(_parameters(endpoint)),
        "responses": _responses(endpoint, known),
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {media: {"schema": known[endpoint.body]} for media in endpoint.takes},
        }
    elif endpoint.streams:
        octets = {OCTETS: {"schema": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "content": octets}
    if endpoint.is_open:
        operation["security"] = []
    if endpoint.needs is not None:
        operation["description"] = f"Needs the permission `{endpoint.needs.value}` in the project."
    return operation


def _is_tagged(endpoint: Endpoint) -> bool:
    return endpoint.method == "GET" and endpoint.answer is not None


def _parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for name in _PARTS.findall(endpoint.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for query in endpoint.query:
        yield {
            "name": query.name,
            "in": "query",
            "description": query.desc,
            "schema": query.schema,
            **({"required": True} if query.is_required else {}),
        }
    if endpoint.method in {"POST", "PUT"}:
        yield _KEY
    if _is_tagged(endpoint):
        yield from (_FIELDS, _IF_NONE_MATCH)
    if endpoint.precondition:
        yield _IF_MATCH


def _responses(endpoint: Endpoint, known: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done"}
    content: dict[str, Any] = {}
    if endpoint.answer is not None:
        content[JSON] = {"schema": known[endpoint.answer]}
    if endpoint.media != JSON:
        is_value = "json" in endpoint.media or "yaml" in endpoint.media
        content[endpoint.media] = {"schema": {} if is_value else {"type": "string"}}
    if content:
        done["content"] = content
    found: dict[str, Any] = {str(endpoint.status): done}
    if _is_tagged(endpoint):
        done["headers"] = {"ETag": _TAG}
        found["304"] = {"description": "Nothing has changed"}
    return found | {"default": {"$ref": "#/components/responses/Problem"}}
