"""`/session`: signing in to the page, and out of it."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from mulligan import __version__
from mulligan.core.errors import InvalidError
from mulligan.core.rights import Actor
from mulligan.engine.logins import WrongLoginError
from mulligan.engine.sessions import LIFETIME, Opened
from mulligan.engine.turnstile import CrowdedError
from mulligan.facades.common.errors import RequestError, UnauthenticatedError
from mulligan.facades.native import shapes
from mulligan.facades.native.bodies import SessionBody
from mulligan.facades.native.callers import COOKIE, caller_of
from mulligan.facades.native.endpoints import NOTHING, Call, Endpoint, answer


async def open_session(call: Call) -> Response:
    """Sign in."""
    given = call.read(SessionBody)
    if bool(given.token) == bool(given.user):
        raise InvalidError("give either user and password, or token", pointer="")
    sessions, client = call.services.sessions, call.request.client
    try:
        if given.token:
            opened = await sessions.by_token(given.token)
        else:
            opened = await sessions.by_password(
                given.user, given.password, address=client.host if client else "unknown"
            )
    except WrongLoginError:
        raise UnauthenticatedError("user, password or token are wrong") from None
    except CrowdedError:
        raise RequestError(429, "too many attempts; try again in a moment") from None
    response = answer(_view(call, opened.actor))
    _set_cookie(call, response, opened)
    return response


async def show_session(call: Call) -> Response:
    """Tell who calls; nobody is an answer too, so that a page can ask without an error."""
    try:
        actor = await caller_of(call.request, call.services.access)
    except UnauthenticatedError:
        return answer(_view(call, None))
    return answer(_view(call, actor))


async def close_session(call: Call) -> Response:
    """Sign out."""
    await call.services.sessions.end(call.request.cookies.get(COOKIE, ""))
    response = Response(status_code=NOTHING)
    response.delete_cookie(COOKIE, path=_path(call), httponly=True, samesite="lax")
    return response


def _view(call: Call, actor: Actor | None) -> shapes.SessionView:
    return shapes.SessionView(
        user=None if actor is None else actor.user,
        language="" if actor is None else actor.language,
        is_admin=actor is not None and actor.is_admin,
        way="" if actor is None else actor.way,
        is_dev=call.services.is_dev,
        version="" if actor is None else __version__,
    )


def _set_cookie(call: Call, response: Response, opened: Opened) -> None:
    left = opened.expires_at - call.services.clock.now()
    response.set_cookie(
        COOKIE,
        opened.secret,
        max_age=max(0, int(min(left, LIFETIME).total_seconds())),
        path=_path(call),
        secure=_is_https(call.request, call.services.public_url),
        httponly=True,
        samesite="lax",
    )


def _path(call: Call) -> str:
    """Give the path under which browsers send the cookie: that of this API alone."""
    return f"{urlsplit(call.services.public_url).path.rstrip('/')}/api/v1"


def _is_https(request: Request, public_url: str) -> bool:
    return request.url.scheme == "https" or public_url.startswith("https:")


_PATH = "/session"

ENDPOINTS = (
    Endpoint(
        method="POST",
        path=_PATH,
        act=open_session,
        summary="Sign in to the page with a password or a token; sets a cookie for 7 days",
        body=SessionBody,
        answer=shapes.SessionView,
        is_open=True,
    ),
    Endpoint(
        method="GET",
        path=_PATH,
        act=show_session,
        summary="Who calls; `user` is null without a credential",
        answer=shapes.SessionView,
        is_open=True,
    ),
    Endpoint(
        method="DELETE",
        path=_PATH,
        act=close_session,
        summary="Sign out of the page: the session ends",
        status=NOTHING,
    ),
)
