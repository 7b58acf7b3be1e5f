"""Ant patterns as Spring matches them: `*` and `?` stay within a segment, `**` is any segments."""

from fnmatch import fnmatchcase

SEPARATOR = "/"


def matches(pattern: str, text: str) -> bool:
    """Tell whether a text matches an Ant pattern."""
    if pattern.startswith(SEPARATOR) != text.startswith(SEPARATOR):
        return False
    return _match(_segments(pattern), _segments(text))


def first_match(patterns: tuple[str, ...], text: str) -> str | None:
    """Return the first pattern that matches."""
    return next((pattern for pattern in patterns if matches(pattern, text)), None)


def _segments(text: str) -> list[str]:
    return [part for part in text.split(SEPARATOR) if part]


def _match(patterns: list[str], parts: list[str]) -> bool:
    """Match segment by segment; `reached` holds how many parts the patterns so far can use up."""
    reached = {0}
    for pattern in patterns:
        if pattern == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            # fnmatch makes possessive groups of stars, so that its work is bounded
            wanted = pattern.replace("[", "[[]")
            reached = {
                at + 1 for at in reached if at < len(parts) and fnmatchcase(parts[at], wanted)
            }
        if not reached:
            return False
    return len(parts) in reached
