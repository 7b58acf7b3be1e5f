"""The rules that must hold after every decision about a run, whoever did what before."""

from __future__ import annotations

from collections.abc import Iterator

from immutables import Map
from msgspec.structs import replace

from mulligan.core import events as e
from mulligan.core.decision import Decision
from mulligan.core.evolve import count_open, derive, evolve
from mulligan.core.flow.calls import waiting_call
from mulligan.core.flow.split import is_split
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.run import Gate, Job, Run, Stage, Step, Weather, Write
from mulligan.core.spec import CALL, JobSpec
from mulligan.core.status import Status
from mulligan.store.changed import changed_jobs, changed_stages

Record = Stage | Job | Step


class Watch:
    """Sees every decision about one run and raises when a rule is broken."""

    def __init__(self, first: Run) -> None:
        self.run = first
        self.finals: dict[tuple[str, str, int], Record] = {}
        self.fences: dict[str, int] = {}
        self.started: set[tuple[str, int]] = set()
        self.rows = Rows(first)
        self._clock = 0  # counts events
        self._touched: dict[int, int] = {}  # position of a stage: when a step of it last began
        self._approved: dict[str, int] = {}  # stage: when its review was passed
        self._refused: set[str] = set()  # stages whose newest answer is a refusal

    def look(self, decision: Decision) -> None:
        """Check one decision."""
        for event in decision.events:
            self.run = evolve(self.run, event)
            self._clock += 1
            self._see(event)
        self.run = replace(self.run, head=decision.run.head)
        assert self.run == decision.run, "the events give another snapshot than the one decided"
        self._rows_stay(decision)
        self.rows.store(decision)
        assert self.rows.load(decision.run) == decision.run, "the rows give another snapshot"
        check_holders(self.run)
        check_counters(self.run)
        check_course(self.run)

    def _see(self, event: e.Event) -> None:
        if isinstance(event, e.JobClaimed):
            assert event.fence > self.fences.get(event.node, 0), "a fence grows with every claim"
            self.fences[event.node] = event.fence
        elif isinstance(event, e.StepStarted):
            key = (event.node, self.run.steps[StepId(event.node)].attempt)
            assert key not in self.started, f"{key} was started twice"
            self.started.add(key)
            job_id = self.run.index.step_job[StepId(event.node)][0]
            self._touched[self.run.index.job_stage[job_id]] = self._clock
        elif isinstance(event, e.GateVoted):
            (self._refused.discard if event.approve else self._refused.add)(event.node)
        elif isinstance(event, e.GateClosed) and event.approved:
            self._approved[event.node] = self._clock
        elif isinstance(event, e.StageStarted):
            self._is_allowed(StageId(event.node), event.position)

    def _is_allowed(self, stage_id: StageId, position: int) -> None:
        """A reviewed stage begins only after a yes that still covers what came before (R10)."""
        spec = self.run.index.spec.stages[position]
        if spec.review is None or spec.is_finally:
            return
        assert stage_id not in self._refused, "a refusal became an approval"
        earlier = [seen for place, seen in self._touched.items() if place < position]
        assert self._approved[stage_id] > max(earlier, default=0), "the approval covers other work"

    def _rows_stay(self, decision: Decision) -> None:
        """A record of an attempt that was final never appears again with other contents."""
        for kind, row in rows_of(decision):
            key = (kind, row.id, row.attempt)
            if key in self.finals:
                assert self.finals[key] == row, f"{key} was final"
            elif row.status.is_final:
                self.finals[key] = row
        for kind, row in records_of(self.run):
            known = self.finals.get((kind, row.id, row.attempt))
            assert known is None or known == row, f"{kind} {row.id} changed without a row"


def rows_of(decision: Decision) -> Iterator[tuple[str, Record]]:
    """Yield the rows of nodes that a decision writes."""
    yield from (("stage", stage) for stage in decision.stages)
    yield from (("job", job) for job in decision.jobs)
    yield from (("step", step) for step in decision.steps)


def records_of(run: Run) -> Iterator[tuple[str, Record]]:
    """Yield the newest records of all nodes."""
    yield from (("stage", stage) for stage in run.stages.values())
    yield from (("job", job) for job in run.jobs.values())
    yield from (("step", step) for step in run.steps.values())


