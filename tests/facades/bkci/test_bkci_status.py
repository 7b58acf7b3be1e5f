"""Statuses and causes in the words of the API, level by level, and back for filters."""

import pytest
from msgspec.structs import replace

from bkci.scenes import E11, at, compiled, run_of
from bkci.scenes import head as head_of
from mulligan.core.cause import Cause
from mulligan.core.errors import InvalidError
from mulligan.core.ids import JobId, StageId
from mulligan.core.run import Gate, Job, MutexTicket, Stage, Step
from mulligan.core.spec import JobSpec, StepSpec
from mulligan.core.status import Status
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.status_in import read_status_filter
from mulligan.facades.bkci.status_out import ALL_WORDS, job_word, run_word, stage_word, step_word

S, C = Status, Cause
STEP = StepSpec(id=E11)
REVIEW = StepSpec(id=E11, kind="review")
JOB = JobSpec(id=JobId("1"))
WAITING_JOB = JobSpec(id=JobId("2"), depends_on=(JobId("1"),))
STAGE_ID = StageId("stage-2")


def gate(kind: str = "stage-review", state: str = "open") -> Gate:
    """Return a gate of the first attempt."""
    return Gate(node="n", number=1, kind=kind, run_attempt=1, opened_at=at(1), state=state)


@pytest.mark.parametrize(
    ("status", "cause", "word"),
    [
        (S.QUEUED, None, "QUEUE"),
        (S.RUNNING, None, "RUNNING"),
        (S.SUCCEEDED, None, "SUCCEED"),
        (S.SKIPPED, C.CONDITION, "SUCCEED"),
        (S.CANCELLED, None, "CANCELED"),
        (S.FAILED, None, "FAILED"),
        (S.FAILED, C.USER, "FAILED"),
        (S.FAILED, C.TIMEOUT, "FAILED"),
        (S.FAILED, C.LOST, "FAILED"),
        (S.FAILED, C.REJECTED, "STAGE_SUCCESS"),
        (S.FAILED, C.QUEUE_TIMEOUT, "QUEUE_TIMEOUT"),
        (S.FAILED, C.TERMINATED, "TERMINATE"),
    ],
)
def test_words_of_runs(status: Status, cause: Cause | None, word: str) -> None:
    """A run ends in one of six words; what else made it fail is FAILED."""
    assert run_word(status, cause) == word


def test_run_at_an_open_review_is_stage_success() -> None:
    """A run that stands before a review shows as if it had come to a good stop."""
    assert run_word(S.RUNNING, None, awaits_review=True) == "STAGE_SUCCESS"


def test_run_whose_review_step_was_refused_has_failed() -> None:
    """Only the refusal of a stage review ends a run as STAGE_SUCCESS."""
    assert run_word(S.FAILED, C.REJECTED, review_refused=False) == "FAILED"


@pytest.mark.parametrize(
    ("status", "cause", "word"),
    [
        (S.RUNNING, None, "RUNNING"),
        (S.SUCCEEDED, None, "SUCCEED"),
        (S.FAILED, C.USER, "FAILED"),
        (S.FAILED, C.FAST_KILL, "FAILED"),
        (S.FAILED, C.TERMINATED, "TERMINATE"),
        (S.CANCELLED, None, "CANCELED"),
        (S.SKIPPED, C.DISABLED, "SKIP"),
        (S.SKIPPED, C.UNREACHED, "UNEXEC"),
    ],
)
def test_words_of_stages(status: Status, cause: Cause | None, word: str) -> None:
    """A stage that was reached has a word of its own record."""
    record = Stage(id=STAGE_ID, status=status, cause=cause)

    assert stage_word(record, None, run_ended=False) == word


def test_words_of_a_stage_with_a_review() -> None:
    """An open review pauses the stage; a refused one ends it as STAGE_SUCCESS."""
    queued = Stage(id=STAGE_ID)
    refused = Stage(id=STAGE_ID, status=S.FAILED, cause=C.REJECTED)

    assert stage_word(queued, gate(), run_ended=False) == "PAUSE"
    assert stage_word(refused, gate(state="rejected"), run_ended=True) == "STAGE_SUCCESS"
    assert stage_word(refused, gate(state="approved"), run_ended=True) == "FAILED"
    assert stage_word(queued, gate(), run_ended=True) == "UNEXEC"


def test_words_of_a_job_with_a_mutex() -> None:
    """It is LOOP_WAITING until the mutex is its own; tasks of a waiting job are QUEUE."""
    ticket = MutexTicket(name="door", asked_at=at(1))
    waiting = Job(id=JobId("1"), mutex=ticket)
    going = Job(id=JobId("1"), mutex=replace(ticket, held=True), queued_at=at(2))

    assert job_word(waiting, JOB, stage="RUNNING") == "LOOP_WAITING"
    assert job_word(going, JOB, stage="RUNNING") == "QUEUE"
    assert step_word(None, STEP, None, job="LOOP_WAITING") == "QUEUE"


