"""Runs as this API shows them: build id, status, history."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

import msgspec

from mulligan.core.ids import JobId
from mulligan.core.records import Artifact
from mulligan.core.run import Gate, Run, RunHead
from mulligan.core.variables import secrets_of
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.event_out import render_event
from mulligan.facades.bkci.run_parts import (
    MASK,
    render_errors,
    render_parameters,
    render_stage_statuses,
)
from mulligan.facades.bkci.status_out import run_word
from mulligan.facades.bkci.texts import DEFAULT_LANGUAGE, start_element, start_text
from mulligan.facades.bkci.times import Json, millis, present, span

# Shorter secrets are masked only where they are the whole value: "1" is in too many texts.
_SHORTEST_MASKED_INSIDE = 6


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer says of a run that is not in the run.

    Args:
        language: "zh" or "en".
        queue_position: Its place in the queue, 0 = not queued.
        latest_version: Newest version of the pipeline.
        latest_number: Number of the pipeline's newest run.
        may_cancel: The caller may stop it.
        retry_window: How long after its start a run may be retried; None = for ever.
        holders: Who has the mutexes that jobs of the run wait for, by the waiting job.
    """

    now: datetime
    language: str = DEFAULT_LANGUAGE
    pipeline_name: str = ""
    modified_by: str = ""
    queue_position: int = 0
    latest_version: int | None = None
    latest_number: int | None = None
    may_cancel: bool = False
    retry_window: timedelta | None = timedelta(days=28)
    holders: Mapping[JobId, str] = MappingProxyType({})


def version_name(version: int) -> str:
    """Return the display text of a version."""
    return f"V{version}(P{version}.T1.1)"


def render_build_id(head: RunHead) -> Json:
    """Return a `BuildId`."""
    return {
        "id": head.id,
        "executeCount": head.attempt,
        "projectId": head.project,
        "pipelineId": head.pipeline,
        "num": head.number,
    }


def render_build_status(
    view: AttemptView,
    around: Surroundings,
    *,
    source: Json,
    variables: Mapping[str, str],
    artifacts: Sequence[Artifact] = (),
) -> Json:
    """Return a `BuildHistoryWithVars`; it has no `executeCount`.

    Args:
        view: Of the latest attempt.
        source: The stored model of the run's version.
        variables: All that can be read in the run; those that are secret are masked here.
    """
    fields = _history(view.run.head, around, view, source)
    return fields | present(
        {
            "currentQueuePosition": around.queue_position,
            "artifactList": [render_artifact(artifact) for artifact in artifacts] or None,
            "variables": mask_variables(view.run, variables),
        }
    )


def render_history(
    head: RunHead,
    around: Surroundings,
    *,
    view: AttemptView | None = None,
    source: Json | None = None,
) -> Json:
    """Return a `BuildHistory`.

    Args:
        view: Of the latest attempt. Without it stages and failed tasks are left out, and a run
            that waits for a review shows as running.
        source: The stored model of the run's version; needed with `view`.
    """
    changed = max(
        instant
        for instant in (head.queued_at, head.started_at, head.ended_at)
        if instant is not None
    )
    return _history(head, around, view, source) | {
        "executeCount": head.attempt,
        "pipelineVersionName": version_name(head.version),
        "updateTime": millis(changed),
        **({"concurrencyGroup": head.concurrency.group} if head.concurrency else {}),
    }


