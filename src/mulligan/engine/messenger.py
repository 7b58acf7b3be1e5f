"""Messenger: sends what a stage or a run has to tell when it has its result.

At least once: an effect stays in the outbox until all its messages are sent, or were tried often
enough. A message that fails changes no result; it leaves a note in the log of the stage's job.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from mulligan.core.decision import Effect
from mulligan.core.errors import ConflictError, InfrastructureError
from mulligan.core.hooks import Note
from mulligan.core.ids import SYSTEM, JobId, RunId, StageId, StepId
from mulligan.core.records import Receipt
from mulligan.core.run import Job, Run
from mulligan.core.spec import MessageSpec
from mulligan.core.variables import Scope
from mulligan.engine.messages_mail import result_mail, review_mail
from mulligan.engine.messages_sending import NO_SMS, NOT_SENT, Sending
from mulligan.engine.messages_web import compose
from mulligan.engine.service import Engine
from mulligan.engine.signals import Signals
from mulligan.log import get_log
from mulligan.ports import NodeHistory

log = get_log()

T = TypeVar("T")

_STORE_PAUSE_S = 1.0
_BY_MAIL, _BY_SMS = frozenset({0, 1}), frozenset({0, 2})  # values of `pattern`


class _Telling(msgspec.Struct, frozen=True, kw_only=True):
    """One effect: whose result is told."""

    run: Run
    effect: Effect

    @property
    def good(self) -> bool:
        return bool(self.effect.data["good"])

    @property
    def variables(self) -> dict[str, str]:
        return Scope(self.run).parameters

    def delivery(self, position: int) -> str:
        return f"{self.run.head.id}/{self.effect.key}/{position}"


class Messenger:
    """Sends messages.

    Args:
        public_url: How users reach the server; "" = not known.
        store_pause_s: Before something is tried again that could not be stored.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        signals: Signals,
        sending: Sending,
        public_url: str = "",
        store_pause_s: float = _STORE_PAUSE_S,
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._signals = signals
        self._sending = sending
        self._public_url = public_url.rstrip("/")
        self._store_pause_s = store_pause_s

    async def send(self, run_id: RunId, effect: Effect) -> None:
        """Send the messages of an effect "notify"; returns when nothing is left to be tried.

        Its data: `stage` ("" = the run as a whole) and `good`; or `step`, a review that asks.

        Raises:
            NotFoundError: The run is gone.
        """
        run = await self._until_stored(lambda: self._engine.get_run(run_id))
        if "step" in effect.data:
            await self._ask(run, effect.data["step"])
            return
        spec = run.index.spec
        stage = effect.data["stage"]
        messages = spec.stages[run.index.stages[stage]].messages if stage else spec.messages
        good = bool(effect.data["good"])
        chosen = [
            (position, message)
            for position, message in enumerate(messages)
            if (message.on_success if good else message.on_failure)
        ]
        telling = _Telling(run=run, effect=effect)
        async with asyncio.TaskGroup() as group:  # they begin in this order
            for position, message in chosen:
                group.create_task(self._send_one(telling, position, message))

    async def _send_one(self, telling: _Telling, position: int, message: MessageSpec) -> None:
        try:
            if message.kind == "channel":
                await self._publish(telling, position, message)
            elif message.kind == "webhook":
                await self._call(telling, position, message)
            else:
                await self._tell(telling, message)
        except Exception:  # a message that can't be sent must not keep the others
            log.exception("message_broken", message=telling.delivery(position))

    # --- channels -------------------------------------------------------------------------------

    async def _publish(self, telling: _Telling, position: int, message: MessageSpec) -> None:
        """Publish once: what listens must not start twice after a crash of the server."""
        key = telling.delivery(position)
        if await self._until_stored(lambda: self._store.find_receipt(SYSTEM, key)) is not None:
            return
        variables = telling.variables
        head = telling.run.head
        await self._until_stored(
            lambda: self._signals.publish(
                head.project,
                message.config["name"],
                {name: variables.get(variable, "") for name, variable in message.values},
                chain=head.chain + 1,
            )
        )
        receipt = Receipt(
            actor=SYSTEM,
            key=key,
            fingerprint="",
            status=0,
            body=b"",
            content_type="",
            created_at=self._engine.clock.now(),
        )
        try:
            await self._until_stored(lambda: self._store.put_receipt(receipt))
        except ConflictError:
            log.debug("message_known", delivery=key)

    # --- webhooks -------------------------------------------------------------------------------

    async def _call(self, telling: _Telling, position: int, message: MessageSpec) -> None:
        try:
            request = compose(message, telling.variables, telling.delivery(position))
        except ValueError as error:
            await self._note(telling, f"{NOT_SENT} {error}")
        else:
            await self._note(telling, await self._sending.call(request))

    # --- people ---------------------------------------------------------------------------------

    async def _tell(self, telling: _Telling, message: MessageSpec) -> None:
        config = message.config
        pattern = config.get("pattern", 0)
        if pattern in _BY_MAIL and config.get("email"):
            name = await self._pipeline_name(telling.run)
            mail = result_mail(telling.run, name, good=telling.good, url=self._url(telling.run))
            await self._note(telling, await self._sending.mail(config["email"], mail))
        if pattern in _BY_SMS:
            name = config.get("user_name", "")
            await self._note(telling, f"{NO_SMS} There is no SMS gateway; {name} gets none")

    async def _ask(self, run: Run, step_id: StepId) -> None:
        """Ask the reviewers of a step that have an address and have not voted yet."""
        gate = run.open_gate(step_id)
        emails = run.index.steps[step_id].inputs.get("emails") or {}
        if gate is None:
            return
        voted = {vote.user for vote in gate.votes}
        name = await self._pipeline_name(run)
        mail = review_mail(run, step_id, name, url=self._url(run))
        for user in gate.reviewers:
            if user not in voted and emails.get(user):
                problem = await self._sending.mail(emails[user], mail)
                if problem:
                    log.warning("message_failed", run_id=run.head.id, reason=problem)

    async def _pipeline_name(self, run: Run) -> str:
        found = await self._until_stored(lambda: self._store.find_pipeline(run.head.pipeline))
        return run.index.spec.name if found is None else found.name

    def _url(self, run: Run) -> str:
        return f"{self._public_url}/runs/{run.head.id}" if self._public_url else ""

    # --- what all have in common ----------------------------------------------------------------

    async def _note(self, telling: _Telling, text: str) -> None:
        """Note what went wrong in the log of the job; "" = nothing."""
        if not text:
            return
        run_id = telling.run.head.id
        log.warning("message_failed", run_id=run_id, message=telling.effect.key, reason=text)
        place = await self._place(telling.run, telling.effect)
        if place is None:
            return
        job_id, attempt = place
        note = Note(
            run=run_id,
            job=job_id,
            attempt=attempt,
            at=self._engine.clock.now(),
            text=" ".join(text.split()),
        )
        await self._until_stored(lambda: self._store.add_note(note))

    async def _until_stored(self, act: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await act()
            except InfrastructureError as error:
                log.warning("message_waits", error=str(error))
                await asyncio.sleep(self._store_pause_s)

    async def _place(self, run: Run, effect: Effect) -> tuple[JobId, int] | None:
        """Find the job attempt whose result is told; a run's is that of its last job."""
        stage, number = effect.data["stage"], int(effect.key.rpartition(":")[2])
        history = await self._until_stored(lambda: self._store.history(run.head.id))
        jobs = _jobs_of(run, stage, history)
        last = _run_attempt_of(history, stage, number) if stage else number
        done = [job for job in jobs if job.run_attempt <= last and job.ended_at is not None]
        if not done:
            return None
        job = max(done, key=lambda each: (each.ended_at, each.attempt))
        return job.id, job.attempt


def _jobs_of(run: Run, stage: StageId, history: NodeHistory) -> list[Job]:
    spec = run.index.spec
    wanted = spec.stages[run.index.stages[stage]].jobs if stage else tuple(run.index.all_jobs())
    return [attempt for job in wanted for attempt in history.jobs.get(job.id, ())]


def _run_attempt_of(history: NodeHistory, stage: StageId, number: int) -> int:
    for record in history.stages.get(stage, ()):
        if record.attempt == number:
            return record.run_attempt
    return 0
