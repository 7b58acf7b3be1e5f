"""`mulligan serve`: run the server."""

import asyncio
import contextlib
import ipaddress
import json
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import click

from mulligan.cli.examples import EXAMPLE

EXIT_USAGE = 2
EXIT_IN_USE = 3
_LAST_PORT = 65_535


def default_data() -> Path:
    """Return the data directory when none is named."""
    named = os.environ.get("MULLIGAN_DATA")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "mulligan"


@click.command(
    help="Run the server: API, engine and runner in one process.\n\n"
    + EXAMPLE
    + "mulligan serve --port 8710"
)
@click.option("--data", type=click.Path(path_type=Path), help="Data directory.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, _LAST_PORT),
    default=8710,
    show_default=True,
    help="Port; 0 = a free one.",
)
@click.option("--runners", type=click.IntRange(1, 10_000), help="Jobs at once (default: cores).")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A setting.")
@click.option("--dev", is_flag=True, help="Loopback only; requests need no credential.")
@click.option("--role", type=click.Choice(["all"]), default="all", help="Only `all` exists so far.")
def serve(
    data: Path | None,
    host: str,
    port: int,
    runners: int | None,
    overrides: tuple[str, ...],
    dev: bool,  # noqa: FBT001 - click gives flags by position
    role: str,
) -> None:
    """Run the server."""
    del role
    if dev and not _is_loopback(host):
        raise click.UsageError(f"--dev listens on loopback only, not on {host}")
    code = run_server(
        (data or default_data()).absolute(), host, port, runners, overrides, is_dev=dev
    )
    sys.exit(code)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def run_server(
    data: Path,
    host: str,
    port: int,
    runners: int | None,
    overrides: tuple[str, ...],
    *,
    is_dev: bool,
) -> int:
    """Serve until a signal comes; return the exit code."""
    from mulligan.bootstrap import (
        ServeOptions,
        Server,
        default_runners,
    )
    from mulligan.config import SettingsError, load_settings
    from mulligan.core.errors import InfrastructureError
    from mulligan.log import write_to_stderr
    from mulligan.store.lock import DataInUseError

    write_to_stderr()
    try:
        settings = load_settings(data, overrides=overrides)
    except SettingsError as error:
        for problem in error.problems:
            click.echo(f"setting {problem}", err=True)
        return EXIT_USAGE
    options = ServeOptions(
        data=data, settings=settings, runners=runners or default_runners(), is_dev=is_dev
    )
    try:
        listener = listen(host, port)
    except OSError as error:
        click.echo(f"can't serve on {host}:{port}: {error}", err=True)
        return 1
    try:
        return _loop(_serve(Server(options), host, listener))
    except DataInUseError as error:
        click.echo(str(error), err=True)
        return EXIT_IN_USE
    except (InfrastructureError, OSError) as error:
        click.echo(f"can't serve from {data}: {error}", err=True)
        return 1


def _loop(work: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


async def _serve(server: object, host: str, listener: socket.socket) -> int:
    import uvicorn

    from mulligan.bootstrap import Server

    assert isinstance(server, Server)  # noqa: S101 - narrows the lazily imported type
    url = f"http://{_shown(host)}:{listener.getsockname()[1]}"
    server.listens_at(f"http://{_near(host)}:{listener.getsockname()[1]}")
    try:
        await server.open()
        config = uvicorn.Config(
            server.app(),
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(server.options.settings.http.trusted_proxies),
            forwarded_allow_ips=list(server.options.settings.http.trusted_proxies),
            timeout_graceful_shutdown=2,
            timeout_keep_alive=75,
            backlog=2048,
        )
        web = uvicorn.Server(config)
        with _signals(web), _announced(server.options.data, url):
            serving = asyncio.get_running_loop().create_task(web.serve(sockets=[listener]))
            while not web.started and not serving.done():  # noqa: ASYNC110 - uvicorn has a flag only
                await asyncio.sleep(0.001)
            if not serving.done():
                click.echo(f"listening on {url}")
                sys.stdout.flush()
            await serving
    finally:
        listener.close()
        await server.close(at_once=_asked_twice())
    return 0


_signals_seen: list[int] = []


def _asked_twice() -> bool:
    return len(_signals_seen) > 1


@contextlib.contextmanager
def _signals(web: object) -> Iterator[None]:
    """End gracefully at the first TERM or INT, at once at the second."""
    loop = asyncio.get_running_loop()

    def asked(number: int) -> None:
        _signals_seen.append(number)
        if _asked_twice():
            os._exit(0)  # the step host ends with us, and every step with it
        web.should_exit = True  # type: ignore[attr-defined]

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    web.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    web.capture_signals = contextlib.nullcontext  # type: ignore[attr-defined]
    yield


@contextlib.contextmanager
def _announced(data: Path, url: str) -> Iterator[None]:
    """Leave the address where the command line finds it."""
    path = data / "server.json"
    path.write_text(json.dumps({"url": url, "pid": os.getpid()}))
    path.chmod(0o600)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket.

    Raises:
        OSError: The address is taken or can't be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
        listener.setblocking(False)  # noqa: FBT003 - the socket's own signature
    except OSError:
        listener.close()
        raise
    return listener


def _near(host: str) -> str:
    """Give the address for processes on this machine: one that means all means none to them."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host) or _shown(host)  # noqa: S104 - compared with, not listened on


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
