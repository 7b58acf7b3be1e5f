"""What waits for people: reviews of stages, review steps, pauses, rules of quality."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from starlette.responses import Response

from mulligan.core.flow.reviewers import may_answer
from mulligan.core.flow.votes import review_params
from mulligan.core.ids import ProjectId, StageId, StepId
from mulligan.core.rights import Permission
from mulligan.core.run import TRIGGER_REVIEW, Gate, Run
from mulligan.core.spec import ReviewParam, ReviewSpec, StageSpec
from mulligan.core.triggers.origin import Origin
from mulligan.facades.native import queries
from mulligan.facades.native.endpoints import Call, Endpoint, Query, answer, enter
from mulligan.facades.native.shapes import Shape
from mulligan.ports.overview import OpenGate

_PROJECTS = 500  # looked up at once
_ROUNDS = 20  # pages of gates that are looked through for one page of one's own
_NEEDED = {"pause": Permission.START}  # all others are reviews


class VoteView(Shape, frozen=True, kw_only=True):
    """What somebody has answered."""

    user: str
    approve: bool
    comment: str
    at: datetime


class ApprovalGroup(Shape, frozen=True, kw_only=True):
    """People who are asked. `state`: done, asked (now) or waiting (for those before)."""

    id: str
    name: str
    reviewers: tuple[str, ...]
    state: str
    votes: tuple[VoteView, ...]


class ApprovalParameter(Shape, frozen=True, kw_only=True):
    """A value that who answers may change."""

    key: str
    kind: str
    value: Any
    required: bool
    desc: str


class ApprovalView(Shape, frozen=True, kw_only=True):
    """Something that waits for people.

    Args:
        kind: stage-review, step-review, pause, quality (gatekeepers let pass what rules hold) or
            trigger-review (may the run begin that an event has started?).
        node: Id of the stage or step; of a trigger-review stage-1.
        asked_by: Who started the run, or retried it last.
        groups: In the order in which they are asked; empty of a pause: whoever may start runs.
        comment_required: An answer needs words, too.
        mine: The caller may answer now.
        path: Where to POST the answer to, below `/api/v1`.
    """

    kind: str
    project: str
    pipeline: str
    pipeline_name: str
    run: str
    number: int
    message: str
    stage: str
    stage_name: str
    node: str
    name: str
    desc: str
    asked_at: datetime
    asked_by: str
    due_at: datetime | None
    groups: tuple[ApprovalGroup, ...]
    parameters: tuple[ApprovalParameter, ...]
    comment_required: bool
    mine: bool
    path: str


class ApprovalList(Shape, frozen=True, kw_only=True):
    """A page of what waits, oldest first."""

    items: tuple[ApprovalView, ...]
    next_cursor: str | None


async def list_approvals(call: Call) -> Response:
    """List what waits for people in the projects that the caller may see."""
    request = call.request
    only_mine = queries.flag(request, "mine")
    wanted = queries.limit(request)
    after = queries.whole(request, "cursor", default=0) or 0
    projects = await _projects(call)
    items: list[ApprovalView] = []
    more = False
    for _ in range(_ROUNDS):
        gates = await call.services.store.open_gates(projects, limit=wanted + 1, after=after)
        more = len(gates) > wanted
        for gate in gates[:wanted]:
            if len(items) == wanted:
                more = True
                break
            after = gate.key
            shown = await _show(call, gate)
            if shown is not None and (shown.mine or not only_mine):
                items.append(shown)
        if not more or len(items) == wanted:
            break
    return answer(ApprovalList(items=tuple(items), next_cursor=str(after) if more else None))


async def _projects(call: Call) -> tuple[ProjectId, ...] | None:
    """Return the projects that the caller may see; None = all."""
    given = queries.text(call.request, "project")
    if given:
        await enter(call.services, call.actor, given, Permission.VIEW)
        return (ProjectId(given),)
    actor, access = call.actor, call.services.access
    if not actor.projects and (actor.is_admin or actor.is_open):
        return None
    if actor.projects:
        known = list(actor.projects)
    else:
        known = [project async for project in _memberships(call)]
    return tuple([each for each in known if await access.allows(actor, Permission.VIEW, each)])


async def _memberships(call: Call) -> AsyncIterator[ProjectId]:
    offset = 0
    while found := await call.services.store.list_projects(
        user=call.actor.user, limit=_PROJECTS, offset=offset
    ):
        for project in found:
            yield project.id
        offset += _PROJECTS


async def _show(call: Call, waiting: OpenGate) -> ApprovalView | None:
    gate = waiting.gate
    if gate.kind == "signal":
        return None  # no person gives it
    run = await call.services.engine.get_run(waiting.run)
    if run.open_gate(gate.node) is None:
        return None  # answered meanwhile
    if gate.kind == TRIGGER_REVIEW:
        return await _show_trigger(call, waiting, run)
    place = _place(run, gate)
    if place is None:
        return None
    stage, step = place
    review = stage.review if step is None and gate.kind == "stage-review" else None
    spec = None if step is None else run.index.steps[step]
    node = stage.id if step is None else step
    kind_path = "stages" if step is None else "steps"
    act = "resume" if gate.kind == "pause" else "answer"
    return ApprovalView(
        kind=gate.kind,
        project=waiting.project,
        pipeline=waiting.pipeline,
        pipeline_name=run.index.spec.name,
        run=waiting.run,
        number=run.head.number,
        message=run.head.message,
        stage=stage.id,
        stage_name=stage.name,
        node=node,
        name=stage.name if spec is None else spec.name,
        desc=_desc(review, {} if spec is None else spec.inputs),
        asked_at=gate.opened_at,
        asked_by=run.head.attempts[-1].actor,
        due_at=gate.due_at,
        groups=_groups(review, gate),
        parameters=_parameters(review, gate, {} if spec is None else spec.inputs),
        comment_required=spec is not None and bool(spec.inputs.get("suggestRequired")),
        mine=await _is_mine(call, waiting),
        path=f"/projects/{waiting.project}/runs/{waiting.run}/{kind_path}/{node}/{act}",
    )


async def _show_trigger(call: Call, waiting: OpenGate, run: Run) -> ApprovalView:
    head, gate = run.head, waiting.gate
    names = {trigger.id: trigger.name for trigger in run.index.spec.triggers}
    origin = head.origin or Origin()
    return ApprovalView(
        kind=gate.kind,
        project=waiting.project,
        pipeline=waiting.pipeline,
        pipeline_name=run.index.spec.name,
        run=waiting.run,
        number=head.number,
        message=head.message,
        stage=gate.node,
        stage_name="",
        node=gate.node,
        name=names.get(origin.trigger, ""),
        desc=origin.page,
        asked_at=gate.opened_at,
        asked_by=head.started_by,
        due_at=gate.due_at,
        groups=_groups(None, gate),
        parameters=(),
        comment_required=False,
        mine=await _is_mine(call, waiting),
        path=f"/projects/{waiting.project}/runs/{waiting.run}/stages/{gate.node}/answer",
    )


def _place(run: Run, gate: Gate) -> tuple[StageSpec, StepId | None] | None:
    """Return the stage of a gate, and its step if it has one."""
    node = gate.node.partition(":")[0]
    position = run.index.stages.get(StageId(node))
    if position is not None:
        return run.index.spec.stages[position], None
    step = StepId(node)
    if step not in run.index.steps:
        return None
    return run.index.stage_of_job(run.index.step_job[step][0]), step


def _desc(review: ReviewSpec | None, inputs: dict[str, Any]) -> str:
    return review.desc if review is not None else str(inputs.get("desc") or "")


def _groups(review: ReviewSpec | None, gate: Gate) -> tuple[ApprovalGroup, ...]:
    if gate.kind == "pause":
        return ()
    if review is None:
        return (_group("", "", gate.reviewers, "asked", gate, None),)
    states = ["done" if place < gate.group else "waiting" for place in range(len(review.groups))]
    states[gate.group] = "asked"
    return tuple(
        _group(
            group.id,
            group.name,
            gate.reviewers if place == gate.group else group.reviewers,
            states[place],
            gate,
            place,
        )
        for place, group in enumerate(review.groups)
    )


def _group(
    ident: str, name: str, reviewers: tuple[str, ...], state: str, gate: Gate, place: int | None
) -> ApprovalGroup:
    return ApprovalGroup(
        id=ident,
        name=name,
        reviewers=reviewers,
        state=state,
        votes=tuple(
            VoteView(user=vote.user, approve=vote.approve, comment=vote.suggestion, at=vote.at)
            for vote in gate.votes
            if place in {None, vote.group}
        ),
    )


def _parameters(
    review: ReviewSpec | None, gate: Gate, inputs: dict[str, Any]
) -> tuple[ApprovalParameter, ...]:
    if gate.kind == "pause":
        return ()
    params: tuple[ReviewParam, ...] = review.params if review else review_params(inputs)
    return tuple(
        ApprovalParameter(
            key=param.key,
            kind=param.kind,
            value=gate.values.get(param.key, param.value),
            required=param.required,
            desc=param.desc,
        )
        for param in params
    )


async def _is_mine(call: Call, waiting: OpenGate) -> bool:
    gate = waiting.gate
    needed = _NEEDED.get(gate.kind, Permission.APPROVE)
    if not await call.services.access.allows(call.actor, needed, waiting.project):
        return False
    return may_answer(gate, call.actor.user) is None


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/approvals",
        act=list_approvals,
        summary="List what waits for people in all projects that one may see, oldest first",
        answer=ApprovalList,
        query=(
            Query("mine", "Only what the caller may answer now.", {"type": "boolean"}),
            Query("project", "Only of this project."),
            *queries.PAGED,
        ),
    ),
)
