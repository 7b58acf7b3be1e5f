"""Mask secrets in a stream of output, also one that is split over two writes.

What is masked, each as ``******``:

- every secret of at least 3 characters, as it is and without white space around it;
- every line of at least 4 characters of a secret with several lines;
- the secret in base64 (both alphabets, with and without padding, and inside of a longer base64
  text at any of the 3 alignments), percent-encoded (the usual choices of characters), and escaped
  as in JSON;
- the password of ``scheme://user:password@``, whether it is a known secret or not.

Occurrences that overlap are masked as one. The result depends only on the whole stream, never on
how it came in pieces.

Known forms are searched with ``bytes.find``, not with a regular expression: ten secrets of 20
characters cost 0.13 ms per 64 KiB so, and 1.1 ms as one compiled alternation.

This module is imported by the step host, which must start fast: it imports nothing but binascii.
"""

from __future__ import annotations

import binascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Span = tuple[int, int]

MASK = b"******"
MIN_SECRET_CHARACTERS = 3
MIN_LINE_CHARACTERS = 4
MIN_BASE64_INNER_BYTES = 6
"""Shorter inner parts of a base64 text would turn up by chance."""

URL_BYTES = 4_096
"""The longest ``user:password@host`` that is recognised as one (tokens may have 2,000 bytes)."""

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
# Every byte that can't be in "user:password@host" becomes a newline.
_AUTHORITY_ENDS = bytes(
    0x0A if byte <= 0x20 or byte == 0x7F or byte in b"/\"'<>\\`" else byte for byte in range(256)
)


class Masker:
    """Mask the secrets of one stream.

    Holds back the end of what it was fed only while that could be the beginning of a secret (at
    most the length of the longest form minus 1 bytes) or is an address that has not ended yet (at
    most 4 KiB). There is no way to release a held part early, because the rest of the secret that
    follows could then not be masked any more; so a prompt that ends like a secret begins shows its
    last characters late.

    Args:
        secrets: values to hide, of any length and with any characters. May be empty: then only
            passwords in addresses are masked.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        probes: set[bytes] = set()
        forms: set[bytes] = set()
        for secret in secrets:
            own = _forms(secret)
            forms |= own
            # A form that contains another one is present only where that one is.
            probes |= {form for form in own if not any(o in form for o in own if o is not form)}
        self._forms = tuple(sorted(forms))
        self._probes = tuple(sorted(probes))
        self._inner_bytes = frozenset(b"".join(form[:-1] for form in forms))
        # The forms by their first byte, and the length of the longest of them.
        self._starts = [
            (first, max(map(len, same)), same)
            for first in sorted({form[:1] for form in forms})
            for same in [[form for form in self._forms if form[:1] == first]]
        ]
        self._pending = b""
        # So many bytes at the start of what is pending belong to a mask that is already out.
        self._masked = 0

    def hides(self, data: bytes) -> bool:
        """Tell whether ``data`` holds a secret, in any of its forms."""
        return any(probe in data for probe in self._probes)

    @property
    def pending_bytes(self) -> int:
        """Return how many bytes are held back."""
        return len(self._pending)

    def feed(self, data: bytes) -> bytes:
        """Return what is certain after ``data``: earlier held bytes and these, masked."""
        if self._pending:
            data = self._pending + data
        if not data:
            return b""
        hold = self._hold_from(data)
        spans = self._spans(data)
        if hold == len(data) and not spans:
            self._pending = b""
            return data
        return self._release(data, spans, hold)

    def flush_pending(self) -> bytes:
        """End the stream and return what was held back; the next feed begins a new stream.

        If it ends with 3 or more bytes with which a secret begins, they are masked like the
        secret: it was probably cut off. One or two bytes are shown as they are, because that much
        is mostly a coincidence.
        """
        data = self._pending
        spans = self._spans(data)
        start = self._secret_start(data)
        if len(data) - start >= MIN_SECRET_CHARACTERS:
            spans = _merged([*spans, (start, len(data))])
        released = self._release(data, spans, len(data))
        self._pending = b""
        self._masked = 0
        return released

    def _release(self, data: bytes, spans: list[Span], hold: int) -> bytes:
        """Return ``data[:hold]`` masked; keep the rest, and how much of it a mask covers."""
        parts = []
        position = 0
        for start, end in spans:
            shown = start == 0 and self._masked
            if start >= hold and not shown:
                break
            parts.append(data[position:start])
            if not shown:
                parts.append(MASK)
            position = end
        parts.append(data[position:hold])
        self._masked = max(position - hold, 0)
        self._pending = data[hold:]
        return b"".join(parts)

    def _spans(self, data: bytes) -> list[Span]:
        """Return what is to be masked in ``data``, merged and ascending."""
        spans = []
        if self._masked:
            spans.append((0, self._masked))
        for probe in self._probes:
            if probe in data:
                spans.extend(_occurrences(data, self._forms))
                break
        if b"@" in data and b"://" in data:
            spans.extend(_passwords(data))
        return _merged(spans)

    def _hold_from(self, data: bytes) -> int:
        """Return from where on ``data`` could be the beginning of something to mask."""
        start = self._secret_start(data) if data[-1] in self._inner_bytes else len(data)
        if start > 0 and data[start - 1] > 0x20:
            start = _address_start(data, start)
        return start

    def _secret_start(self, data: bytes) -> int:
        """Return the first position from which the rest of ``data`` is part of a form's start."""
        size = len(data)
        best = size
        for first, longest, forms in self._starts:
            position = data.find(first, max(size - longest + 1, 0), best)
            while position >= 0:
                rest = data[position:]
                if any(len(form) > len(rest) and form.startswith(rest) for form in forms):
                    best = position
                    break
                position = data.find(first, position + 1, best)
        return best


