"""Calls on versions of pipelines, the draft among them."""

from typing import NamedTuple
from urllib.parse import quote

from msgspec.structs import replace
from starlette.responses import Response

from mulligan.core.errors import InvalidError
from mulligan.core.ids import UserName
from mulligan.core.records import Pipeline, PipelineVersion
from mulligan.core.rights import Permission
from mulligan.engine.audited import audited, with_receipt
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci import wire
from mulligan.facades.bkci.calls import Call, done, ok
from mulligan.facades.bkci.document import encode
from mulligan.facades.bkci.model_source import model_of
from mulligan.facades.bkci.query import blank
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.settings_io import render_setting
from mulligan.facades.bkci.times import Json
from mulligan.facades.bkci.version_out import (
    render_draft_row,
    render_operation,
    render_pipeline_detail,
    render_version,
    render_version_row,
)
from mulligan.facades.common.sensitive import without_secrets


async def read_version_of(call: Call) -> tuple[Pipeline, int]:
    """Return the pipeline and the number of a version that the query names."""
    pipeline_id = wire.read_pipeline_id(call.query)
    version = call.query.whole("version")
    if version is None:
        raise blank("version")
    return await call.pipeline(pipeline_id), version


class _Shown(NamedTuple):
    """A version, or the draft as the version that it would be, and the pipeline as of then."""

    pipeline: Pipeline
    version: PipelineVersion
    row: Json


async def _shown(call: Call, pipeline: Pipeline, number: int | None) -> _Shown:
    """Find a version or the draft by its number; without one the newest version.

    Raises:
        NotFoundError: There is none (kind "version").
    """
    draft = await call.services.catalog.find_draft(pipeline)
    if draft is None or draft.version != number:
        version = await call.services.catalog.get_version(pipeline, number)
        return _Shown(pipeline, version, render_version_row(pipeline, version))
    version = PipelineVersion(
        pipeline=pipeline.id,
        version=draft.version,
        spec=draft.spec,
        dialect=draft.dialect,
        source=draft.source,
        created_by=draft.created_by,
        created_at=draft.created_at,
    )
    after = replace(
        pipeline,
        name=draft.title,
        description=draft.description,
        settings=draft.settings,
        version=draft.version,
    )
    return _Shown(after, version, render_draft_row(draft))


async def _as_yaml(call: Call, shown: _Shown) -> str:
    """Write a version as a pipeline file; without secrets for who may not edit it."""
    may_edit = await call.services.access.allows(call.actor, Permission.EDIT, call.project)
    return await call.services.documents.export(
        call.services, shown.pipeline, shown.version, may_edit=may_edit
    )


async def get_version(call: Call) -> Response:
    """Give one version, or the draft, with its model and the settings."""
    pipeline, number = await read_version_of(call)
    await call.demand(Permission.VIEW)
    services = call.services
    shown = await _shown(call, pipeline, number)
    may_edit = await services.access.allows(call.actor, Permission.EDIT, call.project)
    labels = await services.arrangement.labels(call.project)
    names = {ident: label.name for ident, label in labels.items()}
    model = model_of(shown.version)
    if not may_edit:
        model = without_secrets(model, await services.plugins.sensitive_inputs())
    both = {
        "model": model,
        "setting": render_setting(shown.pipeline, names),
    }
    draft = await services.catalog.find_draft(pipeline)
    text = await _as_yaml(call, shown)
    return ok(render_version(shown.row, both, pipeline=pipeline, draft=draft, text=text))


async def preview_code(call: Call) -> Response:
    """Give a version as a pipeline file."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.VIEW)
    shown = await _shown(call, pipeline, call.query.whole("version"))
    return ok({"yaml": await _as_yaml(call, shown)})


async def export(call: Call) -> Response:
    """Give a version as a file to download: the pipeline file, or model and settings."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.EDIT)
    is_yaml = call.query.word("storageType", {"YAML": True, "MODEL": False}, default=False)
    shown = await _shown(call, pipeline, call.query.whole("version"))
    if is_yaml:
        content, kind, media = await _as_yaml(call, shown), "yml", "application/yaml"
    else:
        both = {"model": model_of(shown.version), "setting": render_setting(shown.pipeline)}
        content, kind, media = encode(both).decode(), "json", "application/json"
    name = quote(f"{shown.pipeline.name}.{kind}")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(content, media_type=media, headers=headers)


async def version_list(call: Call) -> Response:
    """List the versions that are kept, the draft first."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.VIEW)
    page, size = call.query.page(is_unlimited=call.is_unlimited)
    draft = await call.services.catalog.find_draft(pipeline)
    heads = await call.services.store.list_versions(pipeline.id)
    rows = [] if draft is None else [render_draft_row(draft)]
    rows += [render_version_row(pipeline, head) for head in heads]
    found = [row for row in rows if _is_wanted(call, row)]
    shown = found[(page - 1) * size : page * size]
    return ok(render_page(shown, count=len(found), page=page, page_size=size))


def _is_wanted(call: Call, row: Json) -> bool:
    query = call.query
    before = query.whole("fromVersion")
    return (
        (query.text("versionName") or "").lower() in row["versionName"].lower()
        and (query.text("creator") or row["creator"]) == row["creator"]
        and (query.text("description") or "").lower() in row["description"].lower()
        and (before is None or row["version"] <= before)
    )


async def operation_log(call: Call) -> Response:
    """List what was done to a pipeline, newest first."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.VIEW)
    page, size = call.query.page(is_unlimited=call.is_unlimited)
    creator = call.query.text("creator")
    entries, count = await call.services.store.list_acts_on(
        pipeline.project,
        pipeline.id,
        actor=UserName(creator) if creator else None,
        limit=size,
        offset=(page - 1) * size,
    )
    records = [render_operation(entry, call.project, call.language) for entry in entries]
    return ok(render_page(records, count=count, page=page, page_size=size))


async def pipeline_detail(call: Call) -> Response:
    """Tell what a pipeline is, with its draft and its released version."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.VIEW)
    services = call.services
    may_edit = await services.access.allows(call.actor, Permission.EDIT, call.project)
    may_start = await services.access.allows(call.actor, Permission.START, call.project)
    return ok(
        render_pipeline_detail(
            pipeline,
            version=await services.store.find_version(pipeline.id, pipeline.version),
            draft=await services.catalog.find_draft(pipeline),
            permissions={
                "canManage": may_edit,
                "canDelete": may_edit,
                "canView": True,
                "canEdit": may_edit,
                "canExecute": may_start,
            },
        )
    )


async def reset_build_no(call: Call) -> Response:
    """Let the recommended version of a pipeline begin anew."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.EDIT)
    version = await call.services.catalog.get_version(pipeline)
    if version.spec.counter is None:
        raise InvalidError(
            f"pipeline {pipeline.name} has no recommended version",
            pointer="pipelineId",
            code="no-counter",
            values=(pipeline.name,),
        )

    async def reset(receipt: ReceiptRequest | None) -> bool:
        acts = audited(
            call.services.clock,
            call.actor,
            "pipeline.reset-counter",
            project=pipeline.project,
            target=pipeline.id,
        )
        acts = with_receipt(call.services.clock, acts, call.actor, receipt, pipeline)
        return await call.services.engine.counters.reset(pipeline, version.spec, acts)

    return await call.change(reset, done)