def test_words_of_a_stage_that_has_not_begun() -> None:
    """Before its turn a stage has no status, after a retry QUEUE, after the end UNEXEC."""
    assert stage_word(None, None, run_ended=False) is None
    assert stage_word(Stage(id=STAGE_ID), None, run_ended=False) == "QUEUE"
    assert stage_word(None, None, run_ended=True) == "UNEXEC"


@pytest.mark.parametrize(
    ("status", "cause", "word"),
    [
        (S.RUNNING, None, "RUNNING"),
        (S.SUCCEEDED, None, "SUCCEED"),
        (S.FAILED, None, "FAILED"),
        (S.FAILED, C.USER, "FAILED"),
        (S.FAILED, C.TIMEOUT, "FAILED"),
        (S.FAILED, C.REJECTED, "FAILED"),
        (S.FAILED, C.FAST_KILL, "TERMINATE"),
        (S.FAILED, C.JOB_TIMEOUT, "TERMINATE"),
        (S.FAILED, C.TERMINATED, "TERMINATE"),
        (S.FAILED, C.QUEUE_TIMEOUT, "QUEUE_TIMEOUT"),
        (S.FAILED, C.LOST, "HEARTBEAT_TIMEOUT"),
        (S.FAILED, C.LOCKED, "FAILED"),
        (S.CANCELLED, None, "CANCELED"),
        (S.SKIPPED, C.DEPENDENCY, "SKIP"),
        (S.SKIPPED, C.UNREACHED, "UNEXEC"),
    ],
)
def test_words_of_jobs(status: Status, cause: Cause | None, word: str) -> None:
    """A job that was reached has a word of its own record."""
    record = Job(id=JOB.id, status=status, cause=cause)

    assert job_word(record, JOB, stage="RUNNING") == word


@pytest.mark.parametrize(
    ("stage", "word"),
    [
        (None, None),
        ("PAUSE", None),
        ("QUEUE", None),
        ("RUNNING", "QUEUE"),
        ("SKIP", "SKIP"),
        ("UNEXEC", "UNEXEC"),
        ("FAILED", "UNEXEC"),
        ("STAGE_SUCCESS", "UNEXEC"),
    ],
)
def test_words_of_a_job_without_record(stage: str | None, word: str | None) -> None:
    """What nothing has happened to yet follows its stage."""
    assert job_word(None, JOB, stage=stage) == word


def test_words_of_a_job_that_waits() -> None:
    """Waiting for another job, for a runner, for a person, and to be reached once more."""
    reset = Job(id=JOB.id, attempt=2, run_attempt=2)
    released = Job(id=WAITING_JOB.id, queued_at=at(1))
    parked = Job(id=JOB.id, status=S.RUNNING, parked=True)

    assert job_word(None, WAITING_JOB, stage="RUNNING") == "DEPENDENT_WAITING"
    assert job_word(released, WAITING_JOB, stage="RUNNING") == "QUEUE"
    assert job_word(reset, JOB, stage="QUEUE") == "QUEUE"
    assert job_word(parked, JOB, stage="RUNNING", is_paused=True) == "PAUSE"
    assert job_word(parked, JOB, stage="RUNNING", is_paused=False) == "RUNNING"


@pytest.mark.parametrize(
    ("status", "cause", "word"),
    [
        (S.RUNNING, None, "RUNNING"),
        (S.SUCCEEDED, None, "SUCCEED"),
        (S.FAILED, C.USER, "FAILED"),
        (S.FAILED, C.CONFIG, "FAILED"),
        (S.FAILED, C.TIMEOUT, "EXEC_TIMEOUT"),
        (S.FAILED, C.TERMINATED, "TERMINATE"),
        (S.FAILED, C.FAST_KILL, "TERMINATE"),
        (S.FAILED, C.JOB_TIMEOUT, "TERMINATE"),
        (S.FAILED, C.QUEUE_TIMEOUT, "QUEUE_TIMEOUT"),
        (S.FAILED, C.LOST, "HEARTBEAT_TIMEOUT"),
        (S.FAILED, C.REJECTED, "REVIEW_ABORT"),
        (S.CANCELLED, None, "CANCELED"),
        (S.SKIPPED, C.WAIVED, "SKIP"),
        (S.SKIPPED, C.CONDITION, "SKIP"),
        (S.SKIPPED, C.UNREACHED, "UNEXEC"),
    ],
)
def test_words_of_steps(status: Status, cause: Cause | None, word: str) -> None:
    """A step that had its turn has a word of its own record; a continued failure stays FAILED."""
    record = Step(id=E11, status=status, cause=cause)

    assert step_word(record, STEP, None, job="RUNNING") == word


