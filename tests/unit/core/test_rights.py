"""Who may do what: the one function that decides it."""

from __future__ import annotations

import itertools

import pytest

from mulligan.core.ids import ProjectId, UserName
from mulligan.core.records import Member, Role
from mulligan.core.rights import BUNDLES, GRANTABLE, ROLE_ORDER, Actor, Permission, lower_role, may

ANN = UserName("ann")
SHOP, BANK = ProjectId("shop"), ProjectId("bank")

# The least role that has a permission (contract-ops.md, rule 7); None: no role has it.
LEAST: dict[Permission, Role | None] = {
    Permission.VIEW: Role.VIEWER,
    Permission.VIEW_LOG: Role.VIEWER,
    Permission.DOWNLOAD: Role.VIEWER,
    Permission.START: Role.RUNNER,
    Permission.STOP_OWN: Role.RUNNER,
    Permission.RETRY: Role.RUNNER,
    Permission.EDIT: Role.DEVELOPER,
    Permission.STOP: Role.DEVELOPER,
    Permission.SKIP: Role.DEVELOPER,
    Permission.USE_SECRET: Role.DEVELOPER,
    Permission.APPROVE: Role.MAINTAINER,
    Permission.ROLL_BACK: Role.MAINTAINER,
    Permission.SECRETS: Role.MAINTAINER,
    Permission.MANAGE: Role.OWNER,
    Permission.DELETE: Role.OWNER,
    Permission.OPERATE: None,
    Permission.ADMINISTER: None,
}


def member(role: Role, *permissions: str, project: ProjectId = SHOP) -> Member:
    """Give a membership of Ann."""
    return Member(project=project, user=ANN, role=role, permissions=permissions)


def test_the_table_names_every_permission_and_role() -> None:
    """Nothing is forgotten here when something is added there."""
    assert set(LEAST) == set(Permission)
    assert set(ROLE_ORDER) == set(Role) == set(BUNDLES)


@pytest.mark.parametrize(("role", "permission"), list(itertools.product(Role, Permission)))
def test_roles_have_what_the_table_says(role: Role, permission: Permission) -> None:
    """A role has a permission if it is the least one that has it, or a higher one."""
    least = LEAST[permission]
    expected = least is not None and ROLE_ORDER.index(role) >= ROLE_ORDER.index(least)

    assert may(Actor(user=ANN), permission, SHOP, member(role)) is expected


@pytest.mark.parametrize("permission", list(Permission))
def test_without_a_membership_nothing_is_allowed(permission: Permission) -> None:
    """Deny by default."""
    assert not may(Actor(user=ANN), permission, SHOP, None)


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("bound", list(Role))
def test_a_token_has_never_more_than_its_bound(bound: Role, permission: Permission) -> None:
    """The role of a token cuts the rights of its user, also of an admin or with --dev."""
    actors = (
        Actor(user=ANN, role=bound),
        Actor(user=ANN, role=bound, is_admin=True),
        Actor(user=ANN, role=bound, is_open=True),
    )

    for actor in actors:
        allowed = may(actor, permission, SHOP, member(Role.OWNER))
        assert allowed is (permission in BUNDLES[bound])


def test_a_token_does_not_raise_its_user() -> None:
    """A bound above the user's own role gives nothing."""
    actor = Actor(user=ANN, role=Role.OWNER)

    assert not may(actor, Permission.EDIT, SHOP, member(Role.VIEWER))
    assert may(actor, Permission.VIEW, SHOP, member(Role.VIEWER))


@pytest.mark.parametrize("permission", [Permission.VIEW, Permission.DELETE, Permission.OPERATE])
def test_a_token_is_bound_to_its_projects(permission: Permission) -> None:
    """Elsewhere it may do nothing, though its user or an admin might; nor on the server."""
    rights = member(Role.OWNER, "api_operate", project=BANK)
    for actor in (
        Actor(user=ANN, projects=(SHOP,)),
        Actor(user=ANN, projects=(SHOP,), is_admin=True),
        Actor(user=ANN, projects=(SHOP,), is_open=True),
    ):
        assert not may(actor, permission, BANK, rights)
        assert not may(actor, permission, "", rights)
    assert may(Actor(user=ANN, projects=(SHOP, BANK)), permission, BANK, rights)


@pytest.mark.parametrize(
    "actor",
    [
        Actor(user=ANN),
        Actor(user=ANN, is_admin=True),
        Actor(user=ANN, is_open=True),
        Actor(user=ANN, is_admin=True, is_open=True),
    ],
)
def test_api_operate_is_only_had_by_grant(actor: Actor) -> None:
    """Neither admins nor --dev have it unless it was granted in that project."""
    assert not may(actor, Permission.OPERATE, SHOP, None)
    assert not may(actor, Permission.OPERATE, SHOP, member(Role.OWNER))
    assert may(actor, Permission.OPERATE, SHOP, member(Role.VIEWER, "api_operate"))
    assert {"api_operate"} == GRANTABLE


@pytest.mark.parametrize("permission", [kind for kind, least in LEAST.items() if least])
def test_admins_and_dev_users_may_do_everything_in_projects(permission: Permission) -> None:
    """Membership is not asked for."""
    assert may(Actor(user=ANN, is_admin=True), permission, SHOP, None)
    assert may(Actor(user=ANN, is_open=True), permission, SHOP, None)


def test_the_server_is_administered_by_admins_alone() -> None:
    """Not with --dev, not with a token that is bound to a role."""
    assert may(Actor(user=ANN, is_admin=True), Permission.ADMINISTER, "", None)
    assert not may(Actor(user=ANN, is_open=True), Permission.ADMINISTER, "", None)
    assert not may(Actor(user=ANN, is_admin=True, role=Role.OWNER), Permission.ADMINISTER, "", None)


@pytest.mark.parametrize(
    ("one", "other", "lower"),
    [
        (None, None, None),
        (Role.OWNER, None, Role.OWNER),
        (None, Role.VIEWER, Role.VIEWER),
        (Role.OWNER, Role.RUNNER, Role.RUNNER),
        (Role.RUNNER, Role.DEVELOPER, Role.RUNNER),
    ],
)
def test_the_lower_of_two_bounds(one: Role | None, other: Role | None, lower: Role | None) -> None:
    """No bound is the highest."""
    assert lower_role(one, other) is lower
