"""Logs of steps: text, tail, and followed while they are written."""

import threading

from native_client import NativeApi, http_api, step_of, two_steps
from native_server import NativeServer
from native_stream import Event, EventStream

from mulligan.testing.server import poll_until


def log_path(api: NativeApi, run: str, name: str) -> str:
    """Return the path of the log of a step."""
    return f"/projects/shop/runs/{run}/steps/{step_of(api.run(run), name)['id']}/log"


def test_log_as_text(api: NativeApi) -> None:
    """The log is the output of that step alone, byte for byte."""
    api.server.executor.print("build", "one", "zwei \x1b[31mrot\x1b[0m", "三")
    api.server.executor.print("test", "other")
    run = api.run_to_end()["id"]

    answer = api.call("GET", log_path(api, run, "build"))

    assert answer.text == "one\nzwei \x1b[31mrot\x1b[0m\n三\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert api.call("GET", log_path(api, run, "test")).text == "other\n"


def test_tail(api: NativeApi) -> None:
    """`tail` gives the last lines."""
    api.server.executor.print("build", *(f"line {number}" for number in range(100)))
    run = api.run_to_end()["id"]
    path = log_path(api, run, "build")

    assert api.call("GET", f"{path}?tail=2").text == "line 98\nline 99\n"
    assert api.call("GET", f"{path}?tail=0").text == ""
    assert len(api.call("GET", f"{path}?tail=1000").text.splitlines()) == 100
    api.get(f"{path}?tail=-1", expect=400)
    api.get(f"{path}?follow=maybe", expect=400)


def test_log_of_each_attempt(api: NativeApi) -> None:
    """Every attempt keeps its own log; the newest is shown when none is named."""
    executor = api.server.executor
    executor.fail("test", times=1)
    executor.print("test", "first try")
    run = api.run_to_end()["id"]
    executor.print("test", "second try")
    api.post(f"/projects/shop/runs/{run}/recovery/apply", {"target": "t"})
    api.wait(run, "succeeded")
    path = log_path(api, run, "test")

    assert api.call("GET", path).text == "second try\n"
    assert api.call("GET", f"{path}?attempt=1").text == "first try\n"
    assert api.call("GET", f"{path}?attempt=2").text == "second try\n"
    api.get(f"{path}?attempt=3", expect=404)


def test_log_of_nothing(api: NativeApi) -> None:
    """A step that never ran has an empty log; an unknown step has none."""
    api.server.executor.fail("build")
    run = api.run_to_end()["id"]
    path = log_path(api, run, "test")

    assert api.call("GET", path).text == ""
    assert api.call("GET", f"{path}?tail=5").text == ""
    api.get(f"/projects/shop/runs/{run}/steps/e-nothing/log", expect=404)


def test_log_needs_its_permission(api: NativeApi) -> None:
    """A stranger sees no log."""
    run = api.run_to_end()["id"]
    path = log_path(api, run, "build")

    api.make_user("vera", "viewer").call("GET", path)

    api.make_user("eve").get(path, expect=404)


def lines(events: list[Event]) -> list[str]:
    """Return the lines of a log stream."""
    return [event.data for event in events if not event.name]


def test_followed_live(server: NativeServer, url: str) -> None:
    """Lines come as they are written, before the step is over; `end` closes the stream."""
    api = http_api(server, url)
    server.executor.hold("build")
    server.executor.print("build", "at once")
    run = api.start(api.make_pipeline())
    path = log_path(api, run, "build") + "?follow=true"

    with EventStream(url, path, server.admin_token) as stream:
        events = stream.events()
        assert next(events).data == "at once"
        server.executor.say("build", "half")
        server.executor.say("build", " a line\n")
        assert next(events).data == "half a line"
        server.executor.say("build", "without end")
        server.executor.release("build")
        rest = list(events)

    assert lines(rest) == ["without end"]
    assert rest[-1].name == "end"
    assert rest[-1].json == {"attempt": 1, "status": "succeeded"}


