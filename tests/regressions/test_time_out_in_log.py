"""48: a step with a time-out and automatic retries, run by real processes."""

from pathlib import Path

import pytest

from builders import one_job, step
from engine_world import a_world
from mulligan.core.cause import Cause
from mulligan.core.ids import StepId
from mulligan.core.status import Status
from mulligan.executors.work import Work
from mulligan.logs.store import LogFiles

pytestmark = pytest.mark.anyio


async def test_log_of_a_timed_out_step_does_not_say_so(tmp_path: Path) -> None:
    """Each attempt that ran out of time says that in its own log, also before a retry."""
    logs = LogFiles(tmp_path / "logs")
    work = Work(root=tmp_path, logs=logs, on_output=lambda _run: None, kill_grace_s=0.1)
    script = {"script": "printf 'no newline'; sleep 60", "scriptType": "SHELL"}
    slow = step("slow", timeout_s=1, auto_retries=1, inputs=script)
    async with a_world(executor=work) as world:
        head = await world.start(await world.add_pipeline(one_job(slow)))
        run = await world.wait_end(head.id)

        attempts = await world.store.step_attempts(head.id, StepId("slow"))
        text = logs.path(head.id, "1", 1).read_text()
        assert run.head.status is Status.FAILED
        assert [attempt.cause for attempt in attempts] == [Cause.TIMEOUT, Cause.TIMEOUT]
        assert all("time-out" in attempt.message for attempt in attempts)
        assert (
            text.splitlines()
            == [
                "no newline",
                "##[error]the step took longer than its time-out of 1 s",
            ]
            * 2
        )
