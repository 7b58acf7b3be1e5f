"""Plugins and records of steps in SQL: `ports.PluginStore`."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.ids import RunId, StepId
from mulligan.core.plugins import Plugin, PluginPolicy
from mulligan.core.records import StepRecord
from mulligan.ports.acts import NO_ACTS, Acts
from mulligan.store.sql import rows
from mulligan.store.sql.acts import write_acts
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection

_ADD = (
    "INSERT INTO plugins (code, version, doc) VALUES (?, ?, ?) "
    "ON CONFLICT (code, version) DO NOTHING"
)
_FIND = "SELECT doc FROM plugins WHERE code = ? AND version = ?"
_DROP = "DELETE FROM plugins WHERE code = ? AND version = ?"
_VERSIONS = "SELECT version FROM plugins WHERE code = ?"
_ALL = "SELECT doc FROM plugins ORDER BY code, position LIMIT ? OFFSET ?"
_OF_CODE = "SELECT doc FROM plugins WHERE code = ? ORDER BY position LIMIT ? OFFSET ?"
_PUT_POLICY = (
    "INSERT INTO plugin_policies (code, doc) VALUES (?, ?) "
    "ON CONFLICT (code) DO UPDATE SET doc = excluded.doc"
)
_POLICIES = "SELECT doc FROM plugin_policies ORDER BY code"
_RUN = "SELECT key FROM runs WHERE id = ?"
_PUT_RECORD = (
    "INSERT INTO step_records (run, step, attempt, kind, name, doc) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (run, kind, step, attempt, name) DO UPDATE SET doc = excluded.doc"
)
_RECORDS = (
    "SELECT number, doc FROM step_records "
    "WHERE run = (SELECT key FROM runs WHERE id = ?) AND kind = ?"
)
_COUNT_RECORDS = (
    "SELECT COUNT(*) FROM step_records WHERE run = (SELECT key FROM runs WHERE id = ?) "
    "AND kind = ? AND step = ? AND attempt = ? AND name <> ?"
)
_RECORD = (
    "SELECT number, doc FROM step_records "
    "WHERE run = (SELECT key FROM runs WHERE id = ?) AND number = ?"
)


class SqlPlugins(SqlBase):
    """Installed versions, and records of steps."""

    async def add_plugin(self, plugin: Plugin, acts: Acts = NO_ACTS) -> None:
        """Insert a version."""
        values = (plugin.code, plugin.version, rows.text(plugin))

        def unit(connection: Connection) -> None:
            if connection.execute(_ADD, values).rowcount == 0:
                raise ConflictError(
                    f"plugin {plugin.code} {plugin.version} is installed", code="plugin"
                )
            write_acts(self.dialect, connection, acts)

        await self._write(unit)

    async def drop_plugin(
        self, code: str, version: str, acts: Acts = NO_ACTS, *, policy: PluginPolicy | None = None
    ) -> bool:
        """Remove a version; tell whether it was there."""

        def unit(connection: Connection) -> bool:
            if connection.execute(_DROP, (code, version)).rowcount == 0:
                return False
            if policy is not None:
                connection.execute(_PUT_POLICY, (policy.code, rows.text(policy)))
            write_acts(self.dialect, connection, acts)
            return True

        return await self._write(unit)

    async def put_plugin_policy(self, policy: PluginPolicy, acts: Acts = NO_ACTS) -> None:
        """Insert or replace what was laid down about a plugin."""

        def unit(connection: Connection) -> None:
            connection.execute(_PUT_POLICY, (policy.code, rows.text(policy)))
            write_acts(self.dialect, connection, acts)

        await self._write(unit)

    async def list_plugin_policies(self) -> tuple[PluginPolicy, ...]:
        """Return all that was laid down, by code."""
        return tuple(rows.plugin_policy(row[0]) for row in await self._all(_POLICIES, ()))

    async def find_plugin(self, code: str, version: str) -> Plugin | None:
        """Return a version."""
        return await self._find(_FIND, (code, version), lambda row: rows.plugin(row[0]))

    async def plugin_versions(self, code: str) -> tuple[str, ...]:
        """Return the installed versions of a plugin."""
        return tuple(row[0] for row in await self._all(_VERSIONS, (code,)))

    async def list_plugins(
        self, *, code: str = "", limit: int = 100, offset: int = 0
    ) -> tuple[Plugin, ...]:
        """Return versions by code, then in the order in which they were installed."""
        if code:
            found = await self._all(_OF_CODE, (code, limit, offset))
        else:
            found = await self._all(_ALL, (limit, offset))
        return tuple(rows.plugin(row[0]) for row in found)

    async def add_step_records(self, records: Sequence[StepRecord]) -> None:
        """Store what steps left."""

        def unit(connection: Connection) -> None:
            for record in records:
                run = connection.execute(_RUN, (record.run,)).fetchone()
                if run is None:
                    raise NotFoundError("run", record.run)
                names = (record.step, record.attempt, record.kind, record.name)
                doc = rows.text(replace(record, number=0))
                connection.execute(_PUT_RECORD, (run[0], *names, doc))

        await self._write(unit)

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
        sql = _RECORDS
        values: list[Any] = [run_id, kind]
        for condition, wanted in (("step = ?", step), ("attempt = ?", attempt)):
            if wanted is not None:
                sql += f" AND {condition}"
                values.append(wanted)
        sql += " AND number > ? ORDER BY number LIMIT ?"
        return tuple(map(_record, await self._all(sql, (*values, after, limit))))

    async def count_step_records(
        self, run_id: RunId, kind: str, step: StepId, attempt: int, *, besides: str
    ) -> int:
        """Return how many records of a kind a step attempt has under other names."""
        (count,) = await self._one(_COUNT_RECORDS, (run_id, kind, step, attempt, besides))
        return int(count)

    async def find_step_record(self, run_id: RunId, number: int) -> StepRecord | None:
        """Return a record of a run by its number."""
        return await self._find(_RECORD, (run_id, number), _record)


def _record(row: tuple[int, str]) -> StepRecord:
    return replace(rows.step_record(row[1]), number=row[0])
