"""Timers: they start pipelines at their times, once, however many servers look at them.

When a timer fires next is a row. It moves on in the transaction of the start, if it is still as it
was read: of two servers, or two lives of one, the second loses.
"""

import asyncio
from datetime import datetime, timedelta

from msgspec.structs import replace

from mulligan import failpoints
from mulligan.core.errors import (
    CallerError,
    InfrastructureError,
    StaleRevisionError,
)
from mulligan.core.ids import PipelineId, StepId
from mulligan.core.records import Pipeline
from mulligan.core.rights import Permission
from mulligan.core.spec import PipelineSpec, StepSpec
from mulligan.core.trigger_records import Timer, TriggerChange
from mulligan.core.triggers.origin import Origin
from mulligan.core.triggers.spec import RepositoryBy, RepositoryRef, TimerSpec
from mulligan.core.triggers.values import SCHEDULE
from mulligan.engine.access import Access
from mulligan.engine.commands import StartRun
from mulligan.engine.schedule import Schedule
from mulligan.engine.service import Engine
from mulligan.log import get_log
from mulligan.ports.sources import Heads, Repositories, Source

log = get_log()

# A timer that is seen later than this was missed: nobody was there at its time.
MISSED_AFTER = timedelta(seconds=60)
_LONGEST_SLEEP_S = 30.0  # the wall clock may jump
_TRY_AGAIN_S = 1.0
_MOST_AT_ONCE = 16  # that start a pipeline; so many more may ask repositories
_MOST_LOOKED_AT = 200
_DEFAULT_BRANCH = "HEAD"
_SHORT = 8
Key = tuple[PipelineId, StepId]


class _GoneError(Exception):
    """The timer means nothing any more."""


