"""Server-sent events: a response that ends when its reader goes away, stalls or falls behind."""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any

from starlette.responses import Response

from mulligan.core.errors import MulliganError
from mulligan.facades.common.errors import RequestError
from mulligan.log import get_log

HEARTBEAT_S = 15.0
STALL_S = 60.0  # a reader that takes nothing for so long is cut off; it may resume
_PIECE_BYTES = 64 * 1024
HEARTBEAT = b": still here\n\n"

_LINE_ENDS = re.compile("\r\n|\r|\n")

log = get_log()


def frame(data: str | bytes, *, ident: int | None = None, event: str = "") -> bytes:
    """Give the bytes of one event; line ends inside `data` become lines of it."""
    text = data.decode() if isinstance(data, bytes) else data
    lines = [f"event: {event}"] if event else []
    if ident is not None:
        lines.append(f"id: {ident}")
    lines += [f"data: {line}" for line in _LINE_ENDS.split(text)]
    return ("\n".join(lines) + "\n\n").encode()


class Waker:
    """Waits for hints without losing one.

    Order of calls, again and again: `arm`, look at what there is, `wait`. A hint that comes after
    `arm` makes `wait` return at once.

    Args:
        waits: Functions of `Live` that return at the next hint, or after the seconds they get.
    """

    def __init__(self, *waits: Callable[[float], Awaitable[bool]]) -> None:
        self._waits = waits
        self._tasks: set[asyncio.Task[bool]] = set()

    async def arm(self) -> None:
        """Listen from now on."""
        if any(task.done() for task in self._tasks):
            self.close()
        if not self._tasks:
            self._tasks = {asyncio.ensure_future(_forever(wait)) for wait in self._waits}
            await asyncio.sleep(0)  # lets the tasks begin, which is when they are heard

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a hint since `arm`; False: none came in that time."""
        done, _ = await asyncio.wait(
            self._tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        return bool(done)

    def close(self) -> None:
        """Listen no more."""
        for task in self._tasks:
            task.cancel()
        self._tasks = set()


async def _forever(wait: Callable[[float], Awaitable[bool]]) -> bool:
    while not await wait(3600.0):
        pass
    return True


class Stream(Response):
    """The response. Ends with its source, with the reader, or when `cut` is set.

    Args:
        source: Frames to be sent; closed in the end.
        cut: Set by the source when the reader is too far behind.
    """

    media_type = "text/event-stream"

    def __init__(
        self, source: AsyncGenerator[bytes, None], cut: asyncio.Event | None = None
    ) -> None:
        self.status_code = 200
        self.background = None
        self._source = source
        self._cut = cut or asyncio.Event()
        self.init_headers({"cache-control": "no-store", "x-accel-buffering": "no"})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send the events."""
        await send(
            {"type": "http.response.start", "status": 200, "headers": list(self.raw_headers)}
        )
        tasks = [
            asyncio.ensure_future(self._pump(send)),
            asyncio.ensure_future(_until_gone(receive)),
            asyncio.ensure_future(self._cut.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self._source.aclose()
        _raise_first(results)

    async def _pump(self, send: Any) -> None:
        await send(_body(b"retry: 1000\n\n"))
        async for data in self._source:
            try:
                async with asyncio.timeout(STALL_S):
                    await send(_body(data))
            except TimeoutError:
                log.info("stream_stalled")
                return
        await send(_body(b"", more=False))


def _body(data: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def _until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _raise_first(results: Iterable[object]) -> None:
    """Let an error of ours out; a reader that went away or lost its right is none."""
    for result in results:
        if isinstance(result, MulliganError | RequestError):
            log.info("stream_ended", reason=str(result))
        elif isinstance(result, Exception) and not isinstance(result, OSError):
            raise result


class Backlog:
    """Frames that wait for the reader, or that it is just being sent.

    Args:
        limit_bytes: `put` refuses what would make it more.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._taken = 0
        self._is_over = False
        self._changed = asyncio.Event()

    def put(self, data: bytes) -> bool:
        """Add a frame; False: the reader is too far behind, it was not added."""
        if self._size and self._size + len(data) > self._limit:
            return False
        self._frames.append(data)
        self._size += len(data)
        self._changed.set()
        return True

    def end(self) -> None:
        """Tell that no frame will follow."""
        self._is_over = True
        self._changed.set()

    async def drained(self) -> None:
        """Wait until the reader has everything."""
        while self._size:
            self._changed.clear()
            await self._changed.wait()

    async def take(self) -> bytes | None:
        """Take the next frames as one piece; None: it is over. What was taken before is sent."""
        self._size -= self._taken
        self._taken = 0
        self._changed.set()
        while not self._frames:
            if self._is_over:
                return None
            self._changed.clear()
            await self._changed.wait()
        pieces = [self._frames.popleft()]
        self._taken = len(pieces[0])
        while self._frames and self._taken + len(self._frames[0]) <= _PIECE_BYTES:
            pieces.append(self._frames.popleft())
            self._taken += len(pieces[-1])
        return b"".join(pieces)


@contextlib.asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncGenerator[None, None]:
    """Let some work go on meanwhile; it is cancelled in the end."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
