"""Ask a service whether it is healthy: over HTTP, by a TCP connection or with a command.

Private and loopback targets are always allowed: whoever may say what is asked here, says what is
run here as well.
"""

from __future__ import annotations

import contextlib
import ipaddress
import math
import socket
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from mulligan.executors.keeper.scripts import ScriptError, run_script, write_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_TIMEOUT_S = 30.0
MOST_TIMEOUT_S = 86_400.0
# One question may take this long, then the next one is asked.
_QUESTION_S = 5.0
# The status is known: so long the rest of the answer is read.
_REST_S = 0.5
_MOST_HEAD_BYTES = 65536
_CHUNK_BYTES = 4096
_PORTS = {"http": 80, "https": 443}
_KINDS = ("url", "tcp", "command")


class HealthError(ValueError):
    """What says how to ask is wrong; the message names the key."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """How to ask; exactly one of `url`, `host` with `port`, and `command` is given.

    Attributes:
        timeout_s: so long the service may take to become healthy.
    """

    timeout_s: float
    url: str = ""
    host: str = ""
    port: int = 0
    command: str = ""

    def find_local_port(self) -> int | None:
        """Return the port if it is one of this machine's loopback, else None."""
        host, port = self.host, self.port
        if self.url:
            parts = urlsplit(self.url)
            host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        return port if host and _is_loopback(host) else None

    def ask(self, env: Mapping[str, str], cwd: Path, script: Path, seconds: float) -> str:
        """Ask once; return why it is not healthy, empty if it is.

        Args:
            env: for the command.
            cwd: for the command.
            script: file that the command is written to.
            seconds: after which there is no answer.
        """
        seconds = max(seconds, 0.1)
        if self.command:
            return _ask_command(self.command, env, cwd, script, seconds)
        seconds = min(seconds, _QUESTION_S)
        try:
            if self.url:
                return _ask_http(urlsplit(self.url), seconds)
            with socket.create_connection((self.host, self.port), seconds):
                return ""
        except (OSError, ValueError) as error:
            return f"no answer ({getattr(error, 'strerror', None) or error})"


def read_health(value: object, where: str) -> Health | None:
    """Read a health block; None if there is none. Raises HealthError.

    Args:
        value: `{"url": …}`, `{"tcp": "host:port"}` or `{"command": …}`, with `timeout_s` or not.
        where: the name of the key, for messages.
    """
    if value is None or value == {}:
        return None
    if not isinstance(value, dict):
        raise HealthError(f"{where} must be an object")
    kinds = [kind for kind in _KINDS if value.get(kind) is not None]
    if len(kinds) != 1:
        raise HealthError(f"{where} needs one of {', '.join(_KINDS)}")
    kind = kinds[0]
    text = value[kind]
    if not isinstance(text, str) or not text.strip():
        raise HealthError(f"{where}.{kind} must be a text")
    timeout_s = read_seconds(value.get("timeout_s"), f"{where}.timeout_s", DEFAULT_TIMEOUT_S)
    if kind == "command":
        return Health(timeout_s=timeout_s, command=text)
    if kind == "url":
        return Health(timeout_s=timeout_s, url=_check_url(text.strip(), f"{where}.url"))
    host, port = _split_address(text.strip(), f"{where}.tcp")
    return Health(timeout_s=timeout_s, host=host, port=port)


def read_seconds(value: object, where: str, default: float, *, least: float = 0.001) -> float:
    """Return a number of seconds. Raises HealthError, which names the key `where`."""
    if value is None:
        return default
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not least <= value <= MOST_TIMEOUT_S
    ):
        raise HealthError(f"{where} must be seconds between {least:g} and {MOST_TIMEOUT_S:g}")
    return float(value)


def _check_url(text: str, where: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise HealthError(f"{where} is no URL: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise HealthError(f"{where} must be http://HOST:PORT/PATH (or https)")
    if parts.username is not None or parts.password is not None:
        raise HealthError(f"{where} must not hold a user or password")
    if any(ord(letter) <= 32 or ord(letter) > 126 for letter in text):
        raise HealthError(f"{where} has a letter that must be written as %XX")
    return text


def _split_address(text: str, where: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or text.rpartition(":")[2] != str(port):
        raise HealthError(f"{where} must be HOST:PORT")
    return host, port


def _is_loopback(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    return all(address.is_loopback or address.is_unspecified for address in addresses)


def _ask_command(text: str, env: Mapping[str, str], cwd: Path, script: Path, seconds: float) -> str:
    try:
        code = run_script(write_script(text, script, env.get("PATH")), env, cwd, seconds)
    except (ScriptError, OSError) as error:
        return f"the command: {error}"
    return "" if code == 0 else f"the command ended with {code}"


def _ask_http(url: SplitResult, seconds: float) -> str:
    """Send a GET and read the status; redirects are not followed: only 2xx is healthy."""
    give_up_at = time.monotonic() + seconds
    host = url.hostname or ""
    port = url.port or _PORTS[url.scheme]
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    request = (
        f"GET {target} HTTP/1.1\r\nHost: {url.netloc}\r\nUser-Agent: mulligan\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n"
    )
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection((host, port), seconds))
        if url.scheme == "https":
            connection = stack.enter_context(
                _tls(host).wrap_socket(connection, server_hostname=host)
            )
        connection.sendall(request.encode("ascii"))
        head = bytearray()
        while b"\n" not in head:
            _read_more(connection, head, give_up_at)
        status = _read_status(bytes(head.partition(b"\n")[0]))
        give_up_at = min(give_up_at, time.monotonic() + _REST_S)
        with contextlib.suppress(OSError, ValueError):
            while True:  # who hangs up early makes some servers print a traceback
                _read_more(connection, head, give_up_at)
    return "" if 200 <= status < 300 else f"the answer has status {status}"


def _tls(host: str) -> ssl.SSLContext:
    import ssl  # rarely needed, and slow to load

    context = ssl.create_default_context()
    if _is_loopback(host):  # no authority signs for those
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _read_more(connection: socket.socket, head: bytearray, give_up_at: float) -> None:
    """Read a bit. Raises OSError at the end and when the time is over, ValueError at the limit."""
    left = give_up_at - time.monotonic()
    if left <= 0:
        raise OSError("it takes too long")
    connection.settimeout(left)
    chunk = connection.recv(_CHUNK_BYTES)
    if not chunk:
        raise OSError("the connection was closed")
    head += chunk
    if len(head) > _MOST_HEAD_BYTES:
        raise ValueError("too long")


def _read_status(line: bytes) -> int:
    words = line.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError("it is no HTTP")
    return int(words[1])
