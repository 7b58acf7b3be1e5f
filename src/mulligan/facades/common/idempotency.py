"""`Idempotency-Key`: the same key with the same call gets the first answer (ops-20)."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mulligan.core.errors import ConflictError
from mulligan.core.records import Receipt
from mulligan.core.rights import Actor
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.common.auth import header
from mulligan.facades.common.errors import KeyReusedError, RequestError
from mulligan.facades.common.services import Services

_LONGEST_KEY = 255
_MOST_SHOWN = 100
Render = Callable[[Any], tuple[int, bytes, str]]
# Does the act; stores the receipt with it when it gets one. Returns what `render` takes.
Act = Callable[[ReceiptRequest | None], Awaitable[Any]]


async def once(
    request: Request,
    services: Services,
    actor: Actor,
    body: bytes,
    act: Act,
    render: Render,
    *,
    keep: Render | None = None,
    stores_receipt: bool = True,
) -> Response:
    """Do an act once per key, and answer with it – or with the first answer to that key.

    Args:
        request, services, actor, body, act, render: The call, what to do, how to answer.
        keep: Makes the answer that is stored, when that must not be the first one: a secret is
            stored nowhere. Repeats get the first one as long as the server remembers it.
        stores_receipt: The act keeps the receipt in its own transaction; else it is stored after.

    Raises:
        KeyReusedError: The key came with another call before.
    """
    key = _key_of(request)
    if not key:
        return _response(render(await act(None)))
    receipt = ReceiptRequest(
        key=key, fingerprint=_fingerprint(request, actor, body), render=keep or render
    )

    def shown(result: object) -> tuple[int, bytes, str]:
        rendered = render(result)
        if keep is not None:
            services.shown[actor.user, key] = rendered
            if len(services.shown) > _MOST_SHOWN:
                services.shown.popitem(last=False)
        return rendered

    async with _alone(request, actor, key):
        return await _once(services, actor, receipt, act, shown, stores_receipt)


async def replayed(
    request: Request,
    services: Services,
    actor: Actor,
    body: bytes,
    handle: Callable[[], Awaitable[Response]],
    *,
    keeps: bool = False,
) -> Response:
    """Give the first answer to the key of a request, else what `handle` answers.

    A repeat gets its answer whatever has become of what it was about: no rule is asked again.
    Inside of `handle` may be a call of `once`. `keeps`: an answer that it has not stored is
    stored then; there must be no secret in it.

    Raises:
        KeyReusedError: The key came with another call before.
    """
    key = _key_of(request)
    if not key:
        return await handle()
    async with _alone(request, actor, key):
        first = await services.store.find_receipt(actor.user, key)
        if first is not None:
            return _replay(services, actor, first, _fingerprint(request, actor, body))
        response = await handle()
        if keeps:
            await _keep(services, actor, key, _fingerprint(request, actor, body), response)
        return response


async def _keep(
    services: Services, actor: Actor, key: str, fingerprint: str, response: Response
) -> None:
    """Store the answer of an act that has stored none itself."""
    if not 200 <= response.status_code < 300 or not isinstance(response.body, bytes):
        return
    if await services.store.find_receipt(actor.user, key) is not None:
        return
    await services.store.put_receipt(
        Receipt(
            actor=actor.user,
            key=key,
            fingerprint=fingerprint,
            status=response.status_code,
            body=response.body,
            content_type=response.media_type or "",
            created_at=services.clock.now(),
        )
    )


def _key_of(request: Request) -> str:
    key = header(request, "idempotency-key")
    if len(key) > _LONGEST_KEY:
        raise RequestError(400, f"Idempotency-Key is longer than {_LONGEST_KEY} characters")
    return key


_HELD = "mulligan.idempotency"  # in the scope of a request that has its lock
_locks: dict[tuple[str, str], tuple[asyncio.Lock, int]] = {}


@contextlib.asynccontextmanager
async def _alone(request: Request, actor: Actor, key: str) -> AsyncIterator[None]:
    """Let requests with the same key come one after the other: the second sees the first's."""
    if request.scope.get(_HELD):
        yield
        return
    user = actor.user
    lock, waiting = _locks.get((user, key), (asyncio.Lock(), 0))
    _locks[user, key] = (lock, waiting + 1)
    try:
        async with lock:
            request.scope[_HELD] = True
            yield
    finally:
        lock, waiting = _locks[user, key]
        if waiting == 1:
            del _locks[user, key]
        else:
            _locks[user, key] = (lock, waiting - 1)


async def _once(
    services: Services,
    actor: Actor,
    receipt: ReceiptRequest,
    act: Act,
    render: Render,
    stores_receipt: bool,  # noqa: FBT001 - passed on from `once`
) -> Response:
    first = await services.store.find_receipt(actor.user, receipt.key)
    if first is None:
        try:
            result = await act(receipt if stores_receipt else None)
            if not stores_receipt:
                await services.store.put_receipt(_receipt(services, actor, receipt, result))
            return _response(render(result))
        except ConflictError as conflict:
            if conflict.code != "receipt":
                raise
        first = await services.store.find_receipt(actor.user, receipt.key)
    if first is None:
        raise KeyReusedError(receipt.key)
    return _replay(services, actor, first, receipt.fingerprint)


def _replay(services: Services, actor: Actor, first: Receipt, fingerprint: str) -> Response:
    if first.fingerprint != fingerprint:
        raise KeyReusedError(first.key)
    stored = (first.status, first.body, first.content_type)
    response = _response(services.shown.get((actor.user, first.key), stored))
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _receipt(services: Services, actor: Actor, receipt: ReceiptRequest, result: object) -> Receipt:
    status, body, content_type = receipt.render(result)
    return Receipt(
        actor=actor.user,
        key=receipt.key,
        fingerprint=receipt.fingerprint,
        status=status,
        body=body,
        content_type=content_type,
        created_at=services.clock.now(),
    )


def _fingerprint(request: Request, actor: Actor, body: bytes) -> str:
    """Tell calls apart: also those of one user by credentials that reach differently far.

    Else a token that only looks would be given the secret that another one has made.
    """
    parts = [
        request.method.encode(),
        request.scope["path"].encode(),
        request.scope["query_string"],
        body,
    ]
    if actor.projects or actor.role is not None:
        parts.append(" ".join([*sorted(actor.projects), f"role={actor.role or ''}"]).encode())
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _response(rendered: tuple[int, bytes, str]) -> Response:
    status, body, content_type = rendered
    return Response(body, status_code=status, media_type=content_type)