class Timers:
    """Fires timers.

    Args:
        makes_up: A timer that was missed starts its pipeline once; else it is left out.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        access: Access,
        schedule: Schedule,
        repositories: Repositories,
        heads: Heads,
        makes_up: bool = False,
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._clock = engine.clock
        self._access = access
        self._schedule = schedule
        self._repositories = repositories
        self._heads = heads
        self._makes_up = makes_up
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)
        self._asking = asyncio.Semaphore(_MOST_AT_ONCE)
        self._firing: dict[Key, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look at the timers now: they, or the clock, have changed."""
        self._wake.set()

    async def run(self) -> None:
        """Fire timers as they become due."""
        try:
            while True:
                self._wake.clear()
                sleep_s = await self._look_surely()
                try:
                    async with asyncio.timeout(sleep_s):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            for task in self._firing.values():
                task.cancel()
            await asyncio.gather(*self._firing.values(), return_exceptions=True)

    async def _look_surely(self) -> float | None:
        try:
            return await self._look()
        except InfrastructureError as error:
            log.warning("timers_wait", error=str(error))
            return _TRY_AGAIN_S
        except Exception:  # the timers of all pipelines hang on this
            log.exception("timers_broken")
            return _LONGEST_SLEEP_S

    async def _look(self) -> float | None:
        """Begin to fire what is due; return for how long there is nothing more to do."""
        now = self._clock.now()
        until = now + timedelta(seconds=_LONGEST_SLEEP_S)
        # those that already fire come first: they must not hide the others
        most = len(self._firing) + _MOST_LOOKED_AT
        soon = await self._store.due_timers(until, limit=most)
        if not soon and await self._store.next_timer_at() is None:
            return None
        sleep_s = _LONGEST_SLEEP_S
        for timer in soon:
            key = (timer.pipeline, timer.trigger)
            if key in self._firing or timer.next_at is None:
                continue
            if timer.next_at > now:
                left = (timer.next_at - now).total_seconds()
                sleep_s = min(sleep_s, max(left, 0.001))
                break  # they come in order
            self._firing[key] = asyncio.get_running_loop().create_task(self._surely(timer))
        else:
            if len(soon) == most:
                return 0.0  # there may be more that is due
        return sleep_s

    async def _surely(self, timer: Timer) -> None:
        try:
            await self.fire(timer)
        except InfrastructureError as error:
            log.warning("timer_waits", pipeline=timer.pipeline, error=str(error))
            await asyncio.sleep(_TRY_AGAIN_S)
        except Exception:  # one timer that can't be fired must not keep the others
            log.exception("timer_broken", pipeline=timer.pipeline, trigger=timer.trigger)
            await asyncio.sleep(_LONGEST_SLEEP_S)
        finally:
            del self._firing[timer.pipeline, timer.trigger]
            self._wake.set()

    async def fire(self, timer: Timer) -> None:
        """Fire a timer that is due, as it was read; whoever comes second does nothing."""
        try:
            await self._fire(timer)
        except StaleRevisionError:
            log.info("timer_taken", pipeline=timer.pipeline, trigger=timer.trigger)

    async def _fire(self, timer: Timer) -> None:
        async with self._slots:
            asks = await self._fire_at_once(timer)
        if asks is None:
            return
        async with self._asking:  # a repository that is slow to answer keeps no other timer
            await self._start_changed(*asks)

    async def _fire_at_once(
        self, timer: Timer
    ) -> tuple[Pipeline, PipelineSpec, Timer, TimerSpec, datetime | None] | None:
        """Fire a timer that asks nobody; of another one return what `_start_changed` takes."""
        now = self._clock.now()
        try:
            pipeline, spec, timed = await self._definition(timer)
        except _GoneError:
            await self._store.move_timer(replace(timer, next_at=None, revision=timer.revision + 1))
            return None
        next_at = self._schedule.next_at(timed, now)
        is_late = timer.next_at is not None and now - timer.next_at > MISSED_AFTER
        if is_late and not self._makes_up:
            await self._settle(timer, next_at, "missed: no server was there at its time")
            return None
        if not await self._may(pipeline):
            await self._settle(timer, next_at, f"{pipeline.updated_by} may not start the pipeline")
            return None
        if not timed.only_changes:
            await self._start(pipeline, timer, timed, next_at)
            return None
        return pipeline, spec, timer, timed, next_at

    async def _definition(self, timer: Timer) -> tuple[Pipeline, PipelineSpec, TimerSpec]:
        pipeline = await self._store.find_pipeline(timer.pipeline)
        if pipeline is None or pipeline.deleted_at is not None:
            raise _GoneError
        version = await self._store.find_version(pipeline.id, pipeline.version)
        for trigger in () if version is None else version.spec.triggers:
            if trigger.id == timer.trigger and trigger.enabled and trigger.timer is not None:
                assert version is not None  # noqa: S101 - it has triggers
                return pipeline, version.spec, trigger.timer
        raise _GoneError

    async def _may(self, pipeline: Pipeline) -> bool:
        user = pipeline.updated_by
        return await self._access.may_in_name_of(user, Permission.START, pipeline.project)

    # --- only when the source has changed -------------------------------------------------------

    async def _start_changed(
        self,
        pipeline: Pipeline,
        spec: PipelineSpec,
        timer: Timer,
        timed: TimerSpec,
        next_at: datetime | None,
    ) -> None:
        """Start once for each watched branch with a new commit."""
        sources = await self._sources(pipeline, spec, timed)
        if not sources:
            await self._start(pipeline, timer, timed, next_at)
            return
        try:
            found = {
                f"{source.url} {branch}": (branch, commit)
                for source, branches in sources
                for branch, commit in (await self._heads.heads(source, branches)).items()
            }
        except OSError as error:
            await self._settle(timer, next_at, f"the repository can't be asked: {error}")
            return
        changed = {
            key: value for key, value in found.items() if timer.state.seen.get(key) != value[1]
        }
        if not changed:
            await self._settle(timer, next_at, "nothing has changed")
            return
        if timed.repository.by is RepositoryBy.NONE:  # the checkouts together are one source
            seen = {key: commit for key, (_, commit) in found.items()}
            await self._start(pipeline, timer, timed, next_at, seen=seen)
            return
        last = list(changed)[-1]
        for key, (branch, commit) in changed.items():
            at = next_at if key == last else timer.next_at  # it is done with the last one
            timer = await self._start(
                pipeline, timer, timed, at, seen={key: commit}, branch=branch, commit=commit
            )

    async def _sources(
        self, pipeline: Pipeline, spec: PipelineSpec, timed: TimerSpec
    ) -> list[tuple[Source, tuple[str, ...]]]:
        """Return what to ask, with branches: the named repository, else the checkouts."""
        if timed.repository.by is not RepositoryBy.NONE:
            source = await self._repositories.find(pipeline.project, timed.repository)
            return [] if source is None else [(source, timed.branches or (_DEFAULT_BRANCH,))]
        found: list[tuple[Source, tuple[str, ...]]] = []
        for step in (step for stage in spec.stages for job in stage.jobs for step in job.steps):
            ref = _checked_out(step)
            source = None if ref is None else await self._repositories.find(pipeline.project, ref)
            branch = str(step.inputs.get("ref") or _DEFAULT_BRANCH)
            if source is not None and "$" not in branch:
                found.append((source, (branch,)))
        return found

    # --- acts -----------------------------------------------------------------------------------

    async def _start(
        self,
        pipeline: Pipeline,
        timer: Timer,
        timed: TimerSpec,
        next_at: datetime | None,
        *,
        seen: dict[str, str] | None = None,
        branch: str = "",
        commit: str = "",
    ) -> Timer:
        """Start the pipeline and move the timer on, both or neither; return the moved timer."""
        state = replace(
            timer.state,
            seen={**timer.state.seen, **(seen or {})},
            last_at=timer.next_at,
            last="started",
        )
        moved = replace(timer, next_at=next_at, revision=timer.revision + 1, state=state)
        command = StartRun(
            actor=pipeline.updated_by,
            origin="timer",
            pipeline=pipeline.id,
            values=dict(timed.values),
            start_kind="timer",
            facts=_facts(pipeline, timer, branch, commit),
            trigger=Origin(
                trigger=timer.trigger, element="timerTrigger", branch=branch, commit=commit
            ),
            triggers=TriggerChange(moved=moved),
        )
        try:
            failpoints.hit("timer.before_start")
            head = await self._engine.start_run(command)
        except CallerError as error:
            return await self._settle(timer, next_at, str(error))
        log.info("timer_fired", pipeline=pipeline.id, trigger=timer.trigger, run_id=head.id)
        return moved

    async def _settle(self, timer: Timer, next_at: datetime | None, why: str) -> Timer:
        """Move a timer on that starts nothing this time."""
        state = replace(timer.state, last_at=timer.next_at, last=why[:500])
        moved = replace(timer, next_at=next_at, revision=timer.revision + 1, state=state)
        await self._store.move_timer(moved)
        log.info("timer_passed", pipeline=timer.pipeline, trigger=timer.trigger, reason=why)
        return moved