def test_followed_before_it_begins(server: NativeServer, url: str) -> None:
    """A step that waits for its turn can be followed already."""
    api = http_api(server, url)
    server.executor.hold("build")
    server.executor.print("test", "finally")
    run = api.start(api.make_pipeline())
    api.wait_started("build")
    path = log_path(api, run, "test") + "?follow=true"
    found: list[Event] = []

    with EventStream(url, path, server.admin_token) as stream:
        reader = threading.Thread(target=lambda: found.extend(stream.events()))
        reader.start()
        server.executor.release("build")
        reader.join(20)

    assert lines(found) == ["finally"]
    assert found[-1].name == "end"


def test_resumed_at_an_offset(server: NativeServer, url: str) -> None:
    """The id of a line is the offset of its end: from there a reader goes on, missing nothing."""
    api = http_api(server, url)
    server.executor.print("build", "ä", "b" * 100, "c")
    run = api.start(api.make_pipeline())
    api.wait(run)
    path = log_path(api, run, "build") + "?follow=true"
    token = server.admin_token
    with EventStream(url, path, token) as stream:
        everything = list(stream.events())

    with EventStream(url, path, token, last_event_id=everything[0].ident) as stream:
        rest = list(stream.events())

    assert [event.ident for event in everything] == ["3", "104", "106", "106"]
    assert rest == everything[1:]


def test_follow_of_a_later_step_begins_with_it(server: NativeServer, url: str) -> None:
    """Offsets are those of the job's log; a stream never shows a neighbour's lines."""
    api = http_api(server, url)
    server.executor.print("build", *("x" * 50 for _ in range(2000)))
    server.executor.print("test", "mine")
    run = api.start(api.make_pipeline())
    api.wait(run)

    for query in ("follow=true", "follow=true&tail=5"):
        path = f"{log_path(api, run, 'test')}?{query}"
        with EventStream(url, path, server.admin_token) as stream:
            assert lines(list(stream.events())) == ["mine"]


def test_follow_with_tail(server: NativeServer, url: str) -> None:
    """`tail` and `follow` together begin with the last lines."""
    api = http_api(server, url)
    server.executor.print("build", "a", "b", "c")
    run = api.start(api.make_pipeline())
    api.wait(run)

    path = log_path(api, run, "build") + "?follow=true&tail=2"
    with EventStream(url, path, server.admin_token) as stream:
        assert lines(list(stream.events())) == ["b", "c"]


def test_follow_of_an_earlier_attempt(server: NativeServer, url: str) -> None:
    """An attempt that is over is streamed whole, and ends."""
    api = http_api(server, url)
    server.executor.fail("test", times=1)
    server.executor.print("test", "first")
    run = api.start(api.make_pipeline())
    api.wait(run)
    server.executor.hold("test")
    api.post(f"/projects/shop/runs/{run}/recovery/apply", {"target": "t"})
    api.wait_started("test", 2)

    path = log_path(api, run, "test") + "?follow=true&attempt=1"
    with EventStream(url, path, server.admin_token) as stream:
        events = list(stream.events())

    assert lines(events) == ["first"]
    assert events[-1].json == {"attempt": 1, "status": "failed"}


def test_many_lines_arrive_whole(server: NativeServer, url: str) -> None:
    """A log of some megabytes is followed without loss, in order."""
    api = http_api(server, url)
    server.executor.print("build", *(f"{number} " + "x" * 90 for number in range(30_000)))
    run = api.start(api.make_pipeline(two_steps("big")))
    poll_until(lambda: api.run(run)["status"] == "succeeded", what="the run")

    path = log_path(api, run, "build") + "?follow=true"
    with EventStream(url, path, server.admin_token) as stream:
        found = lines(list(stream.events()))

    assert [int(line.split()[0]) for line in found] == list(range(30_000))
