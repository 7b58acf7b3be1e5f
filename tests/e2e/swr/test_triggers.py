"""Triggers of stages, channels between pipelines, code pushes, and messages after stages."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from e2e.swr.definitions import (
    build,
    builds,
    channel,
    definition,
    release_only,
    review,
    triggers,
    webhook,
)
from e2e.swr.scenario import (
    ACCEPTED,
    BUSY,
    NOT_AUTHENTICATED,
    ZERO_TIME,
    Pipeline,
    World,
    assert_empty_object,
    new_name,
    wait_ran,
)
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.swr.client import SwrClient
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

NOT_YET = (ACCEPTED, "SWR.2021107")


def staged(bench: Workbench, *names: str, gated: int = 1, **fields: Any) -> Json:
    """Return build stages of which one also waits for a webhook of its own."""
    given = builds(bench, *names, **fields)
    given["stages"][gated]["pre_operation"] = triggers("or", webhook())
    return given


def test_stage_waits_for_its_webhook(dev1: SwrClient, bench: Workbench) -> None:
    """A stage that is reached waits for its trigger, without a job, and runs by it."""
    pipeline = Pipeline(dev1, staged(bench, "one", "two"))
    pipeline.start()
    pipeline.wait_stage(1, "running")

    waiting = pipeline.status()
    jobs = pipeline.jobs(1)
    answer = pipeline.fire_stage(1)

    assert (waiting["status"], waiting["stage_index"]) == ("running", 1)
    assert jobs == []
    assert bench.ran("two") == 0
    assert_empty_object(answer)
    pipeline.settle("success")
    assert pipeline.job_counts() == [1, 1]


def test_early_signal_of_a_stage(dev1: SwrClient, bench: Workbench) -> None:
    """A signal before its stage is reached is 202, and counts when it is reached."""
    pipeline = Pipeline(dev1, staged(bench, "one", "two"))
    bench.hold("one")
    pipeline.start()
    wait_ran(bench, "one")

    answer = pipeline.fire_stage(1)

    assert answer.error == NOT_YET
    latches = pipeline.stage(1)["pre_operation"]["triggers_status"]
    assert [each["is_satisfied"] for each in latches] == [True]
    bench.release("one")
    pipeline.settle("success")
    assert bench.counts("one", "two") == [1, 1]


def test_signal_of_a_stage_without_a_run(dev1: SwrClient, bench: Workbench) -> None:
    """A stage's signal while nothing runs is 202 and is not kept."""
    pipeline = Pipeline(dev1, staged(bench, "one", "two"))

    answer = pipeline.fire_stage(1)
    pipeline.start()
    pipeline.wait_stage(1, "running")

    assert answer.error == NOT_YET
    assert pipeline.jobs(1) == []
    assert_empty_object(pipeline.fire_stage(1))
    pipeline.settle("success")


def test_retry_skips_the_condition_of_a_stage(dev1: SwrClient, bench: Workbench) -> None:
    """The call `start` on a stage that waits for its trigger runs it at once."""
    pipeline = Pipeline(dev1, staged(bench, "one", "two"))
    pipeline.start()
    pipeline.wait_stage(1, "running")

    answer = pipeline.retry(1)

    assert_empty_object(answer)
    pipeline.settle("success")
    assert pipeline.job_counts() == [1, 1]


def test_condition_of_the_first_stage_starts(dev1: SwrClient, bench: Workbench) -> None:
    """Without a condition of the pipeline, the trigger of its first stage starts the run."""
    pipeline = Pipeline(dev1, staged(bench, "one", "two", gated=0))

    answer = pipeline.fire_stage(0)

    assert_empty_object(answer)
    pipeline.settle("success")
    assert bench.counts("one", "two") == [1, 1]


