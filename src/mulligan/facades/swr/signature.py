"""Signed requests: SDK-HMAC-SHA256 (spec/swr-pipeline-api.md §1.2).

What is signed is what the server understands: path and query are decoded as they are for the
handlers, and encoded again in the one canonical way.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_to_bytes

import msgspec

ALGORITHM = "SDK-HMAC-SHA256"
DATE_HEADER = "x-sdk-date"
TOLERANCE = timedelta(minutes=15)
MOST_BODY_BYTES = 12 * 1024 * 1024  # larger ones need a token
_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_NAME = re.compile(r"[a-z0-9-]{1,100}")
_HEX = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"\s*(Access|SignedHeaders|Signature)=([^,\s]*)\s*")
_MOST_HEADERS = 100
Headers = list[tuple[bytes, bytes]]


class MalformedSignatureError(Exception):
    """The headers of a signature can't be read; `is_missing`: a part of them is not there."""

    def __init__(self, message: str, *, is_missing: bool = False) -> None:
        super().__init__(message)
        self.is_missing = is_missing


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature as it was sent."""

    access: str
    signed_headers: tuple[str, ...]
    value: str  # 64 hexadecimal digits
    date: str

    @property
    def signed_at(self) -> datetime:
        """Return the instant of the signature."""
        return datetime.strptime(self.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    def is_timely(self, now: datetime) -> bool:
        """Tell whether it was made within 15 minutes of now, before or after."""
        return abs(now - self.signed_at) <= TOLERANCE


def read_signature(authorization: str, date: str) -> Signature:
    """Read `Authorization` and `X-Sdk-Date`.

    Raises:
        MalformedSignatureError: They are not of the right form.
    """
    scheme, _, rest = authorization.partition(" ")
    parts: dict[str, str] = {}
    for text in rest.split(","):
        found = _PART.fullmatch(text)
        if scheme != ALGORITHM or found is None or found[1] in parts:
            raise MalformedSignatureError(
                f"Authorization must be {ALGORITHM} Access=…, SignedHeaders=…, Signature=…"
            )
        parts[found[1]] = found[2]
    for name in ("Access", "SignedHeaders", "Signature"):
        if not parts.get(name):
            raise MalformedSignatureError(f"{name} is missing or empty", is_missing=True)
    names = tuple(sorted(parts["SignedHeaders"].lower().split(";")))
    is_odd = len(set(names)) != len(names) or not all(_NAME.fullmatch(name) for name in names)
    if is_odd or len(names) > _MOST_HEADERS:
        raise MalformedSignatureError("SignedHeaders must be names of headers, joined by ;")
    value = parts["Signature"].lower()
    if not _HEX.fullmatch(value):
        raise MalformedSignatureError("Signature must be 64 hexadecimal digits")
    return Signature(
        access=parts["Access"], signed_headers=names, value=value, date=_check_date(date)
    )


def _check_date(date: str) -> str:
    if not date:
        raise MalformedSignatureError("X-Sdk-Date is missing", is_missing=True)
    try:
        if _DATE.fullmatch(date):
            datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return date
    except ValueError:
        pass
    raise MalformedSignatureError("X-Sdk-Date must be an instant like 20261122T120000Z")


def is_signed_by(
    signature: Signature,
    secret: str,
    *,
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    headers: Headers,
    body_digest: str,
) -> bool:
    """Tell whether the secret gives this signature for this request.

    Args:
        raw_path: Path as it came over the wire, without the query.
        headers: Names in lower case.
        body_digest: SHA-256 of the body, 64 hexadecimal digits.
    """
    values = _values(headers, signature.signed_headers)
    if values is None or DATE_HEADER not in signature.signed_headers:
        return False
    lines = "".join(f"{name}:{values[name]}\n" for name in signature.signed_headers)
    canonical = "\n".join(
        (
            method,
            canonical_path(raw_path),
            canonical_query(raw_query),
            lines,
            ";".join(signature.signed_headers),
            body_digest,
        )
    )
    hashed = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    text = f"{ALGORITHM}\n{signature.date}\n{hashed}"
    expected = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature.value)


def _values(headers: Headers, names: Iterable[str]) -> dict[str, str] | None:
    """Return the signed headers; None when one is not there, or comes twice."""
    found: dict[str, str] = {}
    wanted = set(names)
    for raw_name, raw_value in headers:
        name = raw_name.decode("latin-1")
        if name in wanted:
            if name in found:
                return None  # which of them would the handlers read?
            found[name] = raw_value.decode("utf-8", "surrogateescape").strip()
    return found if found.keys() == wanted else None


def canonical_path(raw_path: bytes) -> str:
    """Return a path, each part encoded in the one way, with a slash at its end."""
    path = "/".join(_encode(unquote_to_bytes(part)) for part in raw_path.split(b"/"))
    return path if path.endswith("/") else path + "/"


def canonical_query(raw_query: bytes) -> str:
    """Return the parameters of a query by name, then value; `+` is a blank, as for the handlers."""
    pairs = []
    for part in raw_query.split(b"&"):
        if part:
            name, _, value = part.replace(b"+", b" ").partition(b"=")
            pairs.append((unquote_to_bytes(name), unquote_to_bytes(value)))
    return "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(pairs))


def _encode(text: bytes) -> str:
    return quote(text, safe="-_.~")
