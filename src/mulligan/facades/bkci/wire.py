"""What each call of the API takes, in its own field names: queries of builds and pipelines.

`bodies` reads what comes in bodies, `log_wire` the queries of logs.
"""

from datetime import datetime

import msgspec

from mulligan.core.errors import InvalidError
from mulligan.core.ids import PipelineId, ProjectId, RunId, UserName
from mulligan.facades.bkci.query import Query, blank
from mulligan.facades.bkci.status_in import read_status_filter
from mulligan.facades.bkci.texts import START_KINDS
from mulligan.ports import RunFilter

DEFAULT_PROJECT_PAGE = 10


class RunQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Calls on one run. `attempt`: `executeCount`, None = the latest."""

    run: RunId
    pipeline: PipelineId | None = None
    attempt: int | None = None


class RetryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`build_retry`: the run by id, or by pipeline and number."""

    run: RunId | None = None
    pipeline: PipelineId | None = None
    number: int | None = None
    target: str = ""
    only_failed: bool = False
    skip: bool = False


class StartQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`build_start` and the start form. `version_number`: the recommended version to be set."""

    pipeline: PipelineId
    version_number: int | None = None
    branch: str = ""
    version: int | None = None


class StageReviewQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`manual_start_build_stage`; the stage's id is not checked."""

    run: RunId
    stage: str
    pipeline: PipelineId | None = None
    cancel: bool = False


class StepReviewQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`manual_review`; `step` is an id or the author's own ref."""

    run: RunId
    step: str
    pipeline: PipelineId | None = None


class PipelineListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`pipeline_list`."""

    page: int
    page_size: int
    name_contains: str = ""


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`build_histories`.

    Args:
        where: All that the store can filter by.
        awaiting_review: Runs at an open review are asked for, though their status is RUNNING.
        total_min_ms / total_max_ms: Bounds of the time from start to end.
        nothing: A filter was given that no run can match (statuses of other levels, materials).
    """

    where: RunFilter
    page: int
    page_size: int
    by_update: bool = False
    awaiting_review: bool = False
    total_min_ms: int | None = None
    total_max_ms: int | None = None
    nothing: bool = False


def read_pipeline_id(query: Query) -> PipelineId:
    """Read the `pipelineId` that must be there."""
    return PipelineId(query.needed("pipelineId"))


def _pipeline(query: Query) -> PipelineId | None:
    text = query.text("pipelineId")
    return PipelineId(text) if text is not None else None


def read_run(query: Query) -> RunQuery:
    """Read the query of `build_status`, `build_stop`, `build_detail` and others on one run."""
    attempt = query.whole("executeCount")
    return RunQuery(
        run=RunId(query.needed("buildId")),
        pipeline=_pipeline(query),
        attempt=attempt if attempt is not None and attempt >= 1 else None,
    )


def read_retry(query: Query) -> RetryQuery:
    """Read the query of `build_retry`."""
    run, pipeline = query.text("buildId"), _pipeline(query)
    number = query.whole("buildNumber")
    if run is None and pipeline is None:
        raise _both("pipelineId", "buildId")
    if run is None and number is None:
        raise _both("buildId", "buildNumber")
    return RetryQuery(
        run=RunId(run) if run is not None else None,
        pipeline=pipeline,
        number=number,
        target=query.text("taskId") or "",
        only_failed=query.flag("failedContainer"),
        skip=query.flag("skip"),
    )


def _both(one: str, other: str) -> InvalidError:
    return InvalidError(
        f"{one} and {other} cannot be empty at the same time", pointer=one, code="missing"
    )


def read_start(query: Query) -> StartQuery:
    """Read the query of `build_start` or `build_manual_startup_info`."""
    return StartQuery(
        pipeline=read_pipeline_id(query),
        version_number=query.whole("buildNo"),
        branch=query.text("branch") or "",
        version=query.whole("version"),
    )


def read_stage_review(query: Query) -> StageReviewQuery:
    """Read the query of `manual_start_build_stage`."""
    return StageReviewQuery(
        run=RunId(query.needed("buildId")),
        stage=query.needed("stageId"),
        pipeline=_pipeline(query),
        cancel=query.flag("cancel"),
    )


