"""What messages go to in tests: an HTTP server and a mail server on the loopback interface."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import msgspec


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A request that came. Names of headers are in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes


class WebServer:
    """Keeps what comes.

    `answers`: statuses of the next answers, by path; then 200. What begins with `/slow` is
    answered when `release` is set. `location`: header of all answers; `text`: their body.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: dict[str, list[int]] = {}
        self.release = threading.Event()
        self.location = ""
        self.text = ""
        self.url = ""

    @property
    def paths(self) -> list[str]:
        """Give the paths of what came."""
        return [request.path for request in self.received]

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Keep a request and answer it."""
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        request = Received(
            method=handler.command,
            path=parts.path,
            query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in handler.headers.items()},
            body=handler.rfile.read(length),
        )
        self.received.append(request)
        if parts.path.startswith("/slow"):
            self.release.wait(30)
        waiting = self.answers.get(parts.path)
        handler.send_response(waiting.pop(0) if waiting else 200)
        if self.location:
            handler.send_header("Location", self.location)
        handler.send_header("Content-Length", str(len(self.text)))
        handler.end_headers()
        handler.wfile.write(self.text.encode())


@contextlib.contextmanager
def web_server() -> Iterator[WebServer]:
    """Run an HTTP server for a while."""
    kept = WebServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.take(self)

        do_GET = do_PUT = do_POST  # noqa: N815 - names of the library

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of callers that went away."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        kept.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield kept
        finally:
            kept.release.set()
            server.shutdown()
            thread.join()


class Mailbox:
    """Keeps mails as they came over the wire. `replies`: of the next `RCPT TO`; then 250."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, bytes]] = []  # recipient, text
        self.logins: list[str] = []
        self.replies: list[bytes] = []
        self.port = 0

    def reply_to(self, verb: bytes) -> bytes:
        """Give the reply to a command."""
        if verb == b"RCPT" and self.replies:
            return self.replies.pop(0)
        return {
            b"EHLO": b"250-box\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            b"AUTH": b"235 welcome",
            b"DATA": b"354 go on",
            b"QUIT": b"221 bye",
        }.get(verb, b"250 ok")


@contextlib.contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Run a mail server without encryption for a while."""
    kept = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: bytes) -> None:
            self.wfile.write(line + b"\r\n")

        def handle(self) -> None:
            recipient = ""
            self.say(b"220 box")
            while line := self.rfile.readline().strip():
                verb = line[:4].upper()
                if verb == b"RCPT":
                    recipient = line.decode().partition("<")[2].partition(">")[0]
                elif verb == b"AUTH":
                    kept.logins.append(line.decode())
                self.say(kept.reply_to(verb))
                if verb == b"DATA":
                    kept.mails.append((recipient, self.read_mail()))
                    self.say(b"250 taken")

        def read_mail(self) -> bytes:
            lines: list[bytes] = []
            while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                lines.append(line)
            return b"".join(lines)

    class Quiet(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of callers that went away."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        kept.port = server.server_address[1]
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
