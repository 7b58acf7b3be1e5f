"""What happened to a run, in the past tense. Frozen, stored, and streamed to readers.

Every event names the `node` whose record it changes ("" = the run itself) and, by its class, the
`row` to be written. `evolve` is the only code that turns an event into a new snapshot.
"""

from datetime import datetime
from typing import Any, ClassVar

import msgspec

from mulligan.core.cause import Cause
from mulligan.core.ids import RunnerName, UserName
from mulligan.core.quality import Finding
from mulligan.core.run import (
    Called,
    ChangedName,
    RunAttempt,
    StartParameter,
    StepPatch,
    Write,
)
from mulligan.core.status import Status


class _Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    at: datetime
    node: str = ""


class _RunEvent(_Event, frozen=True, kw_only=True, omit_defaults=True):
    row: ClassVar[str] = "head"


class _StageEvent(_Event, frozen=True, kw_only=True, omit_defaults=True):
    row: ClassVar[str] = "stage"


class _JobEvent(_Event, frozen=True, kw_only=True, omit_defaults=True):
    row: ClassVar[str] = "job"


class _StepEvent(_Event, frozen=True, kw_only=True, omit_defaults=True):
    row: ClassVar[str] = "step"


class _GateEvent(_Event, frozen=True, kw_only=True, omit_defaults=True):
    row: ClassVar[str] = "gate"


class RunCreated(_RunEvent, frozen=True, kw_only=True):
    """The run exists and has its number. Its start values follow as `ValuesWritten`."""

    actor: UserName


