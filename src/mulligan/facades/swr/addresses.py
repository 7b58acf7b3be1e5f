"""Addresses of other machines in definitions."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

from mulligan.core.addresses import is_public

HIDDEN = "******"
_PASSWORD = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)@")


def is_private(host: str) -> bool:
    """Tell whether a host, as it is written, is loopback, link-local or private.

    Names are not looked up here: who connects has to look at the address that a name has then.
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        # forms that the C library takes for an IPv4 address: 127.1, 0x7f.1, 2130706433
        last = name.rpartition(".")[2]
        return last.isdigit() or re.fullmatch(r"0x[0-9a-f]+", last) is not None
    return not is_public(name)


def hide_password(url: str) -> str:
    """Give a URL with the password in it masked: `https://user:******@host`."""
    found = _PASSWORD.match(url)
    if found is None:
        return url
    user, colon, _ = found[2].partition(":")
    # a name alone can be a token
    shown = f"{user}:{HIDDEN}" if colon else (user if url.startswith("ssh://") else HIDDEN)
    return f"{found[1]}{shown}@{url[found.end() :]}"


def without_login(url: str) -> str:
    """Give a URL without the user and password in it."""
    found = _PASSWORD.match(url)
    return url if found is None else f"{found[1]}{url[found.end() :]}"


def split(url: str) -> SplitResult | None:
    """Split a URL, None when it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def last_segment(url: str) -> str:
    """Give the name of a repository: the last segment of its URL without `.git`."""
    tail = url.rstrip("/").replace(":", "/").rpartition("/")[2]
    return tail.removesuffix(".git")


def plain(url: str) -> str:
    """Give a URL without query and fragment."""
    parts = split(url)
    return urlunsplit((*parts[:3], "", "")) if parts else url
