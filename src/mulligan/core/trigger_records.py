"""What is kept of triggers: timers and when they fire next, hooks, deliveries, tokens."""

from datetime import datetime
from enum import StrEnum

import msgspec

from mulligan.core.ids import PipelineId, ProjectId, RunId, StepId
from mulligan.core.items import Item
from mulligan.core.triggers.choose import PassedOver
from mulligan.core.triggers.event import CodeEvent


class TimerState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a timer so far.

    Args:
        seen: Newest known commit, by "URL branch".
        last_at: When it was due last; `last`: what came of it, for people.
    """

    seen: dict[str, str] = {}
    last_at: datetime | None = None
    last: str = ""
    last_run: str = ""


class Timer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A timer of the newest version of a pipeline.

    Args:
        next_at: When it fires; None = never again.
        revision: Counts its changes; one that was read at another one can't be moved.
    """

    pipeline: PipelineId
    trigger: StepId
    next_at: datetime | None
    revision: int = 0
    state: TimerState = TimerState()


class EventHook(Item, frozen=True, kw_only=True, omit_defaults=True, tag="event-hook"):
    """A place to which a code host delivers its events. `parent`: a pipeline's id, "" = all.

    Args:
        host: Kind of the host.
        sealed: Its secret, encrypted.
        events: Which ones may start a pipeline that has no trigger for them.
        credential: Name of the secret with the token for telling the host how runs go.
        api: Base of the host's API; "" = follows from the repository's address.
    """

    host: str
    sealed: bytes
    events: tuple[str, ...] = ("push",)
    credential: str = ""
    api: str = ""


class DeliveryState(StrEnum):
    """How far a delivery is."""

    OPEN = "open"  # accepted; what it starts may not be started yet
    DONE = "done"
    REFUSED = "refused"  # nothing proved its sender


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of a hook. `number` ascends over the server; 0 before it is stored.

    Args:
        key: By what the host names it; the same when it is sent again. "" = it has no name.
        headers: Those that tell something, without secrets.
        payload: The beginning of the body, for people.
        replay_of: Number of the delivery that somebody asked to have again.
    """

    project: ProjectId
    hook: str
    key: str
    received_at: datetime
    state: DeliveryState
    number: int = 0
    event: CodeEvent | None = None
    reason: str = ""
    headers: dict[str, str] = {}
    payload: str = ""
    size: int = 0  # bytes of the body
    replay_of: int = 0
    sender: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a delivery did to one pipeline. `run`: "" = it started none, for the `reason`."""

    delivery: int
    pipeline: PipelineId
    run: RunId = RunId("")
    trigger: str = ""
    reason: str = ""
    passed_over: tuple[PassedOver, ...] = ()


class RemoteToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What lets a caller start a pipeline from outside. Only its SHA-256 can be looked for."""

    pipeline: PipelineId
    digest: str
    sealed: bytes  # the token, encrypted: it is shown to who may edit the pipeline
    made_at: datetime


class TriggerChange(msgspec.Struct, frozen=True, kw_only=True):
    """What changes together with an act.

    Args:
        defined: The pipeline got a new definition: `timers` are all of its timers from now on
            (those that stay keep their state), `listens`: whether it has code triggers.
        moved: A timer, at the revision after the one that it was read at.
        outcome: Of a delivery; a pipeline has at most one of each.
    """

    defined: PipelineId | None = None
    timers: tuple[Timer, ...] = ()
    listens: bool = False
    moved: Timer | None = None
    outcome: Outcome | None = None
