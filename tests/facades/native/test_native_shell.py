"""What holds for the whole own API: unknown paths, methods, description, metrics, documents."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from native_client import NativeApi, NativeClient, two_steps
from native_server import NativeServer

from mulligan.core import errors
from mulligan.core.errors import InfrastructureError
from mulligan.core.ids import JobId, RunId
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.facades.common.errors import (
    BodyTooLargeError,
    KeyReusedError,
    RequestError,
    UnauthenticatedError,
)
from mulligan.facades.native.app import ENDPOINTS
from mulligan.facades.native.documents import locate, read_document
from mulligan.facades.native.problems import problem_of, problem_response
from mulligan.pipeline_yaml.document_error import DocumentError

DASHBOARD = Path(__file__).parents[3] / "docs/operate/grafana-mulligan.json"


def test_unknown_path(api: NativeApi) -> None:
    """A path that does not exist is a problem like any other."""
    assert api.get("/nothing", expect=404)["code"] == "not-found"
    api.get("/projects/", expect=404)


def test_too_often_says_when_again() -> None:
    """Who came too often, or while the database is away, is told when it is worth another try."""
    for error in (RequestError(429, "too many"), InfrastructureError("gone")):
        assert problem_response(problem_of(error)).headers["retry-after"] == "1"


def test_wrong_method(api: NativeApi) -> None:
    """A method that is not possible is answered with those that are."""
    answer = api.call("DELETE", "/projects/shop/runs", expect=405)

    assert answer.headers["allow"] == "GET"
    api.call("HEAD", "/projects/shop/runs")
    endless = api.call("HEAD", "/events?project=shop")
    assert endless.headers["content-type"].startswith("text/event-stream")
    assert endless.content == b""


def test_body_over_the_limit(api: NativeApi) -> None:
    """A body over the limit is refused."""
    answer = api.call("POST", "/tokens", content=b" " * (17 * 1024 * 1024), expect=413)

    assert answer.json()["code"] == "too-large"


def all_errors(kind: type[Exception]) -> Iterator[type[Exception]]:
    """Yield a class of errors and all below it."""
    yield kind
    for inner in kind.__subclasses__():
        yield from all_errors(inner)


GROUPS = {errors.MulliganError, errors.CallerError, errors.StateError}
REFUSAL = Refusal(code=RefusalCode.PIPELINE_LOCKED, message="locked")
MADE: dict[type[Exception], Exception] = {
    errors.NotFoundError: errors.NotFoundError("run", "b-1"),
    errors.ForbiddenError: errors.ForbiddenError("rudi", "skip", "shop"),
    errors.RefusedError: errors.RefusedError(REFUSAL),
}


def test_every_error_has_a_problem() -> None:
    """Each class of the core's error tree becomes a problem with a fitting status."""
    statuses = {}
    for kind in all_errors(errors.MulliganError):
        if kind.__module__ != errors.__name__ or kind in GROUPS:
            continue
        statuses[kind.__name__] = problem_of(MADE.get(kind) or kind("message")).status

    assert statuses == {
        "InvalidError": 422,
        "NotFoundError": 404,
        "ForbiddenError": 403,
        "ConflictError": 409,
        "RefusedError": 409,
        "StaleRevisionError": 409,
        "StaleFenceError": 409,
        "IllegalTransitionError": 409,
        "InfrastructureError": 503,
    }


def test_every_refusal_has_a_problem() -> None:
    """Each reason for a refusal becomes a problem of its own code, and never a server error."""
    for code in RefusalCode:
        problem = problem_of(errors.RefusedError(Refusal(code=code, message="no", node="e-1")))

        assert problem.code == code.value
        assert 400 < problem.status < 500
        assert problem.node == "e-1"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnauthenticatedError(), 401),
        (BodyTooLargeError(5), 413),
        (KeyReusedError("k"), 422),
        (DocumentError("torn", 3, 4), 422),
        (ValueError("a bug"), 500),
    ],
)
def test_errors_of_requests(error: Exception, status: int) -> None:
    """Errors of the request itself have their own status; a bug tells nothing about itself."""
    problem = problem_of(error)

    assert problem.status == status
    assert "bug" not in problem.detail


def test_description_is_complete(api: NativeApi) -> None:
    """Every endpoint is described, every reference leads somewhere, nobody needs a token."""
    document = api.acting_as("").get("/openapi.json")

    assert document["openapi"] == "3.1.0"
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    references = set(re.findall(r"'#/components/([\w/]+)'", str(document)))
    assert references
    for reference in references:
        group, name = reference.split("/")
        assert name in document["components"][group]


def operations(document: Any) -> Iterator[Any]:
    """Yield every operation of a description."""
    for item in document["paths"].values():
        yield from item.values()


