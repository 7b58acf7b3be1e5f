"""Signals: what starts pipelines and stages from outside – webhooks, channels, pushes of code."""

from enum import StrEnum

import msgspec

from mulligan.core.decision import Draft
from mulligan.core.errors import (
    InfrastructureError,
    MulliganError,
    NotFoundError,
    RefusedError,
)
from mulligan.core.flow import votes
from mulligan.core.hold import Phase, phase_of
from mulligan.core.hooks import Hook, HookKind
from mulligan.core.ids import JobId, PipelineId, ProjectId, StageId, UserName
from mulligan.core.records import Pipeline, PipelineVersion
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.rights import Permission
from mulligan.core.run import Run
from mulligan.core.spec import SignalSpec
from mulligan.engine.access import Access
from mulligan.engine.alone import Alone
from mulligan.engine.commands import Command, StartRun
from mulligan.engine.service import Engine
from mulligan.log import get_log

log = get_log()

MOST_CHAINED = 20  # runs that start one another by messages
LONGEST_PARAMETER = 4096  # characters


class Taken(StrEnum):
    """What a signal did."""

    STARTED = "started"  # the pipeline, or the stage
    LATCHED = "latched"  # others of its condition are missing
    EARLY = "early"  # its stage is not reached, or waits for others


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A signal that has come. `params`: what it brought, by the sender's names."""

    hook: Hook
    params: dict[str, str]
    actor: UserName
    origin: str = ""
    is_automatic: bool = False  # not sent by a person: runs with the rights of the creator
    chain: int = 0

    @property
    def values(self) -> dict[str, str]:
        """Return the values of the variables that the signal sets."""
        return {
            variable: self.params[name]
            for name, variable in self.hook.converts
            if name in self.params
        }


