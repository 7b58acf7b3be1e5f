"""Which pipelines a view shows, and in which order a list stands. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from mulligan.core.items import Label, View, ViewFilter
from mulligan.core.records import Pipeline
from mulligan.core.run import RunHead

Row = tuple[Pipeline, RunHead | None]  # a pipeline and its newest run
_NEVER = datetime.min.replace(tzinfo=UTC)


class SortBy(StrEnum):
    """What a list of pipelines is sorted by."""

    NAME = "name"
    CREATED = "created"
    UPDATED = "updated"
    LAST_RUN = "last-run"


def shows(view: View, pipeline: Pipeline, labels: Mapping[str, Label]) -> bool:
    """Tell whether a view shows a pipeline.

    Args:
        labels: Those of the project by id; a label that is gone counts for nothing.
    """
    if not view.is_dynamic:
        return pipeline.id in view.pipelines
    found = (passes(each, pipeline, labels) for each in view.filters)
    return all(found) if view.needs_all else any(found)


def passes(condition: ViewFilter, pipeline: Pipeline, labels: Mapping[str, Label]) -> bool:
    """Tell whether a pipeline meets one condition; a negated word turns it round."""
    word = condition.condition.removeprefix("NOT_")
    is_met = _meets(condition, word, pipeline, labels)
    return is_met != condition.condition.startswith("NOT_")


def _meets(
    condition: ViewFilter, word: str, pipeline: Pipeline, labels: Mapping[str, Label]
) -> bool:
    match condition.kind:
        case "name" if word == "EQUAL":
            return pipeline.name == condition.text
        case "name":
            return condition.text.lower() in pipeline.name.lower()
        case "creator":
            return pipeline.created_by in condition.values
        case _:
            own = {label for label in pipeline.settings.labels if label in labels}
            return not own.isdisjoint(condition.values)


def in_order(rows: Iterable[Row], by: SortBy, *, descending: bool) -> Sequence[Row]:
    """Sort pipelines; those that are equal stay newest first."""
    newest_first = sorted(rows, key=lambda row: row[0].number, reverse=True)
    return sorted(newest_first, key=_KEYS[by], reverse=descending)


def _last_run(row: Row) -> datetime:
    head = row[1]
    return _NEVER if head is None else head.started_at or head.queued_at


_KEYS = {
    SortBy.NAME: lambda row: (row[0].name.lower(), row[0].name),
    SortBy.CREATED: lambda row: row[0].created_at,
    SortBy.UPDATED: lambda row: row[0].updated_at,
    SortBy.LAST_RUN: _last_run,
}
