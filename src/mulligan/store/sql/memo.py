"""What is remembered to save work: definitions, stored heads, positions in lists. All bounded."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from mulligan.core.ids import PipelineId
from mulligan.core.posts import PostAction
from mulligan.core.run import RunHead
from mulligan.core.spec import SpecIndex
from mulligan.store.paging import Position
from mulligan.store.sql.append import RunNumbers

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

INDEXES = 64  # definitions; the largest take some megabytes each
LISTS = 32
PAGES = 16  # of one list


class Recent(Generic[K, V]):
    """A dictionary that forgets what was not used for longest. For one thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return the value, which counts as a use."""
        value = self._items.get(key)
        if value is not None:
            self._items.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Set a value; make room."""
        self._items[key] = value
        self._items.move_to_end(key)
        if len(self._items) > self._size:
            self._items.popitem(last=False)

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def drop(self, key: K) -> None:
        """Forget a value, if there is one."""
        self._items.pop(key, None)

    def drop_where(self, wanted: Callable[[K], bool]) -> None:
        """Forget all values whose keys are wanted."""
        for key in [key for key in self._items if wanted(key)]:
            del self._items[key]


class KnownRun:
    """A run that was appended to: its newest head, which may still be on its way to the disk."""

    __slots__ = ("head", "numbers")

    def __init__(self, head: RunHead) -> None:
        self.head = head
        self.numbers: RunNumbers | None = None  # known from the first commit on


class SpecIndexes:
    """Definitions by what they follow from, one object for all runs of one; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent: Recent[tuple[PipelineId, int, tuple[PostAction, ...]], SpecIndex] = Recent(
            INDEXES
        )

    def get(self, head: RunHead) -> SpecIndex | None:
        """Return what is remembered."""
        with self._lock:
            return self._recent.get((head.pipeline, head.version, head.posts))

    def keep(self, head: RunHead, index: SpecIndex) -> SpecIndex:
        """Remember a definition; return the one that was there first."""
        key = (head.pipeline, head.version, head.posts)
        with self._lock:
            first = self._recent.get(key)
            if first is None:
                self._recent.put(key, index)
            return first or index

    def forget(self, pipeline: PipelineId) -> None:
        """Forget all versions of a pipeline."""
        with self._lock:
            self._recent.drop_where(lambda key: key[0] == pipeline)


class ListMemo:
    """What is known of one list, as long as the runs that it may show stay as they are."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.total: int | None = None
        self._pages: Recent[tuple[str, int, int], list[Position]] = Recent(PAGES)
        self._places: Recent[int, Position] = Recent(2 * PAGES)

    def page(self, cursor: str, offset: int, limit: int) -> list[Position] | None:
        """Return the page that was found for the same request."""
        return self._pages.get((cursor, offset, limit))

    def nearest(self, offset: int) -> tuple[Position | None, int]:
        """Return a position to go on after, and how many runs then are still to be left out.

        So a page far down is found without counting all the way there again.
        """
        known = max((place for place in self._places if place <= offset), default=None)
        position = None if known is None else self._places.get(known)
        if known is None or position is None:
            return None, offset
        return Position(position.value, position.key + 1), offset - known

    def note(self, cursor: str, offset: int, limit: int, found: list[Position]) -> None:
        """Remember a page, and where its first and last run stand."""
        self._pages.put((cursor, offset, limit), found)
        if found and not cursor:
            self._places.put(offset, found[0])
            self._places.put(offset + len(found) - 1, found[-1])
