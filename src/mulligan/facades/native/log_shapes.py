"""What answers about logs look like."""

from datetime import datetime

from mulligan.facades.native.shapes import Shape


class LogLineView(Shape, frozen=True, kw_only=True):
    """A line of a log.

    Args:
        number: In the attempt of the step, from 1 without gaps.
        at: When its first bytes came.
        text: Without newline; escape sequences (colours) are kept, wrong UTF-8 is U+FFFD.
        complete: False for the last line while it may still grow.
        continues: A piece of a line over 16 KiB, which goes on with the next number.
    """

    number: int
    at: datetime
    text: str
    complete: bool
    continues: bool


class LogPage(Shape, frozen=True, kw_only=True):
    """Some lines of the log of one attempt of a step.

    Args:
        attempt: Of the step.
        total: How many lines there are at the moment.
        ended: Nothing will be added.
        offset: Where to follow from: the `after` of `follow=true` for what comes next.
        lines: Ascending; fewer than asked for at the end, or when they are very long.
    """

    step: str
    attempt: int
    total: int
    ended: bool
    offset: int
    lines: tuple[LogLineView, ...]


class LogHit(Shape, frozen=True, kw_only=True):
    """A line that a search has found.

    Args:
        attempt, line: Of the step; both count from 1.
        text: The match and what is around it, without escape sequences.
        begin, end: Of the match in `text`, in characters.
    """

    stage: str
    job: str
    step: str
    step_name: str
    attempt: int
    line: int
    at: datetime
    text: str
    begin: int
    end: int


class LogHits(Shape, frozen=True, kw_only=True):
    """Lines of a run that were found, by job and line.

    `next_cursor`: goes on where the search stopped, after enough hits or enough time; null at the
    end of the last log.
    """

    items: tuple[LogHit, ...]
    next_cursor: str | None
