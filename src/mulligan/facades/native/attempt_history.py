"""The attempts of a run: who asked for them, what they did, how two of them differ."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from starlette.responses import Response

from mulligan.core.attempts import Ledger, changed_inputs, changed_values, part_of
from mulligan.core.durations import seconds_between
from mulligan.core.errors import NotFoundError
from mulligan.core.ids import JobId
from mulligan.core.recovery.changes import differences, parameter_differences
from mulligan.core.recovery.plan import Change
from mulligan.core.rights import Permission
from mulligan.core.run import Run, RunAttempt, Step
from mulligan.core.spec import JobSpec, StageSpec
from mulligan.facades.native import run_views
from mulligan.facades.native.change_views import show_change, show_changed
from mulligan.facades.native.endpoints import Call, Endpoint, answer
from mulligan.facades.native.run_views import Snapshot, word
from mulligan.facades.native.runs import ONE_RUN, run_of
from mulligan.facades.native.shapes import AttemptView, ChangedRef, ChangeView, Shape
from mulligan.ports import NodeHistory

MOST_EVENTS = 50_000  # that are read for the variables of a run
_BATCH = 1_000
MOST_NAMES = 200  # steps that are named of each kind


class RepairView(Shape, frozen=True, kw_only=True):
    """A step that was retried or skipped while the run went on. `what`: retry or skip."""

    at: datetime
    actor: str
    what: str
    target: str
    reason: str
    seconds_saved: float
    changes: tuple[ChangedRef, ...]


class StepRef(Shape, frozen=True, kw_only=True):
    """A step by id and name."""

    id: str
    name: str


class AttemptItem(AttemptView, frozen=True, kw_only=True):
    """One attempt of a run: who asked for it, when and why, what it did, how it ended.

    Args:
        ran, skipped, kept: Steps that ran in it, that it left out, and whose earlier result it
            kept; at most 200 are named, `counts` counts all.
        repairs: What was repaired while it went on.
        seconds: From its start to its end.
        changes: What was changed for it, besides what was changed before.
    """

    counts: dict[str, int]
    ran: tuple[StepRef, ...]
    skipped: tuple[StepRef, ...]
    kept: tuple[StepRef, ...]
    repairs: tuple[RepairView, ...]
    seconds_saved: float
    seconds: float | None
    changes: tuple[ChangedRef, ...]


class AttemptList(Shape, frozen=True, kw_only=True):
    """The attempts of a run, oldest first: the history of its recovery."""

    items: tuple[AttemptItem, ...]


class StepSide(Shape, frozen=True, kw_only=True):
    """A step as one attempt of the run left it.

    Args:
        part: ran, skipped, kept (from an earlier attempt of the run) or never.
        attempt: Of the step; 0 = it never ran.
    """

    part: str
    attempt: int
    status: str
    cause: str | None
    exit_code: int | None
    runner: str | None
    pin: str
    seconds: float | None


class StepDiff(Shape, frozen=True, kw_only=True):
    """A step in two attempts. `inputs`: names of inputs that were changed in between."""

    stage: str
    job: str
    id: str
    name: str
    changed: bool
    before: StepSide
    after: StepSide
    inputs: tuple[str, ...]


class ValueDiff(Shape, frozen=True, kw_only=True):
    """A variable that differs. `how`: added, removed, changed; `writer`: start or a step's id."""

    name: str
    how: str
    writer: str


class AttemptDiff(Shape, frozen=True, kw_only=True):
    """How two attempts of a run differ.

    `changes`: what people changed for a retry in between. `variables`: null if the run has too
    many events to tell.
    """

    run: str
    before: AttemptView
    after: AttemptView
    changes: tuple[ChangeView, ...]
    steps: tuple[StepDiff, ...]
    variables: tuple[ValueDiff, ...] | None


async def list_attempts(call: Call) -> Response:
    """List the attempts of a run with what each of them did."""
    run = await run_of(call)
    history = await call.services.store.history(run.head.id)
    items = tuple(_item(run, history, attempt) for attempt in run.head.attempts)
    return answer(AttemptList(items=items))


def _item(run: Run, history: NodeHistory, attempt: RunAttempt) -> AttemptItem:
    snapshot = Snapshot(run, history, attempt.number)
    parts: dict[str, list[StepRef]] = {"ran": [], "skipped": [], "kept": [], "never": []}
    for _, job in _jobs(snapshot):
        for spec in job.steps:
            step = snapshot.recorded_step(spec)
            part = part_of(step, attempt.number)
            parts[part].append(StepRef(id=spec.id, name=spec.name))
    shown = run_views.show_attempt(attempt)
    return AttemptItem(
        **{name: getattr(shown, name) for name in shown.__struct_fields__},
        counts={part: len(steps) for part, steps in parts.items()},
        ran=tuple(parts["ran"][:MOST_NAMES]),
        skipped=tuple(parts["skipped"][:MOST_NAMES]),
        kept=tuple(parts["kept"][:MOST_NAMES]),
        repairs=tuple(
            RepairView(
                at=repair.at,
                actor=repair.actor,
                what=repair.what,
                target=repair.target,
                reason=repair.reason,
                seconds_saved=round(repair.seconds_saved, 3),
                changes=show_changed(repair.changes, run.index),
            )
            for repair in attempt.repairs
        ),
        seconds_saved=round(attempt.seconds_saved, 3),
        seconds=seconds_between(attempt.started_at, attempt.ended_at),
        changes=show_changed(attempt.changes, run.index),
    )


