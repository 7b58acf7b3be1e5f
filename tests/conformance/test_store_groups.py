"""What every store does with groups, templates, access keys, notes and numbers."""

import asyncio

import pytest
from msgspec.structs import replace

from conformance.store_builders import (
    ANN,
    NOW,
    SHOP,
    at,
    build_pipeline,
    build_project,
    pipeline_id,
    run_id,
)
from conformance.store_releases import build_group, build_key, build_note, build_template
from conformance.test_store_admin import ACTS, BOB, build_token
from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.hooks import GroupGrant
from mulligan.core.ids import ProjectId
from mulligan.ports import Store

pytestmark = pytest.mark.anyio

BANK = ProjectId("bank")


# --- numbers ------------------------------------------------------------------------------------


async def test_numbers_are_given_once_per_kind(store: Store) -> None:
    """Each kind counts from 1, whatever the others do."""
    assert await store.take_numbers("stage", 3) == 1
    assert await store.take_numbers("stage", 2) == 4
    assert await store.take_numbers("label", 1) == 1
    assert await store.take_numbers("stage", 1) == 6


async def test_numbers_are_unique_when_many_take_them(store: Store) -> None:
    """Takers at once get ranges that do not overlap and leave no gap."""
    counts = [1 + place % 4 for place in range(40)]

    firsts = await asyncio.gather(*(store.take_numbers("stage", count) for count in counts))

    taken = [
        number
        for first, count in zip(firsts, counts, strict=True)
        for number in range(first, first + count)
    ]
    assert sorted(taken) == list(range(1, sum(counts) + 1))


async def test_no_numbers_cannot_be_taken(store: Store) -> None:
    """A count below one is a mistake of the caller."""
    with pytest.raises(ValueError, match="0 numbers"):
        await store.take_numbers("stage", 0)


# --- groups -------------------------------------------------------------------------------------


async def test_groups_are_numbered_found_and_replaced(store: Store) -> None:
    """A group gets its number once; putting it again under its number changes it."""
    await store.put_project(build_project())
    web = await store.put_group(build_group("web"))
    app = await store.put_group(build_group("app"))
    renamed = replace(web, name="site", description="all of it")

    await store.put_group(renamed)

    assert 0 < web.number < app.number
    assert web == replace(build_group("web"), number=web.number)
    assert await store.find_group(SHOP, "site") == renamed
    assert await store.find_group(SHOP, "web") is None
    assert await store.find_group(BANK, "site") is None
    assert await store.list_groups(SHOP) == ((renamed, 0), (app, 0))


async def test_names_of_groups_are_unique_in_a_project(store: Store) -> None:
    """Making or renaming a group to a taken name is a conflict; another project is free."""
    await store.put_project(build_project())
    await store.put_project(build_project(BANK))
    await store.put_group(build_group("web"))
    app = await store.put_group(build_group("app"))

    for wrong in (build_group("web"), replace(app, name="web")):
        with pytest.raises(ConflictError) as caught:
            await store.put_group(wrong, ACTS)
        assert caught.value.code == "group"

    await store.put_group(build_group("web", project=BANK))
    assert [group.name for group, _ in await store.list_groups(SHOP)] == ["web", "app"]
    assert await store.list_audit() == ()


async def test_a_group_needs_its_project_and_its_number(store: Store) -> None:
    """An unknown project, or a number that is not given, are not found."""
    await store.put_project(build_project())

    with pytest.raises(NotFoundError):
        await store.put_group(build_group("web", project=BANK))
    with pytest.raises(NotFoundError):
        await store.put_group(replace(build_group("web"), number=9))

    assert await store.list_groups(SHOP) == ()


async def test_groups_count_their_live_pipelines(store: Store) -> None:
    """Deleted pipelines don't count; those without a group count for the one named default."""
    await store.put_project(build_project())
    web = await store.put_group(build_group("web"))
    default = await store.put_group(build_group("default"))
    groups = [web.number, web.number, 0, default.number, web.number]
    for number, group in enumerate(groups, 1):
        await store.put_pipeline(replace(build_pipeline(number), group=group))
    gone = await store.find_pipeline(pipeline_id(5))
    assert gone is not None
    await store.put_pipeline(replace(gone, deleted_at=NOW))

    assert await store.list_groups(SHOP) == ((web, 2), (default, 2))


@pytest.mark.parametrize("name", ["web", "default"])
async def test_a_group_with_pipelines_stays(store: Store, name: str) -> None:
    """Deleting it is a conflict, until the last pipeline has left it."""
    await store.put_project(build_project())
    group = await store.put_group(build_group(name))
    pipeline = await store.put_pipeline(
        replace(build_pipeline(), group=0 if name == "default" else group.number)
    )
    await store.put_grant(GroupGrant(group=group.number, user=BOB, right=3))

    with pytest.raises(ConflictError) as caught:
        await store.drop_group(group.number, ACTS)
    assert caught.value.code == "group-not-empty"
    assert len(await store.list_grants(group.number)) == 1
    await store.put_pipeline(replace(pipeline, deleted_at=NOW))
    await store.drop_group(group.number, ACTS)

    assert await store.list_groups(SHOP) == ()
    assert await store.list_grants(group.number) == ()
    assert len(await store.list_audit()) == 1


