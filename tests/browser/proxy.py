"""A reverse proxy as people put before a server: below a path, which it takes away."""

import threading
from collections import Counter
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

PREFIX = "/ci"
_CHUNK = 65_536
_STREAM_S = 60
_NOT_PASSED_ON = {"connection", "keep-alive", "transfer-encoding"}


class Proxy:
    """Listens on a free port of the loopback interface and passes on what is below `PREFIX`.

    The server behind it is named later, and may be another one after a restart. `count` tells how
    many requests for a path there were.
    """

    def __init__(self) -> None:
        self.behind = ""
        self.count: Counter[str] = Counter()
        self._listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._listening.daemon_threads = True
        self._thread = threading.Thread(target=self._listening.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Return the address that people use."""
        return f"http://127.0.0.1:{self._listening.server_port}{PREFIX}"

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._listening.shutdown()
        self._listening.server_close()
        self._thread.join()


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            if not self.path.startswith(PREFIX + "/"):
                self.send_error(404)
                return
            path = self.path.removeprefix(PREFIX)
            proxy.count[path.partition("?")[0]] += 1
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            there = HTTPConnection(urlsplit(proxy.behind).netloc, timeout=_STREAM_S)
            try:
                there.request(self.command, path, body or None, dict(self.headers.items()))
                self._answer(there.getresponse())
            except (OSError, HTTPException):
                self.close_connection = True  # the server or the browser is gone
            finally:
                there.close()

        def _answer(self, answer: HTTPResponse) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _NOT_PASSED_ON:
                    self.send_header(name, value)
            self.end_headers()
            while data := answer.read1(_CHUNK):  # as it comes: a stream is not to be held back
                self.wfile.write(data)
                self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"):
        setattr(Handler, f"do_{method}", Handler._pass_on)
    return Handler
