"""What one change costs does not depend on the size of the run (design.md §2.1)."""

from __future__ import annotations

from core_specs import broken, job, last, pipeline, stage
from core_world import World

from mulligan.core.decision import Decision, Draft
from mulligan.core.flow import steps
from mulligan.core.ids import JobId, RunnerName, StepId
from mulligan.core.report import StepReport
from mulligan.core.status import Status


def unwatched(count: int) -> World:
    """Give a run with that many jobs side by side, of which job 7 fails at first."""
    spec = pipeline(
        stage(2, *(job(number, f"a{number}", f"b{number}") for number in range(1, count + 1))),
        last(3, job(count + 1, "z")),
    )
    return World(spec, broken(b7=1), watched=False)


def rows(decision: Decision) -> int:
    """Count what a decision writes."""
    parts = (decision.stages, decision.jobs, decision.steps, decision.gates)
    return sum(map(len, parts)) + len(decision.events) + len(decision.effects)


def cost_of_a_job(count: int) -> list[int]:
    """Count the rows of claiming and reporting one of many jobs."""
    world = unwatched(count)
    world.claim("1")
    world.report("1")
    world.report("1")
    return [rows(decision) for decision in world.decisions[1:]]


def test_a_claim_and_a_report_write_as_much_in_a_large_run_as_in_a_small_one() -> None:
    """10 jobs or 2,000: the decision about one of them has the same rows."""
    assert cost_of_a_job(10) == cost_of_a_job(2000)


def test_a_repair_writes_only_what_it_repairs() -> None:
    """A retry of one of 2,000 jobs resets that job, its stage and the finally stage."""

    def cost(count: int) -> int:
        world = unwatched(count)
        for number in range(1, count + 1):
            world.claim(f"{number}")
            world.report(f"{number}")
            world.report(f"{number}")
        world.finish()
        world.retry("b7")
        return rows(world.decisions[-1])

    assert cost(10) == cost(2000)


def test_a_decision_shares_what_it_does_not_change() -> None:
    """Records of other jobs are the same objects in the snapshot before and after."""
    world = unwatched(50)
    before = world.run
    draft = Draft(before, world.now)

    steps.claim_job(draft, JobId("1"), RunnerName("r"))
    report = StepReport(
        job=JobId("1"), step=StepId("a1"), attempt=1, fence=1, status=Status.SUCCEEDED
    )
    steps.report_step(draft, report)

    after = draft.decision().run
    others = [JobId(str(number)) for number in range(2, 51)]
    assert all(after.jobs[job_id] is before.jobs[job_id] for job_id in others)
    assert before.job(JobId("1")).status is Status.QUEUED
