"""What every store does with installed plugins and with what their steps leave."""

from typing import Any

import pytest
from msgspec.structs import replace

from conformance.store_builders import ANN, NOW, build_head, create, put_pipeline, run_id, step_id
from conformance.test_store_admin import ACTS
from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.plugins import Plugin, PluginPolicy
from mulligan.core.posts import Post, PostAction, post_id
from mulligan.core.records import StepRecord
from mulligan.core.report import ArchivedFile
from mulligan.ports import NO_ACTS, Store

pytestmark = pytest.mark.anyio


def build_plugin(code: str = "echo", version: str = "1.0.0") -> Plugin:
    """Give a plugin that is not stored yet."""
    return Plugin(
        code=code,
        version=version,
        manifest={"atomCode": code, "input": {"words": {"isSensitive": True}}},
        digest="a" * 64,
        size=7,
        installed_by=ANN,
        installed_at=NOW,
    )


def build_record(kind: str = "report", name: str = "tests", **more: Any) -> StepRecord:
    """Give a record of the first step of the first run."""
    return StepRecord(
        run=run_id(1), step=step_id(1), attempt=1, kind=kind, name=name, created_at=NOW, **more
    )


async def test_versions_of_a_plugin_come_and_go(store: Store) -> None:
    """Each is found by code and version; one that is there can't be added again."""
    first, second, other = build_plugin(), build_plugin(version="1.1.0"), build_plugin("a")
    for plugin in (first, second, other):
        await store.add_plugin(plugin, ACTS if plugin is first else NO_ACTS)

    assert await store.find_plugin("echo", "1.0.0") == first
    assert sorted(await store.plugin_versions("echo")) == ["1.0.0", "1.1.0"]
    assert await store.list_plugins() == (other, first, second)
    assert await store.list_plugins(code="echo", limit=1, offset=1) == (second,)
    with pytest.raises(ConflictError) as refused:
        await store.add_plugin(build_plugin())
    assert refused.value.code == "plugin"

    assert await store.drop_plugin("echo", "1.0.0")
    assert not await store.drop_plugin("echo", "1.0.0")
    assert await store.find_plugin("echo", "1.0.0") is None
    assert len(await store.list_audit()) == len(ACTS.audit)


async def test_policies_of_plugins(store: Store) -> None:
    """The last word counts; one can come with the removal of a version, and stays behind it."""
    shop = ProjectId("shop")
    policy = PluginPolicy(code="echo", only=(shop,), off_in=(shop,), settings={"key": b"\0sealed"})
    await store.put_plugin_policy(PluginPolicy(code="other"), ACTS)
    await store.put_plugin_policy(PluginPolicy(code="echo", only=()))
    await store.put_plugin_policy(policy)
    assert await store.list_plugin_policies() == (policy, PluginPolicy(code="other"))
    await store.add_plugin(build_plugin())

    left = replace(policy, secret_inputs=("words",))
    assert not await store.drop_plugin("echo", "2.0.0", policy=left)
    assert (await store.list_plugin_policies())[0] == policy
    assert await store.drop_plugin("echo", "1.0.0", policy=left)
    assert (await store.list_plugin_policies())[0] == left
    assert len(await store.list_audit()) == len(ACTS.audit)


async def test_records_of_steps_by_kind(store: Store) -> None:
    """The same name again replaces a record, which keeps its number; another run sees nothing."""
    await put_pipeline(store)
    await store.append(create(build_head()))
    file = ArchivedFile(path="index.html", size=3, digest="b" * 64)

    await store.add_step_records((build_record(), build_record("quality", "lint")))
    await store.add_step_records((build_record(files=(file,), data={"index": "index.html"}),))

    (found,) = await store.list_step_records(run_id(1), "report")
    assert (found.files, found.data) == ((file,), {"index": "index.html"})
    assert await store.find_step_record(run_id(1), found.number) == found
    assert await store.find_step_record(run_id(2), found.number) is None
    assert await store.list_step_records(run_id(1), "commit") == ()


async def test_records_of_steps_are_paged_and_counted(store: Store) -> None:
    """By number, of all steps or of one attempt of one; others are counted without being read."""
    await put_pipeline(store)
    await store.append(create(build_head()))
    names = ["a", "b", "c"]
    first = [build_record("quality", name) for name in names]
    again = replace(build_record("quality", "a"), attempt=2)
    other = replace(build_record("quality", "a"), step=step_id(2))
    await store.add_step_records((*first, again, other))
    run, step = run_id(1), first[0].step

    every = await store.list_step_records(run, "quality")
    assert [each.name for each in every] == [*names, "a", "a"]
    assert await store.list_step_records(run, "quality", limit=2) == every[:2]
    page = await store.list_step_records(run, "quality", after=every[1].number, limit=2)
    assert page == every[2:4]
    assert await store.list_step_records(run, "quality", step=step) == every[:4]
    assert await store.list_step_records(run, "quality", step=step, attempt=2) == every[3:4]
    assert await store.count_step_records(run, "quality", step, 1, besides="a") == 2
    assert await store.count_step_records(run, "quality", step, 1, besides="new") == 3
    assert await store.count_step_records(run, "quality", step, 3, besides="") == 0


async def test_a_run_is_read_with_its_post_actions(store: Store) -> None:
    """Runs of one version may have different ones: each gets its own definition."""
    await put_pipeline(store)
    post = PostAction(step=step_id(1), post=Post(entry="end"))
    plain, with_post = build_head(1), replace(build_head(2), posts=(post,))
    for head in (plain, with_post):
        await store.append(create(head))

    steps = [list((await store.get_run(head.id)).index.steps) for head in (plain, with_post)]

    assert steps[1] == [*steps[0], post_id(step_id(1))]


async def test_a_record_of_a_run_that_is_not_there(store: Store) -> None:
    """It is refused."""
    with pytest.raises(NotFoundError):
        await store.add_step_records((build_record(),))
