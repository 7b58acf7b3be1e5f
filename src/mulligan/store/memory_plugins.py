"""Plugins and records of steps in the memory store."""

from collections.abc import Sequence

from msgspec.structs import replace

from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.ids import RunId, StepId
from mulligan.core.plugins import Plugin, PluginPolicy
from mulligan.core.records import StepRecord
from mulligan.ports.acts import NO_ACTS, Acts
from mulligan.store.memory_executions import MemoryExecutions


class MemoryPlugins(MemoryExecutions):
    """Implements `ports.PluginStore`. Both dictionaries are in the order of insertion."""

    def __init__(self) -> None:
        super().__init__()
        self._plugins: dict[tuple[str, str], Plugin] = {}
        self._policies: dict[str, PluginPolicy] = {}
        self._step_records: dict[tuple[object, ...], StepRecord] = {}

    async def add_plugin(self, plugin: Plugin, acts: Acts = NO_ACTS) -> None:
        """Insert a version."""
        if (plugin.code, plugin.version) in self._plugins:
            raise ConflictError(
                f"plugin {plugin.code} {plugin.version} is installed", code="plugin"
            )
        self._take_acts(acts)
        self._plugins[plugin.code, plugin.version] = plugin

    async def drop_plugin(
        self, code: str, version: str, acts: Acts = NO_ACTS, *, policy: PluginPolicy | None = None
    ) -> bool:
        """Remove a version; tell whether it was there."""
        if (code, version) not in self._plugins:
            return False
        self._take_acts(acts)
        del self._plugins[code, version]
        if policy is not None:
            self._policies[policy.code] = policy
        return True

    async def put_plugin_policy(self, policy: PluginPolicy, acts: Acts = NO_ACTS) -> None:
        """Insert or replace what was laid down about a plugin."""
        self._take_acts(acts)
        self._policies[policy.code] = policy

    async def list_plugin_policies(self) -> tuple[PluginPolicy, ...]:
        """Return all that was laid down, by code."""
        return tuple(self._policies[code] for code in sorted(self._policies))

    async def find_plugin(self, code: str, version: str) -> Plugin | None:
        """Return a version."""
        return self._plugins.get((code, version))

    async def plugin_versions(self, code: str) -> tuple[str, ...]:
        """Return the installed versions of a plugin."""
        return tuple(version for known, version in self._plugins if known == code)

    async def list_plugins(
        self, *, code: str = "", limit: int = 100, offset: int = 0
    ) -> tuple[Plugin, ...]:
        """Return versions by code, then in the order in which they were installed."""
        found = [plugin for plugin in self._plugins.values() if code in ("", plugin.code)]
        found.sort(key=lambda plugin: plugin.code)
        return tuple(found[offset : offset + limit])

    async def add_step_records(self, records: Sequence[StepRecord]) -> None:
        """Store what steps left."""
        for record in records:
            if record.run not in self._runs:
                raise NotFoundError("run", record.run)
        for record in records:
            key = (record.run, record.kind, record.step, record.attempt, record.name)
            before = self._step_records.get(key)
            number = len(self._step_records) + 1 if before is None else before.number
            self._step_records[key] = replace(record, number=number)

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
        """Return records of a run of one kind, oldest first."""
        found = [
            each
            for each in self._step_records.values()
            if (each.run, each.kind) == (run_id, kind)
            and step in {None, each.step}
            and attempt in {None, each.attempt}
            and each.number > after
        ]
        return tuple(found[:limit])

    async def count_step_records(
        self, run_id: RunId, kind: str, step: StepId, attempt: int, *, besides: str
    ) -> int:
        """Return how many records of a kind a step attempt has under other names."""
        place = (run_id, kind, step, attempt)
        return sum(
            (each.run, each.kind, each.step, each.attempt) == place and each.name != besides
            for each in self._step_records.values()
        )

    async def find_step_record(self, run_id: RunId, number: int) -> StepRecord | None:
        """Return a record of a run by its number."""
        found = self._step_records.values()
        wanted = (run_id, number)
        return next((each for each in found if (each.run, each.number) == wanted), None)
