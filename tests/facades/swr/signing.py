"""Sign requests as the signing guide of the dialect describes it, step by step."""

import hashlib
import hmac
from datetime import UTC, datetime

DATE = "20261122T120000Z"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def canonical_request(
    method: str, uri: str, query: str, headers: dict[str, str], body: bytes = b""
) -> str:
    """Return the text that is hashed; `uri` and `query` are canonical already."""
    lines = [f"{name}:{headers[name].strip()}" for name in sorted(headers)]
    names = ";".join(sorted(headers))
    hashed = hashlib.sha256(body).hexdigest()
    return "\n".join([method, uri, query, *lines, "", names, hashed])


def sign(secret: str, date: str, canonical: str) -> str:
    """Return the signature of a canonical request."""
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"SDK-HMAC-SHA256\n{date}\n{hashed}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def authorization(access: str, names: str, signature: str) -> str:
    """Return the header."""
    return f"SDK-HMAC-SHA256 Access={access}, SignedHeaders={names}, Signature={signature}"


def signed(
    key: dict[str, str],
    method: str,
    uri: str,
    query: str = "",
    body: bytes = b"",
    *,
    now: datetime = NOON,
    host: str = "127.0.0.1",
    **more: str,
) -> dict[str, str]:
    """Return the headers of a signed request.

    Args:
        key: "access" and "secret".
        uri, query: Canonical; `uri` ends with a slash.
        host: "" = it is not signed.
        more: Further headers that are signed, `_` for `-`.
    """
    date = now.strftime("%Y%m%dT%H%M%SZ")
    others = {name.replace("_", "-"): value for name, value in more.items()}
    headers = {"x-sdk-date": date, **others}
    if host:
        headers["host"] = host
    signature = sign(key["secret"], date, canonical_request(method, uri, query, headers, body))
    names = ";".join(sorted(headers))
    return {"X-Sdk-Date": date, **others} | {
        "Authorization": authorization(key["access"], names, signature)
    }
