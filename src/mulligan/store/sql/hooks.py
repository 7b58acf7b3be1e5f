"""Hooks of pipelines and what they have latched, in SQL."""
# ruff: noqa: S608 - statements are put together from names in this file only

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.hooks import Hook
from mulligan.core.ids import PipelineId, ProjectId
from mulligan.store.sql import rows
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection

_SELECT = "SELECT hooks.latched, hooks.brought, hooks.doc FROM hooks "
_OF_PIPELINE = (
    f"{_SELECT}WHERE pipeline = (SELECT number FROM pipelines WHERE id = ?) "
    "ORDER BY stage, position, id"
)
_OF_CHANNEL = (
    f"{_SELECT}JOIN pipelines ON pipelines.number = hooks.pipeline "
    "WHERE hooks.project = (SELECT number FROM projects WHERE id = ?) AND hooks.name = ? "
    "AND hooks.kind = 'channel' AND pipelines.deleted = 0 "
    "ORDER BY hooks.pipeline, hooks.stage, hooks.position, hooks.id"
)
_PUT = (
    "INSERT INTO hooks "
    "(id, kind, project, pipeline, stage, position, name, latched, brought, doc) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
    "kind = excluded.kind, stage = excluded.stage, position = excluded.position, "
    "name = excluded.name, doc = excluded.doc WHERE hooks.pipeline = excluded.pipeline"
)
_IDS = "SELECT id FROM hooks WHERE pipeline = ?"
_DROP = "DELETE FROM hooks WHERE id = ?"
_LATCH = "UPDATE hooks SET latched = ?, brought = ? WHERE id = ?"


class SqlHooks(SqlBase):
    """Hooks. Their docs say nothing of latches; columns do."""

    async def find_hook(self, hook_id: str) -> Hook | None:
        """Return a hook."""
        return await self._find(f"{_SELECT}WHERE id = ?", (hook_id,), _hook)

    async def list_hooks(self, pipeline: PipelineId) -> tuple[Hook, ...]:
        """Return the hooks of a pipeline: those of the pipeline itself, then by stage."""
        return tuple(map(_hook, await self._all(_OF_PIPELINE, (pipeline,))))

    async def channel_hooks(self, project: ProjectId, name: str) -> tuple[Hook, ...]:
        """Return the hooks that listen to a channel, of pipelines that are not deleted."""
        return tuple(map(_hook, await self._all(_OF_CHANNEL, (project, name))))

    async def put_latch(self, hook_id: str, values: dict[str, str] | None) -> None:
        """Latch a hook with what it brought; None clears it.

        Raises:
            NotFoundError: No such hook.
        """
        latch = (int(values is not None), rows.text(values or {}), hook_id)

        def unit(connection: Connection) -> None:
            if connection.execute(_LATCH, latch).rowcount != 1:
                raise NotFoundError("hook", hook_id)

        await self._write(unit)


def write_hooks(connection: Connection, project: int, pipeline: int, hooks: Iterable[Hook]) -> None:
    """Make these all the hooks of a pipeline; those that it had keep what they have latched.

    Raises:
        ConflictError: Another pipeline has a hook of that id (code "hook").
    """
    gone = {ident for (ident,) in connection.execute(_IDS, (pipeline,))}
    for hook in hooks:
        gone.discard(hook.id)
        if connection.execute(_PUT, _row(project, pipeline, hook)).rowcount != 1:
            raise ConflictError(f"another pipeline has the hook {hook.id}", code="hook")
    connection.executemany(_DROP, [(ident,) for ident in gone])


def _row(project: int, pipeline: int, hook: Hook) -> tuple[Any, ...]:
    place = (hook.stage, hook.position, hook.name)
    latch = (int(hook.latched), rows.text(hook.values))
    doc = rows.text(replace(hook, latched=False, values={}))
    return (hook.id, hook.kind.value, project, pipeline, *place, *latch, doc)


def _hook(row: tuple[int, str, str]) -> Hook:
    latched, brought, doc = row
    return replace(rows.hook(doc), latched=bool(latched), values=rows.texts(brought))
