"""Projects, pipelines, and their versions."""

import asyncio

import pytest

from builders import one_job
from engine_world import ADMIN, ANN, BOB, SHOP, World
from mulligan.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from mulligan.core.records import Pipeline, PipelineSettings, Role
from mulligan.core.refusal import RefusalCode
from mulligan.core.rights import Actor
from mulligan.core.status import Status
from mulligan.engine.catalog import Catalog, Definition
from mulligan.engine.commands import ReceiptRequest

pytestmark = pytest.mark.anyio

BOBS = Actor(user=BOB)


def definition(name: str = "build", *steps: str) -> Definition:
    """Give a definition of one job."""
    spec = one_job(*(steps or ("a",)), name=name)
    return Definition(spec=spec, dialect="bkci", source={"name": name}, description="nightly")


@pytest.fixture
def catalog(hand: World) -> Catalog:
    """Give the catalog of a world with the project `shop`."""
    return hand.catalog


@pytest.fixture
async def build(catalog: Catalog) -> Pipeline:
    """Give a pipeline named `build`."""
    return await catalog.create_pipeline(ADMIN, SHOP, definition())


# --- projects -----------------------------------------------------------------------------------


async def test_maker_of_a_project_owns_it(hand: World, catalog: Catalog) -> None:
    """A new project has a number, and its maker is its owner."""
    made = await catalog.create_project(BOBS, "depot", "Depot", "goods", {"deptId": "7"})

    member = await hand.store.find_member(made.id, BOB)
    assert await catalog.get_project("depot") == made
    assert (made.number, made.name, made.description) == (2, "Depot", "goods")
    assert made.extra == {"deptId": "7"}
    assert member is not None
    assert member.role is Role.OWNER


@pytest.mark.parametrize("name", ["", "Shop", "1st", "a_b", "x" * 33, "shop/../x", "a\n"])
async def test_malformed_project_id_is_refused(catalog: Catalog, name: str) -> None:
    """A project's id is a lower-case letter, then letters, digits and dashes."""
    with pytest.raises(InvalidError) as wrong:
        await catalog.create_project(ADMIN, name, "Name")

    assert wrong.value.code == "project-id"


@pytest.mark.parametrize("name", ["", "  ", "x" * 65])
async def test_malformed_project_name_is_refused(catalog: Catalog, name: str) -> None:
    """A project's name has 1 to 64 characters."""
    with pytest.raises(InvalidError) as wrong:
        await catalog.create_project(ADMIN, "depot", name)

    assert wrong.value.code == "project-name"


@pytest.mark.parametrize(("project", "name"), [("shop", "Other"), ("other", "Shop")])
async def test_taken_project_is_refused(catalog: Catalog, project: str, name: str) -> None:
    """Neither an id nor a name is given twice."""
    with pytest.raises(ConflictError) as taken:
        await catalog.create_project(ADMIN, project, name)

    assert taken.value.code == "project"


async def test_unknown_project_is_not_found(catalog: Catalog) -> None:
    """A project is never made by naming it."""
    with pytest.raises(NotFoundError):
        await catalog.get_project("nowhere")
    with pytest.raises(NotFoundError):
        await catalog.create_pipeline(ADMIN, "nowhere", definition())


# --- pipelines ----------------------------------------------------------------------------------


async def test_new_pipeline_has_its_first_version(catalog: Catalog, build: Pipeline) -> None:
    """A new pipeline can be read back, with the document it was made of."""
    found = await catalog.get_pipeline(SHOP, build.id)
    version = await catalog.get_version(found)

    assert found == build
    assert (found.name, found.description, found.version) == ("build", "nightly", 1)
    assert (version.spec, version.source) == (definition().spec, {"name": "build"})
    assert version.created_by == ANN


async def test_pipeline_of_another_project_is_not_found(catalog: Catalog, build: Pipeline) -> None:
    """A pipeline is only found through its own project."""
    with pytest.raises(NotFoundError):
        await catalog.get_pipeline("depot", build.id)
    with pytest.raises(NotFoundError):
        await catalog.get_pipeline(SHOP, "p-unknown")


