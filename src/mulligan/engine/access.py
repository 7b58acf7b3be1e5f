"""Access: who somebody is (tokens, passwords, applications) and the people of projects."""

import asyncio
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from mulligan.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.records import App, Member, Project, Role, Token, User
from mulligan.core.rights import (
    GRANTABLE,
    ROLE_ORDER,
    Actor,
    Permission,
    lower_role,
    may,
)
from mulligan.engine import passwords
from mulligan.engine.audited import audited, with_receipt
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.tokens import Tokens, digest_of
from mulligan.ports import Acts, Clock, Ids, Store

DEV_PROJECT = ProjectId("default")
DEV_USER = UserName("admin")
_TOKEN_PREFIX = "mlg_"  # noqa: S105 - lets secret scanners find one
_LONGEST_NAME = 128
_EMAIL = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,255}")


class MadeToken(msgspec.Struct, frozen=True, kw_only=True):
    """A new token. `secret` is shown once and kept nowhere."""

    token: Token
    secret: str


class Access:
    """Users, tokens, applications, members. `is_dev`: loopback needs no credential."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids, is_dev: bool = False) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self.is_dev = is_dev
        self.tokens = Tokens(store, clock)
        # A user is read and written again by one at a time. A login takes it too: it ends before
        # a change of its user, and then what it made is dropped, or sees the change.
        self.changing = asyncio.Lock()
        self._known_users: dict[UserName, User] = {}

    # --- who is it ------------------------------------------------------------------------------

    async def actor_of_token(self, secret: str) -> Actor | None:
        """Return who holds that token; None if it is unknown, revoked or over."""
        token = await self.tokens.find(secret)
        return None if token is None or token.is_session else await self._actor_of(token)

    async def actor_of_session(self, secret: str) -> Actor | None:
        """Return who is signed in to the page with that; None if it is unknown, ended or over."""
        session = await self.tokens.find(secret)
        if session is None or not session.is_session:
            return None
        if session.is_by_password:
            actor = await self._actor_of(session)
            # what such a session makes may last longer than the session
            return None if actor is None else replace(actor, expires_at=None, way="session")
        token = await self.tokens.find_digest(session.name)  # it ends with its token
        actor = None if token is None else await self._actor_of(token)
        return None if actor is None else replace(actor, way="session")

    async def _actor_of(self, token: Token) -> Actor | None:
        if token.only_dev and not self.is_dev:
            return None
        user = await self._user(token.user)
        if user is None or user.disabled:
            return None
        return Actor(
            user=user.name,
            is_admin=user.is_admin,
            projects=token.projects,
            role=token.role,
            expires_at=token.expires_at,
            language=user.language,
            way="login" if token.is_login else "dev" if token.only_dev else "token",
        )

    async def actor_of_app(self, code: str, secret: str, user_name: str) -> Actor | None:
        """Return the user for whom an application acts, within the application's projects."""
        app = await self._store.find_app(code)
        if app is None or not hmac.compare_digest(app.digest, digest_of(secret)):
            return None
        user = await self._user(UserName(user_name))
        if user is None or user.disabled:
            return None
        return Actor(user=user.name, projects=app.projects, way="app", language=user.language)

    async def actor_of_user(self, name: UserName, *, is_open: bool) -> Actor | None:
        """Return a user as the actor of something that was asked for before.

        Args:
            is_open: It was asked for without a credential, which only `--dev` allows.
        """
        user = await self._user(name)
        if user is None or user.disabled or (is_open and not self.is_dev):
            return None
        return Actor(user=name, is_admin=user.is_admin, is_open=is_open, language=user.language)

    async def dev_actor(self, user_name: str) -> Actor:
        """Return the actor of a request without credential under `--dev`; made on first sight."""
        name = UserName(user_name or DEV_USER)
        user = await self._user(name)
        if user is None:
            _check_name(name)
            async with self.changing:
                user = await self._user(name) or await self._make_dev_user(name)
        return Actor(
            user=name, is_admin=user.is_admin, is_open=True, way="dev", language=user.language
        )

    async def _make_dev_user(self, name: UserName) -> User:
        user = User(name=name, created_at=self._clock.now(), is_admin=name == DEV_USER)
        await self._store.put_user(user)
        await self._store.put_member(Member(project=DEV_PROJECT, user=name, role=Role.DEVELOPER))
        self._known_users[name] = user
        return user

    async def _user(self, name: UserName) -> User | None:
        user = self._known_users.get(name)
        if user is None:
            user = await self._store.find_user(name)
            if user is not None:
                # somebody may have changed the user since the read: theirs is the newer one
                user = self._known_users.setdefault(name, user)
        return user

    # --- what may they do -----------------------------------------------------------------------

    async def allows(self, actor: Actor, permission: Permission, project: str) -> bool:
        """Tell whether the actor has the permission in the project."""
        member = None
        if project and not (actor.is_open and permission is not Permission.OPERATE):
            member = await self._store.find_member(ProjectId(project), actor.user)
        return may(actor, permission, project, member)

    async def permissions(self, actor: Actor, project: str) -> frozenset[Permission]:
        """Return all that the actor may do in the project; what concerns the server is not."""
        member = await self._store.find_member(ProjectId(project), actor.user)
        asked = (each for each in Permission if each is not Permission.ADMINISTER)
        return frozenset(each for each in asked if may(actor, each, project, member))

    async def may_in_name_of(self, name: UserName, permission: Permission, project: str) -> bool:
        """Tell whether a user may do that who is not there to ask for it: a pipeline does."""
        user = await self._user(name)
        if user is None or user.disabled:
            return False
        actor = Actor(user=name, is_admin=user.is_admin, is_open=self.is_dev)
        return await self.allows(actor, permission, project)

    async def demand(self, actor: Actor, permission: Permission, project: str) -> None:
        """Check a permission.

        Raises:
            ForbiddenError: The actor lacks it.
        """
        if not await self.allows(actor, permission, project):
            raise ForbiddenError(actor.user, permission.value, project or "the server")

    # --- first start ----------------------------------------------------------------------------

    async def make_first_admin(self, keep: Callable[[str], None] | None = None) -> str | None:
        """Make user `admin` and its token, unless an admin can come in already; return the token.

        Args:
            keep: Is given the token before it is stored: a crash between the two must not leave
                a token that nobody knows, for there would never be another first one.

        `--dev` may have made the user: then its password, and what was logged in by it, end here.
        """
        admin = await self._store.find_user(DEV_USER)
        if admin is not None and not admin.password:
            await self.tokens.drop_logins(DEV_USER)
        if await self._has_admin():
            return None
        if admin is None:
            now = self._clock.now()
            await self._store.put_user(User(name=DEV_USER, created_at=now, is_admin=True))
        made = await self._make_token(DEV_USER, "first start", (), None, None, keep=keep)
        return made.secret

    async def _has_admin(self) -> bool:
        """Tell whether an admin can come in, by a password or a token."""
        offset = 0
        while users := await self._store.list_users(offset=offset):
            for user in users:
                tokens = await self._store.list_tokens(user.name) if user.is_admin else ()
                lasting = any(not (token.only_dev or token.is_session) for token in tokens)
                if user.is_admin and (user.password or lasting):
                    return True
            offset += len(users)
        return False

    async def prepare_dev(self) -> None:
        """Make what `--dev` promises: user admin with password admin, project default."""
        now = self._clock.now()
        if await self._store.find_user(DEV_USER) is None:
            made = User(name=DEV_USER, created_at=now, is_admin=True)
            await self._store.put_user(made)
            self._known_users[DEV_USER] = made
        if await self._store.find_project(DEV_PROJECT) is None:
            await self._store.put_project(
                Project(id=DEV_PROJECT, name="default", created_by=DEV_USER, created_at=now)
            )
        await self._store.put_member(Member(project=DEV_PROJECT, user=DEV_USER, role=Role.OWNER))

    # --- users ----------------------------------------------------------------------------------

    async def create_user(
        self,
        actor: Actor,
        name: str,
        password: str = "",
        *,
        is_admin: bool = False,
        receipt: ReceiptRequest | None = None,
    ) -> User:
        """Make a user.

        Raises:
            ConflictError: The name is taken (code "user").
        """
        await self.demand(actor, Permission.ADMINISTER, "")
        _check_name(name)
        hashed = await passwords.hashed(password) if password else ""
        user = User(
            name=UserName(name), created_at=self._clock.now(), password=hashed, is_admin=is_admin
        )
        acts = self._acts(actor, "user.create", target=name)
        async with self.changing:
            if await self._store.find_user(user.name) is not None:
                raise ConflictError(f"user {name} exists", code="user", values=(name,))
            await self._store.put_user(user, self._with_receipt(acts, actor, receipt, user))
            self._known_users.pop(user.name, None)
        return user

    async def change_user(
        self,
        actor: Actor,
        name: str,
        *,
        language: str | None = None,
        password: str | None = None,
        disabled: bool | None = None,
        email: str | None = None,
    ) -> User:
        """Change what is not None.

        A disabled user's tokens are refused from this moment; what logins have made ends for good
        with that and with a new password.

        Raises:
            ForbiddenError: Something of somebody else, or anything but language and address,
                without being an admin; the address with a credential that is bound.
            InvalidError: The address is none.
        """
        if name != actor.user or password is not None or disabled is not None:
            await self.demand(actor, Permission.ADMINISTER, "")
        if email is not None and (actor.projects or actor.role is not None):
            # what is told to the user would go to whoever has a token that only looks
            raise ForbiddenError(actor.user, Permission.ADMINISTER.value, "")
        if email and not _EMAIL.fullmatch(email):
            raise InvalidError(f"{email[:100]!r} is no address of mail", pointer="/email")
        if disabled and name == actor.user:
            raise InvalidError("you can't disable yourself", pointer="/disabled")
        hashed = await passwords.hashed(password) if password else password
        given = {"language": language, "password": hashed, "disabled": disabled, "email": email}
        changes: dict[str, Any] = {key: new for key, new in given.items() if new is not None}
        acts = self._acts(actor, "user.change", target=name, changed=" ".join(sorted(changes)))
        async with self.changing:
            user = await self._store.find_user(UserName(name))
            if user is None:
                raise NotFoundError("user", name)
            changed = replace(user, **changes)
            if password is not None or disabled:
                # before the change: a crash between the two must not leave them
                await self.tokens.drop_logins(user.name)
            await self._store.put_user(changed, acts)
            self._known_users[changed.name] = changed
        return changed

    async def set_member(
        self,
        actor: Actor,
        project: str,
        user: str,
        role: str,
        permissions: tuple[str, ...] = (),
        *,
        receipt: ReceiptRequest | None = None,
    ) -> Member:
        """Give a user a role in a project."""
        await self.demand(actor, Permission.MANAGE, project)
        if await self._store.find_project(ProjectId(project)) is None:
            raise NotFoundError("project", project)
        if await self._store.find_user(UserName(user)) is None:
            if not self.is_dev:
                raise NotFoundError("user", user)
            await self.dev_actor(user)
        if role not in set(Role):
            words = " ".join(ROLE_ORDER)
            raise InvalidError(f"role {role!r} is none of: {words}", pointer="/role")
        unknown = set(permissions) - GRANTABLE
        if unknown:
            raise InvalidError(
                f"permissions {sorted(unknown)} can't be granted; only {sorted(GRANTABLE)}",
                pointer="/permissions",
            )
        member = Member(
            project=ProjectId(project),
            user=UserName(user),
            role=Role(role),
            permissions=permissions,
        )
        acts = self._acts(actor, "member.set", project=project, target=user, role=role)
        await self._store.put_member(member, self._with_receipt(acts, actor, receipt, member))
        return member

    async def drop_member(self, actor: Actor, project: str, user: str) -> None:
        """Take a user out of a project; what their logins to it have made ends with that."""
        await self.demand(actor, Permission.MANAGE, project)
        place, name = ProjectId(project), UserName(user)
        acts = self._acts(actor, "member.drop", project=project, target=user)
        async with self.changing:
            if await self._store.find_member(place, name) is None:
                raise NotFoundError("member", user)
            await self.tokens.drop_logins(name, place)
            await self._store.drop_member(place, name, acts)

    # --- tokens and applications ----------------------------------------------------------------

    async def create_token(
        self,
        actor: Actor,
        name: str,
        *,
        user: str = "",
        projects: tuple[str, ...] = (),
        role: str = "",
        ttl_s: int | None = None,
        receipt: ReceiptRequest | None = None,
    ) -> MadeToken:
        """Make a token that never reaches further than its maker's credential.

        Raises:
            ForbiddenError: For another user, without being an admin of the server.
            InvalidError: The name is empty, very long or not printable, or the role is unknown.
        """
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable() or name != name.strip():
            raise InvalidError(
                "the name of a token has 1 to 128 printable characters", pointer="/name"
            )
        owner = UserName(user) if user else actor.user
        if owner != actor.user:
            await self.demand(actor, Permission.ADMINISTER, "")
            if await self._store.find_user(owner) is None:
                raise NotFoundError("user", owner)
        if role and role not in set(Role):
            raise InvalidError(f"role {role!r} is unknown", pointer="/role")
        bound = tuple(ProjectId(project) for project in projects) or actor.projects
        outside = [project for project in bound if actor.projects and project not in actor.projects]
        if outside:
            raise ForbiddenError(actor.user, "token", outside[0])
        bound_role = lower_role(Role(role) if role else None, actor.role)
        return await self._make_token(owner, name, bound, bound_role, ttl_s, actor, receipt)

    async def _make_token(
        self,
        user: UserName,
        name: str,
        projects: tuple[ProjectId, ...],
        role: Role | None,
        ttl_s: int | None,
        actor: Actor | None = None,
        receipt: ReceiptRequest | None = None,
        keep: Callable[[str], None] | None = None,
    ) -> MadeToken:
        secret = _TOKEN_PREFIX + secrets.token_urlsafe(32)
        if keep is not None:
            keep(secret)
        now = self._clock.now()
        token = Token(
            id="t-" + self._ids.hex32(),
            name=name[:_LONGEST_NAME],
            user=user,
            digest=digest_of(secret),
            created_at=now,
            projects=projects,
            role=role,
            expires_at=_earliest(
                None if ttl_s is None else now + timedelta(seconds=ttl_s),
                None if actor is None else actor.expires_at,
            ),
            only_dev=actor is not None and actor.way == "dev",
        )
        maker = actor or Actor(user=user)
        made = MadeToken(token=token, secret=secret)
        acts = self._acts(maker, "token.create", target=token.id)
        await self._store.put_token(token, self._with_receipt(acts, maker, receipt, made))
        return made

    async def list_tokens(self, actor: Actor) -> tuple[Token, ...]:
        """Return all tokens to an admin, to others their own.

        A credential that is bound sees none that reaches further than itself.
        """
        if await self.allows(actor, Permission.ADMINISTER, ""):
            return tuple(await self._store.list_tokens())
        return tuple(
            token
            for token in await self._store.list_tokens(actor.user)
            if _reaches_no_further(token, actor)
        )

    async def revoke_token(self, actor: Actor, token_id: str) -> None:
        """Revoke one of the tokens that the actor sees; it is refused from this moment.

        Raises:
            NotFoundError: There is none of that id, or the actor does not see it.
        """
        seen = await self.list_tokens(actor)
        token = next((token for token in seen if token.id == token_id), None)
        if token is None:
            raise NotFoundError("token", token_id)
        acts = self._acts(actor, "token.revoke", target=token_id)
        await self.tokens.revoke(token, acts)

    async def create_app(
        self,
        actor: Actor,
        code: str,
        projects: tuple[str, ...],
        *,
        receipt: ReceiptRequest | None = None,
    ) -> str:
        """Make an application for some projects; return its secret, shown once."""
        for project in projects:
            await self.demand(actor, Permission.MANAGE, project)
        if not projects:
            raise InvalidError("an application needs at least one project", pointer="/projects")
        _check_name(code)
        secret = secrets.token_urlsafe(32)
        app = App(
            code=code,
            digest=digest_of(secret),
            projects=tuple(ProjectId(project) for project in projects),
            created_by=actor.user,
            created_at=self._clock.now(),
        )
        acts = self._acts(actor, "app.create", target=code)
        async with self.changing:
            if await self._store.find_app(code) is not None:
                raise ConflictError(f"application {code} exists", code="app", values=(code,))
            await self._store.put_app(app, self._with_receipt(acts, actor, receipt, secret))
        return secret

    async def check_password(self, name: str, password: str) -> User | None:
        """Return the user if name and password fit."""
        user = await self._store.find_user(UserName(name))
        if self.is_dev and user is not None and not user.password and name == DEV_USER:
            # not stored, so that the password is gone when the server is not in this mode
            return user if hmac.compare_digest(password.encode(), b"admin") else None
        fits = await passwords.fits("" if user is None else user.password, password)
        if user is None or user.disabled or not fits:
            return None
        return user

    async def set_language(self, actor: Actor, language: str) -> None:
        """Remember the language of a user's messages."""
        async with self.changing:
            user = await self._store.find_user(actor.user)
            if user is not None:
                changed = replace(user, language=language)
                await self._store.put_user(changed)
                self._known_users[user.name] = changed

    def _acts(
        self, actor: Actor, action: str, *, project: str = "", target: str = "", **detail: str
    ) -> Acts:
        return audited(self._clock, actor, action, project=project, target=target, **detail)

    def _with_receipt(
        self, acts: Acts, actor: Actor, request: ReceiptRequest | None, result: object
    ) -> Acts:
        return with_receipt(self._clock, acts, actor, request, result)


def _earliest(*instants: datetime | None) -> datetime | None:
    """Give the first of some ends; None is no end."""
    return min((instant for instant in instants if instant is not None), default=None)


def _reaches_no_further(token: Token, actor: Actor) -> bool:
    if actor.projects and not (token.projects and set(token.projects) <= set(actor.projects)):
        return False
    return lower_role(token.role, actor.role) == token.role


def _check_name(name: str) -> None:
    printable = name.isprintable() and name == name.strip()
    if not name or len(name) > _LONGEST_NAME or not printable or "/" in name:
        raise InvalidError(f"{name!r} is no name: 1–128 printable characters without /")
