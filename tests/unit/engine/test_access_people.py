"""Users and members: who may change whom, and the users of a development server."""

import asyncio
from collections.abc import Callable

import pytest

from engine_world import ADMIN, ANN, BOB, SHOP, World, a_world
from mulligan.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.records import Role
from mulligan.core.rights import Actor, Permission
from mulligan.engine import passwords
from mulligan.engine.access import DEV_PROJECT, DEV_USER, Access
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.logins import Logins, Scope

pytestmark = pytest.mark.anyio

BOBS = Actor(user=BOB)
BACK = ProjectId("back")


def receipt(key: str) -> ReceiptRequest:
    """Ask for a receipt."""
    return ReceiptRequest(key=key, fingerprint="f", render=lambda _: (201, b"made", "text/plain"))


# --- the development server -----------------------------------------------------------------------


async def test_dev_user_is_made_on_first_sight() -> None:
    """With `--dev` any name is a user, a developer of the project `default`."""
    async with a_world(works=False, is_dev=True) as world:
        await world.access.prepare_dev()

        actor = await world.access.dev_actor("用户名")
        again = await world.access.dev_actor("用户名")

        member = await world.store.find_member(DEV_PROJECT, UserName("用户名"))
        assert actor == again == Actor(user=UserName("用户名"), is_open=True, way="dev")
        assert member is not None
        assert member.role is Role.DEVELOPER


async def test_dev_server_without_a_name_is_admin() -> None:
    """A request without a user is the development user, who administers the server."""
    async with a_world(works=False, is_dev=True) as world:
        await world.access.prepare_dev()

        actor = await world.access.dev_actor("")

        assert (actor.user, actor.is_admin) == (DEV_USER, True)
        assert await world.access.allows(actor, Permission.ADMINISTER, "")


async def test_dev_user_may_all_but_operate() -> None:
    """A dev user may do everything in any project but skip what may not be skipped."""
    async with a_world(works=False, is_dev=True) as world:
        await world.access.prepare_dev()
        actor = await world.access.dev_actor("alice")
        before = await world.access.allows(actor, Permission.OPERATE, SHOP)

        await world.access.set_member(ADMIN, SHOP, "alice", "viewer", ("api_operate",))

        assert await world.access.allows(actor, Permission.DELETE, SHOP)
        assert not before
        assert await world.access.allows(actor, Permission.OPERATE, SHOP)


@pytest.mark.parametrize("name", ["a/b", " a", "a\n", "x" * 129, "\u200b"])
async def test_name_that_is_none_makes_no_user(name: str) -> None:
    """A header that is no name is refused before anything is stored."""
    async with a_world(works=False, is_dev=True) as world:
        with pytest.raises(InvalidError):
            await world.access.dev_actor(name)

        assert await world.store.list_users() == ()


async def test_prepare_dev_can_be_repeated() -> None:
    """Each start with `--dev` finds what the first one made, and changes no password."""
    async with a_world(works=False, is_dev=True) as world:
        await world.access.prepare_dev()
        await world.access.change_user(ADMIN, DEV_USER, password="other")

        await world.access.prepare_dev()

        assert await world.access.check_password("admin", "admin") is None
        assert await world.access.check_password("admin", "other") is not None
        assert (await world.store.find_project(DEV_PROJECT)) is not None


async def test_dev_gives_an_admin_without_password_one() -> None:
    """The admin that an ordinary start made gets the development password."""
    async with a_world(works=False, is_dev=True) as world:
        await world.access.make_first_admin()

        await world.access.prepare_dev()

        assert await world.access.check_password("admin", "admin") is not None


async def test_member_of_a_dev_project_may_be_new() -> None:
    """With `--dev` a member is made on first sight; without it an unknown one is refused."""
    async with a_world(works=False, is_dev=True) as world:
        await world.access.prepare_dev()

        member = await world.access.set_member(ADMIN, SHOP, "carol", "runner")

        assert member.user == "carol"
        assert await world.store.find_user(UserName("carol")) is not None


# --- users ----------------------------------------------------------------------------------------


async def test_first_start_makes_one_admin() -> None:
    """The first start gives a token of an admin, a later one gives nothing."""
    async with a_world(works=False) as world:
        secret = await world.access.make_first_admin()
        again = await world.access.make_first_admin()

        assert secret is not None
        actor = await world.access.actor_of_token(secret)
        assert again is None
        assert actor is not None
        assert await world.access.allows(actor, Permission.ADMINISTER, "")


