"""Calls on credentials. Nobody reads a value through them."""

from msgspec.structs import replace
from starlette.responses import Response

from mulligan.core.ids import ProjectId
from mulligan.core.rights import Permission
from mulligan.core.secrets import StoredSecret
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.credentials_io import (
    TYPES,
    read_credential,
    read_types,
    render_credential,
)
from mulligan.facades.bkci.run_out import render_page
from mulligan.secret_key import UnsealError

_DONE = True


async def credential_create(call: Call) -> Response:
    """Store a new credential."""
    await call.demand(Permission.SECRETS)
    given = read_credential(call.body())

    async def act(receipt: ReceiptRequest | None) -> bool:
        await call.services.secrets.put(
            call.actor, ProjectId(call.project), given, is_new=True, receipt=answered(receipt)
        )
        return _DONE

    return await call.once(act)


async def credential_edit(call: Call) -> Response:
    """Replace a credential; values that are left blank stay."""
    await call.demand(Permission.SECRETS)
    secrets, project = call.services.secrets, ProjectId(call.project)
    before = await secrets.get(project, call.query.needed("credentialId"), tuple(TYPES))
    try:
        values = await secrets.detail(project, before.id)
    except UnsealError:  # all of them have to be given anew
        values = {}
    given = read_credential(call.body(), ident=before.id, before=values, kind=before.kind)
    name, remark = given.name or before.name, given.remark or before.remark
    given = replace(given, name=name, remark=remark)

    async def act(receipt: ReceiptRequest | None) -> bool:
        await secrets.put(call.actor, project, given, is_new=False, receipt=answered(receipt))
        return _DONE

    return await call.once(act)


async def credential_delete(call: Call) -> Response:
    """Delete a credential."""
    await call.demand(Permission.SECRETS)
    secrets, project = call.services.secrets, ProjectId(call.project)
    ident = call.query.needed("credentialId")
    await secrets.get(project, ident, tuple(TYPES))

    async def act(receipt: ReceiptRequest | None) -> bool:
        await secrets.drop(call.actor, project, ident, receipt=answered(receipt))
        return _DONE

    return await call.once(act)


async def credential_get(call: Call) -> Response:
    """Show a credential, without its values."""
    await call.demand(Permission.VIEW)
    found = await call.services.secrets.get(
        ProjectId(call.project), call.query.needed("credentialId"), tuple(TYPES)
    )
    return ok(render_credential(found, may_manage=await _may_manage(call)))


async def credential_list(call: Call) -> Response:
    """List credentials of some types, without their values."""
    await call.demand(Permission.VIEW)
    kinds = read_types(call.query.needed("credentialTypes"))
    page, size = call.query.page(is_unlimited=call.is_unlimited)
    found: tuple[StoredSecret, ...] = ()
    count = 0
    if kinds:
        found, count = await call.services.store.list_secrets(
            ProjectId(call.project),
            kinds=kinds,
            keyword=call.query.text("keyword") or "",
            limit=size,
            offset=(page - 1) * size,
        )
    may_manage = await _may_manage(call)
    records = [render_credential(each, may_manage=may_manage) for each in found]
    return ok(render_page(records, count=count, page=page, page_size=size))


async def _may_manage(call: Call) -> bool:
    return await call.services.access.allows(call.actor, Permission.SECRETS, call.project)


def answered(receipt: ReceiptRequest | None, answer: object = _DONE) -> ReceiptRequest | None:
    """Let a receipt hold this answer, whatever the act returns."""
    if receipt is None:
        return None
    render = receipt.render
    return replace(receipt, render=lambda _result: render(answer))