class Signals:
    """The use cases of signals."""

    def __init__(self, engine: Engine, access: Access) -> None:
        self._engine = engine
        self._store = engine.store
        self._access = access
        self._alone = Alone()

    async def take(self, signal: Signal) -> Taken:
        """Take a signal: start what it starts, or remember it.

        Raises:
            RefusedError: A run is under way, or a failed one is held.
            NotFoundError: Its pipeline is gone.
        """
        async with self._alone.of(signal.hook.pipeline):
            pipeline, version = await self._pipeline(signal.hook.pipeline)
            run = await self._current(pipeline, version)
            phase = Phase.CLOSED if run is None else phase_of(run, self._engine.clock.now())
            if signal.hook.kind is HookKind.CODE:
                _check_idle(phase)
                return await self._start(signal, pipeline, signal.values)
            if signal.hook.stage:
                return await self._take_for_stage(signal, pipeline, version, run, phase)
            _check_idle(phase)
            return await self._take_for_pipeline(signal, pipeline, version)

    async def publish(
        self, project: ProjectId, name: str, params: dict[str, str], *, chain: int
    ) -> None:
        """Bring a message on a channel to all that listen; what can't take it is logged."""
        if chain > MOST_CHAINED:
            log.warning("channel_dropped", project=project, channel=name, chain=chain)
            return
        for hook in await self._store.channel_hooks(project, name):
            try:
                pipeline, _ = await self._pipeline(hook.pipeline)
                signal = Signal(
                    hook=hook,
                    params=params,
                    actor=pipeline.created_by,
                    origin=f"channel {name}",
                    is_automatic=True,
                    chain=chain,
                )
                await self.take(signal)
            except InfrastructureError:
                raise  # who publishes tries again
            except MulliganError as error:
                log.warning(
                    "signal_dropped", pipeline=hook.pipeline, channel=name, reason=str(error)
                )

    async def _pipeline(self, pipeline_id: PipelineId) -> tuple[Pipeline, PipelineVersion]:
        pipeline = await self._store.find_pipeline(pipeline_id)
        if pipeline is None or pipeline.deleted_at is not None:
            raise NotFoundError("pipeline", pipeline_id)
        version = await self._store.find_version(pipeline_id, pipeline.version)
        if version is None:
            raise NotFoundError("version", str(pipeline.version))
        return pipeline, version

    async def _current(self, pipeline: Pipeline, version: PipelineVersion) -> Run | None:
        """Return the newest run; none if the definition has changed so that it counts no more."""
        head = await self._store.newest_run(pipeline.id)
        if head is None:
            return None
        run = (await self._engine.lines.get(head.id)).tip
        return None if run.head.status.is_final and version.reset_run >= head.number else run

    # --- the pipeline as a whole ----------------------------------------------------------------

    async def _take_for_pipeline(
        self, signal: Signal, pipeline: Pipeline, version: PipelineVersion
    ) -> Taken:
        condition = version.spec.signals or SignalSpec()
        hooks = {hook.id: hook for hook in await self._store.list_hooks(pipeline.id)}
        latched = {hook.id for hook in hooks.values() if hook.latched and not hook.stage}
        missing = set(condition.signals) - latched - {signal.hook.id}
        if condition.needs_all and missing:
            await self._store.put_latch(signal.hook.id, signal.params)
            return Taken.LATCHED
        values: dict[str, str] = {}
        for hook_id in condition.signals:  # what others brought before, in the order written
            hook = hooks.get(hook_id)
            if hook is not None and hook.latched and hook_id != signal.hook.id:
                values.update(msgspec.structs.replace(signal, hook=hook, params=hook.values).values)
        return await self._start(signal, pipeline, {**values, **signal.values})

    async def _start(
        self,
        signal: Signal,
        pipeline: Pipeline,
        values: dict[str, str],
        stage: StageId | None = None,
    ) -> Taken:
        command = StartRun(
            actor=signal.actor,
            origin=signal.origin,
            pipeline=pipeline.id,
            values=values,
            start_kind="pipeline" if signal.hook.kind is HookKind.CHANNEL else "webhook",
            clears_latches=stage is None,
            is_unauthorized=signal.is_automatic and not await self._may_start(signal, pipeline),
            chain=signal.chain,
            signal=None if stage is None else (stage, signal.hook.id, values),
        )
        await self._engine.start_run(command)
        return Taken.STARTED

    async def _may_start(self, signal: Signal, pipeline: Pipeline) -> bool:
        access = self._access
        return await access.may_in_name_of(signal.actor, Permission.START, pipeline.project)

    # --- one stage ------------------------------------------------------------------------------

    async def _take_for_stage(
        self,
        signal: Signal,
        pipeline: Pipeline,
        version: PipelineVersion,
        run: Run | None,
        phase: Phase,
    ) -> Taken:
        if run is None or phase in {Phase.CLOSED, Phase.HELD}:
            first = version.spec.stages[0]
            is_first = JobId(signal.hook.stage) in {job.id for job in first.jobs}
            if version.spec.signals is not None or not is_first or phase is Phase.HELD:
                return Taken.EARLY
            return await self._start(signal, pipeline, signal.values, first.id)
        job_id = JobId(signal.hook.stage)
        if job_id not in run.index.jobs:
            return Taken.EARLY
        stage_id = run.index.stage_of_job(job_id).id

        def decide(draft: Draft) -> bool:
            return votes.receive_signal(draft, stage_id, signal.hook.id, signal.values)

        command = Command(actor=signal.actor, origin=signal.origin)
        begins = await self._engine.act(command, run.head.id, "stage.signal", decide)
        return Taken.STARTED if begins else Taken.EARLY


def _check_idle(phase: Phase) -> None:
    if phase is Phase.HELD:
        raise RefusedError(
            Refusal(
                code=RefusalCode.RUN_HELD,
                message="a failed run is held for a retry; nothing starts by itself until it is "
                "retried, stopped or its time is over",
                instead=("retry the failed stage", "stop the run", "start it by hand"),
            )
        )
    if phase is not Phase.CLOSED:
        raise RefusedError(
            Refusal(
                code=RefusalCode.RUN_ACTIVE,
                message="a run of this pipeline is under way; it has one at a time",
                instead=("wait for its end", "stop it"),
            )
        )
