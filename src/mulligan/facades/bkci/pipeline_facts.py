"""Gather what lists of pipelines say of each besides its record."""

import asyncio
from collections.abc import Sequence

import msgspec

from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.items import Label, LabelGroup, TemplateInstance, View
from mulligan.core.records import Pipeline
from mulligan.core.views import shows
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.calls import Call
from mulligan.facades.bkci.pipeline_out import PipelineFacts, render_pipeline
from mulligan.facades.bkci.times import Json
from mulligan.ports import RunFilter


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What all pipelines of a project share: labels with their groups, and views."""

    labels: dict[str, Label]
    groups: dict[str, LabelGroup]
    views: tuple[View, ...]

    def group_labels(self, pipeline: Pipeline) -> list[Json]:
        """Return the labels of a pipeline by group."""
        own = [self.labels[each] for each in pipeline.settings.labels if each in self.labels]
        groups = dict.fromkeys(label.parent for label in own)
        return [
            {
                "groupName": self.groups[group].name,
                "labelName": [label.name for label in own if label.parent == group],
            }
            for group in groups
            if group in self.groups
        ]

    def view_names(self, pipeline: Pipeline) -> list[str]:
        """Return the names of the views that show a pipeline."""
        return [view.name for view in self.views if shows(view, pipeline, self.labels)]


async def around(call: Call) -> Around:
    """Read what all pipelines of the call's project share."""
    groups = await call.services.store.list_items(LabelGroup, ProjectId(call.project))
    return Around(
        labels=await call.services.arrangement.labels(call.project),
        groups={group.id: group for group in groups},
        views=await call.services.arrangement.views(call.actor, call.project),
    )


async def pipeline_records(call: Call, pipelines: Sequence[Pipeline]) -> list[Json]:
    """Return pipelines as lists show them."""
    shared = await around(call)
    facts = await asyncio.gather(*(facts_of(call, each, shared) for each in pipelines))
    return [render_pipeline(each, known) for each, known in zip(pipelines, facts, strict=True)]


async def facts_of(call: Call, pipeline: Pipeline, shared: Around | None = None) -> PipelineFacts:
    """Gather what is said of one pipeline."""
    shared = shared or await around(call)
    store = call.services.store
    version = await store.find_version(pipeline.id, pipeline.version)
    page = await store.list_runs(RunFilter(pipeline=PipelineId(pipeline.id)), limit=1)
    head = page.items[0] if page.items else None
    view = None
    source = None
    if head is not None:
        run = await call.services.engine.get_run(head.id)
        view, source = AttemptView(run), await call.source(run)
        head = run.head
    _queued, running = await store.count_unfinished(pipeline.id)
    instance = await store.find_item(TemplateInstance, pipeline.project, pipeline.id)
    return PipelineFacts(
        now=call.services.clock.now(),
        spec=version.spec if version is not None else None,
        latest=head,
        view=view,
        source=source,
        run_count=head.number if head is not None else 0,
        running_count=running,
        group_labels=shared.group_labels(pipeline),
        view_names=shared.view_names(pipeline),
        template=instance.parent if instance is not None else "",
        language=call.language,
    )
