"""Quality rules before and after stages: what passes, what fails, what a gatekeeper says."""

from __future__ import annotations

from typing import Any

import pytest
from core_specs import (
    broken,
    job,
    last,
    pipeline,
    refused,
    stage,
    stage_words,
    step,
    step_words,
    word,
)
from core_world import World
from msgspec.structs import replace

from mulligan.core.flow import votes
from mulligan.core.flow.votes import Answer
from mulligan.core.hold import Phase, phase_of
from mulligan.core.ids import StageId, StepId, UserName
from mulligan.core.posts import GateAround, PostAction, gate_id, index_of
from mulligan.core.quality import (
    MetricCondition,
    Rule,
    is_boundless,
    judge,
    number_of,
    read_condition,
)
from mulligan.core.refusal import RefusalCode
from mulligan.core.spec import PipelineSpec

SHIP = StageId("stage-3")
COVER = MetricCondition(metric="cover", operator=">=", value="0.8")
STRICT = Rule(id="strict", name="Cover", conditions=(COVER,))
KEPT = Rule(id="kept", name="Kept", conditions=(COVER,), gatekeepers=(UserName("bob"),))


def spec_of(side: str, *rules: str) -> PipelineSpec:
    """Give a stage that measures and one that ships, one of them with rules, and a last one."""
    checks: dict[str, Any] = {"check_in": rules} if side == "in" else {}
    measured: dict[str, Any] = {"check_out": rules} if side == "out" else {}
    return pipeline(
        stage(2, job(1, "a"), **measured), stage(3, job(2, "b"), **checks), last(4, job(3, "z"))
    )


def measured(spec: PipelineSpec, cover: str, *rules: Rule, fails: str = "") -> World:
    """Run the first stage, whose step tells the metric."""
    world = World(spec, broken(fails), watched=False)
    world.run = replace(world.run, head=replace(world.run.head, rules=rules))
    world.claim("1")
    world.report("1", metrics=(("cover", cover),) if cover else ())
    return world


def answer(world: World, stage_id: str, user: str, *, approve: bool = True) -> object:
    """Answer at a stage."""
    draft = world.draft()
    said = Answer(user=UserName(user), approve=approve)
    refusal = votes.answer_stage(draft, StageId(stage_id), said)
    if refusal is None:
        world.take(draft)
    return refusal


@pytest.mark.parametrize(
    ("operator", "value", "found", "holds"),
    [
        ("<", "2", "1", True),
        ("<=", "1", "1.0", True),
        (">", "1", "1", False),
        (">=", "-1", "-1", True),
        ("==", "true", "TRUE", True),
        ("!=", "false", "true", True),
        ("==", "1", "", False),  # nobody told it
        ("==", "1", "x", False),
    ],
)
def test_conditions(operator: str, value: str, found: str, holds: bool) -> None:
    """Metrics are compared as numbers, true as 1; one that is missing satisfies nothing."""
    rule = Rule(
        id="r",
        name="r",
        conditions=(MetricCondition(metric="m", operator=operator, value=value),),
    )

    [finding] = judge((rule,), {"m": found} if found else {})

    assert (finding.passed, finding.values) == (holds, (("m", found),))
    assert number_of("much") is None


@pytest.mark.parametrize("text", ["nan", "-NaN", "inf", "-Infinity", "1e999"])
def test_boundless_numbers_satisfy_nothing(text: str) -> None:
    """Not a number and infinity are no values of metrics, nor of rules."""
    rule = Rule(id="r", name="r", conditions=(replace(COVER, operator="!="),))

    [finding] = judge((rule,), {"cover": text})

    assert (finding.passed, number_of(text), is_boundless(text)) == (False, None, True)
    assert not is_boundless("much")
    assert not is_boundless("0.8")


TEXTS: dict[str, tuple[str, str, str] | None] = {
    "codecc.cover >= 0.8": ("codecc.cover", ">=", "0.8"),
    " unit.all of 2.3.failed==0 ": ("unit.all of 2.3.failed", "==", "0"),
    "a.b<-1": ("a.b", "<", "-1"),
    "a.b <= 10.50": ("a.b", "<=", "10.50"),
    "cover > 1": None,
    "a. > 1": None,
    ".b > 1": None,
    "a.b != 1": None,
    "a.b > much": None,
    "a.b > 1.": None,
    "a.b": None,
    "": None,
}


@pytest.mark.parametrize("text", TEXTS)
def test_conditions_as_texts(text: str) -> None:
    """A plugin, maybe a task, and a metric; an operator of five; a number."""
    wanted = TEXTS[text]
    found = read_condition(text)

    assert found == (
        wanted and MetricCondition(metric=wanted[0], operator=wanted[1], value=wanted[2])
    )


@pytest.mark.parametrize(
    ("metric", "passes"),
    [("cover", True), ("x.cover", True), ("x.a.cover", True), ("y.cover", False)],
)
def test_gates_of_a_definition(metric: str, passes: bool) -> None:
    """A stage has rules of its own; metrics are known by their plugin and task as well."""
    rule = Rule(id="own", name="Own", conditions=(replace(COVER, metric=metric),))
    first = stage(2, job(1, step("a", code="x")), check_out=("own",), rules=(rule,))
    world = measured(pipeline(first), "0.9")
    run = world.finish()

    assert word(run) == ("succeeded" if passes else "failed:quality")
    assert run.rule("own") is rule
    assert run.rule("other") is None


