"""Calls on definitions: create, update, delete, detail, list (spec §2.4 to §2.8)."""

from starlette.responses import Response

from mulligan.core.hooks import Group
from mulligan.core.records import Pipeline
from mulligan.core.run import RunHead
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.swr import current
from mulligan.facades.swr.calls import Call, Route, nothing
from mulligan.facades.swr.definition_in import read_new
from mulligan.facades.swr.definition_out import (
    Shown,
    render_created,
    render_detail,
    render_entry,
    system_values,
)
from mulligan.facades.swr.definitions import (
    change_definition,
    create_definition,
    without_ways_in,
)
from mulligan.facades.swr.errors import SwrError
from mulligan.facades.swr.fields import Json
from mulligan.facades.swr.foreign import document_of
from mulligan.facades.swr.groups import DEFAULT_GROUP, default_group, find_group, list_groups
from mulligan.facades.swr.negotiate import answer
from mulligan.facades.swr.query import filter_number, read_filter, read_page
from mulligan.facades.swr.rights import Right

_STILL_RUNNING = "SWR.5001140"
_FILTERS = ("name", "group_id", "group_name")


async def create(call: Call) -> Response:
    """Make a pipeline in a group."""
    group = await find_group(call.services, call.account, call.path["group_name"])
    right = await call.demand(Right.EDIT, group)
    given = read_new(await call.value(takes_yaml=True), call.rules)

    async def act(_receipt: ReceiptRequest | None) -> Json:
        made = await create_definition(call.services, call.actor, call.account, given, group)
        return render_created(_shown(call, made.pipeline, group, made.definition.source, right))

    return await call.once(act, as_json=call.wants_json)


async def update(call: Call) -> Response:
    """Replace the definition of a pipeline that is not active."""
    pipeline, group = await call.pipeline_for(Right.MANAGE)
    body = await call.value(takes_yaml=True)

    async def act(_receipt: ReceiptRequest | None) -> Json:
        # all is looked at here: a repeat with the same key must get the first answer
        made = await change_definition(call.services, call.actor, pipeline, group, body)
        source = made.definition.source
        return render_created(_shown(call, made.pipeline, group, source, Right.MANAGE))

    return await call.once(act, as_json=call.wants_json)


async def delete(call: Call) -> Response:
    """Delete a pipeline that is not active; what it deployed stays."""
    pipeline, _group = await call.pipeline_for(Right.MANAGE)
    async with call.services.engine.turns.changing(pipeline.id):
        if await current.is_active(call.services, pipeline):
            raise SwrError(_STILL_RUNNING, f"a run of pipeline {pipeline.number} is under way")
        await call.services.catalog.delete_pipeline(call.actor, pipeline)
    return nothing()


async def detail(call: Call) -> Response:
    """Give a pipeline with its status."""
    pipeline = await call.pipeline()
    group = await call.group_of(pipeline)
    right = await call.demand(Right.SEE, group)
    version = await call.services.catalog.get_version(pipeline)
    document = document_of(version)
    newest = await call.services.store.newest_run(pipeline.id)
    parameters = {each.name: each.value for each in newest.parameters} if newest else {}
    shown = _shown(call, pipeline, group, document, right)
    value = render_detail(shown, system_values(parameters, document))
    if right < Right.EDIT:
        value = without_ways_in(value)
    value["status"] = await current.detail_status(call.services, pipeline, version)
    return answer(value, as_json=call.wants_json)


async def listing(call: Call) -> Response:
    """List pipelines, last changed first."""
    right = await call.demand(Right.SEE)
    page = read_page(call.query)
    wanted = read_filter(call.query, _FILTERS)
    number = filter_number(wanted, "group_id")
    groups = {group.number: group for group, _ in await list_groups(call.services, call.account)}
    found, total = await call.services.store.list_group_pipelines(
        call.account,
        name_contains=wanted.get("name", ""),
        groups=_wanted_groups(groups, number, wanted.get("group_name")),
        released=True,
        limit=page.limit,
        offset=page.offset,
    )
    entries = [await _entry(call, pipeline, head, groups) for pipeline, head in found]
    if right < Right.EDIT:
        entries = without_ways_in(entries)
    return answer(entries, headers=page.headers(len(entries), total))


def _wanted_groups(
    groups: dict[int, Group], number: int | None, name: str | None
) -> tuple[int, ...] | None:
    """Give the numbers of the groups that a filter leaves, None for all."""
    if number is None and name is None:
        return None
    left = [
        group
        for group in groups.values()
        if number in (None, group.number) and name in (None, group.name)
    ]
    has_default = any(group.name == DEFAULT_GROUP for group in left)
    return tuple(group.number for group in left) + ((0,) if has_default else ())


async def _entry(
    call: Call, pipeline: Pipeline, head: RunHead | None, groups: dict[int, Group]
) -> Json:
    version = await call.services.catalog.get_version(pipeline)
    group = groups.get(pipeline.group) or await default_group(call.services, call.account)
    shown = _shown(call, pipeline, group, document_of(version), Right.SEE)
    return render_entry(shown, await current.list_status(call.services, pipeline, version, head))


def _shown(call: Call, pipeline: Pipeline, group: Group, document: Json, right: Right) -> Shown:
    return Shown(
        pipeline=pipeline,
        group=group,
        document=document,
        base_url=call.base_url,
        shows_secrets=right >= Right.EDIT,
    )


_ONE = "/v3/manage/pipelines/{pipeline_id}"

ROUTES = (
    Route(
        method="POST",
        path="/v3/manage/pipelinegroups/{group_name}/pipelines",
        handler=create,
        failure="SWR.5001099",
    ),
    Route(method="PUT", path=_ONE, handler=update, failure="SWR.5001100"),
    Route(method="DELETE", path=_ONE, handler=delete, failure="SWR.5001100"),
    Route(method="GET", path=_ONE, handler=detail, failure="SWR.5001123"),
    Route(method="GET", path="/v3/manage/pipelines", handler=listing, failure="SWR.5001123"),
)
