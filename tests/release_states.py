"""Releases that have come so far, by the definition that they run: where many tables begin."""

from mulligan.core.cause import Cause
from mulligan.core.spec import PipelineSpec
from mulligan.core.status import Status
from release_run import Release

_LAST = 3


def done(spec: PipelineSpec, *indexes: int) -> Release:
    """Give a release whose stages have succeeded."""
    release = Release(spec)
    release.work_through(*indexes)
    return release


def under_way(spec: PipelineSpec, *indexes: int) -> Release:
    """Give a release whose next stage behind these is at work."""
    release = done(spec, *indexes)
    release.begin()
    return release


def failed_at(spec: PipelineSpec, index: int, cause: Cause = Cause.USER) -> Release:
    """Give a release that failed at a stage."""
    release = done(spec, *range(index))
    release.work(index, cause)
    return release


def cancelled_at_1(spec: PipelineSpec) -> Release:
    """Give a release that was cancelled while its second stage was at work."""
    release = under_way(spec, 0)
    release.cancel()
    release.end(1, status=Status.CANCELLED)
    return release


def goes_back(spec: PipelineSpec) -> Release:
    """Give a release of four stages whose second one is being rolled back."""
    release = done(spec, *range(_LAST + 1))
    release.roll_back(1)
    return release


def went_back(spec: PipelineSpec, cause: Cause | None = None) -> Release:
    """Give one whose rollback has ended."""
    release = goes_back(spec)
    release.work(1, cause)
    return release
