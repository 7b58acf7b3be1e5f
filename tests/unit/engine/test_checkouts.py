"""What a checkout is of, and how it logs in."""

from pathlib import Path
from typing import Any

import pytest

from builders import one_job, step
from engine_world import ADMIN, SHOP, World
from mulligan.core.errors import InvalidError
from mulligan.core.items import LinkedRepository
from mulligan.core.prepare import StepOrder
from mulligan.engine.repositories import GivenRepository, Repositories
from mulligan.engine.secrets import GivenSecret, Secrets
from mulligan.executors.heads import GitHeads
from mulligan.executors.kinds import prepare_program
from mulligan.executors.kinds.base import Here, Place
from mulligan.secret_key import SecretKey

pytestmark = pytest.mark.anyio

URL = "https://git.example.com/shop.git"
KEY = "-----BEGIN\nabcdefg\n-----END"


def linking(world: World, *, private_targets: bool) -> Repositories:
    """Give the use cases of linked repositories."""
    return Repositories(
        store=world.store,
        clock=world.clock,
        ids=world.ids,
        sources=GitHeads(private_targets=private_targets),
    )


@pytest.fixture
async def shop(staffed: World) -> World:
    """Give a project with secrets of some kinds and one linked repository."""
    secrets = Secrets(
        store=staffed.store, clock=staffed.clock, secret_key=SecretKey(lambda: b"k" * 32)
    )
    staffed.engine.open_vault = secrets.vault
    for ident, values in {
        "login": {"username": "ann1", "password": "pass-word"},
        "token": {"access_token": "t-12345"},
        "plain": {"value": "v-12345"},
        "key": {"privateKey": KEY, "passphrase": "phrase"},
    }.items():
        await secrets.put(ADMIN, SHOP, GivenSecret(id=ident, kind="K", values=values))
    repositories = linking(staffed, private_targets=True)
    linked = GivenRepository(name="shop", url=URL, secret="token", user="robot")
    await repositories.create(ADMIN, SHOP, linked)
    return staffed


async def order_of(world: World, inputs: dict[str, Any], **values: str) -> StepOrder:
    """Give the order for a checkout."""
    env = tuple(values.items())
    spec = one_job(step("a", kind="checkout", inputs=inputs, env=env), name=f"p{world.ids.hex32()}")
    head = await world.start(await world.add_pipeline(spec))
    return await world.claim(head.id)


def content_and_mode(file: str) -> tuple[str, int]:
    """Give what a file holds, and who may read it."""
    return Path(file).read_text(), Path(file).stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("inputs", "login"),
    [
        ({"repository": "shop"}, {"user": "robot", "password": "t-12345"}),
        ({"repository": "shop", "secret": "login"}, {"user": "ann1", "password": "pass-word"}),
        ({"url": URL, "secret": "plain"}, {"user": "oauth2", "password": "v-12345"}),
        ({"url": URL, "secret": "token", "user": "u"}, {"user": "u", "password": "t-12345"}),
        ({"url": URL, "by": "URL", "repository": "shop"}, {}),
        ({"by": "SELF"}, {"user": "robot", "password": "t-12345"}),
    ],
)
async def test_logins(shop: World, inputs: dict[str, Any], login: dict[str, str]) -> None:
    """The secret of the step counts, else that of the linked repository, also for its own."""
    order = await order_of(shop, inputs, GIT_CI_REPO_URL=URL.removesuffix(".git"))

    assert order.problem == ""
    assert str(order.inputs["url"]).removesuffix(".git") == URL.removesuffix(".git")
    assert order.inputs["login"] == login
    assert set(login.values()) - {"robot", "ann1", "oauth2", "u"} <= set(order.secrets)


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"repository": "nope"}, "no linked repository 'nope'"),
        ({"repository": "shop", "by": "ID"}, "no linked repository 'shop'"),
        ({"url": URL, "secret": "nope"}, "no secret 'nope'"),
        ({"url": URL, "secret": "key"}, "is a key for ssh"),
        ({"url": "git@example.com:a/b", "secret": "token"}, "needs a key"),
        ({"by": "SELF"}, "no repository has started this run"),
    ],
)
async def test_problems(shop: World, inputs: dict[str, Any], problem: str) -> None:
    """What is not there, or does not fit, stops the step with a message that names it."""
    assert problem in (await order_of(shop, inputs)).problem


async def test_a_key_reaches_ssh_in_a_file(shop: World, tmp_path: Path) -> None:
    """The key is readable for this user alone; no argument holds a part of a secret."""
    order = await order_of(shop, {"url": "ssh://git@example.com/a.git", "secret": "key"})
    here = Here(
        place=Place(root=tmp_path),
        workspace=tmp_path,
        temp=tmp_path,
        base_env={},
        env={},
        timeout_s=1.0,
    )

    program = prepare_program(order, here)

    assert content_and_mode(program.env["MULLIGAN_GIT_KEY"]) == (KEY + "\n", 0o600)
    assert "abcdefg" not in str(program.argv)
    assert program.env["MULLIGAN_GIT_PASSPHRASE"] == "phrase"


@pytest.mark.parametrize(
    ("url", "private_targets", "code"),
    [
        ("https://127.0.0.1/shop.git", False, "repository-address"),
        ("git@10.0.0.7:shop.git", False, "repository-address"),
        ("ssh://git@[::1]/shop.git", False, "repository-address"),
        ("file:///srv/shop.git", False, "repository-address"),
        ("svn://svn.example.com/shop", True, "repository-address"),
        ("https://127.0.0.1/shop.git", True, ""),
        ("file:///srv/shop.git", True, ""),
        ("https://8.8.8.8/shop.git", False, ""),
        ("https://nowhere.invalid/shop.git", False, ""),  # may be found later
    ],
)
async def test_linking_refuses_what_no_checkout_would_fetch(
    staffed: World, url: str, private_targets: bool, code: str
) -> None:
    """The guard of checkouts counts when a repository is linked and when it is changed."""
    known = await linking(staffed, private_targets=True).create(
        ADMIN, SHOP, GivenRepository(name="known", url=URL)
    )
    repositories = linking(staffed, private_targets=private_targets)
    refusals: list[str] = []
    for act in (
        lambda: repositories.create(ADMIN, SHOP, GivenRepository(name="new", url=url)),
        lambda: repositories.edit(ADMIN, SHOP, known.id, GivenRepository(name="known", url=url)),
    ):
        try:
            await act()
        except InvalidError as error:
            refusals.append(error.code)

    assert refusals == [code] * 2 if code else refusals == []
    stored = await staffed.store.list_items(LinkedRepository, SHOP)
    assert {each.url for each in stored} == ({URL} if code else {url})
