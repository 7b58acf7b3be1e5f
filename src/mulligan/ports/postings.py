"""The part of the store with messages that leave the server."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mulligan.core.ids import ProjectId
from mulligan.core.postings import Cursor, Posting
from mulligan.core.records import AuditEntry


class PostingStore(Protocol):
    """Postings, and how far the news were looked through to make them."""

    async def find_cursor(self) -> Cursor:
        """Return how far the news were looked through."""
        ...

    async def add_postings(
        self, postings: Sequence[Posting], cursor: Cursor | None = None, *, keep: int = 1000
    ) -> tuple[Posting, ...]:
        """Store new postings and move the cursor, all or nothing; return them numbered.

        Of each project that gets some, only the newest `keep` that do not wait are kept.
        """
        ...

    async def put_posting(self, posting: Posting) -> None:
        """Replace a posting; one that is gone by now is no error."""
        ...

    async def find_posting(self, project: ProjectId, number: int) -> Posting | None:
        """Return a posting."""
        ...

    async def waiting_postings(self) -> tuple[Posting, ...]:
        """Return what is still to be sent, oldest first."""
        ...

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
        """Return postings, newest first, and how many there are; "" and None = any."""
        ...

    async def audit_after(self, number: int, *, limit: int = 500) -> tuple[AuditEntry, ...]:
        """Return entries of the audit trail with a greater id, ascending."""
        ...
