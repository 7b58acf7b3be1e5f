"""Tools under the names of BK-CI's gateway: `v4_user_build_retry` and all others.

`path_param`, `query_param` and `body_param` become the request that a client of that API would
send, and its handlers answer it. Nothing of the API is done here a second time.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from starlette.responses import Response

from mulligan.core.errors import InvalidError, MulliganError, NotFoundError
from mulligan.core.ids import RunId
from mulligan.core.recovered import last_act
from mulligan.core.refusal import LastAct
from mulligan.core.rights import Permission
from mulligan.core.run import Run
from mulligan.engine.commands import RetryRun
from mulligan.facades.bkci import wire
from mulligan.facades.bkci.calls import REVISION
from mulligan.facades.bkci.errors import NotServedError, render_error
from mulligan.facades.bkci.known_calls import KNOWN_CALLS
from mulligan.facades.bkci.query import Query
from mulligan.facades.bkci.routes import BkciApp, find
from mulligan.facades.common.errors import RequestError
from mulligan.facades.mcp.gateway_calls import (
    COMMON,
    FILES,
    READING_POSTS,
    REVIEWS,
    Said,
    query_schema,
)
from mulligan.facades.mcp.texts import UNTRUSTED
from mulligan.facades.mcp.tool import Json, Result, Tool, ToolCall, ToolError, as_pairs
from mulligan.facades.native.plan_views import show_plan
from mulligan.facades.native.run_views import MASKED

PREFIX = "v4_user_"
MOST_BYTES = 1024 * 1024  # of an answer
_BASE = "/api/apigw-user/v4/"
_PIECE = re.compile(r"\{(\w+)\}")
_CONFIRM = {"type": "string", "description": "From the plan that the call without it returned."}


class GatewayArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of these tools; the names are those of the gateway."""

    path_param: dict[str, str] = {}
    query_param: dict[str, Any] = {}
    body_param: Any = None
    confirm: str = ""

    def bound(self) -> object:
        """Return what a confirmation is bound to."""
        return [self.path_param, self.query_param, self.body_param]


