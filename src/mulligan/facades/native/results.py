"""What the steps of a run leave to be kept: artifacts, and the tests in their reports."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote

from starlette.responses import Response

from mulligan.core.errors import NotFoundError
from mulligan.core.expressions.errors import ExpressionError
from mulligan.core.ids import StepId
from mulligan.core.records import Artifact
from mulligan.core.rights import Permission
from mulligan.core.run import Run
from mulligan.core.spec import SpecIndex
from mulligan.core.tested import TestedCase, count_cases
from mulligan.engine.case_reports import MOST_FILES, tests_of
from mulligan.engine.package_names import path_of_output
from mulligan.engine.publishing import outputs_of, place_of
from mulligan.facades.native import queries
from mulligan.facades.native.downloads import attachment
from mulligan.facades.native.endpoints import OCTETS, Call, Endpoint, Query, answer
from mulligan.facades.native.run_views import Snapshot
from mulligan.facades.native.runs import ONE_RUN, run_of
from mulligan.facades.native.shapes import Shape

_MOST_DIGITS = 9  # of the number of an attempt


class ArtifactView(Shape, frozen=True, kw_only=True):
    """A file that a step kept.

    Args:
        name: Last part of its path; of an output of a build, of its path in the package.
        path: In the run; an attempt of a step has one file of a path.
        package: Where an output of a build was published: organisation/repository/package/
            version/path; null for others.
        size: In bytes.
        attempt: Of the step; `run_attempt`: of the run, when it was kept.
        newest: Kept by the newest attempt of its step: what later steps and downloads take.
        download: Path of its bytes on this server.
    """

    name: str
    path: str
    package: str | None
    size: int
    sha256: str
    step: str
    step_name: str
    attempt: int
    run_attempt: int
    newest: bool
    created_at: datetime
    download: str


class ArtifactList(Shape, frozen=True, kw_only=True):
    """A page of artifacts. `total`: on all pages."""

    items: tuple[ArtifactView, ...]
    total: int
    next_cursor: str | None


class TestState(StrEnum):
    """What became of a test; `flaky` is one that passed after it had failed, too."""

    __test__ = False  # none for pytest

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    FLAKY = "flaky"


class TestView(Shape, frozen=True, kw_only=True):
    """A test.

    Args:
        state: passed, failed, error or skipped.
        flaky: It passed after it had failed, although nothing of its job had been changed.
        seconds: null: its report does not say.
        report: Path of the file that says so.
    """

    __test__ = False  # none for pytest

    step: str
    step_name: str
    attempt: int
    report: str
    suite: str
    name: str
    state: str
    flaky: bool
    message: str
    seconds: float | None


class TestList(Shape, frozen=True, kw_only=True):
    """A page of tests.

    Args:
        counts: Of all tests, by state; `total` and `flaky` besides.
        reports_read, reports_left_out: Files; those are left out that are too many or too large.
    """

    __test__ = False  # none for pytest

    items: tuple[TestView, ...]
    counts: dict[str, int]
    reports_read: int
    reports_left_out: int
    next_cursor: str | None


async def list_artifacts(call: Call) -> Response:
    """List what the steps of a run kept, oldest first."""
    run = await run_of(call)
    number = _attempt(call, run)
    kept = [
        artifact
        for artifact in await call.services.store.list_artifacts(run.head.id)
        if number in {None, artifact.run_attempt}
    ]
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    page, cursor = queries.page_of(kept[offset : offset + wanted + 1], offset, wanted)
    items = tuple(_artifacts(run, page))
    return answer(ArtifactList(items=items, total=len(kept), next_cursor=cursor))


def _attempt(call: Call, run: Run) -> int | None:
    """Return the attempt of the run that is asked about."""
    number = queries.whole(call.request, "attempt", least=1)
    if number is not None and number > run.head.attempt:
        raise NotFoundError("attempt", str(number))
    return number


def _artifacts(run: Run, page: Iterable[Artifact]) -> Iterable[ArtifactView]:
    base = f"/api/v1/projects/{quote(run.head.project, safe='')}/runs/{run.head.id}/artifacts"
    for each in page:
        is_known = each.step in run.index.steps  # not of a copy that is gone
        newest = is_known and run.step(each.step).attempt == each.attempt
        package = _package(run, each) if newest else None
        yield ArtifactView(
            name=(package or each.path).rsplit("/", 1)[-1],
            path=each.path,
            package=package,
            size=each.size,
            sha256=each.digest,
            step=each.step,
            step_name=run.index.steps[each.step].name if is_known else "",
            attempt=each.attempt,
            run_attempt=each.run_attempt,
            newest=newest,
            created_at=each.created_at,
            download=f"{base}/{quote(each.step, safe='')}/{each.attempt}/{quote(each.path)}",
        )


def _package(run: Run, artifact: Artifact) -> str | None:
    """Tell where an output of a build was published, by the variables that the run has now."""
    try:
        place = place_of(artifact.path, outputs_of(run, artifact.step))
        if place is None:
            return None
        parts = [str(place[name]) for name in ("namespace", "package", "version")]
        return "/".join([*parts, path_of_output(place)])
    except (ExpressionError, KeyError):
        return None  # what was published then had other values


async def download_artifact(call: Call) -> Response:
    """Give the bytes of an artifact; `Range` gives a part of them."""
    run = await run_of(call)
    path, number = call.part("path"), call.part("attempt")
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        raise NotFoundError("artifact", path)
    place = (call.part("step"), int(number), path)
    for each in await call.services.store.list_artifacts(run.head.id):
        if (each.step, each.attempt, each.path) == place:
            (view,) = _artifacts(run, (each,))
            return await attachment(call, each, view.name)
    raise NotFoundError("artifact", path)


async def list_tests(call: Call) -> Response:
    """List the tests in the reports that the steps of a run kept."""
    run = await run_of(call)
    wanted = queries.words(call.request, "state", TestState) or (
        TestState.FAILED,
        TestState.ERROR,
        TestState.FLAKY,
    )
    text = queries.text(call.request, "name").casefold()
    store = call.services.store
    number = _attempt(call, run)
    history = None
    if number not in {None, run.head.attempt}:
        history = await store.history(run.head.id)
    # copies of matrix jobs that it had may be gone by now
    snapshot = Snapshot(run, history, number)
    index = snapshot.index
    found = await tests_of(
        store, call.services.software.path_of, run.head.id, index, attempts_of(snapshot)
    )
    fitting = [each for each in found.cases if _fits(each, wanted, text)]
    offset, limit = queries.offset(call.request), queries.limit(call.request)
    page, cursor = queries.page_of(fitting[offset : offset + limit + 1], offset, limit)
    return answer(
        TestList(
            items=tuple(_test(index, each) for each in page),
            counts=count_cases(found.cases),
            reports_read=found.read,
            reports_left_out=found.left_out,
            next_cursor=cursor,
        )
    )


def attempts_of(snapshot: Snapshot) -> dict[StepId, int]:
    """Return at which attempt each step of a run is."""
    return {
        spec.id: snapshot.recorded_step(spec).attempt
        for job in snapshot.index.all_jobs()
        for spec in job.steps
    }


def _fits(each: TestedCase, states: tuple[TestState, ...], text: str) -> bool:
    if each.state not in states and not (each.flaky and TestState.FLAKY in states):
        return False
    return not text or text in f"{each.case.suite}.{each.case.name}".casefold()


def _test(index: SpecIndex, each: TestedCase) -> TestView:
    return TestView(
        step=each.step,
        step_name=index.steps[each.step].name,
        attempt=each.attempt,
        report=each.path,
        suite=each.case.suite,
        name=each.case.name,
        state=each.state,
        flaky=each.flaky,
        message=each.case.message,
        seconds=each.case.seconds,
    )


_WHOLE = {"type": "integer", "minimum": 1}
_ARTIFACTS = ONE_RUN + "/artifacts"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_ARTIFACTS,
        act=list_artifacts,
        summary="List the files that the steps of a run kept",
        needs=Permission.VIEW,
        answer=ArtifactList,
        query=(
            Query("attempt", "Only what this attempt of the run kept; all if absent.", _WHOLE),
            *queries.PAGED,
        ),
    ),
    Endpoint(
        method="GET",
        path=_ARTIFACTS + "/{step}/{attempt}/{path}",
        act=download_artifact,
        summary="Give the bytes of an artifact to be kept as a file; its path may hold slashes",
        needs=Permission.DOWNLOAD,
        media=OCTETS,
    ),
    Endpoint(
        method="GET",
        path=ONE_RUN + "/tests",
        act=list_tests,
        summary="List the tests of a run, by the JUnit reports that its steps kept",
        needs=Permission.DOWNLOAD,
        answer=TestList,
        query=(
            Query(
                "state",
                "Only of these states, separated by commas: "
                + ", ".join(TestState)
                + f"; failed, error and flaky if absent. At most {MOST_FILES} reports are read.",
            ),
            Query("name", "Only those that have this text in their name."),
            Query("attempt", "As this attempt of the run left it; the newest if absent.", _WHOLE),
            *queries.PAGED,
        ),
    ),
)
