"""The twelve statuses: what a run amounts to after each event of the tables §4.2 and §4.3."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mulligan.core.cause import Cause
from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.records import Pipeline
from mulligan.core.spec import AfterFailure, PipelineSpec
from mulligan.core.status import Status
from mulligan.facades.swr.status import Look, render_status, status_of_list
from mulligan.facades.swr.times import ZERO_TIME, time_text
from mulligan.testing.simulate import START
from release_run import ANN, BOB, Release
from release_world import definition, deploy, hook, review, stage

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
SHOP = definition(stage(0, "build"), deploy(1), stage(2, "last"))
IGNORED = definition(
    stage(0, "build"),
    stage(1, "check", ignored=True, after_failure=AfterFailure.END),
    stage(2, "last"),
)
RESET = definition(stage(0, "build"), stage(1, "on", after_failure=AfterFailure.RESET, hold_s=0))
ASKED = definition(deploy(0), review(1, ANN, BOB), stage(2, "last"))
TOLD = definition(deploy(0), stage(1, "told", signals=("h1",)))


def pipeline() -> Pipeline:
    """Give the record of the pipeline."""
    return Pipeline(
        id=PipelineId("p-" + "0" * 32),
        project=ProjectId("demo"),
        name="web",
        created_by=ANN,
        created_at=START,
        updated_by=ANN,
        updated_at=START,
        version=1,
    )


def look(release: Release | None, spec: PipelineSpec | None = None, **fields: Any) -> Look:
    """Look at a run as it is now."""
    run = release.run if release is not None else None
    found = spec or (run.index.spec if run is not None else SHOP)
    now = release.now if release is not None else START
    return Look(**{"pipeline": pipeline(), "spec": found, "now": now, "run": run, **fields})


def shown(release: Release) -> tuple[str, int, list[str]]:
    """Give status, place, and the statuses of the stages; check what always holds."""
    answer = render_status(look(release))
    listed = status_of_list(release.run.head, look(release))
    stages = [each["status"] for each in answer["stages"]]
    assert {answer["status"], *stages} <= TWELVE
    assert listed["stages"] is None
    for name in ("status", "stage_index", "start_time", "end_time", "updated_time"):
        assert listed[name] == answer[name]
    for each in answer["stages"]:
        if each["status"] in {"waiting", "running", "rollbacking"}:
            assert each["end_time"] == ZERO_TIME
        else:
            assert each["end_time"] >= each["start_time"] or each["status"] == "cancel"
        if each["status"] == "waiting":
            assert each["start_time"] == ZERO_TIME
    return answer["status"], answer["stage_index"], stages


# --- the states, in the order of §4.2 -------------------------------------------------------------


def run_of(spec: PipelineSpec, *good: int) -> Release:
    release = Release(spec)
    release.work_through(*good)
    return release


def failing(spec: PipelineSpec, index: int, cause: Cause = Cause.USER) -> Release:
    release = run_of(spec, *range(index))
    release.work(index, cause)
    return release


def then(release: Release, *acts: Callable[[Release], Any]) -> Release:
    for act in acts:
        act(release)
    return release


def back(index: int, *ends: Cause | None) -> Callable[[Release], None]:
    def act(release: Release) -> None:
        release.roll_back(index)
        for cause in ends:
            release.work(index, cause)

    return act


def cancelled(release: Release) -> None:
    release.begin()
    release.cancel()
    index = release.run.head.stage
    release.end(index, status=Status.CANCELLED)


def later(**delta: float) -> Callable[[Release], None]:
    return lambda release: release.pass_time(**delta)


RUNNING, WAITING, SUCCESS, CANCEL = "running", "waiting", "success", "cancel"
BAD = "stage_exception"
CASES: list[tuple[str, Release, tuple[str, int, list[str]]]] = [
    ("P2", run_of(SHOP), (RUNNING, 0, [RUNNING, WAITING, WAITING])),
    ("P7", run_of(SHOP, 0), (RUNNING, 1, [SUCCESS, RUNNING, WAITING])),
    ("P8", run_of(SHOP, 0, 1, 2), (SUCCESS, 2, [SUCCESS] * 3)),
    ("P9", failing(IGNORED, 1), (RUNNING, 2, [SUCCESS, BAD, RUNNING])),
    (
        "P9 to the end",
        then(failing(IGNORED, 1), lambda r: r.work(2)),
        (SUCCESS, 2, [SUCCESS, BAD, SUCCESS]),
    ),
    ("P10", failing(RESET, 1), (WAITING, 0, [WAITING, WAITING])),
    ("P11", failing(SHOP, 1), (BAD, 1, [SUCCESS, BAD, WAITING])),
    (
        "P11 runtime",
        failing(SHOP, 1, Cause.UNREACHABLE),
        ("runtime_exception", 1, [SUCCESS, "runtime_exception", WAITING]),
    ),
    (
        "P11 timeout",
        failing(SHOP, 1, Cause.TIMEOUT),
        ("timeout", 1, [SUCCESS, "timeout", WAITING]),
    ),
    (
        "P11 unauthorized",
        failing(SHOP, 1, Cause.UNAUTHORIZED),
        ("unauthorized", 1, [SUCCESS, "unauthorized", WAITING]),
    ),
    ("P12", then(failing(SHOP, 1), later(hours=72)), ("timeout", 1, [SUCCESS, BAD, WAITING])),
    (
        "P13",
        then(failing(SHOP, 1), lambda r: r.retry_stage(1)),
        (RUNNING, 1, [SUCCESS, RUNNING, WAITING]),
    ),
    ("P14", then(run_of(SHOP, 0), cancelled), (CANCEL, 1, [SUCCESS, CANCEL, WAITING])),
    (
        "P14 before the claim",
        then(run_of(SHOP, 0), lambda r: r.cancel()),
        (CANCEL, 1, [SUCCESS, CANCEL, WAITING]),
    ),
    (
        "P14 by force",
        then(run_of(SHOP, 0), lambda r: r.begin(), lambda r: r.terminate()),
        (CANCEL, 1, [SUCCESS, CANCEL, WAITING]),
    ),
    (
        "P14 by force, reset",
        then(run_of(RESET, 0), lambda r: r.begin(), lambda r: r.terminate()),
        (CANCEL, 1, [SUCCESS, CANCEL]),
    ),
    (
        "P14 review",
        then(run_of(ASKED, 0), lambda r: r.begin(), lambda r: r.cancel()),
        (CANCEL, 1, [SUCCESS, CANCEL, WAITING]),
    ),
    (
        "P14 signals",
        then(run_of(TOLD, 0), lambda r: r.cancel()),
        (CANCEL, 1, [SUCCESS, CANCEL]),
    ),
    (
        "P15",
        then(failing(SHOP, 1), lambda r: r.give_up()),
        (CANCEL, 1, [SUCCESS, BAD, WAITING]),
    ),
    (
        "P17 closed",
        then(run_of(SHOP, 0, 1, 2), back(1)),
        ("rollbacking", 1, [SUCCESS, "rollbacking", SUCCESS]),
    ),
    (
        "P17 held",
        then(failing(SHOP, 2), back(1)),
        ("rollbacking", 1, [SUCCESS, "rollbacking", BAD]),
    ),
    (
        "P17 paused",
        then(run_of(ASKED, 0), lambda r: r.begin(), back(0)),
        ("rollbacking", 0, ["rollbacking", CANCEL, WAITING]),
    ),
    (
        "P17 waiting for signals",
        then(run_of(TOLD, 0), back(0)),
        ("rollbacking", 0, ["rollbacking", CANCEL]),
    ),
    (
        "P18 good",
        then(run_of(SHOP, 0, 1, 2), back(1, None)),
        ("rollback_success", 1, [SUCCESS, "rollback_success", SUCCESS]),
    ),
    (
        "P18 failed",
        then(run_of(SHOP, 0, 1, 2), back(1, Cause.USER)),
        ("rollback_failed", 1, [SUCCESS, "rollback_failed", SUCCESS]),
    ),
    (
        "P18 timeout",
        then(run_of(SHOP, 0, 1, 2), back(1, Cause.TIMEOUT)),
        ("rollback_failed", 1, [SUCCESS, "rollback_failed", SUCCESS]),
    ),
    (
        "P18 engine",
        then(run_of(SHOP, 0, 1, 2), back(1, Cause.LOST)),
        ("rollback_exception", 1, [SUCCESS, "rollback_exception", SUCCESS]),
    ),
    (
        "a failed rollback is not over after the hold",
        then(failing(SHOP, 1), back(1, Cause.USER), later(hours=100)),
        ("rollback_failed", 1, [SUCCESS, "rollback_failed", WAITING]),
    ),
    ("S2", run_of(TOLD, 0), (RUNNING, 1, [SUCCESS, RUNNING])),
    (
        "S3",
        then(run_of(TOLD, 0), lambda r: r.signal(1, "h1")),
        (RUNNING, 1, [SUCCESS, RUNNING]),
    ),
    (
        "S5 passed",
        then(run_of(ASKED, 0), lambda r: r.begin(), lambda r: r.vote(1), lambda r: r.vote(1, BOB)),
        (RUNNING, 2, [SUCCESS, SUCCESS, RUNNING]),
    ),
    (
        "S5 refused",
        then(run_of(ASKED, 0), lambda r: r.begin(), lambda r: r.vote(1, approve=False)),
        (BAD, 1, [SUCCESS, BAD, WAITING]),
    ),
    (
        "S7 after a rollback",
        then(run_of(SHOP, 0, 1, 2), back(1, None), lambda r: r.retry_stage(1)),
        (RUNNING, 1, [SUCCESS, RUNNING, WAITING]),
    ),
    (
        "S10",
        then(failing(IGNORED, 1), lambda r: r.work(2), lambda r: r.retry_stage(1)),
        (RUNNING, 1, [SUCCESS, RUNNING, WAITING]),
    ),
]


@pytest.mark.parametrize(("release", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_statuses(release: Release, expected: tuple[str, int, list[str]]) -> None:
    """After every event pipeline and stages have the status of the table."""
    assert shown(release) == expected


def test_p1_never_run() -> None:
    """P1: a pipeline that never ran waits at stage 0 with zero times."""
    answer = render_status(look(None))

    assert (answer["status"], answer["stage_index"]) == ("waiting", 0)
    assert {answer["start_time"], answer["end_time"], answer["hold_until"]} == {ZERO_TIME}
    assert [each["status"] for each in answer["stages"]] == ["waiting"] * 3
    assert {each["tasks"] for each in answer["stages"]} == {None}


def test_p19_run_that_counts_no_more() -> None:
    """P19: without a run that counts everything waits, by the present definition."""
    longer = definition(*SHOP.stages, stage(3, "new"))

    answer = render_status(look(None, longer))

    assert [each["status"] for each in answer["stages"]] == ["waiting"] * 4


def test_stopped_again_before_its_signals() -> None:
    """A stage that had run, was reset by a retry, and stopped before its signals is cancelled."""
    spec = definition(
        stage(0, "build", ignored=True), stage(1, "told", signals=("h1",)), stage(2, "last")
    )
    release = Release(spec)
    release.work(0, Cause.USER)
    release.signal(1, "h1")
    release.work_through(1, 2)
    release.retry_stage(0)
    release.work(0)

    waits = shown(release)
    release.cancel()

    assert waits == (RUNNING, 1, [SUCCESS, RUNNING, WAITING])
    assert shown(release) == (CANCEL, 1, [SUCCESS, CANCEL, WAITING])


def test_times_of_a_hold() -> None:
    """While held there is no end but a `hold_until`; afterwards the end is that instant."""
    release = failing(SHOP, 1)
    until = release.now + timedelta(hours=72)

    held = render_status(look(release))
    release.pass_time(hours=80)
    over = render_status(look(release))

    assert (held["end_time"], held["hold_until"]) == (ZERO_TIME, time_text(until))
    assert (over["end_time"], over["hold_until"]) == (time_text(until), ZERO_TIME)
    assert over["start_time"] == held["start_time"] == time_text(START)


def test_times_after_giving_up() -> None:
    """After a stop while held the end is that of the stop."""
    release = failing(SHOP, 1)
    release.pass_time(hours=1)

    release.give_up()
    answer = render_status(look(release))

    assert answer["end_time"] == time_text(release.run.head.released_at)
    assert answer["hold_until"] == ZERO_TIME


def test_last_run_of_a_reset_pipeline() -> None:
    """A reset pipeline has zero times, and tells of the failed run."""
    release = failing(RESET, 1, Cause.TIMEOUT)

    answer = render_status(look(release))

    assert (answer["start_time"], answer["end_time"]) == (ZERO_TIME, ZERO_TIME)
    assert answer["last_run"]["status"] == "timeout"
    assert answer["last_run"]["stage_index"] == 1
    assert answer["last_run"]["end_time"] == time_text(release.run.head.ended_at)


def test_start_time_is_kept_by_a_retry() -> None:
    """A retry keeps the start of the run; the stage has a new one; earlier stages theirs."""
    release = failing(SHOP, 1)
    before = render_status(look(release))
    release.pass_time(hours=1)

    release.retry_stage(1)
    after = render_status(look(release))

    assert after["start_time"] == before["start_time"]
    assert after["stages"][0] == before["stages"][0]
    assert after["stages"][1]["start_time"] > before["stages"][1]["start_time"]
    assert after["end_time"] == ZERO_TIME


def test_votes_are_shown() -> None:
    """Votes are shown while asked, kept when cut by a rollback, and gone when asked again."""
    release = run_of(ASKED, 0)
    empty = votes(release)
    release.begin()
    release.vote(1, ANN)
    one = votes(release)
    release.roll_back(0)
    release.work(0)
    cut = votes(release)
    release.retry_stage(0)
    again = votes(release)

    assert empty == again == [("ann", "waiting"), ("bob", "waiting")]
    assert one == cut == [("ann", "pass"), ("bob", "waiting")]


def votes(release: Release) -> list[tuple[str, str]]:
    """Return who has voted what."""
    state = render_status(look(release))["stages"][1]["state"]
    return [(each["user_name"], each["result"]) for each in state["review_results"]]


def test_early_signal_leaves_its_stage_waiting() -> None:
    """A stage that is not reached waits, also when a signal for it has come already (§4.1)."""
    release = Release(TOLD)

    release.signal(1, "h1")

    assert shown(release) == (RUNNING, 0, [RUNNING, WAITING])


def test_triggers_of_a_stage() -> None:
    """A latched signal of a stage shows with what it brought, until the stage begins."""
    spec = definition(stage(0, "a"), stage(1, "b", signals=("h1", "h2"), needs_all=True))
    hooks = (hook("h1", index=1), hook("h2", index=1))
    release = Release(spec)
    seen = [triggers(release, hooks)]

    release.signal(1, "h1", {"VERSION": "v1"})
    seen.append(triggers(release, hooks))
    release.work(0)
    release.signal(1, "h2")
    seen.append(triggers(release, hooks))

    assert [[each["is_satisfied"] for each in row] for row in seen] == [
        [False, False],
        [True, False],
        [False, False],
    ]
    assert seen[1][0]["webhook"] == {"input_params": {"VERSION": "v1"}}


def triggers(release: Release, hooks: tuple[Any, ...]) -> list[Any]:
    """Return the triggers of stage 1."""
    answer = render_status(look(release, hooks=hooks))
    found: list[Any] = answer["stages"][1]["pre_operation"]["triggers_status"]
    return found
