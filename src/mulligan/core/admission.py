"""May a run begin now, must it wait, or is it refused? The run lock of a pipeline decides."""

import msgspec

from mulligan.core.ids import RunId
from mulligan.core.records import PipelineSettings
from mulligan.core.refusal import Refusal, RefusalCode


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a pipeline has to do. Runs that wait for a review are not running."""

    queued: tuple[RunId, ...]  # oldest first
    running: int
    waiting: int = 0  # runs that wait for a review


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """`begins`: at once, else it waits. `drops`: a waiting run that has to make room."""

    begins: bool
    drops: RunId | None = None


def admit(settings: PipelineSettings, load: Load, floor: int) -> Admission | Refusal:
    """Judge a start or retry (spec/bkci-build-api.md §2.2.1, table of run locks).

    Args:
        floor: Least number of unfinished runs at which a pipeline without serial lock is full.
    """
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
    if not load.queued and load.running == 0:
        return Admission(begins=True)
    if settings.max_queue_size == 0:
        return _full(settings, load)
    is_full = len(load.queued) >= settings.max_queue_size
    return Admission(begins=False, drops=load.queued[0] if is_full else None)


def may_leave_queue(settings: PipelineSettings, running: int) -> bool:
    """Tell whether the oldest waiting run may begin."""
    return running < (settings.max_running if settings.run_lock == "MULTIPLE" else 1)


def _full(settings: PipelineSettings, load: Load) -> Refusal:
    return Refusal(
        code=RefusalCode.QUEUE_FULL,
        message=f"{load.running} runs and {len(load.queued)} waiting ones are too many "
        f"for the lock {settings.run_lock}; try again later",
        instead=("wait for a run to end",),
    )
