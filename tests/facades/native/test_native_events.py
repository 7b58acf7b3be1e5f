"""`/events`: live, resumable, without values of variables, bounded."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from native_client import NativeClient, http_api, two_steps
from native_server import NativeServer
from native_stream import EventStream
from starlette.requests import Request

from mulligan.core.ids import PipelineId, ProjectId, RunId, UserName
from mulligan.engine.commands import StartRun
from mulligan.engine.live import Live
from mulligan.facades.common.auth import actor_of
from mulligan.facades.native.app import ENDPOINTS
from mulligan.facades.native.endpoints import Call
from mulligan.facades.native.events import EventFilter, Feed
from mulligan.facades.native.streams import Backlog, Stream, Waker, frame
from mulligan.testing import models


def test_events_of_a_run(server: NativeServer, url: str) -> None:
    """A reader sees everything that happens to a run, in order, with ascending ids."""
    api = http_api(server, url)
    pipeline = api.make_pipeline()
    with EventStream(url, "/events?project=shop", server.admin_token) as stream:
        run = api.start(pipeline)

        events = stream.until("RunFinished")

    kinds = [event.json["event"]["type"] for event in events]
    assert kinds[0] == "RunCreated"
    assert kinds.count("StepStarted") == kinds.count("StepFinished") == 2
    assert {event.json["run"] for event in events} == {run}
    assert {event.json["pipeline"] for event in events} == {pipeline}
    seqs = [int(event.ident) for event in events]
    assert seqs == sorted(set(seqs)) == [event.json["seq"] for event in events]
    assert stream.headers["content-type"].startswith("text/event-stream")


def test_resumed_without_a_gap(server: NativeServer, url: str) -> None:
    """With `Last-Event-ID` a reader gets exactly what came after that event."""
    api = http_api(server, url)
    api.wait(api.start(api.make_pipeline()))
    token = server.admin_token
    with EventStream(url, "/events?project=shop&after=0", token) as stream:
        everything = stream.until("RunFinished")
    middle = everything[len(everything) // 2]

    with EventStream(url, "/events?project=shop", token, last_event_id=middle.ident) as stream:
        rest = stream.until("RunFinished")

    assert rest == everything[everything.index(middle) + 1 :]


def test_resumed_from_the_future(server: NativeServer, url: str) -> None:
    """A reader that names an event that has not been gets what comes now, as a new one does."""
    api = http_api(server, url)
    pipeline = api.make_pipeline()
    api.wait(api.start(pipeline))
    with EventStream(url, "/events?project=shop", server.admin_token, last_event_id="9" * 18) as it:
        run = api.start(pipeline)

        events = it.until("RunFinished")

    assert {event.json["run"] for event in events} == {run}


def test_one_run_only(server: NativeServer, url: str) -> None:
    """`run` and `pipeline` narrow the stream."""
    api = http_api(server, url)
    one, two = api.make_pipeline(two_steps("one")), api.make_pipeline(two_steps("two"))
    first, second = api.start(one), api.start(two)
    api.wait(first)
    api.wait(second)

    for query in (f"run={second}", f"pipeline={two}"):
        path = f"/events?project=shop&after=0&{query}"
        with EventStream(url, path, server.admin_token) as stream:
            events = stream.until("RunFinished")
        assert {event.json["run"] for event in events} == {second}


def test_values_are_left_out(server: NativeServer, url: str) -> None:
    """No value of a variable, parameter or review is ever in the stream."""
    api = http_api(server, url)
    model = two_steps()
    params = [models.parameter("word", "d"), models.parameter("key", "d", type="PASSWORD")]
    model["stages"][0]["containers"][0]["params"] = params
    run = api.start(api.make_pipeline(model), {"word": "swordfish", "key": "hunter2"})
    api.wait(run)
    api.post(f"/projects/shop/runs/{run}/recovery/apply", {})
    api.wait(run)

    path = f"/events?project=shop&run={run}&after=0"
    with EventStream(url, path, server.admin_token) as stream:
        events = stream.until("RunFinished") + stream.until("RunFinished")

    texts = "".join(event.data for event in events)
    assert "ValuesWritten" in texts
    assert "swordfish" not in texts
    assert "hunter2" not in texts


def test_events_need_a_project(server: NativeServer, url: str) -> None:
    """The stream is one project's; an unknown or foreign one is not found."""
    api = http_api(server, url)

    assert api.get("/events", expect=400)["errors"][0]["parameter"] == "project"
    api.get("/events?project=nothing", expect=404)
    api.get("/events?project=shop&run=x", expect=400)
    api.get("/events?project=shop&after=-1", expect=400)
    EventStream(
        url, "/events?project=shop", server.admin_token, last_event_id="x", expect=400
    ).__exit__(None, None, None)


