"""Find what a path means among patterns such as `projects/{project}/pipelineView`."""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Match(NamedTuple, Generic[T]):
    """What was found, and the pieces of the path that stand for the names in the pattern."""

    value: T
    pieces: dict[str, str]


class Patterns(Generic[T]):
    """Values by method and pattern; a pattern with fewer names in it is looked at first."""

    def __init__(self, entries: Iterable[tuple[str, str, T]]) -> None:
        self._by_length: dict[int, list[tuple[str, tuple[str, ...], T]]] = {}
        for method, pattern, value in entries:
            segments = tuple(pattern.split("/"))
            self._by_length.setdefault(len(segments), []).append((method, segments, value))
        for found in self._by_length.values():
            found.sort(key=lambda entry: sum(map(_is_name, entry[1])))

    def find(self, method: str, path: str) -> Match[T] | None:
        """Return what a method and path mean. A name never stands for ""."""
        parts = path.split("/")
        for known, segments, value in self._by_length.get(len(parts), ()):
            if known == method and _fits(segments, parts):
                pieces = {
                    segment[1:-1]: part
                    for segment, part in zip(segments, parts, strict=True)
                    if _is_name(segment)
                }
                return Match(value, pieces)
        return None

    def methods(self, path: str) -> tuple[str, ...]:
        """Return the methods that a path takes."""
        parts = path.split("/")
        entries = self._by_length.get(len(parts), ())
        return tuple(
            dict.fromkeys(method for method, segments, _ in entries if _fits(segments, parts))
        )


def _is_name(segment: str) -> bool:
    return segment.startswith("{")


def _fits(segments: tuple[str, ...], parts: list[str]) -> bool:
    return all(
        part if _is_name(segment) else segment == part
        for segment, part in zip(segments, parts, strict=True)
    )
