"""Find the commands that a script prints (`::set-variable name=K::V` and others).

A command stands at the start of a line, which may be wrapped in double quotes. Lines end with a
line feed or a carriage return, as in the worker that scripts are written for. Everything behind
the first `::` belongs to the value, further `::` included. What a command means is decided by
the server; here it is only taken apart.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    class Command(TypedDict):
        """One command: its name without `::`, what stands before the value, the value."""

        name: str
        args: dict[str, str]
        value: str


MAX_COMMANDS = 1000
MAX_LINE_BYTES = 64 * 1024
# All commands of a step together: they travel in one message.
MAX_TOTAL_BYTES = 4 * 1024 * 1024

_PREFIX = b"::set-"
_QUOTE = b'"'
_WITH_ARGS = (b"set-variable", b"set-output", b"set-gate-value")
_WITH_TEXT = (b"set-remark", b"set-error", b"set-progress-rate")
_ESCAPED = (b"set-variable", b"set-output")
PROGRESS_RATE = "set-progress-rate"
TEXT_COMMANDS = frozenset(name.decode() for name in _WITH_TEXT)


class CommandDetector:
    """Look through output as it comes, in pieces of any size.

    Attributes:
        commands: what was found, in order.
        dropped: how many lines were left out because of a limit.
    """

    __slots__ = ("_at_line_start", "_bytes", "_pending", "commands", "dropped")

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.dropped = 0
        self._at_line_start = True
        self._pending = b""  # the start of a line that may become a command
        self._bytes = 0

    def feed(self, data: bytes) -> None:
        """Look through the next piece of output."""
        if self._pending:
            data = self._pending + data
            self._pending = b""
            self._at_line_start = True
        if _PREFIX in data:
            self._find(data)
        self._keep_rest(data)

    def close(self) -> None:
        """Take the last line also when nothing ends it."""
        if self._pending:
            self._take(self._pending)
            self._pending = b""

    def _find(self, data: bytes) -> None:
        """Take every complete line of `data` that starts with a command."""
        at = data.find(_PREFIX)
        while at >= 0:
            start = at - 1 if at > 0 and data[at - 1 : at] == _QUOTE else at
            starts_line = data[start - 1 : start] in b"\n\r" if start > 0 else self._at_line_start
            end = _line_end(data, at)
            if end < 0:
                return
            if starts_line:
                self._take(data[start:end])
            at = data.find(_PREFIX, end)

    def _keep_rest(self, data: bytes) -> None:
        """Keep the unfinished last line if it can still become a command."""
        rest = max(data.rfind(b"\n"), data.rfind(b"\r", max(len(data) - MAX_LINE_BYTES, 0))) + 1
        if rest == 0 and not self._at_line_start:
            return
        line = data[rest : rest + MAX_LINE_BYTES + 1]
        if not line:
            self._at_line_start = True
        elif not _may_become_command(line):
            self._at_line_start = False
        elif len(line) > MAX_LINE_BYTES:
            self._at_line_start = False
            self.dropped += 1
        else:
            self._pending = line

    def _take(self, line: bytes) -> None:
        command = parse_command(line) if len(line) <= MAX_LINE_BYTES else None
        if command is None:
            self.dropped += len(line) > MAX_LINE_BYTES
        elif len(self.commands) >= MAX_COMMANDS or self._bytes + len(line) > MAX_TOTAL_BYTES:
            self.dropped += 1
        else:
            self._bytes += len(line)
            self.commands.append(command)


def _line_end(data: bytes, start: int) -> int:
    """Find the line feed or carriage return that ends the line; -1 if there is none."""
    feed = data.find(b"\n", start)
    carriage = data.find(b"\r", start, feed if feed >= 0 else start + MAX_LINE_BYTES + 1)
    return carriage if carriage >= 0 else feed


def _may_become_command(line: bytes) -> bool:
    line = line.removeprefix(_QUOTE)
    return line.startswith(_PREFIX) or _PREFIX.startswith(line)


def parse_command(line: bytes) -> Command | None:
    """Take one line apart; None if it is not a command.

    Args:
        line: without its end; quotes around it are removed if they are on both sides.
    """
    if len(line) > 1 and line.startswith(_QUOTE) and line.endswith(_QUOTE):
        line = line[1:-1]
    line = line.removeprefix(_QUOTE)
    name, _, rest = line[2:].replace(b"\t", b" ", 1).partition(b" ")
    rest = rest.lstrip(b" \t")
    if name in _WITH_TEXT:
        return _parse_text(name, rest)
    if name not in _WITH_ARGS:
        return None
    head, separator, value = rest.partition(b"::")
    args = _parse_args(head)
    if not separator or not args:
        return None
    if name in _ESCAPED:
        value = value.replace(b"%0A", b"\n").replace(b"%0D", b"\r").replace(b"%25", b"%")
    return {"name": name.decode(), "args": args, "value": _text(value)}


def _parse_text(name: bytes, rest: bytes) -> Command | None:
    args: dict[str, str] = {}
    if name == b"set-error":
        if not rest.startswith(b"error_code="):
            return None
        # the message may hold anything, also a comma
        code, _, message = rest.partition(b",error_message=")
        args = {"error_code": _text(code.removeprefix(b"error_code=").strip())}
        rest = message
    return {"name": name.decode(), "args": args, "value": _text(rest)}


def _parse_args(head: bytes) -> dict[str, str]:
    """Split `name=K,type=T`; a piece without `=` belongs to the value before it."""
    args: dict[str, str] = {}
    last = ""
    for piece in _text(head).split(","):
        key, separator, value = piece.partition("=")
        if separator and key.strip():
            last = key.strip()
            args[last] = value
        elif last:
            args[last] += "," + piece
    return args if args.get("name") else {}


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
