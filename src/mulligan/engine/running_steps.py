"""Who calls with the key of a step: it counts while that attempt of the step runs."""

from typing import Protocol

import msgspec

from mulligan.core.errors import NotFoundError
from mulligan.core.ids import JobId, RunId
from mulligan.core.rights import Actor
from mulligan.core.run import Run
from mulligan.core.spec import StepSpec
from mulligan.core.status import Status
from mulligan.engine.step_keys import StepKeys


class StepKeyError(Exception):
    """The key is none, or not good any more; the message says which."""


class RunningStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step that runs, and the run as it is now."""

    run: Run
    step: StepSpec
    job: JobId
    attempt: int

    @property
    def actor(self) -> Actor:
        """Return in whose name it acts."""
        return Actor(user=self.run.head.started_by, way="run")


class RunReader(Protocol):
    """Gives snapshots of runs."""

    async def get_run(self, run_id: RunId) -> Run:
        """Return the newest stored snapshot; NotFoundError without one."""
        ...


async def running_step(runs: RunReader, keys: StepKeys, key: str) -> RunningStep:
    """Return the step that a key was made for.

    Raises:
        StepKeyError: This server did not make it, or its step attempt does not run.
    """
    known = keys.read(key)
    if known is None:
        raise StepKeyError("the key of the step is missing or wrong")
    try:
        run = await runs.get_run(known.run)
    except NotFoundError:
        raise StepKeyError("the run of the key is gone") from None
    spec = run.index.steps.get(known.step)
    record = run.step(known.step)
    if spec is None or record.status is not Status.RUNNING or record.attempt != known.attempt:
        raise StepKeyError("the step of the key does not run any more")
    job = run.index.step_job[known.step][0]
    return RunningStep(run=run, step=spec, job=job, attempt=known.attempt)