def mask_text(masker: Masker, text: str) -> str:
    """Return a whole text, masked."""
    content = text.encode("utf-8", "replace")
    return (masker.feed(content) + masker.flush_pending()).decode("utf-8", "replace")


def _merged(spans: list[Span]) -> list[Span]:
    """Return the union of ``spans``; those that only touch stay two."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _occurrences(data: bytes, forms: tuple[bytes, ...]) -> list[Span]:
    """Return where each of ``forms`` is in ``data``, overlapping ones included."""
    spans = []
    for form in forms:
        position = data.find(form)
        while position >= 0:
            spans.append((position, position + len(form)))
            position = data.find(form, position + 1)
    return spans


def _passwords(data: bytes) -> list[Span]:
    """Return where in ``data`` the passwords of addresses are."""
    spans = []
    position = data.find(b"://")
    while position >= 0:
        start = position + 3
        authority = _authority(data, start, len(data))
        at = authority.rfind(b"@")
        colon = authority.find(b":", 0, max(at, 0))
        if 0 <= colon < at - 1:
            spans.append((start + colon + 1, start + at))
        position = data.find(b"://", start)
    return spans


def _authority(data: bytes, start: int, end: int) -> bytes:
    """Return the ``user:password@host`` that begins at ``start``."""
    end = min(end, start + URL_BYTES)
    # The slash is nearly always the end; the table is then applied to a few bytes only.
    slash = data.find(b"/", start, end)
    window = data[start : slash if slash >= 0 else end]
    return window.translate(_AUTHORITY_ENDS).partition(b"\n")[0]


def _address_start(data: bytes, end: int) -> int:
    """Return where the address begins that has not ended at ``end``; ``end`` if there is none."""
    position = data.rfind(b"://", max(end - URL_BYTES, 0), end)
    if position >= 0 and len(_authority(data, position + 3, end)) == end - position - 3:
        return position
    for part in (b":/", b":"):
        if data.endswith(part, 0, end):
            return end - len(part)
    return end


def _forms(secret: str) -> set[bytes]:
    """Return all byte strings that stand for ``secret``."""
    forms: set[bytes] = set()
    for text in {secret, secret.strip()}:
        if len(text) >= MIN_SECRET_CHARACTERS:
            raw = _encoded(text)
            forms |= {raw, _json_escaped(raw)} | _base64_forms(raw) | _percent_forms(raw)
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        kept = (line for line in lines if len(line) >= MIN_LINE_CHARACTERS)
        forms |= set(map(_encoded, kept))
    return forms


def _encoded(text: str) -> bytes:
    """Return the bytes of ``text`` as a process gets them; works for any string."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")


def _json_escaped(raw: bytes) -> bytes:
    escaped = raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return escaped.replace(b"\n", b"\\n").replace(b"\r", b"\\r").replace(b"\t", b"\\t")


def _base64_forms(raw: bytes) -> set[bytes]:
    """Return the base64 of ``raw``, and the part of it that is the same inside a longer text."""
    whole = binascii.b2a_base64(raw, newline=False)
    forms = {whole, whole.rstrip(b"=")}
    for shift, first in ((0, 0), (1, 2), (2, 3)):
        # The characters before `first` also carry bits of what stands before the secret, and the
        # last one may carry bits of what stands after it.
        text = binascii.b2a_base64(b"\0" * shift + raw, newline=False)
        inner = text[first : (shift + len(raw)) * 8 // 6]
        if len(inner) >= MIN_BASE64_INNER_BYTES:
            forms.add(inner)
    return forms | {form.translate(_URL_SAFE) for form in forms}


def _percent_forms(raw: bytes) -> set[bytes]:
    """Return ``raw`` percent-encoded as query, path, form and JavaScript encoders do it."""
    forms = set()
    for safe in (b"", b"/", b"!'()*"):
        for pattern in (b"%%%02X", b"%%%02x"):
            encoded = b"".join(
                bytes((byte,)) if byte in _UNRESERVED or byte in safe else pattern % byte
                for byte in raw
            )
            forms |= {encoded, encoded.replace(b"%20", b"+")}
    return forms
