"""Names of statuses in a filter of this API to status and cause."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from mulligan.core.cause import Cause
from mulligan.core.errors import InvalidError
from mulligan.core.status import Status
from mulligan.facades.bkci.status_out import ALL_WORDS, run_word


class StatusFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of names asks for, in the words of `RunFilter`.

    Args:
        awaiting_review: Runs that stand at an open review are asked for too (or, when false,
            must be left out); their stored status is `RUNNING`.
        nothing: Only names were given that no run ever has.
    """

    statuses: tuple[Status, ...] = ()
    causes: tuple[str, ...] = ()
    awaiting_review: bool = False
    nothing: bool = False


def _ends() -> dict[str, tuple[tuple[Status, str], ...]]:
    """Give for each name at the level of runs the pairs of status and cause that it shows."""
    causes = {
        Status.FAILED: ("", *_BY_FAILURE),
        Status.SKIPPED: ("", *_BY_SKIP),
    }
    found: dict[str, list[tuple[Status, str]]] = {}
    for status in Status:
        for cause in causes.get(status, ("",)):
            word = run_word(status, Cause(cause) if cause else None)
            found.setdefault(word, []).append((status, cause))
    return {word: tuple(pairs) for word, pairs in found.items()}


_BY_SKIP = (
    Cause.DISABLED,
    Cause.CONDITION,
    Cause.DEPENDENCY,
    Cause.WAIVED,
    Cause.UNREACHED,
)
_BY_FAILURE = tuple(cause for cause in Cause if cause not in _BY_SKIP)
_ENDS: Mapping[str, tuple[tuple[Status, str], ...]] = MappingProxyType(_ends())
# Names that a queued run has only for a moment upstream; ours is QUEUE all the time.
# What waits for a review of its trigger is stored like what waits for its turn.
_SAME_AS = {"QUEUE_CACHE": "QUEUE", "TRIGGER_REVIEWING": "QUEUE"}


def read_status_filter(names: Iterable[str]) -> StatusFilter:
    """Read the names of a filter; no names at all ask for everything.

    `RunFilter` takes every status with every cause: where names of failed runs that are told
    apart by their cause are mixed with others, it may let a failure without a cause through.

    Raises:
        InvalidError: A name that this API does not have.
    """
    wanted: set[str] = set()
    for name in names:
        if name not in ALL_WORDS:
            raise InvalidError(f"unknown status {name[:100]!r}", pointer="status", code="bad-value")
        wanted.add(_SAME_AS.get(name, name))
    if not wanted:
        return StatusFilter()
    pairs = {pair for name in wanted for pair in _ENDS.get(name, ())}
    statuses = {status for status, _ in pairs}
    is_whole = all(
        pair in pairs for known in _ENDS.values() for pair in known if pair[0] in statuses
    )
    return StatusFilter(
        statuses=tuple(status for status in Status if status in statuses),
        causes=() if is_whole else tuple(sorted({cause for _, cause in pairs})),
        awaiting_review="STAGE_SUCCESS" in wanted,
        nothing=not pairs,
    )
