"""Parts that several answers about a run share: stages, failed tasks, parameters."""

from collections.abc import Iterator
from datetime import datetime

from mulligan.core.cause import Cause
from mulligan.core.matrix import find_copy
from mulligan.core.run import TRIGGER_REVIEW, Gate, RunAttempt, RunError, RunHead, Step
from mulligan.core.spec import REVIEW, TRIGGER_STAGE, JobSpec, SpecIndex, StageSpec, StepSpec
from mulligan.core.status import Status
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.error_texts import TRIGGER_REFUSED
from mulligan.facades.bkci.model_out import ModelRenderer, cause_numbers, error_numbers
from mulligan.facades.bkci.model_source import fitting_source
from mulligan.facades.bkci.texts import DEFAULT_LANGUAGE, QUEUE_TIMED_OUT, start_text
from mulligan.facades.bkci.times import Json, present, span, time_cost

MASK = "******"
RETRY_COUNT = "BK_CI_RETRY_COUNT"


def render_stage_statuses(
    view: AttemptView, source: Json, now: datetime, language: str
) -> list[Json]:
    """Return `stageStatus`: the trigger stage with the message of the start, then the others."""
    head = view.run.head
    trigger, *stages = fitting_source(source, view.run.index.spec)["stages"]
    first = {
        "stageId": trigger["id"],
        "name": trigger.get("name") or trigger["id"],
        "status": "SUCCEED",
        "tag": trigger.get("tag"),
        "showMsg": head.message or start_text(head.start_kind, language),
    }
    renderer = ModelRenderer(view, now=now, language=language)
    rest = [
        {
            "stageId": spec.id,
            "name": spec.name,
            "status": view.stage_status(spec),
            "tag": stage.get("tag"),
            **_times(renderer.stage_times(spec)),
        }
        for stage, spec in zip(stages, view.run.index.spec.stages, strict=True)
    ]
    return [present(fields) for fields in (first, *rest)]


def _times(fields: Json) -> Json:
    return {key: fields.get(key) for key in ("startEpoch", "elapsed", "timeCost")}


def render_errors(view: AttemptView, language: str = DEFAULT_LANGUAGE) -> list[Json]:
    """Return `errorInfoList`: failed tasks as of the last end of the run.

    That of the latest attempt stays as it was until the run ends again. A build that waited too
    long, and a job that ended before its first task, stand there without a task.
    """
    found = list(_errors_without_task(view, language))
    if not view.is_latest:
        return found + [
            _error(view.index, job, spec, *_numbers(step))
            for _, job, spec, step in failed_steps(view)
        ]
    for error in view.run.head.errors:
        job, spec = _place(view.index, error)
        if job is None or spec is None:
            continue
        record = Step(
            id=error.step,
            status=Status.FAILED,
            message=error.message,
            error_type=error.error_type,
            error_code=error.error_code,
        )
        found.append(_error(view.index, job, spec, *_numbers(record)))
    return found


def _errors_without_task(view: AttemptView, language: str) -> Iterator[Json]:
    if view.cause is Cause.TRIGGER_REFUSED:
        refused = TRIGGER_REFUSED.text.say(language)
        yield _fields("", "", *cause_numbers(Cause.TRIGGER_REFUSED), refused)
    if view.cause is Cause.QUEUE_TIMEOUT:
        waited = QUEUE_TIMED_OUT.say(language)
        yield _fields("", "", *cause_numbers(Cause.QUEUE_TIMEOUT), waited)
    for job in view.index.all_jobs() if view.status.is_final else ():
        record = view.job(job.id)
        if record is not None and record.status is Status.FAILED and record.message:
            numbers = cause_numbers(record.cause or Cause.USER)
            yield _error(view.index, job, None, *numbers, record.message)


def _place(index: SpecIndex, error: RunError) -> tuple[JobSpec | None, StepSpec | None]:
    """Find job and step of an error; also a copy of a matrix job that has been split anew."""
    if error.step in index.steps:
        return index.job_of_step(error.step), index.steps[error.step]
    _, copy = find_copy(index.jobs, error.job) if error.job is not None else (None, None)
    steps = copy.steps if copy is not None else ()
    return copy, next((step for step in steps if step.id == error.step), None)


def _numbers(step: Step) -> tuple[int, int, str]:
    return (*error_numbers(step), step.message)


