"""Views in the words of this API: forms and filters to values of the core, and back."""

from collections.abc import Iterator

from mulligan.core.errors import InvalidError
from mulligan.core.ids import PipelineId
from mulligan.core.items import View, ViewFilter
from mulligan.engine.arrangement import ViewForm
from mulligan.facades.bkci.bodies import needed
from mulligan.facades.bkci.document import Part
from mulligan.facades.bkci.query import Query
from mulligan.facades.bkci.times import Json, millis

DYNAMIC, STATIC = 1, 2
MOST_FILTERS = 50
MOST_PIPELINES = 10_000

_CONDITIONS = {
    word: word for word in ("LIKE", "NOT_LIKE", "EQUAL", "NOT_EQUAL", "INCLUDE", "NOT_INCLUDE")
}
_LOGIC = {"AND": True, "OR": False}


def read_form(part: Part) -> ViewForm:
    """Read a `PipelineViewForm`.

    Raises:
        InvalidError: A member is malformed, or a filter looks at what this server does not keep.
    """
    kind = part.whole("viewType", DYNAMIC)
    if kind not in {DYNAMIC, STATIC}:
        raise InvalidError("viewType is 1 or 2", pointer="viewType", code="bad-value")
    name = needed(part, "name")
    filters = tuple(map(_read_filter, part.parts("filters")))
    pipelines = part.texts("pipelineIds")
    for key, count, most in (
        ("filters", len(filters), MOST_FILTERS),
        ("pipelineIds", len(pipelines), MOST_PIPELINES),
    ):
        if count > most:
            raise InvalidError(
                f"{key} has {count} items; at most {most} are allowed",
                pointer=key,
                code="item-count",
                values=("0", str(most)),
            )
    return ViewForm(
        name=name,
        is_projects=part.flag("projected"),
        is_dynamic=kind == DYNAMIC,
        needs_all=part.word("logic", _LOGIC, default=True),
        filters=filters if kind == DYNAMIC else (),
        pipelines=tuple(map(PipelineId, pipelines)) if kind == STATIC else (),
    )


def _read_filter(part: Part) -> ViewFilter:
    condition = part.word("condition", _CONDITIONS, "")
    match part.text("@type"):
        case "filterByName":
            name = part.text("pipelineName").strip()
            return ViewFilter(
                kind="name", condition=condition or "LIKE", text=name, source=part.value
            )
        case "filterByCreator":
            kind, values = "creator", part.texts("userIds")
        case "filterByLabel":
            kind, values = "label", part.texts("labelIds")
        case other:
            raise InvalidError(
                f"pipelines can't be found by {other[:100]!r}",
                pointer=part.at("@type"),
                code="unsupported",
                values=(f"{other[:100]} filters",),
            )
    return ViewFilter(kind=kind, condition=condition or "INCLUDE", values=values, source=part.value)


def list_filters(query: Query) -> Iterator[ViewFilter]:
    """Yield the conditions that a list of pipelines is asked for with."""
    name = query.text("filterByPipelineName")
    if name is not None:
        yield ViewFilter(kind="name", text=name)
    for key, kind in (("filterByCreator", "creator"), ("filterByLabels", "label")):
        text = query.text(key)
        if text is not None:
            values = tuple(part.strip() for part in text.split(",") if part.strip())
            yield ViewFilter(kind=kind, condition="INCLUDE", values=values)


def render_view_summary(view: View, count: int) -> Json:
    """Return a `PipelineNewViewSummary`. `count`: pipelines that it shows."""
    return {
        "id": view.id,
        "projectId": view.project,
        "name": view.name,
        "projected": view.parent == "",
        "viewType": DYNAMIC if view.is_dynamic else STATIC,
        "createTime": millis(view.created_at),
        "updateTime": millis(view.updated_at),
        "creator": view.created_by,
        "top": False,
        "pipelineCount": count,
    }


def render_view(view: View, pipelines: list[PipelineId]) -> Json:
    """Return a `PipelineNewView`. `pipelines`: what it shows now."""
    summary = render_view_summary(view, len(pipelines))
    return summary | {
        "logic": "AND" if view.needs_all else "OR",
        "filters": [condition.source for condition in view.filters],
        "pipelineIds": list(pipelines),
    }
