"""Hooks of code hosts: what they deliver starts pipelines, each once for each delivery.

A delivery is stored before anything is started by it, and what it started is stored with the start:
whenever the server ends in between, the next one goes on with what is missing.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from mulligan import failpoints
from mulligan.core.errors import (
    CallerError,
    ConflictError,
    InfrastructureError,
    InvalidError,
    NotFoundError,
)
from mulligan.core.flow import queue
from mulligan.core.ids import PipelineId, ProjectId, RunId, StepId
from mulligan.core.items import ItemChange
from mulligan.core.records import Pipeline, PipelineVersion
from mulligan.core.rights import Actor, Permission
from mulligan.core.status import Status
from mulligan.core.trigger_records import (
    Delivery,
    DeliveryState,
    EventHook,
    Outcome,
    TriggerChange,
)
from mulligan.core.triggers.choose import Chosen, PassedOver, choose, names_it
from mulligan.core.triggers.event import CodeEvent
from mulligan.core.triggers.forks import review_of
from mulligan.core.triggers.origin import Origin
from mulligan.core.triggers.proof import WAYS, Header, Host, is_proven, may_be_proven
from mulligan.core.triggers.reading import delivery_id, read_event
from mulligan.core.triggers.spec import EventKind, RepositoryRef, TriggerKind
from mulligan.core.triggers.values import event_type, start_values
from mulligan.engine.access import Access
from mulligan.engine.alone import Alone
from mulligan.engine.audited import audited, with_receipt
from mulligan.engine.callbacks import is_web_url
from mulligan.engine.commands import ReceiptRequest, StartRun
from mulligan.engine.service import Engine
from mulligan.engine.third_filters import Question
from mulligan.log import get_log
from mulligan.ports.sources import Repositories
from mulligan.secret_key import SecretKey, UnsealError

log = get_log()

MOST_HOOKS = 200  # of a project
MOST_KEPT_REFUSED = 20  # deliveries without proof that are kept for each hook
LONGEST_SECRET = 1024
_PURPOSE = "event-hook"
_SHOWN_PAYLOAD = 64 * 1024  # bytes of a body that are kept for people
_UNPROVEN = "no header proves that the sender knows the secret"
_ID_BYTES = 16
_SWEEP_S = 3600.0
_PAUSE_S = 1.0
# Hosts give up after some 10 s; what takes longer goes on after the answer.
_ANSWER_WITHIN_S = 8.0
_MOST_ASKED = 16  # pipelines of a delivery whose filters outside of the server are asked at once
_ASK_WITHIN_S = 30.0  # all filters of a pipeline together
# Headers that are kept: they say what was sent, none of them holds a secret.
_KEPT_HEADERS = (
    "content-type",
    "user-agent",
    "x-github-event",
    "x-github-delivery",
    "x-gitlab-event",
    "x-gitlab-event-uuid",
    "x-gitlab-instance",
    "x-gitea-event",
    "x-gitea-event-type",
    "x-gitea-delivery",
    "x-forgejo-event",
    "x-forgejo-delivery",
    "x-gogs-event",
    "x-gogs-delivery",
    "x-gitee-event",
    "x-gitee-timestamp",
    "x-event",
    "x-trace-id",
    "webhook-id",
    "webhook-timestamp",
    "idempotency-key",
)
_HIDDEN_HEADERS = (
    "x-hub-signature-256",
    "x-gitlab-token",
    "x-gitea-signature",
    "x-forgejo-signature",
    "x-gogs-signature",
    "x-gitee-token",
    "x-token",
    "webhook-signature",
    "authorization",
)
_HIDDEN = "******"
_LONGEST_HEADER = 200
EVENTS = tuple(kind.value for kind in EventKind if kind is not EventKind.PING)


class UnprovenError(CallerError):
    """Nothing shows that the sender of a delivery knows the secret of the hook."""


class GivenHook(msgspec.Struct, frozen=True, kw_only=True):
    """A hook as somebody gives it; `repr` does not show its secret."""

    host: str
    secret: str
    pipeline: PipelineId | None = None
    name: str = ""
    events: tuple[str, ...] = ("push",)
    credential: str = ""
    api: str = ""

    def __repr__(self) -> str:
        """Name the hook."""
        return f"GivenHook(host={self.host!r}, name={self.name!r})"


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a delivery. `is_known`: it had come before; nothing was started again."""

    delivery: Delivery
    outcomes: tuple[Outcome, ...]
    is_known: bool = False

    @property
    def run(self) -> RunId | None:
        """Return the first run that it started."""
        return next((outcome.run for outcome in self.outcomes if outcome.run), None)