def test_condition_of_a_stage_with_and(dev1: SwrClient, bench: Workbench) -> None:
    """With `and` a stage waits for both of its triggers."""
    given = builds(bench, "one", "two")
    given["stages"][1]["pre_operation"] = triggers("and", webhook(), webhook())
    pipeline = Pipeline(dev1, given)
    pipeline.start()
    pipeline.wait_stage(1, "running")

    first, second = pipeline.fire_stage(1, 0), pipeline.fire_stage(1, 1)

    assert first.error == NOT_YET
    assert_empty_object(second)
    pipeline.settle("success")


def test_webhook_while_a_review_asks(dev1: SwrClient) -> None:
    """A pipeline that is paused is busy for its webhook."""
    given = definition([review("one", "dev1")], pre_operation=triggers("or"))
    pipeline = Pipeline(dev1, given)
    assert_empty_object(pipeline.fire())
    pipeline.wait_asking(0)

    assert pipeline.fire().error == BUSY


def test_values_of_a_webhook(dev1: SwrClient, bench: Workbench) -> None:
    """The last of a repeated parameter wins; the values stay for a retry."""
    given = definition(
        [build("one", bench.script("one", bench.note("${VERSION}")))],
        pre_operation=triggers("or", webhook(v="VERSION")),
    )
    pipeline = Pipeline(dev1, given)
    bench.break_steps("one")

    answer = dev1.post(f"{pipeline.hook_path()}?v=a&v=b%20c")
    pipeline.settle("stage_exception")
    bench.repair("one")
    pipeline.retry(0)
    pipeline.settle("success")

    assert_empty_object(answer)
    assert bench.journal().count("b c") == 2
    assert pipeline.variables()["VERSION"] == "v0"


def test_latches_keep_the_newest_values(dev1: SwrClient, bench: Workbench) -> None:
    """The same trigger twice: its newest values are shown and used."""
    hooks = (webhook(v="VERSION"), webhook())
    given = definition(
        [build("one", bench.script("one", bench.note("${VERSION}")))],
        pre_operation=triggers("and", *hooks),
    )
    pipeline = Pipeline(dev1, given)
    pipeline.fire(0, v="old")
    pipeline.fire(0, v="new")

    shown = pipeline.status()["pre_operation"]["triggers_status"]
    pipeline.fire(1)
    pipeline.settle("success")

    assert shown[0] == {"is_satisfied": True, "webhook": {"input_params": {"v": "new"}}}
    assert shown[1]["is_satisfied"] is False
    assert "new" in bench.journal()


def test_webhook_needs_a_credential(world: World, dev1: SwrClient, bench: Workbench) -> None:
    """A webhook with a wrong credential is 401; the address alone does not start anything."""
    pipeline = Pipeline(dev1, builds(bench, "one", pre_operation=triggers("or")))
    client = world.anonymous()
    client.headers["X-Auth-Token"] = "wrong"

    answer = pipeline.fire(client=client)

    assert answer.error == NOT_AUTHENTICATED
    assert pipeline.status()["status"] == "waiting"


