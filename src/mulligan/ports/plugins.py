"""Installed plugins, and what steps leave besides artifacts."""

from collections.abc import Sequence
from typing import Protocol

from mulligan.core.ids import RunId, StepId
from mulligan.core.plugins import Plugin, PluginPolicy
from mulligan.core.records import StepRecord
from mulligan.ports.acts import NO_ACTS, Acts


class PluginStore(Protocol):
    """Versions of plugins by code; records of steps by run."""

    async def add_plugin(self, plugin: Plugin, acts: Acts = NO_ACTS) -> None:
        """Insert a version.

        Raises:
            ConflictError: It is installed (code "plugin").
        """
        ...

    async def drop_plugin(
        self, code: str, version: str, acts: Acts = NO_ACTS, *, policy: PluginPolicy | None = None
    ) -> bool:
        """Remove a version, and put a policy with that; tell whether it was there."""
        ...

    async def put_plugin_policy(self, policy: PluginPolicy, acts: Acts = NO_ACTS) -> None:
        """Insert or replace what was laid down about a plugin."""
        ...

    async def list_plugin_policies(self) -> tuple[PluginPolicy, ...]:
        """Return all that was laid down, by code."""
        ...

    async def find_plugin(self, code: str, version: str) -> Plugin | None:
        """Return a version."""
        ...

    async def plugin_versions(self, code: str) -> tuple[str, ...]:
        """Return the installed versions of a plugin, in no order."""
        ...

    async def list_plugins(
        self, *, code: str = "", limit: int = 100, offset: int = 0
    ) -> tuple[Plugin, ...]:
        """Return versions by code, then in the order in which they were installed."""
        ...

    async def add_step_records(self, records: Sequence[StepRecord]) -> None:
        """Store what steps left; the same (run, step, attempt, kind, name) again replaces it."""
        ...

    async def list_step_records(
        self,
        run_id: RunId,
        kind: str,
        *,
        step: StepId | None = None,
        attempt: int | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> tuple[StepRecord, ...]:
        """Return records of a run of one kind, oldest first, with their numbers.

        Args:
            step, attempt: Only of that step, of that attempt.
            after: Only those with a greater number.
        """
        ...

    async def count_step_records(
        self, run_id: RunId, kind: str, step: StepId, attempt: int, *, besides: str
    ) -> int:
        """Return how many records of a kind a step attempt has under other names."""
        ...

    async def find_step_record(self, run_id: RunId, number: int) -> StepRecord | None:
        """Return a record of a run by its number."""
        ...
