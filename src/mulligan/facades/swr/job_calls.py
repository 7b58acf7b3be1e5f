"""Calls on the executions of a stage: list, log, what was deployed (§2.11, §2.12, §2.19)."""

import asyncio

from msgspec.structs import replace
from starlette.responses import Response

from mulligan.core.errors import NotFoundError
from mulligan.core.ids import JobId
from mulligan.core.prepare import resolved_inputs
from mulligan.core.records import Pipeline, PipelineVersion
from mulligan.core.spec import StageSpec, StepSpec
from mulligan.core.status import Status
from mulligan.facades.native.masking import masked_text
from mulligan.facades.swr import current
from mulligan.facades.swr.calls import Call, Route
from mulligan.facades.swr.errors import NOT_FOUND, SwrError, bad
from mulligan.facades.swr.jobs_out import (
    STATES,
    ShownJob,
    lines_wanted,
    record_count,
    render_job,
    render_records,
    state_of,
)
from mulligan.facades.swr.negotiate import answer
from mulligan.facades.swr.query import read_page
from mulligan.facades.swr.rights import Right
from mulligan.pipeline_yaml.dump import dump_yaml
from mulligan.ports import StageJob

_MOST_JOBS = 20  # only the newest executions of a stage are shown


async def _stage(call: Call) -> tuple[Pipeline, PipelineVersion, StageSpec]:
    pipeline, _ = await call.pipeline_for(Right.SEE)
    version = await current.version_of(call.services, pipeline)
    index = call.number("stage_index")
    current.stage_id_at(version, index)
    return pipeline, version, version.spec.stages[index]


async def list_jobs(call: Call) -> Response:
    """List the newest executions of a stage, newest first."""
    pipeline, _, stage = await _stage(call)
    page = read_page(call.query)
    state = call.query.get("state", "")
    if state and state not in STATES:
        raise bad("state", f"{state!r} is none of: {' '.join(STATES)}")
    jobs = await _jobs_of(call, pipeline, stage)
    if state:
        jobs = [job for job in jobs if state_of(job.job) == state]
    part = jobs[page.offset : page.offset + page.limit]
    now = call.services.clock.now()
    shown = [render_job(await _shown(call, stage, job), now) for job in part]
    return answer(shown, headers=page.headers(len(shown), len(jobs)))


async def _jobs_of(call: Call, pipeline: Pipeline, stage: StageSpec) -> list[StageJob]:
    found: list[StageJob] = []
    for job in stage.jobs:
        found += await call.services.store.list_stage_jobs(pipeline.id, job.id, limit=_MOST_JOBS)
    return sorted(found, key=lambda job: job.number, reverse=True)[:_MOST_JOBS]


async def _shown(call: Call, stage: StageSpec, job: StageJob) -> ShownJob:
    services = call.services
    step = next((spec.steps[0] for spec in stage.jobs if spec.id == job.job.id), None)
    reader = services.logs.reader(job.head.id, job.job.id, job.job.attempt)
    shown = ShownJob(
        job=job,
        step=step,
        stage_id=_number_of(stage),
        line_count=await asyncio.to_thread(lambda: reader.line_count),
        notes=await services.store.list_notes(job.head.id, job.job.id, job.job.attempt),
    )
    if step is not None and step.kind == "image" and job.job.status is Status.SUCCEEDED:
        return replace(shown, resource=await _image_of(call, job, step))
    if job.job.mode == "rollback":
        return replace(shown, target=await _restored(call, job))
    return shown


def _number_of(stage: StageSpec) -> int:
    first = stage.jobs[0].id if stage.jobs else JobId("0")
    return int(first) if first.isdecimal() else 0


async def _image_of(call: Call, job: StageJob, step: StepSpec) -> str:
    run = await call.services.engine.get_run(job.head.id)
    try:
        output = resolved_inputs(run, run.index.steps[step.id]).get("output") or {}
    except KeyError:
        return ""
    return f"{output.get('namespace')}/{output.get('repository')}:{output.get('tag')}"


async def _restored(call: Call, job: StageJob) -> int | None:
    """Return the number of the job whose deployment a rollback restored."""
    store = call.services.store
    for deployment in await store.deployments_of(job.head.id):
        own = (deployment.job, deployment.job_attempt) == (job.job.id, job.job.attempt)
        target = await store.find_deployment(deployment.target) if own else None
        if target is None:
            continue
        for each in await store.list_stage_jobs(target.pipeline, target.job, limit=200):
            if (each.head.id, each.job.attempt) == (target.run, target.job_attempt):
                return each.number
    return None


async def _one_job(call: Call) -> tuple[StageSpec, StageJob]:
    pipeline, _, stage = await _stage(call)
    text = call.path["job_id"]
    if text == "latest":
        jobs = await _jobs_of(call, pipeline, stage)
        if not jobs:
            raise SwrError(NOT_FOUND, "the stage has no job yet")
        return stage, jobs[0]
    number = call.number("job_id")
    found = await call.services.store.find_stage_job(number)
    of_stage = found is not None and found.job.id in {job.id for job in stage.jobs}
    if found is None or not of_stage or found.head.pipeline != pipeline.id:
        raise SwrError(NOT_FOUND, f"the stage has no job {number}")
    return stage, found


async def job_log(call: Call) -> Response:
    """Return an execution with a page of its log."""
    stage, job = await _one_job(call)
    page = read_page(call.query)
    shown = await _shown(call, stage, job)
    first, count = lines_wanted(shown, page.offset, page.limit)
    reader = call.services.logs.reader(job.head.id, job.job.id, job.job.attempt)
    lines = await asyncio.to_thread(reader.lines, first, count) if count else []
    records = render_records(shown, lines, page.offset, page.limit)
    found = render_job(shown, call.services.clock.now()) | {"log": records}
    return answer(found, headers=page.headers(len(records), record_count(shown)))


async def manifest(call: Call) -> Response:
    """Return what an execution deployed, as YAML; secrets in it are masked."""
    _, job = await _one_job(call)
    for deployment in await call.services.store.deployments_of(job.head.id):
        if (deployment.job, deployment.job_attempt) != (job.job.id, job.job.attempt):
            continue
        text = deployment.result.get("manifest")
        if isinstance(text, str):
            text = masked_text(text)
        else:
            text = dump_yaml(
                {
                    "deployment": deployment.id,
                    "act": deployment.act.value,
                    "outcome": deployment.outcome.value,
                    "image": deployment.release.image,
                    "files": deployment.release.files,
                    "input_info": masked_text(deployment.release.info),
                }
            )
        return Response(text, media_type="application/yaml;charset=utf8")
    raise NotFoundError("deployment", str(job.number))


_JOBS = "/v3/manage/pipelines/{pipeline_id}/stages/{stage_index}/jobs"
ROUTES = (
    Route(method="GET", path=_JOBS, handler=list_jobs, failure="SWR.5001124"),
    Route(method="GET", path=f"{_JOBS}/{{job_id}}/logs", handler=job_log, failure="SWR.5001124"),
    Route(
        method="GET", path=f"{_JOBS}/{{job_id}}/manifest", handler=manifest, failure="SWR.5001124"
    ),
)
