"""Calls: runs that steps of other runs start – begun, stopped, and their end told.

Everything here is the carrying out of an effect, so it may happen more than once, after a crash
too: the id of the run follows from the step attempt, and a step takes only one end.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from mulligan import failpoints
from mulligan.core.decision import Draft, Effect
from mulligan.core.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    RefusedError,
    StaleRevisionError,
)
from mulligan.core.expressions import ExpressionError
from mulligan.core.flow import call_ends
from mulligan.core.flow.calls import ANSWER, BEGIN, STOP, called_run
from mulligan.core.hold import still_open_until
from mulligan.core.ids import SYSTEM, PipelineId, ProjectId, RunId, StepId, UserName
from mulligan.core.prepare import resolved_inputs
from mulligan.core.records import Pipeline
from mulligan.core.rights import Permission
from mulligan.core.run import Called, Caller, Run, RunHead
from mulligan.core.spec import StepSpec
from mulligan.core.values import text_of
from mulligan.engine.commands import StartRun, StopRun
from mulligan.engine.service import Engine
from mulligan.log import get_log

log = get_log()

CALL_EFFECTS = frozenset({BEGIN, STOP, ANSWER})
MOST_DEEP = 20  # pipelines that start one another, each the next


class _NotCallableError(Exception):
    """The run can't be started; the message says why, for people."""


async def _nobody_may(_user: UserName, _permission: Permission, _project: str) -> bool:
    return False


