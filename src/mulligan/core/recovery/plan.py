"""Plan: what a recovery would do with every node, and why. A value; applying it is another act."""

from enum import StrEnum
from typing import Any

import msgspec

from mulligan.core.ids import JobId, RunId, StageId, StepId
from mulligan.core.recovery.target import Target
from mulligan.core.run import StartParameter, StepPatch


class Action(StrEnum):
    """What becomes of a node."""

    RERUN = "rerun"  # judged and, if its condition holds, run again
    KEEP = "keep"
    SKIP = "skip"  # waived by the person who asks


class Why(StrEnum):
    """The reason for an action."""

    WHOLE_RUN = "whole run"
    TARGET = "asked for"
    IN_TARGET = "part of what was asked for"
    HOLDS_TARGET = "what was asked for is part of it"
    AFTER_TARGET = "comes after what was asked for"
    NEVER_RAN = "never ran"
    NOT_GOOD = "failed or was cancelled after what was asked for"
    JUDGED_AGAIN = "its condition is judged again"
    DEPENDS = "depends on what runs again"
    FINALLY = "the finally stage belongs to every attempt"
    POST_ACTION = "post action of a step that runs again"
    WIDENED = "the workspace is gone, so its job starts over"
    SUCCEEDED = "has succeeded"
    OUTSIDE = "not part of what was asked for"
    WAIVED = "was skipped by a person"
    ASKED_TO_SKIP = "asked to be skipped"


class NodePlan(msgspec.Struct, frozen=True):
    """What happens to one node, and why."""

    action: Action
    why: Why


class ChangeKind(StrEnum):
    """What is changed."""

    INPUT = "input"
    ENV = "env"
    TIMEOUT = "timeout"
    PARAMETER = "parameter"


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that will be otherwise. `before` and `after`: None = it is not there.

    Args:
        step: Whose input, variable or time-out (in seconds) it is; None: a parameter of the run.
        is_secret: The values must not be shown.
    """

    kind: ChangeKind
    name: str
    before: Any
    after: Any
    step: StepId | None = None
    is_secret: bool = False


class PlannedChanges(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What will be otherwise from this attempt on.

    Args:
        items: Each change that makes a difference.
        patches: Of the steps that are changed, as they will be; None = as defined.
        parameters: All of the run, as they will be; () = as they are.
    """

    items: tuple[Change, ...] = ()
    patches: dict[StepId, StepPatch | None] = {}
    parameters: tuple[StartParameter, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A recovery of one run, good for the revision that it was made at.

    Args:
        run_attempt: The attempt in which it will run; that of the run itself if it goes on.
        workspaces: For jobs that run again: "fresh", "live" (as their last attempt left it) or
            "widened" (the directory is gone, the job runs from its first step).
        splits_kept: Matrix jobs that run again with the copies that they have; all others that run
            again are split again.
        withdrawn: Writers whose variables count no more (R5).
        approvals_kept / approvals_void: Stages whose review holds / is asked again (R10).
        seconds_saved: What the kept work took when it ran.
        changes: What was asked for otherwise than it was.
    """

    run_id: RunId
    revision: int
    target: Target
    skip: bool
    while_running: bool
    run_attempt: int
    stages: dict[StageId, NodePlan]
    jobs: dict[JobId, NodePlan]
    steps: dict[StepId, NodePlan]
    workspaces: dict[JobId, str]
    splits_kept: frozenset[JobId] = frozenset()
    withdrawn: tuple[str, ...] = ()
    reapply_parameters: bool = False
    wipe_variables: bool = False
    renew_start: bool = False
    retry_target: str = ""
    version: int = 0  # of the pipeline, from now on; 0 = as before
    signals_waived: StageId | None = None  # begins without the signals that it waits for
    approvals_kept: tuple[StageId, ...] = ()
    approvals_void: tuple[StageId, ...] = ()
    seconds_saved: float = 0.0
    changes: PlannedChanges = PlannedChanges()

    def steps_with(self, action: Action) -> tuple[StepId, ...]:
        """Return the steps that get this action, in the order of the definition."""
        return tuple(step for step, node in self.steps.items() if node.action is action)
