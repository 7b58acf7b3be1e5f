"""Who somebody is, how far their credential reaches, and who may change that."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher

from engine_world import ADMIN, ANN, BOB, SHOP, World, a_world
from mulligan.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.records import Role
from mulligan.core.rights import Actor, Permission
from mulligan.engine import access as access_module
from mulligan.engine.access import DEV_PROJECT, DEV_USER, Access
from mulligan.engine.commands import ReceiptRequest

pytestmark = pytest.mark.anyio

BOBS = Actor(user=BOB)
BACK = ProjectId("back")


REAL_HASH = access_module._hash_password


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with little memory and time: the tests are about names, not about cost."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(access_module, "_hash_password", cheap.hash)
    monkeypatch.setattr(access_module, "_NOBODY", [])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Give a world with ann (admin), bob (runner in shop), and a second project `back`."""
    async with a_world(works=False) as made:
        await made.access.create_user(ADMIN, ANN, is_admin=True)
        await made.add_user(BOB, Role.RUNNER)
        await made.catalog.create_project(ADMIN, BACK, "Back")
        yield made


@pytest.fixture
def access(world: World) -> Access:
    """Give its access."""
    return world.access


def receipt(key: str) -> ReceiptRequest:
    """Ask for a receipt."""
    return ReceiptRequest(key=key, fingerprint="f", render=lambda _: (201, b"made", "text/plain"))


# --- tokens -------------------------------------------------------------------------------------


async def test_token_names_its_owner(access: Access) -> None:
    """Whoever shows a token acts as its owner; it reads like no other secret."""
    made = await access.create_token(BOBS, "laptop")

    actor = await access.actor_of_token(made.secret)

    assert actor == Actor(user=BOB)
    assert made.secret.startswith("mlg_")
    assert made.secret not in str(made.token)


async def test_wrong_token_is_nobody(access: Access) -> None:
    """A text that is no token, or one that was changed, names nobody."""
    made = await access.create_token(BOBS, "laptop")

    assert await access.actor_of_token("mlg_nothing") is None
    assert await access.actor_of_token(made.secret[:-1]) is None
    assert await access.actor_of_token(made.token.digest) is None


async def test_revoked_token_is_refused_at_once(access: Access) -> None:
    """After its revocation a token names nobody, although it was used just before."""
    made = await access.create_token(BOBS, "laptop")
    await access.actor_of_token(made.secret)

    await access.revoke_token(BOBS, made.token.id)

    assert await access.actor_of_token(made.secret) is None


async def test_revocation_beats_a_look_that_began_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up that read the token before its revocation does not bring it back."""
    made = await world.access.create_token(BOBS, "laptop")
    find = world.store.find_token
    gate = asyncio.Event()

    async def slow(digest: str) -> object:
        found = await find(digest)
        await gate.wait()
        return found

    monkeypatch.setattr(world.store, "find_token", slow)
    looking = asyncio.create_task(world.access.actor_of_token(made.secret))
    await asyncio.sleep(0)

    await world.access.revoke_token(BOBS, made.token.id)
    gate.set()

    assert await looking is None
    assert await world.access.actor_of_token(made.secret) is None


async def test_token_ends_with_its_time(world: World) -> None:
    """A token with a time to live is refused from the instant of its end."""
    made = await world.access.create_token(BOBS, "ci", ttl_s=60)

    world.clock.advance(seconds=59)
    before = await world.access.actor_of_token(made.secret)
    world.clock.advance(seconds=1)
    after = await world.access.actor_of_token(made.secret)

    assert (before, after) == (Actor(user=BOB), None)


async def test_disabled_user_is_refused_at_once(access: Access) -> None:
    """All tokens of a disabled user are refused from that moment, and hold again after it."""
    made = await access.create_token(BOBS, "laptop")
    await access.actor_of_token(made.secret)

    await access.change_user(ADMIN, BOB, disabled=True)
    disabled = await access.actor_of_token(made.secret)
    await access.change_user(ADMIN, BOB, disabled=False)

    assert disabled is None
    assert await access.actor_of_token(made.secret) == BOBS


async def test_token_reaches_no_further_than_its_bounds(access: Access) -> None:
    """A token for one project and a role gives no right elsewhere, and no greater one."""
    await access.set_member(ADMIN, SHOP, BOB, "owner")
    await access.set_member(ADMIN, BACK, BOB, "owner")
    made = await access.create_token(BOBS, "ci", projects=(SHOP,), role="runner")

    actor = await access.actor_of_token(made.secret)

    assert actor is not None
    assert await access.allows(actor, Permission.START, SHOP)
    assert not await access.allows(actor, Permission.EDIT, SHOP)
    assert not await access.allows(actor, Permission.START, BACK)


async def test_admin_token_with_a_bound_is_no_admin(access: Access) -> None:
    """A bounded token of an admin does not administer the server."""
    made = await access.create_token(ADMIN, "ci", projects=(SHOP,))

    actor = await access.actor_of_token(made.secret)

    assert actor is not None
    assert await access.allows(actor, Permission.MANAGE, SHOP)
    assert not await access.allows(actor, Permission.ADMINISTER, "")
    assert not await access.allows(actor, Permission.VIEW, BACK)


async def test_token_made_with_a_bounded_token_stays_within_it(access: Access) -> None:
    """A credential can't make a greater one: neither in projects nor in role."""
    bound = Actor(user=BOB, projects=(SHOP,), role=Role.VIEWER)

    made = await access.create_token(bound, "copy", role="owner")
    with pytest.raises(ForbiddenError):
        await access.create_token(bound, "elsewhere", projects=(BACK,))

    assert made.token.projects == (SHOP,)
    assert made.token.role is Role.VIEWER


