"""What callbacks say, in the words of this API (spec/bkci-build-api.md §2.5)."""

from collections.abc import Sequence

from mulligan.core import events as e
from mulligan.core.events import Event
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.records import AuditEntry, PipelineVersion
from mulligan.core.run import Job, Run, Stage, Step
from mulligan.core.spec import JobSpec, StageSpec, StepSpec
from mulligan.engine.callbacks import GivenCallback
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.document import encode
from mulligan.facades.bkci.model_source import DIALECT
from mulligan.facades.bkci.times import Json, millis, present

TOKEN_HEADER = "X-DEVOPS-WEBHOOK-TOKEN"  # noqa: S105 - the name of a header
REGIONS = frozenset({"DEVNET", "OSS", "IDC"})
_OF_RUNS: dict[type, str] = {
    e.RunStarted: "BUILD_START",
    e.RunFinished: "BUILD_END",
    e.StageStarted: "BUILD_STAGE_START",
    e.StageFinished: "BUILD_STAGE_END",
    e.JobClaimed: "BUILD_JOB_START",
    e.JobFinished: "BUILD_JOB_END",
    e.StepStarted: "BUILD_TASK_START",
    e.StepFinished: "BUILD_TASK_END",
}
_MOST_STEPS = 1000  # of a run whose outline goes with every event
_PAUSE = "BUILD_TASK_PAUSE"
_OF_ACTS = {
    "pipeline.create": "CREATE_PIPELINE",
    "pipeline.edit": "UPDATE_PIPELINE",
    "pipeline.release": "UPDATE_PIPELINE",
    "pipeline.delete": "DELETE_PIPELINE",
    "pipeline.restore": "RESTORE_PIPELINE",
    "project.create": "PROJECT_CREATE",
    "project.edit": "PROJECT_UPDATE",
    "project.enable": "PROJECT_ENABLE",
    "project.disable": "PROJECT_DISABLE",
}
EVENTS = frozenset({*_OF_RUNS.values(), *_OF_ACTS.values(), _PAUSE, "STREAM_ENABLED"})


class BkciWords:
    """Implements `engine.callbacks.CallbackWords`."""

    token_header = TOKEN_HEADER

    def event_of(self, event: Event) -> str:
        """Return the word for an event of a run."""
        if isinstance(event, e.GateOpened):
            return _PAUSE if event.kind in ("step-review", "pause") else ""
        return _OF_RUNS.get(type(event), "")

    def run_body(self, word: str, event: Event, run: Run, pipeline_name: str) -> str:
        """Return the body of an event of a run."""
        data = _run_data(run, pipeline_name)
        if word.endswith("_START"):
            data["status"] = "RUNNING"  # it may be further by now
        return _body(word, data | _place(run, event.node))

    def act(self, entry: AuditEntry) -> tuple[str, str, str]:
        """Return word, body and pipeline of an act."""
        word = _OF_ACTS.get(entry.action, "")
        is_project = entry.action.startswith("project.")
        data: Json = {
            "projectId": entry.project,
            "userId": entry.actor,
            "updateTime" if word.startswith("UPDATE") else "time": millis(entry.at),
        }
        if not is_project:
            data["pipelineId"] = entry.target
        return word, _body(word, data), "" if is_project else entry.target

    def rules_in(self, version: PipelineVersion) -> Sequence[GivenCallback]:
        """Return the rules of `events` of a model."""
        return rules_of(version.source) if version.dialect == DIALECT else ()


def _place(run: Run, node: str) -> Json:
    """Say which stage, job and task an event is of."""
    if not node:
        return {}
    if StageId(node) in run.index.stages:
        return {"stageId": node}
    is_step = StepId(node) in run.index.steps
    job_id = run.index.step_job[StepId(node)][0] if is_step else JobId(node)
    if job_id not in run.index.jobs:  # of a definition that was replaced since
        return {}
    place: Json = {"stageId": run.index.stage_of_job(job_id).id, "jobId": job_id}
    return place | {"taskId": node} if is_step else place


def _body(word: str, data: Json) -> str:
    return encode({"event": word, "data": data}).decode()


def _run_data(run: Run, pipeline_name: str) -> Json:
    head = run.head
    view = AttemptView(run)
    return present(
        {
            "buildId": head.id,
            "projectId": head.project,
            "pipelineId": head.pipeline,
            "pipelineName": pipeline_name or run.index.spec.name,
            "userId": head.started_by,
            "triggerUser": head.attempts[-1].actor,
            "cancelUserId": head.cancel.by if head.cancel is not None else None,
            "status": view.run_status(),
            "startTime": millis(head.started_at or head.queued_at),
            "endTime": millis(head.ended_at),
            "trigger": head.start_kind.upper(),
            "buildNo": head.number,
            "debug": False,
            "model": _model(view) if len(run.index.steps) <= _MOST_STEPS else None,
        }
    )


def _model(view: AttemptView) -> Json:
    return {"stages": [_stage(view, stage) for stage in view.run.index.spec.stages]}


def _stage(view: AttemptView, spec: StageSpec) -> Json:
    word = view.stage_status(spec)
    return present(
        {
            "stageName": spec.id,
            "name": spec.name,
            "status": word,
            **_times(view.stage(spec.id)),
            "jobs": [_job(view, job, word) for job in spec.jobs],
        }
    )


def _job(view: AttemptView, spec: JobSpec, stage: str | None) -> Json:
    word = view.job_status(spec, stage)
    return present(
        {
            "jobName": spec.name,
            "jobId": spec.ref or None,
            "status": word,
            **_times(view.job(spec.id)),
            "tasks": [_task(view, step, word) for step in spec.steps],
        }
    )


def _task(view: AttemptView, spec: StepSpec, job: str | None) -> Json:
    return present(
        {
            "taskId": spec.id,
            "taskName": spec.name,
            "atomCode": spec.code,
            "status": view.step_status(spec, job),
            **_times(view.step(spec.id)),
        }
    )


def _times(record: Stage | Job | Step | None) -> Json:
    if record is None:
        return {}
    return {"startTime": millis(record.started_at), "endTime": millis(record.ended_at)}


def rules_of(source: Json) -> list[GivenCallback]:
    """Return the rules of `events` of a model; what is none is passed over."""
    events = source.get("events")
    found = []
    for name, given in events.items() if isinstance(events, dict) else ():
        if not isinstance(given, dict):
            continue
        word, url = given.get("callbackEvent"), given.get("callbackUrl")
        if word in EVENTS and isinstance(url, str):
            token = given.get("secretToken")
            found.append(
                GivenCallback(
                    name=str(name),
                    event=str(word),
                    url=url,
                    token=token if isinstance(token, str) else "",
                )
            )
    return found
