"""What every store does with items: what people keep in a project besides pipelines."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from conformance import store_builders as build
from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.core.items import (
    Item,
    ItemChange,
    Label,
    LabelGroup,
    NodeGroup,
    PipelineDraft,
    PipelineTemplate,
    QualityRule,
    TemplateInstance,
    TemplateVersion,
    VersionCount,
    View,
    ViewFilter,
)
from mulligan.core.quality import MetricCondition
from mulligan.core.records import AuditEntry, PipelineSettings, User
from mulligan.core.spec import PipelineSpec
from mulligan.ports import Acts, Store

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHOP, BANK = ProjectId("shop"), ProjectId("bank")
ANN, BOB = UserName("ann"), UserName("bob")


def fields(ident: str, name: str = "", **more: Any) -> dict[str, Any]:
    """Return the members that every item has."""
    return {
        "project": SHOP,
        "id": ident,
        "name": name or ident,
        "created_by": ANN,
        "created_at": NOON,
        "updated_by": BOB,
        "updated_at": NOON,
        **more,
    }


def user(name: str) -> User:
    """Return a user."""
    return User(name=UserName(name), created_at=NOON)


EVERY_KIND: tuple[Item, ...] = (
    LabelGroup(**fields("g1", "team")),
    Label(**fields("l1", "red", parent="g1")),
    View(
        **fields("v1", "mine"),
        is_dynamic=True,
        needs_all=False,
        filters=(ViewFilter(kind="label", condition="INCLUDE", values=("l1",), source={"a": 1}),),
        pipelines=(PipelineId("p-1"),),
    ),
    PipelineDraft(
        **fields("p-1"),
        version=4,
        spec=PipelineSpec(name="demo", stages=()),
        dialect="bkci",
        source={"name": "demo"},
        settings=PipelineSettings(max_running=3),
        made_from=2,
        beside=3,
        title="demo",
    ),
    PipelineTemplate(**fields("t1"), newest=2),
    TemplateVersion(**fields("t1:2", parent="t1"), version=2, title="v2", source={"name": "t"}),
    TemplateInstance(**fields("p-1", parent="t1"), version=2),
    NodeGroup(**fields("n1"), purpose="PROD", nodes=("a", "b"), extra={"x": [1]}),
    VersionCount(**fields("p-1"), first=5, value=7),
    QualityRule(
        **fields("q1"),
        conditions=(MetricCondition(metric="cover", operator=">=", value="0.8"),),
        gatekeepers=(UserName("ann"),),
        plugin="scan",
        before=True,
    ),
)


@pytest.fixture
async def shop(store: Store) -> Store:
    """Give a store with two projects."""
    for project in (SHOP, BANK):
        await store.put_project(build.build_project(project))
    return store


async def test_every_kind_is_read_as_it_was_stored(shop: Store) -> None:
    """Ids of different kinds have nothing to do with each other; numbers ascend."""
    await shop.change_items(ItemChange(put=EVERY_KIND))

    numbers = []
    for item in EVERY_KIND:
        found = await shop.find_item(type(item), SHOP, item.id)
        assert found is not None
        assert replace(found, number=0) == item
        assert await shop.find_item(type(item), BANK, item.id) is None
        assert await shop.list_items(type(item), SHOP) == (found,)
        numbers.append(found.number)
    assert numbers == sorted(set(numbers))


async def test_lists_by_parent_and_page(shop: Store) -> None:
    """Oldest first; with a parent only what belongs to it."""
    labels = [Label(**fields(f"l{n}", parent=f"g{n % 2}")) for n in range(5)]
    await shop.change_items(ItemChange(put=tuple(labels)))

    async def ids(**wanted: Any) -> list[str]:
        return [label.id for label in await shop.list_items(Label, SHOP, **wanted)]

    assert await ids() == ["l0", "l1", "l2", "l3", "l4"]
    assert await ids(parent="g1") == ["l1", "l3"]
    assert await ids(parent="") == []
    assert await ids(limit=2, offset=1) == ["l1", "l2"]
    assert await shop.list_items(LabelGroup, SHOP) == ()


async def test_names_are_unique_below_a_parent(shop: Store) -> None:
    """A taken id or name changes nothing; another parent or project may have it."""
    await shop.change_items(ItemChange(put=(Label(**fields("l1", "red", parent="g1")),)))

    for clash in (
        Label(**fields("l2", "red", parent="g1")),
        Label(**fields("l1", "blue", parent="g1")),
    ):
        with pytest.raises(ConflictError) as caught:
            await shop.change_items(ItemChange(put=(Label(**fields("l9")), clash)))
        assert caught.value.code == "label"
    assert await shop.find_item(Label, SHOP, "l9") is None

    others = (
        Label(**fields("l3", "red", parent="g2")),
        Label(**{**fields("l1", "red", parent="g1"), "project": BANK}),
    )
    await shop.change_items(ItemChange(put=others))
    assert len(await shop.list_items(Label, SHOP)) == 2


async def test_replace_and_delete(shop: Store) -> None:
    """An item keeps its number; deleting a missing one is no error; names come free at once."""
    await shop.change_items(ItemChange(put=(Label(**fields("l1", "red")),)))
    first = await shop.find_item(Label, SHOP, "l1")
    assert first is not None

    await shop.change_items(ItemChange(put=(replace(first, name="blue"),)))
    assert await shop.find_item(Label, SHOP, "l1") == replace(first, name="blue")
    taker = Label(**fields("l2", "blue"))
    await shop.change_items(ItemChange(drop=(first, first), put=(taker,)))
    assert [label.id for label in await shop.list_items(Label, SHOP)] == ["l2"]
    with pytest.raises(NotFoundError):
        await shop.change_items(ItemChange(put=(first,)))
    ghost = Label(**{**fields("l7"), "project": ProjectId("none")})
    with pytest.raises(NotFoundError):
        await shop.change_items(ItemChange(put=(ghost,)))


async def test_changes_go_with_any_act(shop: Store) -> None:
    """What cannot be stored together is not stored at all."""
    item = LabelGroup(**fields("g1"))
    acts = Acts(items=ItemChange(put=(item,)))
    await shop.put_user(user("carl"), acts)
    assert await shop.find_item(LabelGroup, SHOP, "g1") is not None

    with pytest.raises(ConflictError):
        await shop.put_user(user("dora"), acts)
    assert await shop.find_user(UserName("dora")) is None


async def test_versions_of_a_pipeline(shop: Store) -> None:
    """Newest first, without the definitions."""
    pipeline = build.build_pipeline()
    stored = await shop.put_pipeline(pipeline, build.build_version())
    second = replace(build.build_version(), version=2, note="better", made_from=1)
    await shop.put_pipeline(replace(stored, version=2), second)

    heads = await shop.list_versions(pipeline.id)

    assert [(head.version, head.note, head.made_from) for head in heads] == [
        (2, "better", 1),
        (1, "", 0),
    ]
    assert heads[0].created_by == second.created_by
    assert await shop.list_versions(PipelineId("p-none")) == ()


async def test_what_was_done_to_something(shop: Store) -> None:
    """Newest first, of one target only, with the count of all."""
    entries = [
        AuditEntry(at=NOON, actor=who, action=f"a{n}", project=SHOP, target=target)
        for n, (who, target) in enumerate([(ANN, "x"), (BOB, "x"), (ANN, "y"), (ANN, "x")])
    ]
    await shop.add_audit(entries)

    async def acts(**wanted: Any) -> tuple[list[str], int]:
        found, total = await shop.list_acts_on(SHOP, "x", **wanted)
        return [entry.action for entry in found], total

    assert await acts() == (["a3", "a1", "a0"], 3)
    assert await acts(actor=ANN) == (["a3", "a0"], 2)
    assert await acts(limit=1, offset=1) == (["a1"], 3)
    assert (await shop.list_acts_on(BANK, "x")) == ((), 0)


async def test_pipelines_that_have_a_version(shop: Store) -> None:
    """Those with a draft alone can be left out of lists."""
    await shop.put_pipeline(build.build_pipeline(1), build.build_version(1))
    await shop.put_pipeline(replace(build.build_pipeline(2), version=0))

    async def found(**wanted: Any) -> tuple[list[str], int]:
        rows, total = await shop.list_group_pipelines(SHOP, **wanted)
        return sorted(pipeline.name for pipeline, _ in rows), total

    assert await found() == (["build 1", "build 2"], 2)
    assert await found(released=True) == (["build 1"], 1)


async def test_deleted_pipelines(shop: Store) -> None:
    """They have a list of their own."""
    gone = await shop.put_pipeline(build.build_pipeline(1), build.build_version(1))
    await shop.put_pipeline(replace(gone, deleted_at=NOON))
    await shop.put_pipeline(build.build_pipeline(2), build.build_version(2))

    live, _ = await shop.list_pipelines(SHOP)
    deleted, total = await shop.list_pipelines(SHOP, deleted=True)

    assert [pipeline.name for pipeline in live] == ["build 2"]
    assert ([pipeline.name for pipeline in deleted], total) == (["build 1"], 1)
