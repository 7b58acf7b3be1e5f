"""What every store keeps of checks of quality rules: made with the event, settled with the gate."""

from datetime import datetime

import pytest
from msgspec.structs import replace

from conformance.store_builders import (
    ANN,
    NOW,
    SHOP,
    at,
    build_head,
    build_spec,
    create,
    decide,
    pipeline_id,
    put_pipeline,
    run_id,
)
from mulligan.core import events as e
from mulligan.core.errors import StaleRevisionError
from mulligan.core.ids import PipelineId, ProjectId, RunId, UserName
from mulligan.core.quality import Finding, MetricCondition, Rule
from mulligan.core.quality_checks import CheckFilter, CheckResult, QualityCheck
from mulligan.core.run import Run
from mulligan.ports import Store

pytestmark = pytest.mark.anyio

SPEC = build_spec(jobs=1)
STAGE = SPEC.stages[0].id
GATE = f"{STAGE}:check-in"
COVER = MetricCondition(metric="cover", operator=">=", value="0.8")
RULES = tuple(Rule(id=name, name=f"Rule {name}", conditions=(COVER,)) for name in ("hard", "soft"))
EVERYTHING = CheckFilter(project=SHOP)


def checked(*failed: str, when: datetime = NOW) -> e.QualityChecked:
    """Give the event that both rules were looked at; some failed."""
    findings = tuple(
        Finding(rule=rule.id, passed=rule.id not in failed, values=(("cover", "0.5"),))
        for rule in RULES
    )
    return e.QualityChecked(at=when, stage=STAGE, side="check-in", findings=findings)


def asked(attempt: int = 1) -> e.GateOpened:
    """Give the event that gatekeepers are asked."""
    return e.GateOpened(at=NOW, node=GATE, kind="quality", run_attempt=attempt, reviewers=(ANN,))


def answered(*, approve: bool) -> tuple[e.Event, ...]:
    """Give the events of a gatekeeper's answer."""
    vote = e.GateVoted(at=at(5), node=GATE, user=ANN, approve=approve)
    return vote, e.GateClosed(at=at(5), node=GATE, approved=approve)


async def add_run(store: Store, number: int) -> Run:
    """Store a run that took the rules along."""
    if number == 1:
        await put_pipeline(store, spec=SPEC)
    head = replace(build_head(number), rules=RULES)
    decision = create(head, SPEC)
    await store.append(decision)
    return decision.run


async def append(store: Store, run: Run, *events: e.Event) -> Run:
    """Store a decision of these events."""
    decision = decide(run, *events)
    await store.append(decision)
    return decision.run


async def results(store: Store, where: CheckFilter = EVERYTHING) -> list[tuple[str, str]]:
    """Return (rule, result) of the checks, newest first."""
    return [(each.rule, each.result.value) for each in await store.list_quality_checks(where)]


async def test_a_check_is_kept_with_all_that_it_saw(store: Store) -> None:
    """One for each rule, in the transaction of its event; nothing is there without it."""
    run = await add_run(store, 1)
    stale = decide(run, checked("hard"))
    run = await append(store, run, checked("hard"))

    with pytest.raises(StaleRevisionError):
        await store.append(stale)
    soft, hard = await store.list_quality_checks(EVERYTHING)

    assert soft.number > hard.number
    assert hard == QualityCheck(
        number=hard.number,
        project=SHOP,
        pipeline=pipeline_id(1),
        run=run_id(1),
        run_number=1,
        run_attempt=1,
        stage=STAGE,
        side="check-in",
        node=GATE,
        rule="hard",
        name="Rule hard",
        conditions=(COVER,),
        values=(("cover", "0.5"),),
        result=CheckResult.FAILED,
        at=NOW,
    )
    assert soft.result is CheckResult.PASSED


@pytest.mark.parametrize(
    ("events", "result", "by"),
    [
        (answered(approve=True), "let-through", ANN),
        (answered(approve=False), "refused", ANN),
        ((e.GateClosed(at=at(5), node=GATE, approved=False),), "failed", ""),
    ],
)
async def test_a_check_that_waits_is_settled_with_its_gate(
    store: Store, events: tuple[e.Event, ...], result: str, by: UserName
) -> None:
    """By the gatekeeper's answer, or by the end of the run; a check that passed stays as it is."""
    run = await add_run(store, 1)
    other = await append(store, await add_run(store, 2), checked("soft"), asked())
    run = await append(store, run, checked("soft"), asked())
    waiting = await results(store, CheckFilter(project=SHOP, run=run_id(1)))

    await append(store, run, *events)
    soft, hard = await store.list_quality_checks(CheckFilter(project=SHOP, run=run_id(1)))

    assert waiting == [("soft", "waiting"), ("hard", "passed")]
    assert (soft.result.value, soft.answered_by, soft.answered_at) == (result, by, at(5))
    assert (hard.result, hard.answered_at) == (CheckResult.PASSED, None)
    untouched = await results(store, CheckFilter(project=SHOP, run=other.head.id))
    assert untouched == [("soft", "waiting"), ("hard", "passed")]


async def test_an_attempt_adds_checks_and_leaves_those_before(store: Store) -> None:
    """A gate that is opened anew in the decision that ends the old one waits; else it fails."""
    run = await append(store, await add_run(store, 1), checked("soft"), asked())
    closed = e.GateClosed(at=NOW, node=GATE, approved=False)
    run = await append(store, run, closed, checked("soft"), asked(2))
    await append(store, run, closed, checked("hard"), asked(3), closed)

    assert await results(store) == [
        ("soft", "passed"),
        ("hard", "failed"),
        ("soft", "failed"),
        ("hard", "passed"),
        ("soft", "failed"),
        ("hard", "passed"),
    ]


async def test_lists_are_filtered_paged_and_counted(store: Store) -> None:
    """Every field narrows; pages go by number or by position."""
    one = await append(store, await add_run(store, 1), checked())
    await append(store, await add_run(store, 2), checked("hard", "soft", when=at(60)))
    await append(store, one, checked("soft", when=at(120)))
    every = await store.list_quality_checks(EVERYTHING)
    assert [each.rule for each in every] == ["soft", "hard"] * 3

    page = await store.list_quality_checks(EVERYTHING, limit=2, before=every[1].number)
    assert page == every[2:4]
    assert await store.list_quality_checks(EVERYTHING, limit=2, offset=3) == every[3:5]
    for where, count in (
        (EVERYTHING, 6),
        (CheckFilter(project=ProjectId("none")), 0),
        (CheckFilter(project=SHOP, pipeline=pipeline_id(1)), 6),
        (CheckFilter(project=SHOP, pipeline=PipelineId("none")), 0),
        (CheckFilter(project=SHOP, run=run_id(1)), 4),
        (CheckFilter(project=SHOP, run=RunId("none")), 0),
        (CheckFilter(project=SHOP, rule="hard"), 3),
        (CheckFilter(project=SHOP, results=(CheckResult.FAILED,)), 3),
        (CheckFilter(project=SHOP, results=(CheckResult.FAILED, CheckResult.PASSED)), 6),
        (CheckFilter(project=SHOP, since=at(60)), 4),
        (CheckFilter(project=SHOP, until=at(60), rule="soft"), 2),
    ):
        assert await store.count_quality_checks(where) == count
        assert len(await store.list_quality_checks(where)) == count
