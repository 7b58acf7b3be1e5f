"""Does the sender of a delivery know the secret? The ways in which code hosts show it."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import unquote

# A signed time of Gitee is good for so long, to either side: the clocks differ.
_GITEE_AGE = timedelta(hours=1)
# What the text of Standard Webhooks recommends against replays.
_STANDARD_AGE = timedelta(minutes=5)
_LONGEST_NUMBER = 15
_STANDARD_PREFIX = "whsec_"

Header = Callable[[str], str]


class Host(StrEnum):
    """Kinds of senders."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"  # Forgejo, Gogs too
    GITEE = "gitee"
    TGIT = "tgit"
    STANDARD = "standard"  # whoever signs as Standard Webhooks says


class Way(StrEnum):
    """How a secret is shown."""

    SHA256 = "sha256"  # HMAC-SHA256 of the body, hexadecimal
    TOKEN = "token"  # noqa: S105 - the name of a way
    GITEE = "gitee"  # the secret itself, or a signed time; the body is not covered
    STANDARD = "standard"  # HMAC-SHA256 of id, time and body, base64


_SIGNATURES = (
    "X-Hub-Signature-256",
    "X-Gitea-Signature",
    "X-Forgejo-Signature",
    "X-Gogs-Signature",
)
# Where ways that cover the body have their signature.
_SIGNED_IN = {Way.SHA256: _SIGNATURES, Way.STANDARD: ("webhook-signature",)}
_TOKENS = ("X-Gitlab-Token", "X-Mulligan-Token", "X-Token")
ALL_WAYS = frozenset({Way.SHA256, Way.TOKEN, Way.GITEE})
WAYS: dict[Host, frozenset[Way]] = {
    Host.GITHUB: frozenset({Way.SHA256}),
    Host.GITLAB: frozenset({Way.TOKEN, Way.STANDARD}),
    Host.GITEA: frozenset({Way.SHA256}),
    Host.GITEE: frozenset({Way.GITEE}),
    Host.TGIT: frozenset({Way.TOKEN}),
    Host.STANDARD: frozenset({Way.STANDARD}),
}


def is_proven(
    header: Header,
    body: bytes,
    secret: str,
    now: datetime,
    ways: Iterable[Way] = ALL_WAYS,
) -> bool:
    """Tell whether a request proves that its sender knows the secret. In constant time.

    Args:
        header: Gives a header's value, "" when it is absent.
        secret: Not empty, else nothing proves it.
        ways: Which count.
    """
    if not secret:
        return False
    pairs = [pair for way in ways for pair in _PAIRS[way](header, body, secret, now)]
    return any([_is_same(given, wanted) for given, wanted in pairs])  # noqa: C419 - looks at all


def may_be_proven(
    header: Header, secret: str, now: datetime, ways: Iterable[Way] = ALL_WAYS
) -> bool:
    """Tell whether a request may still be proven once its body is there, from its headers alone.

    A secret that is shown as it is must be right; a signature must be there.
    """
    chosen = set(ways)
    if secret and any(header(name) for way in chosen for name in _SIGNED_IN.get(way, ())):
        return True
    return is_proven(header, b"", secret, now, chosen - _SIGNED_IN.keys())


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


_Pairs = list[tuple[str, str]]


def _sha256(header: Header, body: bytes, secret: str, _now: datetime) -> _Pairs:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return [(header(name).removeprefix("sha256="), signature) for name in _SIGNATURES]


def _token(header: Header, _body: bytes, secret: str, _now: datetime) -> _Pairs:
    return [(header(name), secret) for name in _TOKENS]


def _gitee(header: Header, _body: bytes, secret: str, now: datetime) -> _Pairs:
    pairs = [(header("X-Gitee-Token"), secret)]
    stamp = header("X-Gitee-Timestamp")
    if _is_recent(stamp, 1000, now, _GITEE_AGE):
        text = f"{stamp}\n{secret}".encode()
        signed = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()
        pairs.append((unquote(header("X-Gitee-Token")), signed))
    return pairs


def _standard(header: Header, body: bytes, secret: str, now: datetime) -> _Pairs:
    stamp = header("webhook-timestamp")
    if not _is_recent(stamp, 1, now, _STANDARD_AGE):
        return []
    text = f"{header('webhook-id')}.{stamp}.".encode() + body
    given = [part.partition(",") for part in header("webhook-signature").split()]
    signatures = [signature for version, _, signature in given if version == "v1"]
    return [
        (signature, base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode())
        for signature in signatures[:10]
        for key in _standard_keys(secret)
    ]


def _standard_keys(secret: str) -> list[bytes]:
    """Give the keys that a secret may mean: base64 after its prefix, and the text itself."""
    text = secret.removeprefix(_STANDARD_PREFIX)
    keys = [secret.encode()]
    try:
        keys.append(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return keys
    return keys


def _is_recent(stamp: str, per_second: int, now: datetime, age: timedelta) -> bool:
    """Tell whether a number of (parts of) seconds since 1970 is an instant not long ago."""
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= _LONGEST_NUMBER):
        return False
    return abs(now.timestamp() - int(stamp) / per_second) <= age.total_seconds()


_PAIRS: dict[Way, Callable[[Header, bytes, str, datetime], _Pairs]] = {
    Way.SHA256: _sha256,
    Way.TOKEN: _token,
    Way.GITEE: _gitee,
    Way.STANDARD: _standard,
}
