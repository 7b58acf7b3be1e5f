"""What the server is, and the machines that run jobs."""

import platform
import sqlite3
from datetime import datetime

from starlette.responses import Response

from mulligan import __version__
from mulligan.facades.common.nodes import Node
from mulligan.facades.native.endpoints import Call, Endpoint, answer
from mulligan.facades.native.shapes import Shape


class AboutView(Shape, frozen=True, kw_only=True):
    """What the server is.

    Args:
        user, is_admin, language: The caller.
        database: Its kind and version.
        dialects: The APIs that it speaks, with the prefixes of their paths.
        retry_days: How long after its start a run may be retried; 0 = for ever.
    """

    name: str
    version: str
    python: str
    system: str
    database: str
    now: datetime
    is_dev: bool
    user: str
    is_admin: bool
    language: str
    retry_days: int
    public_url: str
    dialects: dict[str, str]


class RunnerView(Shape, frozen=True, kw_only=True):
    """A machine that runs jobs.

    Args:
        slots, busy: How many jobs at once, and how many now.
        state: online or offline.
    """

    id: str
    name: str
    labels: tuple[str, ...]
    slots: int
    busy: int
    state: str
    host: str
    address: str
    system: str
    system_detail: str


class RunnerList(Shape, frozen=True, kw_only=True):
    """The machines that run jobs. `queued`: jobs that wait for a slot."""

    items: tuple[RunnerView, ...]
    queued: int
    next_cursor: str | None = None


async def show_about(call: Call) -> Response:
    """Tell what the server is, and whom it takes the caller for."""
    services, actor = call.services, call.actor
    return answer(
        AboutView(
            name="Mulligan",
            version=__version__,
            python=platform.python_version(),
            system=f"{platform.system()} {platform.machine()}",
            database=f"SQLite {sqlite3.sqlite_version}",
            now=services.clock.now(),
            is_dev=services.is_dev,
            user=actor.user,
            is_admin=actor.is_admin or actor.is_open,
            language=actor.language,
            retry_days=services.retry_days,
            public_url=services.public_url,
            dialects={
                "native": "/api/v1",
                "bkci": "/api/apigw-user/v4",
                "swr": "/v3/manage",
                "mcp": "/mcp",
            },
        )
    )


async def list_runners(call: Call) -> Response:
    """List the machines that run jobs."""
    services = call.services
    items = tuple(map(_runner, services.nodes()))
    return answer(RunnerList(items=items, queued=services.queue_depth()))


def _runner(node: Node) -> RunnerView:
    return RunnerView(
        id=node.id,
        name=node.name,
        labels=(),
        slots=node.slots,
        busy=node.busy,
        state="online" if node.is_online else "offline",
        host=node.host,
        address=node.address,
        system=node.system,
        system_detail=node.system_detail,
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/about",
        act=show_about,
        summary="Tell what the server is, and whom it takes the caller for",
        answer=AboutView,
    ),
    Endpoint(
        method="GET",
        path="/runners",
        act=list_runners,
        summary="List the machines that run jobs, with their slots and how many are taken",
        answer=RunnerList,
    ),
)
