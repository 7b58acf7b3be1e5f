"""Which runs a filter lets through, and where they stand, for stores without a query language."""

from collections.abc import Container, Iterator
from datetime import datetime
from typing import Any

from mulligan.core.records import Pipeline
from mulligan.core.recovered import branch_of, recovery_of
from mulligan.core.run import RunHead
from mulligan.ports import RunFilter
from mulligan.ports.overview import PipelineFilter
from mulligan.store.instants import micros
from mulligan.store.paging import Order, Position


def matches(head: RunHead, where: RunFilter) -> bool:
    """Tell whether a run passes every field of the filter."""
    return all(_tests(head, where))


def _tests(head: RunHead, where: RunFilter) -> Iterator[bool]:
    yield where.project in {None, head.project}
    yield where.pipeline in {None, head.pipeline}
    yield _is_in(head.status, where.statuses)
    yield _is_in(head.cause or "", where.causes)
    yield _is_in(head.start_kind, where.start_kinds)
    yield _is_in(head.started_by, where.actors)
    yield _is_in(head.id, where.ids)
    yield _is_between(head.number, where.number_from, where.number_to)
    yield _is_between(head.queued_at, where.queued_from, where.queued_to)
    yield _is_between(head.started_at, where.started_from, where.started_to)
    yield _is_between(head.ended_at, where.ended_from, where.ended_to)
    yield _is_in(branch_of(head), where.branches)
    yield where.recovered in {None, recovery_of(head) is not None}
    yield (where.remark or "") in head.remark
    yield (where.message or "") in head.message


def _is_in(value: object, wanted: Container[Any]) -> bool:
    return not wanted or value in wanted


def _is_between(value: Any, first: Any, last: Any) -> bool:
    """Tell whether a value lies between bounds; one that is missing lies between no bounds."""
    if first is None and last is None:
        return True
    if value is None:
        return False
    return (first is None or first <= value) and (last is None or value <= last)


def position_of(head: RunHead, updated_at: datetime, key: int, order: Order) -> Position:
    """Give where a run stands in an order."""
    if order is Order.NUMBER:
        return Position(head.number, key)
    return Position(micros(head.queued_at if order is Order.QUEUED else updated_at), key)


def passes(pipeline: Pipeline, where: PipelineFilter) -> bool:
    """Tell whether a pipeline passes the fields of a filter that stand in its document."""
    if where.owner and pipeline.created_by != where.owner:
        return False
    return where.labels is None or not where.labels.isdisjoint(pipeline.settings.labels)


_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def ascii_lower(text: str) -> str:
    """Give a text with the ASCII letters in lower case and all others as they are."""
    return text.translate(_LOWER)
