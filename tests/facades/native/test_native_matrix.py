"""Matrix jobs in the own API: copies are jobs of their own, plans name them."""

from __future__ import annotations

from builders import job, pipeline, stage
from mulligan.core.ids import StepId
from mulligan.core.matrix import child_step_id
from mulligan.core.recovery.plan import Plan
from mulligan.core.run import Job, Stage, Step
from mulligan.core.spec import MatrixSpec, PipelineSpec
from mulligan.facades.native.plan_views import show_plan
from mulligan.facades.native.run_views import Snapshot, state
from mulligan.ports import NodeHistory
from mulligan.testing.simulate import Simulation

BAD = child_step_id(StepId("work"), 2)


def grid() -> PipelineSpec:
    """Give a matrix job with an object among its values."""
    matrix = MatrixSpec(strategy="os: [win, mac]\npower: [{url: c1}]")
    return pipeline(stage("one", job("1", "work", matrix=matrix)))


def failed_once() -> Simulation:
    """Give an ended run one of whose two copies failed."""
    run = Simulation(grid(), lambda step_id, attempt: attempt > 1 or step_id != BAD)
    run.finish()
    return run


def test_copies_stand_behind_their_job() -> None:
    """With their values, in their names too; the job itself has no steps."""
    run = failed_once()

    (shown,) = state(Snapshot(run.run)).stages

    whole, good, bad = shown.jobs
    assert (whole.id, whole.status, whole.steps, whole.copy_of) == ("1", "failed", (), None)
    assert [(each.id, each.copy_of, each.status) for each in (good, bad)] == [
        ("1001", "1", "succeeded"),
        ("1002", "1", "failed"),
    ]
    assert bad.values == {"os": "mac", "power": '{"url":"c1"}', "power.url": "c1"}
    assert bad.name.endswith('(mac, {"url":"c1"})')
    assert [each.id for each in bad.steps] == [BAD]


def test_an_earlier_attempt_shows_the_copies_that_it_had() -> None:
    """Also after the job was reset and has none at the moment."""
    run = failed_once()
    jobs: dict[str, tuple[Job, ...]] = {
        str(node): (record,) for node, record in run.run.jobs.items()
    }
    steps: dict[str, tuple[Step, ...]] = {
        str(node): (record,) for node, record in run.run.steps.items()
    }
    stages: dict[str, tuple[Stage, ...]] = {
        str(node): (record,) for node, record in run.run.stages.items()
    }
    history = NodeHistory(stages=stages, jobs=jobs, steps=steps, gates={})
    run.retry()
    run.finish()

    (shown,) = state(Snapshot(run.run, history, 1)).stages

    assert [each.status for each in shown.jobs] == ["failed", "succeeded", "failed"]


def test_a_plan_counts_what_really_runs() -> None:
    """Of failed copies theirs, of a new split the pattern; never both."""
    run = failed_once()

    only = run.retry("1", only_failed=True)
    assert isinstance(only, Plan)
    within = show_plan(only, run.run)
    run.finish()
    whole = run.retry("1")
    assert isinstance(whole, Plan)
    anew = show_plan(whole, run.run)

    assert (within.counts.rerun, within.counts.keep) == (1, 1)
    actions = [(node.id, node.action) for node in within.nodes if node.kind == "job"]
    assert actions == [("1", "rerun"), ("1001", "keep"), ("1002", "rerun")]
    assert (anew.counts.rerun, anew.counts.keep) == (1, 0)
    assert [node.id for node in anew.nodes if node.kind == "step"] == ["work"]
