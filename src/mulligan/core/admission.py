"""May a run begin now, must it wait, or is it refused? The run lock of a pipeline decides."""

from collections.abc import Iterable

import msgspec
from immutables import Map
from msgspec.structs import replace

from mulligan.core.ids import RunId
from mulligan.core.records import PipelineSettings
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Concurrency, Run, Write
from mulligan.core.variables import shown_text

LONGEST_GROUP = 255  # characters


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a pipeline or a group has to do. Runs that wait for a review are not running."""

    queued: tuple[RunId, ...]  # oldest first
    running: int
    waiting: int = 0  # runs that wait for a review


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """`begins`: at once, else it waits. `drops`: a waiting run that has to make room."""

    begins: bool
    drops: RunId | None = None


def concurrency_of(
    settings: PipelineSettings, run: Run, writes: Iterable[Write]
) -> Concurrency | None:
    """Give the group that a new run belongs to: its name is evaluated here, once.

    A name that evaluates to nothing is that of the pipeline alone; one that would show a secret is
    taken as it is written.
    """
    if settings.run_lock != "GROUP_LOCK":
        return None
    values = Map({write.name: (write,) for write in writes})
    group = shown_text(replace(run, writes=values), settings.concurrency_group).strip()
    return Concurrency(
        group=group[:LONGEST_GROUP] or run.head.pipeline, supersedes=settings.concurrency_cancel
    )


def admit(
    settings: PipelineSettings,
    load: Load,
    floor: int,
    *,
    group: Load | None = None,
    supersedes: bool = False,
) -> Admission | Refusal:
    """Judge a start or retry (spec/bkci-build-api.md §2.2.1, table of run locks).

    Args:
        load: Of the pipeline.
        floor: Least number of unfinished runs at which a pipeline without serial lock is full.
        group: Load of the run's concurrency group, if it has one: that is what it waits for, in
            the queue of its own pipeline.
        supersedes: The older runs of the group are stopped, so a queue is never full.
    """
    if group is not None:
        if supersedes:
            return Admission(begins=not group.queued and group.running == 0)
        return _one_at_a_time(settings, group, load.queued)
    if settings.run_lock == "EXCLUSIVE":
        if load.queued or load.running or load.waiting:
            return Refusal(
                code=RefusalCode.RUN_ACTIVE,
                message="a run of this pipeline is under way; it has one at a time",
                instead=("wait for its end", "stop it"),
            )
        return Admission(begins=True)
    if settings.run_lock == "MULTIPLE":
        if len(load.queued) + load.running >= max(floor, settings.max_running):
            return _full(settings, load)
        return Admission(begins=not load.queued and load.running < settings.max_running)
    return _one_at_a_time(settings, load, load.queued)


def _one_at_a_time(
    settings: PipelineSettings, load: Load, queue: tuple[RunId, ...]
) -> Admission | Refusal:
    if not load.queued and load.running == 0:
        return Admission(begins=True)
    if settings.max_queue_size == 0:
        return _full(settings, load)
    is_full = len(queue) >= settings.max_queue_size
    return Admission(begins=False, drops=queue[0] if is_full else None)


def may_leave_queue(settings: PipelineSettings, running: int) -> bool:
    """Tell whether the oldest waiting run may begin."""
    return running < (settings.max_running if settings.run_lock == "MULTIPLE" else 1)


def may_go_on(
    settings: PipelineSettings, load: Load, floor: int, *, group: Load | None = None
) -> Refusal | None:
    """Judge a run that a person lets go on after a review: it never waits, and stops nobody."""
    if settings.run_lock in {"LOCK", "EXCLUSIVE"}:
        return None
    admission = admit(settings, load, floor, group=group)
    return admission if isinstance(admission, Refusal) else None


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An unfinished run of a concurrency group. `is_stopping`: somebody has asked it to end."""

    id: RunId
    supersedes: bool
    is_stopping: bool


def superseded(members: Iterable[Member]) -> tuple[tuple[RunId, ...], Member | None]:
    """Give the runs of a group that have to make way, and for whom.

    Args:
        members: By age, the oldest first.
    """
    older: list[Member] = []
    gone: tuple[Member, ...] = ()
    newest: Member | None = None
    for member in members:
        if member.supersedes:
            gone, newest = tuple(older), member
        older.append(member)
    return tuple(member.id for member in gone if not member.is_stopping), newest


def _full(settings: PipelineSettings, load: Load) -> Refusal:
    return Refusal(
        code=RefusalCode.QUEUE_FULL,
        message=f"{load.running} runs and {len(load.queued)} waiting ones are too many "
        f"for the lock {settings.run_lock}; try again later",
        instead=("wait for a run to end",),
    )
