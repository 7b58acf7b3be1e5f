"""Turns: what begins a run of a pipeline and what changes its definition don't overlap.

Starts, retries and rollbacks may happen side by side; a change or deletion waits until none is on
its way, and they wait for it. So "no run is under way" is still true when the change is stored.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from mulligan.core.ids import PipelineId


class _Turn:
    """How many begin runs now, who changes the definition, and what to wait for."""

    __slots__ = ("beginning", "changed", "is_changing", "users")

    def __init__(self) -> None:
        self.users = 0
        self.beginning = 0
        self.is_changing = False
        self.changed = asyncio.Event()


class Turns:
    """One per process. Nothing is kept for pipelines that nobody touches."""

    def __init__(self) -> None:
        self._turns: dict[PipelineId, _Turn] = {}

    @contextlib.asynccontextmanager
    async def beginning(self, pipeline: PipelineId) -> AsyncIterator[None]:
        """Begin or go on with a run of the pipeline, beside others that do."""
        async with self._using(pipeline) as turn:
            while turn.is_changing:
                await turn.changed.wait()
            turn.beginning += 1
            try:
                yield
            finally:
                turn.beginning -= 1
                _wake(turn)

    @contextlib.asynccontextmanager
    async def changing(self, pipeline: PipelineId) -> AsyncIterator[None]:
        """Change or delete the pipeline, alone."""
        async with self._using(pipeline) as turn:
            while turn.is_changing:
                await turn.changed.wait()
            turn.is_changing = True
            try:
                while turn.beginning:
                    await turn.changed.wait()
                yield
            finally:
                turn.is_changing = False
                _wake(turn)

    @contextlib.asynccontextmanager
    async def _using(self, pipeline: PipelineId) -> AsyncIterator[_Turn]:
        turn = self._turns.setdefault(pipeline, _Turn())
        turn.users += 1
        try:
            yield turn
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[pipeline]


def _wake(turn: _Turn) -> None:
    changed, turn.changed = turn.changed, asyncio.Event()
    changed.set()
