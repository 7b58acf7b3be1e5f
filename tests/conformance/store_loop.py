"""A store and an event loop for tests that are not coroutines themselves (Hypothesis)."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

from mulligan.ports import Store

T = TypeVar("T")


class Loop:
    """An open store in a loop of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._runner = asyncio.Runner()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry out a coroutine; return its result."""
        return self._runner.run(work)

    def __enter__(self) -> "Loop":
        self.run(self.store.open())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run(self.store.close())
        self._runner.close()
