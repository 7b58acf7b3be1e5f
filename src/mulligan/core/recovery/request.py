"""What somebody asks for, and the facts besides the run that the answer depends on."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from mulligan.core.ids import JobId, StepId, UserName
from mulligan.core.spec import SpecIndex


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
        through_end: With a stage: all that follows it runs again too, whatever it came to, by
            the rules of pipelines that have one run at a time (spec/swr-pipeline-api.md §5.2).
    """

    actor: UserName
    target: str = ""
    only_failed: bool = False
    skip: bool = False
    reason: str = ""
    may_operate: bool = False
    through_end: bool = False


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
