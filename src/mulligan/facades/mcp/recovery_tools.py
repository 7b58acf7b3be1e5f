"""Tools that repair: retry, skip and roll back, each planned first and confirmed then."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from mulligan.core.recovered import last_act
from mulligan.core.rights import Permission
from mulligan.facades.mcp.gateway import CHANGES, plan_state, short_plan
from mulligan.facades.mcp.run_tools import Project, RunIdent, run_of
from mulligan.facades.mcp.tool import Args, Json, Result, Tool, ToolCall, schema_of
from mulligan.facades.native.environments import ONE_ENVIRONMENT
from mulligan.facades.native.runs import ONE_RUN

_PLAN_RECOVERY, _APPLY_RECOVERY = ONE_RUN + "/recovery/plan", ONE_RUN + "/recovery/apply"
_STAGE, _ENVIRONMENT = ONE_RUN + "/stages/{stage}/rollback", ONE_ENVIRONMENT + "/rollback"

Reason = Annotated[str, Meta(description="Why, in a sentence; a skip needs one.")]
Confirm = Annotated[str, Meta(description="From the plan, after the person's explicit yes.")]

Changes = Annotated[
    Json,
    Meta(
        description="What is to be otherwise from this attempt on: "
        '{"steps": {"STEP": {"inputs": {"script": "…"}, "env": {"NAME": "…"}, "timeout_s": 60}}, '
        '"parameters": {"NAME": "…"}}; null sets back. Only of steps that run again, not with '
        "skip. Show the person the script that will run."
    ),
]


class PlanRecovery(Args, frozen=True, kw_only=True):
    """Arguments of `plan_recovery`."""

    project: Project
    run: RunIdent
    target: Annotated[
        str,
        Meta(description="Id of a stage, job or step, or a step's own ref; empty = the whole run."),
    ] = ""
    only_failed: Annotated[
        bool, Meta(description="With a stage: leave its succeeded jobs as they are.")
    ] = False
    skip: Annotated[
        bool, Meta(description="Skip the failed step (or all of the stage) instead.")
    ] = False
    reason: Reason = ""
    changes: Changes = msgspec.field(default_factory=dict)

    def body(self) -> Json:
        """Return the body that the own API takes."""
        fields = ("target", "only_failed", "skip", "reason", "changes")
        return {name: getattr(self, name) for name in fields}


class ApplyRecovery(PlanRecovery, frozen=True, kw_only=True):
    """Arguments of `apply_recovery`."""

    confirm: Confirm = ""


class PlanRollback(Args, frozen=True, kw_only=True):
    """Arguments of `plan_rollback`: an environment, or a stage of a run."""

    project: Project
    environment: Annotated[str, Meta(description="Id of the environment.")] = ""
    run: Annotated[str, Meta(description="With `stage`: the run.")] = ""
    stage: Annotated[str, Meta(description="Id of the deploy stage of that run.")] = ""
    to: Annotated[
        str, Meta(description="Id of the deployment to restore; empty = the one before.")
    ] = ""
    reason: Reason = ""

    def place(self) -> tuple[str, dict[str, str]]:
        """Return the path of the own API, and its parts."""
        if self.environment:
            return _ENVIRONMENT, {"environment": self.environment}
        return _STAGE, {"run": self.run, "stage": self.stage}

    def body(self) -> Json:
        """Return the body that the own API takes."""
        return {"to": self.to or None, "reason": self.reason}


class ApplyRollback(PlanRollback, frozen=True, kw_only=True):
    """Arguments of `apply_rollback`."""

    confirm: Confirm = ""


async def recover(call: ToolCall) -> Result:
    """Plan a recovery; do it if it is confirmed."""
    given = call.read(ApplyRecovery)
    run = await run_of(call, given.project, given.run, Permission.VIEW)
    key = await key_of(call, given.confirm, "recovery")
    parts = {"project": given.project, "run": given.run}
    view = await call.native("POST", _PLAN_RECOVERY, parts, body=given.body())
    state, last = plan_state(run, view), last_act(run)
    act = call.act_on("recovery", [parts, given.body()], state, last)
    if not given.confirm:
        return call.plan({"plan": short_plan(view)}, act)
    call.confirmations.check(given.confirm, act)
    return await confirmed(call, key, _APPLY_RECOVERY, given.body(), view["etag"], parts)


async def roll_back(call: ToolCall) -> Result:
    """Plan a rollback; do it if it is confirmed."""
    given = call.read(ApplyRollback)
    await call.enter(given.project, Permission.VIEW)
    key = await key_of(call, given.confirm, "rollback")
    path, rest = given.place()
    parts = {"project": given.project, **rest}
    view = await call.native("POST", path + "/plan", parts, body=given.body())
    last = None
    if given.run:
        last = last_act(await run_of(call, given.project, given.run, Permission.VIEW))
    act = call.act_on("rollback", [parts, given.body()], view, last)
    if not given.confirm:
        return call.plan({"plan": view}, act)
    call.confirmations.check(given.confirm, act)
    return await confirmed(call, key, path, given.body(), view["etag"], parts)


async def key_of(call: ToolCall, confirm: str, what: str) -> str:
    """Return the key of the receipt of a confirmation, "" without one.

    Raises:
        ConfirmError, ToolError: It is none of this server's, or was used before.
    """
    if not confirm:
        return ""
    key = call.confirmations.receipt_key(confirm, call.act_on(what, None, None))
    await call.demand_unused(key)
    return key


async def confirmed(
    call: ToolCall, key: str, path: str, body: Json, etag: str, parts: dict[str, str]
) -> Result:
    """Do what was confirmed, once. `etag`: of what was planned; "" = none is needed."""
    headers = {"if-match": etag, "idempotency-key": key}
    with call.confirmations.in_use(key):
        done: Any = await call.native("POST", path, parts, body=body, headers=headers)
        await call.note_used(key, msgspec.json.encode(done))
    run = done["run"] if "plan" in done else done
    return Result(data={"done": True, "run": run})


async def plan_recovery(call: ToolCall) -> Result:
    """Plan a recovery."""
    call.read(PlanRecovery)
    return await recover(call)


async def plan_rollback(call: ToolCall) -> Result:
    """Plan a rollback."""
    call.read(PlanRollback)
    return await roll_back(call)


_PLANS = " Changes nothing; returns `confirm` for the tool that does it."
TOOLS = (
    Tool(
        name="plan_recovery",
        title="Plan a repair",
        description="What a retry or skip would run again and keep, and why." + _PLANS,
        schema=schema_of(PlanRecovery),
        act=plan_recovery,
    ),
    Tool(
        name="apply_recovery",
        title="Repair a run",
        description="Retry or skip in place: a step, a job, a stage or the whole run." + CHANGES,
        schema=schema_of(ApplyRecovery),
        act=recover,
        writes=True,
    ),
    Tool(
        name="plan_rollback",
        title="Plan a rollback",
        description="What rolling an environment, or a deploy stage of a run, back would restore."
        + _PLANS,
        schema=schema_of(PlanRollback),
        act=plan_rollback,
    ),
    Tool(
        name="apply_rollback",
        title="Roll back",
        description="Restore what was live before, in an environment or by a deploy stage."
        + CHANGES,
        schema=schema_of(ApplyRollback),
        act=roll_back,
        writes=True,
    ),
)