def _checked_out(step: StepSpec) -> RepositoryRef | None:
    """Return the repository whose branch a step checks out, if it is such a step."""
    inputs = step.inputs
    if step.kind != "checkout" or not step.enabled or inputs.get("ref_kind") in {"tag", "commit"}:
        return None
    by_id = inputs.get("by") == "ID"
    value = str(inputs.get("url") or inputs.get("repository") or "")
    if not value or "$" in value:
        return None
    return RepositoryRef(by=RepositoryBy.ID if by_id else RepositoryBy.NAME, value=value)


def _facts(pipeline: Pipeline, timer: Timer, branch: str, commit: str) -> dict[str, str]:
    facts = {
        **SCHEDULE,
        "BK_CI_START_TASK_ID": timer.trigger,
        "BK_CI_START_TIME_TRIGGER_USER_ID": pipeline.updated_by,
        "BK_CI_AUTHORIZER": pipeline.updated_by,
    }
    if branch and branch != _DEFAULT_BRANCH:
        facts["BK_REPO_GIT_WEBHOOK_BRANCH"] = branch
        facts["GIT_CI_REF"] = f"refs/heads/{branch}"
    if commit:
        facts["GIT_CI_SHA"] = commit
        facts["GIT_CI_SHA_SHORT"] = commit[:_SHORT]
    return facts
