"""What a hostile or broken client, a full disk, a jumping clock and long use do to a server."""

from __future__ import annotations

import http.client
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import pytest

from e2e.scenario import (
    BAD_REQUEST,
    NOT_FOUND,
    OK,
    Build,
    Reply,
    Scenario,
    assert_refused,
    new_project,
)
from mulligan.store.check import check
from mulligan.testing.bkci import DEFAULT_PREFIX, BkciClient
from mulligan.testing.http_client import Answer
from mulligan.testing.models import Workbench, job, one_job, pipeline, retry_model, review, stage
from mulligan.testing.models import step as step_of
from mulligan.testing.server import ServerProcess, poll_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mulligan.testing.http_client import Query, QueryValue

T = TypeVar("T")
Json = dict[str, Any]

DAY_S = 86_400
UNAUTHORIZED, FORBIDDEN, WRONG_METHOD = 401, 403, 405
CONFLICT, TOO_LARGE, WRONG_TYPE, WRONG_HOST = 409, 413, 415, 421
HEADERS_TOO_LARGE, UNAVAILABLE = 431, 503
USAGE = 2
MIB = 1024 * 1024
JOB_NOT_FINISHED, STAGE_BUSY, STAGE_OVER = 2101110, 2101129, 2101273


def send(
    url: str,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send a request on a connection of its own, the body as it is."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        fields = {"Content-Type": "application/json", "X-DEVOPS-UID": "mallory", **(headers or {})}
        connection.request(method, path, body, fields)
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(http=response.status, headers=names, content=response.read())
    finally:
        connection.close()


def in_project(project: str, tail: str) -> str:
    """Return the path of a call of the BK-CI dialect."""
    return f"{DEFAULT_PREFIX}/projects/{project}/{tail}"


def together(client: BkciClient, *acts: Callable[[BkciClient], T]) -> list[T]:
    """Do all acts at the same instant, each with a connection and a thread of its own."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[BkciClient], T]) -> T:
        with client.acting_as(client.user) as own:
            own.http.request("GET", "/healthz")  # connected before it counts
            barrier.wait()
            return act(own)

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def findings(server: ServerProcess) -> list[str]:
    """Return what is inconsistent in the database of a server."""
    return check(server.data / "mulligan.db")


def assert_ready(server: ServerProcess) -> None:
    """Assert that the server answers, and has logged no error that nobody expected."""
    assert send(server.url, "GET", "/readyz").http == OK
    assert "Traceback" not in server.log_text()


@pytest.fixture
def demo(client: BkciClient, bench: Workbench) -> Scenario:
    """Give the retry tests' pipeline."""
    return Scenario(client, bench, retry_model(bench))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Run a server that demands credentials."""
    with ServerProcess(tmp_path_factory.mktemp("guarded") / "data", dev=False) as process:
        yield process


# --- requests ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "",
        "buildId=",
        "buildId=%20%09",
        "buildId=b-00000000000000000000000000000000",
        "buildId=..%2F..%2Fetc%2Fpasswd",
        "buildId=%00",
        "buildId=%ff%fe",
        "buildId=" + "b" * 5000,
        "buildId={build}&pipelineId=p-00000000000000000000000000000000",
        "buildId={build}&skip=maybe",
        "buildId={build}&taskId=stage-2&failedContainer=1",
        "buildNum=1",
        "buildNum=one&pipelineId={pipeline}",
        "buildNum=-1&pipelineId={pipeline}",
        "buildNum=2&pipelineId={pipeline}",
        "buildNum=99999999999999999999999&pipelineId={pipeline}",
    ],
)
def test_retry_of_what_is_not_there_is_a_bad_request(
    server: ServerProcess, demo: Scenario, query: str
) -> None:
    """Names that are missing, wrong or nonsense are answered 400 in the wrapper; nothing runs."""
    build = demo.run_broken("e12")
    filled = query.replace("{build}", build.id).replace("{pipeline}", demo.pipeline)

    answer = send(server.url, "POST", in_project(demo.project, f"build_retry?{filled}"))

    assert_refused(answer.pair, BAD_REQUEST, BAD_REQUEST)
    assert build.detail().execute_count == 1
    assert demo.bench.counts("e11", "e12", "e21") == [1, 1, 1]
    assert_ready(server)


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", "build_status?buildId={build}"),
        ("GET", "build_detail?buildId={build}"),
        ("GET", "build_failed_tasks?buildId={build}"),
        ("POST", "build_stop?buildId={build}"),
        ("POST", "build_restart?buildId={build}"),
        ("POST", "update_remark?buildId={build}"),
        ("POST", "build_start?pipelineId={pipeline}"),
        ("GET", "logs/init_logs?buildId={build}"),
        ("GET", "logs/download_logs?buildId={build}"),
        ("GET", "pipelines/pipeline?pipelineId={pipeline}"),
        ("DELETE", "pipelines/pipeline?pipelineId={pipeline}"),
    ],
)
def test_nothing_is_reached_through_another_project(
    server: ServerProcess, demo: Scenario, method: str, tail: str
) -> None:
    """What belongs to one project does not exist in another, to look at or to change."""
    build = demo.run()
    other = new_project(demo.client)
    filled = tail.replace("{build}", build.id).replace("{pipeline}", demo.pipeline)
    body = b'{"remark": "stolen"}' if "remark" in tail else None

    answer = send(server.url, method, in_project(other, filled), body)

    assert answer.http == NOT_FOUND, str(answer)
    assert answer.body["status"] != 0
    status = build.status()
    assert (status["status"], status.get("remark")) == ("SUCCEED", None)
    assert demo.client.pipeline_get(demo.project, demo.pipeline)["name"] == "demo"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200 + b"]" * 200,
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b"[" * 2_000_000,
        b'{"name": "\xff\xfe"}',
        b'{"name": "\\ud800"}',
        b'{"name": ' + b"9" * 5000 + b"}",
        b'{"name": 1e999}',
        b'{"name": "x"',
        b"{'name': 'x'}",
        b'\xef\xbb\xbf{"name": "x"',
    ],
)
@pytest.mark.parametrize("dialect", ["bkci", "native"])
def test_broken_json_is_a_bad_request(server: ServerProcess, body: bytes, dialect: str) -> None:
    """JSON that is nested too deep, no UTF-8 or cut off is answered 400 in the caller's dialect."""
    bkci = in_project("default", "pipelines/pipeline")
    path = {"bkci": bkci, "native": "/api/v1/projects"}[dialect]

    answer = send(server.url, "POST", path, body)

    assert answer.http == BAD_REQUEST, str(answer)
    assert answer.body["status"] == BAD_REQUEST
    assert_ready(server)


@pytest.mark.parametrize("body", [b"", b"null", b"17", b'"text"', b"[]", b"[{}]"])
def test_model_that_is_no_object_is_refused(server: ServerProcess, body: bytes) -> None:
    """A definition that is another kind of JSON is refused, whatever it is."""
    answer = send(server.url, "POST", in_project("default", "pipelines/pipeline"), body)

    assert answer.http == BAD_REQUEST
    assert answer.body["status"] != 0


def _pieces(mebibytes: int) -> Iterator[bytes]:
    for _ in range(mebibytes):
        yield b" " * MIB


@pytest.mark.parametrize("is_announced", [True, False], ids=["content-length", "chunked"])
@pytest.mark.parametrize("dialect", ["bkci", "native"])
def test_body_over_the_limit_is_refused(
    server: ServerProcess, dialect: str, *, is_announced: bool
) -> None:
    """A body over 16 MiB is answered 413, also to a client that sends all of it before it reads."""
    bkci = in_project("default", "pipelines/pipeline")
    path = {"bkci": bkci, "native": "/api/v1/projects"}[dialect]
    body = b" " * (40 * MIB) if is_announced else _pieces(40)

    answer = send(server.url, "POST", path, body)

    assert answer.http == TOO_LARGE
    assert answer.body["status"] == TOO_LARGE
    assert_ready(server)


@pytest.mark.parametrize("path", [in_project("default", "build_status"), "/api/v1/projects", "/"])
@pytest.mark.parametrize("count", [1, 90])
def test_headers_over_the_limit_are_refused(server: ServerProcess, path: str, count: int) -> None:
    """Headers of more than 64 KiB, in one piece or many, are answered 431."""
    headers = {f"X-Filler-{number}": "x" * (70_000 // count) for number in range(count)}

    answer = send(server.url, "GET", path, headers=headers)

    assert answer.http == HEADERS_TOO_LARGE
    assert answer.body["status"] == HEADERS_TOO_LARGE


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"]
)
def test_body_of_another_type_is_refused(
    server: ServerProcess, demo: Scenario, media_type: str
) -> None:
    """A body that calls itself something else than JSON is answered 415, and starts nothing."""
    path = in_project(demo.project, f"build_start?pipelineId={demo.pipeline}")

    answer = send(server.url, "POST", path, b'{"env": "x"}', {"Content-Type": media_type})

    assert_refused(answer.pair, WRONG_TYPE, WRONG_TYPE)
    assert demo.client.histories(demo.project, demo.pipeline)["count"] == 0


@pytest.mark.parametrize(
    ("method", "path", "http_status"),
    [
        ("GET", in_project("default", "build_retry"), WRONG_METHOD),
        ("DELETE", in_project("default", "build_start"), WRONG_METHOD),
        ("PATCH", in_project("default", "pipelines/pipeline"), WRONG_METHOD),
        ("POST", in_project("default", "build_status"), WRONG_METHOD),
        ("GET", in_project("default", "build_retry/more"), NOT_FOUND),
        ("GET", in_project("default", ""), NOT_FOUND),
        ("GET", f"{DEFAULT_PREFIX}/nothing", NOT_FOUND),
        ("GET", "/api/other/v4/projects/default/build_status", BAD_REQUEST),
        ("GET", "/api/v1/nothing", NOT_FOUND),
        ("PATCH", "/api/v1/projects", WRONG_METHOD),
        ("GET", "/nothing", NOT_FOUND),
        ("GET", "/../../etc/passwd", NOT_FOUND),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", NOT_FOUND),
        ("GET", "//api/v1/projects", NOT_FOUND),
    ],
)
def test_calls_that_do_not_exist(
    server: ServerProcess, method: str, path: str, http_status: int
) -> None:
    """An unknown path is 404, a known one with another method 405, an unknown gateway 400."""
    answer = send(server.url, method, path)

    assert answer.http == http_status, str(answer)
    assert_ready(server)


OPEN_PATHS = ["/healthz", "/readyz", "/", "/api/v1/openapi.json"]
CLOSED_PATHS = [
    in_project("default", "build_status"),
    in_project("default", "nothing"),
    "/api/other/v4/projects/default/build_status",
    "/api/v1/projects",
    "/api/v1/nothing",
    "/api/v1/events?project=default",
    "/api/v1/dev/clock",
    "/metrics",
    "/nothing",
    "/v3/nothing",
]


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_open_paths_need_no_credential(guarded: ServerProcess, path: str) -> None:
    """Health, the page and the description of the API are for everybody."""
    assert send(guarded.url, "GET", path).http == OK


@pytest.mark.parametrize("path", CLOSED_PATHS)
@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"X-DEVOPS-UID": "admin"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"X-Bkapi-Authorization": '{"bk_username": "admin"}'},
        {"X-Bkapi-Authorization": '{"a":' + "[" * 5000},
        {"X-Bkapi-Authorization": '{"access_token": {"a": 1}}'},
        {"X-Auth-Token": "wrong"},
    ],
    ids=lambda given: "+".join(f"{k}={v[:12]}" for k, v in given.items()) or "none",
)
def test_nothing_else_is_answered_without_a_credential(
    guarded: ServerProcess, path: str, credential: dict[str, str]
) -> None:
    """Without a valid credential every other path says 401, or 404 where there is nothing."""
    answer = send(guarded.url, "GET", path, headers=credential)

    unknown = {UNAUTHORIZED, NOT_FOUND} if "nothing" in path else {UNAUTHORIZED, WRONG_METHOD}
    assert answer.http in unknown, str(answer)


