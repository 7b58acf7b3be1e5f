"""Name the messages between the server and the step host, and frame them.

A frame is four bytes of length (big endian) and one JSON object in UTF-8. Its key `t` tells the
kind; a receiver ignores kinds that it doesn't know. Shared by both sides, so it imports nothing
that isn't cheap.
"""

from __future__ import annotations

KIND = "t"

# server -> host
RUN = "run"
KILL = "kill"
END_JOB = "end_job"
FORGET = "forget"

# host -> server
GUARD = "guard"
HELLO = "hello"
EXIT = "exit"
PROGRESS = "progress"
JOB_ENDED = "job_ended"

# why a step ended
CAUSE_EXIT = "exit"
CAUSE_SIGNAL = "signal"
CAUSE_TIMEOUT = "timeout"
CAUSE_CANCELLED = "cancelled"
CAUSE_SPAWN = "spawn"

# how the host keeps its steps together
ISOLATION_AUTO = "auto"
ISOLATION_NAMESPACE = "pidns"
ISOLATION_SUBREAPER = "subreaper"

# Exit status of a host that got a process namespace but not its own /proc: start it again
# with ISOLATION_SUBREAPER (a namespace that was left can't be entered again).
EXIT_NO_NAMESPACE = 97

# What the host adds to the environment of a step.
JOB_VARIABLE = "MULLIGAN_JOB"
STEP_VARIABLE = "MULLIGAN_STEP"
SET_ENV_VARIABLE = "MULLIGAN_SET_ENV"
SET_ENV_FILE = "set-env"

LENGTH_BYTES = 4
# A request holds at most an environment and arguments, which the kernel limits to 6 MiB; an
# answer holds at most the commands and variables of a step, limited to 4 MiB each.
MAX_FRAME_BYTES = 32 * 1024 * 1024


class FrameError(Exception):
    """The other side sent a frame longer than `MAX_FRAME_BYTES`."""


def frame(payload: bytes) -> bytes:
    """Put the length in front of `payload`."""
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


class FrameReader:
    """Cut a stream of bytes into payloads; holds at most one unfinished frame."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Add `data`; return the payloads that are complete now. Raises FrameError."""
        buffer = self._buffer
        buffer += data
        payloads = []
        start = 0
        while len(buffer) - start >= LENGTH_BYTES:
            body = start + LENGTH_BYTES
            size = int.from_bytes(buffer[start:body], "big")
            if size > MAX_FRAME_BYTES:
                raise FrameError(f"a frame of {size} bytes; at most {MAX_FRAME_BYTES} are allowed")
            if len(buffer) - body < size:
                break
            start = body + size
            payloads.append(bytes(buffer[body:start]))
        del buffer[:start]
        return payloads
