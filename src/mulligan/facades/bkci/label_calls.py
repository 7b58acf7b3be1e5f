"""Calls on label groups and labels."""

from starlette.responses import Response

from mulligan.core.ids import ProjectId
from mulligan.core.items import Label, LabelGroup
from mulligan.core.rights import Permission
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci.bodies import needed, read_object
from mulligan.facades.bkci.calls import Call, done, ok
from mulligan.facades.bkci.times import Json, millis


async def group_list(call: Call) -> Response:
    """List the label groups of a project with their labels."""
    await call.demand(Permission.VIEW)
    project = ProjectId(call.project)
    groups = await call.services.store.list_items(LabelGroup, project)
    labels = await call.services.store.list_items(Label, project)
    return ok(
        [
            _group(group, [_label(label) for label in labels if label.parent == group.id])
            for group in groups
        ]
    )


def _group(group: LabelGroup, labels: list[Json]) -> Json:
    return {
        "id": group.id,
        "projectId": group.project,
        "name": group.name,
        "createTime": millis(group.created_at),
        "updateTime": millis(group.updated_at),
        "createUser": group.created_by,
        "updateUser": group.updated_by,
        "labels": labels,
    }


def _label(label: Label) -> Json:
    return {
        "id": label.id,
        "groupId": label.parent,
        "name": label.name,
        "createTime": millis(label.created_at),
        "uptimeTime": millis(label.updated_at),  # so in the API's own document
        "createUser": label.created_by,
        "updateUser": label.updated_by,
    }


async def group_create(call: Call) -> Response:
    """Make a label group."""
    await call.demand(Permission.EDIT)
    name = needed(read_object(call.body()), "name")

    async def create(receipt: ReceiptRequest | None) -> LabelGroup:
        arrangement = call.services.arrangement
        return await arrangement.add_label_group(call.actor, call.project, name, receipt)

    return await call.change(create, done)


async def group_update(call: Call) -> Response:
    """Rename a label group."""
    return await _rename(call, LabelGroup)


async def group_delete(call: Call) -> Response:
    """Delete a label group with its labels."""
    return await _delete(call, LabelGroup, "groupId")


async def label_create(call: Call) -> Response:
    """Make a label in a group."""
    await call.demand(Permission.EDIT)
    given = read_object(call.body())
    group, name = needed(given, "groupId"), needed(given, "name")

    async def create(receipt: ReceiptRequest | None) -> Label:
        arrangement = call.services.arrangement
        return await arrangement.add_label(call.actor, call.project, group, name, receipt)

    return await call.change(create, done)


async def label_update(call: Call) -> Response:
    """Rename a label."""
    return await _rename(call, Label)


async def label_delete(call: Call) -> Response:
    """Delete a label; pipelines that have it just have it no longer."""
    return await _delete(call, Label, "labelId")


async def _rename(call: Call, kind: type[LabelGroup] | type[Label]) -> Response:
    await call.demand(Permission.EDIT)
    given = read_object(call.body())
    ident, name = needed(given, "id"), needed(given, "name")

    async def rename(receipt: ReceiptRequest | None) -> LabelGroup | Label:
        return await call.services.arrangement.rename(
            call.actor, kind, call.project, ident, name, receipt
        )

    return await call.change(rename, done)


async def _delete(call: Call, kind: type[LabelGroup] | type[Label], key: str) -> Response:
    ident = call.query.needed(key)
    await call.demand(Permission.EDIT)

    async def drop(receipt: ReceiptRequest | None) -> None:
        await call.services.arrangement.drop(call.actor, kind, call.project, ident, receipt)

    return await call.change(drop, done)
