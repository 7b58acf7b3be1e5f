"""The server's own log: lines are events – a constant action, and values as fields.

    log = get_log()
    log.warning("report_waits", run_id=run_id, wait_s=0.5)

writes to stderr `2026-01-01T00:00:00.000Z warning report_waits run_id=b-… wait_s=0.5`. On the
standard library's `logging`, because whatever else is imported counts into the start of the server.
"""

import json
import logging
import sys
import time
from collections import Counter
from typing import Any

# How often each action of level error was noted, since the process began.
errors_noted: Counter[str] = Counter()

_LOGGER = logging.getLogger("mulligan")
_FIELDS = "mulligan_fields"


class Log:
    """Writes events; each method takes the action and its fields."""

    __slots__ = ()

    def debug(self, action: str, **fields: object) -> None:
        """Note something that only somebody who looks for a fault wants to read."""
        _write(logging.DEBUG, action, fields)

    def info(self, action: str, **fields: object) -> None:
        """Note something that was to be expected."""
        _write(logging.INFO, action, fields)

    def warning(self, action: str, **fields: object) -> None:
        """Note something that may need a person, but goes on."""
        _write(logging.WARNING, action, fields)

    def error(self, action: str, **fields: object) -> None:
        """Note something that failed."""
        _write(logging.ERROR, action, fields)

    def exception(self, action: str, **fields: object) -> None:
        """Note something that failed, with the traceback of the exception being handled."""
        _write(logging.ERROR, action, fields, traceback=True)


def get_log() -> Log:
    """Return the log."""
    return Log()


def write_to_stderr(level: int = logging.INFO) -> None:
    """Let events of that level and above go to stderr, one line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    _LOGGER.handlers[:] = [handler]
    _LOGGER.setLevel(level)
    _LOGGER.propagate = False


def _write(level: int, action: str, fields: dict[str, Any], *, traceback: bool = False) -> None:
    if level >= logging.ERROR:
        errors_noted[action] += 1
    if _LOGGER.isEnabledFor(level):
        _LOGGER.log(level, action, exc_info=traceback, extra={_FIELDS: fields})


class _Lines(logging.Formatter):
    """`TIME LEVEL ACTION key=value …`; texts with spaces are quoted, so a line stays a line."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields = getattr(record, _FIELDS, {})
        parts = [f"{stamp}.{int(record.msecs):03d}Z", record.levelname.lower(), record.getMessage()]
        parts.extend(f"{name}={_shown(value)}" for name, value in fields.items())
        line = " ".join(parts)
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _shown(value: object) -> str:
    text = str(value)
    is_plain = text.isprintable() and text and " " not in text and '"' not in text
    return text if is_plain else json.dumps(text, ensure_ascii=False)