def test_channel_between_pipelines(dev1: SwrClient, bench: Workbench) -> None:
    """A pipeline that publishes on a channel starts those that subscribe, with its values."""
    name = new_name("base")
    message = {"triggers": [channel(name, version="VERSION")]}
    script = bench.script("two", bench.note("got ${VERSION}"))
    subscriber = Pipeline(
        dev1,
        definition(
            [build("two", script)],
            pre_operation=triggers("or", channel(name, version="VERSION")),
        ),
    )
    publisher = Pipeline(
        dev1, definition([build("one", bench.script("one"), post_operation=message)])
    )

    publisher.run("success", VERSION="v7")

    poll_until(lambda: subscriber.status()["start_time"] != ZERO_TIME, what="the other starts")
    subscriber.settle("success")
    assert "got v7" in bench.journal()


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[str, str, dict[str, str]]]]]:
    """Give the address of a server and the list of what it receives: method, path, query."""
    received: list[tuple[str, str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            received.append((self.command, parts.path, dict(parse_qsl(parts.query))))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(500 if parts.path == "/broken" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = do_POST  # noqa: N815 - names of the library

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", received
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_message_after_a_stage(dev1: SwrClient, bench: Workbench, method: str) -> None:
    """A message is sent after each result, with the values that it converts."""
    with receiver() as (url, received):
        hook = {
            "webhook": {"method": method, "url": f"{url}/hook?fixed=1"},
            "pipeline_param_converts": [{"name": "v", "pipeline_param_name": "VERSION"}],
        }
        given = definition([build("one", bench.script("one"), post_operation={"triggers": [hook]})])
        pipeline = Pipeline(dev1, given)
        bench.break_steps("one")
        pipeline.run("stage_exception", VERSION="v1")
        bench.repair("one")
        pipeline.retry(0)
        pipeline.settle("success")

        poll_until(lambda: len(received) == 2, what="two messages")

    assert received == [(method, "/hook", {"fixed": "1", "v": "v1"})] * 2


def test_message_that_fails_changes_nothing(dev1: SwrClient, bench: Workbench) -> None:
    """A message that is refused is a line of the log, no failure."""
    with receiver() as (url, received):
        hook = {"webhook": {"method": "POST", "url": f"{url}/broken"}}
        given = definition([build("one", bench.script("one"), post_operation={"triggers": [hook]})])
        pipeline = Pipeline(dev1, given)

        pipeline.run("success")
        poll_until(lambda: len(received) >= 1, what="a message")

    assert pipeline.status()["status"] == "success"


def test_message_only_on_failure(dev1: SwrClient, bench: Workbench) -> None:
    """A message with condition 2 is sent on an exception only."""
    with receiver() as (url, received):
        hooks = [
            {"webhook": {"method": "POST", "url": f"{url}/bad"}, "condition": 2},
            {"webhook": {"method": "POST", "url": f"{url}/good"}, "condition": 1},
        ]
        given = definition([build("one", bench.script("one"), post_operation={"triggers": hooks})])
        pipeline = Pipeline(dev1, given)
        pipeline.run("success")
        poll_until(lambda: len(received) == 1, what="one message")
        bench.break_steps("one")
        pipeline.run("stage_exception")
        poll_until(lambda: len(received) == 2, what="two messages")

    assert [path for _, path, _ in received] == ["/good", "/bad"]


def test_messages_of_rollbacks(dev1: SwrClient, target: Target) -> None:
    """A rollback sends no message when it succeeds, and the one of an exception when it fails."""
    with receiver() as (url, received):
        hooks = [
            {"webhook": {"method": "POST", "url": f"{url}/good"}, "condition": 1},
            {"webhook": {"method": "POST", "url": f"{url}/bad"}, "condition": 2},
        ]
        given = release_only(target)
        given["stages"][0]["post_operation"] = {"triggers": hooks}
        pipeline = Pipeline(dev1, given)
        for version in ("v1", "v2"):
            pipeline.run("success", VERSION=version)
        pipeline.roll_back()
        pipeline.run("success", VERSION="v3")
        target.set("rollback.broken")
        pipeline.rollback(0)
        pipeline.settle("rollback_failed")
        poll_until(lambda: len(received) >= 4, what="four messages")

    assert [path for _, path, _ in received] == ["/good", "/good", "/good", "/bad"]


def test_no_message_of_a_cancelled_stage(dev1: SwrClient, bench: Workbench) -> None:
    """A stage that was stopped sends no message; the retry that succeeds does."""
    with receiver() as (url, received):
        hook = {"webhook": {"method": "POST", "url": f"{url}/any"}}
        given = definition([build("one", bench.script("one"), post_operation={"triggers": [hook]})])
        pipeline = Pipeline(dev1, given)
        bench.hold("one")
        pipeline.start()
        wait_ran(bench, "one")
        pipeline.stop()
        pipeline.settle("cancel")
        bench.release("one")
        pipeline.retry(0)
        pipeline.settle("success")
        poll_until(lambda: len(received) >= 1, what="a message")

    assert len(received) == 1
