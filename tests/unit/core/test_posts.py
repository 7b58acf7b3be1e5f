"""Post actions of plugins: where they stand, when they run."""

import pytest
from core_specs import broken, job, pipeline, ran, stage, step, step_words

from mulligan.core.ids import StepId
from mulligan.core.posts import ENTRY_INPUT, Post, post_id, with_post_steps
from mulligan.core.spec import JobSpec, OnFailure, RunWhen

A, B = StepId("a"), StepId("b")


def with_posts(*posts: tuple[StepId, str]) -> JobSpec:
    """Give a job of steps a and b with post actions of these conditions."""
    plain = job(1, step("a", inputs={"x": "1"}), "b")
    return with_post_steps(plain, {name: Post(condition=when, entry="end") for name, when in posts})


def test_they_stand_at_the_end_in_reverse_order() -> None:
    """That of the last plugin comes first; each has the inputs of its plugin and its entry."""
    found = with_posts((A, "always()"), (B, "failed()")).steps

    assert [each.id for each in found] == [A, B, post_id(B), post_id(A)]
    assert found[3].name == "POST\uff1aa"
    assert (found[3].post_of, found[3].inputs) == (A, {"x": "1", ENTRY_INPUT: "end"})
    assert (found[3].on_failure, found[3].may_retry) == (OnFailure.CONTINUE, False)


@pytest.mark.parametrize(
    ("condition", "when"),
    [
        ("failed()", RunWhen.FAILURE),
        ("always()", RunWhen.UNLESS_CANCELLED),
        ("canceledOrTimeOut()", RunWhen.PARENT_CUT),
        ("whatever", RunWhen.SUCCESS),
    ],
)
def test_conditions_of_manifests(condition: str, when: RunWhen) -> None:
    """The words of a manifest mean conditions of steps."""
    assert with_posts((A, condition)).steps[-1].condition.when is when


def test_adding_them_again_changes_nothing() -> None:
    """A job that has them keeps them; without plugins that want any it stays as it is."""
    once = with_posts((A, "always()"))

    assert with_post_steps(once, {A: Post()}) is once
    assert with_post_steps(job(1, "a"), {}).steps == job(1, "a").steps


def test_one_whose_step_did_not_run_does_not_run_either() -> None:
    """Its step was not reached: the post action for "always" is not reached either."""
    world = ran(pipeline(stage(2, with_posts((B, "always()")))), broken("a"))

    assert step_words(world.run, A, B, post_id(B)) == [
        "failed:user",
        "skipped:unreached",
        "skipped:unreached",
    ]
