"""Where the server is: named, running on the data directory, or started for one command."""

import contextlib
import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from mulligan.cli import contexts
from mulligan.cli.client import Client
from mulligan.cli.exits import EXIT_UNREACHABLE, EXIT_USAGE, FailureError

DEFAULT_PROJECT = "local"
_REACH_S = 2.0  # a server on this machine answers sooner
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - what it listens on


class ServerOptions(NamedTuple):
    """What was said about the server on the command line.

    `works`: a server that is started for the command carries out runs. One that only looks must
    not: it would begin a step and end it with itself.
    """

    url: str | None = None
    token: str | None = None
    data: Path | None = None
    context: str | None = None
    works: bool = False

    def as_flags(self) -> list[str]:
        """Return the flags that lead another command to the same server; never the token."""
        flags = []
        if self.url:
            flags += ["--url", self.url]
        if self.data:
            flags += ["--data", str(self.data)]
        if self.context:
            flags += ["--context", self.context]
        return flags


class Running(NamedTuple):
    """A server that runs on a data directory. `pid` of a command if it `ends_with` that one."""

    url: str
    pid: int
    ends_with_command: bool


def data_directory(given: Path | None) -> Path:
    """Return the data directory: named, of the environment, or the default one.

    Absolute, as steps run in folders of their own.
    """
    if given is not None:
        return given.absolute()
    named = os.environ.get("MULLIGAN_DATA")
    if named:
        return Path(named).absolute()
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "mulligan"


@contextlib.contextmanager
def connect(options: ServerOptions) -> Iterator[Client]:
    """Find a server, or start one in this process for the time being."""
    url, token = named_server(options)
    if url:
        with contextlib.closing(Client(url, token)) as client:
            yield client
        return
    data = data_directory(options.data)
    running = running_server(data)
    if running is None:
        with _started(data, works=options.works) as client:
            yield client
        return
    borrowed_from = running.pid if running.ends_with_command else None
    token = token or _admin_token(data)
    with contextlib.closing(Client(running.url, token, borrowed_from=borrowed_from)) as client:
        yield client


def named_server(options: ServerOptions) -> tuple[str | None, str | None]:
    """Return URL and token of the server that is named, in flags, environment or a context.

    The URL is None where the data directory says where the server is.
    """
    environment_url = os.environ.get("MULLIGAN_URL") or None
    context = context_in_use(options)
    url = options.url
    if not url and options.data is None and not options.context:
        url = environment_url
    url = url or (context.url if context else None)
    # the token of the environment belongs to its URL, if it names one
    is_for_us = environment_url is None or (url is not None and context is None)
    token = options.token or (os.environ.get("MULLIGAN_TOKEN") if is_for_us else None) or None
    if token is None and url:
        kept_for = context or contexts.context_at(url)
        token = contexts.token_of(kept_for.name) if kept_for else None
    return url, token


def context_in_use(options: ServerOptions) -> contexts.Context | None:
    """Return the context that leads to the server; None if something else does."""
    if options.context:
        if options.url or options.data:
            raise FailureError("--context does not go with --url or --data", EXIT_USAGE)
        return contexts.load().named(options.context)
    places = (os.environ.get("MULLIGAN_URL"), os.environ.get("MULLIGAN_DATA"))
    if options.url or options.data or any(places):
        return None
    return contexts.load().used()


def reach_running(options: ServerOptions, limit_s: float) -> Client | None:
    """Return a client of a server that runs already, which gives up after `limit_s`; or None."""
    url, token = named_server(options)
    if url is None:
        data = data_directory(options.data)
        running = running_server(data, limit_s)
        if running is None:
            return None
        url, token = running.url, token or _admin_token(data)
    return Client(url, token, timeout_s=limit_s)


def usual_project(options: ServerOptions) -> str:
    """Return the project that is meant when none is named."""
    named = os.environ.get("MULLIGAN_PROJECT")
    context = None if named else context_in_use(options)
    return named or (context.project if context else "") or DEFAULT_PROJECT


@contextlib.contextmanager
def _started(data: Path, *, works: bool) -> Iterator[Client]:
    from mulligan.cli.embedded import EmbeddedError, embedded_server

    with contextlib.ExitStack() as stack:
        try:
            url, token = stack.enter_context(embedded_server(data, works=works))
        except EmbeddedError as error:
            message = f"no server runs on {data}, and none could be started: {error}"
            raise FailureError(message, EXIT_UNREACHABLE) from None
        stack.enter_context(_announced(data, url))
        yield stack.enter_context(contextlib.closing(Client(url, token, embedded=True)))


@contextlib.contextmanager
def _announced(data: Path, url: str) -> Iterator[None]:
    """Let other commands find this one's server, to answer, stop or read what it runs."""
    path = data / "server.json"
    text = json.dumps({"url": url, "pid": os.getpid(), "ends_with_command": True})
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running_server(data: Path, limit_s: float = _REACH_S) -> Running | None:
    """Return the server that runs on a data directory, if one does."""
    try:
        found = json.loads((data / "server.json").read_text())
        running = Running(
            str(found["url"]), int(found["pid"]), bool(found.get("ends_with_command"))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    for listened, reached in _EVERYWHERE.items():
        running = running._replace(url=running.url.replace(f"//{listened}:", f"//{reached}:"))
    return running if _is_alive(running.pid) and _answers(running.url, limit_s) else None


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _answers(url: str, limit_s: float) -> bool:
    try:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=limit_s)
    except (ValueError, http.client.HTTPException):
        return False
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _admin_token(data: Path) -> str | None:
    try:
        return (data / "admin-token").read_text().strip() or None
    except OSError:
        return None
