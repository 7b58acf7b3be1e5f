"""A world for each test; whatever blocks the event loop inside the engine fails the test."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from argon2 import PasswordHasher
from blockbuster import blockbuster_ctx

from engine_world import ADMIN, ANN, BOB, World, a_world
from mulligan.core.records import Role
from mulligan.engine import passwords
from mulligan.engine.access import Access

REAL_HASH = passwords.hash_password


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


@pytest.fixture
def real_hash() -> Callable[[str], str]:
    """Give the hash of passwords that is used outside of tests."""
    return REAL_HASH


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with little memory and time: the tests are about names, not about cost."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "hash_password", cheap.hash)
    monkeypatch.setattr(passwords, "_NOBODY", [])


@pytest.fixture
async def staffed(hand: World) -> World:
    """Give a world with ann (admin), bob (runner in shop), and a second project `back`."""
    await hand.access.create_user(ADMIN, ANN, is_admin=True)
    await hand.add_user(BOB, Role.RUNNER)
    await hand.catalog.create_project(ADMIN, "back", "Back")
    return hand


@pytest.fixture
def access(staffed: World) -> Access:
    """Give its access."""
    return staffed.access
