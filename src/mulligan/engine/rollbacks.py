"""Rollbacks: roll a deploy stage back to what was live before."""

import asyncio

from msgspec.structs import replace

from mulligan import failpoints
from mulligan.core.decision import Draft
from mulligan.core.errors import RefusedError, StaleRevisionError
from mulligan.core.evolve import with_index
from mulligan.core.recovery.rollback import (
    RollbackFacts,
    RollbackPlan,
    RollbackRequest,
    apply_rollback,
    begin_with_rollback,
    plan_rollback,
)
from mulligan.core.refusal import Refusal
from mulligan.core.run import Run, RunAttempt, RunHead
from mulligan.core.spec import SpecIndex
from mulligan.engine.commands import RollBack, StartRun
from mulligan.engine.service import Engine, plan_stale
from mulligan.engine.starting import SpecialStart

_MOST_TRIES = 5


class Rollbacks:
    """The use cases of rolling back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def plan(self, command: RollBack) -> RollbackPlan:
        """Tell what `roll_back` would do, and change nothing.

        Raises:
            RefusedError: It would be refused.
        """
        run = await self._run(command)
        plan = plan_rollback(run, _request(command), await self._facts(run, command))
        if isinstance(plan, Refusal):
            raise RefusedError(plan)
        return plan

    async def roll_back(self, command: RollBack) -> RunHead:
        """Begin a rollback; the answer does not wait for its end.

        Raises:
            RefusedError: A rule refuses; nothing has changed.
        """
        return await asyncio.shield(self._roll_back_in_turn(command))

    async def _roll_back_in_turn(self, command: RollBack) -> RunHead:
        line = await self._engine.lines.get(command.run_id)
        async with self._engine.turns.beginning(line.tip.head.pipeline):
            return await self._roll_back(command)

    async def _roll_back(self, command: RollBack) -> RunHead:
        engine = self._engine
        for _ in range(_MOST_TRIES):
            run = await self._run(command)
            facts = await self._facts(run, command)
            if facts.was_reset and run.head.status.is_final:
                return await self._begin_new(command, run, facts)

            def decide(
                draft: Draft, run: Run = run, facts: RollbackFacts = facts
            ) -> RunHead | Refusal:
                if not engine.deployments.is_current(facts):
                    raise StaleRevisionError("the environment has changed meanwhile")
                if command.revision not in {None, draft.run.head.revision}:
                    return plan_stale(draft.run)
                own = draft.run.index
                if draft.run.head.status.is_final:
                    draft.run = with_index(draft.run, run.index)
                number = engine.known_number(draft.run.head.pipeline)
                present = replace(
                    facts,
                    now=draft.now,
                    is_newest=draft.run.head.number == number,
                    own_index=own,
                )
                plan = plan_rollback(draft.run, _request(command), present)
                if isinstance(plan, Refusal):
                    return plan
                if command.restores not in {"", plan.restores}:
                    return plan_stale(draft.run)
                apply_rollback(draft, plan, _request(command))
                engine.deployments.accept_rollback(draft.run, plan, _request(command), present)
                return draft.run.head

            try:
                head = await engine.act(command, command.run_id, "run.rollback", decide)
            except StaleRevisionError:
                continue
            failpoints.hit("rollback.after_commit")
            return head
        raise StaleRevisionError(f"the environment of stage {command.stage} changes too fast")

    async def _begin_new(self, command: RollBack, run: Run, facts: RollbackFacts) -> RunHead:
        """Roll back by a run of its own: the stages have changed since the newest one."""
        engine = self._engine
        request = _request(command)
        plan = plan_rollback(run, request, facts)
        if isinstance(plan, Refusal):
            raise RefusedError(plan)
        if command.revision is not None or command.restores not in {"", plan.restores}:
            raise RefusedError(plan_stale(run))

        def begin(draft: Draft) -> None:
            if not engine.deployments.is_current(facts):
                raise StaleRevisionError("the environment has changed meanwhile")
            begin_with_rollback(draft, plan)
            engine.deployments.accept_rollback(draft.run, plan, request, facts)

        attempt = RunAttempt(
            number=1,
            actor=command.actor,
            queued_at=engine.clock.now(),
            what="rollback",
            target=plan.stage,
            reason=command.reason,
        )
        start = StartRun(
            actor=command.actor,
            origin=command.origin,
            receipt=command.receipt,
            pipeline=run.head.pipeline,
            start_kind="manual",
        )
        return await engine.start_as(start, SpecialStart(attempt=attempt, begin=begin))

    async def _run(self, command: RollBack) -> Run:
        """Return the run, by the newest version of its pipeline if that can be rolled back."""
        run = (await self._engine.lines.get(command.run_id)).tip
        newest = await self._newest(run)
        return run if newest is None else with_index(run, newest[1])

    async def _newest(self, run: Run) -> tuple[int, SpecIndex] | None:
        if not run.head.status.is_final:
            return None
        return await self._engine.newest_index(run, also_reset=True)

    async def _facts(self, run: Run, command: RollBack) -> RollbackFacts:
        engine = self._engine
        newest = await self._newest(run)
        pipeline = await engine.store.find_pipeline(run.head.pipeline)
        facts = RollbackFacts(
            now=engine.clock.now(),
            pipeline_deleted=pipeline is None or pipeline.deleted_at is not None,
            is_newest=run.head.number == await engine.last_number(run.head.pipeline),
            was_reset=await engine.was_reset(run),
            version=newest[0] if newest is not None else 0,
        )
        return await engine.deployments.rollback_facts(run, command.stage, command.chosen, facts)


def _request(command: RollBack) -> RollbackRequest:
    return RollbackRequest(
        actor=command.actor,
        stage=command.stage,
        chosen=command.chosen,
        reason=command.reason,
    )
