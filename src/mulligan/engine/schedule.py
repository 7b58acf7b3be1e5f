"""When the timers of a definition fire, by the time zones that they are in."""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from mulligan.core.ids import PipelineId
from mulligan.core.spec import PipelineSpec
from mulligan.core.trigger_records import Timer, TriggerChange
from mulligan.core.triggers.cron import next_fire
from mulligan.core.triggers.spec import TimerSpec, TriggerKind
from mulligan.ports import Clock


class Schedule:
    """The times of timers.

    Args:
        zone: Name of the time zone of timers that name none.
    """

    def __init__(self, clock: Clock, zone: str = "UTC") -> None:
        self._clock = clock
        self._zone = zone

    def next_at(self, timer: TimerSpec, after: datetime) -> datetime | None:
        """Return when a timer fires next; None = never."""
        return next_fire(timer.lines, after, zone_of(timer.zone or self._zone))

    def defined(self, pipeline: PipelineId, spec: PipelineSpec | None) -> TriggerChange:
        """Return what a new definition changes; None = the pipeline is deleted."""
        triggers = [] if spec is None else [each for each in spec.triggers if each.enabled]
        now = self._clock.now()
        timers = tuple(
            Timer(pipeline=pipeline, trigger=each.id, next_at=self.next_at(each.timer, now))
            for each in triggers
            if each.timer is not None
        )
        listens = any(each.kind is TriggerKind.CODE for each in triggers)
        return TriggerChange(defined=pipeline, timers=timers, listens=listens)


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """Return a time zone; UTC if there is none of that name. Reads a small file, once."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC
