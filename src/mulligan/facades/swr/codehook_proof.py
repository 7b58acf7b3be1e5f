"""Does who calls a code hook know its secret? The ways in which code hosts show it. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import unquote

# A signed call of Gitee is good for so long, to either side: the clocks differ.
_GITEE_AGE = timedelta(hours=1)
_LONGEST_NUMBER = 15

Header = Callable[[str], str]


def is_proven(header: Header, body: bytes, secret: str, now: datetime) -> bool:
    """Tell whether a request proves that its sender knows the secret.

    Compares in constant time. Ways: an HMAC-SHA256 of the body in hexadecimal digits
    (`X-Hub-Signature-256` of GitHub and others, `X-Gitea-Signature`, `X-Gogs-Signature`), the
    secret itself (`X-Gitlab-Token`, `X-Mulligan-Token`), the secret or a signed time
    (`X-Gitee-Token`).

    Args:
        header: Gives a header's value, "" when it is absent.
        secret: Not empty, else nothing proves it.
    """
    if not secret:
        return False
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    pairs = [
        (header("X-Hub-Signature-256").removeprefix("sha256="), signature),
        (header("X-Gitea-Signature"), signature),
        (header("X-Gogs-Signature"), signature),
        (header("X-Gitlab-Token"), secret),
        (header("X-Mulligan-Token"), secret),
        (header("X-Gitee-Token"), secret),
    ]
    stamp = header("X-Gitee-Timestamp")
    if _is_recent(stamp, now):
        given = unquote(header("X-Gitee-Token"))
        pairs.append((given, _gitee_signature(stamp, secret)))
    return any([_is_same(given, wanted) for given, wanted in pairs])  # noqa: C419 - looks at all


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _gitee_signature(stamp: str, secret: str) -> str:
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _is_recent(stamp: str, now: datetime) -> bool:
    """Tell whether a number of milliseconds since 1970 is an instant not long ago."""
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= _LONGEST_NUMBER):
        return False
    return abs(now.timestamp() - int(stamp) / 1000) <= _GITEE_AGE.total_seconds()
