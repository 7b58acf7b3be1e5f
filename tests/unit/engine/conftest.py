"""A world for each test; whatever blocks the event loop inside the engine fails the test."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from blockbuster import blockbuster_ctx

from engine_world import World, a_world


class Catcher(logging.Handler):
    """Keeps the actions of log lines instead of printing them: printing would block the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.actions.append(record.getMessage())


@pytest.fixture(autouse=True)
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give the actions that are logged during the test."""
    catcher = Catcher()
    logger = logging.getLogger("mulligan")
    monkeypatch.setattr(logger, "handlers", [catcher])
    monkeypatch.setattr(logger, "propagate", False)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield catcher.actions
    logger.setLevel(level)


@pytest.fixture(autouse=True)
def no_blocking(logged: list[str]) -> Iterator[None]:
    """Let every blocking call of the engine raise."""
    with blockbuster_ctx(scanned_modules=["mulligan.engine"]):
        yield


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Give an engine with a runner that works."""
    async with a_world() as made:
        yield made


@pytest.fixture
async def hand() -> AsyncIterator[World]:
    """Give an engine whose jobs are claimed and reported by the test."""
    async with a_world(works=False) as made:
        yield made
