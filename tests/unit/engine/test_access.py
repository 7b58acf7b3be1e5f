"""Who somebody is, how far their credential reaches, and who may change that."""

import asyncio

import pytest

from engine_world import ADMIN, ANN, BOB, SHOP, World
from mulligan.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.records import Role
from mulligan.core.rights import Actor, Permission
from mulligan.engine import tokens as tokens_module
from mulligan.engine.access import Access
from mulligan.engine.commands import ReceiptRequest

pytestmark = pytest.mark.anyio

BOBS = Actor(user=BOB)
BACK = ProjectId("back")


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
    staffed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up that read the token before its revocation does not bring it back."""
    made = await staffed.access.create_token(BOBS, "laptop")
    find = staffed.store.find_token
    gate = asyncio.Event()

    async def slow(digest: str) -> object:
        found = await find(digest)
        await gate.wait()
        return found

    monkeypatch.setattr(staffed.store, "find_token", slow)
    looking = asyncio.create_task(staffed.access.actor_of_token(made.secret))
    await asyncio.sleep(0)

    await staffed.access.revoke_token(BOBS, made.token.id)
    gate.set()

    assert await looking is None
    assert await staffed.access.actor_of_token(made.secret) is None


async def test_token_ends_with_its_time(staffed: World) -> None:
    """A token with a time to live is refused from the instant of its end."""
    made = await staffed.access.create_token(BOBS, "ci", ttl_s=60)

    staffed.clock.advance(seconds=59)
    before = await staffed.access.actor_of_token(made.secret)
    staffed.clock.advance(seconds=1)
    after = await staffed.access.actor_of_token(made.secret)

    assert (before, after) == (Actor(user=BOB, expires_at=made.token.expires_at), None)


@pytest.mark.parametrize("ttl_s", [None, 3600])
async def test_token_of_a_token_ends_with_it(staffed: World, ttl_s: int | None) -> None:
    """A credential with an end makes none that outlives it."""
    short = await staffed.access.create_token(BOBS, "short", ttl_s=60)
    maker = await staffed.access.actor_of_token(short.secret)
    assert maker is not None

    made = await staffed.access.create_token(maker, "long", ttl_s=ttl_s)

    assert made.token.expires_at == short.token.expires_at


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


async def test_only_owner_and_admin_revoke(staffed: World) -> None:
    """For everybody else the token does not exist."""
    made = await staffed.access.create_token(ADMIN, "mine")
    await staffed.access.actor_of_token(made.secret)

    with pytest.raises(NotFoundError):
        await staffed.access.revoke_token(BOBS, made.token.id)
    with pytest.raises(NotFoundError):
        await staffed.access.revoke_token(BOBS, "t-unknown")
    bobs = await staffed.access.create_token(BOBS, "his")
    await staffed.access.revoke_token(ADMIN, bobs.token.id)

    assert await staffed.access.actor_of_token(made.secret) is not None
    assert await staffed.access.actor_of_token(bobs.secret) is None


async def test_remembered_tokens_are_bounded(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory for tokens does not grow with their number."""
    monkeypatch.setattr(tokens_module, "_CACHED_TOKENS", 2)
    secrets = [(await access.create_token(BOBS, f"{number}")).secret for number in range(5)]

    actors = [await access.actor_of_token(secret) for secret in secrets]

    assert actors == [BOBS] * 5
    assert len(access.tokens._known) <= 2


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
