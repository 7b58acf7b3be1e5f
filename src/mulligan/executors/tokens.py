"""Names of step and job attempts, as the step host knows them."""

from mulligan.core.ids import JobId, RunId, StepId
from mulligan.core.prepare import StepOrder
from mulligan.ports import LateEnd, StepEnd

SCRIPT = "+script"  # ends the token of a script that archiving follows; that has the plain one


def step_token(order: StepOrder) -> str:
    """Name a step attempt under a fence; `late_end` reads it back."""
    return f"{order.run_id}/{order.job_id}/{order.fence}/{order.step_attempt}/{order.step_id}"


def job_token(order: StepOrder) -> str:
    """Name a job attempt under a fence."""
    return f"{order.run_id}/{order.job_id}/{order.job_attempt}/{order.fence}"


def folder_name(token: str) -> str:
    """Give the name of the folder of a job attempt."""
    return token.replace("/", ".")


def late_end(token: str, end: StepEnd) -> LateEnd | None:
    """Say of which step attempt this is the end; None if the token is not one of ours."""
    parts = token.removesuffix(SCRIPT).split("/", 4)
    if len(parts) != 5:
        return None
    run_id, job_id, fence, attempt, step_id = parts
    return LateEnd(
        run_id=RunId(run_id),
        job_id=JobId(job_id),
        fence=int(fence),
        step_id=StepId(step_id),
        step_attempt=int(attempt),
        end=end,
    )
