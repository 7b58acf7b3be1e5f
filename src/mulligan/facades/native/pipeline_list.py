"""The list of pipelines with how their last runs went."""

from collections.abc import Mapping

from starlette.responses import Response

from mulligan.core.durations import quantile, seconds_between
from mulligan.core.ids import UserName
from mulligan.core.rights import Permission
from mulligan.core.status import Status
from mulligan.facades.native import overview_shapes as shapes
from mulligan.facades.native import queries
from mulligan.facades.native.endpoints import Call, Endpoint, Query, answer
from mulligan.facades.native.pipelines import PIPELINES, label_names, view_fields
from mulligan.ports.overview import PipelineCard, PipelineFilter, RecentRun

RECENT = 20


async def list_pipelines(call: Call) -> Response:
    """List the pipelines of a project, newest first; with `name` the one of exactly that name."""
    request = call.request
    names = await label_names(call)
    wanted = queries.limit(request)
    cards = await call.services.store.list_cards(
        call.project,
        PipelineFilter(
            name=queries.text(request, "name"),
            name_contains=queries.text(request, "search"),
            statuses=queries.words(request, "status", Status),
            labels=_labels(queries.names(request, "label"), names),
            owner=UserName(queries.text(request, "owner")),
        ),
        runs=RECENT,
        limit=wanted + 1,
        before=queries.whole(request, "cursor", least=1),
    )
    page = cards[:wanted]
    return answer(
        shapes.PipelineList(
            items=tuple(show_card(card, names) for card in page),
            next_cursor=str(page[-1].pipeline.number) if len(cards) > wanted else None,
        )
    )


def _labels(given: tuple[str, ...], names: Mapping[str, str]) -> frozenset[str] | None:
    """Return the ids of labels that are given as LABEL or GROUP/LABEL; None = none is given."""
    if not given:
        return None
    return frozenset(
        ident
        for ident, each in names.items()
        if not {each, each.split("/", 1)[1]}.isdisjoint(given)
    )


def show_card(card: PipelineCard, labels: Mapping[str, str]) -> shapes.PipelineItem:
    """Show a pipeline with its newest runs."""
    recent = tuple(map(show_recent, card.recent))
    ended = [run for run in card.recent if run.status.is_final]
    good = [run for run in ended if run.status is Status.SUCCEEDED]
    took = [
        seconds
        for run in good
        if (seconds := seconds_between(run.started_at, run.ended_at)) is not None
    ]
    return shapes.PipelineItem(
        **view_fields(card.pipeline, labels),
        owner=card.pipeline.created_by,
        last_run=recent[0] if recent else None,
        recent=recent,
        p50_seconds=quantile(took, 0.5),
        p95_seconds=quantile(took, 0.95),
        success_share=len(good) / len(ended) if ended else None,
        recovered_share=sum(run.recovered for run in ended) / len(ended) if ended else None,
    )


def show_recent(run: RecentRun) -> shapes.RecentRunView:
    """Show a run as a bar of a history."""
    return shapes.RecentRunView(
        id=run.id,
        number=run.number,
        status=run.status.value,
        cause=run.cause or None,
        actor=run.started_by,
        start_kind=run.start_kind,
        branch=run.branch,
        message=run.message,
        recovered=run.recovered,
        queued_at=run.queued_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        run_seconds=seconds_between(run.started_at, run.ended_at),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=PIPELINES,
        act=list_pipelines,
        summary="List the pipelines of a project with how their last runs went, newest first",
        needs=Permission.VIEW,
        answer=shapes.PipelineList,
        query=(
            Query("name", "Only the one of exactly that name."),
            Query("search", "Only those with this text in the name."),
            Query("status", "Only those whose newest run has one of these, separated by commas."),
            Query("label", "Only those with one of these labels, as LABEL or GROUP/LABEL."),
            Query("owner", "Only those that this user made."),
            *queries.PAGED,
        ),
    ),
)
