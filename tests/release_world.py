"""The engine in memory with pipelines that deploy: ledger, rollbacks, signals, lost commits."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from msgspec.structs import replace

from engine_world import ADMIN, ANN, SHOP, FixedClock, UnrulyStore, World
from mulligan.core.decision import Decision
from mulligan.core.deployments import Act, Deployment, Environment, LedgerChange, Outcome
from mulligan.core.flow.votes import Answer
from mulligan.core.hooks import Hook, HookKind
from mulligan.core.ids import JobId, RunId, StageId, StepId, UserName
from mulligan.core.records import Pipeline, PipelineSettings, PipelineVersion
from mulligan.core.run import Run, RunHead
from mulligan.core.spec import (
    AfterFailure,
    Dialect,
    JobSpec,
    ParameterSpec,
    PipelineSpec,
    SignalSpec,
    StageSpec,
    StepSpec,
)
from mulligan.engine.catalog import Definition
from mulligan.engine.commands import AnswerStep, RetryOutcome, RollBack, StopRun
from mulligan.engine.rollbacks import Rollbacks
from mulligan.engine.signals import Signals
from mulligan.engine.starting import StartPolicy
from mulligan.ports import NO_ACTS, Acts

PROD = "shop/prod/web"
SETTINGS = PipelineSettings(run_lock="EXCLUSIVE", dialect=Dialect.DECLARED)
HOUR_S = 3600


# --- definitions ----------------------------------------------------------------------------------


def stage(
    index: int,
    name: str,
    *,
    kind: str = "build",
    inputs: dict[str, Any] | None = None,
    first_job: int = 100,
    ignored: bool = False,
    signals: tuple[str, ...] = (),
    needs_all: bool = False,
    job_timeout_s: float = 600,
    **fields: Any,
) -> StageSpec:
    """Give a stage as the SWR dialect compiles one: one job with one step, named by `name`."""
    number = first_job + index
    step = StepSpec(
        id=StepId(f"e-{number:032x}"), name=name, kind=kind, inputs=inputs or {}, timeout_s=600
    )
    job = JobSpec(
        id=JobId(str(number)),
        name=name,
        steps=(step,),
        continue_on_failure=ignored,
        timeout_s=job_timeout_s,  # type: ignore[arg-type]
    )
    condition = SignalSpec(signals=signals, needs_all=needs_all) if signals else None
    return StageSpec(
        id=StageId(f"stage-{index + 2}"),
        name=name,
        signals=condition,
        jobs=(job,),
        **{"after_failure": AfterFailure.HOLD, "hold_s": 72 * HOUR_S, **fields},
    )


def deploy(
    index: int,
    name: str = "deploy",
    *,
    act: str = "deploy",
    environment: str = "prod",
    driver: str = "command",
    after_gray: str = "",
    gray_mode: str = "",
    strategy: str = "",
    **fields: Any,
) -> StageSpec:
    """Give a stage that deploys `${VERSION}`."""
    info: dict[str, Any] = {
        "driver": driver,
        "environment": environment,
        "application": "web",
        "deploy": "sh ${VERSION}",
    }
    if strategy:
        info["gray"] = {"strategy": strategy}
    inputs = {
        "act": act,
        "info": "" if after_gray else json.dumps(info),
        "deploy_mode": "cceMode",
        "gray_mode": gray_mode,
        "after_gray": after_gray,
        "image": {"namespace": "n", "repository": "web", "tag": "${VERSION}"},
        "packages": [],
    }
    return stage(index, name, kind="deploy", inputs=inputs, **fields)


def review(index: int, *people: str, decide: str = "all", **fields: Any) -> StageSpec:
    """Give a stage that asks people."""
    inputs = {"reviewUsers": list(people), "decide": decide}
    return stage(index, "review", kind="review", inputs=inputs, **fields)


def definition(*stages: StageSpec, name: str = "web", **fields: Any) -> PipelineSpec:
    """Give a definition with the variable VERSION."""
    return PipelineSpec(
        name=name,
        stages=stages,
        parameters=(ParameterSpec(name="VERSION", default="v0"),),
        **fields,
    )


def gray_release(*, first_job: int = 100, driver: str = "command", **gray: Any) -> PipelineSpec:
    """Give: build, grey release, review by ann, official release of it."""
    put_out = deploy(1, "gray", act="gray", first_job=first_job, driver=driver, **gray)
    return definition(
        stage(0, "build", first_job=first_job),
        put_out,
        review(2, ANN, first_job=first_job),
        deploy(3, "promote", after_gray=put_out.jobs[0].steps[0].id, first_job=first_job),
    )


ONLY = definition(deploy(0))


# --- the store ------------------------------------------------------------------------------------


class ReleaseStore(UnrulyStore):
    """A memory store that fails on demand, also after it stored, and watches the ledger.

    `ledger_failing`: errors of the next calls of `put_ledger`, one each; None = that one works.
    `lying`, `ledger_lying`: errors of the next calls that are told although they stored.
    `ledger_answers`: while it is clear, `put_ledger` stores but does not answer.
    `rewritten`: ids of settled deployments that were changed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ledger_failing: list[Exception | None] = []
        self.lying: list[Exception] = []
        self.ledger_lying: list[Exception] = []
        self.rewritten: list[str] = []
        self.ledger_answers = asyncio.Event()
        self.ledger_answers.set()

    async def append(self, decision: Decision, acts: Acts = NO_ACTS) -> None:
        """Store a decision."""
        await super().append(decision, acts)
        if self.lying:
            raise self.lying.pop(0)

    async def put_ledger(self, change: LedgerChange, acts: Acts = NO_ACTS) -> None:
        """Store rows of the ledger; others go on before the answer."""
        error = self.ledger_failing.pop(0) if self.ledger_failing else None
        if error is not None:
            await asyncio.sleep(0)
            raise error
        try:
            await super().put_ledger(change, acts)
        finally:
            await asyncio.sleep(0)
        await self.ledger_answers.wait()
        if self.ledger_lying:
            raise self.ledger_lying.pop(0)

    async def find_environment(self, key: str) -> Environment | None:
        """Return what was stored when it was asked for."""
        found = await super().find_environment(key)
        await asyncio.sleep(0)
        return found

    async def find_deployment(self, deployment_id: str) -> Deployment | None:
        """Return what was stored when it was asked for."""
        found = await super().find_deployment(deployment_id)
        await asyncio.sleep(0)
        return found

    def _change_ledger(
        self,
        environments: dict[str, Environment],
        deployments: dict[str, Deployment],
        change: LedgerChange,
    ) -> None:
        for deployment in change.deployments:
            before = deployments.get(deployment.id)
            if before is None or before.outcome is Outcome.RUNNING:
                continue
            if replace(before, number=0) != replace(deployment, number=0):
                self.rewritten.append(deployment.id)
        super()._change_ledger(environments, deployments, change)

    @property
    def ledger(self) -> list[Deployment]:
        """Return all deployments, oldest first."""
        return list(self._deployments.values())

    @property
    def environments(self) -> dict[str, Environment]:
        """Return all environments by key."""
        return dict(self._environments)