class Calls:
    """The use cases of steps that start runs of other pipelines."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.store
        self._locks: dict[RunId, tuple[asyncio.Lock, int]] = {}
        # set by the composition root: may that user do that, without being there to ask for it
        self.may: Callable[[UserName, Permission, str], Awaitable[bool]] = _nobody_may

    async def carry_out(self, run_id: RunId, effect: Effect) -> None:
        """Do what an effect asks for. Doing it again is harmless."""
        if effect.kind == ANSWER:
            await self.answer(run_id)
            return
        attempt = int(effect.data["attempt"])
        step_id = StepId(effect.data.get("step", effect.key))
        async with self._alone(called_run(run_id, step_id, attempt)) as called_id:
            if effect.kind == BEGIN:
                await self._begin(run_id, step_id, attempt, called_id)
            else:
                await self._stop(run_id, called_id)

    @contextlib.asynccontextmanager
    async def _alone(self, called_id: RunId) -> AsyncIterator[RunId]:
        """Let one task at a time begin or stop a run."""
        lock, users = self._locks.get(called_id, (asyncio.Lock(), 0))
        self._locks[called_id] = (lock, users + 1)
        try:
            async with lock:
                yield called_id
        finally:
            lock, users = self._locks.pop(called_id)
            if users > 1:
                self._locks[called_id] = (lock, users - 1)

    # --- begin ----------------------------------------------------------------------------------

    async def _begin(self, run_id: RunId, step_id: StepId, attempt: int, called_id: RunId) -> None:
        line = await self._engine.lines.get(run_id)
        run = line.tip
        if not call_ends.is_waiting(run, step_id, attempt):
            if call_ends.is_waiting(line.stored, step_id, attempt):
                raise StaleRevisionError("whether the step still waits is not stored yet")
            return
        spec = run.index.steps[step_id]
        waits = bool(spec.inputs.get("waits", True))
        head = await self._store.find_head(called_id)
        if head is None:
            try:
                head = await self._start(run, spec, attempt, called_id, waits=waits)
            except _NotCallableError as error:
                end = call_ends.refused_call(str(error))
                await self._engine.change(
                    run_id, lambda draft: call_ends.finish_call(draft, step_id, attempt, end)
                )
                return
        failpoints.hit("call.begun")
        called = _called(head)

        def decide(draft: Draft) -> bool:
            if not call_ends.note_call(draft, step_id, attempt, called):
                return False
            if not waits:
                call_ends.finish_call(draft, step_id, attempt, call_ends.GOOD)
            return True

        if not await self._engine.change(run_id, decide):
            await self._stop(run_id, called_id)  # nobody waits for it any more

    async def _start(
        self, run: Run, spec: StepSpec, attempt: int, called_id: RunId, *, waits: bool
    ) -> RunHead:
        try:
            inputs = resolved_inputs(run, spec)
        except ExpressionError as error:
            raise _NotCallableError(error.reason) from None
        own = await self._store.find_pipeline(run.head.pipeline)
        pipeline = await self._find(run, inputs)
        before = run.head.caller.pipelines if run.head.caller is not None else ()
        chain = (*before, run.head.pipeline)
        if pipeline.id in chain:
            raise _NotCallableError(
                f"pipeline {pipeline.name!r} is one of those that led here: a circle"
            )
        if len(chain) > MOST_DEEP:
            raise _NotCallableError(f"{MOST_DEEP} pipelines have started one another already")
        in_name_of = own.updated_by if own is not None else run.head.started_by
        if not await self.may(in_name_of, Permission.START, pipeline.project):
            raise _NotCallableError(
                f"{in_name_of}, in whose name the pipeline runs, may not start {pipeline.name!r}"
            )
        parameters = inputs.get("parameters") or {}
        command = StartRun(
            actor=run.head.started_by,
            origin=f"run {run.head.id}",
            pipeline=pipeline.id,
            values={name: text_of(value) for name, value in parameters.items()},
            start_kind="pipeline",
            needs_manual_trigger=True,
            run_id=called_id,
            caller=Caller(
                project=run.head.project,
                pipeline=run.head.pipeline,
                pipeline_name=own.name if own is not None else "",
                run=run.head.id,
                number=run.head.number,
                step=spec.id,
                step_attempt=attempt,
                run_attempt=run.head.attempt,
                waits=waits,
                pipelines=chain,
            ),
        )
        try:
            return await self._engine.start_run(command)
        except RefusedError as error:
            raise _NotCallableError(error.refusal.message) from None
        except (NotFoundError, InvalidError, ConflictError) as error:
            raise _NotCallableError(str(error)) from None

    async def _find(self, run: Run, inputs: dict[str, object]) -> Pipeline:
        project = ProjectId(str(inputs.get("project") or run.head.project).strip())
        wanted = str(inputs.get("pipeline") or "").strip()
        if inputs.get("by") == "name":
            found = await self._store.find_pipeline_by_name(project, wanted)
        else:
            found = await self._store.find_pipeline(PipelineId(wanted))
        if found is None or found.deleted_at is not None or found.project != project:
            raise _NotCallableError(f"project {project} has no pipeline {wanted!r}")
        return found

    # --- stop and answer ------------------------------------------------------------------------

    async def _stop(self, run_id: RunId, called_id: RunId) -> None:
        head = await self._store.find_head(called_id)
        if head is None or head.status.is_final:
            return
        cancel = (await self._engine.lines.get(run_id)).tip.head.cancel
        actor = cancel.by if cancel is not None else SYSTEM
        with contextlib.suppress(RefusedError):  # it has just ended, or is being stopped
            await self._engine.stop_run(
                StopRun(actor=actor, origin=f"run {run_id}", run_id=called_id)
            )

    async def answer(self, called_id: RunId) -> None:
        """Tell the step that waits for a run how it has ended; nothing while it may go on."""
        run = await self._engine.get_run(called_id)
        caller = run.head.caller
        if caller is None or not caller.waits or not run.head.status.is_final:
            return  # repaired before anybody was told: its next end counts
        if still_open_until(run.head, run.index.spec, self._engine.clock.now()) is not None:
            return
        step, attempt, called = caller.step, caller.step_attempt, _called(run.head)
        end = call_ends.end_of_call(run)

        def decide(draft: Draft) -> bool:
            call_ends.note_call(draft, step, attempt, called)  # it may have ended before that
            return call_ends.finish_call(draft, step, attempt, end)

        try:
            await self._engine.change(caller.run, decide)
        except NotFoundError as error:
            log.warning("caller_is_gone", run_id=called_id, error=str(error))

    async def time_out(self, run_id: RunId, step_id: StepId) -> None:
        """End a step that has waited for its run for too long."""
        await self._engine.change(run_id, lambda draft: call_ends.time_out_call(draft, step_id))


def _called(head: RunHead) -> Called:
    return Called(project=head.project, pipeline=head.pipeline, run=head.id, number=head.number)
