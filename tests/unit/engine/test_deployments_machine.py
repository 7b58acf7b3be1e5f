"""Two pipelines that share an environment, and everything that can happen to them, at random.

People, runners, lost commits and crashes act in any order. The ledger must be what a simple model
of it says, memory must agree with the store, and every status must be one of the twelve.
"""

import asyncio
import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine_world import ANN, RUNNER
from mulligan.core.deployments import Act, Outcome
from mulligan.core.errors import (
    InfrastructureError,
    RefusedError,
    StaleRevisionError,
    StateError,
)
from mulligan.core.hold import Phase, phase_of
from mulligan.core.ids import RunId
from mulligan.core.prepare import StepOrder
from mulligan.core.records import Pipeline
from mulligan.core.run import Run
from mulligan.core.spec import AfterFailure
from mulligan.core.status import Status
from mulligan.engine import changes, deployments
from mulligan.engine.deployments import DeployProblemError
from mulligan.facades.swr.status import stage_status, standing_of
from mulligan.ports import StepEnd
from release_world import PROD, Releases, check_ledger, definition, deploy, review, stage

TWELVE = {
    "waiting",
    "running",
    "success",
    "cancel",
    "stage_exception",
    "runtime_exception",
    "timeout",
    "unauthorized",
    "rollbacking",
    "rollback_success",
    "rollback_failed",
    "rollback_exception",
}
FAILURES = {"stage_exception", "runtime_exception", "timeout", "unauthorized"}
OF_PHASE = {
    Phase.EXECUTING: {"running", "rollbacking"},
    Phase.PAUSED: {"running"},
    Phase.HELD: FAILURES,
    Phase.CLOSED: TWELVE - FAILURES - {"running", "rollbacking"} | {"timeout"},
}
GOOD, BAD = StepEnd(exit_code=0), StepEnd(exit_code=1)
ENDS = (GOOD, GOOD, GOOD, BAD, StepEnd(exit_code=69, cause="unreachable"))
PUT_OUT = deploy(1, "gray", act="gray")
GRAY = definition(
    stage(0, "build"),
    PUT_OUT,
    review(2, ANN),
    deploy(3, "promote", after_gray=PUT_OUT.jobs[0].steps[0].id),
    stage(4, "after", ignored=True, after_failure=AfterFailure.END),
    name="gray",
)
PLAIN = definition(
    stage(0, "check", after_failure=AfterFailure.RESET, first_job=200),
    deploy(1, "plain", first_job=200),
    stage(2, "told", first_job=200),
    name="plain",
)


class Model:
    """What a ledger of one environment amounts to."""

    def __init__(self) -> None:
        self.live = ""
        self.gray = ""
        self.previous: dict[str, str] = {}
        self.targets: dict[str, str] = {}  # what a rollback restores

    def succeeded(self, act: str, deployment: str) -> None:
        """Note that a driver has done its act."""
        if act in {"deploy", "promote"}:
            self.previous[deployment] = self.live
            self.live, self.gray = deployment, ""
        elif act == "gray":
            self.gray = deployment
        elif act == "rollback":
            self.live, self.gray = self.targets[deployment], ""
        else:
            self.gray = ""