def _history(
    head: RunHead, around: Surroundings, view: AttemptView | None, source: Json | None
) -> Json:
    status = run_word(head.status, head.cause) if view is None else view.run_status()
    gates = view.run.gates.values() if view is not None else ()
    stages = None
    if view is not None and source is not None:
        stages = render_stage_statuses(view, source, around.now, around.language)
    return present(
        {
            "id": head.id,
            "userId": head.started_by,
            "trigger": start_text(head.start_kind, around.language),
            "startType": (head.origin and head.origin.element) or start_element(head.start_kind),
            "buildNum": head.number,
            "buildNumAlias": head.alias or None,
            "pipelineVersion": head.version,
            "status": status,
            "stageStatus": stages,
            "queueTime": millis(head.queued_at),
            "startTime": millis(head.started_at),
            "endTime": millis(head.ended_at),
            "currentTimestamp": millis(around.now),
            "totalTime": span(head.started_at, head.ended_at) if head.ended_at else None,
            "executeTime": execute_millis(head, gates, around.now),
            "isMobileStart": False,
            "remark": head.remark or None,
            "buildParameters": render_parameters(head),
            "retry": head.attempt > 1,
            "errorInfoList": render_errors(view, around.language) if view is not None else None,
            "buildMsg": head.message or None,
            "recommendVersion": recommended_version(head),
            "webhookInfo": render_caller(head) or render_event(head),
        }
    )


def recommended_version(head: RunHead) -> str | None:
    """Return the recommended version: three parameters and the counter; None without them."""
    values = {parameter.name: parameter.present for parameter in head.parameters}
    parts = [
        values.get(f"BK_CI_{part.upper()}_VERSION") or values.get(f"{part}Version")
        for part in ("Major", "Minor", "Fix")
    ]
    if head.version_number is None or not all(parts):
        return None
    return ".".join([*(part for part in parts if part), str(head.version_number)])


def render_caller(head: RunHead) -> Json | None:
    """Return the part of `webhookInfo` that names the run which started this one."""
    caller = head.caller
    if caller is None:
        return None
    return {
        "parentProjectId": caller.project,
        "parentPipelineId": caller.pipeline,
        "parentPipelineName": caller.pipeline_name,
        "parentBuildId": caller.run,
        "parentBuildNum": caller.number,
    }


def execute_millis(head: RunHead, gates: Iterable[Gate], now: datetime) -> int:
    """Return how long a run worked: all attempts, without the time it waited for reviews."""
    worked = sum(
        span(attempt.started_at, attempt.ended_at or now)
        for attempt in head.attempts
        if attempt.started_at is not None
    )
    waited = sum(
        span(gate.opened_at, gate.closed_at or head.ended_at or now)
        for gate in gates
        if gate.kind == "stage-review"
    )
    return max(0, worked - waited)


def mask_variables(run: Run, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with everything secret in them replaced."""
    secrets = frozenset(secrets_of(run))
    if not secrets:
        return dict(variables)
    inside = [secret for secret in secrets if len(secret) >= _SHORTEST_MASKED_INSIDE]
    masked = {}
    for name, given in variables.items():
        value = MASK if given in secrets else given
        for secret in inside:
            value = value.replace(secret, MASK)
        masked[name] = value
    return masked


def render_variables(run: Run, values: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the values of the named variables, "" for unknown ones."""
    found = {name: values.get(name, "") for name in names}
    return mask_variables(run, found)


def render_artifact(artifact: Artifact) -> Json:
    """Return a `FileInfo`."""
    path = f"/{artifact.path.lstrip('/')}"
    return {
        "name": artifact.path.rsplit("/", 1)[-1],
        "fullName": path,
        "path": path,
        "fullPath": path,
        "size": artifact.size,
        "folder": False,
        "modifiedTime": millis(artifact.created_at),
        "artifactoryType": "PIPELINE",
        "properties": [],
    }


def render_page(records: list[Json], *, count: int, page: int, page_size: int) -> Json:
    """Return a `Page`. `count`: rows on all pages."""
    return {
        "count": count,
        "page": page,
        "pageSize": page_size,
        "totalPages": -(-count // page_size) if page_size > 0 else 0,
        "records": records,
    }


def render_history_page(
    records: list[Json], *, count: int, page: int, page_size: int, latest_version: int
) -> Json:
    """Return a `BuildHistoryPage`."""
    fields = render_page(records, count=count, page=page, page_size=page_size)
    return fields | {"hasDownloadPermission": True, "pipelineVersion": latest_version}
