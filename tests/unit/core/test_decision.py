"""Putting a decision together, the errors of the core, and what `evolve` makes of events alone."""

from __future__ import annotations

import pytest
from core_specs import job, one_job, pipeline, stage
from core_start import ALICE, START, first_run

from mulligan.core import errors
from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft, Effect
from mulligan.core.errors import IllegalTransitionError
from mulligan.core.evolve import evolve
from mulligan.core.flow.walk import begin_run
from mulligan.core.ids import JobId, RunnerName
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.status import Status


def begun() -> Draft:
    """Give a draft in which a run of two jobs has just begun."""
    spec = pipeline(stage(2, job(1, "a", labels=("linux",)), job(2, "b")))
    draft = Draft(first_run(spec), START, is_new=True)
    begin_run(draft)
    return draft


def test_the_snapshot_is_at_the_next_revision_from_the_first_event_on() -> None:
    """A new run gets revision 1, a stored one the next; a draft without events stays."""
    decision = begun().decision()
    draft = Draft(decision.run, START)
    before = draft.run.head.revision

    draft.emit(e.RemarkWritten(at=START, actor=ALICE, text="x"))

    assert (decision.base_revision, decision.run.head.revision, before) == (0, 1, 1)
    assert (draft.run.head.revision, draft.decision().base_revision) == (2, 1)


def test_a_later_effect_replaces_an_earlier_one_of_its_key() -> None:
    """The outbox has one row for each kind and key."""
    draft = begun()

    draft.effect(Effect(kind="offer", key="1", drop=True))

    effects = {(effect.kind, effect.key): effect.drop for effect in draft.decision().effects}
    assert effects == {("offer", "1"): True, ("offer", "2"): False}


def test_a_draft_knows_whether_it_offers_a_job() -> None:
    """A dropped offer is none."""
    draft = begun()
    offers = [draft.new_offer()]
    for key in ("1", "2"):
        draft.effect(Effect(kind="offer", key=key, drop=True))
        offers.append(draft.new_offer())

    assert offers == [JobId("1"), JobId("2"), None]
    assert Draft(draft.run, START).new_offer() is None


def test_an_offer_names_what_the_job_needs() -> None:
    """Its attempt and its labels, so that nobody has to read the run to choose a runner."""
    offer = next(effect for effect in begun().decision().effects if effect.key == "1")

    assert offer.data == {"attempt": 1, "labels": ["linux"]}


def test_rows_are_those_that_events_changed() -> None:
    """Each node once, with its newest contents; values and the head have rows of their own."""
    decision = begun().decision()

    assert [stage.id for stage in decision.stages] == ["stage-2"]
    assert [job.id for job in decision.jobs] == ["1", "2"]
    assert (decision.steps, decision.gates) == ((), ())


@pytest.mark.parametrize(
    "event",
    [
        e.RunStarted(at=START),  # it has
        e.StageStarted(at=START, node="stage-2", position=0),
        e.JobRequeued(at=START, node="1"),  # nobody holds it
        e.StepFinished(at=START, node="b", status=Status.SUCCEEDED),  # it was skipped
        e.StepSkipped(at=START, node="b", cause=Cause.CONDITION),
    ],
)
def test_an_event_that_does_not_fit_raises(event: e.Event) -> None:
    """No event may take a node where the table of moves does not lead."""
    run = evolve(begun().run, e.StepSkipped(at=START, node="b", cause=Cause.CONDITION))

    with pytest.raises(IllegalTransitionError):
        evolve(run, event)


def test_evolving_leaves_the_snapshot_before_as_it_was() -> None:
    """Snapshots are values."""
    run = begun().run
    claimed = e.JobClaimed(at=START, node="1", runner=RunnerName("r"), fence=1)

    after = evolve(run, claimed)

    assert (run.job(JobId("1")).status, after.job(JobId("1")).status) == (
        Status.QUEUED,
        Status.RUNNING,
    )


def test_a_job_that_ends_outside_of_its_stage_is_not_counted() -> None:
    """Only a stage that is gone through counts its open jobs."""
    run = first_run(one_job("a"))

    after = evolve(run, e.JobFinished(at=START, node="1", status=Status.CANCELLED))

    assert dict(after.stages) == {}
    assert after.job(JobId("1")).status is Status.CANCELLED


def test_errors_carry_what_facades_need() -> None:
    """Each class of the tree keeps the parts of its message."""
    invalid = errors.InvalidError("bad", pointer="/a", code="c", values=("x",))
    missing = errors.NotFoundError("run", "b-1")
    forbidden = errors.ForbiddenError("ann", "edit", "shop")
    conflict = errors.ConflictError("taken", code="name", values=("shop",))
    refusal = Refusal(code=RefusalCode.EXPIRED, message="too old")

    assert (invalid.pointer, invalid.code, invalid.values) == ("/a", "c", ("x",))
    assert (missing.kind, missing.ident, str(missing)) == ("run", "b-1", "run 'b-1' not found")
    assert (forbidden.actor, forbidden.permission, forbidden.where) == ("ann", "edit", "shop")
    assert (conflict.code, conflict.values) == ("name", ("shop",))
    assert errors.RefusedError(refusal).refusal is refusal
    assert all(
        issubclass(kind, errors.MulliganError)
        for kind in (errors.CallerError, errors.StateError, errors.InfrastructureError)
    )