def test_stream_ends_with_its_token(server: NativeServer, url: str) -> None:
    """A reader whose token is revoked gets nothing more, although it is connected."""
    api = http_api(server, url)
    pipeline = api.make_pipeline()
    made = api.post("/tokens", {"name": "reader"}, expect=201)
    with EventStream(url, "/events?project=shop", made["token"]) as stream:
        api.call("DELETE", f"/tokens/{made['id']}", expect=204)

        api.wait(api.start(pipeline))

        assert list(stream.events()) == []


class Reader:
    """The far end of an ASGI connection: takes what it is allowed to, then blocks."""

    def __init__(self, takes: int) -> None:
        self.taken = 0
        self.bodies: list[bytes] = []
        self._left = takes

    async def receive(self) -> dict[str, Any]:
        """Never say anything: the reader stays connected."""
        await asyncio.Event().wait()
        return {}

    async def send(self, message: dict[str, Any]) -> None:
        """Take a message, or block for ever."""
        if message["type"] == "http.response.body":
            if self._left == 0:
                await asyncio.Event().wait()
            self._left -= 1
            self.bodies.append(message["body"])


def test_slow_reader_is_cut_off(api: NativeClient) -> None:
    """Who falls behind by more than the limit is cut off, and memory stays bounded."""
    pipeline = api.make_pipeline()
    server = api.server

    async def listen() -> None:
        call = await _call(server)
        feed = Feed(call, EventFilter(project=ProjectId("shop")), 0, limit_bytes=2_000)
        reader = Reader(takes=3)
        stream = asyncio.ensure_future(
            Stream(feed.frames(), feed.cut)({}, reader.receive, reader.send)
        )
        while not stream.done():
            await server.engine.start_run(_start(pipeline))
            await asyncio.sleep(0)
        await stream

    api.in_loop(listen)


def test_heartbeat(api: NativeClient) -> None:
    """A stream on which nothing happens shows that it is alive."""
    server = api.server

    async def listen() -> None:
        call = await _call(server)
        feed = Feed(call, EventFilter(project=ProjectId("shop")), 0, heartbeat_s=0.01)
        frames = feed.frames()
        found = b""
        while b": still here" not in found:
            found += await anext(frames)
        await frames.aclose()

    api.in_loop(listen)


def test_frames_have_no_loose_line_ends() -> None:
    """Every line end inside the data becomes a line of data, so that nothing can be smuggled."""
    made = frame("a\rid: 9\r\nb\nevent: x", ident=5)

    assert made == b"id: 5\ndata: a\ndata: id: 9\ndata: b\ndata: event: x\n\n"


def test_backlog_counts_what_is_being_sent() -> None:
    """What the reader was handed counts until it comes for more."""

    async def use() -> None:
        backlog = Backlog(10)
        assert backlog.put(b"123456")
        assert await backlog.take() == b"123456"
        assert not backlog.put(b"12345")
        assert backlog.put(b"1234")
        assert await backlog.take() == b"1234"
        assert backlog.put(b"12345")
        backlog.end()
        assert await backlog.take() == b"12345"
        assert await backlog.take() is None

    asyncio.run(use())


def test_waker_loses_no_hint() -> None:
    """A hint between `arm` and `wait` is not lost."""

    async def use() -> None:
        live = Live()
        waker = Waker(lambda seconds: live.wait_log(RunId("b-1"), seconds))
        await waker.arm()
        live.log_grew(RunId("b-1"))
        assert await waker.wait(5)
        await waker.arm()
        assert not await waker.wait(0.01)
        waker.close()

    asyncio.run(use())


def test_source_is_closed_when_the_reader_goes() -> None:
    """A reader that disconnects ends the source."""
    closed = []

    async def source() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0)
        finally:
            closed.append(True)

    async def use() -> None:
        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0.01)
            return {"type": "http.disconnect"}

        await Stream(source())({}, receive, Reader(takes=10**9).send)

    asyncio.run(use())

    assert closed == [True]


async def _call(server: NativeServer) -> Any:
    headers = [(b"authorization", f"Bearer {server.admin_token}".encode())]
    request = Request({"type": "http", "headers": headers, "method": "GET", "path": "/"})
    endpoint = next(one for one in ENDPOINTS if one.path == "/events")
    return Call(request, server.services, endpoint, await actor_of(request, server.access))


def _start(pipeline: str) -> Any:
    return StartRun(actor=UserName("admin"), pipeline=PipelineId(pipeline))
