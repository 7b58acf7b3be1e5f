"""What somebody asks for, and the facts besides the run that the answer depends on."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from mulligan.core.ids import JobId, UserName


class Scope(StrEnum):
    """How much of a run is meant."""

    RUN = "run"
    STAGE = "stage"
    JOB = "job"
    STEP = "step"


class RetryRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Run something again, or skip what failed.

    Args:
        target: Id of a stage, job or step, or a step's own ref; blank = the whole run.
        only_failed: With a stage: leave its succeeded jobs as they are.
        skip: Skip the step, or all failed steps of the stage, instead of running them again.
        may_operate: The actor may skip steps whose definition does not allow it.
    """

    actor: UserName
    target: str = ""
    only_failed: bool = False
    skip: bool = False
    reason: str = ""
    may_operate: bool = False


class RetryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that are not in the snapshot.

    Args:
        window: How long after its start a run may be retried; None = for ever.
        live_workspaces: Jobs whose directory is still as their last attempt left it (R6).
        clean_variables: A whole retry begins without the variables of earlier attempts.
    """

    now: datetime
    window: timedelta | None = timedelta(days=28)
    pipeline_deleted: bool = False
    version_gone: bool = False
    locked: bool = False
    project_disabled: bool = False
    clean_variables: bool = False
    live_workspaces: frozenset[JobId] = frozenset()
