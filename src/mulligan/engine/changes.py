"""Changes: read a snapshot, let the core decide, write – the one way in which a run changes.

It repeats read-decide-write only when it lost a race (`StaleRevisionError`) or built on something
that was not stored after all. After the commit it hands the effects on; an effect that gets lost
with the process is still in the outbox.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from msgspec.structs import replace

from mulligan import failpoints
from mulligan.core.decision import Decision, Draft, Effect
from mulligan.core.errors import (
    InfrastructureError,
    MulliganError,
    RefusedError,
    StaleRevisionError,
)
from mulligan.core.flow.steps import begin_waiting_jobs
from mulligan.core.ids import JobId, ProjectId, RunId
from mulligan.core.records import AuditEntry, Receipt
from mulligan.core.refusal import Refusal
from mulligan.core.run import Run, RunHead
from mulligan.core.spec import SpecIndex
from mulligan.engine.commands import Command, RetryRun
from mulligan.engine.counters import Counters
from mulligan.engine.deployments import Deployments
from mulligan.engine.lines import Line, Lines
from mulligan.log import get_log
from mulligan.ports import Acts, Clock, Ids, Store

T = TypeVar("T")
log = get_log()

MOST_TRIES = 5
TRY_AGAIN_S = 1.0  # before something is done again that could not be stored


class Changes:
    """Changes runs and, with them, the ledger of deployments."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids) -> None:
        self.store = store
        self.clock = clock
        self.ids = ids
        self.lines = Lines(store)
        self.deployments = Deployments(store=store, clock=clock, ids=ids)
        self.counters = Counters(store, clock)
        self._tasks: set[asyncio.Task[None]] = set()
        # set by the composition root: what to do with effects, and whom to wake after a commit
        self.on_effects: Callable[[Run, tuple[Effect, ...]], None] = lambda _run, _effects: None
        self.on_commit: Callable[[Decision], None] = lambda _decision: None

    async def act(
        self,
        command: Command,
        run_id: RunId,
        action: str,
        decide: Callable[[Draft], T | Refusal],
    ) -> T:
        """Do what somebody asked for; the audit trail and the receipt are stored with it.

        Raises:
            RefusedError: `decide` gave a refusal; nothing has changed.
        """

        def checked(draft: Draft) -> T:
            result = decide(draft)
            if isinstance(result, Refusal):
                raise RefusedError(result)
            return result

        act = self.change(run_id, checked, command=command, action=action)
        result = await asyncio.shield(act)
        failpoints.hit("act.after_commit")
        return result

    async def change(
        self,
        run_id: RunId,
        decide: Callable[[Draft], T],
        *,
        command: Command | None = None,
        action: str = "",
    ) -> T:
        """Let `decide` put a decision together on the newest snapshot, and store it."""
        for attempt in range(1, MOST_TRIES + 1):
            await self.deployments.load_environments_of(run_id)
            line = await self.lines.get(run_id)
            await self.counters.load(line.tip)
            people = await self.people_of(line.tip.head.project, line.tip.index)
            draft = Draft(line.tip, self.clock.now(), people=people)
            may_wait = attempt < MOST_TRIES
            try:
                result = decide(draft)
            except MulliganError:
                if may_wait and await line.at_rest():
                    continue  # refused because of something that may yet not be stored
                raise
            if not draft.has_events:
                if may_wait and await line.at_rest():
                    continue
                return result
            begin_waiting_jobs(draft)
            decision = draft.decision()
            acts = Acts()
            if command is not None:
                acts = self._acts(command, action, decision.run.head, result)
            ledger = self.deployments.settle(decision)
            if ledger is not None:
                acts = replace(acts, ledger=ledger)
            counted = self.counters.counted(decision)
            if counted is not None:
                acts = replace(acts, items=counted)
            self.lines.decided(line, decision.run)
            try:
                await self._commit(line, decision, acts)
            except StaleRevisionError:
                log.info("race_lost", run_id=run_id, attempt=attempt)
                continue
            return result
        raise StaleRevisionError(f"run {run_id} changes too fast: {MOST_TRIES} races lost")

    async def people_of(
        self, project: ProjectId, index: SpecIndex | None
    ) -> dict[str, tuple[str, ...]]:
        """Return the members of a project by role, if a review of the definition names groups."""
        stages = () if index is None else index.spec.stages
        reviews = [stage.review for stage in stages if stage.review is not None]
        if not any(group.groups for review in reviews for group in review.groups):
            return {}
        found: dict[str, tuple[str, ...]] = {}
        for member in await self.store.list_members(project):
            found[member.role.value] = (*found.get(member.role.value, ()), member.user)
        return found

    async def _commit(self, line: Line, decision: Decision, acts: Acts) -> None:
        failpoints.hit("commit.before")
        line.in_flight += 1
        try:
            # the store takes decisions in the order of the calls, before it first waits
            await self.store.append(decision, acts)
        except BaseException:
            # also when the wait is cancelled: whether it was stored is then read again
            self.lines.drop(decision.run.head.id, line)
            if acts.ledger is not None:
                self.deployments.forget(acts.ledger)
            self.counters.forget(decision.run.head.pipeline)
            raise
        finally:
            line.landed()
        failpoints.hit("commit.after")
        self.lines.stored(line, decision.run)
        self.on_effects(decision.run, decision.effects)
        self.on_commit(decision)
        for job in decision.jobs:
            if job.status.is_final and self.deployments.is_open(decision.run.head.id, job.id):
                self._settle_soon(decision.run, job.id)
        self._committed(decision)

    def _committed(self, decision: Decision) -> None:
        """Do what else follows from a stored decision."""

    def _acts(self, command: Command, action: str, head: RunHead, result: object) -> Acts:
        now = self.clock.now()
        entry = AuditEntry(
            at=now,
            actor=command.actor,
            action=action,
            project=head.project,
            target=head.id,
            origin=command.origin,
            reason=getattr(command, "reason", ""),
            detail=_audit_detail(command),
        )
        receipt = None
        if command.receipt is not None:
            status, body, content_type = command.receipt.render(result)
            receipt = Receipt(
                actor=command.actor,
                key=command.receipt.key,
                fingerprint=command.receipt.fingerprint,
                status=status,
                body=body,
                content_type=content_type,
                created_at=now,
            )
        return Acts(receipt=receipt, audit=(entry,))

    def _settle_soon(self, run: Run, job_id: JobId) -> None:
        """Settle a deployment; its environment stays held until then."""
        settle = functools.partial(self.deployments.settle_late, run, job_id)
        self.spawn(self.surely(f"settlement of {run.head.id} {job_id}", settle))

    async def surely(self, what: str, act: Callable[[], Awaitable[None]]) -> None:
        """Do something although the store is away now: nobody else may come and look at it."""
        while True:
            try:
                return await act()
            except (InfrastructureError, StaleRevisionError) as error:
                log.warning("act_waits", what=what, error=str(error))
                await asyncio.sleep(TRY_AGAIN_S)

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something beside everything else; what goes wrong with it is logged."""
        task = asyncio.get_running_loop().create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except MulliganError as error:
        log.warning("background_failed", error=str(error))


def _audit_detail(command: Command) -> dict[str, object]:
    skipped = {"actor", "origin", "receipt", "reason", "values", "answer", "run_id"}
    skipped |= {"changed", "facts", "caller", "triggers"}  # too long for a trail, or secret
    skipped.add("changes")  # by name alone
    detail = {
        name: getattr(command, name)
        for name in command.__struct_fields__
        if name not in skipped and getattr(command, name) not in ("", None, False, frozenset())
    }
    if isinstance(command, RetryRun) and command.changes.names:
        detail["changes"] = command.changes.names
    return detail
