"""Write the output of steps into the log of their job attempt, and know when the disk is full."""

from __future__ import annotations

import os

from mulligan.logs.format import LogError
from mulligan.logs.masking import Masker, mask_text
from mulligan.logs.writer import LineCounter, LogWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Below this the disk counts as full: the log must not take the space that the database needs to
# write down that something went wrong. More than is read from a step in one turn.
RESERVE_BYTES = 4 * 1024 * 1024


class LogSink:
    """The log of one job attempt.

    A write that finds no space loses what it was to write; the log says later how much. So a
    step is asked to wait (`is_full`) before that happens, and its output stays in its pipe. When
    it waited too long, `drop_output` makes the sink take everything and keep what it can.

    Args:
        path: the log file.
        counter: the line numbers of the run.

    Attributes:
        problem: what went wrong with the log during the present section, for the user; or "".
    """

    def __init__(self, path: str, counter: LineCounter) -> None:
        self._path = path
        self._folder = os.path.dirname(path)
        self._counter = counter
        self._writer: LogWriter | None = None
        self._secrets: list[str] = []
        self._masker = Masker(())
        self._section: tuple[str, int, int, str] | None = None
        self._is_dropping = False
        self._is_line_open = False
        self.problem = ""

    @property
    def offset(self) -> int:
        """Return the bytes in the log."""
        return self._writer.offset if self._writer else 0

    @property
    def lines(self) -> int:
        """Return the lines in the log."""
        return self._writer.lines if self._writer else 0

    @property
    def next_line(self) -> int:
        """Return the number that the next line of the run will have."""
        return self._counter.next

    def hides(self, text: str) -> bool:
        """Tell whether a text holds a secret of the present section's step."""
        return self._masker.hides(text.encode("utf-8", "replace"))

    def masked(self, text: str) -> str:
        """Return a text without the secrets of the present section's step."""
        return mask_text(Masker(self._secrets), text) if self.hides(text) else text

    def begin(self, request: dict[str, Any]) -> None:
        """Begin the section of a step attempt; later, if the disk is full now."""
        self._is_dropping = False
        self._is_line_open = False
        self.problem = ""
        self._counter.raise_to(request["next_line"])
        if request["secrets"] != self._secrets:
            self._secrets = request["secrets"]
            self._masker = Masker(self._secrets)
        self._section = (
            request["step_id"],
            request["step_attempt"],
            request["run_attempt"],
            request["tag"],
        )
        self._open()

    def is_full(self) -> bool:
        """Tell whether output should stay where it is for now; looks at the disk each time."""
        if self._is_dropping:
            return False
        if self._section is not None:
            self._open()
        if self._writer is None:
            return True
        try:
            if self._writer.lost_bytes:
                self._writer.flush()
            return self._writer.lost_bytes > 0 or _free_bytes(self._folder) < RESERVE_BYTES
        except OSError as error:
            self.problem = f"the log can't be written: {error.strerror}"
            return True

    def drop_output(self) -> None:
        """Take all output of this section from now on, and lose what has no space."""
        self._is_dropping = True
        self.problem = self.problem or "output was lost: no space left for the log"

    def write(self, data: bytes) -> bool:
        """Mask and append output; return whether there is space for more."""
        if self._writer is None or self._section is not None:
            return self._is_dropping  # the log was never opened
        try:
            self._writer.write(data)
        except (OSError, LogError) as error:
            self.problem = f"output was lost: {error}"
            return self._is_dropping
        if data:
            self._is_line_open = not data.endswith(b"\n")
        return True

    def note(self, text: str) -> None:
        """Append a line that the step did not print."""
        newline = "\n" if self._is_line_open else ""
        self.write(f"{newline}{text}\n".encode("utf-8", "replace"))

    def end(self) -> None:
        """End the section."""
        self._section = None
        try:
            if self._writer is not None:
                self._writer.end_section()
        except (OSError, LogError) as error:
            self.problem = f"output was lost: {error}"

    def close(self) -> None:
        """Close the file."""
        try:
            if self._writer is not None:
                self._writer.close()
        except (OSError, LogError):
            return  # the reader puts right what is missing at the end

    def _open(self) -> None:
        if self._section is None:
            return
        try:
            if self._writer is None:
                self._writer = LogWriter(self._path, self._counter)
            self._writer.masker = self._masker
            self._writer.begin_section(*self._section)
            self._section = None
        except (OSError, LogError) as error:
            self.problem = f"the log can't be written: {error}"


def _free_bytes(folder: str) -> int:
    """Return what this user may still write there."""
    disk = os.statvfs(folder)
    if disk.f_blocks == 0:
        return RESERVE_BYTES  # a file system without an own size
    return disk.f_frsize * (disk.f_bfree if os.geteuid() == 0 else disk.f_bavail)