class Machine:
    """Drives a world by hand; `held`: orders that a runner has, with those for the driver."""

    def __init__(self, world: Releases) -> None:
        self.world = world
        self.model = Model()
        self.held: list[tuple[StepOrder, bool]] = []  # and whether its deployment has begun
        self.pipelines: list[Pipeline] = []
        self.newest: dict[str, RunId] = {}
        self.accepted = 0
        self.version = 0

    async def begin(self) -> None:
        """Make the pipelines, and have a first release live."""
        await self.world.open(works=False)
        self.pipelines = [await self.world.add(PLAIN), await self.world.add(GRAY)]

    async def do(self, kind: str, pick: int) -> None:
        """Let something happen; what is refused or can't be stored is no error."""
        self.world.clock.advance(seconds=1)
        with contextlib.suppress(RefusedError, InfrastructureError, StaleRevisionError, StateError):
            await getattr(self, f"act_{kind}")(pick)
        self.world.disk.failing.clear()
        self.world.disk.ledger_failing.clear()
        await self.check()

    def _pipeline(self, pick: int) -> Pipeline:
        return self.pipelines[pick % len(self.pipelines)]

    def _run_id(self, pick: int) -> RunId:
        run_id = self.newest.get(self._pipeline(pick).id)
        if run_id is None:
            raise StateError("nothing has run")
        return run_id

    # --- what happens ---------------------------------------------------------------------------

    async def act_start(self, pick: int) -> None:
        self.version += 1
        pipeline = self._pipeline(pick)
        run = self.newest.get(pipeline.id)
        if run is not None:
            tip = (await self.world.engine.lines.get(run)).tip
            if not tip.head.status.is_final:
                return  # it would wait for its turn
        head = await self.world.start(pipeline, values={"VERSION": f"v{self.version}"})
        self.newest[pipeline.id] = head.id

    async def act_work(self, pick: int) -> None:
        """Let a runner do the next thing: claim, take the environment, or report."""
        for order, begun in self.held:
            if order.kind == "deploy" and not begun:
                await self._take(order)
        if self.held and pick % 3:
            await self._report(pick)
        else:
            await self._claim()

    async def act_chain(self, pick: int) -> None:
        """Let work go on for a while."""
        for _ in range(pick % 12):
            await self.act_work(pick)

    async def _claim(self) -> None:
        for run_id in list(self.newest.values()):
            run = (await self.world.engine.lines.get(run_id)).tip
            for spec in run.index.all_jobs():
                job = run.job(spec.id)
                if job.status is Status.QUEUED and job.queued_at is not None:
                    order = await self.world.engine.claim_job(run_id, job.id, job.attempt, RUNNER)
                    if order is not None:
                        self.held.append((order, False))

    async def _take(self, order: StepOrder, *, heedless: bool = False) -> None:
        run = (await self.world.engine.lines.get(order.run_id)).tip
        job = run.job(order.job_id)
        if (job.status, job.fence) != (Status.RUNNING, order.fence) and not heedless:
            self.held.remove((order, False))
            return
        asked = [False, False, True]

        def given_up() -> bool:
            return asked.pop(0) if asked else True

        try:
            begun = await self.world.engine.begin_deployment(order, given_up)
        except DeployProblemError:
            begun = None
            await self._end(order, StepEnd(cause="config"))
        if begun is not None:
            self.held[self.held.index((order, False))] = (begun, True)

    async def act_heedless(self, pick: int) -> None:
        """Take the environment for a job that may be over, as in a race with a stop."""
        waiting = [order for order, begun in self.held if order.kind == "deploy" and not begun]
        if waiting:
            await self._take(waiting[pick % len(waiting)], heedless=True)

    async def _report(self, pick: int) -> None:
        order, begun = self.held[pick % len(self.held)]
        if order.kind == "deploy" and not begun:
            return
        await self._end(order, ENDS[pick % len(ENDS)])

    async def _end(self, order: StepOrder, end: StepEnd) -> None:
        try:
            following = await self.world.report(order, end)
        except StateError:
            following = None
        else:
            driver = order.inputs.get("order")
            if driver is not None and end is GOOD:
                self.model.succeeded(driver["act"], driver["deployment"])
        self.held = [each for each in self.held if each[0] is not order]
        if following is not None:
            self.held.append((following, False))

    async def act_lose(self, pick: int) -> None:
        if self.held:
            order, _ = self.held[pick % len(self.held)]
            await self.world.engine.lose_job(order.run_id, order.job_id, fence=order.fence)
            self.held = [each for each in self.held if each[0] is not order]

    async def act_vote(self, pick: int) -> None:
        await self.world.vote(self._run_id(1), 2, approve=pick % 4 != 0)

    async def act_stop(self, pick: int) -> None:
        await self.world.stop(self._run_id(pick))

    async def act_terminate(self, pick: int) -> None:
        self.world.clock.advance(minutes=2)
        await self.world.stop(self._run_id(pick))

    async def act_give_up(self, pick: int) -> None:
        await self.world.give_up(self._run_id(pick))

    async def act_retry(self, pick: int) -> None:
        await self.world.retry_stage(self._run_id(pick), pick // 2 % 5 % (3 + 2 * (pick % 2)))

    async def act_roll_back(self, pick: int) -> None:
        index = (1, 1, 1, 3)[pick % 4]
        await self._roll_back(self._run_id(pick), index, "")

    async def act_choose(self, pick: int) -> None:
        ledger = self.world.disk.ledger
        if ledger:
            await self._roll_back(self._run_id(0), 1, ledger[pick % len(ledger)].id)

    async def _roll_back(self, run_id: RunId, index: int, chosen: str) -> None:
        await self.world.roll_back(run_id, index, chosen=chosen)
        self.accepted += 1
        made = self.world.disk.ledger[-1]
        self.model.targets[made.id] = made.target

    async def act_wait(self, pick: int) -> None:
        self.world.clock.advance(hours=pick)

    async def act_crash(self, pick: int) -> None:
        del pick
        self.world = await self.world.again()
        await self.world.open(works=False)
        self.held = []

    async def act_away(self, pick: int) -> None:
        """Let the store be away while something happens."""
        error = (InfrastructureError("away"), StaleRevisionError("quicker"))[pick % 2]
        self.world.disk.failing = [error] * (1 + pick % 3)
        self.world.disk.ledger_failing = [error] * (pick % 3)
        kinds = ("work", "roll_back", "retry", "stop", "terminate", "lose", "work", "chain")
        await getattr(self, f"act_{kinds[pick // 2 % len(kinds)]}")(pick)

    # --- what must hold -------------------------------------------------------------------------

    async def check(self) -> None:
        """Check ledger, memory and statuses."""
        await self.world.settled()
        environment = self.world.disk.environments.get(PROD)
        if environment is not None:
            assert (environment.live, environment.gray) == (self.model.live, self.model.gray)
        for each in self.world.disk.ledger:
            if each.act in {Act.DEPLOY, Act.PROMOTE} and each.outcome is Outcome.SUCCEEDED:
                assert each.previous == self.model.previous[each.id]
        backs = [each for each in self.world.disk.ledger if each.act in {Act.ROLLBACK, Act.ABORT}]
        assert len(backs) == self.accepted
        for run_id in self.newest.values():
            check_status(await self.world.run(run_id), self.world)

    async def act_all(self, pick: int) -> None:
        """Do all work there is; now and then one thing of it fails."""
        if pick % 5 == 0:
            await self.act_chain(pick)
        for _ in range(200):
            await self._claim()
            if not self.held and not await self._waits_for_ann():
                break
            for order, begun in list(self.held):
                if order.kind == "deploy" and not begun:
                    await self._take(order)
            for order, begun in list(self.held):
                if order.kind != "deploy" or begun:
                    await self._end(order, GOOD)
            await self.world.settled()

    async def finish(self) -> None:
        """Do all work there is; then nothing may be under way."""
        await self.act_all(1)
        await self.check()
        for run_id in self.newest.values():
            assert (await self.world.run(run_id)).head.status.is_final
        assert all(not each.holder for each in self.world.disk.environments.values())
        check_ledger(self.world.disk)
        assert self.world.scripted.misuses == []

    async def _waits_for_ann(self) -> bool:
        run_id = self.newest.get(self.pipelines[1].id)
        if run_id is None:
            return False
        run = await self.world.run(run_id)
        if (
            run.head.stage != 2
            or run.open_gate(run.index.spec.stages[2].jobs[0].steps[0].id) is None
        ):
            return False
        await self.world.vote(run_id, 2, approve=True)
        return True


def check_status(run: Run, world: Releases) -> None:
    """Check that the derived statuses are among the twelve, and fit how far the run is."""
    now = world.clock.now()
    standing = standing_of(run.head, run.index.spec, now)
    phase = phase_of(run, now)
    stages = [stage_status(run, each) for each in run.index.spec.stages]
    assert set(stages) <= TWELVE
    assert standing.status in OF_PHASE[phase]
    current = stages[standing.stage_index]
    under_way = {"running", "rollbacking"}
    if phase in {Phase.EXECUTING, Phase.PAUSED}:
        assert current == standing.status
        assert [each for each in stages if each in under_way] == [current]
    else:
        assert not under_way & set(stages)
    if phase is Phase.HELD or standing.status.startswith("rollback_"):
        assert current == standing.status
    if standing.status == "success":
        assert run.head.status is Status.SUCCEEDED
    if (standing.ended_at is None) != (phase is not Phase.CLOSED):
        assert standing.is_reset  # shown as never run


KINDS = (
    *("chain",) * 5,
    *("all",) * 3,
    *("work",) * 3,
    *("start",) * 4,
    *("vote",) * 2,
    *("roll_back",) * 3,
    *("retry",) * 3,
    *("away",) * 3,
    "choose",
    "stop",
    "terminate",
    "give_up",
    "lose",
    "heedless",
    "wait",
    "crash",
)
Happening = tuple[str, int]
happenings = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 119)), min_size=1, max_size=40
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once what failed."""
    monkeypatch.setattr(changes, "TRY_AGAIN_S", 0.0005)
    monkeypatch.setattr(deployments, "_LOOK_AGAIN_S", 0.0005)


async def play(happened: list[Happening]) -> None:
    """Let it all happen."""
    machine = Machine(Releases())
    await machine.begin()
    try:
        for kind, pick in happened:
            await machine.do(kind, pick)
        await machine.finish()
    finally:
        await machine.world.close()


@settings(max_examples=120)
@given(happenings)
@example([("start", 0), ("chain", 10)])
def test_whatever_happens(happened: list[Happening]) -> None:
    """The ledger is what the model says, memory is what is stored, every run comes to an end."""
    asyncio.run(play(happened))