def test_token_of_the_first_start_opens_and_the_clock_stays_shut(guarded: ServerProcess) -> None:
    """The administrator's token is a credential; without `--dev` nobody can move the clock."""
    bearer = {"Authorization": f"Bearer {guarded.admin_token()}"}

    known = send(guarded.url, "GET", "/api/v1/projects", headers=bearer)
    clock = send(guarded.url, "POST", "/api/v1/dev/clock", b'{"advance": 60}', bearer)

    assert known.http == OK
    assert clock.http == NOT_FOUND
    assert (guarded.data / "admin-token").stat().st_mode & 0o777 == 0o600
    assert guarded.data.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "evil.example:127.0.0.1", "", "0.0.0.0"]
)
@pytest.mark.parametrize("path", ["/healthz", in_project("default", "project_list"), "/api/v1/x"])
def test_foreign_host_is_refused(server: ServerProcess, host: str, path: str) -> None:
    """A development server answers for loopback names only (DNS rebinding)."""
    answer = send(server.url, "GET", path, headers={"Host": host})

    assert answer.http == WRONG_HOST
    assert answer.body["status"] == WRONG_HOST


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]:8710"])
def test_loopback_hosts_are_answered(server: ServerProcess, host: str) -> None:
    """Every name of the loopback interface is the server's own."""
    assert send(server.url, "GET", "/healthz", headers={"Host": host}).http == OK


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_page_of_another_site_changes_nothing(
    server: ServerProcess, demo: Scenario, headers: dict[str, str]
) -> None:
    """A state-changing call from another site's page is answered 403, and nothing starts."""
    start = in_project(demo.project, f"build_start?pipelineId={demo.pipeline}")
    clock = b'{"advance": 1}'

    refused = send(server.url, "POST", start, b" " * MIB, headers)
    also = send(server.url, "POST", "/api/v1/dev/clock", clock, headers)
    looked = send(server.url, "GET", in_project(demo.project, "pipelines/pipeline_list"), None)

    assert (refused.http, refused.body["status"]) == (FORBIDDEN, FORBIDDEN)
    assert also.http == FORBIDDEN
    assert looked.http == OK
    assert demo.client.histories(demo.project, demo.pipeline)["count"] == 0