async def test_token_for_somebody_else_needs_an_admin(access: Access) -> None:
    """Only an admin makes tokens for others, and only for users that exist."""
    made = await access.create_token(ADMIN, "robot", user=BOB)

    with pytest.raises(ForbiddenError):
        await access.create_token(BOBS, "steal", user=ANN)
    with pytest.raises(NotFoundError):
        await access.create_token(ADMIN, "robot", user="nobody")

    assert made.token.user == BOB


async def test_token_with_an_unknown_role_is_refused(access: Access) -> None:
    """A bound must be one of the roles."""
    with pytest.raises(InvalidError) as wrong:
        await access.create_token(BOBS, "ci", role="king")

    assert wrong.value.pointer == "/role"


async def test_only_owner_and_admin_revoke(world: World) -> None:
    """For everybody else the token does not exist."""
    made = await world.access.create_token(ADMIN, "mine")
    await world.access.actor_of_token(made.secret)

    with pytest.raises(NotFoundError):
        await world.access.revoke_token(BOBS, made.token.id)
    with pytest.raises(NotFoundError):
        await world.access.revoke_token(BOBS, "t-unknown")
    bobs = await world.access.create_token(BOBS, "his")
    await world.access.revoke_token(ADMIN, bobs.token.id)

    assert await world.access.actor_of_token(made.secret) is not None
    assert await world.access.actor_of_token(bobs.secret) is None


