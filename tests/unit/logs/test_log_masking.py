"""What is masked, however it arrives."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mulligan.logs.masking import Masker

SECRET = "s3cr3t/+ päss:word"


def masked(secrets: list[str], *chunks: bytes) -> bytes:
    """Return all that a new masker gives for a stream."""
    masker = Masker(secrets)
    return b"".join(map(masker.feed, chunks)) + masker.flush_pending()


def test_secret_is_masked() -> None:
    """Every occurrence of a secret becomes six stars, all else stays."""
    output = masked(["hunter2"], b"a hunter2 b hunter2\xff\nhunter\n")

    assert output == b"a ****** b ******\xff\nhunter\n"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        urllib.parse.quote(SECRET),
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.quote_plus(SECRET),
        urllib.parse.quote(SECRET, safe="")
        .replace("%2F", "%2f")
        .replace("%2B", "%2b")
        .replace("%C3%A4", "%c3%a4")
        .replace("%3A", "%3a"),
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
    ],
)
def test_form_of_a_secret_is_masked_whole(form: str) -> None:
    """The secret is masked in each encoding, and nothing of it stays beside the mask."""
    output = masked([SECRET], f"[{form}]\n".encode())

    assert output == b"[******]\n"


@pytest.mark.parametrize("user", ["x", "xy", "xyz", "admin"])
def test_secret_inside_of_longer_base64_is_masked(user: str) -> None:
    """The part of a base64 text that is the secret is masked at each alignment."""
    password = "correct-horse-battery"
    encoded = base64.b64encode(f"{user}:{password}".encode())

    output = masked([password], b"Authorization: Basic " + encoded + b"\n")

    shown = output.removeprefix(b"Authorization: Basic ").strip()
    assert shown.count(b"******") == 1
    assert b"horse" not in base64.b64decode(shown.replace(b"******", b"") + b"===", validate=False)
    assert len(shown.replace(b"******", b"")) <= len(user) * 4 // 3 + 6


def test_lines_of_a_secret_are_masked() -> None:
    """Each line of at least 4 characters of a longer secret is masked alone, shorter ones not."""
    secret = "first line\nabc\n  last line \n"

    output = masked([secret], b"> first line\r\n> abc\n> last line\n")

    assert output == b"> ******\r\n> abc\n> ******\n"


def test_white_space_around_a_secret_does_not_matter() -> None:
    """A token that was read from a file with its newline is masked."""
    assert masked(["token-1\n"], b"x token-1 y\n") == b"x ****** y\n"


@pytest.mark.parametrize("secret", ["", "a", "ab", "\n", "  "])
def test_short_secret_is_not_masked(secret: str) -> None:
    """Less than 3 characters are not a secret."""
    assert masked([secret], b"a ab   \n\n") == b"a ab   \n\n"


def test_longer_secret_wins_over_its_beginning() -> None:
    """The rest of a secret that begins like another one is not shown."""
    assert masked(["abc", "abcdef"], b"x abc abcdef", b" abc", b"def y\n") == (
        b"x ****** ****** ****** y\n"
    )


def test_overlapping_secrets_are_masked_as_one() -> None:
    """Of two secrets that share characters no part is shown."""
    assert masked(["token123", "123456"], b"token", b"123", b"456\n") == b"******\n"


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("http://oauth2:t0ken@host/x", "http://oauth2:******@host/x"),
        ("git clone https://u:p@ss@h:80/a.git", "git clone https://u:******@h:80/a.git"),
        ("redis://:secret@h", "redis://:******@h"),
        ("http://localhost:8080/ a@b", "http://localhost:8080/ a@b"),
        ('{"u":"http://host:80","mail":"a@b"}', '{"u":"http://host:80","mail":"a@b"}'),
        ("ssh://git@host:22/", "ssh://git@host:22/"),
        ("http://u:@host", "http://u:@host"),
        ("a://u:p1@h/b://u:p2@h", "a://u:******@h/b://u:******@h"),
        ("http://u:******@h", "http://u:******@h"),
    ],
)
def test_password_of_an_address_is_masked_at_every_split(given_text: str, shown: str) -> None:
    """Passwords in addresses are masked without being known, wherever the stream is cut."""
    data = given_text.encode() + b" \n"

    outputs = {masked([], data[:at], data[at:]) for at in range(len(data) + 1)}

    assert outputs == {shown.encode() + b" \n"}


def test_secret_is_masked_at_every_pair_of_splits() -> None:
    """A secret that comes in three parts is masked as if it came in one."""
    data = f"x {SECRET} {urllib.parse.quote(SECRET)} s3cr {SECRET}{SECRET}\n".encode()
    whole = masked([SECRET], data)

    outputs = {
        masked([SECRET], data[:first], data[first:second], data[second:])
        for second in range(len(data) + 1)
        for first in range(second + 1)
    }

    assert outputs == {whole}
    assert whole == b"x ****** ****** s3cr ************\n"


def test_what_is_held_back_is_bounded() -> None:
    """Not more is held than the longest form without its last byte."""
    masker = Masker(["aaaaaaaaab"])
    longest = len(base64.b64encode(b"aaaaaaaaab"))

    held = []
    for _ in range(50):
        masker.feed(b"aaa")
        held.append(masker.pending_bytes)

    assert 0 < max(held) < longest


def test_secret_that_repeats_in_itself_stays_masked() -> None:
    """A row of overlapping occurrences that never ends is masked with bounded memory."""
    masker = Masker(["aaa"])

    output = b"".join(masker.feed(b"a") for _ in range(1_000))

    assert output == b"******"
    assert masker.pending_bytes <= 3


def test_end_of_output_inside_of_a_secret_is_masked() -> None:
    """What was printed of a secret before the output ended is not shown."""
    assert masked(["hunter2-hunter2"], b"password: hunter2-hun") == b"password: ******"


def test_end_that_happens_to_begin_like_a_secret_is_shown() -> None:
    """One or two last characters are shown, and so is an address that did not end."""
    assert masked(["hunter2"], b"oh") == b"oh"
    assert masked(["hunter2"], b"see http://localhost:80") == b"see http://localhost:80"


def test_new_stream_begins_after_the_end() -> None:
    """What an ended section held back does not join with the next section."""
    masker = Masker(["abcdef"])
    first = masker.feed(b"abc") + masker.flush_pending()

    second = masker.feed(b"def\n") + masker.flush_pending()

    assert (first, second) == (b"******", b"def\n")


def test_ordinary_output_passes_untouched() -> None:
    """A chunk without anything to hide is the same object, not a copy."""
    masker = Masker(["hunter2"])
    chunk = b"nothing to hide\n" * 100

    assert masker.feed(chunk) is chunk


def test_secret_that_is_not_text_is_accepted() -> None:
    """Lone surrogates, as environment variables and JSON can have them, don't break a job."""
    assert masked(["a\udcffbc", "x\ud800yz"], b"a\xffbc\n") == b"******\n"