def test_own_page_may_change_things(server: ServerProcess, demo: Scenario) -> None:
    """The server's own page is no other site."""
    start = in_project(demo.project, f"build_start?pipelineId={demo.pipeline}")
    headers = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}

    answer = send(server.url, "POST", start, headers=headers)

    assert answer.http == OK
    demo.client.wait_finished(demo.project, answer.data["id"])


@pytest.mark.parametrize(
    ("flags", "origin"),
    [((), "127.0.0.1 api"), (("--set", "http.trusted_proxies=127.0.0.0/8"), "6.6.6.6 api")],
)
def test_only_named_proxies_say_where_a_call_comes_from(
    tmp_path: Path, flags: tuple[str, ...], origin: str
) -> None:
    """A step on this machine can't put another address into the audit trail."""
    with ServerProcess(tmp_path / "data", *flags) as process:
        with BkciClient(process.url) as client:
            project = new_project(client)
            made = client.pipeline_create(project, one_job("one", [step_of("one", "true")]))
        own = f"/api/v1/projects/{project}"
        forged = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}
        started = send(process.url, "POST", f"{own}/pipelines/{made}/runs", b"{}", forged)
        trail = send(process.url, "GET", f"{own}/audit").body["items"]

    assert started.http == 201
    assert [entry["origin"] for entry in trail if entry["action"] == "run.start"] == [origin]


