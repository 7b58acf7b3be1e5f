"""The current run of a pipeline: here a pipeline has exactly one, its newest."""

from mulligan.core.hold import Phase, phase_of
from mulligan.core.records import Pipeline, PipelineVersion
from mulligan.core.run import Run, RunHead
from mulligan.facades.common.services import Services
from mulligan.facades.swr.errors import NOT_FOUND, SwrError
from mulligan.facades.swr.fields import Json
from mulligan.facades.swr.status import Look, render_status, status_of_list


async def version_of(services: Services, pipeline: Pipeline) -> PipelineVersion:
    """Return the present version of a pipeline."""
    return await services.catalog.get_version(pipeline)


async def current_run(
    services: Services, pipeline: Pipeline, version: PipelineVersion
) -> Run | None:
    """Return the newest run; None if it counts no more because the stages have changed since."""
    head = await services.store.newest_run(pipeline.id)
    if head is None:
        return None
    run = await services.engine.get_run(head.id)
    is_over = run.head.status.is_final and version.reset_run >= head.number
    return None if is_over else run


async def demand_run(services: Services, pipeline: Pipeline) -> Run:
    """Return the newest run, also one that counts no more.

    Raises:
        SwrError: 4000014, the pipeline has never run.
    """
    head = await services.store.newest_run(pipeline.id)
    if head is None:
        raise SwrError("SWR.4000014", "the pipeline has never run; start it")
    return await services.engine.get_run(head.id)


async def look_at(services: Services, pipeline: Pipeline, version: PipelineVersion) -> Look:
    """Gather what the status of a pipeline is made from."""
    return Look(
        pipeline=pipeline,
        spec=version.spec,
        now=services.clock.now(),
        run=await current_run(services, pipeline, version),
        hooks=await services.store.list_hooks(pipeline.id),
    )


async def phase(services: Services, pipeline: Pipeline) -> Phase:
    """Tell how far the pipeline's current run is."""
    version = await version_of(services, pipeline)
    run = await current_run(services, pipeline, version)
    return Phase.CLOSED if run is None else phase_of(run, services.clock.now())


async def is_active(services: Services, pipeline: Pipeline) -> bool:
    """Tell whether a run of the pipeline is under way: it works or waits for somebody."""
    return await phase(services, pipeline) in {Phase.EXECUTING, Phase.PAUSED}


async def detail_status(services: Services, pipeline: Pipeline, version: PipelineVersion) -> Json:
    """Give the status of a pipeline for its detail."""
    return render_status(await look_at(services, pipeline, version))


async def list_status(
    services: Services, pipeline: Pipeline, version: PipelineVersion, head: RunHead | None
) -> Json:
    """Give the status of a pipeline for lists; `head`: of its newest run."""
    counts = head is not None and (not head.status.is_final or version.reset_run < head.number)
    spec = version.spec
    if head is not None and head.version != version.version:
        own = await services.store.find_version(pipeline.id, head.version)
        spec = own.spec if own is not None else spec
    look = Look(pipeline=pipeline, spec=spec, now=services.clock.now())
    return status_of_list(head if counts else None, look)


def stage_id_at(version: PipelineVersion, index: int) -> str:
    """Return the id of the stage at a position.

    Raises:
        SwrError: 4040162, there is none.
    """
    if index >= len(version.spec.stages):
        raise SwrError(NOT_FOUND, f"there is no stage {index}")
    return version.spec.stages[index].id
