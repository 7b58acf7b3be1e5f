"""Runs become traces: which spans, how they hang together, what happens when nobody takes them."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from builders import one_job
from engine_world import World
from message_servers import web_server
from mulligan.core.ids import RunId
from mulligan.core.prepare import StepOrder
from mulligan.core.traces import Span, span_id, trace_id, traceparent
from mulligan.engine.tracing import VARIABLE, Tracing
from mulligan.notify.otlp import OtlpSender
from mulligan.ports import StepEnd

pytestmark = pytest.mark.anyio


class Collector:
    """Keeps spans; answers as it is told, then takes them."""

    def __init__(self) -> None:
        self.came: list[Span] = []
        self.answers: list[bool | OSError] = []

    async def send(self, spans: Sequence[Span]) -> bool:
        """Keep spans."""
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, OSError):
            raise answer
        if answer:
            self.came += spans
        return answer

    def by_name(self) -> dict[str, Span]:
        """Give spans by name; the last one of a name counts."""
        return {span.name: span for span in self.came}


async def failed_run(hand: World, name: str = "build") -> RunId:
    """Play a run of two steps, 3 and 2 seconds long, whose second one fails."""
    made = await hand.add_pipeline(one_job("a", "b", name=name))
    head = await hand.start(made)
    order = await hand.claim(head.id)
    hand.clock.advance(seconds=3)
    following = await hand.report(order)
    assert following is not None
    hand.clock.advance(seconds=2)
    await hand.report(following, StepEnd(exit_code=7))
    return head.id


async def repair(hand: World, run: RunId) -> None:
    """Retry the failed step; it succeeds."""
    await hand.retry(run, "b")
    order = await hand.claim(run, attempt=2)
    hand.clock.advance(seconds=1)
    await hand.report(order)


async def test_a_run_is_a_trace(hand: World) -> None:
    """Steps stand in jobs, jobs in stages, stages in the run; failures say why."""
    collector = Collector()
    tracing = Tracing(store=hand.store, sender=collector, url_of=lambda head: f"http://x/{head.id}")
    await tracing.open()
    run = await failed_run(hand)

    await tracing.catch_up()

    spans = collector.by_name()
    assert set(spans) == {"RUN build", "s", "1", "a", "b"}
    assert {span.trace_id for span in collector.came} == {trace_id(run)}
    root = spans["RUN build"]
    assert (root.parent, root.link) == ("", "")
    assert root.attributes["cicd.pipeline.result"] == "failure"
    assert root.attributes["cicd.pipeline.run.url.full"] == f"http://x/{run}"
    above = [spans[name].parent for name in ("s", "1", "a", "b")]
    assert above == [root.span_id, spans["s"].span_id, *[spans["1"].span_id] * 2]
    took = [(spans[name].ended_at - spans[name].started_at).total_seconds() for name in "ab1"]
    assert took == [3, 2, 5]
    assert spans["a"].error is None
    assert spans["b"].error
    assert spans["b"].attributes["process.exit.code"] == 7


async def test_a_retry_is_linked(hand: World) -> None:
    """A later attempt is in the same trace, below the first, and linked to what it is again."""
    collector = Collector()
    tracing = Tracing(store=hand.store, sender=collector)
    await tracing.open()
    run = await failed_run(hand)
    await tracing.catch_up()
    first = collector.by_name()
    collector.came.clear()
    await repair(hand, run)

    await tracing.catch_up()

    again = collector.by_name()
    assert "a" not in again  # it was kept
    assert again["b"].link == first["b"].span_id
    assert again["RUN build"].parent == again["RUN build"].link == first["RUN build"].span_id
    assert again["RUN build"].attributes["mulligan.run.what"] == "retry"
    assert again["b"].trace_id == first["b"].trace_id
    assert again["b"].span_id == span_id(run, "step", "b", 2)


async def test_nothing_is_lost_or_sent_twice(hand: World) -> None:
    """What could not be sent before a crash is sent by the next life; the rest is not again."""
    collector = Collector()
    tracing = Tracing(store=hand.store, sender=collector, pauses_s=(60.0,))
    await tracing.open()
    collector.answers = [ConnectionError("away")]
    run = await failed_run(hand)
    killed = asyncio.create_task(tracing.catch_up())
    await hand.until(lambda: not collector.answers, "the collector was asked")
    killed.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await killed
    assert collector.came == []

    following = Tracing(store=hand.store, sender=collector)
    await following.open()
    await following.catch_up()
    sent = len(collector.came)
    third = Tracing(store=hand.store, sender=collector)
    await third.open()
    await third.catch_up()

    assert {span.trace_id for span in collector.came} == {trace_id(run)}
    assert len(collector.came) == sent == 5


async def test_what_is_refused_holds_up_nothing(hand: World, logged: list[str]) -> None:
    """Spans that a collector refuses are noted and left; one that is away is tried again."""
    collector = Collector()
    tracing = Tracing(store=hand.store, sender=collector, pauses_s=(0.0,))
    await tracing.open()
    hand.engine.on_commit = tracing.committed
    following = asyncio.create_task(tracing.follow())
    collector.answers = [False, ConnectionError("away"), True]

    await failed_run(hand)
    second = await failed_run(hand, "other")
    await hand.until(lambda: bool(collector.came), "the second run is sent")
    following.cancel()

    assert {span.trace_id for span in collector.came} == {trace_id(second)}
    assert {"spans_refused", "collector_unreachable"} <= set(logged)


async def test_a_step_knows_its_span(hand: World) -> None:
    """What a step hands on names the span that is made of it later."""

    async def as_it_is(order: StepOrder, _scope: Mapping[str, str]) -> StepOrder:
        return order

    tracing = Tracing(store=hand.store, sender=Collector())
    head = await hand.start(await hand.add_pipeline(one_job("a")))
    order = await hand.claim(head.id)

    told = (await tracing.equipping(as_it_is)(order, {})).env[VARIABLE]

    assert told == traceparent(head.id, order.step_id, 1)
    version, trace, span, flags = told.split("-")
    assert (version, trace, flags) == ("00", head.id.removeprefix("b-"), "01")
    assert span == span_id(head.id, "step", "a", 1)


async def test_over_http(hand: World) -> None:
    """A collector gets OTLP in the binary form; it may ask for patience."""
    collector = Collector()
    tracing = Tracing(store=hand.store, sender=collector)
    await tracing.open()
    run = await failed_run(hand)
    await repair(hand, run)
    await tracing.catch_up()
    with web_server() as server:
        sender = OtlpSender(server.url, {"x-key": "k"}, "ci")
        server.answers["/v1/traces"] = [503, 400, 200]

        with pytest.raises(ConnectionError):
            await sender.send(collector.came)
        taken = [await sender.send(collector.came) for _ in range(2)]

    assert taken == [False, True]
    got = server.received[-1]
    assert (got.path, got.headers["x-key"]) == ("/v1/traces", "k")
    assert got.headers["content-type"] == "application/x-protobuf"
    (resource,) = ExportTraceServiceRequest.FromString(got.body).resource_spans
    (scope,) = resource.scope_spans
    names = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert names["service.name"] == "ci"
    assert [span.name for span in scope.spans] == [span.name for span in collector.came]
    last = next(span for span in reversed(scope.spans) if span.name == "b")
    assert last.trace_id.hex() == trace_id(run)
    assert last.links[0].span_id.hex() == span_id(run, "step", "b", 1)
    assert last.end_time_unix_nano - last.start_time_unix_nano == 1_000_000_000
