"""Messages that leave the server: each is a row, from the event that it tells of to its answer."""

from datetime import datetime
from enum import StrEnum

import msgspec

from mulligan.core.ids import ProjectId


class PostingState(StrEnum):
    """Where a message is."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"  # tried often enough, or can't be sent


class Posting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message to one place. It holds no secret in plain: those are looked up when it is sent.

    Args:
        kind: "callback", "notice" or "plugin-hook".
        via: What sends it: id of a callback rule or a channel, "mail" for mail to `target`.
        target: URL or address, without a login.
        event: What it tells.
        lane: Messages of one lane are sent one after the other, in the order of `number`.
        title, body: What is sent.
        number: Ascending over the server; 0 before it is stored.
        status: Of the answer, if it was one of HTTP.
        problem: Why it was not taken; "" = it was.
    """

    project: ProjectId
    kind: str
    via: str
    target: str
    event: str
    lane: str
    body: str
    created_at: datetime
    title: str = ""
    number: int = 0
    state: PostingState = PostingState.WAITING
    tries: int = 0
    due_at: datetime | None = None  # of the next try; None = now
    sent_at: datetime | None = None  # of the last try
    ended_at: datetime | None = None
    status: int | None = None
    problem: str = ""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far the news of the server were looked through: events of runs, the audit trail."""

    events: int = 0
    audit: int = 0
