"""Tools about what waits for people: see it, and – where a setting allows that – answer it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from mulligan.core.errors import NotFoundError
from mulligan.core.rights import Permission
from mulligan.facades.mcp.gateway import CHANGES
from mulligan.facades.mcp.recovery_tools import Confirm, confirmed, key_of
from mulligan.facades.mcp.run_tools import Project, RunIdent, run_of
from mulligan.facades.mcp.tool import Args, Json, Result, Tool, ToolCall, schema_of
from mulligan.facades.native import run_views
from mulligan.facades.native.runs import ONE_RUN

_WHAT = "approval"
_STEP_ANSWERS = {"step-review": "/answer", "pause": "/resume"}


class ListApprovals(Args, frozen=True, kw_only=True):
    """Arguments of `list_approvals`."""

    project: Annotated[str, Meta(description="Only of this project; empty = of all.")] = ""
    mine: Annotated[bool, Meta(description="Only what the caller may answer now.")] = False
    limit: Annotated[int, Meta(ge=1, le=50)] = 20
    cursor: Annotated[str, Meta(description="`next_cursor` of the page before.")] = ""


class ActOnApproval(Args, frozen=True, kw_only=True):
    """Arguments of `act_on_approval`."""

    project: Project
    run: RunIdent
    node: Annotated[str, Meta(description="Id of the stage or step that waits.")]
    approve: Annotated[bool, Meta(description="False refuses; a paused step is cancelled.")]
    comment: str = ""
    confirm: Confirm = ""

    def said(self) -> Json:
        """Return what a confirmation is bound to."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if name != "confirm"}


async def list_approvals(call: ToolCall) -> Result:
    """List what waits for people."""
    given = call.read(ListApprovals)
    query = {name: getattr(given, name) for name in given.__struct_fields__}
    return Result(data=await call.native("GET", "/approvals", {}, query=query))


async def act_on_approval(call: ToolCall) -> Result:
    """Plan the answer to a review or pause; give it if it is confirmed."""
    given = call.read(ActOnApproval)
    run = await run_of(call, given.project, given.run, Permission.VIEW)
    key = await key_of(call, given.confirm, _WHAT)
    gates = [gate for gate in run_views.Snapshot(run).gates() if gate.node == given.node]
    if not gates:
        raise NotFoundError("step", given.node[:100])
    shown: Json = msgspec.to_builtins(run_views.show_gate(run, gates[0]))
    state = [shown, gates[0].number, len(gates[0].votes)]
    act = call.act_on(_WHAT, given.said(), state)
    if not given.confirm:
        return call.plan({"waits": shown, "approve": given.approve}, act)
    call.confirmations.check(given.confirm, act)
    parts = {"project": given.project, "run": given.run}
    tail = _STEP_ANSWERS.get(shown["kind"])
    if tail is None:
        path, parts = ONE_RUN + "/stages/{stage}/answer", {**parts, "stage": shown["node"]}
    else:
        path, parts = ONE_RUN + "/steps/{step}" + tail, {**parts, "step": shown["node"]}
    body: Json = {"approve": given.approve, "suggestion": given.comment}
    if shown["kind"] == "pause":
        body = {"go_ahead": given.approve}
    return await confirmed(call, key, path, body, "", parts)


TOOLS = (
    Tool(
        name="list_approvals",
        title="What waits for people?",
        description="Reviews, review steps and pauses that wait, oldest first, and who is asked.",
        schema=schema_of(ListApprovals),
        act=list_approvals,
    ),
    Tool(
        name="act_on_approval",
        title="Answer a review",
        description="Approve or refuse what waits, in the name of the caller." + CHANGES,
        schema=schema_of(ActOnApproval),
        act=act_on_approval,
        writes=True,
        answers_reviews=True,
    ),
)
