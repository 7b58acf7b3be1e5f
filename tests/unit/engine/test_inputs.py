"""Inputs of steps: which artifacts and package files a step is given."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine_world import ANN, NOON, SHOP
from mulligan.core.ids import StepId
from mulligan.core.packages import PackageFile, PackagePlace
from mulligan.core.prepare import StepOrder
from mulligan.core.report import ArchivedFile
from mulligan.core.spec import PipelineSpec
from mulligan.core.status import Status
from mulligan.engine.inputs import files_of_inputs
from mulligan.ports import StepEnd
from release_world import Releases, definition, releases, stage

pytestmark = pytest.mark.anyio

SOURCE_STEP = f"e-{100:032x}"
PACKAGE = {"name": "lib", "namespace": "team", "package": "libs%20shop", "version": "1.0"}


@pytest.fixture
async def world() -> AsyncIterator[Releases]:
    """Give a world with a runner."""
    async with releases() as made:
        yield made


def spec(kind: str = "build", **inputs: Any) -> PipelineSpec:
    """Give: a checkout, and a stage of a kind that takes inputs."""
    return definition(
        stage(0, "source", kind="source"), stage(1, "work", kind=kind, inputs=dict(inputs))
    )


async def put(world: Releases, filename: str, digest: str, folder: str = "") -> None:
    """Store a file of the package."""
    place = PackagePlace(
        project=SHOP,
        namespace="team",
        repository="libs",
        package="shop",
        version="1.0",
        folder=folder,
        filename=filename,
    )
    file = PackageFile(
        version=0,
        folder=folder,
        filename=filename,
        digest=digest,
        sha512="",
        size=1,
        creator=ANN,
        created_at=NOON,
        updated_at=NOON,
    )
    await world.store.put_package_file(place, file)


def order_of(world: Releases, name: str) -> StepOrder:
    """Return the last order of a step."""
    return next(each for each in reversed(world.scripted.orders) if each.step_name == name)


def archived(digest: str) -> StepEnd:
    """End as a checkout does that keeps its tree."""
    file = ArchivedFile(path="source.tar", size=1, digest=digest)
    return StepEnd(exit_code=0, artifacts=(file,))


async def test_source_of_an_earlier_stage(world: Releases) -> None:
    """A build gets the tree of the newest attempt of its checkout."""
    world.scripted.end_with("source", archived("d1"))
    pipeline = await world.add(spec(sources=[{"name": "main", "step": SOURCE_STEP}]))

    run = await world.release(pipeline, "v1")

    assert run.head.status is Status.SUCCEEDED
    assert order_of(world, "work").inputs["files"] == {"source:main": "d1"}


async def test_source_that_was_not_checked_out(world: Releases) -> None:
    """A build whose tree is missing fails, and names it."""
    pipeline = await world.add(spec(sources=[{"name": "main", "step": SOURCE_STEP}]))

    run = await world.release(pipeline, "v1")

    assert run.head.status is Status.FAILED
    assert "'main'" in run.step(StepId(f"e-{101:032x}")).message


@pytest.mark.parametrize(
    ("kind", "key"), [("build", "package:lib"), ("image", "package:lib"), ("deploy", "app.jar")]
)
async def test_file_of_a_package(world: Releases, kind: str, key: str) -> None:
    """A package without a path is its version's only file; a deployment gets it by its name."""
    await put(world, "app.jar", "d7")
    pipeline = await world.add(spec(packages=[PACKAGE]))
    await world.release(pipeline, "v1")
    order = order_of(world, "work")

    found = await files_of_inputs(
        world.store, StepOrder(**{**_fields(order), "kind": kind, "mode": ""})
    )

    assert found.inputs["files"] == {key: "d7"}
    assert found.problem == ""


def _fields(order: StepOrder) -> dict[str, Any]:
    return {name: getattr(order, name) for name in order.__struct_fields__}


async def test_file_by_its_path(world: Releases) -> None:
    """With a path that very file is taken, also in a folder."""
    await put(world, "app.jar", "d1")
    await put(world, "app.jar", "d2", folder="a/b")
    pipeline = await world.add(spec(packages=[{**PACKAGE, "file_path": "/a/b/app.jar"}]))

    await world.release(pipeline, "v1")

    assert order_of(world, "work").inputs["files"] == {"package:lib": "d2"}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"version": "9"}, "no such package file"),
        ({"package": "other%20shop"}, "no such package file"),
        ({"namespace": "back"}, "no such package file"),
        ({"file_path": "nothing.jar"}, "no such package file"),
        ({"file_path": "../../etc/passwd"}, "team/libs%20shop"),
        ({"version": "${MISSING}"}, "no such package file"),
    ],
)
async def test_file_that_is_not_there(world: Releases, change: dict[str, str], word: str) -> None:
    """A file that is not there, or lies elsewhere, fails the stage, and is named."""
    await put(world, "app.jar", "d1")
    pipeline = await world.add(spec(packages=[{**PACKAGE, **change}]))

    run = await world.release(pipeline, "v1")

    step = run.step(StepId(f"e-{101:032x}"))
    assert step.status is Status.FAILED
    assert word in step.message


async def test_version_with_several_files_and_no_path(world: Releases) -> None:
    """Without a path a version must have one file only."""
    await put(world, "a.jar", "d1")
    await put(world, "b.jar", "d2")
    pipeline = await world.add(spec(packages=[PACKAGE]))

    run = await world.release(pipeline, "v1")

    assert run.head.status is Status.FAILED


async def test_rollback_takes_the_files_of_its_record(world: Releases) -> None:
    """A rollback restores the bytes of its record, also when the package has others since."""
    inputs = {
        "act": "deploy",
        "info": '{"driver": "command", "environment": "prod", "application": "web"}',
        "packages": [PACKAGE],
    }
    pipeline = await world.add(definition(stage(0, "work", kind="deploy", inputs=inputs)))
    for digest in ("d1", "d2"):
        await put(world, "app.jar", digest)
        run = await world.release(pipeline, digest)
    await put(world, "app.jar", "d3")

    await world.rolled_back(run.head.id)

    order = order_of(world, "work")
    assert order.inputs["order"]["files"] == {"app.jar": "d1"}
    assert order.inputs["order"]["live"]["files"] == {"app.jar": "d2"}
