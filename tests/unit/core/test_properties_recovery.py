"""What holds for every retry and skip of every run: the plan is what happens, no more, no less."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from core_acts import happen, targets
from core_world import World
from hypothesis import given, settings
from hypothesis import strategies as st

from mulligan.core.cause import Cause
from mulligan.core.errors import StaleRevisionError
from mulligan.core.flow.judge import is_enabled
from mulligan.core.ids import JobId, StepId
from mulligan.core.patches import as_changed, open_inputs
from mulligan.core.recovery.apply import apply_plan
from mulligan.core.recovery.plan import Action, Plan
from mulligan.core.recovery.request import Changes, StepChanges
from mulligan.core.recovery.retry import plan_retry
from mulligan.core.run import Run, RunSettings
from mulligan.core.spec import PipelineSpec
from mulligan.core.status import FINAL, Status, never_ran, roll_up
from mulligan.testing.strategies import (
    WRONG_MATRIX,
    Act,
    Outcome,
    Outcomes,
    acts,
    outcomes,
    pipeline_specs,
)

QUIET = (
    "work",
    "finish",
    "vote",
    "lose",
    "retry",
    "retry-failed",
    "leave-queue",
)  # nobody stops it
SMALL = pipeline_specs(most_stages=4, most_jobs=3, most_steps=4, mutexes=True)
REPAIRABLE = pipeline_specs(most_stages=3, most_jobs=3, most_steps=3, gates=False).filter(
    lambda spec: not any(job.matrix == WRONG_MATRIX for stage in spec.stages for job in stage.jobs)
)
Options = dict[str, bool]
OPTIONS = st.fixed_dictionaries(
    {"skip": st.booleans(), "only_failed": st.booleans(), "live": st.booleans()}
)


def ended(
    spec: PipelineSpec, ends: Outcomes, course: list[Act], *, upstream: bool = False
) -> World:
    """Give a run that has ended, after this and that."""
    world = World(spec, ends, settings=RunSettings(only_current_attempt=upstream))
    happen(world, course)
    world.finish()
    return world


def retried(world: World, pick: int, chosen: Options) -> tuple[Run, Plan] | None:
    """Retry some node of a run; give the snapshot before and the plan, None if refused."""
    before = world.run
    names = targets(world)
    plan = world.retry(names[pick % len(names)], **chosen)
    return (before, plan) if isinstance(plan, Plan) else None


@settings(deadline=None, max_examples=250)
@given(SMALL, outcomes(), acts(most=20), st.booleans(), st.integers(0, 60), OPTIONS)
def test_the_plan_is_what_happens(
    spec: PipelineSpec,
    ends: Outcomes,
    course: list[Act],
    upstream: bool,
    pick: int,
    chosen: Options,
) -> None:
    """What it keeps stays, what it reruns is judged anew, what it skips is waived, no more."""
    world = ended(spec, ends, course, upstream=upstream)
    known = len(world.started)

    found = retried(world, pick, chosen)

    if found is None:
        return
    before, plan = found
    run = world.finish()
    kept_stay(plan, before, run)
    again = set(steps_that_rerun(plan, run))
    assert {step for step, _ in world.started[known:]} <= again
    for step_id in again:
        is_judged_anew(step_id, before, run)
    for step_id in plan.steps_with(Action.SKIP):
        record = run.step(step_id)
        assert (record.status, record.cause) == (Status.SKIPPED, Cause.WAIVED)
        assert (record.actor, record.run_attempt) == ("alice", plan.run_attempt)
    jobs_have_ended_anew(plan, run)


@settings(deadline=None, max_examples=60)
@given(SMALL, outcomes(), acts(most=20), st.integers(0, 60), st.booleans())
def test_what_is_changed_is_what_runs(
    spec: PipelineSpec, ends: Outcomes, course: list[Act], pick: int, only_failed: bool
) -> None:
    """Each change that the plan shows is what its step has then; all others have what they had."""
    world = ended(spec, ends, course)
    before, names = world.run, targets(world)
    target = names[pick % len(names)]
    plain = world.plan(target, only_failed=only_failed)
    asked: dict[str, StepChanges] = {
        name: StepChanges(inputs={"script": f"echo {name}"})
        for name in (plain.steps_with(Action.RERUN) if isinstance(plain, Plan) else ())
        if "script" in open_inputs(before.index.steps[name])
        and is_enabled(before, before.index.steps[name])
    }

    plan = world.retry(target, only_failed=only_failed, changes=Changes(steps=asked))

    if not isinstance(plan, Plan):
        return
    assert isinstance(plain, Plan)
    assert msgspec.structs.replace(plan, changes=plain.changes) == plain
    assert [item.step for item in plan.changes.items] == list(asked)
    run = world.finish()
    kept_stay(plan, before, run)
    for step_id in steps_that_rerun(plan, run):
        record = run.step(step_id)
        if record.started_at is None:
            continue
        job_id, place = run.index.step_job[step_id]
        pattern = run.index.jobs[run.index.parents.get(job_id, job_id)].steps[place].id
        wanted = step_id if step_id in asked else pattern
        shown = as_changed(run, run.index.steps[step_id]).inputs.get("script")
        if wanted in asked:
            assert shown == f"echo {wanted}"
        else:
            assert record.patch is None


def steps_that_rerun(plan: Plan, run: Run) -> Iterator[StepId]:
    """Give the steps that run again; of a job that is split again those of its new copies."""
    for step_id in plan.steps_with(Action.RERUN):
        job_id, place = run.index.definition.step_job.get(step_id, (None, 0))
        if job_id is None or run.index.jobs[job_id].matrix is None:
            yield step_id
        else:
            copies = run.index.children.get(job_id, ())
            yield from (copy.steps[place].id for copy in copies)


def kept_stay(plan: Plan, before: Run, run: Run) -> None:
    """What the plan keeps has the same record as before."""
    for step_id, node in plan.steps.items():
        assert node.action is not Action.KEEP or run.step(step_id) == before.step(step_id)
    for job_id, node in plan.jobs.items():
        assert node.action is not Action.KEEP or run.job(job_id) == before.job(job_id)
    for stage_id, node in plan.stages.items():
        assert node.action is not Action.KEEP or run.stage(stage_id) == before.stage(stage_id)


def is_judged_anew(step_id: StepId, before: Run, run: Run) -> None:
    """A step that runs again has a new record, final if its job was ever claimed."""
    record, old = run.step(step_id), before.step(step_id)
    job = run.job(run.index.step_job[step_id][0])
    assert record.attempt > old.attempt or step_id not in before.steps
    if job.started_at is None:  # its stage or its own condition did not let it begin
        assert record.status is Status.QUEUED
    elif job.cause is not Cause.FAST_KILL:  # which leaves alone what had not begun
        assert record.status in FINAL
        assert record.run_attempt == run.head.attempt


def jobs_have_ended_anew(plan: Plan, run: Run) -> None:
    """In a stage that was entered, every job that runs again has its result of this attempt."""
    for stage in run.index.spec.stages:
        record = run.stage(stage.id)
        entered = record.started_at is not None and record.cause is not Cause.REJECTED
        for job in stage.jobs:
            if plan.jobs[job.id].action is Action.RERUN and entered:
                assert run.job(job.id).status in FINAL
                assert run.job(job.id).run_attempt == run.head.attempt


@settings(deadline=None, max_examples=60)
@given(SMALL, outcomes(), acts(), st.integers(0, 60), OPTIONS)
def test_planning_changes_nothing_and_always_says_the_same(
    spec: PipelineSpec, ends: Outcomes, course: list[Act], pick: int, chosen: Options
) -> None:
    """`plan_retry` is pure: the snapshot stays as it was, and asked again it says the same."""
    world = World(spec, ends)
    happen(world, course)
    names = targets(world)
    request, facts = world.ask(names[pick % len(names)], **chosen)
    before = [dict(part) for part in (world.run.stages, world.run.jobs, world.run.steps)]

    first = plan_retry(world.run, request, facts)
    second = plan_retry(world.run, request, facts)

    assert msgspec.json.encode(first) == msgspec.json.encode(second)
    assert before == [dict(part) for part in (world.run.stages, world.run.jobs, world.run.steps)]


@settings(deadline=None, max_examples=60)
@given(SMALL, outcomes(), acts(most=20), st.integers(0, 60), OPTIONS)
def test_a_plan_is_applied_only_once(
    spec: PipelineSpec, ends: Outcomes, course: list[Act], pick: int, chosen: Options
) -> None:
    """A plan belongs to one revision: applied again it is refused and changes nothing."""
    world = ended(spec, ends, course)

    found = retried(world, pick, chosen)

    if found is not None:
        draft = world.draft()
        with pytest.raises(StaleRevisionError):
            apply_plan(draft, found[1], world.ask()[0])
        assert not draft.has_events


@settings(deadline=None, max_examples=100)
@given(SMALL, outcomes(), acts(), st.integers(0, 60), OPTIONS)
def test_an_attempt_is_appended_to_the_same_run(
    spec: PipelineSpec, ends: Outcomes, course: list[Act], pick: int, chosen: Options
) -> None:
    """A retry of an ended run appends one attempt; one of a run that goes on has none (R1)."""
    world = World(spec, ends)
    happen(world, course)
    final = world.run.head.status.is_final

    found = retried(world, pick, chosen)

    if found is None:
        return
    old, plan, head = found[0].head, found[1], world.run.head
    assert head.attempt == old.attempt + int(final) == plan.run_attempt
    assert head.attempts[: old.attempt - 1] == old.attempts[:-1]
    assert (head.id, head.number, head.version) == (old.id, old.number, old.version)
    assert plan.while_running is not final


@settings(deadline=None, max_examples=200)
@given(SMALL, outcomes(), acts(kinds=QUIET), st.booleans())
def test_a_run_is_green_only_if_every_job_is(
    spec: PipelineSpec, ends: Outcomes, course: list[Act], upstream: bool
) -> None:
    """R8: green is whose every job is green in its latest attempt; upstream: in this attempt."""
    run = ended(spec, ends, course, upstream=upstream).run
    if run.head.attempts[-1].started_at is None:
        return  # it left the queue without having begun
    if upstream and only_finally(run):
        return  # what was not touched keeps the verdict that it had

    jobs = [job.id for stage in run.index.spec.stages for job in stage.jobs]
    red = [job_id for job_id in jobs if is_red(run, job_id, upstream=upstream)]
    refused = [
        stage
        for stage in run.stages.values()
        if stage.cause is Cause.REJECTED
        if not upstream or stage.run_attempt == run.head.attempt
    ]
    left = [
        job
        for stage in run.index.spec.stages
        for job in stage.jobs
        if never_ran(run.job(job.id).status, run.job(job.id).cause)
        if run.stage(stage.id).cause not in {Cause.CONDITION, Cause.DISABLED}
    ]

    is_green = run.head.status is Status.SUCCEEDED
    assert is_green == (not red and not refused)
    assert not is_green or not left or upstream


def is_red(run: Run, job_id: JobId, *, upstream: bool) -> bool:
    """Tell whether a job keeps its run from being green."""
    job = run.job(job_id)
    copies = [run.job(copy.id).status for copy in run.index.children.get(job_id, ())]
    if copies and job.started_at is not None:  # else a retry found that it does not run now
        assert job.status is roll_up(copies), "a matrix job is what its copies are"
    if upstream and job.run_attempt < run.head.attempt:
        return False
    may_fail = run.index.jobs[job.id].continue_on_failure
    return job.status is Status.CANCELLED or (job.status is Status.FAILED and not may_fail)


def only_finally(run: Run) -> bool:
    """Tell whether the newest attempt was a retry of nothing but the finally stage."""
    return all(
        stage.is_finally or run.stage(stage.id).run_attempt < run.head.attempt
        for stage in run.index.spec.stages
    )


@settings(deadline=None, max_examples=60)
@given(REPAIRABLE, outcomes(), acts())
def test_a_retry_of_what_is_repaired_leads_to_green(
    spec: PipelineSpec, ends: Outcomes, course: list[Act]
) -> None:
    """Once nothing fails any more, whatever happened before, a whole retry ends green."""
    world = ended(spec, ends, course)
    world.ending = lambda _step, _attempt: Outcome()

    world.retry("")
    run = world.finish()

    assert run.head.status is Status.SUCCEEDED
