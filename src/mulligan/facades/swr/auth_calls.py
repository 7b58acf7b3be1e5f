"""The token service (spec/swr-pipeline-api.md §1.2, contract-swr §1).

Its errors have a shape of their own: `{"error":{"code","message","title"}}`.
"""

from functools import wraps
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mulligan.core.errors import ForbiddenError, InfrastructureError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.engine.logins import Login, WrongLoginError, scope_of
from mulligan.engine.turnstile import CrowdedError
from mulligan.facades.common.auth import header
from mulligan.facades.common.body import read_body, read_json
from mulligan.facades.common.errors import RequestError
from mulligan.facades.common.services import Services
from mulligan.facades.swr.account import resolve_account
from mulligan.facades.swr.auth_bodies import (
    TokenBodyError,
    Wanted,
    domain_id,
    read_wanted,
    render_login,
    render_projects,
    render_version,
)
from mulligan.facades.swr.calls import Call, Handler, Route
from mulligan.facades.swr.errors import NO_CREDENTIAL, SwrError
from mulligan.facades.swr.negotiate import answer

MOST_BODY_BYTES = 64 * 1024
_SUBJECT = "X-Subject-Token"
_WRONG = "The username, the password or the domain is wrong."
_MOST_DOMAINS = 10_000


def _with_errors(act: Handler) -> Handler:
    """Answer known errors in the shape of this service."""

    @wraps(act)
    async def answered(call: Call) -> Response:
        try:
            return await act(call)
        except TokenBodyError as error:
            return _refusal(400, str(error))
        except WrongLoginError:
            return _refusal(401, _WRONG)
        except CrowdedError:
            wait = {"Retry-After": "1"}
            return _refusal(429, "Too many attempts; try again in a second.", wait)
        except (SwrError, RequestError) as error:
            return _refusal(error.status, str(error))
        except ForbiddenError:
            return _refusal(403, "You are not allowed to look at this token.")
        except NotFoundError:
            return _refusal(404, "Could not find the token.")
        except InfrastructureError:
            return _refusal(500, "Storage can't be reached; nothing was changed, try again later.")

    return answered


def _refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    title = HTTPStatus(status).phrase
    error = {"code": status, "message": message, "title": title}
    return answer({"error": error}, status, headers)


@_with_errors
async def create_token(call: Call) -> Response:
    """Log in: `POST /v3/auth/tokens`, the only call that needs no credential."""
    request, services = call.request, call.services
    limits = msgspec.structs.replace(services.limits, body_bytes=MOST_BODY_BYTES)
    body = await read_body(request, limits)
    wanted = read_wanted(read_json(body, limits))
    login = await services.logins.log_in(
        wanted.name,
        wanted.password,
        await _find_domain(wanted, services),
        wanted.scope,
        address=request.client.host if request.client else "",
    )
    return _show(login, call, 201)


async def _find_domain(wanted: Wanted, services: Services) -> str:
    """Return the one account that all names and ids mean, "" if there is none.

    The work does not depend on who asks: it tells nothing about users.
    """
    domain = wanted.domain or await _name_of(wanted.domain_id, services)
    named = [(wanted.domain, wanted.domain_id), *wanted.other_domains]
    ident = domain_id(ProjectId(domain))
    fits = all(other in {"", domain} and given in {"", domain, ident} for other, given in named)
    return domain if fits else ""


async def _name_of(ident: str, services: Services) -> str:
    projects = await services.store.list_projects(limit=_MOST_DOMAINS)
    found = (project.id for project in projects if ident in {project.id, domain_id(project.id)})
    return next(found, "")


@_with_errors
async def show_token(call: Call) -> Response:
    """Tell what a token is good for: `GET` (or `HEAD`) `/v3/auth/tokens`."""
    actor, _ = await resolve_account(call.request, call.services)
    login = await call.services.logins.find(actor, _subject(call.request))
    return _show(login, call, 200)


@_with_errors
async def revoke_token(call: Call) -> Response:
    """End a token: `DELETE /v3/auth/tokens`."""
    actor, _ = await resolve_account(call.request, call.services)
    await call.services.logins.end(actor, _subject(call.request))
    return Response(status_code=204)


@_with_errors
async def list_projects(call: Call) -> Response:
    """Give the part of the account that the token is for: `GET /v3/projects`."""
    _, account = await resolve_account(call.request, call.services)
    scope = scope_of(header(call.request, "x-auth-token"))
    return answer(render_projects(account, scope, call.base_url))


@_with_errors
async def show_version(call: Call) -> Response:
    """Tell which version of the token service this is: `GET /v3`.

    Without a credential there is nothing here: a public client that looks for versions first
    waits for ever when it gets 401 (keystoneauth1, generic.Password), but goes on after 404.
    """
    try:
        await resolve_account(call.request, call.services)
    except SwrError as error:
        if error.code != NO_CREDENTIAL:
            raise
        return _refusal(404, "Send a credential to see the version.")
    return answer(render_version(call.base_url))


def _subject(request: Request) -> str:
    secret = header(request, _SUBJECT)
    if not secret:
        raise TokenBodyError(f"The header {_SUBJECT} is missing.")
    return secret


def _show(login: Login, call: Call, status: int) -> Response:
    has_catalog = not call.query.get("nocatalog")
    body = render_login(login, call.base_url, has_catalog=has_catalog)
    headers = {_SUBJECT: login.secret, "Cache-Control": "no-store"}
    return answer(body, status, headers)


_TOKENS = "/v3/auth/tokens"
_FAILURE = "SWR.5001108"  # never shown: these calls have a shape of their own

ROUTES = tuple(
    Route(method=method, path=path, handler=handler, failure=_FAILURE, is_public=True)
    for method, path, handler in (
        ("POST", _TOKENS, create_token),
        ("GET", _TOKENS, show_token),
        ("HEAD", _TOKENS, show_token),
        ("DELETE", _TOKENS, revoke_token),
        ("GET", "/v3/projects", list_projects),
        ("GET", "/v3", show_version),
        ("GET", "/v3/", show_version),
    )
)

__all__ = ["ROUTES", "resolve_account"]
