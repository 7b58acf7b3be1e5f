"""Calls on linked repositories, and on the commits that builds took from them."""

from starlette.responses import Response

from mulligan.core.errors import InvalidError
from mulligan.core.ids import PipelineId, ProjectId, RunId
from mulligan.core.items import LinkedRepository
from mulligan.core.rights import Permission
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.credential_calls import answered
from mulligan.facades.bkci.repository_io import (
    REPOSITORY_TYPES,
    fits,
    read_repository,
    render_commits,
    render_repository,
    render_repository_info,
)
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.times import Json

_DONE = True


async def repository_create(call: Call) -> Response:
    """Link a repository."""
    await call.demand(Permission.EDIT)
    given = read_repository(call.body())

    async def act(_receipt: ReceiptRequest | None) -> Json:
        made = await call.services.repositories.create(call.actor, ProjectId(call.project), given)
        return {"hashId": made.id}

    return await call.once(act, stores_receipt=False)


async def repository_edit(call: Call) -> Response:
    """Change a repository."""
    await call.demand(Permission.EDIT)
    ident, given = call.query.needed("repositoryHashId"), read_repository(call.body())

    async def act(receipt: ReceiptRequest | None) -> bool:
        await call.services.repositories.edit(
            call.actor, ProjectId(call.project), ident, given, receipt=answered(receipt)
        )
        return _DONE

    return await call.once(act)


async def repository_delete(call: Call) -> Response:
    """Remove a repository."""
    await call.demand(Permission.EDIT)
    ident = call.query.needed("repositoryHashId")

    async def act(receipt: ReceiptRequest | None) -> bool:
        await call.services.repositories.drop(
            call.actor, ProjectId(call.project), ident, receipt=answered(receipt)
        )
        return _DONE

    return await call.once(act)


async def repository_get(call: Call) -> Response:
    """Show a repository by its hash id or alias."""
    await call.demand(Permission.VIEW)
    by = (call.query.text("repositoryType") or "").upper()
    if by not in REPOSITORY_TYPES:
        raise InvalidError(
            f"repositoryType is {by[:40]!r}; ID or NAME was expected",
            pointer="repositoryType",
            code="bad-value",
            values=("repositoryType",),
        )
    named = call.query.needed("repositoryId")
    found = await call.services.repositories.get(ProjectId(call.project), named, by=by)
    return ok(render_repository(found))


async def repository_list(call: Call) -> Response:
    """List the repositories of a project."""
    await call.demand(Permission.VIEW)
    wanted = call.query.text("repositoryType"), call.query.text("scmCode")
    page, size = call.query.page(is_unlimited=call.is_unlimited)
    everything = await call.services.store.list_items(LinkedRepository, ProjectId(call.project))
    found = [item for item in everything if fits(item, *wanted)]
    shown = found[(page - 1) * size : page * size]
    records = [render_repository_info(item) for item in shown]
    return ok(render_page(records, count=len(found), page=page, page_size=size))


async def commit_data_list(call: Call) -> Response:
    """List the commits that a build took."""
    await call.demand(Permission.VIEW)
    pipeline = call.query.text("pipelineId")
    run = await call.run(
        RunId(call.query.needed("buildId")), PipelineId(pipeline) if pipeline else None
    )
    linked = await call.services.store.list_items(LinkedRepository, ProjectId(call.project))
    return ok(render_commits(run, linked))
