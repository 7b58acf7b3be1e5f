"""Definitions of this dialect for the own API, whose errors they raise."""

import re
from typing import Any

from mulligan.core.errors import ConflictError, InvalidError
from mulligan.core.ids import ProjectId
from mulligan.core.records import Pipeline, PipelineVersion
from mulligan.core.rights import Actor
from mulligan.engine.catalog import Definition
from mulligan.facades.common.services import Saved, Services
from mulligan.facades.swr.compile import DIALECT, compile_document
from mulligan.facades.swr.definition_in import assign_ids, read_new
from mulligan.facades.swr.definitions import (
    change_definition,
    create_definition,
    rules_of,
    show_document,
)
from mulligan.facades.swr.errors import EXISTS, RUNNING, SwrError
from mulligan.facades.swr.groups import default_group, group_of
from mulligan.facades.swr.kept_parts import with_kept_parts
from mulligan.facades.swr.triggers_in import Rules
from mulligan.ports import Ids

Json = dict[str, Any]
_PLACE = re.compile(r"(?P<path>[A-Za-z_][\w.\[\]]*)(?:: .+| is required)", re.DOTALL)
_PART = re.compile(r"[^.\[\]]+")
_CONFLICTS = {EXISTS: "exists", RUNNING: "run-active"}


async def create(services: Services, actor: Actor, project: ProjectId, document: object) -> Saved:
    """Make a pipeline in the group `default`."""
    try:
        given = read_new(document, rules_of(services))
        group = await default_group(services, project)
        return await create_definition(services, actor, project, given, group)
    except SwrError as error:
        raise _translated(error) from None


async def edit(
    services: Services,
    actor: Actor,
    pipeline: Pipeline,
    version: PipelineVersion,
    document: object,
) -> Saved:
    """Replace a definition; `version` is its newest one."""
    group = await group_of(services, pipeline)
    body: Any = document
    if isinstance(document, dict):
        place = {"id": pipeline.number, "group_id": group.number, "group_name": group.name}
        body = with_kept_parts(document, version.source) | place
    try:
        return await change_definition(services, actor, pipeline, group, body)
    except SwrError as error:
        raise _translated(error) from None


async def show(
    services: Services, pipeline: Pipeline, version: PipelineVersion, *, may_edit: bool
) -> Json:
    """Give the document of a version; it can be stored again as it is."""
    group = await group_of(services, pipeline)
    return show_document(pipeline, group, version.source, may_edit=may_edit)


def check(document: object, ids: Ids) -> Definition:
    """Read a document without storing it; addresses that only some servers allow are taken.

    Raises:
        InvalidError: It is wrong.
    """
    try:
        given = read_new(document, Rules(new_id=ids.hex32, allows_private=True))
    except SwrError as error:
        raise _translated(error) from None
    numbered = assign_ids(given, 1, 1)
    return Definition(spec=compile_document(numbered).spec, dialect=DIALECT, source=numbered)


def _translated(error: SwrError) -> ConflictError | InvalidError:
    """Give the error of the own API that says the same; its pointer is the path in the text."""
    if error.code in _CONFLICTS:
        return ConflictError(error.detail, code=_CONFLICTS[error.code])
    found = _PLACE.fullmatch(error.detail)
    if found is None or found["path"] == "body":
        return InvalidError(error.detail or str(error), code="bad-value")
    pointer = "".join(f"/{part}" for part in _PART.findall(found["path"]))
    return InvalidError(error.detail, pointer=pointer, code="bad-value")
