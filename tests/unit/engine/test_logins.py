"""Logins by password: who gets in, and what ends what they made."""

import asyncio

import pytest

from engine_world import ADMIN, ANN, BOB, SHOP, World
from mulligan.core.errors import ForbiddenError, NotFoundError
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.records import Role
from mulligan.core.rights import Actor
from mulligan.engine.logins import LIFETIME, Login, Logins, Scope, WrongLoginError, scope_of

pytestmark = pytest.mark.anyio

REGION = Scope("cn-north-4", "")


@pytest.fixture
async def logins(staffed: World) -> Logins:
    """Give logins; carol is a developer in shop with the password sesame."""
    await staffed.access.create_user(ADMIN, "carol", "sesame")
    await staffed.access.set_member(ADMIN, SHOP, "carol", Role.DEVELOPER)
    return Logins(store=staffed.store, clock=staffed.clock, ids=staffed.ids, access=staffed.access)


async def log_in(logins: Logins, password: str | None = None, **given: str) -> Login:
    """Log in as carol, with her password."""
    name, project = given.get("name", "carol"), given.get("project", SHOP)
    password = "sesame" if password is None else password
    return await logins.log_in(name, password, project, REGION, address="10.0.0.1")


async def test_login_acts_in_its_project_for_a_day(staffed: World, logins: Logins) -> None:
    """The token names its user, is bound to the project, and ends after 24 hours."""
    login = await log_in(logins)
    actor = await staffed.access.actor_of_token(login.secret)

    assert actor is not None
    assert (actor.user, actor.projects, actor.way) == ("carol", (SHOP,), "login")
    assert login.expires_at - login.issued_at == LIFETIME
    staffed.clock.advance(hours=23, minutes=59, seconds=59)
    assert await staffed.access.actor_of_token(login.secret) is not None
    staffed.clock.advance(seconds=1)
    assert await staffed.access.actor_of_token(login.secret) is None


@pytest.mark.parametrize(
    ("name", "password", "project"),
    [
        ("carol", "Sesame", SHOP),
        ("carol", "", SHOP),
        ("carol", "sesame", "back"),
        ("carol", "sesame", "nowhere"),
        ("carol", "sesame", ""),
        ("nobody", "sesame", SHOP),
        ("", "sesame", SHOP),
        (BOB, "", SHOP),
        ("carol", "x" * 5000, SHOP),
    ],
)
async def test_wrong_login_says_nothing_more(
    logins: Logins, name: str, password: str, project: str
) -> None:
    """Whatever is wrong, the error is the same."""
    with pytest.raises(WrongLoginError):
        await log_in(logins, password, name=name, project=project)


async def test_secret_is_not_stored(staffed: World, logins: Logins) -> None:
    """The store holds a digest; the audit trail tells of the login without its secret."""
    login = await log_in(logins)

    stored = str(await staffed.store.list_tokens()) + str(await staffed.store.list_audit())

    assert login.secret not in stored
    assert login.secret.removeprefix("mlg_").partition(".")[0] not in stored
    assert "login" in {entry.action for entry in await staffed.store.list_audit()}


async def test_new_login_leaves_older_ones(staffed: World, logins: Logins) -> None:
    """A second token does not end the first one."""
    first = await log_in(logins)
    second = await log_in(logins)

    assert first.secret != second.secret
    for login in (first, second):
        assert await staffed.access.actor_of_token(login.secret) is not None


@pytest.mark.parametrize("change", [{"password": "new"}, {"disabled": True}])
async def test_change_of_user_ends_logins(
    staffed: World, logins: Logins, change: dict[str, object]
) -> None:
    """A new password and a disabled user end the tokens for good, other users' stay."""
    await staffed.access.create_user(ADMIN, "dora", "secret")
    await staffed.access.set_member(ADMIN, SHOP, "dora", Role.VIEWER)
    login = await log_in(logins)
    other = await log_in(logins, "secret", name="dora")
    await staffed.access.actor_of_token(login.secret)

    await staffed.access.change_user(ADMIN, "carol", **change)  # type: ignore[arg-type]

    assert await staffed.access.actor_of_token(login.secret) is None
    await staffed.access.change_user(ADMIN, "carol", disabled=False)
    assert await staffed.access.actor_of_token(login.secret) is None
    assert await staffed.access.actor_of_token(other.secret) is not None


async def test_change_of_language_leaves_logins(staffed: World, logins: Logins) -> None:
    """What has nothing to do with getting in ends nothing."""
    login = await log_in(logins)

    await staffed.access.change_user(ADMIN, "carol", language="en")

    assert await staffed.access.actor_of_token(login.secret) is not None


