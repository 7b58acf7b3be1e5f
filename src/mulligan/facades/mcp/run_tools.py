"""Tools that look at runs: which there are, how one stands, what it waits for."""

from collections import Counter
from typing import Annotated

import msgspec
from msgspec import Meta

from mulligan.core.errors import NotFoundError
from mulligan.core.ids import RUN_ID, RunId, StepId
from mulligan.core.rights import Permission
from mulligan.core.run import Run
from mulligan.core.status import Status
from mulligan.engine.waits import waits_of
from mulligan.facades.mcp.tool import Args, Json, Result, Tool, ToolCall, schema_of
from mulligan.facades.native import run_views
from mulligan.facades.native.run_list import RUNS

MOST_NODES = 20  # of each kind, in one answer
LONGEST_MESSAGE = 500  # characters

Project = Annotated[str, Meta(description="Id of the project.", min_length=1)]
RunIdent = Annotated[str, Meta(description="Id of the run: b- and 32 hexadecimal digits.")]


class ListRuns(Args, frozen=True, kw_only=True):
    """Arguments of `list_runs`."""

    project: Project
    pipeline: Annotated[str, Meta(description="Only of this pipeline: its id, p-….")] = ""
    status: Annotated[
        str,
        Meta(description="Only these, separated by commas: queued running succeeded failed …"),
    ] = ""
    actor: Annotated[str, Meta(description="Only those that this user started.")] = ""
    limit: Annotated[int, Meta(ge=1, le=50)] = 20
    cursor: Annotated[str, Meta(description="`next_cursor` of the page before.")] = ""


class OneRun(Args, frozen=True, kw_only=True):
    """Arguments of tools that look at one run."""

    project: Project
    run: RunIdent


async def run_of(call: ToolCall, project: str, ident: str, permission: Permission) -> Run:
    """Return a run of a project that the caller may enter with that permission.

    Raises:
        NotFoundError: There is none.
    """
    await call.enter(project, permission)
    if not RUN_ID.fullmatch(ident):
        raise NotFoundError("run", ident[:100])
    run = await call.services.engine.get_run(RunId(ident))
    if run.head.project != project:
        raise NotFoundError("run", ident)
    return run


async def list_runs(call: ToolCall) -> Result:
    """List runs, newest first."""
    given = call.read(ListRuns)
    query = {name: getattr(given, name) for name in given.__struct_fields__ if name != "project"}
    return Result(data=await call.native("GET", RUNS, {"project": given.project}, query=query))


async def get_run(call: ToolCall) -> Result:
    """Show how a run stands, and what has failed in it."""
    given = call.read(OneRun)
    run = await run_of(call, given.project, given.run, Permission.VIEW)
    failed = [step for step in run.head.failed_steps if run.step(step).status is Status.FAILED]
    attempts = run.head.attempts[-MOST_NODES:]
    return Result(
        data={
            "run": _builtins(run_views.summary(run.head, run.index.spec.name)),
            "jobs": dict(Counter(job.status.value for job in run.jobs.values())),
            "failed_steps": [show_step(run, step) for step in failed[:MOST_NODES]],
            "more_failed_steps": max(0, len(failed) - MOST_NODES),
            **await _waiting(call, run),
            "attempts": [_builtins(run_views.show_attempt(attempt)) for attempt in attempts],
        }
    )


def show_step(run: Run, ident: StepId) -> Json:
    """Show a step, where it is, and how its last attempt ended."""
    step, spec = run.step(ident), run.index.steps[ident]
    job = run.index.jobs[run.index.step_job[ident][0]]
    stage = run.index.spec.stages[run.index.job_stage[job.id]]
    return {
        "id": ident,
        "name": spec.name,
        "job": run_views.job_name(job),
        "stage": stage.name,
        "status": step.status.value,
        "cause": run_views.word(step.cause),
        "attempt": step.attempt,
        "exit_code": step.exit_code,
        "message": step.message[:LONGEST_MESSAGE],
    }


async def why_waiting(call: ToolCall) -> Result:
    """Tell what a run waits for."""
    given = call.read(OneRun)
    run = await run_of(call, given.project, given.run, Permission.VIEW)
    waiting = await _waiting(call, run)
    return Result(data={"run": run.head.id, "status": run.head.status.value, **waiting})


async def _waiting(call: ToolCall, run: Run) -> Json:
    waits = await waits_of(call.services.engine, run)
    gates = run_views.Snapshot(run).gates()
    return {
        "waits_for": [_builtins(run_views.show_wait(wait)) for wait in waits[:MOST_NODES]],
        "waits_for_people": [
            _builtins(run_views.show_gate(run, gate)) for gate in gates[:MOST_NODES]
        ],
        "more_waits": max(0, len(waits) - MOST_NODES) + max(0, len(gates) - MOST_NODES),
    }


def _builtins(view: object) -> Json:
    shown: Json = msgspec.to_builtins(view)
    return shown


TOOLS = (
    Tool(
        name="list_runs",
        title="List runs",
        description="Runs of a project, newest first, a page at a time.",
        schema=schema_of(ListRuns),
        act=list_runs,
    ),
    Tool(
        name="get_run",
        title="Show a run",
        description="How a run stands: status, failed steps with their ends, what it waits for, "
        "and its attempts.",
        schema=schema_of(OneRun),
        act=get_run,
    ),
    Tool(
        name="why_waiting",
        title="Why does a run wait?",
        description="What a run or its jobs wait for: a queue, a mutex, a limit, a review, a "
        "pause, a signal – and who has it.",
        schema=schema_of(OneRun),
        act=why_waiting,
    ),
)
