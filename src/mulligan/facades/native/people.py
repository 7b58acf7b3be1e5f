"""Tokens, users, members, applications, the audit trail."""

from starlette.responses import Response

from mulligan.core.errors import InvalidError
from mulligan.core.ids import UserName
from mulligan.core.records import AuditEntry, Member, Token, User
from mulligan.core.rights import Permission
from mulligan.engine.access import MadeToken
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.native import queries, shapes
from mulligan.facades.native.bodies import AppBody, MemberBody, TokenBody, UserBody, UserChange
from mulligan.facades.native.endpoints import NOTHING, Call, Endpoint, answer

_LANGUAGES = ("", "en", "zh")


# --- tokens -----------------------------------------------------------------------------------


async def create_token(call: Call) -> Response:
    """Make a token."""
    given = call.read(TokenBody)
    if given.ttl_s is not None and not 0 < given.ttl_s < 2**31:
        raise InvalidError("ttl_s must be a number of seconds above 0", pointer="/ttl_s")

    async def act(receipt: ReceiptRequest | None) -> MadeToken:
        return await call.services.access.create_token(
            call.actor,
            given.name,
            user=given.user,
            projects=given.projects,
            role=given.role,
            ttl_s=given.ttl_s,
            receipt=receipt,
        )

    return await call.once(
        act,
        lambda made: shapes.NewToken(id=made.token.id, token=made.secret),
        keep=lambda made: shapes.NewToken(id=made.token.id, token=""),
    )


async def list_tokens(call: Call) -> Response:
    """List one's own tokens; an admin sees all."""
    tokens = await call.services.access.list_tokens(call.actor)
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    page, cursor = queries.page_of(tokens[offset : offset + wanted + 1], offset, wanted)
    items = tuple(_token(token) for token in page)
    return answer(shapes.TokenList(items=items, next_cursor=cursor))


async def revoke_token(call: Call) -> Response:
    """Revoke a token."""
    await call.services.access.revoke_token(call.actor, call.part("token"))
    return Response(status_code=NOTHING)


def _token(token: Token) -> shapes.TokenView:
    return shapes.TokenView(
        id=token.id,
        name="session" if token.is_session else token.name,
        user=token.user,
        projects=token.projects,
        role=None if token.role is None else token.role.value,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )


# --- users ------------------------------------------------------------------------------------


async def create_user(call: Call) -> Response:
    """Make a user."""
    given = call.read(UserBody)

    async def act(receipt: ReceiptRequest | None) -> User:
        return await call.services.access.create_user(
            call.actor, given.name, given.password, receipt=receipt
        )

    return await call.once(act, _user)


async def list_users(call: Call) -> Response:
    """List all users."""
    await call.services.access.demand(call.actor, Permission.ADMINISTER, "")
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    found = await call.services.store.list_users(limit=wanted + 1, offset=offset)
    page, cursor = queries.page_of(found, offset, wanted)
    items = tuple(_user(user) for user in page)
    return answer(shapes.UserList(items=items, next_cursor=cursor))


async def change_user(call: Call) -> Response:
    """Change a user; everybody may set their own language and address, the rest is an admin's."""
    given = call.read(UserChange)
    if given.language not in {None, *_LANGUAGES}:
        raise InvalidError("language must be en, zh or empty", pointer="/language")
    changed = await call.services.access.change_user(
        call.actor,
        call.part("user"),
        language=given.language,
        password=given.password,
        disabled=given.disabled,
        email=given.email,
    )
    return answer(_user(changed))


def _user(user: User) -> shapes.UserView:
    return shapes.UserView(
        name=user.name,
        is_admin=user.is_admin,
        disabled=user.disabled,
        language=user.language,
        email=user.email,
        created_at=user.created_at,
    )


# --- members ----------------------------------------------------------------------------------


async def list_members(call: Call) -> Response:
    """List the members of a project."""
    members = await call.services.store.list_members(call.project)
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    page, cursor = queries.page_of(members[offset : offset + wanted + 1], offset, wanted)
    items = tuple(_member(member) for member in page)
    return answer(shapes.MemberList(items=items, next_cursor=cursor))


async def set_member(call: Call) -> Response:
    """Give a user a role in a project."""
    given = call.read(MemberBody)

    async def act(receipt: ReceiptRequest | None) -> Member:
        return await call.services.access.set_member(
            call.actor,
            call.project,
            call.part("user"),
            given.role,
            given.permissions,
            receipt=receipt,
        )

    return await call.once(act, _member)


