"""Find the ``${{ }}`` of a line and how they stand in each other."""

import re

import msgspec

_MARK = re.compile(r"\$\{\{|\}\}|'")
_COMPUTED_LEVELS = 2


class Block(msgspec.Struct, kw_only=True):
    """Hold one pair: columns of its first character and after its last one.

    ``inner`` are the pairs directly in it, from left to right; ``level`` is 1 when there are none,
    else one more than the highest of theirs. ``is_quoted`` tells that the pair stands in another
    one with no dot next to it, so that its result is inserted as a quoted text.
    """

    start: int
    end: int
    level: int = 1
    is_quoted: bool = False
    inner: list["Block"] = []


def find_blocks(line: str) -> list[Block]:
    """List the outermost pairs to compute, from left to right.

    Only the two innermost levels are computed: a pair around those is text in this pass.
    """
    waiting = _find_pairs(line)[::-1]
    found: list[Block] = []
    while waiting:
        block = waiting.pop()
        if block.level > _COMPUTED_LEVELS:
            waiting += block.inner[::-1]
        else:
            found.append(block)
    return found


def _find_pairs(line: str) -> list[Block]:
    """Match the brackets and give the outermost pairs; what has no partner is text.

    A ``}}`` in a quoted text of an expression closes nothing: ``${{ format('{{{0}}}', a.b) }}``.
    """
    closed: list[Block] = []
    # Of each bracket that is not closed yet: its column, and whether a quote is open in it.
    starts: list[int] = []
    is_in_quotes: list[bool] = []
    for match in _MARK.finditer(line):
        mark = match.group()
        if mark == "${{":
            starts.append(match.start())
            is_in_quotes.append(False)
        elif not starts:
            continue
        elif mark == "'":
            is_in_quotes[-1] = not is_in_quotes[-1]
        elif not is_in_quotes[-1]:
            is_in_quotes.pop()
            _close(line, Block(start=starts.pop(), end=match.end()), closed)
    return closed


def _close(line: str, block: Block, closed: list[Block]) -> None:
    """Add a pair, which takes over those of the closed pairs that stand in it."""
    while closed and closed[-1].start > block.start:
        inner = closed.pop()
        inner.is_quoted = line[inner.start - 1] != "." and line[inner.end] != "."
        block.inner.append(inner)
        block.level = max(block.level, inner.level + 1)
    block.inner.reverse()
    closed.append(block)
