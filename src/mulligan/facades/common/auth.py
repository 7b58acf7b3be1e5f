"""Who calls: every way in which a credential may come (design §1.3)."""

import msgspec
from starlette.requests import Request

from mulligan.core.rights import Actor
from mulligan.engine.access import Access
from mulligan.facades.common.errors import UnauthenticatedError

_GATEWAY = "x-bkapi-authorization"
# In the scope of a request that this server makes of another one: which way that came.
WAY = "mulligan.way"


def header(request: Request, name: str) -> str:
    """Return a header's value as UTF-8 text, "" when absent (names of people need not be ASCII)."""
    wanted = name.lower().encode()
    for key, value in request.scope["headers"]:
        if key == wanted:
            return bytes(value).decode("utf-8", "replace").strip()
    return ""


async def actor_of(request: Request, access: Access, *, gateway: bool = False) -> Actor:
    """Tell who calls.

    Args:
        gateway: Also take BK-CI's `X-Bkapi-Authorization`.

    Raises:
        UnauthenticatedError: No credential, or a wrong one – a wrong one also under `--dev`.
    """
    authorization = header(request, "authorization")
    if authorization:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise UnauthenticatedError(f"the scheme {scheme!r} is not known; use Bearer")
        return await _by_token(access, secret.strip())
    if gateway and header(request, _GATEWAY):
        return await _by_gateway(request, access)
    if access.is_dev:
        return await access.dev_actor(header(request, "x-devops-uid"))
    raise UnauthenticatedError


async def _by_token(access: Access, secret: str) -> Actor:
    actor = await access.actor_of_token(secret)
    if actor is None:
        raise UnauthenticatedError("the token is unknown, revoked or over")
    return actor


async def _by_gateway(request: Request, access: Access) -> Actor:
    try:
        given = msgspec.json.decode(header(request, _GATEWAY).encode(), type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError):
        raise UnauthenticatedError("X-Bkapi-Authorization is not a JSON object") from None
    token = given.get("access_token")
    if isinstance(token, str) and token:
        return await _by_token(access, token)
    code, secret = given.get("bk_app_code"), given.get("bk_app_secret")
    if isinstance(code, str) and isinstance(secret, str):
        user = header(request, "x-devops-uid") or str(given.get("bk_username") or "")
        actor = await access.actor_of_app(code, secret, user)
        if actor is not None:
            return actor
    raise UnauthenticatedError("X-Bkapi-Authorization holds no valid credential")


def origin_of(request: Request, way: str) -> str:
    """Tell where a request comes from, for the audit trail."""
    host = request.client.host if request.client else "unknown"
    return f"{host} {request.scope.get(WAY, way)}"


def language_of(request: Request, actor: Actor | None) -> str:
    """Give "zh" or "en": the user's setting, else `Accept-Language`, else zh (the documents')."""
    if actor is not None and actor.language:
        return actor.language
    wanted = header(request, "accept-language").lower()
    for part in wanted.split(","):
        tag = part.split(";")[0].strip()
        if tag.startswith("en"):
            return "en"
        if tag.startswith("zh"):
            return "zh"
    return "zh"
