"""Projects, and the clock of a development server."""

import math
import re
from datetime import datetime
from typing import TypedDict

from starlette.responses import Response

from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.ids import PROJECT_ID
from mulligan.core.records import Project
from mulligan.core.rights import Permission
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.native import queries, shapes
from mulligan.facades.native.bodies import ClockBody, ProjectBody
from mulligan.facades.native.endpoints import Call, Endpoint, answer


class _Fields(TypedDict):
    """What all views of a project have."""

    id: str
    number: int
    name: str
    description: str
    disabled: bool
    created_by: str
    created_at: datetime


_LONGEST_ID = 32
_LONGEST_ADVANCE_S = 10 * 366 * 86_400.0


async def create_project(call: Call) -> Response:
    """Make a project; its maker becomes its owner."""
    given = call.read(ProjectBody)
    if not call.actor.is_open:
        await call.services.access.demand(call.actor, Permission.ADMINISTER, "")

    async def act(_receipt: ReceiptRequest | None) -> Project:
        return await call.services.catalog.create_project(
            call.actor, given.id or id_from_name(given.name), given.name, given.description
        )

    return await call.once(act, _project, stores_receipt=False)


def id_from_name(name: str) -> str:
    """Make an id of a name: lower case, "-" for all that an id can't have.

    Raises:
        InvalidError: Nothing is left of it.
    """
    if PROJECT_ID.fullmatch(name):
        return name
    text = re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789")[:_LONGEST_ID].rstrip("-")
    if not text:
        raise InvalidError(f"no id can be made of the name {name!r}; give one", pointer="/id")
    return text


async def list_projects(call: Call) -> Response:
    """List the projects that the caller may see."""
    store, actor = call.services.store, call.actor
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    if actor.projects:
        found = [await store.find_project(project) for project in sorted(set(actor.projects))]
        seen = [
            project
            for project in found
            if project and await call.services.access.allows(actor, Permission.VIEW, project.id)
        ]
        page, cursor = queries.page_of(seen[offset : offset + wanted + 1], offset, wanted)
    else:
        user = None if actor.is_admin or actor.is_open else actor.user
        listed = await store.list_projects(user=user, limit=wanted + 1, offset=offset)
        page, cursor = queries.page_of(listed, offset, wanted)
    items = tuple(_project(project) for project in page)
    return answer(shapes.ProjectList(items=items, next_cursor=cursor))


async def get_project(call: Call) -> Response:
    """Show a project and what the caller may do in it."""
    project = await call.services.catalog.get_project(call.project)
    granted = await call.services.access.permissions(call.actor, project.id)
    return answer(
        shapes.ProjectDetail(
            **_fields(project), permissions=tuple(sorted(each.value for each in granted))
        )
    )


def _project(project: Project) -> shapes.ProjectView:
    return shapes.ProjectView(**_fields(project))


def _fields(project: Project) -> _Fields:
    return {
        "id": project.id,
        "number": project.number,
        "name": project.name,
        "description": project.description,
        "disabled": project.disabled,
        "created_by": project.created_by,
        "created_at": project.created_at,
    }


async def advance_clock(call: Call) -> Response:
    """Move the clock of a development server forward."""
    if not call.services.is_dev:
        raise NotFoundError("endpoint", call.request.url.path)
    seconds = call.read(ClockBody).advance
    if not (math.isfinite(seconds) and 0 <= seconds <= _LONGEST_ADVANCE_S):
        raise InvalidError("advance must be seconds, from 0 to ten years", pointer="/advance")

    async def act(_receipt: ReceiptRequest | None) -> None:
        call.services.advance_clock(seconds)

    return await call.once(
        act, lambda _: shapes.ClockView(now=call.services.clock.now()), stores_receipt=False
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/projects",
        act=create_project,
        summary="Make a project (server admins); its maker becomes its owner",
        body=ProjectBody,
        answer=shapes.ProjectView,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/projects",
        act=list_projects,
        summary="List the projects that one may see",
        answer=shapes.ProjectList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="GET",
        path="/projects/{project}",
        act=get_project,
        summary="Show a project, and what the caller may do in it",
        needs=Permission.VIEW,
        answer=shapes.ProjectDetail,
    ),
    Endpoint(
        method="POST",
        path="/dev/clock",
        act=advance_clock,
        summary="Move the clock forward (only with --dev)",
        body=ClockBody,
        answer=shapes.ClockView,
    ),
)