def test_description_of_each_operation(api: NativeApi) -> None:
    """Operations have unique names; parameters of the path are declared; errors are problems."""
    document = api.get("/openapi.json")

    names = [operation["operationId"] for operation in operations(document)]
    assert len(names) == len(set(names))
    for path, item in document["paths"].items():
        for operation in item.values():
            declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert declared == set(re.findall(r"\{(\w+)\}", path))
            assert "default" in operation["responses"]
            assert operation["summary"]
            status = next(iter(operation["responses"]))
            assert 200 <= int(status) < 300
    open_ones = [one["operationId"] for one in operations(document) if one.get("security") == []]
    # a signed link and a signed delivery are their own credentials; nobody is signed in before it
    assert open_ones == ["download", "take_delivery", "open_session", "show_session", "describe"]


def metric(text: str, name: str) -> float:
    """Return the value of a metric."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[-1])


def test_metrics(api: NativeApi) -> None:
    """Ended runs are counted by status; what runs now and waits is shown."""
    api.server.clock.advance(1)
    api.server.executor.fail("build", times=1)
    pipeline = api.make_pipeline()
    api.wait(api.start(pipeline), "failed")
    api.wait(api.start(pipeline), "succeeded")
    api.server.executor.hold("build")
    api.start(pipeline)
    api.wait_started("build", 3)

    answer = api.call("GET", "/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert metric(answer.text, 'mulligan_runs_total{status="failed"}') == 1
    assert metric(answer.text, 'mulligan_runs_total{status="succeeded"}') == 1
    assert metric(answer.text, 'mulligan_runs_total{status="cancelled"}') == 0
    assert metric(answer.text, "mulligan_steps_running") == 1
    assert metric(answer.text, "mulligan_queue_depth") == 0
    assert metric(answer.text, "mulligan_fenced_reports_total") == 0
    assert metric(answer.text, "mulligan_lost_attempts_total") == 0


def totals(api: NativeApi) -> tuple[float, float]:
    """Return how many runs have failed and succeeded."""
    text = api.call("GET", "/metrics").text
    failed = metric(text, 'mulligan_runs_total{status="failed"}')
    return failed, metric(text, 'mulligan_runs_total{status="succeeded"}')


def test_repaired_run_counts_twice(api: NativeApi) -> None:
    """A counter never goes down: a run that failed and was repaired has failed and succeeded."""
    api.server.clock.advance(1)
    api.server.executor.fail("build", times=1)
    run = api.run_to_end()["id"]
    failed = totals(api)

    api.post(f"/projects/shop/runs/{run}/recovery/apply")
    api.wait(run, "succeeded")

    assert [failed, totals(api)] == [(1, 0), (1, 1)]


def test_metrics_go_on_after_a_restart(tmp_path: Path) -> None:
    """Runs of an earlier life of the server are in the counters, once."""
    first = NativeServer(tmp_path)
    with NativeClient(first) as api:
        api.post("/projects", {"name": "shop"}, expect=201)
        pipeline = api.make_pipeline()
        api.wait(api.start(pipeline))

    second = NativeServer(tmp_path, admin_token=first.admin_token)
    with NativeClient(second) as api:
        second.clock.advance(60)
        api.wait(api.start(pipeline))
        counted = [totals(api) for _ in range(2)]
        api.wait(api.start(pipeline))
        after = totals(api)

    assert counted == [(0, 2), (0, 2)]
    assert after == (0, 3)


def test_lost_attempts_are_counted(tmp_path: Path) -> None:
    """A step attempt whose runner is gone counts as lost."""
    with NativeClient(NativeServer(tmp_path)) as api:
        api.post("/projects", {"name": "shop"}, expect=201)
        api.server.executor.hold("build")
        run = api.start(api.make_pipeline())
        api.wait_started("build")
        job = api.run(run)["stages"][0]["jobs"][0]["id"]

        api.in_loop(lambda: api.server.engine.lose_job(RunId(run), JobId(job)))

        counted = metric(api.call("GET", "/metrics").text, "mulligan_lost_attempts_total")
    assert counted == 1


def test_metrics_of_recovery(api: NativeApi) -> None:
    """A repaired run is broken once and recovered once; one that breaks again counts again."""
    api.server.clock.advance(1)
    api.server.executor.fail("build", times=1)
    run = api.run_to_end()["id"]
    api.server.clock.advance(90)
    api.post(f"/projects/shop/runs/{run}/recovery/apply")
    api.wait(run, "succeeded")
    api.post(f"/projects/shop/runs/{run}/recovery/apply")
    api.wait(run, "succeeded")

    text = api.call("GET", "/metrics").text

    assert metric(text, "mulligan_broken_runs_total") == 1
    assert metric(text, "mulligan_recovered_runs_total") == 1
    assert metric(text, "mulligan_cure_ratio") == 1
    assert metric(text, 'mulligan_recovery_total{mode="retry",result="success"}') == 2
    assert metric(text, "mulligan_recovery_duration_seconds_sum") == 90
    assert metric(text, 'mulligan_recovery_duration_seconds_bucket{le="60"}') == 0
    assert metric(text, 'mulligan_recovery_duration_seconds_bucket{le="300"}') == 1
    assert metric(text, "mulligan_recovery_duration_seconds_count") == 1
    assert metric(text, 'cicd_pipeline_run_errors_total{error_type="user"}') == 1
    done = 'cicd_pipeline_run_duration_seconds_count{state="executing",result="success"}'
    assert metric(text, done) == 2

    api.server.executor.fail("build", times=1)
    api.post(f"/projects/shop/runs/{run}/recovery/apply")
    api.wait(run, "failed")
    api.server.clock.advance(7)
    api.post(f"/projects/shop/runs/{run}/recovery/apply")
    api.wait(run, "succeeded")

    again = api.call("GET", "/metrics").text
    assert metric(again, "mulligan_broken_runs_total") == 2
    assert metric(again, "mulligan_recovered_runs_total") == 2
    assert metric(again, "mulligan_recovery_duration_seconds_sum") == 97


def test_metrics_of_what_goes_on(api: NativeApi) -> None:
    """Runs are counted by their state, those of a pipeline by its name if that is wanted."""
    live = api.server.live
    live._most_pipelines = 1
    pipeline = api.make_pipeline()
    api.wait(api.start(pipeline))
    other = api.make_pipeline({**two_steps(), "name": 'the "other" one'})
    api.wait(api.start(other))
    api.server.executor.hold("build")
    api.start(pipeline)
    api.wait_started("build", 3)

    text = api.call("GET", "/metrics").text

    assert metric(text, 'cicd_pipeline_run_active{state="executing"}') == 1
    assert metric(text, 'cicd_pipeline_run_active{state="pending"}') == 0
    named = 'mulligan_pipeline_runs_total{project="shop",pipeline="two",status="succeeded"}'
    assert metric(text, named) == 1
    rest = 'mulligan_pipeline_runs_total{project="",pipeline="",status="succeeded"}'
    assert metric(text, rest) == 1


def test_dashboard_shows_what_is_measured(api: NativeApi) -> None:
    """Every metric that the dashboard asks for exists, with the labels that it groups by."""
    dashboard = json.loads(DASHBOARD.read_text())
    text = api.call("GET", "/metrics").text
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\b(?:mulligan|cicd)_\w+", target["expr"])
    }

    assert len(asked) > 10
    for name in asked:
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert name in kinds or kinds.get(base) == "histogram", name
    places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]
    assert len(places) == len(set(places))


def test_public_metrics(tmp_path: Path) -> None:
    """With `metrics.public` nobody needs a token for the numbers."""
    with NativeClient(NativeServer(tmp_path, metrics_public=True)) as api:
        api.acting_as("").call("GET", "/metrics")


# --- documents --------------------------------------------------------------------------------

BOTH = b"""{"a": {"b": [1, 2, {"c": "x}y\\""}]},
  "d": [
 true, {"e/f": null}]}"""


@pytest.mark.parametrize("is_yaml", [False, True])
@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("", (1, 1)),
        ("/a", (1, 7)),
        ("/a/b/2/c", (1, 26)),
        ("/d/1/e~1f", (3, 16)),
        ("/d/7", (2, 8)),
        ("/nothing/at/all", (1, 1)),
    ],
)
def test_places(pointer: str, place: tuple[int, int], is_yaml: bool) -> None:
    """A pointer is found by line and column, in both formats, or its nearest parent is."""
    assert locate(BOTH, pointer, is_yaml=is_yaml) == place


def test_yaml_means_what_json_says() -> None:
    """Plain texts are null, booleans and numbers as in JSON; all else stays a text."""
    text = (
        b"a: 5\nb: on\nc: '5'\nd: 1.5\ne: 0123\nf: 1e999\ng: ~\nh: 2020-01-01\ni: !!str 7\nj: No\n"
    )

    assert read_document(text) == {
        "a": 5,
        "b": "on",
        "c": "5",
        "d": 1.5,
        "e": "0123",
        "f": "1e999",
        "g": None,
        "h": "2020-01-01",
        "i": "7",
        "j": "No",
    }


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        (b'{"a": 1,}', 1, 9, "expecting property name"),
        (b'{\n "a": NaN}', 2, 7, "NaN"),
        (b'{"a":' * 100_000, 1, 1, "nested too deep"),
        (b"a: 1\na: 2", 2, 1, "stands twice"),
        (b"a: *b", 1, 4, "no anchor"),
        (b"a: &a [*a]", 1, 8, "holds itself"),
        (b"a: 1\n---\nb: 2", 2, 1, "only one document"),
        (b"? [1]\n: 2", 1, 3, "a key must be a text"),
        (b"ok: 1\nbad: \xff", 2, 6, "not UTF-8"),
        (b"- " * 5000, 1, 203, "nested deeper"),
    ],
)
def test_malformed_documents(text: bytes, line: int, column: int, words: str) -> None:
    """What can't be read is refused with its place."""
    with pytest.raises(DocumentError) as caught:
        read_document(text)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in caught.value.message
