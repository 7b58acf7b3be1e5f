"""A server on a real socket that gives the answers a test has set."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Request(NamedTuple):
    """What came. `target`: path and query."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class FakeApi(ThreadingHTTPServer):
    """Answers by method and the beginning of the target; keeps what came.

    `answers`: (method, beginning) -> (status, JSON value, or bytes as they are).
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}
        self.requests: list[Request] = []
        self.drops = 0  # connections that are closed without an answer

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def find(self, method: str, target: str) -> tuple[int, Any]:
        """Return the answer with the longest beginning that fits."""
        fitting = [key for key in self.answers if key[0] == method and target.startswith(key[1])]
        if not fitting:
            return 404, {"detail": f"{method} {target} not found"}
        return self.answers[max(fitting, key=lambda key: len(key[1]))]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        server = self.server
        assert isinstance(server, FakeApi)
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        server.requests.append(Request(self.command, self.path, dict(self.headers), body))
        if server.drops:
            server.drops -= 1
            self.close_connection = True
            return
        status, value = server.find(self.command, self.path)
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the base class looks for them

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def fake_api() -> Iterator[FakeApi]:
    """Serve for a while."""
    with FakeApi() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()
