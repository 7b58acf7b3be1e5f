"""How long something will probably take, by what it took before."""

from mulligan.core.recovery.expected import expected_seconds, usual_seconds
from mulligan.core.recovery.plan import Action, Plan
from mulligan.core.run import Run
from mulligan.facades.native.endpoints import Call

LOOKED_BACK = 20  # runs
MOST_STEPS = 500  # of a plan, or nothing is said


async def expected(call: Call, run: Run, plan: Plan) -> float | None:
    """Return the seconds that a recovery usually takes; None if that is not known."""
    steps = plan.steps_with(Action.RERUN)
    if not 0 < len(steps) <= MOST_STEPS:
        return None
    took = await call.services.store.step_seconds(run.head.pipeline, steps, runs=LOOKED_BACK)
    usual = usual_seconds(run, {step: took.get(step, ()) for step in steps})
    found = expected_seconds(plan, run.index, usual)
    return None if found is None else round(found, 3)
