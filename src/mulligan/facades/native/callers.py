"""Who calls the own API: a credential in the header, or the page with the cookie of its session."""

from starlette.requests import Request

from mulligan.core.rights import Actor
from mulligan.engine.access import Access
from mulligan.facades.common.auth import actor_of, header
from mulligan.facades.common.errors import RequestError

COOKIE = "mulligan_session"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def caller_of(request: Request, access: Access) -> Actor:
    """Tell who calls. A cookie that is over counts as none; a header goes before it.

    Raises:
        UnauthenticatedError: No credential, or a wrong one.
        RequestError: 403, a cookie without proof that a page of this server sent it.
    """
    secret = request.cookies.get(COOKIE)
    if not secret or header(request, "authorization"):
        return await actor_of(request, access)
    actor = await access.actor_of_session(secret)
    if actor is None:
        return await actor_of(request, access)
    if request.method not in _SAFE and not _is_from_page(request):
        raise RequestError(403, "a change with a cookie needs the header Origin of this server")
    return actor


def _is_from_page(request: Request) -> bool:
    """Tell whether there is a proof at all; the guard has refused what names another site."""
    site = header(request, "sec-fetch-site")
    return bool(header(request, "origin")) or site == "same-origin"
