"""Rights in groups of pipelines (spec/swr-pipeline-api.md §1.9, contract-swr.md §1)."""

from enum import IntEnum

from mulligan.core.hooks import Group
from mulligan.core.ids import ProjectId
from mulligan.core.records import Member, Role
from mulligan.core.rights import Actor, Permission, may
from mulligan.facades.common.services import Services
from mulligan.facades.swr.errors import NO_RIGHT, RIGHT_TOO_LOW, SwrError


class Right(IntEnum):
    """What somebody may do with the pipelines of a group; each holds those before it.

    READ, EDIT and MANAGE have their numbers on the wire.
    """

    NONE = -1
    SEE = 0  # a viewer: looks, but starts nothing
    READ = 1
    EDIT = 3
    MANAGE = 7


_BY_PERMISSION = (
    (Permission.ROLL_BACK, Right.MANAGE),
    (Permission.EDIT, Right.EDIT),
    (Permission.START, Right.READ),
    (Permission.VIEW, Right.SEE),
)
_MOST_BY_ROLE = {
    None: Right.MANAGE,
    Role.OWNER: Right.MANAGE,
    Role.MAINTAINER: Right.MANAGE,
    Role.DEVELOPER: Right.EDIT,
    Role.RUNNER: Right.READ,
    Role.VIEWER: Right.SEE,
}


async def right_of(
    services: Services, actor: Actor, account: ProjectId, group: Group | None
) -> Right:
    """Tell what the actor may do in a group, or (None) in the account as a whole.

    That is the right of the role, or a greater one that the group grants to a member; who made
    the group has MANAGE in it. A credential that is bound to a role gives no more than that.
    """
    member = None if actor.is_open else await services.store.find_member(account, actor.user)
    own = _by_role(actor, account, member)
    if own is Right.NONE or own is Right.MANAGE or group is None:
        return own
    if member is None:
        return own  # grants hold for members
    granted = await _granted(services, actor, group)
    return max(own, min(granted, _MOST_BY_ROLE[actor.role]))


def _by_role(actor: Actor, account: ProjectId, member: Member | None) -> Right:
    for permission, right in _BY_PERMISSION:
        if may(actor, permission, account, member):
            return right
    return Right.NONE


async def _granted(services: Services, actor: Actor, group: Group) -> Right:
    if group.created_by == actor.user:
        return Right.MANAGE
    for grant in await services.store.list_grants(group.number):
        if grant.user == actor.user:
            return Right(grant.right)
    return Right.NONE


async def demand(
    services: Services, actor: Actor, account: ProjectId, group: Group | None, wanted: Right
) -> Right:
    """Check a right; return the one that the actor has.

    Raises:
        SwrError: 403, it is too low.
    """
    found = await right_of(services, actor, account, group)
    if found >= wanted:
        return found
    if found is Right.NONE:
        raise SwrError(NO_RIGHT, f"user {actor.user!r} has no place in the account {account!r}")
    where = f"the group {group.name!r}" if group else f"the account {account!r}"
    raise SwrError(
        RIGHT_TOO_LOW,
        f"user {actor.user!r} has {found.name.lower()} in {where}, not {wanted.name.lower()}",
    )