def test_words_of_a_step_that_waits_for_a_person() -> None:
    """Reviews are REVIEWING and then REVIEW_PROCESSED, pauses PAUSE; an ended job ends both."""
    approved = Step(id=E11, status=S.SUCCEEDED)

    assert step_word(None, REVIEW, gate("step-review"), job="RUNNING") == "REVIEWING"
    assert step_word(approved, REVIEW, gate("step-review", "approved"), job="SUCCEED") == (
        "REVIEW_PROCESSED"
    )
    assert step_word(None, STEP, gate("pause"), job="PAUSE") == "PAUSE"
    assert step_word(None, STEP, gate("pause"), job="TERMINATE") == "UNEXEC"


@pytest.mark.parametrize(
    ("job", "enabled", "word"),
    [
        (None, True, None),
        ("RUNNING", True, "QUEUE"),
        ("DEPENDENT_WAITING", True, "QUEUE"),
        ("SKIP", True, "SKIP"),
        ("CANCELED", True, "UNEXEC"),
        ("FAILED", False, "SKIP"),
        ("RUNNING", False, "QUEUE"),
    ],
)
def test_words_of_a_step_without_record(job: str | None, enabled: bool, word: str | None) -> None:
    """What nothing has happened to yet follows its job."""
    assert step_word(None, STEP, None, job=job, is_enabled=enabled) == word


def test_run_that_waits_for_its_first_stage() -> None:
    """A run in the queue has no status at any part of it."""
    index, _ = compiled()
    waiting = head_of(status=S.QUEUED, cause=None, stage=-1, started_at=None, ended_at=None)
    view = AttemptView(run_of(index, waiting))

    words = [view.stage_status(stage) for stage in index.spec.stages]

    assert view.run_status() == "QUEUE"
    assert words == [None, None, None]
    first = index.spec.stages[0].jobs[0]
    assert view.job_status(first, None) is None
    assert view.step_status(first.steps[0], None) is None


def test_run_that_was_cancelled_in_the_queue() -> None:
    """Everything in a run that never began is UNEXEC."""
    index, _ = compiled()
    ended = head_of(status=S.CANCELLED, cause=None, stage=-1, started_at=None)
    view = AttemptView(run_of(index, ended))

    words = [view.stage_status(stage) for stage in index.spec.stages]

    assert view.run_status() == "CANCELED"
    assert words == ["UNEXEC"] * 3


@pytest.mark.parametrize(
    ("names", "statuses", "causes"),
    [
        ((), (), ()),
        (("SUCCEED",), (S.SUCCEEDED, S.SKIPPED), ()),
        (("RUNNING", "QUEUE"), (S.QUEUED, S.RUNNING), ()),
        (("QUEUE_CACHE",), (S.QUEUED,), ()),
        (("STAGE_SUCCESS",), (S.FAILED,), ("rejected",)),
        (("TERMINATE", "QUEUE_TIMEOUT"), (S.FAILED,), ("queue_timeout", "terminated")),
        (("FAILED", "TERMINATE", "QUEUE_TIMEOUT", "STAGE_SUCCESS"), (S.FAILED,), ()),
    ],
)
def test_filters(names: tuple[str, ...], statuses: tuple[Status, ...], causes: object) -> None:
    """Names become statuses and, where failures are told apart, causes."""
    found = read_status_filter(names)

    assert (found.statuses, found.causes) == (statuses, causes)
    assert not found.nothing
    assert found.awaiting_review is ("STAGE_SUCCESS" in names)


def test_filter_of_ordinary_failures() -> None:
    """FAILED leaves out what has a word of its own."""
    found = read_status_filter(["FAILED"])

    assert {"user", "timeout", "lost", ""} <= set(found.causes)
    assert {"rejected", "terminated", "queue_timeout"}.isdisjoint(found.causes)


def test_filter_that_no_run_can_match() -> None:
    """Words of other levels are known, but no run has them."""
    assert read_status_filter(["SKIP", "PAUSE"]).nothing


def test_filter_with_an_unknown_word() -> None:
    """A word that the API does not have is refused."""
    with pytest.raises(InvalidError) as caught:
        read_status_filter(["SUCCEEDED"])

    assert caught.value.code == "bad-value"


@pytest.mark.parametrize("word", sorted(ALL_WORDS))
def test_every_word_of_the_api_is_taken_in_filters(word: str) -> None:
    """Each of the 29 names is read, and asks for something or for nothing."""
    found = read_status_filter([word])

    assert found.nothing is (not found.statuses)