async def drop_member(call: Call) -> Response:
    """Take a user out of a project."""
    await call.services.access.drop_member(call.actor, call.project, UserName(call.part("user")))
    return Response(status_code=NOTHING)


def _member(member: Member) -> shapes.MemberView:
    return shapes.MemberView(
        user=member.user, role=member.role.value, permissions=member.permissions
    )


# --- applications -----------------------------------------------------------------------------


async def create_app(call: Call) -> Response:
    """Make an application that acts for its users in some projects."""
    given = call.read(AppBody)
    for project in given.projects:
        await call.enter(project, Permission.MANAGE)

    async def act(receipt: ReceiptRequest | None) -> str:
        return await call.services.access.create_app(
            call.actor, given.code, given.projects, receipt=receipt
        )

    return await call.once(
        act,
        lambda secret: shapes.NewApp(code=given.code, secret=secret),
        keep=lambda _: shapes.NewApp(code=given.code, secret=""),
    )


# --- audit ------------------------------------------------------------------------------------


async def list_audit(call: Call) -> Response:
    """List who did what in a project, newest first."""
    return await _list_audit(call, call.project)


async def list_all_audit(call: Call) -> Response:
    """List who did what on the server, in all projects and besides, newest first."""
    await call.services.access.demand(call.actor, Permission.ADMINISTER, "")
    return await _list_audit(call, None)


async def _list_audit(call: Call, project: str | None) -> Response:
    wanted = queries.limit(call.request)
    before = queries.whole(call.request, "cursor", least=1)
    found = await call.services.store.list_audit(project=project, limit=wanted + 1, before=before)
    items = tuple(_audit(entry) for entry in found[:wanted])
    cursor = str(items[-1].id) if len(found) > wanted else None
    return answer(shapes.AuditList(items=items, next_cursor=cursor))


def _audit(entry: AuditEntry) -> shapes.AuditView:
    return shapes.AuditView(
        id=entry.id,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        target=entry.target,
        outcome=entry.outcome,
        origin=entry.origin,
        reason=entry.reason,
        detail=entry.detail,
    )


_PEOPLE = "/projects/{project}/members"

ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/tokens",
        act=create_token,
        summary="Make a token, never with more rights than one's own",
        body=TokenBody,
        answer=shapes.NewToken,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/tokens",
        act=list_tokens,
        summary="List one's own tokens; admins: all",
        answer=shapes.TokenList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="DELETE",
        path="/tokens/{token}",
        act=revoke_token,
        summary="Revoke a token; it is refused from that moment",
        status=NOTHING,
    ),
    Endpoint(
        method="POST",
        path="/users",
        act=create_user,
        summary="Make a user (server admins)",
        body=UserBody,
        answer=shapes.UserView,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/users",
        act=list_users,
        summary="List users (server admins)",
        answer=shapes.UserList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="PATCH",
        path="/users/{user}",
        act=change_user,
        summary="Set one's own language and address; admins: also password, and disable a user",
        body=UserChange,
        answer=shapes.UserView,
    ),
    Endpoint(
        method="GET",
        path=_PEOPLE,
        act=list_members,
        summary="List the members of a project",
        needs=Permission.VIEW,
        answer=shapes.MemberList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="PUT",
        path=_PEOPLE + "/{user}",
        act=set_member,
        summary="Give a user a role in a project",
        needs=Permission.MANAGE,
        body=MemberBody,
        answer=shapes.MemberView,
    ),
    Endpoint(
        method="DELETE",
        path=_PEOPLE + "/{user}",
        act=drop_member,
        summary="Take a user out of a project",
        needs=Permission.MANAGE,
        status=NOTHING,
    ),
    Endpoint(
        method="POST",
        path="/apps",
        act=create_app,
        summary="Make an application for some projects",
        body=AppBody,
        answer=shapes.NewApp,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/projects/{project}/audit",
        act=list_audit,
        summary="List who did what in a project, newest first",
        needs=Permission.MANAGE,
        answer=shapes.AuditList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="GET",
        path="/audit",
        act=list_all_audit,
        summary="List who did what on the server, newest first (server admins)",
        answer=shapes.AuditList,
        query=queries.PAGED,
    ),
)
