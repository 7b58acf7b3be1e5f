"""Deployments: who holds an environment, what is live there, and the orders for the drivers.

The ledger changes in the transaction of the run that caused it: `begin` takes the environment
before a driver starts, `settle` lets it go with the end of the job. Environments are kept in
memory as they were decided on last; a commit that fails makes them be read again.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from mulligan import failpoints
from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Decision
from mulligan.core.deploy_target import DeployTarget, deploy_step, read_info, target_of
from mulligan.core.deployments import (
    Act,
    Deployment,
    Environment,
    LedgerChange,
    Outcome,
    Release,
    begin,
    settle,
)
from mulligan.core.errors import MulliganError, StaleRevisionError
from mulligan.core.ids import JobId, RunId, StageId, StepId
from mulligan.core.prepare import StepOrder, resolved_inputs
from mulligan.core.recovery.rollback import RollbackFacts, RollbackPlan, RollbackRequest
from mulligan.core.run import Job, Run
from mulligan.core.status import Status
from mulligan.log import get_log
from mulligan.ports import Clock, Ids, Store

log = get_log()

_LOOK_AGAIN_S = 1.0  # while an environment is held by somebody else
_MOST_ACTS = 200  # acts of an environment that a rollback looks at
_KEPT_ENVIRONMENTS = 4096
_NOT_CARRIED_OUT = {Cause.UNREACHABLE, Cause.INFRA, Cause.LOST}
Key = tuple[RunId, JobId]


class DeployProblemError(MulliganError):
    """A deployment can't be begun; the text says why."""


