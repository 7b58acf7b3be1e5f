"""Environments and their deployments in the memory store."""

from mulligan.core.deployments import Deployment, Environment, LedgerChange, Outcome
from mulligan.core.ids import ProjectId, RunId
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.memory_acts import MemoryActs


class MemoryLedger(MemoryActs):
    """Implements `ports.LedgerStore`."""

    async def put_ledger(self, change: LedgerChange, acts: Acts = NO_ACTS) -> None:
        """Store the rows of a change, all or nothing."""
        self._take_acts(acts, change)

    async def find_environment(self, key: str) -> Environment | None:
        """Return an environment by its key."""
        return self._environments.get(key)

    async def list_environments(
        self, project: ProjectId, *, limit: int = 100, offset: int = 0
    ) -> tuple[Environment, ...]:
        """Return the environments of a project by key."""
        found = [self._environments[key] for key in sorted(self._environments)]
        own = [environment for environment in found if environment.project == project]
        return tuple(own[offset : offset + limit])

    async def find_deployment(self, deployment_id: str) -> Deployment | None:
        """Return a deployment."""
        return self._deployments.get(deployment_id)

    async def list_deployments(
        self, environment: str, *, limit: int = 50, before: int | None = None
    ) -> tuple[Deployment, ...]:
        """Return the deployments of an environment, newest first."""
        found = [
            deployment
            for deployment in reversed(self._deployments.values())
            if deployment.environment == environment
            and (before is None or deployment.number < before)
        ]
        return tuple(found[:limit])

    async def deployments_of(self, run_id: RunId) -> tuple[Deployment, ...]:
        """Return the deployments of a run, oldest first."""
        return tuple(found for found in self._deployments.values() if found.run == run_id)

    async def open_deployments(self) -> tuple[Deployment, ...]:
        """Return the deployments that have not ended, oldest first."""
        found = self._deployments.values()
        return tuple(item for item in found if item.outcome is Outcome.RUNNING)
