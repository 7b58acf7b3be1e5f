"""Pipelines: their definitions in any known format, and the list of them."""

import asyncio
import contextlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from mulligan.core.errors import ConflictError
from mulligan.core.ids import PipelineId
from mulligan.core.items import LabelGroup
from mulligan.core.records import Pipeline
from mulligan.core.rights import Permission
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.unchanged import CHANGED, only_if_still
from mulligan.facades.common.auth import header
from mulligan.facades.common.body import read_json
from mulligan.facades.common.services import Saved
from mulligan.facades.native import queries, shapes
from mulligan.facades.native.bodies import DocumentBody
from mulligan.facades.native.conditional import PreconditionError, demand_match, tag_of
from mulligan.facades.native.endpoints import JSON, NOTHING, Call, Endpoint, Query, answer
from mulligan.facades.native.pipeline_files import Given, read_yaml_file
from mulligan.facades.native.problems import QueryError

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml")


async def pipeline_of(call: Call) -> Pipeline:
    """Return the pipeline of the path.

    Raises:
        NotFoundError: There is none in the project of the path, or it is deleted.
    """
    return await call.services.catalog.get_pipeline(call.project, call.part("pipeline"))


def is_yaml(call: Call) -> bool:
    """Tell whether the body is said to be YAML."""
    media = header(call.request, "content-type").partition(";")[0].strip().lower()
    return media in YAML_TYPES


async def read_body(call: Call, name: str) -> Given:
    """Decode the document in the body. `name`: of a pipeline whose file says none."""
    if is_yaml(call):
        return await asyncio.to_thread(read_yaml_file, call.body, name)
    return Given(read_json(call.body, call.services.limits))


async def create_pipeline(call: Call) -> Response:
    """Make a pipeline with its first version."""
    services = call.services
    name = queries.text(call.request, "name") or f"pipeline {services.ids.hex32()[:8]}"
    given = await read_body(call, name)
    installed = await services.plugins.usable_codes(call.project)

    async def act(_receipt: ReceiptRequest | None) -> Saved:
        with given.placed():
            return await services.documents.create(
                services, call.actor, call.project, given.document
            )

    def render(saved: Saved) -> shapes.PipelineSaved:
        return show_saved(saved, given, installed)

    return await call.once(act, render, stores_receipt=False)


async def edit_pipeline(call: Call) -> Response:
    """Replace the definition: a new version."""
    pipeline = await pipeline_of(call)
    demand_match(call.request, tag_of_pipeline(pipeline), "the pipeline")
    given = await read_body(call, pipeline.name)
    services = call.services
    installed = await services.plugins.usable_codes(call.project)

    async def act(_receipt: ReceiptRequest | None) -> Saved:
        with _as_seen(call, pipeline), given.placed():
            return await services.documents.edit(services, call.actor, pipeline, given.document)

    def render(saved: Saved) -> shapes.PipelineSaved:
        return show_saved(saved, given, installed)

    return await call.once(act, render, stores_receipt=False)


def show_saved(saved: Saved, given: Given, installed: Collection[str]) -> shapes.PipelineSaved:
    """Show what was stored. `installed`: codes of plugins."""
    pipeline, definition = saved.pipeline, saved.definition
    stages = definition.spec.stages
    jobs = [job for stage in stages for job in stage.jobs]
    return shapes.PipelineSaved(
        id=pipeline.id,
        version=pipeline.version,
        name=pipeline.name,
        stages=len(stages),
        jobs=len(jobs),
        steps=sum(len(job.steps) for job in jobs),
        warnings=given.cautions(definition, installed),
    )


async def label_names(call: Call) -> dict[str, str]:
    """Return the labels of the project of a call by id, as GROUP/LABEL."""
    groups = await call.services.store.list_items(LabelGroup, call.project)
    names = {group.id: group.name for group in groups}
    labels = await call.services.arrangement.labels(call.project)
    return {
        ident: f"{names[label.parent]}/{label.name}"
        for ident, label in labels.items()
        if label.parent in names
    }


async def get_pipeline(call: Call) -> Response:
    """Show a pipeline; as YAML its newest definition."""
    pipeline = await pipeline_of(call)
    if _wants_yaml(call):
        return await _definition(call, pipeline, None)
    response = answer(_pipeline(pipeline, await label_names(call)))
    response.headers["ETag"] = tag_of_pipeline(pipeline)
    return response


def tag_of_pipeline(pipeline: Pipeline) -> str:
    """Give the entity tag of a pipeline: it changes with everything that is stored of it."""
    return tag_of(msgspec.json.encode(pipeline))


def _wants_yaml(call: Call) -> bool:
    form = queries.text(call.request, "format")
    if form:
        if form not in {"json", "yaml"}:
            raise QueryError("format", "format is json or yaml")
        return form == "yaml"
    accepted = header(call.request, "accept").split(",")
    return any(each.partition(";")[0].strip().lower() in YAML_TYPES for each in accepted)


