"""Logs of steps: text, tail, and followed while they are written."""

import io
import threading
import zipfile

import pytest
from native_client import NativeApi, http_api, step_of, two_steps
from native_server import NativeServer
from native_stream import Event, EventStream

from mulligan.facades.native import log_diff
from mulligan.testing import models
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


def test_follow_from_behind_the_end(server: NativeServer, url: str) -> None:
    """Who names an offset that is not there yet gets what comes now, and never waits for it."""
    api = http_api(server, url)
    server.executor.hold("test")
    server.executor.print("test", "before")
    run = api.start(api.make_pipeline())
    api.wait_started("test")
    path = f"{log_path(api, run, 'test')}?follow=true"

    with EventStream(url, path, server.admin_token, last_event_id="9" * 18) as stream:
        server.executor.release("test")
        [end] = list(stream.events())

    assert (end.name, end.ident) == ("end", "7")


def test_an_attempt_that_waits_is_followed_from_where_it_will_begin(
    server: NativeServer, url: str
) -> None:
    """Its job is on a new log by then: how long the one before was says nothing about it."""
    api = http_api(server, url)
    server.executor.print("test", *("x" * 50 for _ in range(100)))
    server.executor.fail("test", times=1)
    state = api.run_to_end()
    run, job = state["id"], state["stages"][0]["jobs"][0]["id"]
    server.executor.print("test", "again", "and again")
    server.executor.hold("build")
    api.post(f"/projects/shop/runs/{run}/recovery/apply", {"target": job})
    path = f"{log_path(api, run, 'test')}?attempt=2"

    page = api.get(f"{path}&tail=5&count=5")
    server.executor.release("build")
    api.wait(run, "succeeded")
    with EventStream(
        url, f"{path}&follow=true&after={page['offset']}", server.admin_token
    ) as stream:
        found = list(stream.events())

    assert (page["total"], page["ended"]) == (0, False)
    assert lines(found) == ["again", "and again"]


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


def test_lines_by_number(api: NativeApi) -> None:
    """Some lines as JSON: numbers of the step's own attempt, times, colours, the total."""
    api.server.executor.print("build", *(f"other {number}" for number in range(5)))
    api.server.executor.print("test", *(f"\x1b[1mline {number}\x1b[0m" for number in range(1, 101)))
    path = log_path(api, api.run_to_end()["id"], "test")

    page = api.get(f"{path}?from=42&count=2")

    assert (page["attempt"], page["total"], page["ended"]) == (1, 100, True)
    assert [line["number"] for line in page["lines"]] == [42, 43]
    assert page["lines"][0]["text"] == "\x1b[1mline 42\x1b[0m"
    assert page["lines"][0]["complete"]
    assert page["lines"][0]["at"].endswith("Z")
    assert len(api.get(f"{path}?count=1000")["lines"]) == 100
    assert api.get(f"{path}?from=101")["lines"] == []
    last = api.get(f"{path}?tail=2&count=1000")
    assert [line["number"] for line in last["lines"]] == [99, 100]
    assert (last["total"], last["ended"]) == (100, True)
    assert last["offset"] == api.get(f"{path}?from=100")["offset"]
    api.get(f"{path}?from=0", expect=400)
    kept = api.call("GET", f"{path}?download=true")
    assert "test.1.log" in kept.headers["content-disposition"]


def test_search_in_all_logs_of_a_run(api: NativeApi) -> None:
    """Hits name step, attempt and line; pages go on where the one before stopped."""
    executor = api.server.executor
    executor.print("build", "fine", "an Error here", "and an error there")
    executor.print("test", "\x1b[31merr\x1b[0mor: 7")
    executor.fail("test", times=1)
    run = api.run_to_end()["id"]
    api.post(f"/projects/shop/runs/{run}/recovery/apply", {"target": "t"})
    api.wait(run, "succeeded")
    path = f"/projects/shop/runs/{run}/log/search"

    def places(query: str) -> list[tuple[str, int, int]]:
        found = api.get(f"{path}?{query}")["items"]
        return [(hit["step_name"], hit["attempt"], hit["line"]) for hit in found]

    every = [("build", 1, 2), ("build", 1, 3), ("test", 1, 1), ("test", 2, 1)]
    assert places("q=error") == every
    assert places("q=error&case=true") == every[1:]
    assert places("q=error%3A%20%5Cd%24&regexp=true") == every[2:]
    assert places("q=error&attempt=2") == every[3:]
    first = api.get(f"{path}?q=error&limit=3")
    rest = api.get(f"{path}?q=error&limit=3&cursor={first['next_cursor']}")
    assert len(first["items"]) == 3
    assert [hit["attempt"] for hit in rest["items"]] == [2]
    assert rest["next_cursor"] is None
    hit = rest["items"][0]
    assert hit["text"][hit["begin"] : hit["end"]] == "error"
    for query in ("", "?q=(&regexp=true", "?q=x&cursor=nonsense", "?q=x&limit=0"):
        api.get(path + query, expect=400)


