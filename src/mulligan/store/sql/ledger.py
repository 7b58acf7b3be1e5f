"""Environments and their deployments in SQL: `ports.LedgerStore`."""

from msgspec.structs import replace

from mulligan.core.deployments import Deployment, Environment, LedgerChange
from mulligan.core.ids import ProjectId, RunId
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.sql import rows
from mulligan.store.sql.acts import write_acts
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection

_ENVIRONMENTS = (
    "SELECT doc FROM environments WHERE project = (SELECT number FROM projects WHERE id = ?) "
    "ORDER BY key LIMIT ? OFFSET ?"
)
_DEPLOYMENTS = "SELECT number, doc FROM deployments WHERE "
_OF_ENVIRONMENT = f"{_DEPLOYMENTS}environment = (SELECT number FROM environments WHERE key = ?) "  # noqa: S608


class SqlLedger(SqlBase):
    """The ledger. Docs of deployments hold number 0; the column has it."""

    async def put_ledger(self, change: LedgerChange, acts: Acts = NO_ACTS) -> None:
        """Store the rows of a change, and those of `acts.ledger` after them, all or nothing."""

        def unit(connection: Connection) -> None:
            write_acts(self.dialect, connection, Acts(ledger=change))
            write_acts(self.dialect, connection, acts)

        await self._write(unit)

    async def find_environment(self, key: str) -> Environment | None:
        """Return an environment by its key."""
        sql = "SELECT doc FROM environments WHERE key = ?"
        return await self._find(sql, (key,), lambda row: rows.environment(row[0]))

    async def list_environments(
        self, project: ProjectId, *, limit: int = 100, offset: int = 0
    ) -> tuple[Environment, ...]:
        """Return the environments of a project by key."""
        found = await self._all(_ENVIRONMENTS, (project, limit, offset))
        return tuple(rows.environment(doc) for (doc,) in found)

    async def find_deployment(self, deployment_id: str) -> Deployment | None:
        """Return a deployment."""
        return await self._find(f"{_DEPLOYMENTS}id = ?", (deployment_id,), _deployment)

    async def list_deployments(
        self, environment: str, *, limit: int = 50, before: int | None = None
    ) -> tuple[Deployment, ...]:
        """Return the deployments of an environment, newest first."""
        if before is None:
            sql = f"{_OF_ENVIRONMENT}ORDER BY number DESC LIMIT ?"
            found = await self._all(sql, (environment, limit))
        else:
            sql = f"{_OF_ENVIRONMENT}AND number < ? ORDER BY number DESC LIMIT ?"
            found = await self._all(sql, (environment, before, limit))
        return tuple(map(_deployment, found))

    async def deployments_of(self, run_id: RunId) -> tuple[Deployment, ...]:
        """Return the deployments of a run, oldest first."""
        found = await self._all(f"{_DEPLOYMENTS}run = ? ORDER BY number", (run_id,))
        return tuple(map(_deployment, found))

    async def open_deployments(self) -> tuple[Deployment, ...]:
        """Return the deployments that have not ended, oldest first."""
        found = await self._all(f"{_DEPLOYMENTS}outcome = 'running' ORDER BY number")
        return tuple(map(_deployment, found))


def _deployment(row: tuple[int, str]) -> Deployment:
    return replace(rows.deployment(row[1]), number=row[0])
