"""Runs in memory: for each the newest snapshot decided on and the newest one that is stored.

Decisions of a run follow one another without waiting for the disk: the next one builds on `tip`,
and the group commit takes several at once. Nothing leaves the engine before its decision is
stored, and readers only see `stored`. If storing fails, the line is dropped; what was decided on
top of it fails too, because its base revision was never reached.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

from mulligan.core.admission import Load
from mulligan.core.ids import PipelineId, ProjectId, RunId
from mulligan.core.run import Run, RunHead
from mulligan.core.status import Status
from mulligan.ports import RunStore

K = TypeVar("K")
Group = tuple[ProjectId, str]  # a concurrency group

# Ended runs that stay in memory; a snapshot of a small run takes some 10 KB.
_KEPT_ENDED = 256


class Line:
    """The snapshots of one run."""

    __slots__ = ("_waiting", "in_flight", "is_broken", "stored", "tip")

    def __init__(self, run: Run) -> None:
        self.tip = run
        self.stored = run
        self.in_flight = 0
        self.is_broken = False
        self._waiting: list[asyncio.Future[None]] = []

    def landed(self) -> None:
        """Note that a decision is stored, or could not be."""
        self.in_flight -= 1
        if self.in_flight == 0:
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                if not each.done():
                    each.set_result(None)

    async def at_rest(self) -> bool:
        """Wait until no decision is on its way to the store; False if none was."""
        if self.in_flight == 0:
            return False
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter
        return True


class Lines:
    """A cache: losing an entry costs one read of the store."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._active: dict[RunId, Line] = {}
        self._by_pipeline: dict[PipelineId, dict[RunId, Line]] = {}
        self._by_group: dict[Group, dict[RunId, Line]] = {}
        self._ended: OrderedDict[RunId, Line] = OrderedDict()

    async def get(self, run_id: RunId) -> Line:
        """Return the line of a run, from memory or from the store.

        Raises:
            NotFoundError: No such run.
        """
        line = self.find(run_id)
        if line is None:
            run = await self._store.get_run(run_id)
            # another task may have been quicker: all must build on the same line
            line = self.find(run_id) or self.add(run)
        return line

    def find(self, run_id: RunId) -> Line | None:
        """Return the line if it is in memory."""
        return self._active.get(run_id) or self._ended.get(run_id)

    def add(self, run: Run) -> Line:
        """Begin a line with a snapshot that is stored, or about to be."""
        line = Line(run)
        self._file(run.head.id, line)
        return line

    def decided(self, line: Line, run: Run) -> None:
        """Note a decision before it is stored: a run that goes on again is a load from now on."""
        line.tip = run
        if not run.head.status.is_final and self.find(run.head.id) is line:
            self._file(run.head.id, line)

    def stored(self, line: Line, run: Run) -> None:
        """Note that a decision of the line is durable."""
        if run.head.revision > line.stored.head.revision or line.stored.head.revision == 0:
            line.stored = run
        if line.is_broken:
            self._count_broken(run.head.id, line)
        elif self.find(run.head.id) is line:
            self._file(run.head.id, line)

    def active(self) -> Iterator[Run]:
        """Yield the unfinished runs, as stored."""
        for line in self._active.values():
            yield line.stored

    def pipelines(self) -> tuple[PipelineId, ...]:
        """Return the pipelines that have unfinished runs in memory."""
        return tuple(self._by_pipeline)

    def groups(self) -> tuple[Group, ...]:
        """Return the concurrency groups that have unfinished runs in memory."""
        return tuple(self._by_group)

    def load(
        self, pipeline: PipelineId, *, but: RunId | None = None, without_groups: bool = False
    ) -> Load:
        """Tell what a pipeline has to do, leaving one run out, or those of groups."""
        runs = self._by_pipeline.get(pipeline, {})
        if without_groups:
            runs = {
                run_id: line for run_id, line in runs.items() if line.tip.head.concurrency is None
            }
        return _load(runs, but)

    def group_load(self, group: Group, *, but: RunId | None = None) -> Load:
        """Tell what a concurrency group has to do, leaving one run out."""
        return _load(self._by_group.get(group, {}), but)

    def unfinished(self, pipeline: PipelineId) -> list[Run]:
        """Return the unfinished runs of a pipeline, as decided."""
        return [line.tip for line in self._by_pipeline.get(pipeline, {}).values()]

    def running(self, pipeline: PipelineId) -> list[RunId]:
        """Return the runs of a pipeline that take a place, the oldest first."""
        return _running(self._by_pipeline.get(pipeline, {}))

    def group_running(self, group: Group) -> list[RunId]:
        """Return the run that has a concurrency group; reviews may have let in more than one."""
        return _running(self._by_group.get(group, {}))

    def members(self, group: Group) -> list[Run]:
        """Return the runs of a concurrency group that are stored as unfinished, oldest first.

        As decided, if that is further: what is only about to begin does not count yet.
        """
        lines = self._by_group.get(group, {}).values()
        known = (line for line in lines if line.stored.head.revision > 0)
        runs = [line.tip for line in known if not line.stored.head.status.is_final]
        return sorted(runs, key=lambda run: _age(run.head))

    def drop(self, run_id: RunId, line: Line) -> None:
        """Forget a line that could not be stored; an unfinished run still counts as a load."""
        line.is_broken = True
        if self._active.get(run_id) is line:
            del self._active[run_id]
        if self._ended.get(run_id) is line:
            del self._ended[run_id]
        self._count_broken(run_id, line)

    def _count_broken(self, run_id: RunId, line: Line) -> None:
        """Count a broken line as its run is stored, until the run is read again."""
        if self.find(run_id) is not None:
            return
        line.tip = line.stored
        head = line.stored.head
        if head.revision == 0 or head.status.is_final:
            self._uncount(head)
        else:
            self._count(head, line)

    def _file(self, run_id: RunId, line: Line) -> None:
        head = line.tip.head
        if not head.status.is_final:
            self._ended.pop(run_id, None)
            self._active[run_id] = line
            self._count(head, line)
            return
        self._active.pop(run_id, None)
        self._uncount(head)
        self._ended[run_id] = line
        self._ended.move_to_end(run_id)
        while len(self._ended) > _KEPT_ENDED:
            self._ended.popitem(last=False)

    def _count(self, head: RunHead, line: Line) -> None:
        self._by_pipeline.setdefault(head.pipeline, {})[head.id] = line
        group = group_of(head)
        if group is not None:
            self._by_group.setdefault(group, {})[head.id] = line

    def _uncount(self, head: RunHead) -> None:
        _remove(self._by_pipeline, head.pipeline, head.id)
        group = group_of(head)
        if group is not None:
            _remove(self._by_group, group, head.id)


