"""Quality gates of a stage, as the attempt of a run that is shown has them."""

from mulligan.core.flow.quality import Side, gate_node
from mulligan.core.spec import StageSpec
from mulligan.core.status import Status
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.times import Json

_MEMBERS = {Side.IN: "checkIn", Side.OUT: "checkOut"}
_WORDS = {
    "open": "QUALITY_CHECK_WAIT",
    "approved": "QUALITY_CHECK_PASS",
    "rejected": "QUALITY_CHECK_FAIL",
}


def render_quality(view: AttemptView, source: Json, spec: StageSpec) -> Json:
    """Return `checkIn` and `checkOut` with their status, where they name rules.

    One whose review has a status of its own keeps that.
    """
    found: Json = {}
    for side, member in _MEMBERS.items():
        rules = spec.check_in if side is Side.IN else spec.check_out
        shown = source.get(member) or {}
        word = _word(view, spec, side)
        if rules and word is not None and not (side is Side.IN and spec.review is not None):
            found[member] = {**shown, "status": word}
    return found


def _word(view: AttemptView, spec: StageSpec, side: Side) -> str | None:
    gate, stage = view.gate(gate_node(spec.id, side)), view.stage(spec.id)
    # a gate of an earlier attempt says nothing of a stage that ran again
    if gate is not None and (stage is None or gate.run_attempt >= stage.run_attempt):
        return _WORDS[gate.state]
    if stage is None or stage.status is Status.QUEUED:
        return None
    passed = stage.status is Status.SUCCEEDED if side is Side.OUT else True
    return "QUALITY_CHECK_PASS" if passed and stage.status is not Status.SKIPPED else None