async def test_removal_of_member_ends_logins_to_that_project(
    staffed: World, logins: Logins
) -> None:
    """Who is taken out of a project loses the tokens for it, not those for others."""
    await staffed.access.set_member(ADMIN, "back", "carol", Role.VIEWER)
    shop, back = await log_in(logins), await log_in(logins, project="back")
    await staffed.access.actor_of_token(shop.secret)

    await staffed.access.drop_member(ADMIN, SHOP, "carol")

    assert await staffed.access.actor_of_token(shop.secret) is None
    assert await staffed.access.actor_of_token(back.secret) is not None
    with pytest.raises(WrongLoginError):
        await log_in(logins)


async def test_password_that_changes_meanwhile(
    staffed: World, logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login whose password is changed after it was looked at gets no token."""
    check, looked, gate = staffed.access.check_password, asyncio.Event(), asyncio.Event()

    async def slow(name: str, password: str) -> object:
        found = await check(name, password)
        looked.set()
        await gate.wait()
        return found

    monkeypatch.setattr(staffed.access, "check_password", slow)
    trying = asyncio.create_task(log_in(logins))
    await looked.wait()

    await staffed.access.change_user(ADMIN, "carol", password="new")
    gate.set()

    with pytest.raises(WrongLoginError):
        await trying


async def test_admin_enters_every_project(staffed: World, logins: Logins) -> None:
    """An admin of the server logs in to a project without being its member, as its owner."""
    await staffed.access.create_user(ADMIN, "root", "toor", is_admin=True)

    login = await log_in(logins, "toor", name="root", project="back")

    assert (login.project, login.role) == (ProjectId("back"), Role.OWNER)


async def test_logout(staffed: World, logins: Logins) -> None:
    """A token that is ended is refused at once and known to nobody."""
    login = await log_in(logins)
    carol = Actor(user=login.user.name)

    await logins.end(carol, login.secret)

    assert await staffed.access.actor_of_token(login.secret) is None
    with pytest.raises(NotFoundError):
        await logins.end(carol, login.secret)


async def test_login_of_others(staffed: World, logins: Logins) -> None:
    """Only its user and an unbound admin see or end a token; what no login made is no login."""
    login = await log_in(logins)
    plain = await staffed.access.create_token(ADMIN, "login")

    for act in (logins.find, logins.end):
        with pytest.raises(ForbiddenError):
            await act(Actor(user=BOB), login.secret)
        with pytest.raises(ForbiddenError):
            await act(Actor(user=ANN, is_admin=True, role=Role.VIEWER), login.secret)
        with pytest.raises(NotFoundError):
            await act(ADMIN, plain.secret)
    found = await logins.find(ADMIN, login.secret)
    assert found == login


async def test_own_token_of_the_same_name(staffed: World, logins: Logins) -> None:
    """A token that somebody calls as logins are called outlives the password, and the project."""
    login, carol = await log_in(logins), Actor(user=UserName("carol"))
    own = await staffed.access.create_token(carol, "login")
    bound = await staffed.access.create_token(carol, "login", projects=(SHOP,))

    await staffed.access.change_user(ADMIN, "carol", password="changed")
    await staffed.access.drop_member(ADMIN, SHOP, "carol")

    assert await staffed.access.actor_of_token(login.secret) is None
    for made in (own, bound):
        assert await staffed.access.actor_of_token(made.secret) is not None


async def test_scope_comes_back_from_the_token(logins: Logins) -> None:
    """What the client asked for is in the token, also in odd characters; elsewhere it is blank."""
    scope = Scope("华北-北京四", "a.b=c")

    login = await logins.log_in("carol", "sesame", SHOP, scope, address="")

    assert scope_of(login.secret) == scope
    for text in ("", "mlg_abc", "mlg_abc.!!!", "mlg_abc.bm9uZQ", "a.é"):
        assert scope_of(text) == Scope()


async def test_old_logins_are_dropped(staffed: World, logins: Logins) -> None:
    """Tokens that are over go out of the store; other expired tokens are nobody's business here."""
    await log_in(logins)
    staffed.clock.advance(hours=25)

    fresh = await log_in(logins)

    stored = await staffed.store.list_tokens()
    names = [token.name for token in stored if token.user == "carol"]
    assert names == ["login"]
    assert await staffed.access.actor_of_token(fresh.secret) is not None
