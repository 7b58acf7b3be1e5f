"""Calls on groups of pipelines and on rights in them (spec §2.1 to §2.3, §2.19)."""

from msgspec.structs import replace
from starlette.responses import Response

from mulligan.core.errors import ConflictError
from mulligan.core.hooks import Group, GroupGrant
from mulligan.core.ids import UserName
from mulligan.core.records import AuditEntry
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.swr import names
from mulligan.facades.swr.calls import Call, Route, nothing
from mulligan.facades.swr.errors import EXISTS, NOT_FOUND, SwrError, bad
from mulligan.facades.swr.fields import Fields, Json
from mulligan.facades.swr.groups import find_group, list_groups
from mulligan.facades.swr.negotiate import answer
from mulligan.facades.swr.query import read_page
from mulligan.facades.swr.rights import Right
from mulligan.ports import Acts

_RIGHTS = (Right.READ, Right.EDIT, Right.MANAGE)
_BAD_AUTH = "SWR.4007003"
_AUTH_EXISTS = "SWR.4097005"
_NAME_RULE = "a-z first, then a-z 0-9 _ -, at most 64, no mixed, tripled or trailing separators"


async def create(call: Call) -> Response:
    """Make a group; who makes it manages it."""
    await call.demand(Right.EDIT)
    given = Fields(await call.value())
    name = given.text("group")
    if not names.is_name(name):
        raise bad("group", f"{name!r}: {_NAME_RULE}")
    description = names.check_description(given.text_or("description"))

    async def act(_receipt: ReceiptRequest | None) -> Json:
        group = Group(
            project=call.account,
            name=name,
            created_by=call.actor.user,
            created_at=call.services.clock.now(),
            description=description,
        )
        try:
            made = await call.services.store.put_group(group, _acts(call, "group.create", name))
        except ConflictError as error:
            if error.code != "group":
                raise
            raise SwrError(EXISTS, f"the group {name!r} exists") from None
        return {"id": made.number, "group": made.name, "description": made.description}

    return await call.once(act)


async def delete(call: Call) -> Response:
    """Delete an empty group."""
    name = call.path["group_name"]
    group = await find_group(call.services, call.account, name)
    await call.demand(Right.MANAGE, group)
    try:
        # the default group also has what was made in another dialect
        counts = {
            each.number: count for each, count in await list_groups(call.services, call.account)
        }
        if counts.get(group.number):
            raise SwrError(EXISTS, f"the group {name!r} still has pipelines")
        await call.services.store.drop_group(group.number, _acts(call, "group.delete", name))
    except ConflictError:
        raise SwrError(EXISTS, f"the group {name!r} still has pipelines") from None
    return nothing()


async def listing(call: Call) -> Response:
    """List the groups that the caller may see, by id."""
    await call.demand(Right.SEE)
    page = read_page(call.query)
    found = await list_groups(call.services, call.account)
    shown = [
        {
            "id": group.number,
            "group": group.name,
            "description": group.description,
            "pipeline_count": count,
        }
        for group, count in found
    ]
    cut = page.cut(shown)
    return answer(cut, headers=page.headers(len(cut), len(shown)))


# --- rights (X) -----------------------------------------------------------------------------------


async def auth_list(call: Call) -> Response:
    """List the rights that a group grants, its maker's included."""
    group = await find_group(call.services, call.account, call.path["group_name"])
    await call.demand(Right.SEE, group)
    granted = {grant.user: grant.right for grant in await _grants(call, group)}
    if group.created_by and group.created_by != "system":
        granted[group.created_by] = int(Right.MANAGE)
    return answer([{"user_name": user, "auth": right} for user, right in sorted(granted.items())])


async def auth_create(call: Call) -> Response:
    """Grant a right to a member of the account who has none in the group."""
    return await _put_auth(call, is_new=True)


async def auth_update(call: Call) -> Response:
    """Change a right."""
    return await _put_auth(call, is_new=False)


async def _put_auth(call: Call, *, is_new: bool) -> Response:
    group = await find_group(call.services, call.account, call.path["group_name"])
    await call.demand(Right.MANAGE, group)
    given = Fields(await call.value())
    user = UserName(given.filled("user_name"))
    right = given.need("auth")
    if isinstance(right, bool) or right not in _RIGHTS:
        raise bad("auth", f"{right!r} is none of: 1 read, 3 edit, 7 manage", _BAD_AUTH)
    if await call.services.store.find_member(call.account, user) is None:
        raise bad("user_name", f"{user!r} is no member of the account", _BAD_AUTH)

    async def act(_receipt: ReceiptRequest | None) -> Json:
        # looked at here: a repeat with the same key must get the first answer
        has = any(grant.user == user for grant in await _grants(call, group))
        if is_new and has:
            raise SwrError(_AUTH_EXISTS, f"{user!r} has a right in {group.name!r}")
        if not is_new and not has:
            raise SwrError(NOT_FOUND, f"{user!r} has no right in {group.name!r}")
        grant = GroupGrant(group=group.number, user=user, right=int(right))
        acts = _acts(call, "group.grant", group.name, user=user, right=str(int(right)))
        await call.services.store.put_grant(grant, acts)
        return {"user_name": user, "auth": int(right)}

    return await call.once(act)


async def auth_delete(call: Call) -> Response:
    """Take a right away; the user is named in the query or the body."""
    group = await find_group(call.services, call.account, call.path["group_name"])
    await call.demand(Right.MANAGE, group)
    name = call.query.get("user_name") or Fields(await call.value() or {}).filled("user_name")
    acts = _acts(call, "group.revoke", group.name, user=name)
    if not await call.services.store.drop_grant(group.number, UserName(name), acts):
        raise SwrError(NOT_FOUND, f"{name!r} has no right in {group.name!r}")
    return nothing()


async def _grants(call: Call, group: Group) -> tuple[GroupGrant, ...]:
    return await call.services.store.list_grants(group.number)


def _acts(call: Call, action: str, target: str, **detail: str) -> Acts:
    entry = AuditEntry(
        at=call.services.clock.now(),
        actor=call.actor.user,
        action=action,
        project=call.account,
        target=target,
        origin=call.origin,
    )
    return Acts(audit=(replace(entry, detail=dict(detail)),))


_ONE = "/v3/manage/pipelinegroups/{group_name}"
_NO_RIGHT_WRITTEN = "SWR.5000007"

ROUTES = (
    *(
        route
        for prefix in ("/v3/manage", "/v2/manage")
        for route in (
            Route(
                method="POST",
                path=f"{prefix}/pipelinegroups",
                handler=create,
                failure="SWR.5007006",
            ),
            Route(
                method="GET",
                path=f"{prefix}/pipelinegroups",
                handler=listing,
                failure="SWR.5007004",
            ),
        )
    ),
    Route(method="DELETE", path=_ONE, handler=delete, failure=_NO_RIGHT_WRITTEN),
    Route(method="GET", path=f"{_ONE}/auths", handler=auth_list, failure="SWR.5007002"),
    Route(method="POST", path=f"{_ONE}/auths", handler=auth_create, failure=_NO_RIGHT_WRITTEN),
    Route(method="PUT", path=f"{_ONE}/auths", handler=auth_update, failure=_NO_RIGHT_WRITTEN),
    Route(method="DELETE", path=f"{_ONE}/auths", handler=auth_delete, failure=_NO_RIGHT_WRITTEN),
)
