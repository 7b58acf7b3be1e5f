"""What a notice is on the wire, for each kind of channel. Pure.

The robots of chat programs take a small JSON document each. A client for many of them (apprise) is
not used: it connects to whatever address a name has at that moment, past the guard against private
networks, blocks, and brings six packages.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

_LONGEST_TEXT = 4000  # characters; the smallest bound of the robots is 4,096 bytes of Markdown
_PREFIX = "whsec_"


class Address(msgspec.Struct, frozen=True):
    """Where a channel sends to; `repr` shows nothing. `key`: for signatures, "" = none."""

    url: str
    key: str = ""

    def __repr__(self) -> str:
        """Show nothing."""
        return "Address()"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What is told. `ident` is the same when it is sent again."""

    ident: str
    event: str
    project: str
    title: str
    text: str
    at: datetime

    @property
    def whole(self) -> str:
        """Return title and text, not too long."""
        return f"{self.title}\n{self.text}"[:_LONGEST_TEXT]


class Message(msgspec.Struct, frozen=True):
    """A POST: URL, headers, body."""

    url: str
    headers: dict[str, str]
    body: bytes


def compose(way: str, address: Address, notice: Notice) -> Message:
    """Make the request with which a channel is told something."""
    return WAYS[way](address, notice)


def _webhook(address: Address, notice: Notice) -> Message:
    """Sign as the specification "Standard Webhooks" says."""
    body = msgspec.json.encode(
        {
            "type": notice.event,
            "timestamp": notice.at,
            "data": {"project": notice.project, "title": notice.title, "text": notice.text},
        }
    )
    seconds = str(int(notice.at.timestamp()))
    headers = {"webhook-id": notice.ident, "webhook-timestamp": seconds}
    if address.key:
        signed = f"{notice.ident}.{seconds}.".encode() + body
        digest = hmac.new(_key_bytes(address.key), signed, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return Message(address.url, _with_type(headers), body)


def _key_bytes(key: str) -> bytes:
    if key.startswith(_PREFIX):
        try:
            return base64.b64decode(key.removeprefix(_PREFIX), validate=True)
        except ValueError:
            return key.encode()
    return key.encode()


def _wecom(address: Address, notice: Notice) -> Message:
    return _json(address.url, {"msgtype": "text", "text": {"content": notice.whole}})


def _dingtalk(address: Address, notice: Notice) -> Message:
    url = address.url
    if address.key:
        millis = str(int(notice.at.timestamp() * 1000))
        digest = hmac.new(address.key.encode(), f"{millis}\n{address.key}".encode(), hashlib.sha256)
        sign = base64.b64encode(digest.digest()).decode()
        parts = urlsplit(url)
        added = urlencode({"timestamp": millis, "sign": sign})
        query = "&".join(filter(None, (parts.query, added)))
        url = urlunsplit(parts._replace(query=query))
    return _json(url, {"msgtype": "text", "text": {"content": notice.whole}})


def _feishu(address: Address, notice: Notice) -> Message:
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": notice.whole}}
    if address.key:
        seconds = str(int(notice.at.timestamp()))
        digest = hmac.new(f"{seconds}\n{address.key}".encode(), b"", hashlib.sha256).digest()
        body |= {"timestamp": seconds, "sign": base64.b64encode(digest).decode()}
    return _json(address.url, body)


def _slack(address: Address, notice: Notice) -> Message:
    return _json(address.url, {"text": notice.whole})


def _json(url: str, body: dict[str, Any]) -> Message:
    return Message(url, _with_type({}), msgspec.json.encode(body))


def _with_type(headers: dict[str, str]) -> dict[str, str]:
    return {"Content-Type": "application/json", "User-Agent": "Mulligan", **headers}


WAYS: dict[str, Callable[[Address, Notice], Message]] = {
    "webhook": _webhook,
    "wecom": _wecom,
    "dingtalk": _dingtalk,
    "feishu": _feishu,
    "slack": _slack,
}