class RunStarted(_RunEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The run (or a new attempt of it) left the queue.

    `version_number`: of its recommended version, if that has changed while it waited.
    """

    version_number: int | None = None


class RunRetried(_RunEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A finished run was opened again as its next attempt."""

    attempt: RunAttempt
    renew_start: bool = False  # a whole retry: `started_at` begins anew
    retry_target: str = ""
    version: int = 0  # of the pipeline, from now on; 0 = as before


class RunRepaired(_RunEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A step was retried or skipped while the run goes on; the attempt stays the same.

    `seconds_saved`: by what was kept; None = from before it was counted.
    """

    actor: UserName
    what: str
    target: str
    reason: str = ""
    seconds_saved: float | None = None
    changes: tuple[ChangedName, ...] = ()


class HoldReleased(_RunEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody gave up a failed run that was held for a retry."""

    actor: UserName


class CancelRequested(_RunEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody asked to stop the run; `forced` ends it at once."""

    actor: UserName
    forced: bool = False


class RunFinished(_RunEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The attempt has its verdict."""

    status: Status
    cause: Cause | None = None


class RemarkWritten(_RunEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody (or a script) set the remark of the run."""

    actor: UserName
    text: str = ""


class ValuesWritten(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """Variables got values; each write says who wrote it."""

    row: ClassVar[str] = "writes"
    writes: tuple[Write, ...]


class ValuesWithdrawn(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """Writes of nodes that run again count no more (R5). `everything`: start values too."""

    row: ClassVar[str] = "writes"
    writers: tuple[str, ...] = ()
    everything: bool = False


class ParametersApplied(_RunEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The start parameters as the newest attempt shows them."""

    parameters: tuple[StartParameter, ...]


class QualityChecked(_RunEvent, frozen=True, kw_only=True):
    """The quality rules of a stage were looked at.

    `side`: check-in, check-out, or the id of the gate step around a plugin of the stage.
    """

    stage: str
    side: str
    findings: tuple[Finding, ...]


class StageStarted(_StageEvent, frozen=True, kw_only=True):
    """The run entered the stage; its jobs are looked at."""

    position: int


class StageReached(_StageEvent, frozen=True, kw_only=True):
    """The run stands before the stage's review."""

    position: int


class StageFinished(_StageEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The stage has its result, also when it was skipped or never reached."""

    status: Status
    cause: Cause | None = None


class StageReset(_StageEvent, frozen=True, kw_only=True):
    """The stage is to be gone through again."""

    run_attempt: int


class MutexAsked(_JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The job needs a mutex before it may be claimed; `JobQueued` says that it has it."""

    mutex: str
    run_attempt: int
    places: int = 0
    due_at: datetime | None = None


class JobExplained(_JobEvent, frozen=True, kw_only=True):
    """Why the job is about to end, where no step of it can say so."""

    message: str


class JobQueued(_JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The job may be claimed."""

    run_attempt: int


class JobSplit(_JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The turn of a matrix job has come: from now on it has a copy for each combination."""

    run_attempt: int
    combinations: tuple[dict[str, str], ...]


class JobClaimed(_JobEvent, frozen=True, kw_only=True):
    """A runner holds the job attempt under this fence."""

    runner: RunnerName
    fence: int


class JobParked(_JobEvent, frozen=True, kw_only=True):
    """The job waits for a person; its runner is free again."""


class JobRequeued(_JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The same job attempt may be claimed again: its lease was lost or its gate is closed.

    `anew`: its time is counted from the next claim on.
    """

    lost: bool = False
    anew: bool = False


class JobStopping(_JobEvent, frozen=True, kw_only=True):
    """No further step of the job may start."""

    cause: Cause


class JobFinished(_JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The job attempt has its result."""

    status: Status
    cause: Cause | None = None


class JobReset(_JobEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The job is to run again as its next attempt. `keeps_split`: a matrix job, with its copies."""

    run_attempt: int
    workspace: str = "fresh"
    mode: str = ""
    keeps_split: bool = False


class StepStarted(_StepEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The step's process is about to be started; never twice for one attempt and fence."""

    runner: RunnerName | None = None


class StepInputsChanged(_StepEvent, frozen=True, kw_only=True):
    """Somebody changed the inputs of a step that waits, for this attempt of the run."""

    inputs: dict[str, Any]


class StepPatched(_StepEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A step that is to run again has been changed, or (None) is as defined again."""

    patch: StepPatch | None = None


class StepCalled(_StepEvent, frozen=True, kw_only=True):
    """The step has started a run of another pipeline."""

    called: Called


class StepProgressed(_StepEvent, frozen=True, kw_only=True):
    """The step has told how far it is: a number from 0 to 1, or JSON."""

    progress: str


class StepFinished(_StepEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The step attempt has its result.

    `tries`: how often it had failed and was tried again by its own rule before it succeeded.
    """

    status: Status
    cause: Cause | None = None
    exit_code: int | None = None
    signal: int | None = None
    message: str = ""
    error_type: int | None = None
    error_code: int | None = None
    actor: UserName | None = None
    reason: str = ""
    pin: str = ""
    metrics: tuple[tuple[str, str], ...] = ()
    progress: str = ""
    tries: int = 0


class StepSkipped(_StepEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The step does not run in this attempt."""

    cause: Cause
    actor: UserName | None = None
    reason: str = ""
    message: str = ""


class StepReset(_StepEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The step is to be judged again; `asked`: it is the one that somebody asked for."""

    run_attempt: int
    asked: bool = False


class StepRetried(_StepEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The step gets its next attempt inside the same job attempt: by its rule or after a loss."""

    lost: bool = False


class GateOpened(_GateEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The run waits at the node."""

    kind: str
    run_attempt: int
    group: int = 0
    reviewers: tuple[str, ...] = ()
    due_at: datetime | None = None
    values: dict[str, Any] = {}


class SignalReceived(_GateEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A signal that the stage waits for, or will wait for, has come."""

    hook: str
    values: dict[str, str] = {}


class ReviewReminded(_GateEvent, frozen=True, kw_only=True):
    """Nobody has answered for a while: those who are asked are told once more."""


class GateVoted(_GateEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A person answered for the group that was asked."""

    user: UserName
    approve: bool
    suggestion: str = ""
    values: dict[str, Any] = {}
    next_group: int | None = None  # asked from now on
    reviewers: tuple[str, ...] = ()


class GateClosed(_GateEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The waiting is over."""

    approved: bool
    carried: bool = False


class GateCarried(_GateEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An approval of an earlier attempt holds for this one too (R10)."""

    run_attempt: int


Event = (
    RunCreated
    | RunStarted
    | RunRetried
    | RunRepaired
    | HoldReleased
    | CancelRequested
    | RunFinished
    | RemarkWritten
    | ValuesWritten
    | ValuesWithdrawn
    | ParametersApplied
    | QualityChecked
    | StageStarted
    | StageReached
    | StageFinished
    | StageReset
    | MutexAsked
    | JobExplained
    | JobQueued
    | JobSplit
    | JobClaimed
    | JobParked
    | JobRequeued
    | JobStopping
    | JobFinished
    | JobReset
    | StepStarted
    | StepInputsChanged
    | StepPatched
    | StepCalled
    | StepProgressed
    | StepFinished
    | StepSkipped
    | StepReset
    | StepRetried
    | GateOpened
    | SignalReceived
    | ReviewReminded
    | GateVoted
    | GateClosed
    | GateCarried
)
