"""Calls on environments and on the machines that run jobs.

The machines are the runners that there are; none can be made up. An environment is a name for
some of them.
"""

from collections.abc import Sequence
from datetime import datetime

from starlette.responses import Response

from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.items import NodeGroup
from mulligan.core.rights import Permission
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci.bodies import needed, read_names, read_object
from mulligan.facades.bkci.calls import Call, done, ok
from mulligan.facades.bkci.query import blank
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.times import Json, millis, present
from mulligan.facades.common.nodes import Node

PURPOSES = {"DEV": "DEV", "PROD": "PROD", "BUILD": "BUILD"}
MOST_NODES = 1000  # of one environment
NORMAL, ABNORMAL = "NORMAL", "ABNORMAL"
_AGENT_TYPE = "THIRDPARTY"
_SYSTEM_USER = "system"


def _known(call: Call) -> dict[str, Node]:
    return {node.id: node for node in call.services.nodes()}


def _demand_nodes(call: Call, wanted: Sequence[str]) -> None:
    known = _known(call)
    for ident in wanted:
        if ident not in known:
            raise NotFoundError("node", ident)


# --- environments ---------------------------------------------------------------------------------


async def env_list(call: Call) -> Response:
    """List the environments of a project."""
    await call.demand(Permission.VIEW)
    query = call.query
    groups = await call.services.store.list_items(NodeGroup, ProjectId(call.project))
    may_edit = await call.services.access.allows(call.actor, Permission.EDIT, call.project)
    name, purpose, node = query.text("envName"), query.text("envType"), query.text("nodeHashId")
    return ok(
        [
            _environment(group, may_edit=may_edit)
            for group in groups
            if name in {None, group.name}
            and purpose in {None, group.purpose}
            and (node is None or node in group.nodes)
        ]
    )


def _environment(group: NodeGroup, *, may_edit: bool) -> Json:
    return {
        "envHashId": group.id,
        "name": group.name,
        "desc": group.description,
        "envType": group.purpose,
        "nodeCount": len(group.nodes),
        "envVars": [],
        "createdUser": group.created_by,
        "createdTime": millis(group.created_at),
        "updatedUser": group.updated_by,
        "updatedTime": millis(group.updated_at),
        "canEdit": may_edit,
        "canDelete": may_edit,
        "canUse": True,
        "projectName": group.project,
    }


async def env_create(call: Call) -> Response:
    """Make an environment."""
    await call.demand(Permission.EDIT)
    given = read_object(call.body())
    name = needed(given, "name")
    if given.items("envVars"):
        raise InvalidError(
            "an environment has no variables here; use start parameters or secrets",
            pointer="envVars",
            code="unsupported",
            values=("environment variables",),
        )
    nodes = tuple(dict.fromkeys(given.texts("nodeHashIds")))
    _demand_nodes(call, nodes)
    content = {
        "purpose": given.word("envType", PURPOSES, "BUILD"),
        "description": given.text("desc"),
        "nodes": nodes,
    }

    async def create(receipt: ReceiptRequest | None) -> NodeGroup:
        return await call.services.arrangement.add_node_group(
            call.actor, call.project, name, content, receipt
        )

    return await call.change(create, lambda group: {"hashId": group.id})


async def env_delete(call: Call) -> Response:
    """Delete an environment; its machines stay."""
    await call.demand(Permission.EDIT)
    ident = call.query.needed("envHashId")

    async def drop(receipt: ReceiptRequest | None) -> None:
        await call.services.arrangement.drop(call.actor, NodeGroup, call.project, ident, receipt)

    return await call.change(drop, done)


async def env_add_nodes(call: Call) -> Response:
    """Add machines to an environment."""
    await call.demand(Permission.EDIT)
    nodes = read_names(call.body(), most=MOST_NODES)
    _demand_nodes(call, nodes)
    return await _fill(call, add=nodes)


async def env_delete_nodes(call: Call) -> Response:
    """Take machines out of an environment."""
    await call.demand(Permission.EDIT)
    return await _fill(call, remove=read_names(call.body(), most=MOST_NODES))


async def _fill(call: Call, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Response:
    ident = call.query.needed("envHashId")

    async def fill(receipt: ReceiptRequest | None) -> NodeGroup:
        return await call.services.arrangement.fill_node_group(
            call.actor, call.project, ident, add=add, remove=remove, receipt=receipt
        )

    return await call.change(fill, done)


async def env_nodes_list(call: Call) -> Response:
    """List the machines of an environment."""
    await call.demand(Permission.VIEW)
    query = call.query
    group = await call.services.arrangement.get(NodeGroup, call.project, query.needed("envHashId"))
    page, size = query.page(is_unlimited=call.is_unlimited)
    known = _known(call)
    address, name = query.text("nodeIp") or "", query.text("displayName") or ""
    creator, status = query.text("createdUser"), query.text("nodeStatus")
    rows = [_node(known[ident]) for ident in group.nodes if ident in known]
    found = [
        row
        for row in rows
        if address in row["ip"]
        and name in row["displayName"]
        and creator in {None, row["createdUser"]}
        and status in {None, row["nodeStatus"]}
    ]
    shown = found[(page - 1) * size : page * size]
    return ok(render_page(shown, count=len(found), page=page, page_size=size))


# --- machines -------------------------------------------------------------------------------------


async def node_list(call: Call) -> Response:
    """List the machines that run jobs."""
    await call.demand(Permission.VIEW)
    return ok([_node(node) for node in call.services.nodes()])


async def node_status(call: Call) -> Response:
    """Tell how one machine is."""
    await call.demand(Permission.VIEW)
    node = _asked(call)
    if node is None:
        return ok(None)
    return ok(_node(node) | {"canUse": True, "canEdit": False, "canDelete": False})


async def node_detail(call: Call) -> Response:
    """Tell all about one machine."""
    await call.demand(Permission.VIEW)
    node = _asked(call)
    return ok(_detail(call, node, call.services.clock.now()) if node is not None else None)


def _asked(call: Call) -> Node | None:
    """Find the machine that one of the three ids of the query names."""
    query = call.query
    wanted = {query.text(key) for key in ("nodeHashId", "nodeName", "agentHashId")} - {None}
    if not wanted:
        raise blank("nodeHashId")
    for node in call.services.nodes():
        if wanted <= {node.id, node.name}:
            return node
    return None


def _node(node: Node) -> Json:
    return {
        "nodeHashId": node.id,
        "nodeId": node.id,
        "name": node.name,
        "displayName": node.name,
        "ip": node.address,
        "nodeStatus": NORMAL if node.is_online else ABNORMAL,
        "agentStatus": node.is_online,
        "agentHashId": node.id,
        "osName": node.system,
        "nodeType": _AGENT_TYPE,
        "createdUser": _SYSTEM_USER,
        "operator": _SYSTEM_USER,
        "bakOperator": "",
        "gateway": "",
    }


def _detail(call: Call, node: Node, now: datetime) -> Json:
    return present(
        {
            "agentId": node.id,
            "projectId": call.project,
            "nodeId": node.id,
            "displayName": node.name,
            "status": NORMAL if node.is_online else ABNORMAL,
            "hostname": node.host,
            "os": node.system.upper(),
            "osDetail": node.system_detail,
            "ip": node.address,
            "maxParallelTaskCount": str(node.slots),
            "parallelTaskCount": str(node.slots),
            "busyTaskSize": node.busy,
            "startedUser": _SYSTEM_USER,
            "createdUser": _SYSTEM_USER,
            "lastHeartbeatTime": millis(now) if node.is_online else None,
            "canEdit": False,
        }
    )
