"""Post actions: what a plugin has done after its job, whatever became of it.

A plugin's manifest may ask for a second step at the end of its job
(spec/bkci-model-and-engine.md §2.5.5). Which ones a run has is decided when it starts and kept in
its head, so that every attempt of it has the same steps, whatever is installed later.
"""

import hashlib
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from mulligan.core.ids import JobId, StepId
from mulligan.core.spec import (
    PLAIN,
    QUALITY,
    Condition,
    JobSpec,
    OnFailure,
    PipelineSpec,
    RunWhen,
    SpecIndex,
    StepSpec,
)

NAME_PREFIX = "POST\uff1a"
ENTRY_INPUT = "post_entry"  # among the inputs of a post action: what its plugin is called with

_CONDITIONS = {
    "failed()": RunWhen.FAILURE,
    "always()": RunWhen.UNLESS_CANCELLED,  # a cancel leaves it out
    "canceledOrTimeOut()": RunWhen.PARENT_CUT,
}


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """What a plugin wants to have done. `condition`: in the words of its manifest."""

    condition: str = "always()"
    entry: str = ""


class GateAround(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Quality rules around a step. `before`: else after it."""

    rules: tuple[str, ...]
    before: bool = False


class JobNeeds(msgspec.Struct, frozen=True, kw_only=True):
    """What a job waits for, as its `depends_text` came out when the run started."""

    job: JobId
    needs: tuple[JobId, ...]


class PostAction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run has besides its definition.

    A post action or a quality gate of a step, or what a job waits for by a text with variables.
    """

    step: StepId = StepId("")
    post: Post | None = None
    gate: GateAround | None = None
    needs: JobNeeds | None = None


def index_of(spec: PipelineSpec, actions: tuple[PostAction, ...] = ()) -> SpecIndex:
    """Index a definition as runs with these post actions follow it."""
    if not actions:
        return SpecIndex(spec)
    posts = {action.step: action.post for action in actions if action.post is not None}
    gates = tuple((each.step, each.gate) for each in actions if each.gate is not None)
    needs = {each.needs.job: each.needs.needs for each in actions if each.needs is not None}

    def completed(job: JobSpec) -> JobSpec:
        if job.depends_text:
            job = replace(job, depends_on=needs.get(job.id, ()))
        return with_post_steps(with_gate_steps(job, gates), posts)

    stages = tuple(replace(stage, jobs=tuple(map(completed, stage.jobs))) for stage in spec.stages)
    return SpecIndex(replace(spec, stages=stages))


def post_id(parent: StepId) -> StepId:
    """Give the id of the post action of a step: always the same."""
    digest = hashlib.sha256(f"{parent}:post".encode()).hexdigest()
    return StepId(f"e-{digest[:32]}")


def with_post_steps(job: JobSpec, posts: Mapping[StepId, Post]) -> JobSpec:
    """Append the post actions of a job's steps, those of later steps first.

    Args:
        posts: By the step that they belong to. Steps that have one already keep it.
    """
    has_one = {step.post_of for step in job.steps}
    added = tuple(
        _post_step(step, posts[step.id])
        for step in reversed(job.steps)
        if step.id in posts and step.id not in has_one and step.post_of is None
    )
    return replace(job, steps=(*job.steps, *added)) if added else job


def gate_id(step: StepId, *, before: bool) -> StepId:
    """Give the id of the quality gate of a step: always the same."""
    digest = hashlib.sha256(f"{step}:{'in' if before else 'out'}".encode()).hexdigest()
    return StepId(f"e-{digest[:32]}")


def with_gate_steps(job: JobSpec, gates: tuple[tuple[StepId, GateAround], ...]) -> JobSpec:
    """Put the quality gates of a job's steps before and after them."""
    around: dict[tuple[StepId, bool], GateAround] = {
        (step, gate.before): gate for step, gate in gates
    }
    steps: list[StepSpec] = []
    for step in job.steps:
        before, after = around.get((step.id, True)), around.get((step.id, False))
        steps += [_gate_step(step, before)] if before is not None else []
        steps.append(step)
        steps += [_gate_step(step, after)] if after is not None else []
    return replace(job, steps=tuple(steps)) if len(steps) > len(job.steps) else job


def _gate_step(step: StepSpec, gate: GateAround) -> StepSpec:
    """Make the gate of a step; one before it is judged on the same condition."""
    return StepSpec(
        id=gate_id(step.id, before=gate.before),
        name=f"quality: {step.name}",
        kind=QUALITY,
        code="qualityGateInTask" if gate.before else "qualityGateOutTask",
        condition=step.condition if gate.before else PLAIN,
        may_retry=True,
        inputs={"rules": list(gate.rules), "step": step.id, "before": gate.before},
    )


def _post_step(parent: StepSpec, post: Post) -> StepSpec:
    return replace(
        parent,
        id=post_id(parent.id),
        name=NAME_PREFIX + parent.name,
        ref="",
        condition=Condition(when=_CONDITIONS.get(post.condition.strip(), RunWhen.SUCCESS)),
        on_failure=OnFailure.CONTINUE,
        may_skip=False,
        may_retry=False,
        auto_retries=0,
        pause_before=False,
        post_of=parent.id,
        inputs={**parent.inputs, ENTRY_INPUT: post.entry},
    )
