"""Start the keeper, the process that runs deployed services and outlives the server."""

import asyncio
from pathlib import Path

from mulligan.executors.kinds.base import CannotRunError
from mulligan.log import get_log

_log = get_log()


class KeeperStart:
    """Starts the keeper of the data directory `root` when it is needed first."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = asyncio.Lock()
        self._resuming: asyncio.Task[None] | None = None

    def resume(self) -> None:
        """Start it in the background if services of an earlier life are known."""
        if (self._root / "keeper.json").exists():
            self._resuming = asyncio.get_running_loop().create_task(self._resume())

    async def start(self) -> None:
        """Make sure that it runs.

        Raises:
            CannotRunError: It can't be started.
        """
        from mulligan.executors.keeper.client import KeeperError, start_keeper

        async with self._lock:
            try:
                await asyncio.to_thread(start_keeper, self._root)
            except (KeeperError, OSError) as error:
                raise CannotRunError("unreachable", f"the keeper: {error}") from None

    async def close(self) -> None:
        """Wait until a start that is under way has ended; the keeper itself goes on."""
        if self._resuming is not None:
            await self._resuming  # its thread would go on without us

    async def _resume(self) -> None:
        try:
            await self.start()
        except CannotRunError as error:
            _log.error("keeper.start_failed", reason=str(error))