def _error(
    index: SpecIndex, job: JobSpec, spec: StepSpec | None, kind: int, code: int, message: str
) -> Json:
    parent, _ = (
        find_copy(index.jobs, job.id) if job.id not in index.definition.jobs else (None, None)
    )
    stage = index.stage_of_job(job.id if parent is None else parent.id)
    fields = _fields(stage.id, job.id, kind, code, message, is_copy=parent is not None)
    if spec is None:
        return fields
    return fields | {"taskId": spec.id, "taskName": spec.name, "atomCode": spec.code}


def _fields(
    stage: str, job: str, kind: int, code: int, message: str, *, is_copy: bool = False
) -> Json:
    return {
        "stageId": stage,
        "containerId": job,
        "matrixFlag": is_copy,
        "taskId": "",
        "taskName": "",
        "atomCode": "",
        "errorType": kind,
        "errorCode": code,
        "errorMsg": message,
    }


def failed_steps(view: AttemptView) -> Iterator[tuple[StageSpec, JobSpec, StepSpec, Step]]:
    """Yield the steps that failed in an attempt, in the order of the definition."""
    for stage in view.run.index.spec.stages:
        for job in view.index.jobs_of(stage):
            for spec in job.steps:
                record = view.step(spec.id)
                if record is not None and record.status is Status.FAILED:
                    yield stage, job, spec, record


def render_failed_tasks(view: AttemptView) -> list[Json]:
    """Return the failed tasks of an attempt; `stepId` only where the author gave one."""
    return [
        present(
            {
                "stepId": spec.ref or None,
                "taskId": spec.id,
                "taskName": spec.name,
                "jobId": job.id,
                "jobName": job.name,
                "stageName": stage.name,
                "errorMsg": record.message,
                "matrixFlag": job.id in view.index.parents,
            }
        )
        for stage, job, spec, record in failed_steps(view)
    ]


def render_parameters(head: RunHead) -> list[Json]:
    """Return `buildParameters`: as they are in its newest attempt, and how often it was retried."""
    found = [
        present(
            {
                "key": parameter.name,
                "value": MASK if parameter.sensitive and parameter.present else parameter.present,
                "valueType": parameter.kind,
                "readOnly": parameter.read_only or None,
                "desc": parameter.desc or None,
                "defaultValue": None if parameter.sensitive else parameter.default or None,
                "sensitive": parameter.sensitive or None,
            }
        )
        for parameter in head.parameters
    ]
    if head.attempt > 1:
        value = str(head.attempt - 1)
        found.append({"key": RETRY_COUNT, "value": value, "valueType": "STRING", "readOnly": True})
    return found


def cancelled_by(view: AttemptView) -> str | None:
    """Return who stopped the run or refused its review."""
    head = view.run.head
    if view.is_latest and head.cancel is not None:
        return head.cancel.by
    steps = (spec.id for spec in view.index.steps.values() if _is_refused(view, spec))
    nodes = (TRIGGER_STAGE, *(stage.id for stage in view.run.index.spec.stages), *steps)
    gates = (view.gate(node) for node in nodes)
    return next((_refuser(gate) for gate in gates if gate is not None and _refuser(gate)), None)


def _is_refused(view: AttemptView, spec: StepSpec) -> bool:
    record = view.step(spec.id) if spec.kind == REVIEW else None
    return record is not None and record.cause is Cause.REJECTED


def _refuser(gate: Gate) -> str | None:
    refusals = [vote.user for vote in gate.votes if not vote.approve]
    return refusals[-1] if gate.state == "rejected" and refusals else None


def trigger_reviewers(view: AttemptView) -> list[str] | None:
    """Return who was asked whether the run may begin; None if nobody was."""
    gate = view.gate(TRIGGER_STAGE)
    return list(gate.reviewers) if gate is not None and gate.kind == TRIGGER_REVIEW else None


def render_attempts(head: RunHead) -> list[Json]:
    """Return `recordList`: who began each attempt, and how long it took when it has ended."""
    return [
        present({"startUser": attempt.actor, "timeCost": _cost(attempt)})
        for attempt in head.attempts
    ]


def _cost(attempt: RunAttempt) -> Json | None:
    if attempt.ended_at is None:
        return None
    began = attempt.started_at or attempt.ended_at
    queued = span(attempt.queued_at, began)
    return time_cost(execute=span(began, attempt.ended_at), wait=queued, queue=queued)