def group_of(head: RunHead) -> Group | None:
    """Return the concurrency group of a run, if it has one."""
    return None if head.concurrency is None else (head.project, head.concurrency.group)


def _remove(index: dict[K, dict[RunId, Line]], key: K, run_id: RunId) -> None:
    lines = index.get(key, {})
    lines.pop(run_id, None)
    if not lines:
        index.pop(key, None)


def _age(head: RunHead) -> tuple[datetime, int, RunId]:
    return head.queued_at, head.number, head.id


def _load(lines: dict[RunId, Line], but: RunId | None) -> Load:
    queued: list[RunHead] = []
    running = waiting = 0
    for run_id, line in lines.items():
        head = line.tip.head
        if run_id == but:
            continue
        if line.tip.awaits_trigger:
            continue  # it takes no place before it is let go
        if head.status is Status.QUEUED:
            queued.append(head)
        elif line.tip.awaits_review:
            waiting += 1
        else:
            running += 1
    queued.sort(key=_age)
    return Load(queued=tuple(head.id for head in queued), running=running, waiting=waiting)


def _running(lines: dict[RunId, Line]) -> list[RunId]:
    runs = [line.tip for line in lines.values() if not line.tip.awaits_review]
    heads = [run.head for run in runs if run.head.status is Status.RUNNING]
    return [head.id for head in sorted(heads, key=_age)]
