"""A server inside this process, for commands that find none running."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mulligan.bootstrap import Server


class EmbeddedError(Exception):
    """The server could not be started; the message says why."""


@contextlib.contextmanager
def embedded_server(
    data: Path, *, is_dev: bool = False, works: bool = True, quiet: bool = True
) -> Iterator[tuple[str, str | None]]:
    """Run a server on a free loopback port for a while; yield its URL and an admin's token.

    Args:
        data: The data directory.
        is_dev: No token is needed, and None is given.
        works: It carries out runs; at the end running steps are ended.
        quiet: Its own log shows only errors.

    Raises:
        EmbeddedError: Another process has the data directory, or it can't be used.
    """
    ready: queue.Queue[tuple[str, str | None] | BaseException] = queue.Queue()
    stop = threading.Event()
    wake: list[Callable[[], object]] = []

    def work() -> None:
        try:
            asyncio.run(_serve(data, is_dev, works, ready, stop, wake))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            ready.put(error)

    if quiet:
        _only_errors()
    thread = threading.Thread(target=work, name="embedded-server", daemon=True)
    thread.start()
    first = ready.get()
    if isinstance(first, BaseException):
        raise EmbeddedError(str(first)) from first
    try:
        yield first
    finally:
        stop.set()
        for call in wake:
            call()
        thread.join(timeout=15)


def _only_errors() -> None:
    import logging

    from mulligan.log import write_to_stderr

    write_to_stderr(logging.ERROR)


async def _serve(
    data: Path,
    is_dev: bool,  # noqa: FBT001 - a thread gives it by position
    works: bool,  # noqa: FBT001 - a thread gives it by position
    ready: "queue.Queue[tuple[str, str | None] | BaseException]",
    stop: threading.Event,
    wake: list[Callable[[], object]],
) -> None:
    import uvicorn

    from mulligan.bootstrap import ServeOptions, Server, default_runners
    from mulligan.cli.serve import listen
    from mulligan.config import load_settings

    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    options = ServeOptions(
        data=data,
        settings=load_settings(data),
        runners=default_runners() if works else 0,
        is_dev=is_dev,
    )
    server = Server(options, public_url=url)
    try:
        await server.open()
        web = uvicorn.Server(
            uvicorn.Config(
                server.app(),
                lifespan="off",
                log_config=None,
                access_log=False,
                ws="none",
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )
        web.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
        loop = asyncio.get_running_loop()

        def end() -> None:
            web.should_exit = True

        wake.append(lambda: loop.call_soon_threadsafe(end))
        serving = loop.create_task(web.serve(sockets=[listener]))
        while not web.started and not serving.done():  # noqa: ASYNC110 - uvicorn has a flag only
            await asyncio.sleep(0.001)
        async with contextlib.nullcontext() if is_dev else _token(server) as token:
            ready.put((url, token))
            if stop.is_set():
                end()
            await serving
    finally:
        listener.close()
        await server.close(at_once=True)


@contextlib.asynccontextmanager
async def _token(server: "Server") -> AsyncIterator[str]:
    """Make a token for this process alone; it ends with it, after a `kill -9` within a day."""
    from mulligan.core.errors import MulliganError
    from mulligan.core.ids import UserName
    from mulligan.core.rights import Actor

    admin = Actor(user=UserName("admin"), is_admin=True, way="local")
    made = await server.access.create_token(admin, "command line", ttl_s=86_400)
    try:
        yield made.secret
    finally:
        with contextlib.suppress(MulliganError):
            await server.access.revoke_token(admin, made.token.id)
