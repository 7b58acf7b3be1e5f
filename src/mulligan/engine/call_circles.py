"""Pipelines must not start themselves, not even through others: looked at when one is stored."""

from collections.abc import Iterator
from typing import Any

from mulligan.core.errors import InvalidError
from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.records import Pipeline
from mulligan.core.spec import CALL, PipelineSpec
from mulligan.ports import AdminStore

MOST_LOOKED_AT = 200  # pipelines; what is behind them is looked at when a run gets there


async def demand_no_circle(store: AdminStore, pipeline: Pipeline, spec: PipelineSpec) -> None:
    """Check that the pipeline, as it is to be stored, does not lead to itself.

    A call whose pipeline follows from a variable is looked at when it is made.

    Raises:
        InvalidError: It does (code "call-circle").
    """
    todo = [(pipeline, call) for call in _calls(spec)]
    seen: set[PipelineId] = set()
    while todo and len(seen) < MOST_LOOKED_AT:
        by, call = todo.pop()
        found = await _find(store, by, call, pipeline)
        if found is None or found.id in seen:
            continue
        if found.id == pipeline.id:
            raise InvalidError(
                f"the pipeline would start itself: {by.name!r} starts {pipeline.name!r}",
                code="call-circle",
                values=(by.name,),
            )
        seen.add(found.id)
        version = await store.find_version(found.id, found.version)
        if version is not None:
            todo += [(found, call) for call in _calls(version.spec)]


def _calls(spec: PipelineSpec) -> Iterator[dict[str, Any]]:
    for stage in spec.stages:
        for job in stage.jobs:
            for step in job.steps:
                if step.kind == CALL and step.enabled:
                    yield step.inputs


async def _find(
    store: AdminStore, by: Pipeline, call: dict[str, Any], stored: Pipeline
) -> Pipeline | None:
    """Find what a call starts; `stored` counts as it is to be stored, under its new name."""
    project = ProjectId(str(call.get("project") or by.project))
    wanted = str(call.get("pipeline") or "")
    if "${" in wanted or "${" in project:
        return None
    if call.get("by") != "name":
        return stored if wanted == stored.id else await store.find_pipeline(PipelineId(wanted))
    if (project, wanted) == (stored.project, stored.name):
        return stored
    return await store.find_pipeline_by_name(project, wanted)
