"""Tracing: a trace of each attempt of a run, made of what is stored once the attempt has ended.

Runs know nothing of it. How far the events were looked through is stored, and moved on only when
the collector has what came before: a crash, or a collector that is away, loses nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from msgspec.structs import replace

from mulligan.core.decision import Decision
from mulligan.core.errors import InfrastructureError, NotFoundError
from mulligan.core.events import RunFinished
from mulligan.core.prepare import StepOrder
from mulligan.core.run import RunHead
from mulligan.core.traces import Span, spans_of, traceparent
from mulligan.log import get_log
from mulligan.ports import EventRow, Store
from mulligan.ports.traces import SendsSpans

log = get_log()
_EVENTS_AT_ONCE = 500
_SPANS_AT_ONCE = 500
_PAUSES_S = (1.0, 5.0, 15.0, 60.0)
VARIABLE = "TRACEPARENT"
Equip = Callable[[StepOrder, Mapping[str, str]], Awaitable[StepOrder]]


class Tracing:
    """Follows the events and sends traces.

    Args:
        url_of: Gives the address at which people look at a run.
        pauses_s: Between tries while the collector can't be reached; the last one is repeated.
    """

    def __init__(
        self,
        *,
        store: Store,
        sender: SendsSpans,
        url_of: Callable[[RunHead], str] = lambda _head: "",
        pauses_s: tuple[float, ...] = _PAUSES_S,
    ) -> None:
        self._store = store
        self._sender = sender
        self._url_of = url_of
        self._pauses_s = pauses_s
        self._ended = asyncio.Event()
        self._cursor = 0

    def committed(self, decision: Decision) -> None:
        """Tell that a decision of a run was stored."""
        if any(isinstance(event, RunFinished) for event in decision.events):
            self._ended.set()

    def equipping(self, equip: Equip) -> Equip:
        """Let steps know their span besides what they are equipped with anyway."""

        async def both(order: StepOrder, scope: Mapping[str, str]) -> StepOrder:
            equipped = await equip(order, scope)
            told = traceparent(order.run_id, order.step_id, order.step_attempt)
            return replace(equipped, env={VARIABLE: told, **equipped.env})

        return both

    async def open(self) -> None:
        """Find out where to go on; the first time, with what happens from now on."""
        found = await self._store.find_trace_cursor()
        if found is None:
            found = await self._store.last_seq()
            await self._store.put_trace_cursor(found)
        self._cursor = found
        self._ended.set()

    async def follow(self) -> None:
        """Send a trace whenever an attempt of a run has ended."""
        while True:
            await self._ended.wait()
            self._ended.clear()
            try:
                await self.catch_up()
            except InfrastructureError as error:
                log.warning("traces_wait", error=str(error))
                await asyncio.sleep(self._pauses_s[-1])
                self._ended.set()

    async def catch_up(self) -> None:
        """Send all that was not sent yet."""
        while rows := await self._store.events_after(self._cursor, limit=_EVENTS_AT_ONCE):
            for row in rows:
                if isinstance(row.event, RunFinished):
                    await self._send_all(await self._spans(row))
            self._cursor = rows[-1].seq
            await self._store.put_trace_cursor(self._cursor)

    async def _spans(self, row: EventRow) -> tuple[Span, ...]:
        """Return the spans of the attempt that an event has ended."""
        try:
            run = await self._store.get_run(row.run_id)
        except NotFoundError:
            return ()
        ended = [each.number for each in run.head.attempts if each.ended_at == row.event.at]
        if not ended:
            return ()
        history = await self._store.history(row.run_id)
        url = self._url_of(run.head)
        return await asyncio.to_thread(spans_of, run, history, ended[-1], url=url)

    async def _send_all(self, spans: tuple[Span, ...]) -> None:
        for start in range(0, len(spans), _SPANS_AT_ONCE):
            await self._send(spans[start : start + _SPANS_AT_ONCE])

    async def _send(self, spans: tuple[Span, ...]) -> None:
        tries = 0
        while True:
            try:
                if not await self._sender.send(spans):
                    log.warning("spans_refused", trace=spans[0].trace_id, spans=len(spans))
            except OSError as error:
                pause = self._pauses_s[min(tries, len(self._pauses_s) - 1)]
                tries += 1
                log.warning("collector_unreachable", error=str(error), tries=tries)
                await asyncio.sleep(pause)
            else:
                return