@pytest.mark.parametrize("side", ["in", "out"])
@pytest.mark.parametrize(("cover", "passes"), [("0.9", True), ("0.7", False), ("", False)])
def test_rules_without_gatekeepers_decide(side: str, cover: str, passes: bool) -> None:
    """Satisfied, the run goes on; else the stage fails, and the finally stage runs."""
    world = measured(spec_of(side, "strict"), cover, STRICT)

    run = world.finish()

    assert step_words(run, "b", "z")[1] == "succeeded"
    assert word(run) == ("succeeded" if passes else "failed:quality")
    failing = 3 if side == "in" else 2
    assert stage_words(run, failing) == ["succeeded" if passes else "failed:quality"]


@pytest.mark.parametrize("side", ["in", "out"])
@pytest.mark.parametrize("approve", [True, False])
def test_a_gatekeeper_decides(side: str, approve: bool) -> None:
    """The run stands there until one of them answers; others may not."""
    world = measured(spec_of(side, "kept"), "0.1", KEPT)
    waits = "stage-3" if side == "in" else "stage-2"
    assert (phase_of(world.run, world.now), world.offered()) == (Phase.PAUSED, [])

    assert refused(answer(world, waits, "ann")) is RefusalCode.NOT_A_REVIEWER
    assert answer(world, waits, "bob", approve=approve) is None

    run = world.finish()
    assert word(run) == ("succeeded" if approve else "failed:quality")


@pytest.mark.parametrize("side", ["in", "out"])
def test_a_stop_ends_the_waiting(side: str) -> None:
    """The stage is cancelled, and the finally stage runs."""
    world = measured(spec_of(side, "kept"), "0.1", KEPT)

    world.stop()

    run = world.finish()
    assert (word(run), step_words(run, "z")) == ("cancelled", ["succeeded"])
    assert stage_words(run, 3 if side == "in" else 2) == ["cancelled"]


def test_a_retry_looks_again() -> None:
    """The metric of the new attempt counts, and what a gatekeeper said before does not."""
    world = measured(spec_of("out", "strict"), "0.1", STRICT)
    world.finish()

    world.retry("stage-2")
    world.claim("1")
    world.report("1", metrics=(("cover", "0.95"),))

    assert word(world.finish()) == "succeeded"


def test_a_stage_that_failed_is_not_looked_at() -> None:
    """Rules after a stage are judged only when its jobs went well."""
    world = measured(spec_of("out", "kept"), "", KEPT, fails="a")

    run = world.finish()

    assert (word(run), run.gates.get("stage-2:check-out")) == ("failed:user", None)


# --- gates around plugins -------------------------------------------------------------------------


def guarded(before: bool, rule: Rule, cover: str, **fields: Any) -> World:
    """Give a run whose step `b` is a plugin with a gate; step `a` has told the metric."""
    plugin = step("b", code="scan", kind="plugin", **fields)
    spec = pipeline(stage(2, job(1, "a", plugin, "c")))
    gate = PostAction(step=StepId("b"), gate=GateAround(rules=(rule.id,), before=before))
    index = index_of(spec, (gate,))
    world = World(index.spec, watched=False)
    world.run = replace(world.run, head=replace(world.run.head, rules=(rule,)))
    world.claim("1")
    world.report("1", metrics=(("cover", cover),))
    return world


@pytest.mark.parametrize(("before", "place"), [(True, 1), (False, 2)])
def test_a_gate_stands_at_its_plugin(before: bool, place: int) -> None:
    """Before or after it; satisfied, the job goes on with it."""
    world = guarded(before, STRICT, "0.9")

    run = world.finish()

    gate = gate_id(StepId("b"), before=before)
    assert run.index.spec.stages[0].jobs[0].steps[place].id == gate
    assert step_words(run, gate, "b", "c") == ["succeeded"] * 3


@pytest.mark.parametrize("before", [True, False])
def test_a_gate_that_is_not_satisfied_fails_its_job(before: bool) -> None:
    """The error is 2199007; the job is an ordinary failure for its stage."""
    run = guarded(before, STRICT, "0.1").finish()

    gate = gate_id(StepId("b"), before=before)
    record = run.step(gate)
    assert (word(record), record.error_code) == ("failed:quality", 2199007)
    assert step_words(run, "b", "c") == [
        "skipped:unreached" if before else "succeeded",
        "skipped:unreached",
    ]
    assert (word(run), stage_words(run, 2)) == ("failed:user", ["failed:user"])


@pytest.mark.parametrize("approve", [True, False])
def test_a_gatekeeper_is_asked_at_the_gate(approve: bool) -> None:
    """The step waits like a review, and writes no variables of one."""
    world = guarded(True, KEPT, "0.1")
    gate = gate_id(StepId("b"), before=True)
    assert world.open_gates() == [gate]

    world.vote(gate, approve=approve)

    run = world.finish()
    assert word(run.step(gate)) == ("succeeded" if approve else "failed:quality")
    assert run.value("MANUAL_REVIEW_RESULT") is None


def test_the_gate_after_a_plugin_that_was_skipped_is_skipped() -> None:
    """There is nothing to judge."""
    world = guarded(False, STRICT, "0.1", runs="failure")

    run = world.finish()

    assert step_words(run, gate_id(StepId("b"), before=False)) == ["skipped:condition"]
    assert word(run) == "succeeded"
