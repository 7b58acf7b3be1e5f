"""What the memory store stores together with an act: receipt, audit, ledger, latches."""

from collections.abc import Iterable

from msgspec.structs import replace

from mulligan.core.deployments import Deployment, Environment, LedgerChange
from mulligan.core.errors import ConflictError, NotFoundError, StaleRevisionError
from mulligan.core.hooks import Hook
from mulligan.core.ids import PipelineId, ProjectId, StepId, UserName
from mulligan.core.items import Item, ItemChange
from mulligan.core.records import AuditEntry, Project, Receipt
from mulligan.core.trigger_records import Outcome, Timer, TriggerChange
from mulligan.ports import Acts


class MemoryActs:
    """What acts of every kind change."""

    def __init__(self) -> None:
        self._projects: dict[ProjectId, Project] = {}
        self._receipts: dict[tuple[UserName, str], Receipt] = {}
        self._audit: list[AuditEntry] = []
        self._environments: dict[str, Environment] = {}
        self._deployments: dict[str, Deployment] = {}
        self._hooks: dict[str, Hook] = {}
        self._items: dict[int, Item] = {}
        self._last_item = 0
        self._timers: dict[tuple[PipelineId, StepId], Timer] = {}
        self._listening: set[PipelineId] = set()
        self._outcomes: dict[tuple[int, PipelineId], Outcome] = {}

    def _take_acts(
        self,
        acts: Acts,
        ledger: LedgerChange | None = None,
        items: ItemChange | None = None,
        triggers: TriggerChange | None = None,
    ) -> None:
        """Store all of it, with the other changes first, or nothing and raise."""
        changes = [change for change in (triggers, acts.triggers) if change is not None]
        for other in changes:
            self._check_triggers(other)
        environments, deployments = dict(self._environments), dict(self._deployments)
        if ledger is not None:
            self._change_ledger(environments, deployments, ledger)
        if acts.receipt is not None:
            self._check_receipt(acts.receipt)
        if acts.ledger is not None:
            self._change_ledger(environments, deployments, acts.ledger)
        kept = dict(self._items)
        for change in (items, acts.items):
            if change is not None:
                self._change_items(kept, change)
        self._environments, self._deployments = environments, deployments
        self._items = kept
        self._last_item = max(self._last_item, *kept, 0)
        if acts.receipt is not None:
            self._receipts[acts.receipt.actor, acts.receipt.key] = acts.receipt
        self._take_audit(acts.audit)
        for other in changes:
            self._change_triggers(other)
        self._clear_latches(acts.clear_latches)

    def _clear_latches(self, pipeline: PipelineId | None) -> None:
        for hook in list(self._hooks.values()):
            if hook.pipeline == pipeline and not hook.stage:
                self._hooks[hook.id] = replace(hook, latched=False, values={})

    def _check_triggers(self, change: TriggerChange) -> None:
        moved, outcome = change.moved, change.outcome
        if moved is not None:
            before = self._timers.get((moved.pipeline, moved.trigger))
            if before is None or before.revision != moved.revision - 1:
                message = f"timer {moved.trigger} is not at revision {moved.revision - 1}"
                raise StaleRevisionError(message)
        if outcome is not None and (outcome.delivery, outcome.pipeline) in self._outcomes:
            message = f"delivery {outcome.delivery} has been brought to {outcome.pipeline}"
            raise ConflictError(message, code="outcome")

    def _change_triggers(self, change: TriggerChange) -> None:
        pipeline = change.defined
        if pipeline is not None:
            before = {key: each for key, each in self._timers.items() if key[0] == pipeline}
            for key in before:
                del self._timers[key]
            for timer in change.timers:
                old = before.get((pipeline, timer.trigger), replace(timer, revision=0))
                kept = replace(timer, revision=old.revision + 1, state=old.state)
                self._timers[pipeline, timer.trigger] = kept
            (self._listening.add if change.listens else self._listening.discard)(pipeline)
        if change.moved is not None:
            self._timers[change.moved.pipeline, change.moved.trigger] = change.moved
        if change.outcome is not None:
            self._outcomes[change.outcome.delivery, change.outcome.pipeline] = change.outcome

    def _check_receipt(self, receipt: Receipt) -> None:
        if (receipt.actor, receipt.key) in self._receipts:
            message = f"user {receipt.actor!r} has used the key {receipt.key!r} already"
            raise ConflictError(message, code="receipt")

    def _take_audit(self, entries: Iterable[AuditEntry]) -> None:
        for entry in entries:
            self._audit.append(replace(entry, id=len(self._audit) + 1))

    def _change_items(self, items: dict[int, Item], change: ItemChange) -> None:
        for item in (*change.drop, *change.put):
            if item.project not in self._projects:
                raise NotFoundError("project", item.project)
        for item in change.drop:
            gone = [number for number, other in items.items() if _same(other, item, "id")]
            for number in gone:
                del items[number]
        for item in change.put:
            kind = str(type(item).__struct_config__.tag)
            before = items.get(item.number)
            if item.number and (before is None or not _same(before, item, "id")):
                raise NotFoundError(kind, item.id)
            others = [other for number, other in items.items() if number != item.number]
            for other in others:
                if _same(other, item, "id") or _same(other, item, "name", "parent"):
                    raise ConflictError(f"there is a {kind} {item.name!r} already", code=kind)
            number = item.number or max(self._last_item, *items, 0) + 1
            items[number] = replace(item, number=number)

    def _change_ledger(
        self,
        environments: dict[str, Environment],
        deployments: dict[str, Deployment],
        change: LedgerChange,
    ) -> None:
        for environment in change.environments:
            if environment.project not in self._projects:
                raise NotFoundError("project", environment.project)
            before = environments.get(environment.key)
            known = (environment.revision - 1, environment.project)
            if (before.revision, before.project) != known if before else known[0] > 0:
                message = f"environment {environment.key!r} is not at revision {known[0]}"
                raise StaleRevisionError(message)
            environments[environment.key] = environment
        for deployment in change.deployments:
            if deployment.environment not in environments:
                raise NotFoundError("environment", deployment.environment)
            stored = deployments.get(deployment.id)
            number = len(deployments) + 1 if stored is None else stored.number
            deployments[deployment.id] = replace(deployment, number=number)


def _same(one: Item, other: Item, *fields: str) -> bool:
    """Tell whether two items are of one kind and project, and equal in some fields."""
    return type(one) is type(other) and all(
        getattr(one, field) == getattr(other, field) for field in ("project", *fields)
    )
