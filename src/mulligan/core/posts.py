"""Post actions: what a plugin has done after its job, whatever became of it.

A plugin's manifest may ask for a second step at the end of its job
(spec/bkci-model-and-engine.md §2.5.5). Which ones a run has is decided when it starts and kept in
its head, so that every attempt of it has the same steps, whatever is installed later.
"""

import hashlib
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from mulligan.core.ids import StepId
from mulligan.core.spec import (
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


class PostAction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A post action in a run. `step`: that it belongs to."""

    step: StepId
    post: Post


def index_of(spec: PipelineSpec, actions: tuple[PostAction, ...] = ()) -> SpecIndex:
    """Index a definition as runs with these post actions follow it."""
    if not actions:
        return SpecIndex(spec)
    posts = {action.step: action.post for action in actions}
    stages = tuple(
        replace(stage, jobs=tuple(with_post_steps(job, posts) for job in stage.jobs))
        for stage in spec.stages
    )
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