def test_all_logs_of_a_run_as_an_archive(api: NativeApi) -> None:
    """One file for each attempt of each step, in the order of the definition."""
    executor = api.server.executor
    executor.print("build", "built")
    executor.print("test", "tested")
    executor.fail("test", times=1)
    run = api.run_to_end()["id"]
    api.post(f"/projects/shop/runs/{run}/recovery/apply", {"target": "t"})
    api.wait(run, "succeeded")

    answer = api.call("GET", f"/projects/shop/runs/{run}/log/download")

    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        texts = {name.rsplit("/", 1)[1]: archive.read(name) for name in names}
    assert texts == {
        "001-build.1.log": b"built\n",
        "002-test.1.log": b"tested\n",
        "002-test.2.log": b"tested\n",
    }


def test_why_a_run_failed(api: NativeApi) -> None:
    """The first failure with its last lines, since when it fails, and whose pipeline it is."""
    executor = api.server.executor
    pipeline = api.make_pipeline()
    green = api.wait(api.start(pipeline))
    executor.print("test", *(f"line {number}" for number in range(1, 51)))
    executor.fail("test", exit_code=7)
    first = api.wait(api.start(pipeline))
    second = api.wait(api.start(pipeline))

    found = api.get(f"/projects/shop/runs/{second['id']}/failure")

    node = found["node"]
    assert (node["kind"], node["step"]["name"], node["exit_code"]) == ("step", "test", 7)
    assert (node["cause"], node["others"]) == ("user", 0)
    assert node["retry"] == step_of(second, "test")["id"]
    assert [line["number"] for line in found["log"]["lines"]] == list(range(21, 51))
    assert found["since"]["first"]["id"] == first["id"]
    assert found["since"]["last_green"]["id"] == green["id"]
    assert (found["since"]["runs"], found["since"]["is_known"]) == (2, True)
    assert found["owner"] == "admin"
    assert api.get(f"/projects/shop/runs/{green['id']}/failure")["node"] is None


def test_log_of_a_copy_that_is_gone(api: NativeApi) -> None:
    """The attempt that had it is listed: what it wrote stays readable in every form."""
    model = models.one_job("copies", [models.step("build", "true", step_id="b")])
    model["stages"][0]["containers"][0]["params"] = [models.parameter("values", "[1, 2]")]
    model["stages"][1]["containers"][0] |= {
        "matrixGroupFlag": True,
        "matrixControlOption": {"strategyStr": '{"x": ${{ variables.values }}}'},
    }
    api.server.executor.fail("build", times=2)
    api.server.executor.print("build", "no luck")
    state = api.run_to_end(model)
    path, copy = f"/projects/shop/runs/{state['id']}", state["stages"][0]["jobs"][-1]
    fewer = {"changes": {"parameters": {"values": "[1]"}}}
    api.post(f"{path}/recovery/apply", fewer)
    now = api.wait(state["id"], "succeeded")
    assert copy["id"] not in {job["id"] for job in now["stages"][0]["jobs"]}

    log = f"{path}/steps/{copy['steps'][0]['id']}/log"

    for query in ("", "?attempt=1", "?tail=5"):
        assert api.call("GET", log + query).content.decode() == "no luck\n"
    page = api.get(f"{log}?from=1")
    assert (page["total"], page["ended"], page["attempt"]) == (1, True, 1)
    followed = api.call("GET", f"{log}?follow=true").content.decode()
    assert "data: no luck\n" in followed
    assert "event: end\n" in followed
    assert api.get(f"{log}/diff?before=1&after=1")["same"]
    api.get(f"{log}?attempt=2", expect=404)
    api.get(f"{path}/steps/e-{'0' * 32}/log", expect=404)


def test_logs_of_two_attempts_are_compared(api: NativeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that came and went are told, colours are not; what is too long is cut, and said so."""
    executor = api.server.executor
    executor.fail("test", times=1)
    executor.print("test", "begin", "\x1b[31mno answer\x1b[0m")
    run = api.run_to_end()["id"]
    executor.print("test", "\x1b[1mbegin\x1b[0m", "done", "bye")
    api.post(f"/projects/shop/runs/{run}/recovery/apply", {"target": "t"})
    api.wait(run, "succeeded")
    path = log_path(api, run, "test") + "/diff"

    found = api.get(f"{path}?before=1&after=2")
    same = api.get(f"{path}?before=2&after=2")

    assert found["lines"] == ["@@ -1,2 +1,3 @@", " begin", "-no answer", "+done", "+bye"]
    facts = ("before", "after", "added", "removed", "before_lines", "after_lines", "cut", "same")
    assert tuple(found[name] for name in facts) == (1, 2, 2, 1, 2, 3, False, False)
    assert (same["same"], same["lines"]) == (True, [])
    monkeypatch.setattr(log_diff, "MOST_CHARACTERS", 9)
    cut = api.get(f"{path}?before=1&after=2")
    assert (cut["cut"], cut["lines"]) == (True, ["@@ -1 +1,2 @@", " begin", "+done"])
    beginning = api.get(f"{path}?before=2&after=2")  # nobody looked at the rest
    assert (beginning["cut"], beginning["same"], beginning["lines"]) == (True, False, [])
    api.get(f"{path}?before=1&after=3", expect=404)
    assert api.get(f"{path}?before=1", expect=400)["errors"][0]["parameter"] == "after"
    api.make_user("eve").get(f"{path}?before=1&after=2", expect=404)