# --- the world ------------------------------------------------------------------------------------


class Releases(World):
    """A world with rollbacks and signals."""

    def __init__(self, *, disk: ReleaseStore | None = None, **parts: Any) -> None:
        self.disk = disk or ReleaseStore()
        super().__init__(store=self.disk, **parts)
        self.rollbacks = Rollbacks(self.engine)
        self.signals = Signals(self.engine, self.access)

    async def again(self, **parts: Any) -> "Releases":
        """Crash, and begin the next life on what was stored."""
        await self.crash()
        left = [*self.engine._tasks, *self.runner._tasks, *self.supervisor._tasks]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self.clock.advance(seconds=1)
        following = Releases(disk=self.disk, clock=self.clock, **parts)
        following.ids._last = self.ids._last + 1000
        return following

    async def add(self, spec: PipelineSpec, hooks: tuple[Hook, ...] = ()) -> Pipeline:
        """Make a pipeline of the SWR kind."""
        made = Definition(spec=spec, dialect="swr", source={"name": spec.name})
        pipeline = await self.catalog.create_pipeline(ADMIN, SHOP, made, SETTINGS)
        if hooks:
            own = tuple(replace(hook, pipeline=pipeline.id) for hook in hooks)
            await self.store.put_pipeline(pipeline, None, hooks=own)
        return pipeline

    async def change_definition(
        self, pipeline: Pipeline, spec: PipelineSpec, *, resets: bool = False
    ) -> Pipeline:
        """Give a pipeline a new version; `resets`: its newest run counts no more."""
        stored = await self.store.find_pipeline(pipeline.id)
        assert stored is not None
        number = stored.version + 1
        last = await self.engine.last_number(pipeline.id) if resets else 0
        version = PipelineVersion(
            pipeline=pipeline.id,
            version=number,
            dialect="swr",
            source={"name": spec.name},
            spec=spec,
            reset_run=last,
            created_by=ANN,
            created_at=self.clock.now(),
        )
        return await self.store.put_pipeline(replace(stored, version=number), version)

    async def release(self, pipeline: Pipeline, version: str) -> Run:
        """Run a pipeline to its end."""
        self.clock.advance(seconds=1)
        head = await self.start(pipeline, values={"VERSION": version})
        return await self.wait_end(head.id)

    async def begin_release(self, pipeline: Pipeline, version: str, step: str = "deploy") -> RunId:
        """Run a pipeline until its deployment is under way; it waits for `release_step`."""
        self.clock.advance(seconds=1)
        self.scripted.hold(step)
        runs = self.scripted.runs(step)
        head = await self.start(pipeline, values={"VERSION": version})
        await self.until(lambda: self.scripted.runs(step) > runs, f"{step} begins")
        return head.id

    async def retry_stage(self, run_id: RunId, index: int) -> RetryOutcome:
        """Retry a stage as the seed's call does."""
        return await self.retry(run_id, f"stage-{index + 2}", through_end=True)

    async def roll_back(self, run_id: RunId, index: int = 0, **fields: Any) -> RunHead:
        """Begin the rollback of a stage."""
        stage_id = StageId(f"stage-{index + 2}")
        command = RollBack(**{"actor": ANN, "run_id": run_id, "stage": stage_id, **fields})
        return await self.rollbacks.roll_back(command)

    async def rolled_back(self, run_id: RunId, index: int = 0, **fields: Any) -> Run:
        """Roll a stage back, and wait for the end."""
        self.clock.advance(seconds=1)
        head = await self.roll_back(run_id, index, **fields)
        return await self.wait_end(head.id)

    async def give_up(self, run_id: RunId) -> RunHead:
        """Give a held run up."""
        return await self.engine.release_hold(StopRun(actor=ANN, run_id=run_id))

    async def vote(self, run_id: RunId, index: int, *, approve: bool, who: str = ANN) -> RunHead:
        """Answer the review of a stage."""
        run = await self.run(run_id)
        step = run.index.spec.stages[index].jobs[0].steps[0].id
        answer = Answer(user=UserName(who), approve=approve)
        command = AnswerStep(actor=UserName(who), run_id=run_id, step=step, answer=answer)
        return await self.engine.answer_step(command)

    async def wait_review(self, run_id: RunId, index: int) -> Run:
        """Wait until a stage asks for its review."""
        async with asyncio.timeout(30):
            while True:
                run = await self.run(run_id)
                step = run.index.spec.stages[index].jobs[0].steps[0].id
                if run.open_gate(step) is not None and run.head.stage == index:
                    return run
                await self.live.wait_run(run_id, 0.01)

    def read_environment_again(self, key: str = PROD) -> None:
        """Drop an environment from memory, as after a commit that failed."""
        stored = self.disk.environments[key]
        self.engine.deployments.forget(LedgerChange(environments=(stored,)))

    # --- looks ----------------------------------------------------------------------------------

    async def environment(self, key: str = PROD) -> Environment:
        """Return an environment as the engine sees it."""
        found = await self.engine.deployments.environment(key)
        assert found is not None
        return found

    async def live_version(self, key: str = PROD) -> str:
        """Return the version that is live; "" = nothing."""
        return self.version_of((await self.environment(key)).live)

    def version_of(self, deployment_id: str) -> str:
        """Return the version that a deployment released."""
        found = [each for each in self.disk.ledger if each.id == deployment_id]
        return found[0].release.image.rpartition(":")[2] if found else ""

    def acts(self, key: str = PROD) -> list[tuple[Act, Outcome]]:
        """Return what was done to an environment, oldest first."""
        own = (each for each in self.disk.ledger if each.environment == key)
        return [(each.act, each.outcome) for each in own]

    async def settled(self) -> None:
        """Wait until the ledger agrees with the engine, then check its rules."""
        async with asyncio.timeout(30):
            while not await self._agrees():  # noqa: ASYNC110 - nobody tells when it does
                await asyncio.sleep(0.001)
        check_ledger(self.disk)

    async def _agrees(self) -> bool:
        for key, stored in self.disk.environments.items():
            if await self.engine.deployments.environment(key) != stored:
                return False
        stored_open = {(each.run, each.job) for each in await self.store.open_deployments()}
        return stored_open == set(self.engine.deployments.open_keys())