ALPHABET = st.sampled_from("ab:/@ ")
SMALL = st.text(ALPHABET, min_size=3, max_size=6)
TERMINATED = re.compile(rb"[^\x00-\x20/]*")


def oracle(secrets: list[str], data: bytes) -> bytes:
    """Return what a whole stream must become, the slow way."""
    plain = [s.strip().encode() for s in secrets if len(s.strip()) >= 3]
    covered = [False] * (len(data) + 1)
    joined = [False] * (len(data) + 1)
    spans = []
    for form in {*plain, *(s.encode() for s in secrets)}:
        spans += [
            (m.start(), m.start() + len(form))
            for m in re.finditer(b"(?=" + re.escape(form) + b")", data)
        ]
    for match in re.finditer(b"://", data):
        authority = TERMINATED.match(data, match.end())
        assert authority is not None
        found = re.fullmatch(rb"([^:@]*(?:@[^:@]*)*):(.+)@[^@]*", authority[0])
        if found and b":" not in found[1]:
            spans.append((match.end() + found.start(2), match.end() + found.end(2)))
    for start, end in spans:
        covered[start:end] = [True] * (end - start)
        joined[start + 1 : end] = [True] * (end - start - 1)
    shown = b""
    for at, byte in enumerate(data):
        if not covered[at]:
            shown += bytes((byte,))
        elif not joined[at]:
            shown += b"******"
    return shown


@given(st.lists(SMALL, max_size=3), st.lists(st.text(ALPHABET, max_size=9), max_size=6))
@settings(max_examples=400, deadline=None)
def test_masking_depends_only_on_the_whole_stream(secrets: list[str], parts: list[str]) -> None:
    """Any secrets in any stream in any parts are masked as the slow model does it."""
    chunks = [part.encode() for part in parts] + [b" \n"]

    output = masked(secrets, *chunks)

    assert output == oracle(secrets, b"".join(chunks))
