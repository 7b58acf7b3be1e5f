"""Sender: brings postings to where they go, at least once, with a bounded number of tries.

Postings of one lane go one after the other; lanes go side by side. Who does not answer gets few of
the places, is left alone for longer and longer, and holds up nobody else.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from msgspec.structs import replace

from mulligan import failpoints
from mulligan.core.errors import InfrastructureError
from mulligan.core.postings import Posting, PostingState
from mulligan.fair_slots import FairSlots
from mulligan.log import get_log
from mulligan.ports import Clock
from mulligan.ports.postings import PostingStore

log = get_log()

PAUSES_S = (5.0, 30.0, 120.0, 600.0)  # before each further try: over after 13 minutes
GIVEN_UP_AFTER = timedelta(hours=1)  # of a target that does not answer: so much may wait for it
_MOST_AT_ONCE = 32
_MOST_PER_HOST = 4
_LONGEST_REST_S = 30.0
_SILENT_AFTER = 3  # tries without an answer
_STORE_PAUSE_S = 1.0
_LONGEST_PROBLEM = 500  # characters


class NotTakenError(Exception):
    """A posting was not taken.

    Args:
        again: Another try may help.
        status: Of the answer, if there was one.
    """

    def __init__(self, message: str, *, again: bool, status: int | None = None) -> None:
        super().__init__(message)
        self.again = again
        self.status = status


Send = Callable[[Posting], Awaitable[int | None]]


class Sender:
    """Sends postings.

    Args:
        ways: By the kind of posting, what sends one: returns the HTTP status of the answer, if
            there is one, or raises NotTakenError.
        pauses_s: Before each further try.
    """

    def __init__(
        self,
        *,
        store: PostingStore,
        clock: Clock,
        ways: dict[str, Send],
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ways = ways
        self._pauses_s = pauses_s
        self._lanes: OrderedDict[str, deque[Posting]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = FairSlots(
            most=_MOST_AT_ONCE,
            per_host=_MOST_PER_HOST,
            rests_s=tuple(min(pause_s, _LONGEST_REST_S) for pause_s in pauses_s),
        )

    async def open(self) -> None:
        """Take up what an earlier life of the server did not get sent."""
        self.take(await self._store.waiting_postings())

    async def close(self) -> None:
        """Cut off what is being sent; the next start sends it again."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def take(self, postings: Iterable[Posting]) -> None:
        """Send postings that are stored."""
        for posting in postings:
            waiting = self._lanes.get(posting.lane)
            if waiting is not None:
                waiting.append(posting)
                continue
            self._lanes[posting.lane] = deque((posting,))
            task = asyncio.get_running_loop().create_task(self._empty(posting.lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _empty(self, lane: str) -> None:
        waiting = self._lanes[lane]
        while waiting:
            posting: Posting | None = waiting[0]
            while posting is not None and posting.state is PostingState.WAITING:
                await self._wait(posting)
                async with self._slots.of(host_of(posting)):
                    posting = await self._once(posting)
            waiting.popleft()
        del self._lanes[lane]

    async def _wait(self, posting: Posting) -> None:
        if posting.due_at is not None:
            left = (posting.due_at - self._clock.now()).total_seconds()
            # a clock that was set back must not keep it for ever
            await asyncio.sleep(min(max(left, 0.0), max(self._pauses_s, default=0.0)))

    async def _once(self, posting: Posting) -> Posting:
        status, problem, again = await self._try_in_time(posting)
        now = self._clock.now()
        tries = posting.tries + 1
        tried = replace(
            posting, tries=tries, sent_at=now, status=status, problem=problem, due_at=None
        )
        if not problem:
            tried = replace(tried, state=PostingState.DONE, ended_at=now)
        elif again and tries <= len(self._pauses_s):
            pause = timedelta(seconds=self._pauses_s[tries - 1])
            tried = replace(tried, due_at=now + pause)
        else:
            tried = replace(tried, state=PostingState.FAILED, ended_at=now)
            log.warning("posting_failed", kind=posting.kind, number=posting.number)
        failpoints.hit("posting.sent")
        while True:
            try:
                await self._store.put_posting(tried)
            except InfrastructureError as error:
                log.warning("posting_waits", number=posting.number, error=str(error))
                await asyncio.sleep(_STORE_PAUSE_S)
            else:
                return tried

    async def _try_in_time(self, posting: Posting) -> tuple[int | None, str, bool]:
        host = host_of(posting)
        is_silent = self._slots.silences(host) >= _SILENT_AFTER
        if is_silent and self._clock.now() - posting.created_at > GIVEN_UP_AFTER:
            return None, posting.problem or "its target does not answer", False
        return await self._try(posting, host)

    async def _try(self, posting: Posting, host: str) -> tuple[int | None, str, bool]:
        send = self._ways.get(posting.kind)
        if send is None:
            return None, "nothing here sends this", False
        try:
            status = await send(posting)
        except NotTakenError as error:
            if error.again and error.status is None:
                self._slots.missed(host)
            else:
                self._slots.answered(host)
            return error.status, str(error)[:_LONGEST_PROBLEM], error.again
        except InfrastructureError as error:
            return None, str(error)[:_LONGEST_PROBLEM], True
        except Exception:  # one that can't be sent must not keep the others of its lane
            log.exception("posting_broken", kind=posting.kind, number=posting.number)
            return None, "an error of the server", False
        self._slots.answered(host)
        return status, "", False


def host_of(posting: Posting) -> str:
    """Return what a posting is sent to: host and port of a URL; all mail goes to one server."""
    return urlsplit(posting.target).netloc.lower() or posting.via