async def test_remembered_tokens_are_bounded(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory for tokens does not grow with their number."""
    monkeypatch.setattr(access_module, "_CACHED_TOKENS", 2)
    secrets = [(await access.create_token(BOBS, f"{number}")).secret for number in range(5)]

    actors = [await access.actor_of_token(secret) for secret in secrets]

    assert actors == [BOBS] * 5
    assert len(access._known_tokens) <= 2


async def test_token_of_a_user_that_is_gone_names_nobody(access: Access) -> None:
    """A token whose user does not exist (any more) is worth nothing."""
    ghost = Actor(user=UserName("ghost"))
    made = await access.create_token(ghost, "x")

    assert await access.actor_of_token(made.secret) is None


# --- applications -------------------------------------------------------------------------------


async def test_application_acts_for_its_user_within_its_projects(access: Access) -> None:
    """An application with its secret acts for a user, in its own projects only."""
    await access.set_member(ADMIN, BACK, BOB, "owner")
    secret = await access.create_app(ADMIN, "bot", (SHOP,))

    actor = await access.actor_of_app("bot", secret, BOB)

    assert actor == Actor(user=BOB, projects=(SHOP,), way="app")
    assert await access.allows(actor, Permission.START, SHOP)
    assert not await access.allows(actor, Permission.START, BACK)


@pytest.mark.parametrize(
    ("code", "good_secret", "user"),
    [("bot", False, BOB), ("other", True, BOB), ("bot", True, "nobody"), ("bot", True, "")],
)
async def test_wrong_application_is_nobody(
    access: Access, code: str, good_secret: bool, user: str
) -> None:
    """A wrong code, secret or user names nobody."""
    secret = await access.create_app(ADMIN, "bot", (SHOP,))

    assert await access.actor_of_app(code, secret if good_secret else "x", user) is None


async def test_application_does_not_act_for_a_disabled_user(access: Access) -> None:
    """Disabling a user closes this door too."""
    secret = await access.create_app(ADMIN, "bot", (SHOP,))
    await access.change_user(ADMIN, BOB, disabled=True)

    assert await access.actor_of_app("bot", secret, BOB) is None


async def test_application_of_an_admin_is_no_admin(access: Access) -> None:
    """An application never acts with the rights of an admin."""
    secret = await access.create_app(ADMIN, "bot", (SHOP,))

    actor = await access.actor_of_app("bot", secret, ANN)

    assert actor is not None
    assert not await access.allows(actor, Permission.ADMINISTER, "")


async def test_application_needs_rights_projects_and_a_free_code(access: Access) -> None:
    """Making one needs `manage` in each of its projects, at least one, and a code of its own."""
    await access.create_app(ADMIN, "bot", (SHOP,))

    with pytest.raises(ForbiddenError):
        await access.create_app(BOBS, "his", (SHOP,))
    with pytest.raises(InvalidError):
        await access.create_app(ADMIN, "none", ())
    with pytest.raises(InvalidError):
        await access.create_app(ADMIN, "a/b", (SHOP,))
    with pytest.raises(ConflictError) as taken:
        await access.create_app(ADMIN, "bot", (SHOP,))

    assert taken.value.code == "app"


# --- the development server ---------------------------------------------------------------------


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


# --- users --------------------------------------------------------------------------------------


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


async def test_password_is_checked(access: Access) -> None:
    """Name and password fit together or they don't; nobody learns which was wrong."""
    await access.create_user(ADMIN, "carol", "sesame")

    assert (await access.check_password("carol", "sesame")) is not None
    assert await access.check_password("carol", "Sesame") is None
    assert await access.check_password("nobody", "sesame") is None
    assert await access.check_password(BOB, "") is None
    await access.change_user(ADMIN, "carol", disabled=True)
    assert await access.check_password("carol", "sesame") is None


async def test_password_is_not_kept_as_text(world: World) -> None:
    """What is stored of a password is a hash."""
    await world.access.create_user(ADMIN, "carol", "sesame")

    user = await world.store.find_user(UserName("carol"))

    assert user is not None
    assert user.password.startswith("$argon2")
    assert "sesame" not in str(await world.store.list_audit())


def test_hash_of_a_password_costs_something() -> None:
    """The hash that is used outside of tests takes 64 MiB of memory (RFC 9106)."""
    hashed = REAL_HASH("sesame")

    assert "m=65536" in hashed
    assert access_module._verify_password(hashed, "sesame")


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
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sets a language does not undo that the user was disabled meanwhile."""
    find = world.store.find_user

    async def slow(name: UserName) -> object:
        found = await find(name)
        await asyncio.sleep(0)
        return found

    monkeypatch.setattr(world.store, "find_user", slow)

    await asyncio.gather(
        world.access.change_user(ADMIN, BOB, disabled=True),
        world.access.set_language(BOBS, "zh"),
        world.access.change_user(BOBS, BOB, language="zh"),
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


async def test_language_is_remembered(world: World) -> None:
    """A set language shows in the actor; one of an unknown user is passed over."""
    await world.access.set_language(BOBS, "zh")
    await world.access.set_language(Actor(user=UserName("nobody")), "zh")
    made = await world.access.create_token(BOBS, "laptop")

    actor = await world.access.actor_of_token(made.secret)

    assert actor is not None
    assert actor.language == "zh"


# --- members ------------------------------------------------------------------------------------


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


# --- what is written about it -------------------------------------------------------------------


async def test_acts_leave_an_audit_entry_and_their_receipt(world: World) -> None:
    """Who made what for whom is kept, and under a key the first answer too – without secrets."""
    made = await world.access.create_token(BOBS, "laptop", receipt=receipt("k1"))
    await world.access.set_member(ADMIN, BACK, BOB, "viewer", receipt=receipt("k2"))

    member, token, *_ = await world.store.list_audit()
    first = await world.store.find_receipt(BOB, "k1")
    assert (member.action, member.project, member.target) == ("member.set", BACK, BOB)
    assert member.detail == {"role": "viewer"}
    assert (token.action, token.target, token.actor) == ("token.create", made.token.id, BOB)
    assert made.secret not in str(await world.store.list_audit())
    assert first is not None
    assert (first.status, first.body) == (201, b"made")


async def test_same_key_makes_one_token(world: World) -> None:
    """A repeated request under its key makes no second token."""
    await world.access.create_token(BOBS, "laptop", receipt=receipt("k1"))

    with pytest.raises(ConflictError) as conflict:
        await world.access.create_token(BOBS, "laptop", receipt=receipt("k1"))

    assert conflict.value.code == "receipt"
    assert len(await world.store.list_tokens(BOB)) == 1
