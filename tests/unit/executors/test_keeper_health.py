"""Health checks, asked of real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mulligan.executors.keeper.health import (
    DEFAULT_TIMEOUT_S,
    Health,
    HealthError,
    read_health,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def answering(*parts: bytes) -> Iterator[int]:
    """Answer one connection with some bytes after its request; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _address = server.accept()
            with connection:
                connection.settimeout(10)
                connection.recv(65536)
                try:
                    for part in parts:
                        connection.sendall(part)
                except OSError:
                    pass  # who asked has heard enough

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def ask(value: object, seconds: float = 10.0) -> str:
    """Read a health block and ask once."""
    health = read_health(value, "health")
    assert health is not None
    return health.ask({"PATH": "/usr/bin:/bin"}, Path("/"), Path("/nowhere"), seconds)


@pytest.mark.parametrize(
    "answer",
    [OK, b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.0 200 OK\n\n", b"HTTP/1.1 299 x\r\n\r\n"],
)
def test_answer_of_2xx_is_healthy(answer: bytes) -> None:
    """Every status from 200 to 299 is healthy."""
    with answering(answer) as port:
        assert ask({"url": f"http://127.0.0.1:{port}/healthz?full=1"}) == ""


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\n\r\n",
        b"HTTP/1.1 199 x\r\n\r\n",
        b"HTTP/1.1 300 x\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 yes\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"\r\n",
        b"",
        b"x" * 100_000,
    ],
)
def test_any_other_answer_is_not(answer: bytes) -> None:
    """A redirect, an error, or what is no HTTP is not healthy, with a reason."""
    with answering(answer) as port:
        assert ask({"url": f"http://127.0.0.1:{port}/"}) != ""


def test_status_counts_even_if_the_rest_never_ends() -> None:
    """An answer whose body doesn't end is healthy when its status is."""
    with answering(OK, b"x" * 10_000_000) as port:
        assert ask({"url": f"http://127.0.0.1:{port}/"}) == ""


def test_silence_ends_with_the_time() -> None:
    """A server that takes the connection and says nothing is given up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        reason = ask({"url": f"http://127.0.0.1:{port}/"}, seconds=0.2)

    assert "no answer" in reason


def test_tcp_needs_a_listener() -> None:
    """A TCP check is healthy while somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        there = ask({"tcp": f"127.0.0.1:{port}"})

    gone = ask({"tcp": f"127.0.0.1:{port}"})

    assert there == ""
    assert "no answer" in gone


@pytest.mark.parametrize(
    ("text", "seconds", "healthy"),
    [("true", 20.0, True), ("false; true", 20.0, False), ("sleep 1000", 0.3, False)],
)
def test_command_must_end_with_0_in_time(
    tmp_path: Path, text: str, seconds: float, *, healthy: bool
) -> None:
    """A command is healthy if it ends with 0; one that takes too long is ended."""
    health = read_health({"command": text}, "health")
    assert health is not None

    reason = health.ask({"PATH": "/usr/bin:/bin"}, tmp_path, tmp_path / "health", seconds)

    assert (reason == "") is healthy


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ({"url": "http://127.0.0.1:8080/"}, 8080),
        ({"url": "http://localhost/"}, 80),
        ({"url": "https://[::1]/"}, 443),
        ({"url": "http://0.0.0.0:81/"}, 81),
        ({"tcp": "[::1]:82"}, 82),
        ({"url": "http://192.0.2.1:8080/"}, None),
        ({"command": "true"}, None),
    ],
)
def test_port_of_this_machine(value: object, port: int | None) -> None:
    """The port is known where the answer must come from a process of this machine."""
    health = read_health(value, "health")

    assert health is not None
    assert health.find_local_port() == port


@pytest.mark.parametrize("value", [None, {}])
def test_without_a_block_there_is_no_check(value: object) -> None:
    """An empty block is none."""
    assert read_health(value, "health") is None


def test_time_has_a_default() -> None:
    """Without `timeout_s` a service has half a minute to become healthy."""
    health = read_health({"tcp": "a:1"}, "health")

    assert health == Health(timeout_s=DEFAULT_TIMEOUT_S, host="a", port=1)


@pytest.mark.parametrize(
    "text", ["a", "a:", ":1", "a:0", "a:65536", "a:1/x", "a:-1", "u@a:x", "[::1", "a:١"]
)
def test_bad_address_is_named(text: str) -> None:
    """What is no HOST:PORT is refused by the name of its key."""
    with pytest.raises(HealthError, match=r"health\.tcp"):
        read_health({"tcp": text}, "health")