async def test_the_number_of_a_deleted_group_is_not_given_again(store: Store) -> None:
    """A pipeline that was deleted with a group can't come back into another one."""
    await store.put_project(build_project())
    group = await store.put_group(build_group("web"))
    await store.drop_group(group.number)

    again = await store.put_group(build_group("web"))

    assert again.number > group.number


async def test_grants_are_replaced_and_removed(store: Store) -> None:
    """A user has one right in a group; rights come by user."""
    await store.put_project(build_project())
    group = (await store.put_group(build_group("web"))).number
    await store.put_grant(GroupGrant(group=group, user=BOB, right=1))
    await store.put_grant(GroupGrant(group=group, user=ANN, right=3))

    await store.put_grant(GroupGrant(group=group, user=BOB, right=7))

    assert await store.list_grants(group) == (
        GroupGrant(group=group, user=ANN, right=3),
        GroupGrant(group=group, user=BOB, right=7),
    )
    assert await store.drop_grant(group, ANN)
    assert not await store.drop_grant(group, ANN)
    assert [grant.user for grant in await store.list_grants(group)] == [BOB]
    with pytest.raises(NotFoundError):
        await store.put_grant(GroupGrant(group=99, user=BOB, right=1))


# --- templates, keys, notes, tokens -------------------------------------------------------------


async def test_templates_are_numbered_from_a_thousand(store: Store) -> None:
    """Numbers ascend over all projects; a name is taken once in a project."""
    await store.put_project(build_project())
    await store.put_project(build_project(BANK))
    first = await store.put_template(build_template("a"))
    other = await store.put_template(build_template("a", project=BANK))
    second = await store.put_template(build_template("b"))

    with pytest.raises(ConflictError) as caught:
        await store.put_template(build_template("a"), ACTS)

    assert caught.value.code == "template"
    assert [first.number, other.number, second.number] == [1000, 1001, 1002]
    assert await store.list_templates(SHOP) == (first, second)
    assert await store.find_template(other.number) == other
    assert await store.find_template(1003) is None
    assert first == replace(build_template("a"), number=1000)
    with pytest.raises(NotFoundError):
        await store.put_template(build_template("a", project=ProjectId("none")))


async def test_access_keys_are_found_and_dropped(store: Store) -> None:
    """A user's keys come oldest first; a key exists once."""
    for key in (build_key(2), build_key(1), build_key(3, BOB)):
        await store.put_access_key(key)

    with pytest.raises(ConflictError) as caught:
        await store.put_access_key(build_key(1, BOB), ACTS)

    assert caught.value.code == "access-key"
    assert await store.list_access_keys(ANN) == (build_key(2), build_key(1))
    assert await store.find_access_key("AK3") == build_key(3, BOB)
    assert await store.drop_access_key("AK2")
    assert not await store.drop_access_key("AK2")
    assert await store.find_access_key("AK2") is None
    assert await store.list_access_keys(ANN) == (build_key(1),)


async def test_notes_are_kept_in_order_per_attempt(store: Store) -> None:
    """Lines come as they were added, for that attempt of that job of that run only."""
    notes = [
        build_note("b"),
        build_note("other run", run=run_id(2)),
        build_note("a"),
        build_note("later", attempt=2),
    ]
    for note in notes:
        await store.add_note(note)

    assert await store.list_notes(run_id(1), "1", 1) == (notes[0], notes[2])
    assert await store.list_notes(run_id(1), "1", 2) == (notes[3],)
    assert await store.list_notes(run_id(1), "2", 1) == ()


async def test_tokens_of_the_token_call_are_revoked(store: Store) -> None:
    """Of a user's tokens those by password go; with a project only those bound to it alone."""
    scopes: list[tuple[ProjectId, ...]] = [(SHOP,), (BANK,), (), (SHOP, BANK), (SHOP,)]
    for number, projects in enumerate(scopes, 1):
        user = BOB if number == 5 else ANN
        made = replace(build_token(number, user), id=f"l-{number}", projects=projects)
        await store.put_token(made)
    own = replace(build_token(6), name="login", projects=(SHOP,))  # nobody but its user names it
    await store.put_token(own)
    for number, name in ((7, "login"), (8, "digest of a token")):
        session = replace(build_token(number), id=f"s-{number}", name=name, projects=())
        await store.put_token(session)

    assert await store.drop_tokens_of(ANN, SHOP, ACTS) == 1
    assert [token.id for token in await store.list_tokens(ANN)] == [
        "l-2",
        "l-3",
        "l-4",
        "t-6",
        "s-7",
        "s-8",
    ]
    assert await store.drop_tokens_of(ANN) == 4
    assert [token.id for token in await store.list_tokens()] == ["l-5", "t-6", "s-8"]
    assert await store.drop_tokens_of(ANN) == 0
    assert len(await store.list_audit()) == 1


async def test_a_used_receipt_keeps_the_tokens(store: Store) -> None:
    """Revoking is all or nothing with its acts."""
    assert ACTS.receipt is not None
    await store.put_receipt(ACTS.receipt)
    await store.put_token(replace(build_token(1), id="l-1", created_at=at(1)))

    with pytest.raises(ConflictError):
        await store.drop_tokens_of(ANN, acts=ACTS)

    assert len(await store.list_tokens(ANN)) == 1