def check_ledger(disk: ReleaseStore) -> None:
    """Check what must be true of a ledger at every moment."""
    by_id = {each.id: each for each in disk.ledger}
    assert disk.rewritten == []
    for environment in disk.environments.values():
        own = [each for each in disk.ledger if each.environment == environment.key]
        running = [each.id for each in own if each.outcome is Outcome.RUNNING]
        assert running == ([environment.holder] if environment.holder else [])
        if environment.live:
            live = by_id[environment.live]
            assert live.outcome is Outcome.SUCCEEDED
            assert live.act in {Act.DEPLOY, Act.PROMOTE, Act.BASE}
        if environment.gray:
            gray = by_id[environment.gray]
            assert (gray.act, gray.outcome) == (Act.GRAY, Outcome.SUCCEEDED)


def hook(hook_id: str, *, index: int | None = None, **fields: Any) -> Hook:
    """Give a webhook of a pipeline, or of one of its stages; it brings `v` as VERSION."""
    return Hook(
        **{
            "id": hook_id,
            "kind": HookKind.WEBHOOK,
            "project": SHOP,
            "pipeline": "",
            "stage": "" if index is None else str(100 + index),
            "converts": (("v", "VERSION"),),
            **fields,
        }
    )


@contextlib.asynccontextmanager
async def releases(*, works: bool = True, **parts: Any) -> AsyncIterator[Releases]:
    """Give such a world for a while."""
    world = Releases(**parts)
    await world.open(works=works)
    try:
        yield world
    finally:
        await world.close()


__all__ = [
    "ONLY",
    "PROD",
    "FixedClock",
    "ReleaseStore",
    "Releases",
    "StartPolicy",
    "check_ledger",
    "definition",
    "deploy",
    "gray_release",
    "hook",
    "releases",
    "review",
    "stage",
]