class GatewayCall:
    """A call of that API as a tool."""

    def __init__(self, method: str, path: str, operation: str) -> None:
        self.method = method
        self.path = path
        self.operation = operation
        self.writes = method != "GET" and operation not in READING_POSTS

    def tool(self) -> Tool:
        """Return the tool."""
        said = COMMON.get(self.operation, Said(f"The BK-CI call {self.method} {self.path}."))
        return Tool(
            name=PREFIX + self.operation,
            description=said.text + (CHANGES if self.writes else ""),
            schema=self._schema(said),
            act=self.act,
            writes=self.writes,
            answers_reviews=self.operation in REVIEWS,
        )

    def _schema(self, said: Said) -> Json:
        pieces = [_outer(name) for name in _PIECE.findall(self.path)]
        properties: Json = {}
        needed = []
        if pieces:
            needed.append("path_param")
            properties["path_param"] = {
                "type": "object",
                "properties": {name: {"type": "string"} for name in pieces},
                "required": pieces,
            }
        is_common = self.operation in COMMON
        query = query_schema(said.query) if is_common else {"type": "object"}
        if said.query or not is_common:
            properties["query_param"] = query
        if query.get("required"):
            needed.append("query_param")
        if said.body or (not is_common and self.method != "GET"):
            properties["body_param"] = {"description": said.body or "The body of the call."}
        if self.writes:
            properties["confirm"] = _CONFIRM
        return {
            "type": "object",
            "properties": properties,
            "required": needed,
            "additionalProperties": False,
        }

    async def act(self, call: ToolCall) -> Result:
        """Do the call, or tell what it would do."""
        given = call.read(GatewayArgs)
        try:
            if self.writes:
                return await self._write(call, given)
            return self._result(call, await self._send(call, given))
        except (MulliganError, RequestError) as error:
            name = self.path.rsplit("/", 1)[-1]
            return Result(data=render_error(error, call.language, call=name)[1], is_error=True)

    async def _write(self, call: ToolCall, given: GatewayArgs) -> Result:
        key = ""
        if given.confirm:
            act = call.act_of(given.bound(), None)
            key = call.confirmations.receipt_key(given.confirm, act)
            await call.demand_unused(key)
        seen = await self._observe(call, given)
        act = call.act_of(given.bound(), seen.state, seen.last)
        if not given.confirm:
            what = {"call": self.operation, "method": self.method, "path": self._path(given)}
            return call.plan({**what, "with": self._said(given), **seen.shown}, act)
        call.confirmations.check(given.confirm, act)
        with call.confirmations.in_use(key):
            response = await self._send(call, given, key=key, revision=seen.revision)
            result = self._result(call, response)
            if response.headers.get("Idempotency-Replayed"):
                await call.demand_unused(key)
            if not result.is_error:
                await call.note_used(key, bytes(response.body))
        return result

    async def _send(
        self, call: ToolCall, given: GatewayArgs, *, key: str = "", revision: int | None = None
    ) -> Response:
        request = call.inner(
            self.method,
            _BASE + self._path(given),
            query=given.query_param,
            body=given.body_param if self.method != "GET" else None,
            headers={"idempotency-key": key},
            marks={REVISION: revision},
        )
        return await BkciApp(call.services).answer(request)

    def _said(self, given: GatewayArgs) -> Json:
        """Show what was asked for; what may hold secrets stays out."""
        is_secret = self.operation.startswith("credential_")
        body = MASKED if is_secret and given.body_param is not None else given.body_param
        return {"query_param": given.query_param, "body_param": body}

    def _path(self, given: GatewayArgs) -> str:
        """Give the path with its pieces in it.

        Raises:
            InvalidError: One is missing, or is no piece of a path.
        """

        def piece(found: re.Match[str]) -> str:
            name = _outer(found[1])
            value = given.path_param.get(name, "").strip()
            if not value or "/" in value:
                raise InvalidError(f"path_param.{name} is missing", pointer=name, code="missing")
            return value

        return _PIECE.sub(piece, self.path)

    def _result(self, call: ToolCall, response: Response) -> Result:
        body = bytes(response.body)
        if len(body) > MOST_BYTES:
            raise ToolError({"message": call.said("too-large", len(body), MOST_BYTES)})
        data = msgspec.json.decode(body) if body else {}
        is_log = "/logs/" in self.path
        return Result(
            data=data,
            is_error=response.status_code >= 400,
            note=UNTRUSTED if is_log and response.status_code < 400 else "",
        )

    # --- what a write is about ----------------------------------------------------------------

    async def _observe(self, call: ToolCall, given: GatewayArgs) -> "_Seen":
        """Look at what a write is about."""
        project = given.path_param.get("projectId", "")
        self._path(given)
        query = Query(as_pairs(given.query_param))
        if project:
            await call.enter(project, Permission.VIEW)
        if self.operation == "build_retry":
            return await self._plan_retry(call, project, query)
        run_id, pipeline = query.text("buildId"), query.text("pipelineId")
        if run_id is not None:
            run = await _run(call, project, RunId(run_id))
            shown = _shown(run)
            return _Seen(shown={"build": shown}, state=shown, last=last_act(run))
        if pipeline is not None and project:
            found = await call.services.catalog.get_pipeline(project, pipeline)
            state = {"pipelineId": found.id, "name": found.name, "version": found.version}
            whole = [state, found.locked, str(found.updated_at)]
            return _Seen(shown={"pipeline": state}, state=whole)
        return _Seen()

    async def _plan_retry(self, call: ToolCall, project: str, query: Query) -> "_Seen":
        wanted = wire.read_retry(query)
        run_id = wanted.run
        if run_id is None and wanted.pipeline is not None and wanted.number is not None:
            run_id = await call.services.store.find_run_by_number(wanted.pipeline, wanted.number)
        if run_id is None:
            raise NotFoundError("run", str(wanted.number))
        run = await _run(call, project, run_id)
        await call.services.access.demand(call.actor, Permission.RETRY, project)
        plan = await call.services.engine.plan_retry(
            RetryRun(
                actor=call.actor.user,
                origin="",
                run_id=run_id,
                target=wanted.target,
                only_failed=wanted.only_failed,
                skip=wanted.skip,
                may_operate=await call.services.access.allows(
                    call.actor, Permission.OPERATE, project
                ),
            )
        )
        view = msgspec.to_builtins(show_plan(plan, run))
        return _Seen(
            shown={"build": _shown(run), "plan": short_plan(view)},
            state=plan_state(run, view),
            last=last_act(run),
            revision=plan.revision,
        )


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a write is about.

    Args:
        shown: What is shown of it.
        state: What a confirmation is bound to.
        last: What was done to it last.
        revision: That the run must have when it is done.
    """

    shown: Json = {}
    state: object = None
    last: LastAct | None = None
    revision: int | None = None


CHANGES = (
    " Changes something: the first call only returns a plan and `confirm`; call again with the "
    "same arguments and `confirm` after the person's explicit yes."
)
MOST_NODES = 100


def short_plan(view: Json) -> Json:
    """Give a plan with no more nodes than a reader can take in; steps that run again first."""
    steps = [node for node in view["nodes"] if node["kind"] == "step"]
    steps.sort(key=lambda node: node["action"] == "keep")
    kept = [
        {"name": n["name"], "id": n["id"], "action": n["action"], "reason": n["reason"]}
        for n in steps[:MOST_NODES]
    ]
    return {
        **{name: value for name, value in view.items() if name != "nodes"},
        "steps": kept,
        "more_steps": len(steps) - len(kept),
    }


def plan_state(run: Run, view: Json) -> object:
    """Return what must still hold: what would be done, and that a run at rest has not moved.

    Not how long it may take: that changes with every other run.
    """
    revision = view["revision"] if run.head.status.is_final else None
    return [revision, *(view[part] for part in ("run_attempt", "approvals", "changes", "nodes"))]


async def _run(call: ToolCall, project: str, run_id: RunId) -> Run:
    run = await call.services.engine.get_run(run_id)
    if run.head.project != project:
        raise NotFoundError("pipeline", run.head.pipeline)
    return run


def _shown(run: Run) -> Json:
    """Show the build that a write is about; the revision only of one that is at rest."""
    head = run.head
    return {
        "buildId": head.id,
        "pipelineId": head.pipeline,
        "pipelineName": run.index.spec.name,
        "buildNum": head.number,
        "status": head.status.value,
        "executeCount": head.attempt,
        "revision": head.revision if head.status.is_final else None,
    }


def _outer(name: str) -> str:
    """Give the gateway's name of a piece of a path."""
    return "projectId" if name == "project" else name


def gateway_tools(*, everything: bool) -> Iterator[Tool]:
    """Yield the tools of the calls that are served. `everything`: not only the common ones."""
    for method, path, operation in KNOWN_CALLS:
        if operation in FILES or not (everything or operation in COMMON):
            continue
        try:
            find(method, path)
        except NotServedError:
            continue
        yield GatewayCall(method, path, operation).tool()