def _jobs(snapshot: Snapshot) -> list[tuple[StageSpec, JobSpec]]:
    """Return the jobs whose steps run: of a matrix job its copies."""
    return [
        (stage, job)
        for stage in snapshot.index.spec.stages
        for job in snapshot.index.jobs_of(stage)
        if job.matrix is None
    ]


async def diff_attempts(call: Call) -> Response:
    """Compare two attempts of a run step by step."""
    run = await run_of(call)
    first, second = (_attempt(call, run, name) for name in ("a", "b"))
    history = await call.services.store.history(run.head.id)
    sides = (Snapshot(run, history, first.number), Snapshot(run, history, second.number))
    # copies of a matrix job may be others in the two
    places = {job.id: (stage, job) for side in sides for stage, job in _jobs(side)}
    steps = tuple(
        _step_diff(sides, stage, job, place)
        for stage, job in places.values()
        for place in range(len(job.steps))
    )
    sensitive = await call.services.plugins.sensitive_inputs()
    return answer(
        AttemptDiff(
            run=run.head.id,
            before=run_views.show_attempt(first),
            after=run_views.show_attempt(second),
            changes=tuple(
                show_change(each, run.index, sensitive) for each in _changes(sides, places)
            ),
            steps=steps,
            variables=await _variables(call, run, first.number, second.number),
        )
    )


def _changes(
    sides: tuple[Snapshot, Snapshot], places: Mapping[JobId, tuple[StageSpec, JobSpec]]
) -> Iterator[Change]:
    """Yield what people changed from one attempt to another."""
    for _, job in places.values():
        for spec in job.steps:
            yield from differences(spec, *(side.recorded_step(spec).patch for side in sides))
    yield from parameter_differences(
        sides[0].run.head.parameters, *(side.attempt for side in sides)
    )


def _attempt(call: Call, run: Run, name: str) -> RunAttempt:
    text = call.part(name)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= number <= len(run.head.attempts):
        raise NotFoundError("attempt", text)
    return run.head.attempts[number - 1]


def _step_diff(
    sides: tuple[Snapshot, Snapshot], stage: StageSpec, job: JobSpec, place: int
) -> StepDiff:
    spec = job.steps[place]
    records = [side.recorded_step(spec) for side in sides]
    before, after = (
        _side(record, side.attempt) for record, side in zip(records, sides, strict=True)
    )
    return StepDiff(
        stage=stage.id,
        job=job.id,
        id=spec.id,
        name=spec.name,
        changed=(before.status, before.cause, before.exit_code)
        != (after.status, after.cause, after.exit_code),
        before=before,
        after=after,
        inputs=changed_inputs(*records),
    )


def _side(step: Step, attempt: int) -> StepSide:
    part = part_of(step, attempt)
    return StepSide(
        part=part,
        attempt=0 if part == "never" else step.attempt,
        status=step.status.value,
        cause=word(step.cause),
        exit_code=step.exit_code,
        runner=step.runner,
        pin=step.pin,
        seconds=seconds_between(step.started_at, step.ended_at),
    )


async def _variables(call: Call, run: Run, first: int, second: int) -> tuple[ValueDiff, ...] | None:
    ledger, seq = Ledger(), 0
    for _ in range(MOST_EVENTS // _BATCH):
        rows = await call.services.store.events_after(seq, run_id=run.head.id, limit=_BATCH)
        ledger.take(row.event for row in rows)
        if len(rows) < _BATCH:
            ledger.close()
            found = changed_values(ledger.ends.get(first, {}), ledger.ends.get(second, {}))
            return tuple(
                ValueDiff(name=each.name, how=each.how, writer=each.writer) for each in found
            )
        seq = rows[-1].seq
    return None


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=ONE_RUN + "/attempts",
        act=list_attempts,
        summary="List the attempts of a run: who asked for them and why, what they did",
        needs=Permission.VIEW,
        answer=AttemptList,
    ),
    Endpoint(
        method="GET",
        path=ONE_RUN + "/attempts/{a}/diff/{b}",
        act=diff_attempts,
        summary="Compare two attempts of a run, step by step",
        needs=Permission.VIEW,
        answer=AttemptDiff,
    ),
)
