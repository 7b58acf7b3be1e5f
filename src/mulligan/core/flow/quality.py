"""Quality gates of stages: passed, failed, or a gatekeeper is asked."""

from enum import StrEnum

from mulligan.core import events as e
from mulligan.core.decision import Draft
from mulligan.core.ids import StageId, UserName
from mulligan.core.quality import Rule, judge, names_of
from mulligan.core.run import Gate, Run
from mulligan.core.spec import StageSpec, StepSpec

KIND = "quality"


class Side(StrEnum):
    """Where a stage is looked at."""

    IN = "check-in"
    OUT = "check-out"


class Passage(StrEnum):
    """What a check came to."""

    OPEN = "open"
    CLOSED = "closed"
    WAITING = "waiting"  # for a gatekeeper


def gate_node(stage_id: StageId, side: Side) -> str:
    """Give the node of the gate at which gatekeepers are asked."""
    return f"{stage_id}:{side.value}"


def waiting_gate(run: Run, stage_id: StageId) -> tuple[Side, Gate] | None:
    """Return the open quality gate of a stage."""
    for side in Side:
        gate = run.open_gate(gate_node(stage_id, side))
        if gate is not None:
            return side, gate
    return None


def pass_quality(draft: Draft, spec: StageSpec, side: Side) -> Passage:
    """Check the rules of a stage. Each check is noted; what a gatekeeper has said holds on."""
    rules = _rules(draft.run, spec, side)
    if not rules or spec.is_finally or draft.run.head.is_rollback:
        return Passage.OPEN
    node = gate_node(spec.id, side)
    gate = draft.run.gates.get(node)
    if gate is not None and gate.run_attempt == draft.run.head.attempt:
        if gate.state == "open":
            return Passage.WAITING
        if gate.state == "approved":
            return Passage.OPEN
    findings = tuple(judge(rules, metrics_of_run(draft.run)))
    draft.emit(e.QualityChecked(at=draft.now, stage=spec.id, side=side.value, findings=findings))
    failed = {finding.rule for finding in findings if not finding.passed}
    if not failed:
        return Passage.OPEN
    return _ask(draft, node, tuple(rule for rule in rules if rule.id in failed))


def metrics_of_run(run: Run) -> dict[str, str]:
    """Give the metrics of all steps, by all their names, of later ones in the definition first."""
    found: dict[str, str] = {}
    longer: dict[str, str] = {}
    for job in run.index.all_jobs():
        for step in job.steps:
            record = run.steps.get(step.id)
            if record is not None:
                found.update(record.metrics)
                for metric, value in record.metrics:
                    longer.update(dict.fromkeys(names_of(metric, step.code, step.name), value))
    return found | longer


def judge_gate(draft: Draft, step: StepSpec) -> tuple[Passage, tuple[UserName, ...]]:
    """Check the rules around a plugin; give who is asked when they are not satisfied."""
    wanted = step.inputs.get("rules") or ()
    rules = tuple(rule for rule in draft.run.head.rules if rule.id in wanted)
    findings = tuple(judge(rules, metrics_of_run(draft.run)))
    stage = draft.run.index.stage_of_job(draft.run.index.step_job[step.id][0])
    draft.emit(e.QualityChecked(at=draft.now, stage=stage.id, side=step.id, findings=findings))
    failed = {finding.rule for finding in findings if not finding.passed}
    if not failed:
        return Passage.OPEN, ()
    asked = [rule.gatekeepers for rule in rules if rule.id in failed]
    people = tuple(dict.fromkeys(user for users in asked for user in users))
    return (Passage.WAITING, people) if all(asked) else (Passage.CLOSED, ())


def _rules(run: Run, spec: StageSpec, side: Side) -> tuple[Rule, ...]:
    wanted = spec.check_in if side is Side.IN else spec.check_out
    return tuple(rule for rule in (*run.head.rules, *spec.rules) if rule.id in wanted)


def _ask(draft: Draft, node: str, failed: tuple[Rule, ...]) -> Passage:
    """Ask the gatekeepers; a rule that has none can't be passed against its conditions."""
    people = dict.fromkeys(user for rule in failed for user in rule.gatekeepers)
    may_pass = all(rule.gatekeepers for rule in failed)
    draft.emit(
        e.GateOpened(
            at=draft.now,
            node=node,
            kind=KIND,
            run_attempt=draft.run.head.attempt,
            reviewers=tuple(people),
        )
    )
    if may_pass:
        return Passage.WAITING
    draft.emit(e.GateClosed(at=draft.now, node=node, approved=False))
    return Passage.CLOSED