class Rows:
    """What a store keeps of a run: the newest row of every node, and the writes that hold."""

    def __init__(self, first: Run) -> None:
        self.stages: dict[StageId, Stage] = {}
        self.jobs: dict[JobId, Job] = {}
        self.steps: dict[StepId, Step] = {}
        self.gates: dict[str, Gate] = {}
        self.writes: list[Write] = []
        self._first = first

    def store(self, decision: Decision) -> None:
        """Take the rows of a decision."""
        self.stages.update((row.id, row) for row in changed_stages(decision))
        self.jobs.update((row.id, row) for row in changed_jobs(decision))
        self.steps.update((row.id, row) for row in decision.steps)
        self.gates.update((row.node, row) for row in decision.gates)
        for event in decision.events:
            if isinstance(event, e.ValuesWritten):
                self.writes.extend(event.writes)
            elif isinstance(event, e.ValuesWithdrawn):
                self.writes = [
                    write
                    for write in self.writes
                    if not event.everything and write.writer not in event.writers
                ]

    def load(self, run: Run) -> Run:
        """Give the snapshot that the rows and the head of `run` make."""
        bare = replace(
            self._first,
            head=run.head,
            stages=Map(self.stages),
            jobs=Map(self.jobs),
            steps=Map(self.steps),
            gates=Map(self.gates),
        )
        writes = e.ValuesWritten(at=run.head.queued_at, writes=tuple(self.writes))
        return derive(evolve(bare, writes))


def check_holders(run: Run) -> None:
    """Of a job that a runner holds just the step at the cursor runs; a parked one waits there."""
    for spec in run.index.all_jobs():
        job = run.job(spec.id)
        if is_split(run, spec.id):
            check_copies(run, spec)
            continue
        running = [step.id for step in spec.steps if run.step(step.id).status is Status.RUNNING]
        waiting = [step.id for step in spec.steps if run.open_gate(step.id) is not None]
        is_held = job.status is Status.RUNNING and not job.parked
        called = [step for step in running if run.index.steps[step].kind == CALL]
        assert len(running) - len(called) == int(is_held), (job, running)
        assert len(waiting) + len(called) == int(job.parked), (job, waiting)
        assert job.runner is not None or not is_held
        at_cursor = [step.id for step in spec.steps[job.cursor : job.cursor + 1]]
        assert running + waiting in ([], at_cursor)


def check_copies(run: Run, spec: JobSpec) -> None:
    """A split job waits for a copy that has not ended; not more of them are under way than may."""
    copies = [run.job(copy.id) for copy in run.index.children[spec.id]]
    begun = [job for job in copies if job.queued_at or job.mutex]
    under_way = [job for job in begun if not job.status.is_final]
    assert spec.matrix is not None
    assert 1 <= len(under_way) <= spec.matrix.max_parallel, spec.id
    assert run.job(spec.id).parked
    begun_of_pattern = [run.step(step.id).started_at for step in spec.steps]
    assert not any(begun_of_pattern), "the pattern itself never runs"


def check_counters(run: Run) -> None:
    """What is carried along is what counting anew gives."""
    bare = run
    for stage in run.stages.values():
        expected = count_open(run, stage.id) if stage.status is Status.RUNNING else 0
        assert stage.open_jobs == expected, stage
    for job in run.jobs.values():
        if not job.status.is_final and job.id in run.index.jobs:
            fresh = replace(job, cursor=0, weather=Weather.OK)
            bare = replace(bare, jobs=bare.jobs.set(job.id, fresh))
    assert derive(bare) == run


def check_course(run: Run) -> None:
    """A run that goes on has work, a gate or its place in the queue; one that ended has none."""
    jobs = [job for job in run.jobs.values() if job.id in run.index.jobs]
    held = [job.id for job in jobs if job.status is Status.RUNNING and not job.parked]
    offered = [job.id for job in jobs if job.status is Status.QUEUED and job.queued_at]
    gates = [gate.node for gate in run.gates.values() if gate.state == "open"]
    asking = [job.id for job in jobs if run.awaited_mutex(job.id)]
    stages = [stage.id for stage in run.stages.values() if stage.status is Status.RUNNING]
    if run.head.status is Status.RUNNING:
        called = [job.id for job in jobs if waiting_call(run, job.id) is not None]
        assert held or offered or gates or called or asking, "the run stands still"
        assert len(stages) + int(run.awaits_review) == 1
    else:
        assert (held, offered, gates, asking, stages) == ([], [], [], [], [])
