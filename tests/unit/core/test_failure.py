"""Which failure is the root, since when it happens, and what counts as recovered."""

from __future__ import annotations

import pytest
from core_specs import broken, job, last, one_job, pipeline, stage, step
from core_start import ALICE
from core_world import World

from mulligan.core.cause import Cause
from mulligan.core.durations import quantile
from mulligan.core.failure import PastNode, failing_since, root_failure
from mulligan.core.ids import RunId, UserName
from mulligan.core.recovered import recovery_of
from mulligan.core.spec import OnFailure, PipelineSpec, ReviewGroup, ReviewSpec
from mulligan.core.status import Status

SOFT = {"on_failure": OnFailure.CONTINUE}


def node_of(spec: PipelineSpec, *bad: str) -> tuple[str, str, int] | None:
    """Run a definition in which these steps fail; give kind, node and count of others."""
    world = World(spec, broken(*bad))
    world.finish()
    found = root_failure(world.run)
    return None if found is None else (found.kind, found.node, found.others)


@pytest.mark.parametrize(
    ("spec", "bad", "wanted"),
    [
        (one_job("a", "b"), ("b",), ("step", "b", 0)),
        # a failure that was continued explains nothing while another one broke the job
        (one_job(step("a", **SOFT), "b"), ("a", "b"), ("step", "b", 1)),
        # the final stage runs whatever happened before
        (
            pipeline(stage(1, job(1, "a")), last(9, job(9, "z"))),
            ("a", "z"),
            ("step", "a", 1),
        ),
        (
            pipeline(stage(1, job(1, "a")), last(9, job(9, "z"))),
            ("z",),
            ("step", "z", 0),
        ),
        # of two that failed by themselves the one that ended first
        (pipeline(stage(1, job(1, "a"), job(2, "b"))), ("a", "b"), ("step", "a", 1)),
        (one_job("a"), (), None),
    ],
)
def test_the_root_is_what_no_other_failure_explains(
    spec: PipelineSpec, bad: tuple[str, ...], wanted: tuple[str, str, int] | None
) -> None:
    """By itself before because of another, broken before continued, then the first."""
    assert node_of(spec, *bad) == wanted


def test_what_was_ended_because_of_another_is_no_root() -> None:
    """With fast kill the neighbours fail too, though they did nothing wrong."""
    spec = pipeline(stage(1, job(1, "slow", "a"), job(2, "b"), fast_kill=True))

    assert node_of(spec, "b") in {("step", "b", 0), ("step", "b", 1)}


def test_a_stage_that_was_refused_is_named() -> None:
    """Nothing below it ran, so the stage says why."""
    review = ReviewSpec(groups=(ReviewGroup(id="g", reviewers=(ALICE,)),))
    world = World(pipeline(stage(1, job(1, "a")), stage(2, job(2, "b"), review=review)))
    world.finish(approve=False)

    found = root_failure(world.run)

    assert found is not None
    assert (found.kind, found.node, found.cause) == ("stage", "stage-2", Cause.REJECTED)


def past(*words: str) -> list[PastNode]:
    """Give what became of a node, newest run first, by the first letter of its status."""
    statuses = {"f": Status.FAILED, "s": Status.SUCCEEDED, "c": Status.CANCELLED}
    world = World(one_job("a"))
    return [
        PastNode(
            run=RunId(f"b-{number}"),
            number=number,
            status=statuses[word],
            started_by=UserName("alice"),
            message="",
            queued_at=world.now,
        )
        for number, word in zip(range(len(words), 0, -1), words, strict=True)
    ]


@pytest.mark.parametrize(
    ("words", "is_all", "wanted"),
    [
        ("f", True, (1, None, 1, True)),
        ("fs", False, (2, 1, 1, True)),
        ("ffsf", False, (3, 2, 2, True)),
        ("fcfs", False, (2, 1, 2, True)),
        ("fff", False, (1, None, 3, False)),
        ("s", True, None),
        ("", True, None),
    ],
)
def test_since_when_it_fails(
    words: str, is_all: bool, wanted: tuple[int, int | None, int, bool] | None
) -> None:
    """The row of failures ends at a success; what was cancelled neither ends nor lengthens it."""
    found = failing_since(past(*words), is_all=is_all)

    seen = found and (
        found.first.number,
        found.last_green.number if found.last_green else None,
        found.runs,
        found.is_known,
    )
    assert seen == wanted


def test_a_run_that_was_retried_is_recovered() -> None:
    """By whom, and what its kept work took; one that just succeeded is not."""
    plain = World(one_job("a"))
    plain.finish()
    world = World(one_job("a", "b"), broken(b=1))
    world.finish()
    assert recovery_of(world.run.head) is None
    world.retry("b")
    world.finish()

    found = recovery_of(world.run.head)

    assert recovery_of(plain.run.head) is None
    assert found is not None
    kept = world.run.step(world.run.index.spec.stages[0].jobs[0].steps[0].id)
    assert kept.started_at is not None
    assert kept.ended_at is not None
    assert found.seconds_saved == (kept.ended_at - kept.started_at).total_seconds()
    assert found.broken_at == world.run.head.attempts[0].ended_at
    assert found.by == world.run.head.attempts[1].actor


@pytest.mark.parametrize(
    ("values", "share", "wanted"),
    [
        ([], 0.5, None),
        ([7.0], 0.95, 7.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(number) for number in range(1, 101)], 0.95, 95.0),
        ([1.0, 2.0], 0.0, 1.0),
    ],
)
def test_quantiles(values: list[float], share: float, wanted: float | None) -> None:
    """The smallest value that at least that share do not exceed."""
    assert quantile(values, share) == wanted
