"""Who may do what: one decision function, asked by every way in. Deny by default."""

from datetime import datetime
from enum import StrEnum

import msgspec

from mulligan.core.ids import ProjectId, UserName
from mulligan.core.records import Member, Role


class Permission(StrEnum):
    """An act in a project, or on the server."""

    VIEW = "view"  # runs, pipelines
    VIEW_LOG = "view-log"
    START = "start"
    STOP_OWN = "stop-own"
    RETRY = "retry"
    DOWNLOAD = "download"
    EDIT = "edit"  # pipelines: create, change, delete, lock
    STOP = "stop"  # anybody's run
    SKIP = "skip"
    APPROVE = "approve"
    ROLL_BACK = "roll-back"
    USE_SECRET = "use-secret"  # noqa: S105 - a permission
    SECRETS = "secrets"  # make, change and delete them; nobody can read them
    MANAGE = "manage"  # members
    DELETE = "delete"  # the project
    OPERATE = "api_operate"  # skip what its definition does not allow; only by grant
    ADMINISTER = "administer"  # the server: users, projects, plugins


_VIEWER = frozenset({Permission.VIEW, Permission.VIEW_LOG, Permission.DOWNLOAD})
_RUNNER = _VIEWER | {Permission.START, Permission.STOP_OWN, Permission.RETRY}
_DEVELOPER = _RUNNER | {
    Permission.EDIT,
    Permission.STOP,
    Permission.SKIP,
    Permission.USE_SECRET,
}
_MAINTAINER = _DEVELOPER | {Permission.APPROVE, Permission.ROLL_BACK, Permission.SECRETS}
_OWNER = _MAINTAINER | {Permission.MANAGE, Permission.DELETE}
BUNDLES = {
    Role.VIEWER: _VIEWER,
    Role.RUNNER: _RUNNER,
    Role.DEVELOPER: _DEVELOPER,
    Role.MAINTAINER: _MAINTAINER,
    Role.OWNER: _OWNER,
}
ROLE_ORDER = (Role.VIEWER, Role.RUNNER, Role.DEVELOPER, Role.MAINTAINER, Role.OWNER)
# What a membership may carry besides its role.
GRANTABLE = frozenset({Permission.OPERATE.value})


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts, and how far their credential reaches.

    Args:
        projects: Only in these; empty = in all that the user may enter.
        role: No more than this role gives; None = no such bound.
        expires_at: When the credential is over; None = never.
        is_open: `--dev` without a credential: everything in any project but api_operate.
        way: "token", "dev", "app" …
    """

    user: UserName
    is_admin: bool = False
    projects: tuple[ProjectId, ...] = ()
    role: Role | None = None
    expires_at: datetime | None = None
    is_open: bool = False
    way: str = "token"
    language: str = ""


def may(actor: Actor, permission: Permission, project: str, member: Member | None) -> bool:
    """Tell whether the actor may do that in the project.

    Args:
        project: Name of the project, "" for the server as a whole.
        member: The actor's membership of it, if there is one.
    """
    if actor.projects and project not in actor.projects:
        return False
    granted = member is not None and permission.value in member.permissions
    if permission is Permission.OPERATE:
        return granted  # even admins and --dev have it only by grant
    if actor.role is not None and permission not in BUNDLES[actor.role]:
        return False
    if permission is Permission.ADMINISTER:
        return actor.is_admin and actor.role is None
    if actor.is_admin or actor.is_open or granted:
        return True
    return member is not None and permission in BUNDLES[member.role]


def lower_role(one: Role | None, other: Role | None) -> Role | None:
    """Give the smaller of two bounds; None is no bound."""
    bounds = [role for role in (one, other) if role is not None]
    return min(bounds, key=ROLE_ORDER.index) if bounds else None
