"""The adapters that go through each suite. A new kind of database is added here only."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from mulligan.ports import Store
from mulligan.store.cached import CachedStore
from mulligan.store.memory import MemoryStore
from mulligan.store.sql.store import SqlStore

STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _path: MemoryStore(),
    "sqlite": lambda path: SqlStore(path / "mulligan.db"),
    "cached": lambda path: CachedStore(path / "mulligan.db"),
}


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Give an open, empty store of each kind; a blocking call in the event loop fails the test."""
    opened = STORES[request.param](tmp_path)
    with blockbuster_ctx():
        await opened.open()
        yield opened
        await opened.close()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """Give an open, empty store in a SQLite database."""
    opened = SqlStore(tmp_path / "mulligan.db")
    with blockbuster_ctx():
        await opened.open()
        yield opened
        await opened.close()