@dataclass(frozen=True)
class _Look:
    """A pipeline as it is now, and what a delivery means to it."""

    pipeline: Pipeline
    version: PipelineVersion
    chosen: Chosen


class EventHooks:
    """The use cases of hooks.

    Args:
        kept: Deliveries that are kept for each hook.
        kept_days: How long they are kept.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        access: Access,
        secret_key: SecretKey,
        repositories: Repositories,
        kept: int = 200,
        kept_days: int = 30,
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._clock = engine.clock
        self._access = access
        self._key = secret_key
        self._repositories = repositories
        self._kept = kept
        self._kept_for = timedelta(days=kept_days)
        self._alone = Alone()
        self._tasks: set[asyncio.Task[object]] = set()
        # set by the composition root: asks a filter outside of the server, tells why not
        self.ask_third: Callable[[Question], Awaitable[str]] = _ask_nobody

    # --- hooks ----------------------------------------------------------------------------------

    async def add(
        self,
        actor: Actor,
        project: ProjectId,
        given: GivenHook,
        *,
        receipt: ReceiptRequest | None = None,
    ) -> EventHook:
        """Make a hook.

        Raises:
            InvalidError: It is malformed, or the project has too many.
            ConflictError: There is one of that name (code "event-hook").
        """
        _check(given)
        if len(await self._store.list_items(EventHook, project)) >= MOST_HOOKS:
            raise InvalidError(f"a project has at most {MOST_HOOKS} hooks", code="too-many-hooks")
        now = self._clock.now()
        ident = secrets.token_hex(_ID_BYTES)
        hook = EventHook(
            project=project,
            id=ident,
            name=given.name or ident,
            created_by=actor.user,
            created_at=now,
            updated_by=actor.user,
            updated_at=now,
            parent=given.pipeline or "",
            host=given.host,
            sealed=self._key.seal(_PURPOSE, f"{project}/{ident}", given.secret.encode()),
            events=given.events,
            credential=given.credential,
            api=given.api,
        )
        acts = audited(self._clock, actor, "hook.create", project=project, target=_shown(ident))
        acts = with_receipt(self._clock, acts, actor, receipt, hook)
        await self._store.change_items(ItemChange(put=(hook,)), acts)
        return hook

    async def get(self, project: ProjectId, ident: str) -> EventHook:
        """Return a hook.

        Raises:
            NotFoundError: The project has none of that id.
        """
        found = await self._store.find_item(EventHook, project, ident)
        if found is None:
            raise NotFoundError("hook", _shown(ident))
        return found

    async def list_hooks(
        self, project: ProjectId, pipeline: PipelineId | None = None
    ) -> tuple[EventHook, ...]:
        """Return the hooks of a project, or of one pipeline of it, oldest first."""
        return await self._store.list_items(EventHook, project, parent=pipeline)

    async def drop(self, actor: Actor, project: ProjectId, ident: str) -> None:
        """Delete a hook with what it delivered.

        Raises:
            NotFoundError: The project has none of that id.
        """
        hook = await self.get(project, ident)
        acts = audited(self._clock, actor, "hook.delete", project=project, target=_shown(ident))
        await self._store.change_items(ItemChange(drop=(hook,)), acts)
        await self._store.drop_deliveries(project, ident)

    # --- deliveries -----------------------------------------------------------------------------

    async def receive(
        self,
        hook: EventHook,
        header: Header,
        read: Callable[[], Awaitable[bytes]],
        decode: Callable[[bytes], object],
        sender: str = "",
    ) -> Received:
        """Take what a host delivers.

        Args:
            read: Gives the body; called when the headers do not rule out that it is proven.
            decode: Gives the payload of the body; called when the sender is proven.
            sender: Address, for people.

        Raises:
            UnprovenError: Nothing proves the sender; it is recorded.
        """
        host = Host(hook.host)
        now = self._clock.now()
        delivery = Delivery(
            project=hook.project,
            hook=hook.id,
            key=delivery_id(host, header),
            received_at=now,
            state=DeliveryState.REFUSED,
            headers=_headers_of(header),
            sender=sender,
        )
        secret = self._secret(hook)
        if not may_be_proven(header, secret, now, WAYS[host]):
            await self._refuse(delivery, _UNPROVEN)
        body = await read()
        delivery = replace(delivery, size=len(body))
        if not is_proven(header, body, secret, now, WAYS[host]):
            await self._refuse(delivery, _UNPROVEN)
        event = read_event(host, header, decode(body))
        # some hosts repeat the secret in the body
        payload = body[:_SHOWN_PAYLOAD].decode("utf-8", "replace").replace(secret, _HIDDEN)
        opened = replace(delivery, state=DeliveryState.OPEN, event=event, payload=payload)
        async with self._alone.of((hook.project, hook.id, delivery.key or object())):
            return await self._accept(hook, opened)

    async def _refuse(self, delivery: Delivery, reason: str) -> None:
        await self._store.add_delivery(replace(delivery, reason=reason), keep=MOST_KEPT_REFUSED)
        log.warning("delivery_refused", hook=_shown(delivery.hook), sender=delivery.sender)
        raise UnprovenError(reason)

    async def _accept(self, hook: EventHook, delivery: Delivery) -> Received:
        if delivery.key:
            known = await self._store.known_delivery(hook.project, hook.id, delivery.key)
            if known is not None:
                return await self._again(hook, known)
        try:
            stored = await self._store.add_delivery(delivery, keep=self._kept)
        except ConflictError:  # another server was quicker
            known = await self._store.known_delivery(hook.project, hook.id, delivery.key)
            if known is None:
                raise
            return await self._again(hook, known)
        failpoints.hit("delivery.stored")
        try:
            return await self._work_in_time(hook, stored)
        except InfrastructureError:  # not every host sends it again
            self._spawn(self._work_surely(hook, stored))
            raise

    async def _work_in_time(self, hook: EventHook, delivery: Delivery) -> Received:
        """Bring a delivery to its pipelines; what takes long goes on after the answer."""
        work = asyncio.get_running_loop().create_task(self._work(hook, delivery))
        self._keep(work)
        await asyncio.wait({work}, timeout=_ANSWER_WITHIN_S)
        if work.done():
            return work.result()
        self._spawn(self._see_to(work, hook, delivery))
        outcomes = await self._store.list_outcomes(delivery.number)
        return Received(delivery=delivery, outcomes=outcomes)

    async def _see_to(
        self, work: asyncio.Task[Received], hook: EventHook, delivery: Delivery
    ) -> None:
        await asyncio.wait({work})
        if not work.cancelled() and work.exception() is not None:
            await self._work_surely(hook, delivery)

    async def _again(self, hook: EventHook, known: Delivery) -> Received:
        """Answer a delivery that had come before; what it left undone is done now."""
        if known.state is DeliveryState.OPEN:
            await self._work(hook, known)
        outcomes = await self._store.list_outcomes(known.number)
        return Received(delivery=known, outcomes=outcomes, is_known=True)

    async def replay(self, actor: Actor, project: ProjectId, number: int) -> Received:
        """Let a delivery count once more, as a new one.

        Raises:
            NotFoundError: The project has none of that number, or its hook is gone.
            InvalidError: Nothing proved its sender.
        """
        delivery = await self.get_delivery(project, number)
        hook = await self.get(project, delivery.hook)
        if delivery.event is None:
            raise InvalidError(
                "nothing proved the sender of this delivery: it can't be replayed", code="unproven"
            )
        again = replace(
            delivery,
            number=0,
            key="",
            state=DeliveryState.OPEN,
            received_at=self._clock.now(),
            replay_of=delivery.number,
            sender=actor.user,
        )
        stored = await self._store.add_delivery(again, keep=self._kept)
        acts = audited(
            self._clock, actor, "delivery.replay", project=project, target=str(delivery.number)
        )
        await self._store.add_audit(acts.audit)
        return await self._work(hook, stored)

    async def get_delivery(self, project: ProjectId, number: int) -> Delivery:
        """Return a delivery.

        Raises:
            NotFoundError: The project has none of that number.
        """
        found = await self._store.find_delivery(number)
        if found is None or found.project != project:
            raise NotFoundError("delivery", str(number))
        return found

    async def resume(self) -> None:
        """Go on with deliveries that an earlier life of the server left undone."""
        for delivery in await self._store.open_deliveries():
            hook = await self._store.find_item(EventHook, delivery.project, delivery.hook)
            if hook is None:
                await self._store.settle_delivery(delivery.number)
                continue
            await self._work_surely(hook, delivery)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        self._keep(asyncio.get_running_loop().create_task(work))

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work_surely(self, hook: EventHook, delivery: Delivery) -> None:
        while True:
            try:
                await self._work(hook, delivery)
            except InfrastructureError as error:
                log.warning("delivery_waits", delivery=delivery.number, error=str(error))
                await asyncio.sleep(_PAUSE_S)
            except Exception:  # one delivery must not keep the others
                log.exception("delivery_broken", delivery=delivery.number)
                return
            else:
                return

    async def run(self) -> None:
        """Finish what an earlier life began; then, every hour, forget old deliveries."""
        await self._until_stored(self.resume)
        try:
            while True:
                await self._until_stored(self._forget_old)
                await asyncio.sleep(_SWEEP_S)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _forget_old(self) -> None:
        await self._store.drop_old_deliveries(self._clock.now() - self._kept_for)

    @staticmethod
    async def _until_stored(act: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await act()
            except InfrastructureError as error:
                log.warning("deliveries_wait", error=str(error))
                await asyncio.sleep(_PAUSE_S)

    # --- what a delivery starts -----------------------------------------------------------------

    async def _work(self, hook: EventHook, delivery: Delivery) -> Received:
        """Bring a delivery to every pipeline that it has not been brought to yet."""
        event = delivery.event
        if event is None or event.kind is EventKind.PING:
            await self._store.settle_delivery(delivery.number)
            return Received(delivery=delivery, outcomes=())
        done = {each.pipeline for each in await self._store.list_outcomes(delivery.number)}
        missed: list[Outcome | None] = []
        asking: list[PipelineId] = []
        for ident in await self._candidates(hook):
            if ident in done:
                continue
            looked = await self._look(hook, event, ident)
            if looked is not None and looked.chosen.asks is not None:
                asking.append(ident)
            else:
                missed.append(await self._bring(hook, delivery, event, ident, looked))
        missed += await self._bring_asked(hook, delivery, event, asking)
        await self._store.settle_delivery(
            delivery.number, [outcome for outcome in missed if outcome is not None]
        )
        outcomes = await self._store.list_outcomes(delivery.number)
        return Received(delivery=delivery, outcomes=outcomes)

    async def _candidates(self, hook: EventHook) -> tuple[PipelineId, ...]:
        if hook.parent:
            return (PipelineId(hook.parent),)
        return await self._store.listeners(hook.project)

    async def _bring_asked(
        self, hook: EventHook, delivery: Delivery, event: CodeEvent, asking: list[PipelineId]
    ) -> list[Outcome | None]:
        """Bring a delivery to pipelines whose filters are outside of the server.

        They come last and are asked side by side: a filter that does not answer holds up no
        pipeline without one, and others no longer than its own.
        """
        places = asyncio.Semaphore(_MOST_ASKED)

        async def answered(ident: PipelineId) -> _Look | None:
            async with places:
                return await self._answered(hook, delivery, event, ident)

        found = await asyncio.gather(*map(answered, asking), return_exceptions=True)
        missed: list[Outcome | None] = []
        for ident, looked in zip(asking, found, strict=True):
            if isinstance(looked, BaseException):
                raise looked  # now that none of the others is under way any more
            missed.append(await self._bring(hook, delivery, event, ident, looked))
        return missed

    async def _bring(
        self,
        hook: EventHook,
        delivery: Delivery,
        event: CodeEvent,
        ident: PipelineId,
        looked: _Look | None,
    ) -> Outcome | None:
        """Start a pipeline; give the outcome, with the reason, if it is not started."""
        outcome = Outcome(delivery=delivery.number, pipeline=ident)
        if looked is None:
            return replace(outcome, reason="the pipeline is deleted")
        pipeline, version, chosen = looked.pipeline, looked.version, looked.chosen
        outcome = replace(outcome, passed_over=chosen.passed_over)
        if chosen.trigger is None and not self._starts_plainly(hook, event, version):
            return replace(outcome, reason=_reason(hook, event, chosen))
        user = pipeline.updated_by
        may = await self._access.may_in_name_of(user, Permission.START, pipeline.project)
        if not may:
            return replace(outcome, reason=f"{user} may not start the pipeline")
        return await self._start(hook, event, pipeline, chosen, outcome)

    async def _look(
        self,
        hook: EventHook,
        event: CodeEvent,
        ident: PipelineId,
        answers: Mapping[str, str] | None = None,
    ) -> _Look | None:
        """Choose the trigger of a pipeline, or the filter to be asked first; None: it is deleted.

        Args:
            answers: Of filters outside of the server, by trigger.
        """
        pipeline = await self._store.find_pipeline(ident)
        if pipeline is None or pipeline.deleted_at is not None:
            return None
        version = await self._store.find_version(ident, pipeline.version)
        if version is None:
            return None
        known: dict[tuple[str, str], bool | None] = {}
        for trigger in version.spec.triggers:
            if trigger.code is not None:
                ref = trigger.code.repository
                known[ref.by.value, ref.value] = await self._is_its(hook, event, ref)
        chosen = choose(
            version.spec.triggers, event, lambda ref: known.get((ref.by.value, ref.value)), answers
        )
        return _Look(pipeline, version, chosen)

    async def _answered(
        self, hook: EventHook, delivery: Delivery, event: CodeEvent, ident: PipelineId
    ) -> _Look | None:
        """Choose the trigger of a pipeline, with what filters outside of the server answer."""
        clock = asyncio.get_running_loop()
        until = clock.time() + _ASK_WITHIN_S
        answers: dict[str, str] = {}
        while True:
            looked = await self._look(hook, event, ident, answers)
            asks = None if looked is None else looked.chosen.asks
            if asks is None or asks.code is None:
                return looked
            question = Question(
                project=hook.project,
                pipeline=ident,
                code=asks.code,
                event=event,
                payload=delivery.payload if delivery.size <= _SHOWN_PAYLOAD else "",
            )
            try:
                async with asyncio.timeout_at(until):
                    answers[asks.id] = await self.ask_third(question)
            except TimeoutError:
                answers[asks.id] = "the filters of the pipeline took too long to answer"

    async def _is_its(self, hook: EventHook, event: CodeEvent, ref: RepositoryRef) -> bool | None:
        found = names_it(ref, event)
        if found is not None:
            return found
        source = await self._repositories.find(hook.project, ref)
        if source is None:
            # who gave the pipeline a hook of its own has said which repository is meant
            return True if hook.parent else None
        return names_it(replace(ref, value=source.url), event)

    @staticmethod
    def _starts_plainly(hook: EventHook, event: CodeEvent, version: PipelineVersion) -> bool:
        """Tell whether the hook itself starts its pipeline, which has no code triggers."""
        if not hook.parent or event.action == "delete":
            return False
        if hook.host == Host.STANDARD.value and event.kind is EventKind.OTHER:
            return True  # whatever it is, somebody who has the secret wants it to start
        has_triggers = any(each.kind is TriggerKind.CODE for each in version.spec.triggers)
        return not has_triggers and event.kind.value in hook.events

    async def _start(
        self,
        hook: EventHook,
        event: CodeEvent,
        pipeline: Pipeline,
        chosen: Chosen,
        outcome: Outcome,
    ) -> Outcome | None:
        origin = _origin(hook, event, chosen)
        facts = {
            **start_values(event, chosen.values),
            "BK_CI_START_TASK_ID": origin.trigger,
            "BK_CI_AUTHORIZER": pipeline.updated_by,
        }
        command = StartRun(
            actor=pipeline.updated_by,
            origin=f"hook {_shown(hook.id)}",
            pipeline=pipeline.id,
            start_kind="webhook",
            message=event.title[:200],
            changed_paths=event.paths,
            facts={name: value for name, value in facts.items() if value},
            trigger=origin,
            triggers=TriggerChange(outcome=replace(outcome, trigger=origin.trigger)),
            review=review_of(chosen.trigger, event),
        )
        try:
            head = await self._engine.start_run(command)
        except ConflictError as conflict:
            if conflict.code != "outcome":
                return replace(outcome, reason=str(conflict))
            return None  # somebody else has started it
        except CallerError as error:
            return replace(outcome, trigger=origin.trigger, reason=str(error))
        log.info("delivery_started", pipeline=pipeline.id, run_id=head.id)
        trigger = chosen.trigger
        if trigger is not None and trigger.code is not None and trigger.code.replaces_queued:
            await self._drop_queued(pipeline.id, head.id, origin)
        return None

    async def _drop_queued(self, pipeline: PipelineId, newest: RunId, origin: Origin) -> None:
        """Cancel waiting runs of the same merge request: the newest one is enough."""
        if not origin.merge_request:
            return
        for head in [run.head for run in self._engine.lines.unfinished(pipeline)]:
            other = head.origin
            if head.id == newest or head.status is not Status.QUEUED or other is None:
                continue
            if other.same_request == origin.same_request:
                await self._engine.change(head.id, queue.drop_from_queue)

    def _secret(self, hook: EventHook) -> str:
        try:
            place = f"{hook.project}/{hook.id}"
            return self._key.unseal(_PURPOSE, place, hook.sealed).decode()
        except UnsealError:
            log.exception("hook_unreadable", hook=_shown(hook.id))
            return ""


async def _ask_nobody(_question: Question) -> str:
    return "filters outside of the server are not served"


def _shown(ident: str) -> str:
    """Give an id of a hook as logs may show it."""
    return f"{ident[:8]}-…"


def _headers_of(header: Header) -> dict[str, str]:
    kept = {name: header(name)[:_LONGEST_HEADER] for name in _KEPT_HEADERS}
    kept |= {name: _HIDDEN for name in _HIDDEN_HEADERS if header(name)}
    return {name: value for name, value in kept.items() if value}


def _reason(hook: EventHook, event: CodeEvent, chosen: Chosen) -> str:
    if chosen.passed_over:
        last: PassedOver = chosen.passed_over[-1]
        return last.reason
    if hook.parent:
        if event.action == "delete":
            return f"the {event.kind.value} deletes what it is about: nothing is left to build"
        return f"the hook takes {', '.join(hook.events)}, this is {event.kind.value}"
    return "no trigger waits for it"


def _origin(hook: EventHook, event: CodeEvent, chosen: Chosen) -> Origin:
    trigger, request = chosen.trigger, event.merge_request
    return Origin(
        trigger=trigger.id if trigger is not None else StepId(""),
        element=trigger.element if trigger is not None else "",
        hook=hook.id,
        host=event.host,
        event=event_type(event),
        repository=event.repository.full_name,
        repository_id=event.repository.id,
        url=event.repository.url,
        commit=event.commit,
        branch=event.branch,
        tag=event.tag,
        merge_request=request.number if request is not None else "",
        merge_request_id=request.id if request is not None else "",
        page=event.url,
        message=event.title[:200],
        check=bool(hook.credential)
        and (trigger is None or trigger.code is None or trigger.code.check),
    )


def _check(given: GivenHook) -> None:
    problem: tuple[str, str] | None = None
    if given.host not in set(Host):
        problem = ("kind", f"kind {given.host[:50]!r} is none of: {', '.join(Host)}")
    elif not 0 < len(given.secret) <= LONGEST_SECRET:
        problem = ("secret", f"a secret of 1 to {LONGEST_SECRET} characters is needed")
    elif not given.events or not set(given.events) <= set(EVENTS):
        problem = ("events", f"events are one or more of: {', '.join(EVENTS)}")
    elif given.api and not is_web_url(given.api):
        problem = ("api", "api must be an http:// or https:// address without a login")
    if problem is not None:
        raise InvalidError(problem[1], pointer=f"/{problem[0]}", code="hook")
