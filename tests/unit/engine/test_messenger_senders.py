"""What messages are sent with: bounded, checked HTTP requests, and mail."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from message_servers import mail_server, web_server
from mulligan.core.addresses import is_public
from mulligan.notify.addresses import resolve
from mulligan.notify.mail import MailSender
from mulligan.notify.mail_server import MailServer
from mulligan.notify.web import WebSender

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def server(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    trust: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    """Serve every connection by a function; give the port."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        finally:
            writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.get_running_loop().create_task(serve(reader, writer)))

    made = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=trust)
    try:
        yield made.sockets[0].getsockname()[1]
    finally:
        made.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def say(port: int, scheme: str = "http", **fields: float) -> int:
    """Send a request to a local port."""
    url = f"{scheme}://127.0.0.1:{port}/"
    return await WebSender(private_targets=True).send("POST", url, {}, b"x", **fields)


# --- where to -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.10",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:a00:1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "nonsense",
    ],
)
def test_address_that_is_not_public(address: str) -> None:
    """This machine, private networks, metadata services and odd forms of them are refused."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8"])
def test_address_that_is_public(address: str) -> None:
    """The rest of the internet is allowed."""
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "::1"])
async def test_host_at_this_machine(host: str) -> None:
    """However this machine is named, its addresses are what counts."""
    with pytest.raises(PermissionError, match=r"net\.private_targets"):
        await resolve(host, 80, private_targets=False)


async def test_only_public_addresses_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a name with several addresses the private ones are left out."""
    loop = asyncio.get_running_loop()

    async def look_up(*_given: object, **_fields: object) -> list[tuple[object, ...]]:
        found = ["10.0.0.1", "8.8.8.8", "::1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in found]

    monkeypatch.setattr(loop, "getaddrinfo", look_up)

    assert await resolve("example.com", 80, private_targets=False) == ("8.8.8.8",)


async def test_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere a moment later does not matter: the checked address is used."""
    asked: list[str] = []
    real = asyncio.get_running_loop().getaddrinfo

    async def look_up(host: str, *given: object, **fields: object) -> object:
        asked.append(host)
        return await real("127.0.0.1" if host == "one.example" else host, *given, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    with web_server() as web:
        port = web.url.rpartition(":")[2]
        url = f"http://one.example:{port}/hook"

        status = await WebSender(private_targets=True).send("POST", url, {}, b"")

    assert status == 200
    assert web.received[0].headers["host"] == f"one.example:{port}"
    assert [host for host in asked if host != "127.0.0.1"] == ["one.example"]


async def test_private_target_is_not_connected_to() -> None:
    """A refused target sees no connection at all."""
    seen: list[int] = []

    async def answer(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        seen.append(1)

    async with server(answer) as port:
        with pytest.raises(PermissionError):
            await WebSender(private_targets=False).send("GET", f"http://127.0.0.1:{port}/", {}, b"")

    assert seen == []


@pytest.mark.parametrize("host", ["x" * 70 + ".example", "a..b"])
async def test_host_that_is_none(host: str) -> None:
    """A host that can't be one is an error of the connection."""
    with pytest.raises(OSError, match="no name"):
        await WebSender(private_targets=True).send("GET", f"http://{host}/", {}, b"")


# --- how ----------------------------------------------------------------------------------------


async def test_answer_that_never_comes() -> None:
    """The time limit is for all of it, also for a server that sends byte by byte."""

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"H")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with server(drip) as port:
        with pytest.raises(TimeoutError, match=r"within 0\.2 s"):
            await say(port, timeout_s=0.2)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000,
    ],
    ids=["nothing", "ssh", "no status", "long line", "many lines", "endless 100"],
)
async def test_answer_that_is_none(answer: bytes) -> None:
    """What is no answer of a bounded size is an error of the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"x")
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(0.01)

    async with server(serve) as port:
        with pytest.raises(ConnectionError):
            await say(port)


async def test_endless_answer() -> None:
    """Of the content of an answer only the start is read."""
    sent: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"x")
        writer.write(b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.0 204 No Content\r\n\r\n")
        while len(sent) < 100_000:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent.append(1)

    async with server(serve) as port:
        assert await say(port) == 204

    assert len(sent) < 100_000


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Give a key and a certificate for `localhost`."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *names, *files], check=True, capture_output=True)
    return key, certificate


async def test_encrypted_connection(certificate: tuple[Path, Path]) -> None:
    """HTTPS is spoken to who has a trusted certificate for the name, and to nobody else."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate[1], certificate[0])
    trusting = ssl.create_default_context(cafile=str(certificate[1]))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"x")
        writer.write(b"HTTP/1.1 201 Created\r\n\r\n")
        await writer.drain()

    async with server(serve, own) as port:
        sender = WebSender(private_targets=True, trust=trusting)
        status = await sender.send("POST", f"https://localhost:{port}/", {}, b"x")
        with pytest.raises(ssl.SSLError):
            await sender.send("POST", f"https://127.0.0.1:{port}/", {}, b"x")
        with pytest.raises(ssl.SSLError):
            await say(port, "https")

    assert status == 201


# --- mail ---------------------------------------------------------------------------------------


async def test_mail_with_a_login() -> None:
    """Mail goes out with the login of the settings and has a sender."""
    with mail_server() as box:
        settings = MailServer(
            host="127.0.0.1", port=box.port, user="ci@example.com", password="x", starttls=False
        )

        await MailSender(settings).send("bob@example.com", "one\r\nBcc: eve@example.com", "text\n")

    [(recipient, raw)] = box.mails
    assert recipient == "bob@example.com"
    assert box.logins == ["AUTH PLAIN AGNpQGV4YW1wbGUuY29tAHg="]
    assert b"From: Mulligan <ci@example.com>" in raw
    assert b"Subject: one Bcc: eve@example.com" in raw


async def test_mail_server_without_encryption() -> None:
    """With `mail.starttls` nothing is sent to a server that can't encrypt."""
    with mail_server() as box:
        settings = MailServer(host="127.0.0.1", port=box.port, user="ci", password="x")

        with pytest.raises(PermissionError):
            await MailSender(settings).send("bob@example.com", "one", "text\n")

    assert (box.mails, box.logins) == ([], [])


async def test_mail_server_that_is_not_there() -> None:
    """Without a server behind the address there is an error."""
    settings = MailServer(host="127.0.0.1", port=1, starttls=False)

    with pytest.raises(ConnectionRefusedError):
        await MailSender(settings).send("bob@example.com", "one", "text\n")


async def test_mail_server_that_is_silent() -> None:
    """The time limit holds, and the place is free again when the thread has given up."""

    async def wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with server(wait) as port:
        sender = MailSender(MailServer(host="127.0.0.1", port=port, starttls=False))
        for _ in range(6):  # more than there are places
            with pytest.raises(OSError, match=r"time|within"):
                await sender.send("bob@example.com", "one", "text\n", timeout_s=0.05)


@pytest.mark.parametrize("address", ["nobody", "a@b\r\nRCPT TO:<eve@example.com>", "@"])
async def test_address_that_is_none(address: str) -> None:
    """An address that is none reaches no server."""
    with mail_server() as box:
        settings = MailServer(
            host="127.0.0.1", port=box.port, sender="ci@example.com", starttls=False
        )

        with pytest.raises(ValueError, match="no address"):
            await MailSender(settings).send(address, "one", "text\n")

    assert box.mails == []