async def test_first_token_is_kept_before_it_is_stored() -> None:
    """Where it can't be kept, none is made: the next start makes one."""

    def fail(_secret: str) -> None:
        raise InvalidError("no space")

    kept: list[str] = []
    async with a_world(works=False) as world:
        with pytest.raises(InvalidError, match="no space"):
            await world.access.make_first_admin(fail)

        secret = await world.access.make_first_admin(kept.append)

        assert kept == [secret]


async def test_first_start_after_dev() -> None:
    """An admin that only `--dev` let in gets a token; what its dev password made is over."""
    async with a_world(works=False, is_dev=True) as dev:
        await dev.access.prepare_dev()
        await dev.access.dev_actor("carol")
        logins = Logins(store=dev.store, clock=dev.clock, ids=dev.ids, access=dev.access)
        login = await logins.log_in("admin", "admin", DEV_PROJECT, Scope(), address="::1")
        access = Access(store=dev.store, clock=dev.clock, ids=dev.ids)
        known = await access.actor_of_token(login.secret)

        secret = await access.make_first_admin()

        assert known is not None
        assert await access.actor_of_token(login.secret) is None
        assert secret is not None
        actor = await access.actor_of_token(secret)
        assert actor is not None
        assert actor.user == "admin"
        assert await access.make_first_admin() is None


async def test_token_made_without_a_credential_is_good_under_dev_alone() -> None:
    """What anybody could make under `--dev` opens nothing when the data is served without it."""
    async with a_world(works=False, is_dev=True) as dev:
        await dev.access.prepare_dev()
        anybody = await dev.access.dev_actor("admin")
        made = await dev.access.create_token(anybody, "ci")
        holder = await dev.access.actor_of_token(made.secret)
        assert holder is not None
        second = await dev.access.create_token(holder, "made with the first")
        served = Access(store=dev.store, clock=dev.clock, ids=dev.ids)

        secret = await served.make_first_admin()

        assert await served.actor_of_token(made.secret) is None
        assert await served.actor_of_token(second.secret) is None
        assert secret is not None
        assert await served.actor_of_token(secret) is not None


async def test_password_is_checked(access: Access) -> None:
    """Name and password fit together or they don't; nobody learns which was wrong."""
    await access.create_user(ADMIN, "carol", "sesame")

    assert (await access.check_password("carol", "sesame")) is not None
    assert await access.check_password("carol", "Sesame") is None
    assert await access.check_password("nobody", "sesame") is None
    assert await access.check_password(BOB, "") is None
    await access.change_user(ADMIN, "carol", disabled=True)
    assert await access.check_password("carol", "sesame") is None


async def test_password_is_not_kept_as_text(staffed: World) -> None:
    """What is stored of a password is a hash."""
    await staffed.access.create_user(ADMIN, "carol", "sesame")

    user = await staffed.store.find_user(UserName("carol"))

    assert user is not None
    assert user.password.startswith("$argon2")
    assert "sesame" not in str(await staffed.store.list_audit())


def test_hash_of_a_password_costs_something(
    real_hash: Callable[[str], str],
) -> None:
    """The hash that is used outside of tests takes 64 MiB of memory (RFC 9106)."""
    hashed = real_hash("sesame")

    assert "m=65536" in hashed
    assert passwords.verify_password(hashed, "sesame")


async def test_user_name_is_given_once(access: Access) -> None:
    """A name that exists, or is none, is refused; only admins make users."""
    with pytest.raises(ConflictError) as taken:
        await access.create_user(ADMIN, BOB)
    with pytest.raises(InvalidError):
        await access.create_user(ADMIN, "")
    with pytest.raises(ForbiddenError):
        await access.create_user(BOBS, "carol")

    assert taken.value.code == "user"


async def test_user_made_twice_at_once_exists_once(access: Access) -> None:
    """Of two at the same time one makes the user, the other is told that it exists."""
    both = await asyncio.gather(
        access.create_user(ADMIN, "carol", "one"),
        access.create_user(ADMIN, "carol", "two"),
        return_exceptions=True,
    )

    made = [user for user in both if not isinstance(user, BaseException)]
    assert len(made) == 1
    assert [type(error) for error in both if isinstance(error, BaseException)] == [ConflictError]


