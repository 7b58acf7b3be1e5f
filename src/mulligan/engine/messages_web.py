"""The HTTP request that a message is, with all its texts substituted. Pure."""

import base64
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import msgspec

from mulligan.core.prepare import substitute_declared
from mulligan.core.spec import MessageSpec

_HIDDEN = "******"
_IN_PATH = "/%:@!$&'()*+,;=~"
_IN_QUERY = _IN_PATH + "?"
# How the connection is used is not for a definition to say.
_OURS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "proxy-connection"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)


class WebRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it goes over the wire. `shown`: method and URL for people, without secrets."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    shown: str


def compose(message: MessageSpec, variables: Mapping[str, str], delivery: str) -> WebRequest:
    """Make the request of a message.

    Args:
        variables: The present values of the declared variables.
        delivery: Names the message; the same when it is sent again.

    Raises:
        ValueError: A header has a line break or the like, by the value of a variable.
    """
    config = message.config

    def text(value: str) -> str:
        return substitute_declared(value, variables)

    parts = urlsplit(config["url"])
    given = config.get("params", {})
    pairs = [(name, text(value)) for name, value in given.items()]
    pairs += [(name, variables.get(variable, "")) for name, variable in message.values]
    own = quote(text(parts.query), safe=_IN_QUERY)
    query = "&".join(filter(None, (own, urlencode(pairs))))
    body = text(config.get("body", "")).encode()
    headers = _headers(config.get("headers", {}), text, body)
    if parts.username is not None and "authorization" not in map(str.lower, headers):
        headers["Authorization"] = _basic(parts.username, parts.password or "")
    headers["X-Mulligan-Delivery"] = delivery
    site = parts.netloc.rpartition("@")[2]
    path = quote(text(parts.path), safe=_IN_PATH)
    url = urlunsplit((parts.scheme, site, path, query, ""))
    return WebRequest(
        method=config["method"],
        url=url,
        headers=headers,
        body=body,
        shown=f"{config['method']} {without_secrets(url)}",
    )


def without_secrets(url: str) -> str:
    """Give a URL without its login and without the values of its query."""
    parts = urlsplit(url)
    _, login, site = parts.netloc.rpartition("@")
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    query = "&".join(f"{quote(name)}={_HIDDEN}" for name in names)
    netloc = f"{_HIDDEN}@{site}" if login else site
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))


def _headers(given: Mapping[str, str], text: Callable[[str], str], body: bytes) -> dict[str, str]:
    """Give all headers, the given ones instead of ours of the same name."""
    found = {"user-agent": ("User-Agent", "Mulligan"), "accept": ("Accept", "*/*")}
    if body:
        is_json = body.lstrip().startswith((b"{", b"["))
        kind = "application/json" if is_json else "text/plain; charset=utf-8"
        found["content-type"] = ("Content-Type", kind)
    for name, raw in given.items():
        value = text(raw)
        if any(ord(letter) < ord(" ") and letter != "\t" for letter in value) or "\x7f" in value:
            raise ValueError(f"the value of the header {name!r} has a control character")
        if name.lower() not in _OURS:
            found[name.lower()] = (name, value)
    return dict(found.values())


def _basic(user: str, password: str) -> str:
    login = f"{unquote(user)}:{unquote(password)}".encode()
    return f"Basic {base64.b64encode(login).decode()}"