class Deployments:
    """The environments of the server."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._environments: dict[str, Environment] = {}
        self._open: dict[Key, Deployment] = {}
        self._results: dict[Key, dict[str, Any]] = {}
        self._unsure: set[Key] = set()  # their end was told not to have been stored
        self._accepted: dict[RunId, LedgerChange] = {}
        self._freed = asyncio.Event()
        self._processes_changed = asyncio.Event()

    async def load(self) -> None:
        """Take up the deployments that an earlier life of the server left open."""
        for deployment in await self._store.open_deployments():
            self._open[deployment.run, deployment.job] = deployment

    def changed(self) -> asyncio.Event:
        """Return what is set when the next deployment of the driver `process` has ended."""
        return self._processes_changed

    def is_open(self, run_id: RunId, job_id: JobId) -> bool:
        """Tell whether the job holds an environment."""
        return (run_id, job_id) in self._open

    def open_keys(self) -> tuple[Key, ...]:
        """Return the jobs whose deployments are open."""
        return tuple(self._open)

    async def environment(self, key: str) -> Environment | None:
        """Return an environment as it was decided on last."""
        if key not in self._environments:
            found = await self._store.find_environment(key)
            if found is None:
                return None
            if len(self._environments) > _KEPT_ENVIRONMENTS:
                held = {deployment.environment for deployment in self._open.values()}
                for old in [old for old in self._environments if old not in held]:
                    del self._environments[old]
            self._environments.setdefault(key, found)
        return self._environments[key]

    # --- a driver begins ------------------------------------------------------------------------

    async def begin(
        self, run: Run, order: StepOrder, given_up: Callable[[], bool]
    ) -> StepOrder | None:
        """Take the environment for a deploy step and complete its order.

        Waits while another deployment holds the environment. None: given up meanwhile.

        Raises:
            DeployProblemError: It can't be deployed.
        """
        key = (order.run_id, order.job_id)
        await self._await_settlement(key, order.job_attempt, given_up)
        begun = self._open.get(key)
        if begun is None:
            deployment = await self._take_environment(run, order, given_up)
            if deployment is None:
                return None
        elif begun.job_attempt != order.job_attempt:
            return None
        else:
            deployment = replace(begun, tries=begun.tries + 1)
            await self._store.put_ledger(LedgerChange(deployments=(deployment,)))
            failpoints.hit("deployment.tried")
            if self._open.get(key) is begun:  # else it was settled meanwhile
                self._open[key] = deployment
        driver_order = await self._order_for(deployment)
        return replace(order, inputs={**order.inputs, "order": driver_order})

    async def _await_settlement(self, key: Key, attempt: int, given_up: Callable[[], bool]) -> None:
        """Wait until the ledger knows how an earlier attempt of the job has ended."""
        while (earlier := self._open.get(key)) is not None and earlier.job_attempt != attempt:
            if await self._drop_if_settled(key, earlier):
                continue
            if given_up():
                return
            await self._wait_for_change()

    async def _drop_if_settled(self, key: Key, deployment: Deployment) -> bool:
        """Look whether it was stored although that was told to have failed."""
        stored = await self._find(deployment.id)
        is_settled = stored is None or stored.outcome is not Outcome.RUNNING
        if is_settled and self._open.get(key) is deployment:
            del self._open[key]
            self._results.pop(key, None)
        return is_settled

    async def _take_environment(
        self, run: Run, order: StepOrder, given_up: Callable[[], bool]
    ) -> Deployment | None:
        act, target = self.target_of_step(run, order.step_id)
        if target.problem:
            raise DeployProblemError(target.problem)
        while True:
            environment = await self.environment(target.key)
            if environment is None:
                environment = _new_environment(run, target)
            if environment.holder:
                own = await self._find_own(environment.holder, order)
                if own is not None:
                    return own
            if given_up():
                return None
            if environment.holder:
                await self._wait_for_change()
                continue
            deployment = await self._new_deployment(run, order, act, environment)
            changed = begin(environment, deployment, self._clock.now())
            if self._environments.get(target.key, environment) is not environment:
                continue  # taken meanwhile
            self._environments[target.key] = changed
            change = LedgerChange(environments=(changed,), deployments=(deployment,))
            self._open[order.run_id, order.job_id] = deployment
            try:
                await self._put(change)
            except StaleRevisionError:
                continue
            failpoints.hit("deployment.begun")
            return deployment

    async def _put(self, change: LedgerChange) -> None:
        """Store a change that memory has already; what can't be stored is read again."""
        try:
            await self._store.put_ledger(change)
        except BaseException:
            self.forget(change)
            raise

    async def _find_own(self, holder: str, order: StepOrder) -> Deployment | None:
        """Return what holds the environment if this very job began it.

        That was stored then, although it was told to have failed.
        """
        if any(deployment.id == holder for deployment in self._open.values()):
            return None
        found = await self._find(holder)
        wanted = (order.run_id, order.job_id, order.job_attempt)
        if found is None or (found.run, found.job, found.job_attempt) != wanted:
            return None
        if found.outcome is not Outcome.RUNNING:
            return None
        self._open[order.run_id, order.job_id] = found
        return found

    async def _wait_for_change(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_AGAIN_S):
                await self._freed.wait()
        except TimeoutError:
            return

    def target_of_step(self, run: Run, step_id: StepId) -> tuple[Act, DeployTarget]:
        """Tell what a deploy step does, and where; a promotion goes where the grey release is."""
        step = run.index.steps[step_id]
        act = Act(str(step.inputs.get("act") or Act.DEPLOY))
        gray = step.inputs.get("after_gray")
        if gray:
            step, act = run.index.steps[StepId(str(gray))], Act.PROMOTE
        place = f"{run.head.pipeline}/{run.index.step_job[step.id][0]}"
        written = str(step.inputs.get("info") or "")
        inputs = resolved_inputs(run, step)
        return act, target_of(run.head.project, place, inputs, written=written)

    async def _new_deployment(
        self, run: Run, order: StepOrder, act: Act, environment: Environment
    ) -> Deployment:
        release = _release_of(order)
        target = ""
        if act is Act.PROMOTE:
            gray = await self._find(environment.gray)
            again = await self._promoted_before(run, order.job_id) if gray is None else None
            if again is not None:  # it was rolled back since: the grey release is gone
                act, release = Act.DEPLOY, again.release
            elif gray is None or gray.run != run.head.id:
                raise DeployProblemError("there is no grey release of this run to be promoted")
            else:
                release, target = gray.release, gray.id
        if run.head.attempts[-1].what == "retry" and await self._is_older_than_live(
            run, environment
        ):
            raise DeployProblemError("R12: meanwhile the release of a newer run has become live")
        if act is Act.GRAY and not environment.live and environment.driver != "kubernetes":
            raise DeployProblemError(
                f"nothing is live in environment {environment.name}: a grey release needs that"
            )
        return Deployment(
            id=f"d-{self._ids.hex32()}",
            environment=environment.key,
            act=act,
            actor=run.head.attempts[-1].actor,
            run=run.head.id,
            job=order.job_id,
            job_attempt=order.job_attempt,
            pipeline=run.head.pipeline,
            started_at=self._clock.now(),
            run_queued_at=run.head.attempts[0].queued_at,
            release=release,
            target=target,
            tries=1,
        )

    async def _promoted_before(self, run: Run, job_id: JobId) -> Deployment | None:
        """Return the newest promotion by a job, or what it deployed instead, that succeeded."""
        made = await self._store.deployments_of(run.head.id)
        good = [
            deployment
            for deployment in made
            if deployment.job == job_id
            and deployment.act in {Act.PROMOTE, Act.DEPLOY}
            and deployment.outcome is Outcome.SUCCEEDED
        ]
        return good[-1] if good else None

    async def _is_older_than_live(self, run: Run, environment: Environment) -> bool:
        live = await self._find(environment.live)
        began = run.head.attempts[0].queued_at
        return live is not None and live.run != run.head.id and live.run_queued_at > began

    async def _order_for(self, deployment: Deployment) -> dict[str, Any]:
        environment = await self.environment(deployment.environment)
        if environment is None:
            raise DeployProblemError("its environment is gone")
        restored = await self._find(deployment.target)
        restores = deployment.act in {Act.ROLLBACK, Act.ABORT}
        release = restored.release if restores and restored is not None else deployment.release
        live = await self._find(environment.live)
        return {
            "act": deployment.act.value,
            "resume": deployment.tries > 1,
            "deployment": deployment.id,
            "key": environment.key,
            "driver": environment.driver,
            "info": read_info(release.info),
            "text": release.info,
            "deploy_mode": release.deploy_mode,
            "gray_mode": release.gray_mode,
            "image_name": release.image,
            "previous_image_name": live.release.image if live is not None else "",
            "files": release.files,
            "target": restored.result.get("state") if restored is not None else None,
            "live": _shown(live),
            "gray": _shown(await self._find(environment.gray)),
        }

    async def _find(self, deployment_id: str) -> Deployment | None:
        return await self._store.find_deployment(deployment_id) if deployment_id else None

    # --- a job ends -----------------------------------------------------------------------------

    def note_result(self, run_id: RunId, job_id: JobId, result: dict[str, Any]) -> None:
        """Keep what a driver said until its job ends, which is decided next."""
        if (run_id, job_id) in self._open:
            self._results[run_id, job_id] = result

    def settle(self, decision: Decision) -> LedgerChange | None:
        """Give the change of the ledger that belongs to a decision, to be stored with it."""
        run = decision.run
        change = self._accepted.pop(run.head.id, None)
        for event in decision.events:
            key = (run.head.id, JobId(event.node))
            if isinstance(event, e.JobFinished) and key in self._open:
                if self._open[key].job_attempt != run.job(key[1]).attempt:
                    continue  # of an earlier attempt: `settle_late` is at it
                ended = self._settle_one(key, run)
                change = _joined(change, ended) if ended is not None else change
        return change

    def _settle_one(self, key: Key, run: Run) -> LedgerChange | None:
        deployment = self._open[key]
        environment = self._environments.get(deployment.environment)
        if environment is None:
            return None  # `settle_late` follows
        return self._settle_as(environment, key, _outcome_of(run, run.job(key[1])))

    def _settle_as(self, environment: Environment, key: Key, outcome: Outcome) -> LedgerChange:
        deployment = self._open[key]
        result = self._results.pop(key, {})
        change = settle(environment, deployment, outcome, self._clock.now(), result)
        if outcome is Outcome.SUCCEEDED and "base" in result and not environment.live:
            change = self._with_base(change, result["base"])
        del self._open[key]
        self._environments[environment.key] = change.environments[0]
        freed, self._freed = self._freed, asyncio.Event()
        freed.set()
        if environment.driver == "process":  # others don't wake who looks at all environments
            changed, self._processes_changed = self._processes_changed, asyncio.Event()
            changed.set()
        return change

    def _with_base(self, change: LedgerChange, state: Any) -> LedgerChange:
        """Record what was there before the first deployment: a rollback can restore it."""
        first = change.deployments[0]
        base = replace(
            first,
            id=f"d-{self._ids.hex32()}",
            act=Act.BASE,
            release=Release(info=first.release.info, deploy_mode=first.release.deploy_mode),
            result={"state": state},
            previous="",
            target="",
        )
        return replace(change, deployments=(base, replace(first, previous=base.id)))

    def forget(self, change: LedgerChange) -> None:
        """Read again what could not be stored."""
        for environment in change.environments:
            self._environments.pop(environment.key, None)
        for deployment in change.deployments:
            key = (deployment.run, deployment.job)
            if deployment.outcome is Outcome.RUNNING and self._open.get(key) == deployment:
                del self._open[key]
            elif deployment.outcome is not Outcome.RUNNING and deployment.act is not Act.BASE:
                self._unsure.add(key)
                self._results[key] = deployment.result
                self._open[key] = replace(
                    deployment, outcome=Outcome.RUNNING, ended_at=None, previous="", result={}
                )

    async def settle_late(self, run: Run, job_id: JobId) -> None:
        """End a deployment that is still open although its job has ended.

        It was begun while the job was ended by force, or the environment had to be read again.
        """
        key = (run.head.id, job_id)
        deployment = self._open.get(key)
        job = await self._job_of(run, deployment) if deployment is not None else None
        if deployment is None or job is None or not job.status.is_final:
            return
        if await self._drop_if_settled(key, deployment):
            return
        environment = await self.environment(deployment.environment)
        if environment is None or self._open.get(key) is not deployment:
            return
        change = self._settle_as(environment, key, _outcome_of(run, job))
        await self._put(change)
        failpoints.hit("deployment.settled_late")

    async def _job_of(self, run: Run, deployment: Deployment) -> Job | None:
        """Return the attempt of the job that began a deployment; there may be newer ones."""
        job = run.job(deployment.job)
        if job.attempt == deployment.job_attempt:
            return job
        history = await self._store.history(run.head.id)
        for earlier in history.jobs.get(deployment.job, ()):
            if earlier.attempt == deployment.job_attempt:
                return earlier
        return None

    async def load_environments_of(self, run_id: RunId) -> None:
        """Have the environments that a run holds in memory: `settle` can't wait for them."""
        for key, deployment in list(self._open.items()):
            if deployment.run == run_id:
                if key in self._unsure:
                    await self._drop_if_settled(key, deployment)
                    self._unsure.discard(key)
                await self.environment(deployment.environment)

    async def load_environments(self) -> None:
        """Have the environments of all open deployments in memory: `settle` can't wait for them."""
        for deployment in list(self._open.values()):
            await self.environment(deployment.environment)

    # --- rollback -------------------------------------------------------------------------------

    async def rollback_facts(
        self, run: Run, stage_id: StageId, chosen: str, facts: RollbackFacts
    ) -> RollbackFacts:
        """Read what the planner needs of the ledger; `chosen`: id of a deployment."""
        position = run.index.stages.get(stage_id)
        if position is None:
            return facts
        stage = run.index.spec.stages[position]
        step = deploy_step(stage)
        if step is None:
            return facts
        _, target = self.target_of_step(run, step.id)
        environment = await self.environment(target.key)
        if environment is None:
            return facts
        newest = await self._store.list_deployments(environment.key, limit=_MOST_ACTS)
        ledger = {deployment.id: deployment for deployment in newest}
        for wanted in (environment.live, environment.gray, environment.holder, chosen):
            await self._add(ledger, wanted)
        live = ledger.get(environment.live)
        if live is not None:
            await self._add(ledger, live.previous)
        job_id = stage.jobs[0].id
        acts = tuple(
            deployment
            for deployment in newest
            if deployment.job == job_id and deployment.act is not Act.BASE
        )
        if acts:
            await self._add(ledger, acts[0].target)
        return replace(facts, environment=environment, ledger=ledger, acts=acts)

    async def _add(self, ledger: dict[str, Deployment], wanted: str) -> None:
        if wanted and wanted not in ledger:
            found = await self._store.find_deployment(wanted)
            if found is not None:
                ledger[wanted] = found

    def is_current(self, facts: RollbackFacts) -> bool:
        """Tell whether the environment is still as the facts say."""
        environment = facts.environment
        return environment is None or self._environments.get(environment.key) == environment

    def accept_rollback(
        self, run: Run, plan: RollbackPlan, request: RollbackRequest, facts: RollbackFacts
    ) -> None:
        """Take the environment for a rollback; it is stored with the decision that begins it."""
        environment = facts.environment
        if environment is None:
            return
        now = self._clock.now()
        deployment = Deployment(
            id=f"d-{self._ids.hex32()}",
            environment=environment.key,
            act=plan.act,
            actor=request.actor,
            run=run.head.id,
            job=plan.job,
            job_attempt=run.job(plan.job).attempt,
            pipeline=run.head.pipeline,
            started_at=now,
            run_queued_at=run.head.attempts[0].queued_at,
            release=facts.ledger[plan.restores].release,
            target=plan.restores,
        )
        changed = begin(environment, deployment, now)
        self._environments[environment.key] = changed
        self._open[run.head.id, plan.job] = deployment
        self._accepted[run.head.id] = LedgerChange(
            environments=(changed,), deployments=(deployment,)
        )

    async def steps_older_than_live(self, run: Run) -> frozenset[StepId]:
        """Return the deploy steps of the run where a newer run's release is live (R12)."""
        found = set()
        for step_id in run.index.deploy_steps:
            _, target = self.target_of_step(run, step_id)
            environment = await self.environment(target.key)
            if environment is not None and await self._is_older_than_live(run, environment):
                found.add(step_id)
        return frozenset(found)