async def test_changes_of_a_user_at_once_lose_nothing(
    staffed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sets a language does not undo that the user was disabled meanwhile."""
    find = staffed.store.find_user

    async def slow(name: UserName) -> object:
        found = await find(name)
        await asyncio.sleep(0)
        return found

    monkeypatch.setattr(staffed.store, "find_user", slow)

    await asyncio.gather(
        staffed.access.change_user(ADMIN, BOB, disabled=True),
        staffed.access.set_language(BOBS, "zh"),
        staffed.access.change_user(BOBS, BOB, language="zh"),
    )

    user = await find(BOB)
    assert user is not None
    assert (user.disabled, user.language) == (True, "zh")


async def test_user_changes_own_language_only(access: Access) -> None:
    """Everybody sets their own language; all else needs an admin."""
    changed = await access.change_user(BOBS, BOB, language="zh")

    assert changed.language == "zh"
    with pytest.raises(ForbiddenError):
        await access.change_user(BOBS, ANN, language="zh")
    with pytest.raises(ForbiddenError):
        await access.change_user(BOBS, BOB, password="x")
    with pytest.raises(InvalidError):
        await access.change_user(ADMIN, ANN, disabled=True)
    with pytest.raises(NotFoundError):
        await access.change_user(ADMIN, "nobody", language="en")


async def test_language_is_remembered(staffed: World) -> None:
    """A set language shows in the actor; one of an unknown user is passed over."""
    await staffed.access.set_language(BOBS, "zh")
    await staffed.access.set_language(Actor(user=UserName("nobody")), "zh")
    made = await staffed.access.create_token(BOBS, "laptop")

    actor = await staffed.access.actor_of_token(made.secret)

    assert actor is not None
    assert actor.language == "zh"


# --- members --------------------------------------------------------------------------------------


async def test_member_has_the_rights_of_the_role(access: Access) -> None:
    """A runner starts and retries, and neither edits nor skips."""
    allowed = [
        permission
        for permission in (Permission.START, Permission.RETRY, Permission.EDIT, Permission.SKIP)
        if await access.allows(BOBS, permission, SHOP)
    ]

    assert allowed == [Permission.START, Permission.RETRY]
    assert not await access.allows(BOBS, Permission.VIEW, BACK)


async def test_demand_names_what_is_missing(access: Access) -> None:
    """A refused act names the user, the permission and the place."""
    await access.demand(BOBS, Permission.START, SHOP)

    with pytest.raises(ForbiddenError) as refused:
        await access.demand(BOBS, Permission.EDIT, SHOP)
    with pytest.raises(ForbiddenError) as server:
        await access.demand(BOBS, Permission.ADMINISTER, "")

    assert (refused.value.actor, refused.value.permission) == (BOB, "edit")
    assert refused.value.where == "shop"
    assert server.value.where == "the server"


async def test_dropped_member_has_no_rights(access: Access) -> None:
    """After leaving a project a user may do nothing in it."""
    await access.drop_member(ADMIN, SHOP, BOB)

    assert not await access.allows(BOBS, Permission.VIEW, SHOP)
    with pytest.raises(NotFoundError):
        await access.drop_member(ADMIN, SHOP, BOB)


async def test_member_needs_project_user_role_and_grantable_permissions(access: Access) -> None:
    """Each wrong part of a membership is refused by itself."""
    with pytest.raises(NotFoundError):
        await access.set_member(ADMIN, "nowhere", BOB, "runner")
    with pytest.raises(NotFoundError):
        await access.set_member(ADMIN, SHOP, "nobody", "runner")
    with pytest.raises(InvalidError) as role:
        await access.set_member(ADMIN, SHOP, BOB, "king")
    with pytest.raises(InvalidError) as permissions:
        await access.set_member(ADMIN, SHOP, BOB, "runner", ("administer",))
    with pytest.raises(ForbiddenError):
        await access.set_member(BOBS, SHOP, BOB, "owner")

    assert role.value.pointer == "/role"
    assert permissions.value.pointer == "/permissions"


# --- what is written about it ---------------------------------------------------------------------


async def test_acts_leave_an_audit_entry_and_their_receipt(staffed: World) -> None:
    """Who made what for whom is kept, and under a key the first answer too – without secrets."""
    made = await staffed.access.create_token(BOBS, "laptop", receipt=receipt("k1"))
    await staffed.access.set_member(ADMIN, BACK, BOB, "viewer", receipt=receipt("k2"))

    member, token, *_ = await staffed.store.list_audit()
    first = await staffed.store.find_receipt(BOB, "k1")
    assert (member.action, member.project, member.target) == ("member.set", BACK, BOB)
    assert member.detail == {"role": "viewer"}
    assert (token.action, token.target, token.actor) == ("token.create", made.token.id, BOB)
    assert made.secret not in str(await staffed.store.list_audit())
    assert first is not None
    assert (first.status, first.body) == (201, b"made")


async def test_same_key_makes_one_token(staffed: World) -> None:
    """A repeated request under its key makes no second token."""
    await staffed.access.create_token(BOBS, "laptop", receipt=receipt("k1"))

    with pytest.raises(ConflictError) as conflict:
        await staffed.access.create_token(BOBS, "laptop", receipt=receipt("k1"))

    assert conflict.value.code == "receipt"
    assert len(await staffed.store.list_tokens(BOB)) == 1
