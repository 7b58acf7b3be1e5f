"""Secrets of a project: set, listed by name, removed. Nobody reads a value."""

from datetime import datetime

from starlette.responses import Response

from mulligan.core.errors import InvalidError
from mulligan.core.rights import Permission
from mulligan.core.secrets import StoredSecret
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.secrets import GivenSecret
from mulligan.facades.native import queries
from mulligan.facades.native.bodies import Body
from mulligan.facades.native.endpoints import NOTHING, Call, Endpoint, answer
from mulligan.facades.native.shapes import Shape

KIND = "VALUE"
_FIELD = "value"


class SecretBody(Body, frozen=True, kw_only=True):
    """The value of a secret; texts name it as `${{ settings.NAME.value }}`."""

    value: str
    remark: str = ""

    def __repr__(self) -> str:
        """Show nothing."""
        return "SecretBody()"


class SecretView(Shape, frozen=True, kw_only=True):
    """A secret, without its values. `fields`: their names; `kind`: VALUE, or a credential's."""

    name: str
    kind: str
    fields: tuple[str, ...]
    remark: str
    updated_by: str
    updated_at: datetime


class SecretList(Shape, frozen=True, kw_only=True):
    """A page of secrets."""

    items: tuple[SecretView, ...]
    next_cursor: str | None


def _view(secret: StoredSecret) -> SecretView:
    return SecretView(
        name=secret.id,
        kind=secret.kind,
        fields=secret.fields,
        remark=secret.remark,
        updated_by=secret.updated_by,
        updated_at=secret.updated_at,
    )


async def put_secret(call: Call) -> Response:
    """Set a secret."""
    given = call.read(SecretBody)
    if not given.value:
        raise InvalidError("the value of a secret can't be empty", pointer="/value")
    secret = GivenSecret(
        id=call.part("name"), kind=KIND, values={_FIELD: given.value}, remark=given.remark
    )

    async def act(receipt: ReceiptRequest | None) -> StoredSecret:
        return await call.services.secrets.put(call.actor, call.project, secret, receipt=receipt)

    return await call.once(act, _view)


async def get_secret(call: Call) -> Response:
    """Show a secret, without its values."""
    return answer(_view(await call.services.secrets.get(call.project, call.part("name"))))


async def list_secrets(call: Call) -> Response:
    """List secrets by name."""
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    found, _ = await call.services.store.list_secrets(call.project, limit=wanted + 1, offset=offset)
    page, cursor = queries.page_of(found, offset, wanted)
    return answer(SecretList(items=tuple(map(_view, page)), next_cursor=cursor))


async def delete_secret(call: Call) -> Response:
    """Remove a secret."""
    await call.services.secrets.drop(call.actor, call.project, call.part("name"))
    return Response(status_code=NOTHING)


_ONE = "/projects/{project}/secrets/{name}"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/projects/{project}/secrets",
        act=list_secrets,
        summary="List the secrets of a project by name, without their values",
        needs=Permission.USE_SECRET,
        answer=SecretList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="GET",
        path=_ONE,
        act=get_secret,
        summary="Show a secret, without its values",
        needs=Permission.USE_SECRET,
        answer=SecretView,
    ),
    Endpoint(
        method="PUT",
        path=_ONE,
        act=put_secret,
        summary="Set a secret; steps name it as `${{ settings.NAME.value }}`",
        needs=Permission.SECRETS,
        body=SecretBody,
        answer=SecretView,
    ),
    Endpoint(
        method="DELETE",
        path=_ONE,
        act=delete_secret,
        summary="Remove a secret; steps that name it fail from then on",
        needs=Permission.SECRETS,
        status=NOTHING,
    ),
)