@pytest.mark.parametrize("path", [in_project("default", "build_start?pipelineId=p-1"), "/api/v1/x"])
def test_client_that_goes_away_in_the_middle(server: ServerProcess, path: str) -> None:
    """A body that ends before its length, and heads that never end, leave no trace."""
    parts = urlsplit(server.url)
    address = (parts.hostname or "", parts.port or 0)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{{"

    for length in (1, 20, len(head) - 3, len(head)):
        with socket.create_connection(address) as connection:
            connection.sendall(head[:length].encode())

    assert_ready(server)


def _serve(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mulligan", "serve", "--port", "0", "--data", str(data)]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=20, check=False
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_development_server_listens_on_loopback_only(tmp_path: Path, host: str) -> None:
    """`--dev` on another address ends with 2 before anything is made."""
    ended = _serve(tmp_path / "data", "--dev", "--host", host)

    assert (ended.returncode, ended.stdout) == (USAGE, "")
    assert host in ended.stderr
    assert not (tmp_path / "data").exists()


def test_every_wrong_setting_is_named(tmp_path: Path) -> None:
    """Unknown settings and bad values of all three sources end with 2, all of them named."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "mulligan.toml").write_text("[limits]\nbody_mb = 'zero'\n[nothing]\nx = 1\n")
    os_environment = {**os.environ, "MULLIGAN_RECOVERY__ON_LOST": "never"}
    command = [sys.executable, "-m", "mulligan", "serve", "--port", "0", "--data", str(data)]

    ended = subprocess.run(
        [*command, "--set", "steps.grace_s=nan", "--set", "no.such=1", "--set", "nonsense"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=os_environment,
    )

    assert (ended.returncode, ended.stdout) == (USAGE, "")
    wrong = ["limits.body_mb", "nothing.x", "recovery.on_lost", "steps.grace_s", "no.such"]
    assert [name for name in [*wrong, "nonsense"] if name not in ended.stderr] == []
    assert sorted(entry.name for entry in data.iterdir()) == ["mulligan.toml"]


# --- races ------------------------------------------------------------------------------------


def test_fifty_starts_at_once_get_fifty_numbers(client: BkciClient) -> None:
    """Simultaneous starts are all answered, each with a number of its own and none left out."""
    project = new_project(client)
    pipeline_id = client.pipeline_create(project, one_job("tiny", [step_of("tiny", "true")]))

    replies = together(client, *[lambda own: own.try_start(project, pipeline_id)] * 50)

    assert {http_status for http_status, _ in replies} == {OK}
    numbers = [body["data"]["num"] for _, body in replies]
    assert sorted(numbers) == list(range(1, 51))
    views = [client.wait_finished(project, body["data"]["id"]) for _, body in replies]
    assert {view.status for view in views} == {"SUCCEED"}


def test_same_key_at_once_starts_one_build(server: ServerProcess, client: BkciClient) -> None:
    """Ten starts with one `Idempotency-Key` are one start, beside ten others."""
    project = new_project(client)
    pipeline_id = client.pipeline_create(project, one_job("tiny", [step_of("tiny", "true")]))
    tail = f"build_start?pipelineId={pipeline_id}"
    key = {"Idempotency-Key": "the same"}

    answers = together(
        client,
        *[lambda own: own.call("POST", project, tail, headers=key)] * 10,
        *[lambda own: own.call("POST", project, tail)] * 10,
    )

    assert {answer.http for answer in answers} == {OK}
    assert len({answer.data["id"] for answer in answers[:10]}) == 1
    assert len({answer.data["id"] for answer in answers}) == 11
    assert client.histories(project, pipeline_id)["count"] == 11
    for answer in answers:
        client.wait_finished(project, answer.data["id"])
    assert findings(server) == []


def test_restarts_at_once(demo: Scenario) -> None:
    """Each starts another build or is told that the build is being restarted, nothing else."""
    for _ in range(2):
        demo.bench.hold("e12")
        build = demo.start()
        build.wait_ran("e12")
        restart = partial(_restart, build=build)

        replies = together(demo.client, *[restart] * 4)
        demo.bench.release("e12")

        assert build.wait().status == "CANCELED"
        assert OK in {http_status for http_status, _ in replies}
        for http_status, body in replies:
            if http_status == OK:
                assert demo.client.wait_finished(demo.project, body["data"]).status == "SUCCEED"
            else:
                assert_refused((http_status, body), BAD_REQUEST, 2101141)


def test_identical_retries_at_once_make_one_attempt(demo: Scenario) -> None:
    """Of ten identical retries exactly one makes an attempt; the others learn what they found."""
    for _ in range(5):
        build = demo.run_broken("e12")
        demo.bench.repair("e12")
        before = demo.bench.ran("e12")
        retry = partial(_retry_as, build=build, user="alice", task="e12")

        replies = together(demo.client, *[retry] * 10)

        view = build.wait()
        assert (view.status, view.execute_count) == ("SUCCEED", 2)
        assert demo.bench.ran("e12") == before + 1
        assert OK in {http_status for http_status, _ in replies}
        for http_status, body in replies:
            if http_status == OK:
                assert body["data"]["executeCount"] == 2
            else:
                assert_refused((http_status, body), BAD_REQUEST, body["status"])
                # the last of them may come when all is repaired and over
                assert body["status"] in {JOB_NOT_FINISHED, STAGE_BUSY, STAGE_OVER}


def test_retry_and_skip_of_one_step_at_once(demo: Scenario) -> None:
    """A retry and a skip of the same step exclude each other: one of the two happens."""
    for _ in range(5):
        build = demo.run_broken("e12")
        demo.bench.repair("e12")
        before = demo.bench.ran("e12")
        retry = partial(_retry_as, build=build, user="alice", task="e12")
        demo.bench.hold("e31")  # else one may come when what the other did is over

        retried, skipped = together(demo.client, retry, partial(retry, skip=True))

        demo.bench.release("e31")
        view = build.wait()
        assert sorted([retried[0], skipped[0]]) == [OK, BAD_REQUEST]
        wanted, more = ("SUCCEED", 1) if retried[0] == OK else ("SKIP", 0)
        assert view.task("e12").get("status") == wanted
        assert demo.bench.ran("e12") == before + more
        assert (view.status, view.execute_count) == ("SUCCEED", 2)


def test_different_retries_of_two_users_at_once(demo: Scenario) -> None:
    """Two users who repair two jobs of a stage either both succeed, or one is told of the other."""
    for _ in range(5):
        build = demo.run_broken("e12", "e21")
        demo.bench.repair("e12", "e21")
        before = demo.bench.counts("e11", "e12", "e21")

        replies = together(
            demo.client,
            partial(_retry_as, build=build, user="bob", task="e12"),
            partial(_retry_as, build=build, user="eve", task="e21"),
        )

        view = build.wait()
        good = [http_status == OK for http_status, _ in replies]
        assert any(good)
        ran = [now - then for now, then in zip(_counts(demo), before, strict=True)]
        assert ran == [0, int(good[0]), int(good[1])]
        assert view.status == ("SUCCEED" if all(good) else "FAILED")


def _retry_as(own: BkciClient, build: Build, user: str, task: str, **query: QueryValue) -> Reply:
    scenario = build.scenario
    given = {"buildId": build.id, "taskId": scenario.ids[task], **query}
    return own.retry(scenario.project, headers={"X-DEVOPS-UID": user}, **given)


def _restart(own: BkciClient, build: Build) -> Reply:
    query: Query = {"buildId": build.id}
    return own.call("POST", build.scenario.project, "build_restart", query=query).pair


def _stop(own: BkciClient, build: Build) -> Reply:
    return own.stop(build.scenario.project, build.id)


def _counts(demo: Scenario) -> list[int]:
    return demo.bench.counts("e11", "e12", "e21")


def _half_failed(demo: Scenario) -> Build:
    """Start a build whose first job has failed while the second one is held."""
    demo.bench.break_steps("e12")
    demo.bench.hold("e21")
    held = demo.bench.ran("e21") + 1
    build = demo.start()
    build.wait_job("1", "FAILED")
    build.wait_ran("e21", held)
    demo.bench.repair("e12")
    return build


def test_retry_against_stop(demo: Scenario) -> None:
    """Whichever comes first, a stopped build ends, red, and nothing of it is left running."""
    for _ in range(5):
        build = _half_failed(demo)

        retried, stopped = together(
            demo.client,
            partial(_retry_as, build=build, user="alice", task="e12"),
            partial(_stop, build=build),
        )
        demo.bench.release("e21")

        view = build.wait()
        assert stopped[0] == OK
        assert retried[0] in {OK, BAD_REQUEST}
        assert view.status in {"CANCELED", "FAILED"}
        assert view.task("e21")["status"] == "CANCELED"
        assert view.task("e31").get("status") in {None, "UNEXEC"}
        assert view.task("e41")["status"] == "SUCCEED"


def test_retry_exactly_while_the_stage_ends(server: ServerProcess, demo: Scenario) -> None:
    """A retry that meets the end of its stage is carried out whole, or refused and nothing runs."""
    chance = random.Random(20)
    for _ in range(20):
        build = _half_failed(demo)
        before = _counts(demo)
        demo.bench.release("e21")
        time.sleep(chance.uniform(0, 0.08))  # aims at the end of e21, before and after

        http_status, body = build.retry("e12")

        view = build.wait()
        ran = [now - then for now, then in zip(_counts(demo), before, strict=True)]
        if http_status == OK:
            assert body["data"]["executeCount"] == view.execute_count
            assert (view.status, ran) == ("SUCCEED", [0, 1, 0])
            assert view.statuses("e11", "e12", "e13", "e21", "e31") == ["SUCCEED"] * 5
        else:
            assert_refused((http_status, body), BAD_REQUEST, STAGE_OVER)
            assert (view.status, ran) == ("FAILED", [0, 0, 0])
    assert findings(server) == []


def test_edits_at_once_are_versions_or_conflicts(client: BkciClient) -> None:
    """Simultaneous edits become one version each, or are refused; none is lost in silence."""
    project = new_project(client)
    model = one_job("edited", [step_of("only", "true")])
    pipeline_id = client.pipeline_create(project, model)
    query = {"pipelineId": pipeline_id}

    answers = together(
        client,
        *[
            lambda own: own.call("PUT", project, "pipelines/pipeline", query=query, body=model)
            for _ in range(10)
        ],
    )

    assert {answer.http for answer in answers} <= {OK, CONFLICT}
    made = sum(answer.http == OK for answer in answers)
    build = client.start(project, pipeline_id)["id"]
    client.wait_finished(project, build)
    assert client.status(project, build)["pipelineVersion"] == 1 + made


# --- a full disk ------------------------------------------------------------------------------


class SmallDisk:
    """Own a small file system of its own, which can be filled and freed."""

    def __init__(self, path: Path) -> None:
        """Mount it.

        Raises:
            OSError: this user may not, or the system has no such file system.
        """
        path.mkdir()
        self.path = path
        mount = shutil.which("mount")
        if mount is None:
            raise OSError("there is no program `mount`")
        command = [mount, "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OSError(done.stderr.strip() or done.stdout.strip())

    def fill(self) -> None:
        """Leave not a single byte."""
        with (self.path / "filler").open("ab", buffering=0) as file:
            for size in (MIB, 4096, 1):
                self._append(file.fileno(), b"\0" * size)
        assert shutil.disk_usage(self.path).free == 0

    @staticmethod
    def _append(descriptor: int, piece: bytes) -> None:
        try:
            while True:
                os.write(descriptor, piece)
        except OSError:
            return  # full

    def free(self) -> None:
        """Give back what was filled."""
        (self.path / "filler").unlink()

    def close(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "-l", str(self.path)], check=False)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Give a small disk, or skip the test and say why."""
    try:
        disk = SmallDisk(tmp_path / "disk")
    except OSError as error:
        pytest.skip(f"no small disk to be had: {error}")
    yield disk
    disk.close()


class FullDiskScene:
    """Prepare what has to go on when the disk is full: a run, a review, a queue, a failure."""

    def __init__(self, client: BkciClient, bench: Workbench) -> None:
        """Make the pipelines, start what is held, fail what is to be retried."""
        self.client, self.bench = client, bench
        self.project = new_project(client)
        loud = bench.script("b1", "seq 1 200000")
        jobs = [
            job("a", [step_of("a1", bench.script("a1")), step_of("a2", bench.script("a2"))]),
            job("b", [step_of("b1", loud), step_of("b2", bench.script("b2"))]),
        ]
        self.tiny = self._pipeline(one_job("tiny", [step_of("tiny", "true")]))
        self.failed = self._failed(retry_model(bench, "failed"))
        reviewed = self._pipeline(retry_model(bench, "reviewed", check_in=review(["alice"])))
        self.reviewed = self._start(reviewed)
        client.wait_status(self.project, self.reviewed, "STAGE_SUCCESS")
        serial = self._pipeline(one_job("serial", [step_of("s1", bench.script("s1"))]))
        client.change_setting(self.project, serial, runLockType="SINGLE", waitQueueTimeMinute=60)
        bench.hold("a1", "b1", "s1")
        self.serial = [self._start(serial), self._start(serial)]
        self.run = self._start(self._pipeline(pipeline("run", [stage("one", jobs)])))
        poll_until(lambda: bench.counts("a1", "b1", "s1") == [1, 1, 1], what="all are held")

    def _pipeline(self, model: Json) -> str:
        return self.client.pipeline_create(self.project, model)

    def _start(self, pipeline_id: str) -> str:
        return str(self.client.start(self.project, pipeline_id)["id"])

    def _failed(self, model: Json) -> Scenario:
        self.bench.break_steps("e12")
        scenario = Scenario(self.client, self.bench, model, self.project)
        self.failed_build = scenario.start()
        assert self.failed_build.wait().status == "FAILED"
        self.bench.repair("e12")
        return scenario

    def changes(self) -> list[Answer]:
        """Try to change something in every way and return the answers."""
        call, project = self.client.call, self.project
        start: Query = {"pipelineId": self.tiny}
        retry: Query = {"buildId": self.failed_build.id, "taskId": self.failed.ids["e12"]}
        model = one_job("more", [step_of("more", "true")])
        native = self.client.http.request
        return [
            call("POST", project, "build_start", query=start),
            call("POST", project, "build_start", query=start, headers={"Idempotency-Key": "k"}),
            call("POST", project, "build_retry", query=retry),
            call("POST", project, "build_stop", query={"buildId": self.run}),
            call("POST", project, "pipelines/pipeline", body=model),
            native("POST", "/api/v1/projects", body={"name": "more"}),
            native("POST", "/api/v1/tokens", body={"name": "more"}),
        ]


@pytest.mark.slow
def test_full_disk_loses_and_invents_nothing(
    small_disk: SmallDisk, tmp_path: Path, bench: Workbench
) -> None:
    """On a full disk requests fail clearly and work goes on; with space all is caught up."""
    data = tmp_path / "server"  # beside it go the logs of the server process, off the small disk
    (small_disk.path / "data").mkdir()
    data.symlink_to(small_disk.path / "data")
    with ServerProcess(data, "--runners", "8") as server, BkciClient(server.url) as client:
        scene = FullDiskScene(client, bench)
        small_disk.fill()

        refused = scene.changes()
        client.advance_clock(25 * 3600)  # the review's time is over now, and nobody can note it
        bench.release("a1", "b1", "s1")
        poll_until(
            lambda: "report_waits" in server.log_text() and "timer_waits" in server.log_text(),
            what="a report and a timer met the full disk",
        )
        seen = client.detail(scene.project, scene.run).statuses("a1", "a2", "b2")
        small_disk.free()

        view = client.wait_finished(scene.project, scene.run, 60)
        assert [answer.http for answer in refused] == [UNAVAILABLE] * len(refused)
        assert all(answer.body["status"] for answer in refused)
        assert seen == ["RUNNING", "QUEUE", "QUEUE"]
        assert view.status == "SUCCEED"
        assert bench.counts("a1", "a2", "b1", "b2") == [1, 1, 1, 1]
        _assert_caught_up(scene)
        assert "Traceback" not in server.log_text()
        assert findings(server) == []


def _assert_caught_up(scene: FullDiskScene) -> None:
    client, project = scene.client, scene.project
    for build in scene.serial:
        assert client.wait_finished(project, build, 60).status in {"SUCCEED", "QUEUE_TIMEOUT"}
    rejected = client.wait_finished(project, scene.reviewed, 60)
    assert rejected.task("e31").get("status") in {None, "UNEXEC"}
    assert scene.failed_build.detail().execute_count == 1
    assert client.histories(project, scene.tiny)["count"] == 0
    assert client.start(project, scene.tiny)["num"] == 1
    number = client.logs(project, "last_line_num", scene.run)["lastLineNum"]
    assert number == 200_000
    tail = client.logs(project, "after_line", scene.run, start=number - 2)["logs"]
    assert [line["message"] for line in tail] == ["199998", "199999", "200000"]


# --- clock, servers, restarts -----------------------------------------------------------------


def test_clock_jump_ends_nothing_that_runs(own_client: BkciClient, bench: Workbench) -> None:
    """A clock that jumps by a day fires what waits for an hour, and leaves running steps alone."""
    project = new_project(own_client)
    bench.hold("slow", "turn")
    slow = step_of("slow", bench.script("slow"), timeout=1)
    running = own_client.start(
        project, own_client.pipeline_create(project, one_job("slow", [slow]))
    )
    reviewed = own_client.start(
        project,
        own_client.pipeline_create(project, retry_model(bench, check_in=review(["alice"]))),
    )
    serial = own_client.pipeline_create(
        project, one_job("turn", [step_of("turn", bench.script("turn"))])
    )
    own_client.change_setting(project, serial, runLockType="SINGLE", waitQueueTimeMinute=60)
    first, queued = own_client.start(project, serial), own_client.start(project, serial)
    own_client.wait_status(project, reviewed["id"], "STAGE_SUCCESS")
    poll_until(lambda: bench.counts("slow", "turn") == [1, 1], what="both are held")

    own_client.advance_clock(DAY_S + 60)

    late = own_client.wait_finished(project, queued["id"])
    rejected = own_client.wait_finished(project, reviewed["id"])
    still = [own_client.status(project, build["id"])["status"] for build in (running, first)]
    bench.release("slow", "turn")
    views = [own_client.wait_finished(project, build["id"]) for build in (running, first)]
    assert late.status == "QUEUE_TIMEOUT"
    assert rejected.task("e31").get("status") in {None, "UNEXEC"}
    assert rejected.task("e41")["status"] == "SUCCEED"
    assert still == ["RUNNING", "RUNNING"]
    assert [view.status for view in views] == ["SUCCEED", "SUCCEED"]
    assert bench.counts("slow", "turn") == [1, 1]


def test_timers_survive_a_restart(own_server: ServerProcess, bench: Workbench) -> None:
    """A review whose time ends while the server is down is refused by the next one."""
    with BkciClient(own_server.url) as client:
        project = new_project(client)
        model = retry_model(bench, check_in=review(["alice"]))
        build = client.start(project, client.pipeline_create(project, model))["id"]
        client.wait_status(project, build, "STAGE_SUCCESS")

    own_server.restart()

    with BkciClient(own_server.url) as client:
        client.advance_clock(DAY_S + 60)
        view = client.wait_finished(project, build)
    assert view.task("e31").get("status") in {None, "UNEXEC"}
    assert view.task("e41")["status"] == "SUCCEED"


@pytest.mark.slow
def test_step_that_outlives_the_shutdown_is_taken_up_again(
    tmp_path: Path, bench: Workbench
) -> None:
    """SIGTERM waits for its grace only; the interrupted step is lost and runs once more."""
    settings = ("--set", "shutdown_grace_s=0.3", "--set", "steps.grace_s=0.3")
    script = "trap '' TERM\n" + bench.script("stubborn")
    model = one_job("stubborn", [step_of("first", bench.script("first")), step_of("held", script)])
    bench.hold("stubborn")
    with ServerProcess(tmp_path / "data", *settings) as server:
        with BkciClient(server.url) as client:
            project = new_project(client)
            build = client.start(project, client.pipeline_create(project, model))["id"]
            poll_until(lambda: bench.ran("stubborn") == 1, what="the step was started")

        code = server.terminate()
        bench.release("stubborn")
        server.start()

        with BkciClient(server.url) as client:
            view = client.wait_finished(project, build)
        found = findings(server)
    assert code == 0
    assert (view.status, view.execute_count) == ("SUCCEED", 1)
    assert bench.counts("first", "stubborn") == [1, 2]
    assert found == []


@pytest.mark.slow
def test_second_signal_ends_at_once(own_server: ServerProcess, bench: Workbench) -> None:
    """SIGTERM twice does not wait for running steps; nothing is broken afterwards."""
    bench.hold("held")
    with BkciClient(own_server.url) as client:
        project = new_project(client)
        model = one_job("held", [step_of("held", "trap '' TERM\n" + bench.script("held"))])
        build = client.start(project, client.pipeline_create(project, model))["id"]
        poll_until(lambda: bench.ran("held") == 1, what="the step was started")
    os.kill(own_server.pid, 15)
    poll_until(lambda: not _answers(own_server), what="it listens no more")

    code = own_server.terminate(timeout_s=5)
    bench.release("held")
    own_server.start()

    assert code == 0
    with BkciClient(own_server.url) as client:
        assert client.wait_finished(project, build).status == "SUCCEED"


def _answers(server: ServerProcess) -> bool:
    parts = urlsplit(server.url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.slow
def test_killed_again_and_again_while_it_starts(
    own_server: ServerProcess, bench: Workbench
) -> None:
    """A server that is killed many times within its start still takes all runs to their end."""
    names = [f"s{place}{number}" for place in range(3) for number in range(4)]
    jobs = [
        job(f"j{place}", [step_of(n, bench.script(n)) for n in names if n[1] == str(place)])
        for place in range(3)
    ]
    bench.hold(*names)
    with BkciClient(own_server.url) as client:
        project = new_project(client)
        pipeline_id = client.pipeline_create(project, pipeline("loop", [stage("one", jobs)]))
        builds = [client.start(project, pipeline_id)["id"] for _ in range(2)]
    own_server.kill()

    for number in range(8):
        _start_and_kill(own_server, 0.1 + 0.06 * number)
    bench.release(*names)
    own_server.start()

    with BkciClient(own_server.url) as client:
        views = [client.wait_finished(project, build) for build in builds]
    assert {view.status for view in views} <= {"SUCCEED", "FAILED"}
    for view in views:  # it may have spent its budget of lost attempts, which is no failure of ours
        lost = [n for n in names if view.task(n).get("status") == "HEARTBEAT_TIMEOUT"]
        assert (view.status == "SUCCEED") == (lost == [])
    assert findings(own_server) == []


def _start_and_kill(server: ServerProcess, lifetime_s: float) -> None:
    process = subprocess.Popen(
        server.command,
        env=server.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(lifetime_s)  # aims at an instant within the start
    process.kill()
    process.wait()


# --- long use ---------------------------------------------------------------------------------


def _open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def _memory_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


class Footprint:
    """Note what a server holds: open files of all its processes, memory, files left of runs."""

    def __init__(self, server: ServerProcess) -> None:
        """Look at it now."""
        pids = [server.pid]
        for pid in pids:
            pids += _children(pid)
        self.processes = len(pids)
        self.open_files = sum(_open_files(pid) for pid in pids)
        self.memory_mib = sum(_memory_mib(pid) for pid in pids)
        self.steps = len(list((server.data / "steps").iterdir()))
        self.workspaces = len(list((server.data / "workspaces").iterdir()))


@pytest.mark.slow
def test_long_use_leaves_nothing_behind(own_server: ServerProcess, bench: Workbench) -> None:
    """After 200 runs the server holds as many files and processes as after 50, and no workspace."""
    del bench
    jobs = [
        job("a", [step_of("a1", "echo one; sleep 300 & true"), step_of("a2", "echo two")]),
        job("b", [step_of("b1", "exit 0")]),
    ]
    with BkciClient(own_server.url) as client:
        project = new_project(client)
        pipeline_id = client.pipeline_create(project, pipeline("tiny", [stage("one", jobs)]))
        _run_many(client, project, pipeline_id, 50)
        early = _settled(own_server)

        _run_many(client, project, pipeline_id, 150)
        _go_away(own_server, project)

        late = _settled(own_server)
    assert (late.steps, late.workspaces) == (0, 0)
    assert late.processes == early.processes
    assert late.open_files <= early.open_files + 10
    assert late.memory_mib <= early.memory_mib + 16
    assert findings(own_server) == []


def _settled(server: ServerProcess) -> Footprint:
    def done() -> Footprint | None:
        seen = Footprint(server)
        return seen if (seen.steps, seen.workspaces) == (0, 0) else None

    return poll_until(done, what="the directories of all runs are gone")


def _run_many(client: BkciClient, project: str, pipeline_id: str, count: int) -> None:
    builds = [client.start(project, pipeline_id)["id"] for _ in range(count)]
    for build in builds:
        assert client.wait_finished(project, build, 60).status == "SUCCEED"
    for build in builds[:5]:
        assert client.logs(project, "init", build)["finished"]
        assert client.download(project, build).http == OK


def _go_away(server: ServerProcess, project: str) -> None:
    """Follow the events of a project from fifty connections, and close them all."""
    parts = urlsplit(server.url)
    address = (parts.hostname or "", parts.port or 0)
    request = f"GET /api/v1/events?project={project} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    before = _open_files(server.pid)
    followers = [socket.create_connection(address) for _ in range(50)]
    for follower in followers:
        follower.sendall(request.encode())
        assert follower.recv(12).startswith(b"HTTP/1.1 200")
        follower.close()
    # some more than before may be reading connections to the database
    poll_until(lambda: _open_files(server.pid) < before + 25, what="the followers are forgotten")
