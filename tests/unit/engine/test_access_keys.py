"""Access keys: whom they stand for, and that their secrets are stored nowhere."""

from datetime import timedelta

import pytest

from engine_world import ADMIN, ANN, BOB, NOON, SHOP, World
from mulligan.core.errors import ForbiddenError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.records import Role
from mulligan.core.rights import Actor
from mulligan.engine.access_keys import AccessKeys, LockedKeyError
from mulligan.secret_key import SecretKey

pytestmark = pytest.mark.anyio

BOBS = Actor(user=BOB)
BACK = ProjectId("back")


def keys_of(world: World, key: bytes = b"k" * 32) -> AccessKeys:
    """Give the keys of a server with that key."""
    return AccessKeys(
        store=world.store,
        clock=world.clock,
        access=world.access,
        secret_key=SecretKey(lambda: key),
    )


@pytest.fixture
def keys(staffed: World) -> AccessKeys:
    """Give the keys of the staffed world."""
    return keys_of(staffed)


async def test_key_stands_for_its_maker_in_one_project(keys: AccessKeys) -> None:
    """A signature with the key acts as its user, bound to its project."""
    made = await keys.create(BOBS, SHOP)

    held = await keys.find(made.key.access)

    assert held is not None
    assert held.secret == made.secret
    assert (held.actor.user, held.actor.projects, held.project) == (BOB, (SHOP,), SHOP)


async def test_secret_comes_from_the_servers_key(staffed: World, keys: AccessKeys) -> None:
    """The secret is in no row; a server with the same key gives it again, another one does not."""
    made = await keys.create(BOBS, SHOP)

    again = await keys_of(staffed).find(made.key.access)
    other = await keys_of(staffed, b"x" * 32).find(made.key.access)

    stored = await staffed.store.list_access_keys(BOB)
    assert made.secret not in str(stored) + str(await staffed.store.list_audit())
    assert again is not None
    assert again.secret == made.secret
    assert other is not None
    assert other.secret != made.secret


async def test_key_reaches_no_further_than_its_maker(keys: AccessKeys) -> None:
    """Who is not let in makes no key; nor does a credential with a role or an end."""
    soon = NOON + timedelta(hours=1)
    refused = (
        (BOBS, BACK),
        (Actor(user=ANN, is_admin=True, projects=(SHOP,)), BACK),
        (Actor(user=BOB, role=Role.VIEWER), SHOP),
        (Actor(user=BOB, expires_at=soon), SHOP),
        (Actor(user=BOB, way="app"), SHOP),
    )

    for actor, project in refused:
        with pytest.raises(ForbiddenError):
            await keys.create(actor, project)
    with pytest.raises(NotFoundError):
        await keys.create(ADMIN, "nowhere")
    await keys.create(Actor(user=BOB, expires_at=soon, way="login", projects=(SHOP,)), SHOP)


async def test_shut_out_user_has_no_key(staffed: World, keys: AccessKeys) -> None:
    """A key of a user who is disabled or not a member any more is nobody's."""
    made = await keys.create(BOBS, SHOP)

    await staffed.access.change_user(ADMIN, BOB, disabled=True)
    disabled = await keys.find(made.key.access)
    await staffed.access.change_user(ADMIN, BOB, disabled=False)
    enabled = await keys.find(made.key.access)
    await staffed.access.drop_member(ADMIN, SHOP, BOB)
    outside = await keys.find(made.key.access)

    assert (disabled, outside) == (None, None)
    assert enabled is not None


async def test_deleted_key_is_refused(keys: AccessKeys) -> None:
    """A key is deleted by its user or an admin, by nobody else."""
    first, second = await keys.create(BOBS, SHOP), await keys.create(BOBS, SHOP)

    for actor in (Actor(user=ANN), Actor(user=BOB, projects=(BACK,))):
        with pytest.raises(NotFoundError):
            await keys.delete(actor, first.key.access)
    await keys.delete(BOBS, first.key.access)
    await keys.delete(ADMIN, second.key.access)

    assert await keys.find(first.key.access) is None
    assert await keys.list_keys(BOBS) == ()
    with pytest.raises(NotFoundError):
        await keys.delete(BOBS, first.key.access)


async def test_list_shows_what_the_credential_reaches(keys: AccessKeys) -> None:
    """One sees one's own keys; a credential bound to another project sees none of them."""
    made = await keys.create(BOBS, SHOP)

    assert await keys.list_keys(BOBS) == (made.key,)
    assert await keys.list_keys(Actor(user=BOB, projects=(BACK,))) == ()
    assert await keys.list_keys(Actor(user=ANN)) == ()


async def test_key_is_locked_after_five_failures(staffed: World, keys: AccessKeys) -> None:
    """Five wrong signatures in a row lock a key for five minutes; a right one begins anew."""
    access = (await keys.create(BOBS, SHOP)).key.access
    for is_right in (False, False, False, False, True, False, False, False, False):
        keys.note(access, is_right=is_right)
    assert await keys.find(access) is not None

    keys.note(access, is_right=False)

    with pytest.raises(LockedKeyError):
        await keys.find(access)
    staffed.clock.advance(minutes=4, seconds=59)
    with pytest.raises(LockedKeyError):
        await keys.find(access)
    staffed.clock.advance(seconds=1)
    assert await keys.find(access) is not None
