"""Answers of people: stage reviews, review steps, pauses. And what happens when nobody answers."""

from typing import Any

import msgspec
from msgspec.structs import replace

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft, Effect
from mulligan.core.expressions import substitute_classic
from mulligan.core.flow import reviewers
from mulligan.core.flow.quality import Side, waiting_gate
from mulligan.core.flow.steps import advance_job, close_step_gate
from mulligan.core.flow.walk import (
    decide_quality,
    enter_stage,
    go_on,
    group_reviewers,
    open_signal_gate,
    reject_stage,
    reject_unasked,
    signals_suffice,
)
from mulligan.core.ids import SYSTEM, StageId, StepId, UserName
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Gate, Run, Write
from mulligan.core.spec import QUALITY, ReviewParam, ReviewSpec, StepSpec
from mulligan.core.status import Status
from mulligan.core.values import text_of
from mulligan.core.variables import Scope


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person says. `group`: id of the review group they mean, "" = the one asked now."""

    user: UserName
    approve: bool
    group: str = ""
    suggestion: str = ""
    values: dict[str, Any] = {}


def answer_stage(draft: Draft, stage_id: StageId, answer: Answer) -> Refusal | None:
    """Approve or refuse the stage that the run stands before."""
    run = draft.run
    gate = run.open_gate(stage_id)
    spec = run.index.spec.stages[run.index.stages[stage_id]]
    quality = waiting_gate(run, stage_id)
    if quality is not None:
        return _answer_quality(draft, stage_id, *quality, answer)
    if gate is None or spec.review is None:
        return Refusal(
            code=RefusalCode.NOT_AWAITING,
            message=f"stage {stage_id} does not wait for a review",
            node=stage_id,
            values=(stage_id,),
        )
    # what an earlier group changed is what this one finds
    params = tuple(
        replace(param, value=gate.values.get(param.key, param.value))
        for param in spec.review.params
    )
    refusal = _may_answer(gate, spec.review, answer) or _check_values(params, answer)
    if refusal is not None:
        return refusal
    values = changed_values(params, answer.values)
    following = gate.group + 1
    more = answer.approve and following < len(spec.review.groups)
    draft.emit(
        e.GateVoted(
            at=draft.now,
            node=stage_id,
            user=answer.user,
            approve=answer.approve,
            suggestion=answer.suggestion,
            values=values,
            next_group=following if more else None,
            reviewers=group_reviewers(draft, spec.review, following) if more else (),
        )
    )
    _write_vote(draft, stage_id, gate, answer)
    if not answer.approve:
        reject_stage(draft, stage_id)
    elif more and not draft.run.gates[stage_id].reviewers:
        reject_unasked(draft, stage_id)
    elif not more:
        _approve_stage(draft, stage_id, spec.review)
    go_on(draft)
    return None


def _answer_quality(
    draft: Draft, stage_id: StageId, side: Side, gate: Gate, answer: Answer
) -> Refusal | None:
    refusal = reviewers.may_answer(gate, answer.user)
    if refusal is not None:
        return refusal
    draft.emit(
        e.GateVoted(
            at=draft.now,
            node=gate.node,
            user=answer.user,
            approve=answer.approve,
            suggestion=answer.suggestion,
        )
    )
    decide_quality(draft, stage_id, side, passes=answer.approve)
    return None


def _approve_stage(draft: Draft, stage_id: StageId, review: ReviewSpec) -> None:
    draft.emit(e.GateClosed(at=draft.now, node=stage_id, approved=True))
    draft.effect(Effect(kind="timer", key=f"review:{stage_id}", drop=True))
    values = draft.run.gates[stage_id].values
    writes = tuple(
        Write(
            name=param.key.removeprefix("variables."),
            value=text_of(values.get(param.key, param.value)),
            writer=f"review:{stage_id}",
            run_attempt=draft.run.head.attempt,
        )
        for param in review.params
    )
    if writes:
        draft.emit(e.ValuesWritten(at=draft.now, node=stage_id, writes=writes))
    enter_stage(draft, draft.run.index.stages[stage_id])


def _write_vote(draft: Draft, stage_id: StageId, gate: Gate, answer: Answer) -> None:
    spec = draft.run.index.spec.stages[draft.run.index.stages[stage_id]]
    prefix = f"stages.{spec.ref or spec.id}.check-in.flow.{gate.group}"
    writes = tuple(
        Write(
            name=f"{prefix}.{name}",
            value=value,
            writer=f"review:{stage_id}",
            attempt=gate.group,
            run_attempt=draft.run.head.attempt,
        )
        for name, value in (("operator", answer.user), ("result", answer.suggestion))
    )
    draft.emit(e.ValuesWritten(at=draft.now, node=stage_id, writes=writes))


def _may_answer(gate: Gate, review: ReviewSpec, answer: Answer) -> Refusal | None:
    asked = review.groups[gate.group]
    if answer.group and answer.group != asked.id:
        return Refusal(
            code=RefusalCode.GROUP_UNKNOWN,
            message=f"review group {answer.group} is not asked now; asked is {asked.id}",
            node=gate.node,
            values=(gate.node, answer.group),
        )
    return reviewers.may_answer(gate, answer.user)


def _check_values(params: tuple[ReviewParam, ...], answer: Answer) -> Refusal | None:
    if not answer.approve:
        return None
    for param in params:
        value = answer.values.get(param.key, param.value)
        if param.required and (value is None or text_of(value).strip() == ""):
            return Refusal(
                code=RefusalCode.PARAMETER_REQUIRED,
                message=f"review parameter {param.key} must have a value",
                values=(param.key,),
            )
        if param.key in answer.values and not _fits(param, value):
            return Refusal(
                code=RefusalCode.PARAMETER_INVALID,
                message=f"review parameter {param.key} is of type {param.kind}",
                values=(param.key,),
            )
    return None


def _fits(param: ReviewParam, value: Any) -> bool:
    """Tell whether a value has the type of its parameter; texts of booleans count as such."""
    if param.kind in {"BOOLEAN", "CHECKBOX"}:
        return isinstance(value, bool) or value in ("true", "false")
    if param.kind == "MULTIPLE":
        return isinstance(value, list | tuple)
    return not isinstance(value, list | tuple | dict)


def changed_values(params: tuple[ReviewParam, ...], given: dict[str, Any]) -> dict[str, Any]:
    """Keep of the given values those that the definition knows and that differ from it."""
    return {
        param.key: given[param.key]
        for param in params
        if param.key in given and given[param.key] != param.value
    }


def receive_signal(draft: Draft, stage_id: StageId, hook: str, values: dict[str, str]) -> bool:
    """Take a signal that a stage waits for, or will wait for; True if the stage begins by it.

    One for a stage that has begun already changes nothing.
    """
    run = draft.run
    if run.stage(stage_id).status is not Status.QUEUED:
        return False
    if run.open_gate(stage_id) is None:
        open_signal_gate(draft, stage_id)
    draft.emit(e.SignalReceived(at=draft.now, node=stage_id, hook=hook, values=values))
    if values:
        writes = tuple(
            Write(name=name, value=value, writer=f"signal:{hook}", run_attempt=run.head.attempt)
            for name, value in values.items()
        )
        draft.emit(e.ValuesWritten(at=draft.now, node=stage_id, writes=writes))
    spec = run.index.spec.stages[run.index.stages[stage_id]]
    if draft.run.awaits_signals != stage_id or not signals_suffice(draft.run, spec):
        return False
    enter_stage(draft, run.index.stages[stage_id])
    go_on(draft)
    return True


def time_out_review(draft: Draft, stage_id: StageId) -> bool:
    """Refuse a review whose time is over; False if it is not open any more."""
    gate = draft.run.open_gate(stage_id) if stage_id in draft.run.index.stages else None
    if gate is None or gate.due_at is None or gate.due_at > draft.now:
        return False
    draft.emit(
        e.GateVoted(at=draft.now, node=stage_id, user=SYSTEM, approve=False, suggestion="TIMEOUT")
    )
    reject_stage(draft, stage_id)
    go_on(draft)
    return True


def answer_step(draft: Draft, step_id: StepId, answer: Answer) -> Refusal | None:
    """Answer a review step."""
    run = draft.run
    gate = run.open_gate(step_id)
    if gate is None or gate.kind != "step-review":
        return Refusal(
            code=RefusalCode.NOT_AWAITING,
            message=f"step {step_id} does not wait for a review",
            node=step_id,
            values=(step_id,),
        )
    spec = run.index.steps[step_id]
    params = review_params(spec.inputs)
    refusal = reviewers.may_answer(gate, answer.user) or _check_values(params, answer)
    if refusal is not None:
        return refusal
    if spec.inputs.get("suggestRequired") and not answer.suggestion.strip():
        return Refusal(
            code=RefusalCode.PARAMETER_REQUIRED,
            message="this review needs a suggestion",
            node=step_id,
            values=("suggest",),
        )
    draft.emit(
        e.GateVoted(
            at=draft.now,
            node=step_id,
            user=answer.user,
            approve=answer.approve,
            suggestion=answer.suggestion,
            values=answer.values,
        )
    )
    if not _is_decided(draft.run.gates[step_id], spec):
        return None  # others are still asked
    close_step_gate(draft, step_id, approved=answer.approve)
    is_quality = spec.kind == QUALITY
    if not is_quality:
        _write_answer(draft, step_id, params, answer)
    refused = (Cause.QUALITY, 2199007) if is_quality else (Cause.REJECTED, 2199002)
    draft.emit(
        e.StepFinished(
            at=draft.now,
            node=step_id,
            status=Status.SUCCEEDED if answer.approve else Status.FAILED,
            cause=None if answer.approve else refused[0],
            message="" if answer.approve else f"refused by {answer.user}",
            error_type=None if answer.approve else 1,
            error_code=None if answer.approve else refused[1],
            actor=answer.user,
            reason=answer.suggestion,
        )
    )
    advance_job(draft, run.index.step_job[step_id][0], None)
    go_on(draft)
    return None


def _is_decided(gate: Gate, spec: StepSpec) -> bool:
    """Tell whether the newest answer decides: the first one, or as `inputs["decide"]` says.

    "all": everybody has to approve, the first refusal decides. "one": the first approval decides,
    or that everybody has refused.
    """
    last = gate.votes[-1]
    match spec.inputs.get("decide"):
        case "all":
            waits = last.approve
        case "one":
            waits = not last.approve
        case _:
            return True
    return not waits or {vote.user for vote in gate.votes} >= set(gate.reviewers)


def review_params(inputs: dict[str, Any]) -> tuple[ReviewParam, ...]:
    """Read the parameters of a review step from its inputs."""
    return tuple(
        ReviewParam(
            key=str(item.get("key", "")),
            value=item.get("value"),
            kind=str(item.get("valueType", "STRING")),
            required=bool(item.get("required")),
        )
        for item in inputs.get("params") or ()
        if isinstance(item, dict) and item.get("key")
    )


def _write_answer(
    draft: Draft, step_id: StepId, params: tuple[ReviewParam, ...], answer: Answer
) -> None:
    run: Run = draft.run
    space = run.index.steps[step_id].inputs.get("namespace")
    prefix = f"{space}_" if space else ""
    values = {
        "MANUAL_REVIEW_RESULT": "PROCESS" if answer.approve else "ABORT",
        "MANUAL_REVIEWER": answer.user,
        "MANUAL_REVIEW_SUGGEST": answer.suggestion,
    }
    scope = Scope(run, run.index.step_job[step_id][0], step_id)
    for param in params:
        given = param.key in answer.values
        value = text_of(answer.values[param.key] if given else param.value)
        values[param.key] = value if given else substitute_classic(value, scope.get)
    attempt = run.step(step_id).attempt
    writes = tuple(
        Write(
            name=prefix + name,
            value=value,
            writer=step_id,
            attempt=attempt,
            run_attempt=run.head.attempt,
        )
        for name, value in values.items()
    )
    draft.emit(e.ValuesWritten(at=draft.now, node=step_id, writes=writes))


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs that a paused step gets instead of its own.

    Args:
        inputs: All of them, as its kind needs them.
        shown: The changed members, in the words of whoever asks.
    """

    inputs: dict[str, Any]
    shown: dict[str, Any]


