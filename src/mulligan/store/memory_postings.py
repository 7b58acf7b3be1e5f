"""Messages that leave the server, in the memory store."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from mulligan.core.errors import NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.postings import Cursor, Posting, PostingState
from mulligan.core.records import AuditEntry
from mulligan.store.memory_acts import MemoryActs


class MemoryPostings(MemoryActs):
    """Implements `ports.postings.PostingStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._postings: dict[int, Posting] = {}
        self._cursor = Cursor()

    async def find_cursor(self) -> Cursor:
        """Return how far the news were looked through."""
        return self._cursor

    async def add_postings(
        self, postings: Sequence[Posting], cursor: Cursor | None = None, *, keep: int = 1000
    ) -> tuple[Posting, ...]:
        """Store new postings and move the cursor, all or nothing; return them numbered."""
        for posting in postings:
            if posting.project not in self._projects:
                raise NotFoundError("project", posting.project)
        first = max(self._postings, default=0) + 1
        stored = tuple(
            replace(posting, number=first + place) for place, posting in enumerate(postings)
        )
        self._postings.update((posting.number, posting) for posting in stored)
        for project in {posting.project for posting in postings}:
            self._prune(project, keep)
        self._cursor = cursor or self._cursor
        return stored

    def _prune(self, project: ProjectId, keep: int) -> None:
        numbers = sorted(
            (each.number for each in self._postings.values() if each.project == project),
            reverse=True,
        )
        for number in numbers[keep:]:
            if self._postings[number].state is not PostingState.WAITING:
                del self._postings[number]

    async def put_posting(self, posting: Posting) -> None:
        """Replace a posting."""
        if posting.number in self._postings:
            self._postings[posting.number] = posting

    async def find_posting(self, project: ProjectId, number: int) -> Posting | None:
        """Return a posting."""
        found = self._postings.get(number)
        return found if found is not None and found.project == project else None

    async def waiting_postings(self) -> tuple[Posting, ...]:
        """Return what is still to be sent, oldest first."""
        waiting = [d for d in self._postings.values() if d.state is PostingState.WAITING]
        return tuple(sorted(waiting, key=lambda each: each.number))

    async def list_postings(
        self,
        project: ProjectId,
        *,
        kind: str,
        target: str = "",
        event: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[tuple[Posting, ...], int]:
        """Return postings, newest first, and how many there are."""
        found = [
            each
            for each in self._postings.values()
            if (each.project, each.kind) == (project, kind)
            and target in {"", each.target}
            and event in {"", each.event}
            and (since is None or each.created_at >= since)
            and (until is None or each.created_at <= until)
        ]
        found.sort(key=lambda each: each.number, reverse=True)
        return tuple(found[offset : offset + limit]), len(found)

    async def audit_after(self, number: int, *, limit: int = 500) -> tuple[AuditEntry, ...]:
        """Return entries of the audit trail with a greater id, ascending."""
        found = sorted((e for e in self._audit if e.id > number), key=lambda entry: entry.id)
        return tuple(found[:limit])
