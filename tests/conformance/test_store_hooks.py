"""What every store does with hooks and what they have latched."""

import pytest
from msgspec.structs import replace

from conformance.store_builders import (
    NOW,
    SHOP,
    build_head,
    build_pipeline,
    build_project,
    build_version,
    create,
    pipeline_id,
    put_pipeline,
)
from conformance.store_releases import build_environment, build_hook, change, latched
from conformance.test_store_admin import ACTS
from mulligan.core.errors import ConflictError, NotFoundError, StaleRevisionError
from mulligan.core.hooks import Hook, HookKind
from mulligan.core.ids import ProjectId
from mulligan.core.records import Pipeline
from mulligan.ports import Acts, Store

pytestmark = pytest.mark.anyio

WEB, STAGED = build_hook(1), build_hook(2, stage="12", position=1)
EARLY = build_hook(3, HookKind.CODE, stage="12")
NEWS = build_hook(4, HookKind.CHANNEL, position=1, name="news")


async def put_hooks(store: Store, *hooks: Hook) -> Pipeline:
    """Store a new pipeline with hooks."""
    await store.put_project(build_project())
    return await store.put_pipeline(build_pipeline(), build_version(), hooks=hooks)


async def latches(store: Store) -> dict[str, dict[str, str] | None]:
    """Return what the hooks of the pipeline have latched."""
    found = await store.list_hooks(pipeline_id(1))
    return {hook.id: hook.values if hook.latched else None for hook in found}


async def test_hooks_are_listed_by_stage_and_position(store: Store) -> None:
    """Those of the pipeline itself come first."""
    await put_hooks(store, STAGED, NEWS, EARLY, WEB)

    assert await store.list_hooks(pipeline_id(1)) == (WEB, NEWS, EARLY, STAGED)
    assert await store.find_hook("h-3") == EARLY
    assert await store.find_hook("h-9") is None
    assert await store.list_hooks(pipeline_id(2)) == ()


async def test_a_latch_is_set_and_cleared(store: Store) -> None:
    """A hook carries what it brought last until that is cleared; other hooks stay as they are."""
    await put_hooks(store, WEB, STAGED)

    await store.put_latch("h-1", {"a": "1"})
    await store.put_latch("h-1", {"b": "é"})
    await store.put_latch("h-2", {})

    assert await store.list_hooks(pipeline_id(1)) == (
        latched(WEB, {"b": "é"}),
        latched(STAGED, {}),
    )
    await store.put_latch("h-1", None)
    assert await store.find_hook("h-1") == WEB
    with pytest.raises(NotFoundError):
        await store.put_latch("h-9", {})


async def test_a_new_definition_keeps_what_its_hooks_have_latched(store: Store) -> None:
    """A hook that stays keeps its latch and takes all else; others come and go."""
    pipeline = await put_hooks(store, WEB, STAGED, EARLY)
    await store.put_latch("h-1", {"a": "1"})
    await store.put_latch("h-3", {"b": "2"})
    moved = replace(WEB, stage="7", position=4, converts=(("a", "b"),), secret="s")

    await store.put_pipeline(pipeline, hooks=[moved, NEWS])

    assert await store.list_hooks(pipeline.id) == (NEWS, latched(moved, {"a": "1"}))
    assert await store.find_hook("h-3") is None


async def test_hooks_that_are_not_named_stay(store: Store) -> None:
    """Without hooks a change of the pipeline leaves them; with none it removes them."""
    pipeline = await put_hooks(store, WEB)

    await store.put_pipeline(replace(pipeline, description="new"))
    assert await store.list_hooks(pipeline.id) == (WEB,)
    await store.put_pipeline(pipeline, hooks=())

    assert await store.list_hooks(pipeline.id) == ()


async def test_a_hook_belongs_to_one_pipeline(store: Store) -> None:
    """Taking over the hook of another pipeline is a conflict that changes nothing."""
    await put_hooks(store, WEB)
    theirs = (replace(NEWS, pipeline=pipeline_id(2)), replace(WEB, pipeline=pipeline_id(2)))

    with pytest.raises(ConflictError) as caught:
        await store.put_pipeline(build_pipeline(2), build_version(2), ACTS, hooks=theirs)

    assert caught.value.code == "hook"
    assert await store.find_pipeline(pipeline_id(2)) is None
    assert await store.find_version(pipeline_id(2), 1) is None
    assert await store.find_hook("h-4") is None
    assert await store.list_hooks(pipeline_id(1)) == (WEB,)
    assert await store.list_audit() == ()


async def test_a_refused_pipeline_leaves_the_hooks(store: Store) -> None:
    """A receipt that exists refuses the new hooks too."""
    pipeline = await put_hooks(store, WEB)
    assert ACTS.receipt is not None
    await store.put_receipt(ACTS.receipt)

    with pytest.raises(ConflictError):
        await store.put_pipeline(pipeline, acts=ACTS, hooks=[NEWS])

    assert await store.list_hooks(pipeline.id) == (WEB,)


async def test_a_channel_reaches_live_pipelines_of_its_project(store: Store) -> None:
    """Pipelines in order of their numbers, with all hooks that listen, also those of stages."""
    await store.put_project(build_project(ProjectId("bank")))
    pipeline = await put_hooks(store, NEWS, replace(NEWS, id="h-5", name="other"), WEB)
    staged = build_hook(6, HookKind.CHANNEL, pipeline=2, stage="3", name="news")
    await store.put_pipeline(build_pipeline(2), hooks=[staged])
    named = replace(build_hook(7, pipeline=3, name="news"))
    third = await store.put_pipeline(build_pipeline(3), hooks=[named])

    assert await store.channel_hooks(SHOP, "news") == (NEWS, staged)
    await store.put_latch("h-6", {"a": "1"})
    await store.put_pipeline(replace(pipeline, deleted_at=NOW))
    assert await store.channel_hooks(SHOP, "news") == (latched(staged, {"a": "1"}),)
    assert await store.channel_hooks(ProjectId("bank"), "news") == ()
    assert await store.list_hooks(third.id) == (named,)


async def test_a_start_clears_the_latches_of_its_pipeline(store: Store) -> None:
    """Those of the pipeline as a whole, not those of its stages or of other pipelines."""
    await put_hooks(store, WEB, STAGED, NEWS)
    theirs = build_hook(8, pipeline=2)
    await store.put_pipeline(build_pipeline(2), hooks=[theirs])
    for ident in ("h-1", "h-2", "h-4", "h-8"):
        await store.put_latch(ident, {"a": ident})

    await store.append(create(build_head()), Acts(clear_latches=pipeline_id(1)))

    assert await latches(store) == {"h-1": None, "h-2": {"a": "h-2"}, "h-4": None}
    assert await store.find_hook("h-8") == latched(theirs, {"a": "h-8"})


async def test_a_refused_start_keeps_the_latches(store: Store) -> None:
    """When the decision is not stored, the signals still wait."""
    await put_hooks(store, WEB)
    await put_pipeline(store, 2)
    await store.put_latch("h-1", {"a": "1"})
    stale = change(build_environment(revision=2))

    with pytest.raises(StaleRevisionError):
        await store.append(create(build_head()), Acts(ledger=stale, clear_latches=pipeline_id(1)))

    assert await latches(store) == {"h-1": {"a": "1"}}