def read_step_review(query: Query) -> StepReviewQuery:
    """Read the query of `manual_review`."""
    step = query.text("elementId") or query.text("stepId")
    if step is None:
        raise blank("elementId")
    return StepReviewQuery(run=RunId(query.needed("buildId")), step=step, pipeline=_pipeline(query))


def read_lock(query: Query) -> tuple[PipelineId, bool]:
    """Read the query of `pipeline_lock`: (pipeline, whether it is to be locked)."""
    pipeline = read_pipeline_id(query)
    query.needed("enable")
    return pipeline, not query.flag("enable")


def read_pipeline_list(query: Query, *, is_unlimited: bool = False) -> PipelineListQuery:
    """Read the query of `pipeline_list`."""
    page, page_size = query.page(is_unlimited=is_unlimited)
    return PipelineListQuery(
        page=page, page_size=page_size, name_contains=query.text("filterByPipelineName") or ""
    )


def read_project_list(query: Query, *, is_unlimited: bool = False) -> tuple[int, int]:
    """Read the query of `project_list`: (page, page size)."""
    return query.page(default_size=DEFAULT_PROJECT_PAGE, is_unlimited=is_unlimited)


# Filters on what triggered a run; runs of this server have no such material, so none match.
_MATERIAL_FILTERS = (
    "materialAlias",
    "materialUrl",
    "materialBranch",
    "materialCommitId",
    "materialCommitMessage",
    "triggerAlias",
    "triggerBranch",
)


def read_histories(query: Query, project: ProjectId, *, is_unlimited: bool = False) -> HistoryQuery:
    """Read the query of `build_histories`."""
    page, page_size = query.page(is_unlimited=is_unlimited)
    status = read_status_filter(query.texts("status"))
    queued_from, queued_to = _span(query, "queueTime")
    started_from, started_to = _span(query, "startTime")
    ended_from, ended_to = _span(query, "endTime")
    where = RunFilter(
        project=project,
        pipeline=read_pipeline_id(query),
        statuses=status.statuses,
        causes=status.causes,
        start_kinds=_start_kinds(query),
        actors=tuple(UserName(name) for name in query.texts("startUser")),
        number_from=query.whole("buildNoStart"),
        number_to=query.whole("buildNoEnd"),
        queued_from=queued_from,
        queued_to=queued_to,
        started_from=started_from,
        started_to=started_to,
        ended_from=ended_from,
        ended_to=ended_to,
        remark=query.text("remark"),
        message=query.text("buildMsg"),
    )
    return HistoryQuery(
        where=where,
        page=page,
        page_size=page_size,
        by_update=query.flag("updateTimeDesc"),
        awaiting_review=status.awaiting_review,
        total_min_ms=query.long("totalTimeMin"),
        total_max_ms=query.long("totalTimeMax"),
        nothing=status.nothing or any(query.texts(name) for name in _MATERIAL_FILTERS),
    )


def read_simple_histories(query: Query, project: ProjectId) -> HistoryQuery:
    """Read the query of `build_histories/simple`; its instants are texts of the server's zone."""
    status = read_status_filter(query.texts("status"))
    where = RunFilter(
        project=project,
        pipeline=read_pipeline_id(query),
        statuses=status.statuses,
        causes=status.causes,
        number_from=query.whole("buildNoStart"),
        number_to=query.whole("buildNoEnd"),
        started_from=query.local_time("startTimeFrom"),
        started_to=query.local_time("startTimeTo"),
        ended_from=query.local_time("endTimeFrom"),
        ended_to=query.local_time("endTimeTo"),
    )
    page, page_size = query.page()
    return HistoryQuery(
        where=where,
        page=page,
        page_size=page_size,
        by_update=query.flag("updateTimeDesc"),
        nothing=status.nothing,
    )


def _span(query: Query, name: str) -> tuple[datetime | None, datetime | None]:
    return query.instant(f"{name}StartTime"), query.instant(f"{name}EndTime")


def _start_kinds(query: Query) -> tuple[str, ...]:
    found = []
    for name in query.texts("trigger"):
        if name not in START_KINDS:
            raise InvalidError(
                f"unknown trigger {name[:100]!r}", pointer="trigger", code="bad-value"
            )
        found.append(START_KINDS[name])
    return tuple(found)
