"""News: looks through what has happened, and makes postings of what somebody wants to be told.

It reads stored events and the audit trail behind a stored cursor, so that a crash loses nothing
and delays nothing: what happens is stored without knowing who will be told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from mulligan import failpoints
from mulligan.core.decision import Decision
from mulligan.core.errors import InfrastructureError
from mulligan.core.events import GateOpened, GateVoted, QualityChecked, ReviewReminded
from mulligan.core.ids import PipelineId
from mulligan.core.postings import Cursor, Posting
from mulligan.core.records import AuditEntry
from mulligan.engine.sender import Sender
from mulligan.log import get_log
from mulligan.ports import EventRow, Store

log = get_log()

_PAGE = 500
# So many events may pass by unread: they are read again after a crash.
_MOST_UNREAD = 1000
_STORE_PAUSE_S = 1.0
# Somebody may have to be asked or told, whatever the settings say.
_ALWAYS_READ = (GateOpened, GateVoted, QualityChecked, ReviewReminded)

T = TypeVar("T")
TellEvents = Callable[[Sequence[EventRow]], Awaitable[list[Posting]]]
TellAudit = Callable[[Sequence[AuditEntry]], Awaitable[list[Posting]]]


class News:
    """Follows the news.

    Args:
        tell_events, tell_audit: Make postings of pages of news.
        is_heard: Tell whether anybody wants to hear of a pipeline's runs.
    """

    def __init__(
        self,
        *,
        store: Store,
        sender: Sender,
        tell_events: Sequence[TellEvents],
        tell_audit: Sequence[TellAudit],
        is_heard: Callable[[PipelineId], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._sender = sender
        self.tell_events = tell_events
        self._tell_audit = tell_audit
        self._is_heard = is_heard
        self._quiet: set[PipelineId] = set()  # of these nobody wants to hear
        self._unread = 0
        self._changes = 0
        self._wake = asyncio.Event()
        self._wake.set()

    def committed(self, decision: Decision) -> None:
        """Tell that a decision of a run was stored."""
        if decision.run.head.pipeline in self._quiet and not any(
            isinstance(event, _ALWAYS_READ) for event in decision.events
        ):
            self._unread += len(decision.events)
            if self._unread < _MOST_UNREAD:
                return
        self._wake.set()

    def changed(self) -> None:
        """Tell that a pipeline, a project, or what somebody wants to hear has changed."""
        self._changes += 1
        self._quiet.clear()
        self._wake.set()

    async def follow(self) -> None:
        """Look through the news as they come."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.catch_up()
            except InfrastructureError as error:
                log.warning("news_wait", error=str(error))
                await asyncio.sleep(_STORE_PAUSE_S)
                self._wake.set()
            except Exception:  # the next news must be told all the same
                log.exception("news_broken")

    async def catch_up(self) -> None:
        """Look through everything that is new."""
        cursor = await self._store.find_cursor()
        while True:
            events = await self._store.events_after(cursor.events, limit=_PAGE)
            entries = await self._store.audit_after(cursor.audit, limit=_PAGE)
            if not events and not entries:
                return
            cursor = Cursor(
                events=events[-1].seq if events else cursor.events,
                audit=entries[-1].id if entries else cursor.audit,
            )
            self._unread = 0
            made = await self._made(events, entries)
            failpoints.hit("news.before_commit")
            self._sender.take(await self._store.add_postings(made, cursor))

    async def _made(
        self, events: Sequence[EventRow], entries: Sequence[AuditEntry]
    ) -> list[Posting]:
        made: list[Posting] = []
        changes = self._changes
        for pipeline in dict.fromkeys(row.pipeline for row in events):
            if not await self._is_heard(pipeline) and changes == self._changes:
                self._quiet.add(pipeline)
        for entry in entries:
            for tell_audit in self._tell_audit:
                made += await _guarded(tell_audit, entry)
        for row in events:
            for tell_events in self.tell_events:
                made += await _guarded(tell_events, row)
        return made


async def _guarded(
    tell: Callable[[Sequence[T]], Awaitable[list[Posting]]], news: T
) -> list[Posting]:
    """Make postings of one thing; what is wrong with it must not keep the others."""
    try:
        return await tell((news,))
    except InfrastructureError:
        raise
    except Exception:
        log.exception("news_not_told")
        return []
