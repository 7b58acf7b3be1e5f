"""How two texts differ, line by line."""

import asyncio
import difflib

from mulligan.facades.native.shapes import Shape

MOST_LINES = 5_000  # of each text: comparing takes much longer than reading
_CONTEXT = 3


class TextDiff(Shape, frozen=True, kw_only=True):
    """How two texts differ.

    Args:
        lines: In the unified format, without its two lines of names; empty if they are equal.
            null: the texts are too long to be compared.
        added, removed: How many lines.
    """

    same: bool
    added: int
    removed: int
    lines: tuple[str, ...] | None


async def diff_texts(before: str, after: str) -> TextDiff:
    """Compare two texts."""
    return await diff_lines(before.splitlines(), after.splitlines())


async def diff_lines(before: list[str], after: list[str]) -> TextDiff:
    """Compare two texts, given as lines."""
    return await asyncio.to_thread(_diff, before, after)


def _diff(before: list[str], after: list[str]) -> TextDiff:
    if before == after:
        return TextDiff(same=True, added=0, removed=0, lines=())
    if max(len(before), len(after)) > MOST_LINES:
        return TextDiff(same=False, added=0, removed=0, lines=None)
    lines = tuple(difflib.unified_diff(before, after, n=_CONTEXT, lineterm=""))[2:]
    return TextDiff(
        same=False,
        added=sum(line.startswith("+") for line in lines),
        removed=sum(line.startswith("-") for line in lines),
        lines=lines,
    )
