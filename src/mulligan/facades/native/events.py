"""`/events`: what happens to runs, as it happens, resumable without a gap."""

import asyncio
from collections.abc import AsyncGenerator

import msgspec
from starlette.responses import Response

from mulligan.core.ids import RUN_ID, PipelineId, ProjectId, RunId
from mulligan.core.rights import Permission
from mulligan.facades.common.auth import header
from mulligan.facades.native import queries
from mulligan.facades.native.callers import caller_of
from mulligan.facades.native.endpoints import Call, Endpoint, Query, enter
from mulligan.facades.native.problems import QueryError
from mulligan.facades.native.streams import (
    HEARTBEAT,
    HEARTBEAT_S,
    Backlog,
    Stream,
    Waker,
    frame,
    running,
)
from mulligan.ports import EventRow

MOST_BEHIND_BYTES = 1024 * 1024
FRAME_S = 0.05
_BATCH = 100
# Values of variables and inputs may be secrets that nobody has declared as such.
_LEFT_OUT = frozenset({"writes", "values", "parameters", "combinations", "inputs", "patch"})
_ENCODER = msgspec.json.Encoder()


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Whose events are wanted."""

    project: ProjectId
    run: RunId | None = None
    pipeline: PipelineId | None = None


async def stream_events(call: Call) -> Response:
    """Stream events of a project, from now on or after the one that the reader had last."""
    request = call.request
    project = queries.text(request, "project")
    if not project:
        raise QueryError("project", "project is missing: events are those of one project")
    await call.enter(project, Permission.VIEW)
    run, pipeline = queries.text(request, "run"), queries.text(request, "pipeline")
    if run and not RUN_ID.fullmatch(run):
        raise QueryError("run", "run must be the id of a run, b-…")
    wanted = EventFilter(
        project=ProjectId(project),
        run=RunId(run) if run else None,
        pipeline=PipelineId(pipeline) if pipeline else None,
    )
    newest = await call.services.store.last_seq()
    after = resume_point(call)
    feed = Feed(call, wanted, newest if after is None else min(after, newest))
    return Stream(feed.frames(), feed.cut)


def resume_point(call: Call) -> int | None:
    """Return the id of the last event that the reader had: header, or `after` in the query."""
    given = header(call.request, "last-event-id")
    if not given:
        return queries.whole(call.request, "after")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise QueryError("Last-Event-ID", "Last-Event-ID must be the id of an event")
    return int(given)


class Feed:
    """Reads events from the store as they come, and hands them to one reader.

    While old events are read, the reader sets the pace. From then on one that is more than
    `limit_bytes` behind is cut off.
    """

    def __init__(
        self,
        call: Call,
        wanted: EventFilter,
        after: int,
        *,
        limit_bytes: int = MOST_BEHIND_BYTES,
        heartbeat_s: float = HEARTBEAT_S,
        frame_s: float = FRAME_S,
    ) -> None:
        self.cut = asyncio.Event()
        self._call = call
        self._wanted = wanted
        self._after = after
        self._backlog = Backlog(limit_bytes)
        self._heartbeat_s = heartbeat_s
        self._frame_s = frame_s
        self._is_live = False

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """Yield what is to be sent."""
        async with running(self._fill()):
            while (data := await self._backlog.take()) is not None:
                yield data

    async def _fill(self) -> None:
        live = self._call.services.live
        run = self._wanted.run
        waker = Waker(live.wait_events if run is None else lambda s: live.wait_run(run, s))
        try:
            while await self._step(waker):
                pass
        finally:
            waker.close()
            self._backlog.end()

    async def _step(self, waker: Waker) -> bool:
        await waker.arm()
        if self._is_live:
            rows = await self._read()
        else:
            async with self._call.services.replays:  # many at once must not take all readers
                rows = await self._read()
        if rows:
            await self._check_rights()
            self._after = rows[-1].seq
            if not self._is_live:
                await self._backlog.drained()
            if not all(self._backlog.put(render(row)) for row in rows):
                self.cut.set()
                return False
        if len(rows) == _BATCH:
            return True
        self._is_live = True
        if await waker.wait(self._heartbeat_s):
            # what comes now is sent together: events come in bursts, and readers are many
            await asyncio.sleep(self._frame_s)
        else:
            await self._check_rights()
            self._backlog.put(HEARTBEAT)
        return True

    async def _read(self) -> tuple[EventRow, ...]:
        return await self._call.services.store.events_after(
            self._after,
            project=self._wanted.project,
            run_id=self._wanted.run,
            pipeline=self._wanted.pipeline,
            limit=_BATCH,
        )

    async def _check_rights(self) -> None:
        """Look again whether the reader may have this: rights end at once, streams last long."""
        await check_rights(self._call, self._wanted.project, Permission.VIEW)


async def check_rights(call: Call, project: str, permission: Permission) -> None:
    """Check credential and permission of a call that lasts.

    Raises:
        UnauthenticatedError: The token was revoked or is over, the user disabled.
        NotFoundError, ForbiddenError: The membership is gone.
    """
    actor = await caller_of(call.request, call.services.access)
    await enter(call.services, actor, project, permission)


def render(row: EventRow) -> bytes:
    """Give the frame of an event, without values of variables."""
    event = msgspec.to_builtins(row.event, builtin_types=())
    data = {
        "seq": row.seq,
        "run": row.run_id,
        "project": row.project,
        "pipeline": row.pipeline,
        "revision": row.revision,
        "event": {key: value for key, value in event.items() if key not in _LEFT_OUT},
    }
    return frame(_ENCODER.encode(data), ident=row.seq)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/events",
        act=stream_events,
        summary="Stream what happens to runs (server-sent events), resumable by Last-Event-ID",
        media="text/event-stream",
        query=(
            Query("project", "Whose events; needed."),
            Query("run", "Only of this run (b-…)."),
            Query("pipeline", "Only of this pipeline (p-…)."),
            Query("after", "Like Last-Event-ID; 0 = from the first event on.", {"type": "integer"}),
        ),
    ),
)