async def test_taken_pipeline_name_is_refused(catalog: Catalog, build: Pipeline) -> None:
    """Neither a new pipeline nor a renamed one takes the name of another."""
    other = await catalog.create_pipeline(ADMIN, SHOP, definition("test"))

    with pytest.raises(ConflictError) as created:
        await catalog.create_pipeline(ADMIN, SHOP, definition("build"))
    with pytest.raises(ConflictError) as edited:
        await catalog.edit_pipeline(ADMIN, other, definition("build"))
    with pytest.raises(ConflictError) as renamed:
        await catalog.save_settings(ADMIN, other, PipelineSettings(), name="build")

    codes = {created.value.code, edited.value.code, renamed.value.code}
    assert codes == {"pipeline-name"}
    assert (await catalog.get_pipeline(SHOP, other.id)).version == 1


async def test_edit_makes_a_new_version(hand: World, catalog: Catalog, build: Pipeline) -> None:
    """After an edit new runs take the new version; the one that goes on keeps its own."""
    old = await hand.start(build)

    edited = await catalog.edit_pipeline(BOBS, build, definition("build", "a", "b"))
    new = await hand.start(edited)

    assert (edited.version, edited.updated_by, edited.created_by) == (2, BOB, ANN)
    assert ((await hand.run(old.id)).head.version, new.version) == (1, 2)
    assert len((await hand.run(new.id)).index.steps) == 2
    assert (await catalog.get_version(edited, 1)).spec == definition().spec


async def test_old_versions_go_but_those_in_use(
    hand: World, catalog: Catalog, build: Pipeline
) -> None:
    """Only so many versions are kept, and the one that a run needs stays."""
    settings = PipelineSettings(kept_versions=2)
    pipeline = await catalog.save_settings(ADMIN, build, settings)
    await hand.start(pipeline)

    for _ in range(4):
        pipeline = await catalog.edit_pipeline(ADMIN, pipeline, definition())

    kept = [n for n in range(1, 6) if await hand.store.find_version(build.id, n) is not None]
    assert kept == [1, 4, 5]
    with pytest.raises(NotFoundError):
        await catalog.get_version(pipeline, 2)


async def test_settings_are_replaced_and_names_kept(catalog: Catalog, build: Pipeline) -> None:
    """Saving settings changes name and description only if they are given."""
    settings = PipelineSettings(run_lock="SINGLE")

    saved = await catalog.save_settings(BOBS, build, settings)
    renamed = await catalog.save_settings(BOBS, saved, settings, name="other", description="")

    assert (saved.settings, saved.name, saved.description) == (settings, "build", "nightly")
    assert (renamed.name, renamed.description, renamed.version) == ("other", "", 1)
    assert renamed.updated_by == BOB


async def test_locked_pipeline_refuses_starts_and_what_runs_goes_on(
    hand: World, catalog: Catalog, build: Pipeline
) -> None:
    """A lock stops starts and retries, not the run that is under way."""
    head = await hand.start(build)
    locked = await catalog.lock_pipeline(ADMIN, build, locked=True)

    with pytest.raises(RefusedError) as refused:
        await hand.start(locked)
    await hand.report(await hand.claim(head.id))
    with pytest.raises(RefusedError) as retried:
        await hand.retry(head.id)
    unlocked = await catalog.lock_pipeline(ADMIN, locked, locked=False)
    following = await hand.start(unlocked)

    assert refused.value.refusal.code is RefusalCode.PIPELINE_LOCKED
    assert retried.value.refusal.code is RefusalCode.PIPELINE_LOCKED
    assert (await hand.run(head.id)).head.status is Status.SUCCEEDED
    assert following.number == 2


