"""What commands print for people: tables, remarks, colours. Data goes to stdout."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click

COLOURS = {
    "succeeded": "green",
    "failed": "red",
    "unreachable": "red",
    "rollback failed": "red",
    "rolled back": "yellow",
    "cancelled": "yellow",
    "skipped": "bright_black",
    "running": "cyan",
    "rerun": "cyan",
    "skip": "yellow",
}
_MINUTE = 60
_WIDE = {"W", "F"}  # East Asian width: takes two columns


def wants_colour() -> bool | None:
    """Tell whether colours are wanted; None: on a terminal only."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE"):
        return True
    return None


def note(text: str = "") -> None:
    """Say something to the person, on stderr."""
    click.echo(text, err=True)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, err: bool = False) -> None:
    """Print rows under titles, columns as wide as needed; a status gets its colour.

    Args:
        err: On stderr, as part of a remark.
    """
    if not rows:
        return
    widths = [max(_width(row[column]) for row in [titles, *rows]) for column in range(len(titles))]
    click.echo(_row(titles, widths, coloured=False), err=err)
    for row in rows:
        click.echo(_row(row, widths, coloured=True), err=err)


def tabbed(rows: Sequence[Sequence[str]]) -> None:
    """Print rows for programs that read lines: tabs between cells, no titles."""
    for row in rows:
        click.echo("\t".join(paint(text.replace("\t", " ")) for text in row))


def cell(value: object) -> str:
    """Show any value of the API in a cell."""
    if value is None:
        return "-"
    if isinstance(value, (list, tuple)):
        return one_line(",".join(map(str, value)))
    return str(value).lower() if isinstance(value, bool) else one_line(str(value))


def _row(cells: Sequence[str], widths: Sequence[int], *, coloured: bool) -> str:
    padded = []
    for cell, width in zip(cells, widths, strict=True):
        text = paint(cell) if coloured else cell
        padded.append(text + " " * (width - _width(cell)))
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(letter) in _WIDE else 1 for letter in text)


def paint(status: str) -> str:
    """Give a status its colour, if it has one."""
    colour = COLOURS.get(status)
    return click.style(status, fg=colour) if colour else status


def linked(text: str, url: str) -> str:
    """Give a text for a remark that leads to a page, on a terminal (OSC 8)."""
    if not sys.stderr.isatty() or wants_colour() is False:
        return text
    return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"


def one_line(text: str) -> str:
    """Give a text without line ends and control characters, for a cell."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def moment(text: str | None) -> str:
    """Show an instant in local time."""
    if not text:
        return "-"
    return _instant(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def between(started: str | None, ended: str | None) -> str:
    """Show how long something took, or takes so far."""
    if not started:
        return "-"
    end = _instant(ended) if ended else datetime.now(UTC)
    return duration((end - _instant(started)).total_seconds())


def seconds_between(started: str | None, ended: str | None) -> float | None:
    """Return how long something took; None while that is not known."""
    if not (started and ended):
        return None
    return (_instant(ended) - _instant(started)).total_seconds()


def duration(seconds: float) -> str:
    """Show a length of time."""
    if seconds < _MINUTE:
        return f"{max(seconds, 0):.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes:02} min"
