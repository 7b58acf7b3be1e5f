"""The frame of random tests: a real store and the model of all stores, asked the same things."""

import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from conformance.store_loop import Loop
from mulligan.core.errors import MulliganError
from mulligan.store.check import check
from mulligan.store.memory import MemoryStore
from mulligan.store.sql.store import SqlStore

# Findings of `check` that random events lead to, but no server.
UNLIKELY = (
    "will carry it on",
    "no runner holds it",
    "must follow one another",
    "has a ticket for a mutex, but it has ended",  # random moves begin a job anew before its end
)


class TwinMachine(RuleBasedStateMachine):
    """Two stores that everything is done to."""

    unlikely: tuple[str, ...] = UNLIKELY

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "mulligan.db"
        self._loop = Loop(SqlStore(self._path))
        self._loop.__enter__()
        self._model = MemoryStore()

    def teardown(self) -> None:
        """Compare everything once more and check the database, then let go."""
        try:
            self._reopen()
            self._compare_everything()
        finally:
            self._loop.__exit__(None, None, None)
        findings = check(self._path)
        self._folder.cleanup()
        unlikely = self.unlikely
        assert [line for line in findings if not any(text in line for text in unlikely)] == []

    def both(self, act: Any) -> Any:
        """Do something to both stores; the answers, or the kinds of error, must be equal."""
        wanted = self._outcome(act(self._model))
        found = self._outcome(act(self._loop.store))
        assert found == wanted
        return wanted

    def _outcome(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self._loop.run(work)
        except MulliganError as error:
            return type(error), getattr(error, "code", "")

    def _reopen(self) -> None:
        self._loop.__exit__(None, None, None)
        self._loop = Loop(SqlStore(self._path))
        self._loop.__enter__()

    def _compare_everything(self) -> None:
        """Check that both stores read the same; each machine has its own reads."""
        raise NotImplementedError  # or a machine without them would pass
