"""Random acts on a real store and on the model of all stores must agree, also after reopening."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule
from msgspec.structs import replace

from conformance.store_builders import (
    ANN,
    NOW,
    RUNNER,
    SHOP,
    at,
    build_head,
    build_pipeline,
    build_project,
    build_spec,
    build_version,
    create,
    decide,
    parts,
    pipeline_id,
    run_id,
    step_id,
)
from conformance.store_strategies import BANK, KINDS, USERS, filters
from conformance.store_twins import TwinMachine
from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Decision, Effect
from mulligan.core.errors import IllegalTransitionError
from mulligan.core.ids import JobId, ProjectId, RunId, StageId, StepId, UserName
from mulligan.core.records import Artifact, AuditEntry, Member, Receipt, Role, Token, User
from mulligan.core.run import Run, RunAttempt, StartParameter, Write
from mulligan.core.status import FINAL
from mulligan.ports import Acts, RunFilter, Store
from mulligan.store.memory import MemoryStore

SPEC = build_spec(stages=2, jobs=2, steps=2)
STEPS = [step_id(number) for number in range(1, 9)]
SECONDS = st.integers(0, 99)
KEYS = st.sampled_from(("1", "2"))
GROUPS = ("run", "stage", "job", "step", "step", "gate", "values")
WRITERS = ("start", STEPS[0], STEPS[1])


Events = Sequence[e.Event]


def possible(run: Run, group: str, now: datetime) -> list[Events]:
    """Give events that may happen to a run, of which not all fit its state."""
    if group == "run":
        return _of_run(run, now)
    if group == "stage":
        return [events for stage in SPEC.stages for events in _of_stage(stage.id, now)]
    if group == "job":
        ids = [job.id for stage in SPEC.stages for job in stage.jobs]
        return [events for job in ids for events in _of_job(job, now)]
    if group == "step":
        return [events for step in STEPS for events in _of_step(step, now)]
    if group == "gate":
        return [events for node in ("stage-2", STEPS[0]) for events in _of_gate(node, now)]
    return _of_values(now)


def _of_run(run: Run, now: datetime) -> list[Events]:
    number = run.head.attempt + 1
    attempt = RunAttempt(number=number, actor=ANN, queued_at=now, what="retry")
    shown = StartParameter(name="colour", value=f"{now}")
    return [
        [e.RunStarted(at=now)],
        [e.RunRetried(at=now, attempt=attempt, renew_start=number % 2 == 0)],
        [e.RunRepaired(at=now, actor=ANN, what="retry", target="e-1")],
        [e.CancelRequested(at=now, actor=ANN)],
        [e.RemarkWritten(at=now, actor=ANN, text=f"fix login {number}")],
        [e.ParametersApplied(at=now, parameters=(shown,))],
        *[[e.RunFinished(at=now, status=status, cause=Cause.TIMEOUT)] for status in FINAL],
    ]


def _of_stage(stage: StageId, now: datetime) -> list[Events]:
    position = int(stage == "stage-3")
    return [
        [e.StageReached(at=now, node=stage, position=position)],
        [e.StageStarted(at=now, node=stage, position=position)],
        [e.StageReset(at=now, node=stage, run_attempt=2)],
        *[[e.StageFinished(at=now, node=stage, status=status)] for status in FINAL],
    ]


def _of_job(job: JobId, now: datetime) -> list[Events]:
    return [
        [e.JobQueued(at=now, node=job, run_attempt=1)],
        [e.MutexAsked(at=now, node=job, mutex="door", run_attempt=1, places=2)],
        [e.JobClaimed(at=now, node=job, runner=RUNNER, fence=3)],
        [e.JobParked(at=now, node=job)],
        [e.JobRequeued(at=now, node=job, lost=True)],
        [e.JobStopping(at=now, node=job, cause=Cause.TERMINATED)],
        *[[e.JobFinished(at=now, node=job, status=status)] for status in FINAL],
    ]


def _of_step(step: StepId, now: datetime) -> list[Events]:
    job = str((int(step[2:], 16) + 1) // 2)
    return [
        [e.StepStarted(at=now, node=step, runner=RUNNER)],
        [e.StepSkipped(at=now, node=step, cause=Cause.CONDITION)],
        [e.StepRetried(at=now, node=step)],
        [  # a step is reset together with its job
            e.JobReset(at=now, node=job, run_attempt=2, workspace="live"),
            e.StepReset(at=now, node=step, run_attempt=2, asked=True),
            e.JobQueued(at=now, node=job, run_attempt=2),
        ],
        *[[e.StepFinished(at=now, node=step, status=status, exit_code=1)] for status in FINAL],
    ]


def _of_gate(node: str, now: datetime) -> list[Events]:
    return [
        [e.GateOpened(at=now, node=node, kind="pause", run_attempt=1, values={"a": [1]})],
        [e.GateVoted(at=now, node=node, user=ANN, approve=True, values={"b": None})],
        [e.GateClosed(at=now, node=node, approved=True)],
        [e.GateCarried(at=now, node=node, run_attempt=2)],
    ]


def _of_values(now: datetime) -> list[Events]:
    writes = [
        Write(name=name, value=f"{now}", writer=writer, attempt=attempt)
        for writer in WRITERS
        for name in "ab"
        for attempt in (1, 2)
    ]
    return [
        *[[e.ValuesWritten(at=now, writes=(write,))] for write in writes],
        [e.ValuesWritten(at=now, writes=tuple(writes[::3]))],
        *[[e.ValuesWithdrawn(at=now, writers=(writer,))] for writer in WRITERS],
        [e.ValuesWithdrawn(at=now, everything=True)],
    ]


def first_fitting(
    run: Run, group: str, first: int, now: datetime, following: tuple[Effect, ...]
) -> Decision | None:
    """Decide on the first of the possible events, counted from `first` on, that fit the run."""
    choices = possible(run, group, now)
    first %= len(choices)
    for events in choices[first:] + choices[:first]:
        try:
            return decide(run, *events, effects=following)
        except (IllegalTransitionError, KeyError):
            continue
    return None


def effects() -> st.SearchStrategy[tuple[Effect, ...]]:
    """Give some effects, of which some drop others."""
    one = st.builds(
        Effect,
        kind=st.sampled_from(("timer", "offer")),
        key=KEYS,
        due_at=st.none() | SECONDS.map(at),
        drop=st.booleans(),
    )
    return st.lists(one, max_size=3, unique_by=lambda effect: (effect.kind, effect.key)).map(tuple)


def acts() -> st.SearchStrategy[Acts]:
    """Give a receipt under one of few keys, or not, and perhaps an audit entry.

    All strategies here are small, so that Hypothesis plays long games; that every value is stored
    as it is, is the matter of test_store_roundtrip.
    """
    return st.builds(build_acts, st.sampled_from(("", "", "1", "2", "3")), st.integers(0, 2))


def build_acts(key: str, entries: int) -> Acts:
    """Give a receipt under that key, "" = none, and that many audit entries."""
    receipt = Receipt(
        actor=ANN,
        key=key,
        fingerprint="f",
        status=200,
        body=b"{}",
        content_type="application/json",
        created_at=NOW,
    )
    entry = AuditEntry(at=NOW, actor=ANN, action="test", project=SHOP, target=key)
    return Acts(receipt=receipt if key else None, audit=(entry,) * entries)


def comparable(run: Run) -> tuple[object, ...]:
    """Give what two snapshots must share.

    Two writes of one writer between which another one was withdrawn are the same as the second.
    """
    merged: dict[str, list[Write]] = {}
    for name, stack in run.writes.items():
        kept = merged.setdefault(name, [])
        for write in stack:
            if kept and (kept[-1].writer, kept[-1].attempt) == (write.writer, write.attempt):
                kept.pop()
            kept.append(write)
    return (*parts(run)[:-1], merged)


class StoreMachine(TwinMachine):
    """Two stores that everything is done to."""

    runs: Bundle[RunId] = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._decisions: list[Decision] = []

    # --- acts --------------------------------------------------------------------------------

    @initialize(target=runs)
    def begin(self) -> Any:
        """Make two projects with three pipelines and some runs."""
        for project in (SHOP, BANK):
            self.both(lambda store, project=project: store.put_project(build_project(project)))
        for number in (1, 2, 3):
            self._put_pipeline(number, f"build {number}", deleted=False)
        return multiple(
            *(self._new_run(number, 0, 1, ANN, "manual", 0, Acts()) for number in (1, 2, 3))
        )

    @rule(number=st.integers(1, 3), name=st.sampled_from("xyz"), deleted=st.booleans())
    def put_pipeline(self, number: int, name: str, *, deleted: bool) -> None:
        """Rename, delete or revive a pipeline."""
        self._put_pipeline(number, name, deleted=deleted)

    def _put_pipeline(self, number: int, name: str, *, deleted: bool) -> None:
        project = BANK if number == 3 else SHOP
        stored = self._loop.run(self._model.find_pipeline(pipeline_id(number)))
        pipeline = replace(
            stored or build_pipeline(number, project=project),
            name=name,
            deleted_at=NOW if deleted else None,
        )
        version = None if stored else build_version(number, spec=SPEC)
        self.both(lambda store: store.put_pipeline(pipeline, version))

    @rule(number=st.integers(1, 3), version=st.integers(1, 5), keep=st.integers(0, 4))
    def put_and_drop_versions(self, number: int, version: int, keep: int) -> None:
        """Release a version, then forget old ones."""
        stored = self._loop.run(self._model.find_pipeline(pipeline_id(number)))
        if stored is not None:
            released = build_version(number, version, SPEC)
            self.both(lambda store: store.put_pipeline(stored, released))
        self.both(lambda store: store.drop_versions(pipeline_id(number), keep))
        for place in range(1, 6):
            self.both(lambda store, place=place: store.find_version(pipeline_id(number), place))

    @rule(
        target=runs,
        pipeline=st.integers(1, 3),
        skew=st.sampled_from((0, 0, 0, -1, 2)),
        version=st.integers(1, 2),
        actor=st.sampled_from(USERS),
        kind=st.sampled_from(KINDS),
        second=SECONDS,
        acts=acts(),
    )
    def new_run(
        self,
        pipeline: int,
        skew: int,
        version: int,
        actor: UserName,
        kind: str,
        second: int,
        acts: Acts,
    ) -> Any:
        """Start a run, sometimes under a number that is taken."""
        run = self._new_run(pipeline, skew, version, actor, kind, second, acts)
        return multiple() if run is None else run

    def _new_run(
        self,
        pipeline: int,
        skew: int,
        version: int,
        actor: UserName,
        kind: str,
        second: int,
        acts: Acts,
    ) -> RunId | None:
        last = self.both(lambda store: store.last_number(pipeline_id(pipeline)))
        head = replace(
            build_head(max(last + 1 + skew, 1), ident=self._count, pipeline=pipeline),
            project=BANK if pipeline == 3 else SHOP,
            version=version,
            started_by=actor,
            start_kind=kind,
            queued_at=at(second),
        )
        first = RunAttempt(number=1, actor=actor, queued_at=at(second))
        head = replace(head, id=run_id(self._count), attempts=(first,))
        self._count += 1
        decision = create(head, SPEC)
        answer = self.both(lambda store: store.append(decision, acts))
        return None if answer is not None else head.id

    @rule(
        run=runs,
        moves=st.lists(
            st.tuples(st.sampled_from(GROUPS), st.integers(0, 40), SECONDS), min_size=5, max_size=20
        ),
        following=effects(),
        acts=acts(),
    )
    def move(
        self,
        run: RunId,
        moves: list[tuple[str, int, int]],
        following: tuple[Effect, ...],
        acts: Acts,
    ) -> None:
        """Let one thing after the other happen to a run; the last has effects and acts."""
        for place, (group, first, second) in enumerate(moves, 1):
            is_last = place == len(moves)
            snapshot = self._loop.run(_last(self._model, run))
            decision = first_fitting(snapshot, group, first, at(second), following * is_last)
            if decision is not None:
                self._decisions.append(decision)
                with_it = acts if is_last else Acts()
                self.both(lambda store, d=decision, a=with_it: store.append(d, a))

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Give a decision once more, which is stale."""
        if self._decisions:
            decision = data.draw(st.sampled_from(self._decisions))
            self.both(lambda store: store.append(decision))

    @rule(run=runs, kind=st.sampled_from(("timer", "offer")), key=KEYS)
    def drop_effect(self, run: RunId, kind: str, key: str) -> None:
        """Note that an effect is done."""
        self.both(lambda store: store.drop_effect(run, kind, key))

    @rule(run=runs, path=st.sampled_from("ab"), size=st.integers(0, 9))
    def archive(self, run: RunId, path: str, size: int) -> None:
        """Archive a file, perhaps again."""
        artifact = Artifact(
            run=run,
            step=STEPS[0],
            attempt=1,
            run_attempt=1,
            path=path,
            size=size,
            digest="0" * 64,
            created_at=NOW,
        )
        self.both(lambda store: store.add_artifacts([artifact]))

    @rule(
        name=st.sampled_from(USERS),
        project=st.sampled_from((SHOP, BANK)),
        role=st.sampled_from(Role),
        acts=acts(),
    )
    def put_people(self, name: UserName, project: ProjectId, role: Role, acts: Acts) -> None:
        """Make or change a user and a membership."""
        self.both(lambda store: store.put_user(User(name=name, created_at=NOW), acts))
        self.both(lambda store: store.put_member(Member(project=project, user=name, role=role)))

    @rule(name=st.sampled_from(USERS), project=st.sampled_from((SHOP, BANK)), acts=acts())
    def drop_member(self, name: UserName, project: ProjectId, acts: Acts) -> None:
        """Remove a membership, if there is one."""
        self.both(lambda store: store.drop_member(project, name, acts))

    @rule(ident=KEYS, digest=KEYS, name=st.sampled_from(USERS))
    def put_token(self, ident: str, digest: str, name: UserName) -> None:
        """Issue a token."""
        token = Token(id=ident, name="laptop", user=name, digest=digest, created_at=NOW)
        self.both(lambda store: store.put_token(token))

    @rule(ident=KEYS, acts=acts())
    def drop_token(self, ident: str, acts: Acts) -> None:
        """Revoke a token, if it is there."""
        self.both(lambda store: store.drop_token(ident, acts))

    @rule(acts=acts())
    def put_receipt(self, acts: Acts) -> None:
        """Store an answer and audit entries on their own."""
        self.both(lambda store: store.add_audit(acts.audit))
        receipt = acts.receipt
        if receipt is not None:
            self.both(lambda store: store.put_receipt(receipt))

    # --- looks -------------------------------------------------------------------------------

    @rule(where=filters(), by_update=st.booleans(), offset=st.integers(0, 9))
    def list_runs(self, where: RunFilter, offset: int, *, by_update: bool) -> None:
        """Look at a page of some list."""
        self.both(
            lambda store: store.list_runs(
                where, limit=3, offset=offset, by_update=by_update, with_total=True
            )
        )

    @rule()
    def reopen(self) -> None:
        """Stop and start the real store."""
        self._reopen()

    @rule(run=runs)
    def look(self, run: RunId) -> None:
        """Look at all of a run."""
        self._compare_run(run)

    def _compare_run(self, run: RunId) -> None:
        self.both(lambda store: _snapshot(store, run))
        self.both(lambda store: store.find_head(run))
        self.both(lambda store: store.history(run))
        self.both(lambda store: store.events_after(0, run_id=run))
        self.both(lambda store: store.list_artifacts(run))

    def _compare_everything(self) -> None:
        for number in range(self._count):
            self._compare_run(run_id(number))
        for number in (1, 2, 3):
            pipeline = pipeline_id(number)
            self.both(lambda store, pipeline=pipeline: store.find_pipeline(pipeline))
            self.both(lambda store, pipeline=pipeline: store.count_unfinished(pipeline))
            self.both(lambda store, pipeline=pipeline: store.last_number(pipeline))
            self.both(lambda store, pipeline=pipeline: store.newest_run(pipeline))
            for job in map(JobId, "123"):
                self.both(lambda store, p=pipeline, j=job: store.list_stage_jobs(p, j))
        for name in USERS:
            self.both(lambda store, name=name: store.list_projects(user=name))
            self.both(lambda store, name=name: store.list_tokens(name))
        for project in (SHOP, BANK):
            self.both(lambda store, project=project: store.list_pipelines(project))
            self.both(lambda store, project=project: store.list_group_pipelines(project))
            self.both(lambda store, project=project: store.list_members(project))
            self.both(lambda store, project=project: store.events_after(0, project=project))
        for key in ("1", "2"):
            self.both(lambda store, key=key: store.find_receipt(ANN, key))
            self.both(lambda store, key=key: store.find_token(key))
        for number in range(30):
            self.both(lambda store, number=number: store.find_stage_job(number))
            self.both(lambda store, number=number: store.pipeline_by_number(number))
        self.both(lambda store: store.mutex_tickets(SHOP, "door"))
        self.both(lambda store: store.awaited_mutexes())
        self.both(lambda store: store.outbox())
        self.both(lambda store: store.list_users())
        self.both(lambda store: store.list_audit(limit=1_000))
        assert set(self._loop.run(self._loop.store.held_jobs())) == set(
            self._loop.run(self._model.held_jobs())
        )


async def _snapshot(store: Store, run: RunId) -> tuple[object, ...]:
    return comparable(await store.get_run(run))


async def _last(model: MemoryStore, run: RunId) -> Run:
    """Return the newest snapshot, also when its version was dropped."""
    return model._stored(run).run


StoreMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
test_sqlite_agrees_with_the_model = StoreMachine.TestCase