def _new_environment(run: Run, target: DeployTarget) -> Environment:
    return Environment(
        key=target.key,
        project=run.head.project,
        name=target.name,
        driver=target.driver,
        application=target.application,
    )


def _release_of(order: StepOrder) -> Release:
    inputs = order.inputs
    image = inputs.get("image")
    name = ""
    if isinstance(image, dict):
        name = f"{image.get('namespace')}/{image.get('repository')}:{image.get('tag')}"
    return Release(
        info=str(inputs.get("info") or ""),
        image=name,
        files=dict(inputs.get("files") or {}),
        deploy_mode=str(inputs.get("deploy_mode") or ""),
        gray_mode=str(inputs.get("gray_mode") or ""),
    )


def _outcome_of(run: Run, job: Job) -> Outcome:
    """Tell what an act came to. One that a stop reached too late has been carried out."""
    match job.status:
        case Status.SUCCEEDED:
            return Outcome.SUCCEEDED
        case Status.FAILED:
            lost = job.cause in _NOT_CARRIED_OUT
            return Outcome.UNREACHABLE if lost else Outcome.FAILED
        case _:
            steps = [run.step(step.id) for step in run.index.jobs[job.id].steps]
            done = [step for step in steps if step.job_attempt == job.attempt]
            is_done = bool(done) and all(step.status is Status.SUCCEEDED for step in done)
            return Outcome.SUCCEEDED if is_done else Outcome.CANCELLED


def _joined(one: LedgerChange | None, other: LedgerChange) -> LedgerChange:
    if one is None:
        return other
    return LedgerChange(
        environments=(*one.environments, *other.environments),
        deployments=(*one.deployments, *other.deployments),
    )


def _shown(deployment: Deployment | None) -> dict[str, Any] | None:
    if deployment is None:
        return None
    return {
        "id": deployment.id,
        "info": read_info(deployment.release.info),
        "text": deployment.release.info,
        "image_name": deployment.release.image,
        "files": deployment.release.files,
        "result": deployment.result.get("state") or {},
    }
