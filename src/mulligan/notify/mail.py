"""Send mail. The library for it blocks, so it works in threads of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

from mulligan.notify.mail_server import MailServer

_MOST_AT_ONCE = 4


class MailSender:
    """Sends mail through one server."""

    def __init__(self, server: MailServer) -> None:
        self.is_set_up = bool(server.host)
        self._server = server
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)

    async def send(self, to: str, subject: str, text: str, *, timeout_s: float = 10.0) -> None:
        """Send a mail.

        Args:
            timeout_s: For all of it; a thread that is left behind ends some seconds later.

        Raises:
            PermissionError: The server refused it for good.
            OSError: The server can't be reached, or can't take it now.
            ValueError: An address is none.
        """

        def work() -> None:
            from mulligan.notify import smtp  # most servers never send mail, none at its start

            smtp.send(self._server, to, subject, text, timeout_s)

        await self._slots.acquire()
        done = _in_thread(work, self._slots.release)
        try:
            async with asyncio.timeout(timeout_s):
                await done
        except TimeoutError:
            raise TimeoutError(f"no answer within {timeout_s:g} s") from None


def _in_thread(work: Callable[[], None], at_end: Callable[[], None]) -> asyncio.Future[None]:
    """Do work in a thread that does not keep the process alive; `at_end` runs in the loop."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: Exception | None) -> None:
        at_end()
        if done.done():  # nobody waits any more
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        problem = None
        try:
            work()
        except Exception as error:  # noqa: BLE001 - handed over to the one who waits
            problem = error
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(finish, problem)

    threading.Thread(target=run, name="mail", daemon=True).start()
    return done