async def get_definition(call: Call) -> Response:
    """Give the document of a version, the newest by default, as it was taken in.

    It holds no credentials; who may not edit it gets no defaults of sensitive parameters either.
    """
    version = queries.whole(call.request, "version", least=1)
    ident = PipelineId(call.part("pipeline"))
    pipeline = await call.services.store.find_pipeline(ident)
    # runs of a deleted pipeline stay readable, and so does what they ran
    if version is None or pipeline is None or pipeline.project != call.project:
        pipeline = await pipeline_of(call)
    return await _definition(call, pipeline, version)


async def _definition(call: Call, pipeline: Pipeline, version: int | None) -> Response:
    services = call.services
    found = await services.catalog.get_version(pipeline, version)
    may_edit = await services.access.allows(call.actor, Permission.EDIT, call.project)
    if _wants_yaml(call):
        text = await services.documents.export(services, pipeline, found, may_edit=may_edit)
        return Response(text, media_type=YAML_TYPES[0])
    return answer(await services.documents.show(services, pipeline, found, may_edit=may_edit))


async def delete_pipeline(call: Call) -> Response:
    """Delete a pipeline; its runs stay readable."""
    pipeline = await pipeline_of(call)
    demand_match(call.request, tag_of_pipeline(pipeline), "the pipeline")
    with _as_seen(call, pipeline):
        await call.services.catalog.delete_pipeline(call.actor, pipeline)
    return Response(status_code=NOTHING)


@contextlib.contextmanager
def _as_seen(call: Call, pipeline: Pipeline) -> Iterator[None]:
    """With `If-Match`, which was looked at, refuse a change that comes after another one.

    Raises:
        PreconditionError: Somebody was faster.
    """
    has_seen = header(call.request, "if-match") not in {"", "*"}
    try:
        with only_if_still(pipeline if has_seen else None):
            yield
    except ConflictError as error:
        if error.code != CHANGED:
            raise
        raise PreconditionError("the pipeline") from None


def _pipeline(pipeline: Pipeline, labels: Mapping[str, str]) -> shapes.PipelineView:
    return shapes.PipelineView(**view_fields(pipeline, labels))


def view_fields(pipeline: Pipeline, labels: Mapping[str, str]) -> dict[str, Any]:
    """Give the fields that every view of a pipeline has."""
    return {
        "id": pipeline.id,
        "number": pipeline.number,
        "project": pipeline.project,
        "name": pipeline.name,
        "description": pipeline.description,
        "version": pipeline.version,
        "locked": pipeline.locked,
        "created_by": pipeline.created_by,
        "created_at": pipeline.created_at,
        "updated_by": pipeline.updated_by,
        "updated_at": pipeline.updated_at,
        "labels": tuple(labels[each] for each in pipeline.settings.labels if each in labels),
    }


_FORMAT = Query(
    "format",
    "`yaml`: as a pipeline file of v3.0, as `Accept: application/yaml` does.",
    {"enum": ["json", "yaml"]},
)
PIPELINES = "/projects/{project}/pipelines"
ONE_PIPELINE = PIPELINES + "/{pipeline}"
_TAKES = (JSON, *YAML_TYPES)

ENDPOINTS = (
    Endpoint(
        method="POST",
        path=PIPELINES,
        act=create_pipeline,
        summary="Make a pipeline from a definition; the format is recognised from its content",
        needs=Permission.EDIT,
        body=DocumentBody,
        answer=shapes.PipelineSaved,
        status=201,
        takes=_TAKES,
        query=(Query("name", "Name of a pipeline whose YAML file says none."),),
    ),
    Endpoint(
        method="GET",
        path=ONE_PIPELINE,
        act=get_pipeline,
        summary="Show a pipeline; as YAML its definition, a file that can be imported",
        needs=Permission.VIEW,
        answer=shapes.PipelineView,
        media=YAML_TYPES[0],
        query=(_FORMAT,),
    ),
    Endpoint(
        method="PUT",
        path=ONE_PIPELINE,
        act=edit_pipeline,
        precondition=True,
        summary="Replace the definition: a new version; runs keep the one that they began with",
        needs=Permission.EDIT,
        body=DocumentBody,
        answer=shapes.PipelineSaved,
        takes=_TAKES,
    ),
    Endpoint(
        method="DELETE",
        path=ONE_PIPELINE,
        act=delete_pipeline,
        precondition=True,
        summary="Delete a pipeline; its runs stay readable",
        needs=Permission.EDIT,
        status=NOTHING,
    ),
    Endpoint(
        method="GET",
        path=ONE_PIPELINE + "/definition",
        act=get_definition,
        summary="Give the definition as it was taken in",
        needs=Permission.VIEW,
        answer=DocumentBody,
        media=YAML_TYPES[0],
        query=(
            Query("version", "Which version; the newest if absent.", {"type": "integer"}),
            _FORMAT,
        ),
    ),
)
