"""What somebody asks for, and the facts besides the run that the answer depends on."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from mulligan.core.ids import JobId, StepId, UserName
from mulligan.core.rights import Permission
from mulligan.core.spec import SpecIndex


class Scope(StrEnum):
    """How much of a run is meant."""

    RUN = "run"
    STAGE = "stage"
    JOB = "job"
    STEP = "step"


class StepChanges(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a step gets instead of what it has. None sets back to what is defined.

    Args:
        inputs: By name, of those that its definition gives; a text may stand for another type.
        env: Variables of its process, by name.
        timeout_s: Seconds for one attempt; absent = as it is.
    """

    inputs: dict[str, Any] = {}
    env: dict[str, str | None] = {}
    timeout_s: int | msgspec.UnsetType | None = msgspec.UNSET


class Changes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be otherwise from the next attempt on.

    Args:
        steps: By id or the step's own ref.
        parameters: Values of parameters by name; None = the one that the run was started with.
    """

    steps: dict[str, StepChanges] = {}
    parameters: dict[str, str | None] = {}

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Return what is needed to ask for them.

        Whoever may start a run gives it its parameters. What a step does is code: to change it
        takes the right to change the definition, or a retry would let anybody run anything.
        """
        needed = (Permission.START,) if self.parameters else ()
        return (*needed, Permission.EDIT) if self.steps else needed

    @property
    def names(self) -> tuple[str, ...]:
        """Return where each of them stands, without its value."""
        found = [f"parameters.{name}" for name in self.parameters]
        for step, asked in self.steps.items():
            found += (f"steps.{step}.inputs.{name}" for name in asked.inputs)
            found += (f"steps.{step}.env.{name}" for name in asked.env)
            if asked.timeout_s is not msgspec.UNSET:
                found.append(f"steps.{step}.timeout_s")
        return tuple(found)


class RetryRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Run something again, or skip what failed.

    Args:
        target: Id of a stage, job or step, or a step's own ref; blank = the whole run.
        only_failed: With a stage: leave its succeeded jobs as they are.
        skip: Skip the step, or all failed steps of the stage, instead of running them again.
        may_operate: The actor may skip steps whose definition does not allow it.
        through_end: With a stage: all that follows it runs again too, whatever it came to, by
            the rules of pipelines that have one run at a time (spec/swr-pipeline-api.md §5.2).
        changes: What is to be otherwise then.
    """

    actor: UserName
    target: str = ""
    only_failed: bool = False
    skip: bool = False
    reason: str = ""
    may_operate: bool = False
    through_end: bool = False
    changes: Changes = Changes()


class RetryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that are not in the snapshot.

    Args:
        window: How long after its start a run may be retried; None = for ever.
        live_workspaces: Jobs whose directory is still as their last attempt left it (R6).
        clean_variables: A whole retry begins without the variables of earlier attempts.
        only_newest: Only the newest run of the pipeline may be recovered; `is_newest`: it is.
        was_reset: The definition has changed so that the run can't go on by it.
        version: Of the pipeline, by which a retry `through_end` goes on; 0 = the run's own.
        own_index: The definition by which the run ran, if it would go on by a newer one: what
            became of its stages is judged by that.
        older_than_live: Steps that would deploy something older than what is live (R12).
    """

    now: datetime
    window: timedelta | None = timedelta(days=28)
    pipeline_deleted: bool = False
    version_gone: bool = False
    locked: bool = False
    project_disabled: bool = False
    clean_variables: bool = False
    live_workspaces: frozenset[JobId] = frozenset()
    only_newest: bool = False
    is_newest: bool = True
    was_reset: bool = False
    version: int = 0
    older_than_live: frozenset[StepId] = frozenset()
    own_index: SpecIndex | None = None
