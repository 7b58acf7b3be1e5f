"""Parts of a definition that run only when certain files have changed."""

from __future__ import annotations

import pytest
from core_specs import broken, job, pipeline, stage, step
from core_world import World
from msgspec.structs import replace

from mulligan.core.cause import Cause
from mulligan.core.changed_paths import is_changed, unmatched
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.spec import MatrixSpec, PipelineSpec
from mulligan.core.status import Status

CHANGED = [
    ("src/", "src/a.py", True),
    ("src", "src/a.py", True),
    ("/src", "src/a.py", True),
    ("src", "src2/a.py", False),
    ("src", "lib/src/a.py", False),
    ("*/api", "shop/api/a.py", True),
    ("*/api", "shop/web/api/a.py", False),
    ("src/*.py", "src/a.py", True),
    ("src/*.py", "src/a.txt", False),
    ("README.md", "README.md", True),
    ("src/a/b", "src/a", False),
]


@pytest.mark.parametrize(("pattern", "path", "wanted"), CHANGED)
def test_patterns_of_paths(pattern: str, path: str, *, wanted: bool) -> None:
    """Segment by segment; a shorter pattern is a beginning."""
    assert is_changed(pattern, path) is wanted


SPEC = pipeline(
    stage(
        2, job(1, step("docs", if_modify=("docs",)), "a"), job(2, "b", if_modify=("docs", "src"))
    ),
    stage(3, job(3, "c"), if_modify=("web",)),
)


def ran(spec: PipelineSpec, paths: tuple[str, ...] | None) -> World:
    """Give the whole run that an event with these changed paths starts."""
    world = World(spec, waits=True)
    head = replace(world.run.head, unmatched=unmatched(spec, paths))
    world.run = replace(world.run, head=head)
    world.leave_queue()
    world.finish()
    return world


def test_what_did_not_change_does_not_run() -> None:
    """A step, a job or a stage is left out; one path of several is enough."""
    run = ran(SPEC, ("src/a.py",)).run

    assert run.head.status is Status.SUCCEEDED
    assert run.step(StepId("docs")).cause is Cause.DISABLED
    assert run.step(StepId("a")).status is Status.SUCCEEDED
    assert run.job(JobId("2")).status is Status.SUCCEEDED
    assert run.stage(StageId("stage-3")).cause is Cause.DISABLED


@pytest.mark.parametrize("paths", [None, ("docs/x", "web/y")])
def test_all_runs_without_paths(paths: tuple[str, ...] | None) -> None:
    """Who starts by hand, and an event that does not say what changed, run everything."""
    run = ran(SPEC, paths).run

    assert {run.step(StepId(name)).status for name in ("docs", "a", "b", "c")} == {Status.SUCCEEDED}


def test_copies_of_a_matrix_job_go_by_the_same_paths() -> None:
    """Their steps are left out as those of the job are."""
    steps = (step("docs", if_modify=("docs",)), "a")
    spec = pipeline(stage(2, job(1, *steps, matrix=MatrixSpec(strategy="os: [x, y]"))))
    run = ran(spec, ("src/a.py",)).run

    copies = run.index.children[JobId("1")]
    found = [[run.step(each.id).status for each in copy.steps] for copy in copies]
    assert found == [[Status.SKIPPED, Status.SUCCEEDED]] * 2


OFF = ("docs",)
REPAIR = pipeline(
    stage(
        2,
        job(1, step("docs", if_modify=OFF), step("post-docs", post_of="docs"), "bad"),
        job(2, "all", if_modify=OFF),
        job(3, step("only", if_modify=OFF)),
    ),
    stage(3, job(4, "late"), if_modify=OFF),
)


def failed() -> World:
    """Give a run in which the step failed that was left; all others are switched off."""
    world = World(REPAIR, broken(bad=1), waits=True)
    head = replace(world.run.head, unmatched=unmatched(REPAIR, ("src/a.py",)))
    world.run = replace(world.run, head=head)
    world.leave_queue()
    world.finish()
    return world


@pytest.mark.parametrize("target", ["docs", "post-docs", "2", "all", "3", "only", "4", "late"])
@pytest.mark.parametrize("skip", [False, True])
def test_what_is_switched_off_is_no_target(target: str, *, skip: bool) -> None:
    """As what the definition switches off: it has no work in this run, to retry or to skip."""
    answer = failed().plan(target, skip=skip, may_operate=True)

    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.TARGET_UNKNOWN


@pytest.mark.parametrize("target", ["", "bad", "1", "stage-2"])
def test_a_retry_leaves_it_switched_off(target: str) -> None:
    """What the event did not change is as unchanged as before; a job begins at its first step."""
    world = failed()

    world.retry(target)
    run = world.finish()

    assert run.head.status is Status.SUCCEEDED
    assert run.step(StepId("bad")).attempt == 2
    for name in ("docs", "post-docs", "all", "only", "late"):
        assert run.step(StepId(name)).started_at is None
