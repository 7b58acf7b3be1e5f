"""Live processes: what the ledger says is live on this machine runs, whatever happened to it.

The keeper, a process of its own, runs them and outlives the server; it starts one again that dies.
This looks after the keeper: at the start of the server and from time to time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mulligan.core.deployments import Environment
from mulligan.core.errors import MulliganError
from mulligan.core.ids import ProjectId
from mulligan.core.records import Project
from mulligan.engine.deployments import Deployments
from mulligan.log import get_log
from mulligan.ports import Store

log = get_log()

_LOOK_EVERY_S = 15.0
_PAGE = 500
Service = dict[str, Any]  # as the driver left it in its result: "service" of "state"


class LiveProcesses:
    """Sees to it that released processes run.

    Args:
        ensure: Starts the keeper and every service whose place is empty; gives what went wrong.
    """

    def __init__(
        self,
        *,
        store: Store,
        deployments: Deployments,
        ensure: Callable[[list[Service]], Awaitable[list[str]]],
    ) -> None:
        self._store = store
        self._deployments = deployments
        self._ensure = ensure

    async def watch(self) -> None:
        """Look after them until cancelled. Sleeps for good while there are none.

        What is live is started once, at the start of the server. Later only the keeper is kept
        alive: it knows what runs, and that a failed deployment has left its place empty.
        """
        is_first = True
        while True:
            changed = self._deployments.changed()
            found = await self._look(is_first=is_first)
            is_first = is_first and found is None
            try:
                async with asyncio.timeout(None if found == 0 else _LOOK_EVERY_S):
                    await changed.wait()
            except TimeoutError:
                continue

    async def _look(self, *, is_first: bool) -> int | None:
        """Return how many there are, None if that could not be seen."""
        try:
            services = await self._services()
            if services:
                for problem in await self._ensure(services if is_first else []):
                    log.warning("live_process", problem=problem)
        except (MulliganError, OSError) as error:
            log.warning("live_processes_not_seen_to", error=str(error))
            return None
        return len(services)

    async def _services(self) -> list[Service]:
        """Return the services that are live in environments with nothing under way."""
        found = []
        for project in await self._projects():
            for environment in await self._environments(project.id):
                if environment.driver != "process" or environment.holder:
                    continue
                for wanted in (environment.live, environment.gray):
                    deployment = await self._store.find_deployment(wanted) if wanted else None
                    state = deployment.result.get("state") if deployment is not None else None
                    service = state.get("service") if isinstance(state, dict) else None
                    if isinstance(service, dict):
                        found.append(service)
        return found

    async def _environments(self, project: ProjectId) -> list[Environment]:
        found: list[Environment] = []
        while page := await self._store.list_environments(project, limit=_PAGE, offset=len(found)):
            found += page
        return found

    async def _projects(self) -> list[Project]:
        found: list[Project] = []
        while page := await self._store.list_projects(limit=_PAGE, offset=len(found)):
            found += page
        return found
