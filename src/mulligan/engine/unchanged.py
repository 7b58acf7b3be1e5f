"""Changes that are made only to what the caller has seen: `If-Match`, asked where it is safe."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from mulligan.core.errors import ConflictError
from mulligan.core.records import Pipeline

CHANGED = "changed"  # code of the error
# Not a parameter: on the way to the catalog are the readers of all dialects, whom it is nothing to.
_seen: ContextVar[Pipeline | None] = ContextVar("seen_pipeline", default=None)


@contextlib.contextmanager
def only_if_still(pipeline: Pipeline | None) -> Iterator[None]:
    """Let changes of a pipeline fail while this lasts, unless it is as given; None = any."""
    token = _seen.set(pipeline)
    try:
        yield
    finally:
        _seen.reset(token)


def demand_seen(newest: Pipeline) -> None:
    """Check that a pipeline, which nobody else changes now, is what the caller has seen.

    Raises:
        ConflictError: It is not (code `CHANGED`).
    """
    seen = _seen.get()
    if seen is not None and seen.id == newest.id and seen != newest:
        raise ConflictError(f"pipeline {newest.id} has changed since", code=CHANGED)
