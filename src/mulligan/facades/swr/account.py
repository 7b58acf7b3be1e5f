"""Whose request it is, and in which account it acts (contract-swr §1)."""

import hashlib
from urllib.parse import quote

from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request

from mulligan.core.errors import InvalidError
from mulligan.core.ids import ProjectId
from mulligan.core.rights import Actor
from mulligan.engine.access import DEV_PROJECT
from mulligan.engine.access_keys import HeldKey, LockedKeyError
from mulligan.facades.common.auth import header
from mulligan.facades.common.services import Services
from mulligan.facades.swr.errors import BAD_CREDENTIAL, INVALID, NO_CREDENTIAL, TOO_LARGE, SwrError
from mulligan.facades.swr.signature import (
    ALGORITHM,
    DATE_HEADER,
    MOST_BODY_BYTES,
    MalformedSignatureError,
    is_signed_by,
    read_signature,
)

MALFORMED_SIGNATURE = "SWR.4000031"
INCOMPLETE_SIGNATURE = "SWR.4002047"
Account = tuple[Actor, ProjectId]


async def resolve_account(request: Request, services: Services) -> Account:
    """Tell who calls, and in which account.

    Every credential that is sent is checked, with `--dev` too. When there are two, the one in
    `X-Auth-Token` acts. The body of a signed request is read here, up to 12 MiB; the request
    gives it once more to whoever reads it.

    Raises:
        SwrError: 4012000, there is no credential; 4010000, it is wrong, revoked or over;
            400, the headers of a signature can't be read; 4131001, a signed body is too large.
    """
    found: list[Account] = []
    if _has(request, "x-auth-token"):
        found.append(await _by_token(header(request, "x-auth-token"), services))
    if _has(request, "authorization"):
        found.append(await _by_authorization(request, services))
    if found:
        return found[0]
    if services.access.is_dev:
        return await _by_name(request, services)
    raise SwrError(NO_CREDENTIAL, "send X-Auth-Token, or sign the request")


def has_credential(request: Request) -> bool:
    """Tell whether a credential was sent, good or bad."""
    return _has(request, "x-auth-token") or _has(request, "authorization")


def _has(request: Request, name: str) -> bool:
    wanted = name.encode()
    return any(key == wanted for key, _ in request.scope["headers"])


async def _by_token(secret: str, services: Services) -> Account:
    actor = await services.access.actor_of_token(secret)
    if actor is None:
        raise SwrError(BAD_CREDENTIAL, "the token is unknown, revoked or over")
    return actor, actor.projects[0] if actor.projects else DEV_PROJECT


async def _by_name(request: Request, services: Services) -> Account:
    try:
        actor = await services.access.dev_actor(header(request, "x-devops-uid"))
    except InvalidError as error:
        raise SwrError(INVALID, f"X-DEVOPS-UID: {error}") from None
    # in this dialect the user's place in the account counts, with --dev too
    return replace(actor, is_open=False, projects=(DEV_PROJECT,)), DEV_PROJECT


async def _by_authorization(request: Request, services: Services) -> Account:
    text = header(request, "authorization")
    scheme, _, secret = text.partition(" ")
    if scheme.lower() == "bearer":
        return await _by_token(secret.strip(), services)
    if scheme == ALGORITHM:
        return await _by_signature(request, services, text)
    raise SwrError(BAD_CREDENTIAL, f"Authorization must begin with Bearer or {ALGORITHM}")


async def _by_signature(request: Request, services: Services, text: str) -> Account:
    try:
        signature = read_signature(text, header(request, DATE_HEADER))
    except MalformedSignatureError as error:
        code = INCOMPLETE_SIGNATURE if error.is_missing else MALFORMED_SIGNATURE
        raise SwrError(code, str(error)) from None
    if DATE_HEADER not in signature.signed_headers:
        raise SwrError(BAD_CREDENTIAL, "X-Sdk-Date is not signed")
    if not signature.is_timely(services.clock.now()):
        raise SwrError(BAD_CREDENTIAL, "X-Sdk-Date is more than 15 minutes away from now")
    held = await _held(signature.access, services)
    body = await _read_signed(request)
    is_right = is_signed_by(
        signature,
        held.secret,
        method=request.method,
        raw_path=raw_path(request),
        raw_query=request.scope["query_string"],
        headers=request.scope["headers"],
        body_digest=hashlib.sha256(body).hexdigest(),
    )
    services.access_keys.note(signature.access, is_right=is_right)
    if not is_right:
        raise SwrError(BAD_CREDENTIAL, "the signature does not fit the request")
    return held.actor, held.project


async def _held(access: str, services: Services) -> HeldKey:
    try:
        held = await services.access_keys.find(access)
    except LockedKeyError:
        detail = "the access key is locked for 5 minutes: too many wrong signatures"
        raise SwrError(BAD_CREDENTIAL, detail) from None
    if held is None:
        raise SwrError(BAD_CREDENTIAL, "the access key is unknown or its user is shut out")
    return held


async def _read_signed(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MOST_BODY_BYTES:
                detail = "a signed body has at most 12 MiB; send a token instead"
                raise SwrError(TOO_LARGE, detail)
            parts.append(part)
    except ClientDisconnect:
        raise SwrError(INVALID, "the body ended before its announced length") from None
    body = b"".join(parts)
    request._body = body  # as Request.body() does, so that stream() gives it again
    return body


def raw_path(request: Request) -> bytes:
    """Return the path as it came over the wire, without the query."""
    raw: bytes | None = request.scope.get("raw_path")
    if raw is None:  # a server need not give it
        return quote(request.scope["path"], safe="/-_.~").encode()
    return raw.partition(b"?")[0]
