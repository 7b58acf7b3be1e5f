"""Read a run as the BK-CI dialect shows it, and wait for its end."""

import re
import threading
import time
from collections.abc import Callable, Iterator

import msgspec

from mulligan.demo.client import Client

LOOK_EVERY_S = 0.05
ENDS_WITHIN_S = 120.0
FINAL = frozenset({"SUCCEED", "FAILED", "CANCELED", "TERMINATE", "QUEUE_TIMEOUT", "STAGE_SUCCESS"})
NEVER_RAN = frozenset({None, "UNEXEC", "SKIP", "QUEUE", "QUEUE_CACHE"})
UNFINISHED = frozenset({"RUNNING", "PREPARE_ENV", "LOOP_WAITING", "CALL_WAITING", "RETRY", "PAUSE"})


class NotEndedError(Exception):
    """The run did not end in time."""


class InterruptedDemoError(Exception):
    """Somebody asked the demonstration to end."""


class PipelineId(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of a call that creates a pipeline."""

    id: str


class Started(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `build_start` and `build_retry`."""

    id: str
    execute_count: int
    num: int


class TimeCost(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Milliseconds."""

    execute_cost: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One step; `execute_count` is the attempt that its status comes from.

    Attributes:
        start_epoch: When it started, milliseconds since 1970.
        elapsed: Milliseconds; `time_cost` is the newer form of it.
        error_msg: Why it failed.
    """

    id: str
    name: str
    status: str | None = None
    execute_count: int = 1
    start_epoch: int | None = None
    elapsed: int | None = None
    time_cost: TimeCost | None = None
    error_msg: str | None = None

    @property
    def ended(self) -> bool:
        """It was run and has its result."""
        return self.status not in NEVER_RAN | UNFINISHED

    @property
    def good(self) -> bool:
        """It succeeded."""
        return self.status == "SUCCEED"

    @property
    def seconds(self) -> float:
        """How long it ran."""
        cost = self.time_cost.execute_cost if self.time_cost else 0
        return (cost or self.elapsed or 0) / 1000

    def names_exit_code(self, code: int) -> bool:
        """Tell whether its error names this exit code, in whatever language."""
        return str(code) in re.findall(r"\d+", self.error_msg or "")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job."""

    name: str = ""
    elements: list[Step]


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage; the first is the trigger."""

    containers: list[Job]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline, or one with the state of a run in it."""

    stages: list[Stage]

    def jobs(self) -> Iterator[Job]:
        """Yield the jobs in order, without the trigger."""
        for stage in self.stages[1:]:
            yield from stage.containers

    def steps(self) -> list[Step]:
        """Return the steps in order, without the trigger."""
        return [step for job in self.jobs() for step in job.elements]


class Observed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `build_detail`: a run at one moment."""

    status: str
    execute_count: int
    build_num: int
    model: Model

    def steps(self) -> list[Step]:
        """Return the steps in order, without the trigger."""
        return self.model.steps()

    def named(self, name: str) -> Step:
        """Return the step of this name; KeyError if there is none."""
        return {step.name: step for step in self.steps()}[name]


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a log."""

    message: str


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `init_logs`."""

    logs: list[LogLine]


def wait_for_end(
    client: Client,
    started: Started,
    on_step: Callable[[str, Step], None],
    stop: threading.Event,
) -> Observed:
    """Wait until this attempt of a run has ended; return the run.

    Args:
        client: Of the project.
        started: The attempt.
        on_step: Called once with job and step for each step of this attempt that ended.
        stop: Set it to give up.

    Raises:
        NotEndedError: No end within two minutes.
        InterruptedDemoError: `stop` was set.
    """
    told: set[str] = set()
    deadline = time.monotonic() + ENDS_WITHIN_S
    while True:
        run = client.get("build_detail", Observed, buildId=started.id)
        for job in run.model.jobs():
            for step in job.elements:
                current = step.execute_count == started.execute_count
                if current and step.ended and step.id not in told:
                    told.add(step.id)
                    on_step(job.name, step)
        if run.execute_count == started.execute_count and run.status in FINAL:
            return run
        if time.monotonic() > deadline:
            raise NotEndedError(f"run {started.id} is {run.status} after {ENDS_WITHIN_S:.0f} s")
        if stop.wait(LOOK_EVERY_S):
            raise InterruptedDemoError("interrupted")


def read_log(client: Client, run_id: str, step: Step, *, attempt: int) -> tuple[str, ...]:
    """Return the lines that a step printed in one attempt."""
    log = client.get("logs/init_logs", Log, buildId=run_id, tag=step.id, executeCount=attempt)
    return tuple(line.message for line in log.logs)
