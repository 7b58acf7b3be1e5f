"""What lists of runs and pipelines look like on pages. Seconds are numbers with a fraction."""

from datetime import datetime

from mulligan.facades.native.shapes import PipelineView, RecoveredView, RunSummary, Shape


class StageMini(Shape, frozen=True, kw_only=True):
    """A stage of a run as lists show it."""

    id: str
    name: str
    is_finally: bool
    status: str
    cause: str | None


class RunItem(RunSummary, frozen=True, kw_only=True):
    """A run as lists show it.

    Args:
        attempts: How often it was gone over: 1 and each retry of the ended run.
        branch, commit: Of the event that started it; "" of others.
        recovered: It succeeded after something of it had failed.
        queue_seconds: From its start to its first work; null while it waits.
        run_seconds: From its first work to its end; null while it goes on.
        stages: In the order of the definition; none when that version is gone.
    """

    attempts: int
    branch: str
    commit: str
    recovered: bool
    recovery: RecoveredView | None
    queue_seconds: float | None
    run_seconds: float | None
    stages: tuple[StageMini, ...]


class RunList(Shape, frozen=True, kw_only=True):
    """A page of runs. `next_cursor`: null at the end."""

    items: tuple[RunItem, ...]
    next_cursor: str | None


class RecentRunView(Shape, frozen=True, kw_only=True):
    """A run as a bar: its height is `run_seconds`, its colour `status`, its dot `recovered`."""

    id: str
    number: int
    status: str
    cause: str | None
    actor: str
    start_kind: str
    branch: str
    message: str
    recovered: bool
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    run_seconds: float | None


class PipelineItem(PipelineView, frozen=True, kw_only=True):
    """A pipeline as lists show it.

    Args:
        owner: Who made it.
        last_run: The newest; null without runs.
        recent: Up to 20, newest first.
        p50_seconds, p95_seconds: Of the recent runs that have succeeded; null without.
        success_share, recovered_share: Of the recent runs that have ended, 0 to 1; null without.
    """

    owner: str
    last_run: RecentRunView | None
    recent: tuple[RecentRunView, ...]
    p50_seconds: float | None
    p95_seconds: float | None
    success_share: float | None
    recovered_share: float | None


class PipelineList(Shape, frozen=True, kw_only=True):
    """A page of pipelines."""

    items: tuple[PipelineItem, ...]
    next_cursor: str | None


class VersionItem(Shape, frozen=True, kw_only=True):
    """A version of a pipeline. `made_from`: the version that it began as."""

    version: int
    created_by: str
    created_at: datetime
    dialect: str
    note: str
    made_from: int | None
    is_newest: bool


class VersionList(Shape, frozen=True, kw_only=True):
    """The versions of a pipeline that are kept, newest first."""

    items: tuple[VersionItem, ...]
    next_cursor: str | None = None
