"""Checks of quality rules as they are kept: how each rule judged a run, and who had the last word.

They follow from what a decision says: `QualityChecked` makes them, the end of the gate at which
gatekeepers were asked settles those that waited.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

import msgspec

from mulligan.core.decision import Decision
from mulligan.core.events import QualityChecked
from mulligan.core.ids import PipelineId, ProjectId, RunId, StageId, UserName
from mulligan.core.quality import Finding, MetricCondition, Rule
from mulligan.core.run import Gate, Run


class CheckResult(StrEnum):
    """What a rule came to."""

    PASSED = "passed"
    FAILED = "failed"  # nobody could let the run pass, or nobody answered before it ended
    WAITING = "waiting"  # for a gatekeeper
    LET_THROUGH = "let-through"  # by a gatekeeper, against the rule
    REFUSED = "refused"  # by a gatekeeper


class QualityCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one rule judged one run at one place.

    Args:
        number: Ascends over the server; 0 = not stored yet.
        side: check-in or check-out of the stage, or the id of a gate step around a plugin.
        node: The gate at which gatekeepers are asked.
        name, conditions: Of the rule, as the run has taken it along.
        values: (metric, what it was; "" = nobody told it).
        answered_by: The gatekeeper; "" = none.
    """

    number: int = 0
    project: ProjectId
    pipeline: PipelineId
    run: RunId
    run_number: int
    run_attempt: int
    stage: StageId
    side: str
    node: str
    rule: str
    name: str
    conditions: tuple[MetricCondition, ...]
    values: tuple[tuple[str, str], ...]
    result: CheckResult
    at: datetime
    answered_by: UserName = UserName("")
    answered_at: datetime | None = None


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks of a run come to that waited at a gate."""

    node: str
    result: CheckResult
    by: UserName
    at: datetime


class CheckFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which checks to list; every field narrows. Instants are inclusive bounds."""

    project: ProjectId
    pipeline: PipelineId | None = None
    run: RunId | None = None
    rule: str | None = None
    results: tuple[CheckResult, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


def settlements_of(decision: Decision) -> Iterator[Settlement]:
    """Yield the gates that are closed now; most of them have no checks that wait."""
    for gate in decision.gates:
        if gate.closed_at is not None:
            yield _settle(gate, gate.closed_at)


def _settle(gate: Gate, at: datetime) -> Settlement:
    last = gate.votes[-1] if gate.votes else None
    if gate.state == "approved":
        result = CheckResult.LET_THROUGH
    elif last is not None and not last.approve:
        result = CheckResult.REFUSED
    else:
        result, last = CheckResult.FAILED, None
    by = last.user if last is not None else UserName("")
    return Settlement(node=gate.node, result=result, by=by, at=at)


def checks_of(decision: Decision) -> Iterator[QualityCheck]:
    """Yield the checks that a decision has made, as they stand at its end."""
    for event in decision.events:
        if isinstance(event, QualityChecked):
            for finding in event.findings:
                yield _check(decision, event, finding, decision.run.rule(finding.rule))


def _check(
    decision: Decision, event: QualityChecked, finding: Finding, rule: Rule | None
) -> QualityCheck:
    head = decision.run.head
    node = _node(decision.run, event)
    waits = any(gate.node == node and gate.state == "open" for gate in decision.gates)
    failed = CheckResult.WAITING if waits else CheckResult.FAILED
    return QualityCheck(
        project=head.project,
        pipeline=head.pipeline,
        run=head.id,
        run_number=head.number,
        run_attempt=head.attempt,
        stage=StageId(event.stage),
        side=event.side,
        node=node,
        rule=finding.rule,
        name=rule.name if rule is not None else finding.rule,
        conditions=rule.conditions if rule is not None else (),
        values=finding.values,
        result=CheckResult.PASSED if finding.passed else failed,
        at=event.at,
    )


def _node(run: Run, event: QualityChecked) -> str:
    """Give the gate of a check: a gate step has its own, the sides of a stage are named by both."""
    if event.side in run.index.steps:
        return event.side
    return f"{event.stage}:{event.side}"
