"""What somebody asks the engine to do. Frozen; imperative names."""

from collections.abc import Callable
from typing import Any

import msgspec

from mulligan.core.flow.votes import Answer, Changed
from mulligan.core.ids import PipelineId, RunId, StageId, StepId, UserName
from mulligan.core.recovery.plan import Plan
from mulligan.core.recovery.request import Changes
from mulligan.core.run import Caller, RunHead
from mulligan.core.trigger_records import TriggerChange
from mulligan.core.triggers.origin import Origin
from mulligan.core.triggers.spec import TriggerReview


class ReceiptRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Store the answer under this key, in the transaction of the act (R14).

    `render` makes status, body and content type from what the act returns.
    """

    key: str
    fingerprint: str
    render: Callable[[Any], tuple[int, bytes, str]]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, from where ("127.0.0.1 bkci"), and under which key."""

    actor: UserName
    origin: str = ""
    receipt: ReceiptRequest | None = None


class StartRun(Command, frozen=True, kw_only=True):
    """Start a pipeline's newest version.

    Args:
        values: Given parameters by name.
        trigger: What started it, if no person did.
        triggers: Stored with the start; its outcome gets the id of the run.
        replaces: A run that was stopped for this one: it does not make the queue full.
        review: Who must let it begin before it waits for its turn; None = nobody.
    """

    pipeline: PipelineId
    values: dict[str, str] = {}
    start_kind: str = "service"
    message: str = ""
    disabled_steps: frozenset[StepId] = frozenset()
    changed_paths: tuple[str, ...] | None = None  # None: the event does not say, or there is none
    needs_manual_trigger: bool = False
    signal: tuple[StageId, str, dict[str, str]] | None = None  # counts for that stage at once
    clears_latches: bool = False
    is_unauthorized: bool = False  # by somebody who may not: its first stage says so
    chain: int = 0
    caller: Caller | None = None
    facts: dict[str, str] = {}  # read-only variables besides the parameters
    version_number: int | None = None  # set the pipeline's counter to it before
    run_id: RunId | None = None  # of the new run; None = a new one
    trigger: Origin | None = None
    triggers: TriggerChange | None = None
    replaces: RunId | None = None
    review: TriggerReview | None = None


class RetryRun(Command, frozen=True, kw_only=True):
    """Run something of a run again, or skip it. Fields as in `RetryRequest`."""

    run_id: RunId
    target: str = ""
    only_failed: bool = False
    skip: bool = False
    reason: str = ""
    may_operate: bool = False
    through_end: bool = False
    changes: Changes = Changes()
    revision: int | None = None  # refuse (plan-stale) if the run has moved on


class RollBack(Command, frozen=True, kw_only=True):
    """Roll a deploy stage of a run back. `chosen`: id of a deployment; "" = the one before.

    `revision` and `restores`: refuse (plan-stale) if the run has moved on since that revision, or
    if another deployment would be restored; None and "" = any.
    """

    run_id: RunId
    stage: StageId
    chosen: str = ""
    reason: str = ""
    revision: int | None = None
    restores: str = ""


class StopRun(Command, frozen=True, kw_only=True):
    """Stop a run; asked a second time after a minute it ends by force."""

    run_id: RunId


class AnswerStage(Command, frozen=True, kw_only=True):
    """Approve or refuse a stage. `answer.user` is the actor."""

    run_id: RunId
    stage: StageId
    answer: Answer


class AnswerStep(Command, frozen=True, kw_only=True):
    """Answer a review step."""

    run_id: RunId
    step: StepId
    answer: Answer


class ResumeStep(Command, frozen=True, kw_only=True):
    """Let a paused step run (`go_ahead`), with other inputs if `changed`, or cancel it."""

    run_id: RunId
    step: StepId
    go_ahead: bool
    changed: Changed | None = None


class SetRemark(Command, frozen=True, kw_only=True):
    """Set the remark of a run."""

    run_id: RunId
    text: str


class RetryOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a retry did."""

    head: RunHead
    plan: Plan