def answer_pause(
    draft: Draft,
    step_id: StepId,
    user: UserName,
    *,
    go_ahead: bool,
    changed: Changed | None = None,
) -> Refusal | None:
    """Let a paused step run, with other inputs if that is asked for, or cancel it."""
    run = draft.run
    if run.head.status.is_final:
        return Refusal(
            code=RefusalCode.RUN_FINISHED,
            message=f"run {run.head.number} has ended: it is {run.head.status}",
            node=step_id,
        )
    gate = run.open_gate(step_id)
    if gate is None or gate.kind != "pause":
        return Refusal(
            code=RefusalCode.ALREADY_RESUMED,
            message=f"step {step_id} does not wait",
            node=step_id,
        )
    values = {"element": changed.shown} if changed is not None and go_ahead else {}
    draft.emit(e.GateVoted(at=draft.now, node=step_id, user=user, approve=go_ahead, values=values))
    close_step_gate(draft, step_id, approved=go_ahead)
    if go_ahead:
        _resume(draft, step_id, user, changed)
    else:
        draft.emit(e.StepFinished(at=draft.now, node=step_id, status=Status.CANCELLED, actor=user))
    advance_job(draft, run.index.step_job[step_id][0], None)
    go_on(draft)
    return None


def _resume(draft: Draft, step_id: StepId, user: UserName, changed: Changed | None) -> None:
    if changed is not None:
        draft.emit(e.StepInputsChanged(at=draft.now, node=step_id, inputs=changed.inputs))
    write = Write(
        name=f"BK_CI_OPERATOR_{step_id}",
        value=user,
        writer=f"pause:{step_id}",  # it outlives a retry that does not pause again
        attempt=draft.run.step(step_id).attempt,
        run_attempt=draft.run.head.attempt,
    )
    draft.emit(e.ValuesWritten(at=draft.now, node=step_id, writes=(write,)))
