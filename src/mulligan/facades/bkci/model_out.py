"""The model of one attempt of a run: the stored document with what happened to each part."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from mulligan.core.cause import Cause
from mulligan.core.ids import JobId
from mulligan.core.run import Called, Gate, Job, Step
from mulligan.core.spec import QUALITY, JobSpec, OnFailure, RunWhen, StageSpec, StepSpec
from mulligan.core.status import Status
from mulligan.facades.bkci.attempt_view import AttemptView, count_auto_retries
from mulligan.facades.bkci.model_matrix import (
    OF_RUN,
    members_of_copy,
    render_matrix,
    source_of_copy,
)
from mulligan.facades.bkci.model_review import render_check_in, render_review
from mulligan.facades.bkci.model_source import fitting_source
from mulligan.facades.bkci.patch_out import with_patch
from mulligan.facades.bkci.quality_out import render_quality
from mulligan.facades.bkci.status_out import CANCEL, FAILURES
from mulligan.facades.bkci.texts import DEFAULT_LANGUAGE, MANUALLY_SKIPPED
from mulligan.facades.bkci.times import Json, millis, present, span, time_cost
from mulligan.facades.common.sensitive import without_secrets

DEFAULT_WINDOW = timedelta(days=28)
LONGEST_MESSAGE = 4000  # characters of a task's error message

# Members that only a run gives; a definition that was copied from one must not bring its own.
_OF_STAGE = frozenset({"status", "executeCount", "startEpoch", "elapsed", "canRetry", "timeCost"})
_OF_JOB = _OF_STAGE | {
    "systemElapsed",
    "elementElapsed",
    "startVMStatus",
    "startVMTaskSeq",
    "containPostTaskFlag",
    *OF_RUN,
}
OF_STEP = _OF_STAGE | {
    "canSkip",
    "retryCount",
    "retryCountManual",
    "retryCountAuto",
    "errorType",
    "errorCode",
    "errorMsg",
    "progressRate",
    "asyncStatus",
    "subPipelineBuildInfo",
}
_ON_FAILURE = frozenset(
    {RunWhen.FAILURE, RunWhen.HARD_FAILURE, RunWhen.UNLESS_CANCELLED, RunWhen.ALWAYS}
)
_BAD = FAILURES | {CANCEL}
# (errorType, errorCode) of a failure that brought none (spec/bkci-model-and-engine.md §2.16).
_ERRORS = {
    Cause.USER: (1, 2199011),
    Cause.CONFIG: (1, 2199002),
    Cause.INFRA: (0, 2189501),
    Cause.TIMEOUT: (1, 2199006),
    Cause.JOB_TIMEOUT: (1, 2199005),
    Cause.QUEUE_TIMEOUT: (1, 2199005),
    Cause.LOCKED: (1, 2199005),
    Cause.LOST: (4, 2199502),
    Cause.FAST_KILL: (1, 2199010),
    Cause.TERMINATED: (1, 2189500),
    Cause.REJECTED: (1, 2199002),
    Cause.TRIGGER_REFUSED: (1, 2101169),
    Cause.QUALITY: (1, 2199007),
    Cause.UNAUTHORIZED: (1, 2199004),
    Cause.UNREACHABLE: (4, 2199502),
}


def cause_numbers(cause: Cause) -> tuple[int, int]:
    """Return (errorType, errorCode) of a failure that brought none."""
    return _ERRORS.get(cause, _ERRORS[Cause.USER])


def error_numbers(step: Step) -> tuple[int, int]:
    """Return (errorType, errorCode) of a step that failed."""
    kind, code = cause_numbers(step.cause or Cause.USER)
    return (
        kind if step.error_type is None else step.error_type,
        code if step.error_code is None else step.error_code,
    )


class ModelRenderer:
    """Render the model of one attempt.

    Args:
        window: How long after its start a run may be retried; None = for ever.
        holders: Who has the mutexes that jobs of the run wait for, by the waiting job.
    """

    def __init__(
        self,
        view: AttemptView,
        *,
        now: datetime,
        language: str = DEFAULT_LANGUAGE,
        window: timedelta | None = DEFAULT_WINDOW,
        holders: Mapping[JobId, str] = MappingProxyType({}),
    ) -> None:
        self._view = view
        self._now = now
        self._language = language
        self._holders = holders
        self._offers_retry = _offers_retry(view, now, window)

    def render(self, source: Json) -> Json:
        """Return the model of the attempt; the stored document is not changed."""
        spec = self._view.run.index.spec
        source = fitting_source(source, spec)
        trigger, *stages = without_secrets(source)["stages"]
        pairs = enumerate(zip(stages, spec.stages, strict=True), 1)
        return {
            **source,
            "stages": [
                self._trigger(trigger),
                *(self._stage(stage, spec, position) for position, (stage, spec) in pairs),
            ],
        }

    def _trigger(self, source: Json) -> Json:
        done = {"status": "SUCCEED", "executeCount": 1}
        started = millis(self._view.started_at)
        [container] = source["containers"]
        elements = [_without(element, OF_STEP) for element in container.get("elements") or ()]
        job = {**_without(container, _OF_JOB), **done, "elements": elements}
        if elements:
            elements[0].update(done)
        return present({**_without(source, _OF_STAGE), **done, "startEpoch": started}) | {
            "containers": [job]
        }

    def _stage(self, source: Json, spec: StageSpec, position: int) -> Json:
        view = self._view
        record, gate = view.stage(spec.id), view.gate(spec.id)
        word = view.stage_status(spec)
        after = _without(source, _OF_STAGE)
        after["stageIdForUser"] = source.get("stageIdForUser") or f"stage_{position + 1}"
        reached = record.run_attempt if record is not None else None
        after["containers"] = [
            self._job(container, job, word, reached)
            for container, job in zip(source["containers"], spec.jobs, strict=True)
        ]
        if record is not None:
            after |= self.stage_times(spec)
            if spec.review is not None:
                shown = gate if gate and gate.run_attempt >= record.run_attempt else None
                check_in = source.get("checkIn") or {}
                after["checkIn"] = render_check_in(view.run, check_in, spec.review, shown)
        after |= render_quality(view, source, spec)
        can_retry = not spec.is_finally if self._offers_retry and word in _BAD else None
        return after | present({"status": word, "canRetry": can_retry})

    def stage_times(self, spec: StageSpec) -> Json:
        """Return `executeCount` and times of a stage; nothing if it was not reached yet."""
        record, gate = self._view.stage(spec.id), self._view.gate(spec.id)
        if record is None:
            return {}
        started = record.started_at
        ran = span(started, record.ended_at or self._now)
        waited = self._waited(gate, started)
        waited_first = gate is not None and started is not None and gate.opened_at < started
        execute = ran if waited_first else ran - waited  # never begun: all of it was waiting
        return present(
            {
                "executeCount": record.run_attempt,
                "startEpoch": millis(started),
                "elapsed": ran if started is not None else None,
                "timeCost": time_cost(execute=max(0, execute), wait=waited)
                if record.ended_at is not None
                else None,
            }
        )

    def _waited(self, gate: Gate | None, since: datetime | None) -> int:
        """Return how long a person was waited for; a gate of an earlier try does not count."""
        if gate is None or since is None or gate.carried:
            return 0
        if gate.closed_at is not None and gate.closed_at < since:
            return 0
        return span(gate.opened_at, gate.closed_at or self._now)

    def _job(self, source: Json, spec: JobSpec, stage: str | None, reached: int | None) -> Json:
        """Render a job. `reached`: attempt of its stage; what never ran in it counts to that."""
        view = self._view
        record = view.job(spec.id)
        word = view.job_status(spec, stage)
        pairs = zip(source["elements"], spec.steps, strict=True)
        after = _without(source, _OF_JOB)
        if spec.matrix is not None:
            copies = [self._copy(source, spec, copy, stage, reached) for copy in self._copies(spec)]
            after["elements"] = [_without(element, OF_STEP) for element, _ in pairs]
            after |= render_matrix(source, record, copies)
        else:
            number = record.run_attempt if record is not None else reached or 1
            after["elements"] = [self._step(element, step, word, number) for element, step in pairs]
        if record is None:
            after |= present({"executeCount": reached})
        else:
            after |= self._job_times(record, spec)
            if record.mutex is not None:
                after["mutexGroup"] = self._mutex(source.get("mutexGroup") or {}, record)
        can_retry = True if self._offers_retry and word in _BAD else None
        return after | present({"status": word, "canRetry": can_retry})

    def _mutex(self, source: Json, record: Job) -> Json:
        """Return a mutex group with its name as evaluated, and who has it if the job waits."""
        ticket = record.mutex
        if ticket is None:
            return source
        tip = record.message or (self._holders.get(record.id) if self._view.is_latest else None)
        return source | present({"runtimeMutexGroup": ticket.name, "linkTip": tip})

    def _copies(self, spec: JobSpec) -> tuple[JobSpec, ...]:
        return self._view.index.children.get(spec.id, ())

    def _copy(
        self, source: Json, spec: JobSpec, copy: JobSpec, stage: str | None, reached: int | None
    ) -> Json:
        """Render a copy of a matrix job: as a job of its own, in its own members."""
        job = self._job(source_of_copy(source, copy), copy, stage, reached)
        return job | members_of_copy(spec, copy)

    def _job_times(self, record: Job, spec: JobSpec) -> Json:
        started = record.started_at
        asked = record.mutex.asked_at if record.mutex is not None else record.queued_at
        queued = span(asked, started)
        waited = sum(self._waited(self._view.gate(step.id), started) for step in spec.steps)
        ran = span(started, record.ended_at or self._now)
        return present(
            {
                "executeCount": record.run_attempt,
                "startEpoch": millis(started),
                "systemElapsed": 0 if started is not None else None,
                "elementElapsed": ran if started is not None else None,
                "timeCost": time_cost(
                    execute=max(0, ran - waited), wait=queued + waited, queue=queued
                )
                if started is not None and record.ended_at is not None
                else None,
            }
        )

    def _step(self, source: Json, spec: StepSpec, job: str | None, number: int) -> Json:
        view = self._view
        record, gate = view.step(spec.id), view.gate(spec.id)
        word = view.step_status(spec, job)
        patch = record.patch if record is not None else None
        after = {**with_patch(_without(source, OF_STEP), spec, patch), "executeCount": number}
        if record is not None:
            after |= self._step_times(record, gate) | self._retries(spec) | self._error(record)
        if spec.kind == "review" and gate is not None:
            after |= render_review(source, gate)
        if record is not None and record.inputs is not None and gate is not None:
            after |= gate.values.get("element") or {}
        if record is not None and record.progress:
            after["progressRate"] = progress_rate(record.progress)
        if spec.kind == QUALITY and gate is not None:
            after["reviewUsers"] = list(gate.reviewers)
        if record is not None and record.called is not None:
            after["subPipelineBuildInfo"] = render_called(record.called)
        return after | present({"status": word}) | self._offers(spec, word, job)

    def _step_times(self, record: Step, gate: Gate | None) -> Json:
        is_review = gate is not None and gate.kind == "step-review"
        started = record.started_at or (gate.opened_at if gate and is_review else None)
        ran = span(started, record.ended_at or self._now)
        waited = self._waited(gate, started)
        return present(
            {
                "executeCount": record.run_attempt,
                "startEpoch": millis(started),
                "elapsed": ran if started is not None else None,
                "timeCost": time_cost(execute=max(0, ran - waited), wait=waited)
                if started is not None and record.ended_at is not None
                else None,
            }
        )

    def _retries(self, spec: StepSpec) -> Json:
        attempts = self._view.step_attempts(spec.id)
        by_hand = attempts[-1].manual_retries
        by_rule = count_auto_retries(attempts)
        if not by_hand and not by_rule:
            return {}
        return {
            "retryCount": by_hand + by_rule,
            "retryCountManual": by_hand,
            "retryCountAuto": by_rule,
        }

    def _error(self, record: Step) -> Json:
        if record.status is Status.SKIPPED and record.cause is Cause.WAIVED:
            return {"errorMsg": MANUALLY_SKIPPED.say(self._language)}
        if record.status is Status.FAILED:
            kind, code = error_numbers(record)
            message = record.message[:LONGEST_MESSAGE]
            return {"errorType": kind, "errorCode": code, "errorMsg": message}
        return {"errorMsg": record.message[:LONGEST_MESSAGE]} if record.message else {}

    def _offers(self, spec: StepSpec, word: str | None, job: str | None) -> Json:
        """Return which buttons a user interface shows at a failed or cancelled task."""
        bad = word in _BAD and job in _BAD
        if not self._offers_retry or not bad or not spec.enabled:
            return {}
        if spec.condition.when in _ON_FAILURE or spec.on_failure is OnFailure.CONTINUE:
            return {}
        can_skip = {"canSkip": True} if spec.on_failure is OnFailure.ASK else {}
        return {"canRetry": spec.may_retry, **can_skip}


def _offers_retry(view: AttemptView, now: datetime, window: timedelta | None) -> bool:
    head = view.run.head
    if not view.is_latest:
        return False
    if window is not None and head.started_at is not None and now - head.started_at > window:
        return False
    in_finally = head.status is Status.RUNNING and head.stage == view.run.index.finally_position()
    return not in_finally


def render_called(called: Called) -> Json:
    """Return the `subPipelineBuildInfo` of a task."""
    return {
        "projectId": called.project,
        "pipelineId": called.pipeline,
        "buildId": called.run,
        "buildNum": called.number,
    }


def progress_rate(text: str) -> float | str:
    """Return a rate as the number that it is, else the text that a task told."""
    try:
        return round(float(text), 4)
    except ValueError:
        return text


def _without(source: Json, members: frozenset[str]) -> Json:
    return {key: value for key, value in source.items() if key not in members}
