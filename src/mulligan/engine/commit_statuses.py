"""Commit statuses: code hosts are told how the runs go that their events have started.

At least once: the effect stays in the outbox until the host has taken it, or was asked enough.
The state is read when it is sent, one message of a run after the other, so that the last word is
the run's own. What a host does not take is noted in the audit trail and changes no result.
"""

from mulligan.core.decision import Effect
from mulligan.core.errors import MulliganError
from mulligan.core.ids import SYSTEM, ProjectId, RunId
from mulligan.core.items import LinkedRepository
from mulligan.core.records import AuditEntry
from mulligan.core.run import Run
from mulligan.core.status import Status
from mulligan.core.trigger_records import EventHook
from mulligan.core.triggers.statuses import is_known_host, status_request
from mulligan.engine.alone import Alone
from mulligan.engine.checkouts import password_of
from mulligan.engine.messages_sending import Sending
from mulligan.engine.messages_web import WebRequest
from mulligan.engine.service import Engine
from mulligan.log import get_log
from mulligan.ports.secrets import SecretReader

log = get_log()

_STATES = {
    Status.QUEUED: ("pending", "waits for its turn"),
    Status.RUNNING: ("pending", "runs"),
    Status.SUCCEEDED: ("success", "succeeded"),
    Status.SKIPPED: ("success", "had nothing to do"),
    Status.FAILED: ("failure", "failed"),
    Status.CANCELLED: ("cancelled", "was stopped"),
}


class CommitStatuses:
    """Tells code hosts of runs.

    Args:
        public_url: How users reach the server; "" = not known.
    """

    def __init__(
        self, *, engine: Engine, secrets: SecretReader, sending: Sending, public_url: str = ""
    ) -> None:
        self._engine = engine
        self._secrets = secrets
        self._sending = sending
        self._public_url = public_url.rstrip("/")
        self._alone = Alone()

    async def send(self, run_id: RunId, _effect: Effect) -> None:
        """Tell the host of a run how it stands now; returns when nothing is left to be tried."""
        async with self._alone.of(run_id):
            run = await self._engine.get_run(run_id)
            try:
                problem = await self._send(run)
            except MulliganError as error:
                problem = str(error)
        if problem:
            await self._note(run, problem)

    async def _send(self, run: Run) -> str:
        """Send the present state; tell what went wrong, "" = nothing."""
        head, origin = run.head, run.head.origin
        if origin is None:
            return ""
        hook = await self._engine.store.find_item(EventHook, head.project, origin.hook)
        if hook is None or not hook.credential:
            return "" if hook is not None else "its hook is gone"
        if not hook.api and not await self._is_known(head.project, origin.url):
            return (
                f"nothing says that {origin.url[:200]!r} is on a code host of the project: "
                "give the hook an `api`, or link a repository of that host"
            )
        token = password_of(await self._secrets.detail(head.project, hook.credential))
        state, words = _STATES[head.status]
        request = status_request(
            origin,
            state,
            token=token,
            name=f"mulligan/{run.index.spec.name}",
            text=f"#{head.number} {words}",
            target=f"{self._public_url}/runs/{head.id}" if self._public_url else "",
            api=hook.api,
        )
        if request is None:
            return "the host has no address for statuses"
        return await self._sending.call(
            WebRequest(
                method="POST",
                url=request.url,
                headers=request.headers,
                body=request.body,
                shown=f"POST {request.url}",
            )
        )

    async def _is_known(self, project: ProjectId, url: str) -> bool:
        linked = await self._engine.store.list_items(LinkedRepository, project)
        return is_known_host(url, (each.url for each in linked))

    async def _note(self, run: Run, problem: str) -> None:
        head = run.head
        log.warning("status_not_told", run_id=head.id, reason=problem)
        entry = AuditEntry(
            at=self._engine.clock.now(),
            actor=SYSTEM,
            action="run.status",
            project=head.project,
            target=head.id,
            outcome="refused",
            reason=problem[:500],
        )
        await self._engine.store.add_audit((entry,))
