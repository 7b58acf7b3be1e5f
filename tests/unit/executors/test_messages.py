"""Frames between the server and the step host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.executors.host.messages import MAX_FRAME_BYTES, FrameError, FrameReader, frame


@given(st.lists(st.binary(max_size=50), max_size=10), st.integers(1, 20))
def test_payloads_come_back_however_they_are_cut(payloads: list[bytes], size: int) -> None:
    """What was framed comes out in order, for any portions."""
    stream = b"".join(frame(payload) for payload in payloads)
    reader = FrameReader()

    found = [
        payload
        for start in range(0, len(stream), size)
        for payload in reader.feed(stream[start : start + size])
    ]

    assert found == payloads


def test_frame_that_is_too_long_is_refused() -> None:
    """A length beyond the limit is an error before anything is kept."""
    reader = FrameReader()

    with pytest.raises(FrameError):
        reader.feed((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
