"""Refusal: why an act is not possible, as a value. It names the rule, the node and the way out."""

from datetime import datetime
from enum import StrEnum

import msgspec

from mulligan.core.ids import UserName


class RefusalCode(StrEnum):
    """Every reason for which a start, retry, skip, stop or vote is refused."""

    EXPIRED = "expired"  # older than the retry window
    PIPELINE_DELETED = "pipeline-deleted"
    VERSION_GONE = "version-gone"
    PIPELINE_LOCKED = "pipeline-locked"
    PROJECT_DISABLED = "project-disabled"
    TARGET_UNKNOWN = "target-unknown"  # no such node, or it has no work (trigger, disabled)
    STAGE_NOT_FAILED = "stage-not-failed"
    SKIP_NOT_ALLOWED = "skip-not-allowed"
    AWAITING_APPROVAL = "awaiting-approval"  # the run waits for a review
    STAGE_BUSY = "stage-busy"  # the stage is just moving on
    NEEDS_SINGLE_STEP = "needs-single-step"  # while a run goes on, only one step may be retried
    STAGE_NOT_RUNNING = "stage-not-running"
    JOB_NOT_FINISHED = "job-not-finished"
    STEP_NOT_FAILED = "step-not-failed"
    QUEUE_FULL = "queue-full"
    TOO_FREQUENT = "too-frequent"
    RUN_FINISHED = "run-finished"
    ALREADY_CANCELLED = "already-cancelled"  # values: who, seconds left
    NOT_AWAITING = "not-awaiting"  # no open gate there
    NOT_A_REVIEWER = "not-a-reviewer"
    GROUP_UNKNOWN = "group-unknown"  # not the review group that is asked now
    ALREADY_VOTED = "already-voted"
    ALREADY_RESUMED = "already-resumed"
    PARAMETER_REQUIRED = "parameter-required"
    PARAMETER_TOO_LONG = "parameter-too-long"
    PARAMETER_INVALID = "parameter-invalid"
    NOT_STARTABLE = "not-startable"  # no manual trigger
    STEPS_NOT_OPTIONAL = "steps-not-optional"  # a start may not leave steps out
    NO_RELEASED_VERSION = "no-released-version"
    PLAN_STALE = "plan-stale"
    RUN_BUSY = "run-busy"  # work of the run is under way
    NOT_NEWEST = "not-newest"  # only the newest run of this pipeline can be recovered
    NOT_RETRYABLE = "not-retryable"  # what the stage came to can't be retried
    OLDER_THAN_LIVE = "older-than-live"  # R12
    NOT_STOPPABLE = "not-stoppable"  # a rollback can't be stopped; nothing is held
    NOT_DEPLOYING = "not-deploying"  # only stages that deploy can be rolled back
    ROLLBACK_UNSUPPORTED = "rollback-unsupported"  # not with this strategy
    NO_ROLLBACK_TARGET = "no-rollback-target"  # nothing older that was successful
    ENVIRONMENT_BUSY = "environment-busy"  # another deployment is under way there
    RUN_HELD = "run-held"  # a failed run is kept for a retry: nothing starts by itself
    RUN_ACTIVE = "run-active"  # one run at a time
    CHANGES_WITH_SKIP = "changes-with-skip"  # what is skipped needs no inputs
    CHANGES_TOO_LARGE = "changes-too-large"
    STEP_KEPT = "step-kept"  # does not run again: nothing of it can be changed
    INPUT_UNKNOWN = "input-unknown"
    INPUT_INVALID = "input-invalid"
    INPUT_FIXED = "input-fixed"  # steps of this kind stay as they are defined
    PARAMETER_UNKNOWN = "parameter-unknown"
    PARAMETER_FIXED = "parameter-fixed"
    PARAMETERS_LATER = "parameters-later"  # not while the run goes on


class LastAct(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody has done to a run last.

    Args:
        what: start, retry, skip, rollback, stop or release.
        target: Id of the stage, job or step that it was about; "" = the whole run.
    """

    what: str
    target: str
    name: str  # of the target
    by: UserName
    at: datetime

    def __str__(self) -> str:
        """Say it in words that go behind a sentence."""
        whole = " of the whole run" if self.what == "retry" else ""
        of = f" of {self.name or self.target}" if self.target else whole
        return f"{self.what}{of} by {self.by} at {self.at:%Y-%m-%d %H:%M:%S}Z"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why an act is refused.

    Args:
        code: The reason.
        message: One English sentence: what, where, and what would be possible instead.
        node: Id of the stage, job or step that stands in the way, if one does.
        rule: The design's rule ("R9") or the document's check that refuses.
        values: What facades put into their own wording, in order.
        instead: What would be possible, as short imperative texts.
        last: What was done to the run last, if that is why it is no longer as one expects.
        at: Which of the given changes it is about, as keys from the outermost in.
    """

    code: RefusalCode
    message: str
    node: str = ""
    rule: str = ""
    values: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    last: LastAct | None = None
    at: tuple[str, ...] = ()
