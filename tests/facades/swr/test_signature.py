"""SDK-HMAC-SHA256: what is signed, and which forms are read."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from signing import DATE, NOON, authorization, canonical_request, sign

from mulligan.facades.swr.signature import (
    MalformedSignatureError,
    canonical_path,
    canonical_query,
    is_signed_by,
    read_signature,
)

SECRET = "the secret"
HEADERS = {"host": "ci.example.com", "x-sdk-date": DATE}
GOOD = "0" * 64


def check(canonical: str, names: str = "host;x-sdk-date", **changed: Any) -> bool:
    """Tell whether a request fits the signature of a canonical request; `changed`: its parts."""
    header = authorization("AK", names, sign(SECRET, DATE, canonical))
    parts: dict[str, Any] = {
        "method": "POST",
        "raw_path": b"/v3/manage/pipelines/7/stages/2/start",
        "raw_query": b"mode=rollback",
        "headers": [(b"host", b"ci.example.com"), (b"x-sdk-date", DATE.encode())],
        "body_digest": hashlib.sha256(b'{"a":1}').hexdigest(),
        **changed,
    }
    return is_signed_by(read_signature(header, DATE), SECRET, **parts)


CANONICAL = canonical_request(
    "POST", "/v3/manage/pipelines/7/stages/2/start/", "mode=rollback", HEADERS, b'{"a":1}'
)


def test_canonical_request_of_the_guide() -> None:
    """The text that is signed has the six parts of the guide, with an empty line before names."""
    assert CANONICAL.split("\n")[:7] == [
        "POST",
        "/v3/manage/pipelines/7/stages/2/start/",
        "mode=rollback",
        "host:ci.example.com",
        f"x-sdk-date:{DATE}",
        "",
        "host;x-sdk-date",
    ]
    assert check(CANONICAL)


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"raw_path": b"/v3/manage/pipelines/8/stages/2/start"},
        {"raw_path": b"/v3/manage/pipelines/7%2Fstages/2/start"},
        {"raw_query": b"mode=retry"},
        {"raw_query": b""},
        {"raw_query": b"mode=rollback&job_id=3"},
        {"body_digest": hashlib.sha256(b'{"a":2}').hexdigest()},
        {"headers": [(b"host", b"evil.example.com"), (b"x-sdk-date", DATE.encode())]},
        {"headers": [(b"x-sdk-date", DATE.encode())]},
        {
            "headers": [
                (b"host", b"ci.example.com"),
                (b"host", b"ci.example.com"),
                (b"x-sdk-date", DATE.encode()),
            ]
        },
    ],
)
def test_changed_request(changed: dict[str, Any]) -> None:
    """Whatever is changed after signing, the signature does not fit any more."""
    assert not check(CANONICAL, **changed)


def test_wrong_secret() -> None:
    """A signature by another secret does not fit."""
    header = authorization("AK", "host;x-sdk-date", sign("other", DATE, CANONICAL))

    fits = is_signed_by(
        read_signature(header, DATE),
        SECRET,
        method="POST",
        raw_path=b"/v3/manage/pipelines/7/stages/2/start",
        raw_query=b"mode=rollback",
        headers=[(b"host", b"ci.example.com"), (b"x-sdk-date", DATE.encode())],
        body_digest=hashlib.sha256(b'{"a":1}').hexdigest(),
    )

    assert not fits


def test_order_of_headers_does_not_matter() -> None:
    """Headers may come, and be listed, in any order and with blanks around their values."""
    turned: list[tuple[bytes, bytes]] = [
        (b"x-sdk-date", b" " + DATE.encode()),
        (b"accept", b"*/*"),
        (b"host", b"ci.example.com  "),
    ]

    assert check(CANONICAL, "x-sdk-date;host", headers=turned)
    assert check(CANONICAL, "X-Sdk-Date;Host", headers=turned)


def test_host_need_not_be_signed() -> None:
    """Only the date has to be among the signed headers."""
    only_date = {"x-sdk-date": DATE}
    canonical = canonical_request(
        "POST", "/v3/manage/pipelines/7/stages/2/start/", "mode=rollback", only_date, b'{"a":1}'
    )
    without = canonical_request(
        "POST",
        "/v3/manage/pipelines/7/stages/2/start/",
        "mode=rollback",
        {"host": "ci.example.com"},
        b'{"a":1}',
    )

    assert check(canonical, "x-sdk-date")
    assert check(canonical, "x-sdk-date", headers=[(b"x-sdk-date", DATE.encode())])
    assert not check(without, "host")


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"/", "/"),
        (b"/v3/projects", "/v3/projects/"),
        (b"/a/", "/a/"),
        (b"/a%20b/c%2520d", "/a%20b/c%2520d/"),
        (b"/%7euser/%e4%b8%ad", "/~user/%E4%B8%AD/"),
        (b"/a+b:c", "/a%2Bb%3Ac/"),
        (b"/a%2Fb", "/a%2Fb/"),
        (b"/%ff", "/%FF/"),
    ],
)
def test_canonical_path(raw: bytes, canonical: str) -> None:
    """Each segment is decoded once and encoded in the one way; a slash ends the path."""
    assert canonical_path(raw) == canonical


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"", ""),
        (b"b=2&a=1", "a=1&b=2"),
        (b"a=2&a=1&a", "a=&a=1&a=2"),
        (b"filter=name::web|group_id::7", "filter=name%3A%3Aweb%7Cgroup_id%3A%3A7"),
        (b"filter=name%3a%3aweb", "filter=name%3A%3Aweb"),
        (b"a=b+c&d=%2B", "a=b%20c&d=%2B"),
        (b"a=1&&b=2&", "a=1&b=2"),
        (b"a=b=c", "a=b%3Dc"),
    ],
)
def test_canonical_query(raw: bytes, canonical: str) -> None:
    """Parameters are sorted by name and value; a plus is a blank, as for the calls."""
    assert canonical_query(raw) == canonical


@pytest.mark.parametrize(
    ("header", "date", "is_missing"),
    [
        ("SDK-HMAC-SHA256", DATE, False),
        ("SDK-HMAC-SHA256 nonsense", DATE, False),
        (f"SDK-HMAC-SHA256 Access=A, SignedHeaders=host, Signature={GOOD}, X=1", DATE, False),
        (f"SDK-HMAC-SHA256 Access=A, Access=B, SignedHeaders=h, Signature={GOOD}", DATE, False),
        (f"SDK-HMAC-SHA256 SignedHeaders=x-sdk-date, Signature={GOOD}", DATE, True),
        (f"SDK-HMAC-SHA256 Access=, SignedHeaders=x-sdk-date, Signature={GOOD}", DATE, True),
        ("SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date, Signature=", DATE, True),
        ("SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date, Signature=abc", DATE, False),
        (f"SDK-HMAC-SHA256 Access=A, SignedHeaders=a;a, Signature={GOOD}", DATE, False),
        (f"SDK-HMAC-SHA256 Access=A, SignedHeaders=;, Signature={GOOD}", DATE, False),
        (authorization("A", "x-sdk-date", GOOD), "", True),
        (authorization("A", "x-sdk-date", GOOD), "2026-11-22T12:00:00Z", False),
        (authorization("A", "x-sdk-date", GOOD), "20261399T120000Z", False),
        (authorization("A", "x-sdk-date", GOOD), "٢٠٢٦1122T120000Z", False),
    ],
)
def test_malformed_headers(header: str, date: str, is_missing: bool) -> None:
    """Headers of another form are told from signatures that are wrong."""
    with pytest.raises(MalformedSignatureError) as error:
        read_signature(header, date)

    assert error.value.is_missing is is_missing


def test_date_may_differ_by_fifteen_minutes() -> None:
    """A signature is timely from 15 minutes before to 15 minutes after its date."""
    signature = read_signature(authorization("A", "x-sdk-date", GOOD), DATE)
    limit, more = timedelta(minutes=15), timedelta(minutes=15, seconds=1)

    assert signature.is_timely(NOON - limit)
    assert signature.is_timely(NOON + limit)
    assert not signature.is_timely(NOON - more)
    assert not signature.is_timely(NOON + more)