async def test_lock_is_asked_for(catalog: Catalog, build: Pipeline) -> None:
    """Locked by hand or by its run lock, a pipeline is locked."""
    catalog.demand_unlocked(build)
    locked = await catalog.lock_pipeline(ADMIN, build, locked=True)
    with pytest.raises(RefusedError):
        catalog.demand_unlocked(locked)
    free = await catalog.lock_pipeline(ADMIN, build, locked=False)
    by_setting = await catalog.save_settings(ADMIN, free, PipelineSettings(run_lock="LOCK"))
    with pytest.raises(RefusedError):
        catalog.demand_unlocked(by_setting)


async def test_deleted_pipeline_gives_its_name_free(
    hand: World, catalog: Catalog, build: Pipeline
) -> None:
    """A deleted pipeline is not found any more, its runs are; the name can be used again."""
    head = await hand.start(build)

    deleted = await catalog.delete_pipeline(ADMIN, build)
    again = await catalog.create_pipeline(ADMIN, SHOP, definition())

    assert deleted.deleted_at == hand.clock.now()
    assert again.id != build.id
    assert (await hand.run(head.id)).head.pipeline == build.id
    with pytest.raises(NotFoundError):
        await catalog.get_pipeline(SHOP, build.id)
    with pytest.raises(RefusedError) as refused:
        await hand.start(build)
    assert refused.value.refusal.code is RefusalCode.PIPELINE_DELETED


async def test_deleted_pipeline_can_not_be_changed(catalog: Catalog, build: Pipeline) -> None:
    """Whoever read a pipeline before it was deleted does not bring it back by a change."""
    await catalog.delete_pipeline(ADMIN, build)

    with pytest.raises(NotFoundError):
        await catalog.edit_pipeline(ADMIN, build, definition())
    with pytest.raises(NotFoundError):
        await catalog.lock_pipeline(ADMIN, build, locked=True)
    with pytest.raises(NotFoundError):
        await catalog.delete_pipeline(ADMIN, build)


async def test_edits_at_once_are_both_versions(catalog: Catalog, build: Pipeline) -> None:
    """Two edits that began with the same version become the next two versions."""
    await asyncio.gather(
        catalog.edit_pipeline(ADMIN, build, definition("build", "x")),
        catalog.edit_pipeline(BOBS, build, definition("build", "y")),
    )

    newest = await catalog.get_pipeline(SHOP, build.id)
    assert newest.version == 3
    assert (await catalog.get_version(newest)).created_by == BOB


async def test_lock_does_not_undo_an_edit(catalog: Catalog, build: Pipeline) -> None:
    """A lock that was asked for on an older reading keeps the newer version, and an edit the lock.

    Otherwise the pipeline would name version 1 while version 2 exists, and no edit could be stored
    ever again.
    """
    await catalog.edit_pipeline(ADMIN, build, definition("build", "x"))
    await catalog.lock_pipeline(ADMIN, build, locked=True)
    await catalog.save_settings(ADMIN, build, PipelineSettings(max_running=3))
    await catalog.edit_pipeline(ADMIN, build, definition("build", "y"))

    newest = await catalog.get_pipeline(SHOP, build.id)
    assert (newest.version, newest.locked) == (3, True)
    assert newest.settings.max_running == 3


async def test_acts_are_audited_with_their_receipt(hand: World, catalog: Catalog) -> None:
    """Each change names who made it; the receipt of a creation is stored with it."""
    receipt = ReceiptRequest(
        key="k", fingerprint="f", render=lambda made: (201, made.id.encode(), "text/plain")
    )

    made = await catalog.create_pipeline(BOBS, SHOP, definition(), receipt=receipt)
    await catalog.lock_pipeline(ADMIN, made, locked=True)
    with pytest.raises(ConflictError):
        await catalog.create_pipeline(BOBS, SHOP, definition("again"), receipt=receipt)

    stored = await hand.store.find_receipt(BOB, "k")
    assert stored is not None
    assert (stored.status, stored.body) == (201, made.id.encode())
    lock, create, *_ = await hand.store.list_audit(project=SHOP)
    assert (lock.action, lock.actor, lock.target) == ("pipeline.lock", ANN, made.id)
    assert (create.action, create.actor) == ("pipeline.create", BOB)
    assert await hand.store.find_pipeline_by_name(SHOP, "again") is None
