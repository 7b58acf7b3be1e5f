"""Repository URLs: taken apart, and refused when they lead where the server must not go."""

from __future__ import annotations

import re
import socket
from urllib.parse import unquote, urlsplit, urlunsplit

from mulligan.core.addresses import is_public
from mulligan.executors.programs.basics import StepError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from urllib.parse import SplitResult

_SCP = re.compile(r"(?:(?P<user>[A-Za-z0-9._-]+)@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>[^:].*)")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_PORTS = {"http": 80, "https": 443, "ssh": 22}
UNSAFE = "set net.private_targets to allow it"


class UnknownHostError(StepError):
    """The name service knows no such host, now."""


class Remote:
    """A repository to fetch from.

    Attributes:
        url: Without credential.
        scheme: http, https, ssh or file.
        host, port: "" and 0 for files.
        user, password: Decoded; None = not given.
        addresses: That the host has, when they were checked; git must use no others.
    """

    def __init__(self, url: str, scheme: str, host: str, port: int) -> None:
        self.url = url
        self.scheme = scheme
        self.host = host
        self.port = port
        self.user: str | None = None
        self.password: str | None = None
        self.addresses: list[str] = []

    @property
    def site(self) -> str:
        """Give the URL without path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def read_remote(text: str, *, private_targets: bool) -> Remote:
    """Take a URL apart and check where it leads. Contacts only the name service.

    Raises:
        StepError: It is no URL of a repository, or leads to a place that is not allowed.
    """
    if text.startswith("-") or any(ord(letter) <= 0x20 or letter == "\x7f" for letter in text):
        raise StepError("the URL of the repository has forbidden characters")
    remote = _parse(text)
    if remote.scheme == "file":
        if not private_targets:
            raise StepError(f"file:// repositories are not allowed here: {UNSAFE}")
    elif not private_targets:
        remote.addresses = _public_addresses(remote.host, remote.port)
    return remote


def _parse(text: str) -> Remote:
    if "://" not in text:
        found = _SCP.fullmatch(text)
        if found is None:
            raise StepError("the URL of the repository has no scheme")
        return Remote(text, "ssh", found["host"], _PORTS["ssh"])
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise StepError(f"the URL of the repository is broken: {error}") from None
    if parts.scheme == "file":
        if host not in ("", "localhost") or not parts.path.startswith("/"):
            raise StepError("a file:// URL needs an absolute path")
        return Remote(text, "file", "", 0)
    if parts.scheme not in _PORTS:
        raise StepError(f"repositories are not fetched by {parts.scheme!r}")
    if not _HOST.fullmatch(host):
        raise StepError("the URL of the repository has no host")
    remote = Remote(_without_credential(parts, host), parts.scheme, host, _port(parts, port))
    name, separator, password = parts.netloc.rpartition("@")[0].partition(":")
    if name or separator:
        remote.user = unquote(name)
        remote.password = unquote(password) if separator else None
    if "\n" in f"{remote.user}{remote.password}" or "\0" in f"{remote.user}{remote.password}":
        raise StepError("the credential in the URL has forbidden characters")
    return remote


def _port(parts: SplitResult, port: int | None) -> int:
    return _PORTS[parts.scheme] if port is None else port


def _without_credential(parts: SplitResult, host: str) -> str:
    where = f"[{host}]" if ":" in host else host
    if parts.port is not None:
        where = f"{where}:{parts.port}"
    if parts.scheme == "ssh" and parts.username:  # the account is no secret, and needed
        where = f"{parts.username}@{where}"
    return urlunsplit((parts.scheme, where, parts.path, parts.query, ""))


def _public_addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnknownHostError(f"the host {host!r} can't be found: {error}") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not is_public(address):
            raise StepError(
                f"the host {host!r} is on this machine or in a private network: {UNSAFE}"
            )
    return addresses
