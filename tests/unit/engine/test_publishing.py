"""Publishing: archived files that are outputs become files of packages, others do not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine_world import SHOP
from mulligan.core.cause import Cause
from mulligan.core.errors import InfrastructureError
from mulligan.core.ids import StepId
from mulligan.core.packages import PackagePlace
from mulligan.core.report import ArchivedFile
from mulligan.core.spec import PipelineSpec
from mulligan.core.status import Status
from mulligan.engine import runner
from mulligan.engine.publishing import Publishing, outputs_of, place_of
from mulligan.engine.software_center import SoftwareCenter
from mulligan.ports import StepEnd
from release_world import Releases, definition, releases, stage

pytestmark = pytest.mark.anyio

OUTPUT = {
    "namespace": "team",
    "package": "libs%20shop",
    "version": "${VERSION}",
    "file_path": "a/app.jar",
    "local_file_path": "target/x.jar",
}


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Releases]:
    """Give a world whose builds publish."""
    monkeypatch.setattr(runner, "_RETRY_REPORT_S", 0.001)
    async with releases() as made:
        center = SoftwareCenter(store=made.store, clock=made.clock, root=tmp_path)
        made.engine.publish = Publishing(made.engine.lines, center).publish
        yield made


def builds(*outputs: dict[str, str]) -> PipelineSpec:
    """Give a definition of one build with these outputs."""
    return definition(stage(0, "build", inputs={"publish": list(outputs)}))


def archives(*paths: str, digest: str = "d1") -> StepEnd:
    """End a build that archived files."""
    files = tuple(
        ArchivedFile(path=path, size=3, digest=digest, sha512="5" * 128) for path in paths
    )
    return StepEnd(exit_code=0, artifacts=files)


def place(filename: str = "app.jar", folder: str = "a", version: str = "v1") -> PackagePlace:
    """Name a file of the package."""
    return PackagePlace(
        project=SHOP,
        namespace="team",
        repository="libs",
        package="shop",
        version=version,
        folder=folder,
        filename=filename,
    )


async def test_output_becomes_a_file(world: Releases) -> None:
    """An output is a file of its package before the run goes on; variables are resolved."""
    world.scripted.end_with("build", archives("publish:0"))

    run = await world.release(await world.add(builds(OUTPUT)), "v1")

    found = await world.store.find_package_file(place())
    assert run.head.status is Status.SUCCEEDED
    assert found is not None
    assert (found.digest, found.size, found.sha512) == ("d1", 3, "5" * 128)
    (kept,) = await world.store.list_artifacts(run.head.id)
    told = place_of(kept.path, outputs_of(run, kept.step))
    assert told is not None
    assert (told["package"], told["version"]) == (OUTPUT["package"], "v1")


async def test_output_without_a_path(world: Releases) -> None:
    """Without a path of its own an output has the name of the local file."""
    world.scripted.end_with("build", archives("publish:0"))

    await world.release(await world.add(builds({**OUTPUT, "file_path": ""})), "v1")

    assert await world.store.find_package_file(place("x.jar", "")) is not None


async def test_report_that_is_stored_later(world: Releases) -> None:
    """Publishing twice, because the report had to be repeated, is harmless."""
    world.scripted.end_with("build", archives("publish:0"))
    world.scripted.hold("build")
    head = await world.start(await world.add(builds(OUTPUT)), values={"VERSION": "v1"})
    await world.wait_started("build")
    world.disk.failing = [InfrastructureError("away")] * 2

    world.scripted.release("build")
    run = await world.wait_end(head.id)

    assert run.head.status is Status.SUCCEEDED
    assert await world.store.find_package_file(place()) is not None


@pytest.mark.parametrize("name", ["publish:0", "publish:7", "publish:x", "publish:", "publish:-1"])
async def test_file_that_is_only_named_so(world: Releases, name: str) -> None:
    """A file that a step archived under such a name is no output, and the step has its end."""
    world.scripted.end_with("build", archives(name))

    run = await world.release(await world.add(builds()), "v1")

    assert run.head.status is Status.SUCCEEDED
    assert (await world.store.list_artifacts(run.head.id))[0].path == name


@pytest.mark.parametrize("version", ["../up", "a b", ""])
async def test_output_whose_place_became_wrong(world: Releases, version: str) -> None:
    """A place that a variable made wrong fails the step before it begins, and is named."""
    run = await world.release(await world.add(builds(OUTPUT)), version)

    step = run.step(StepId(f"e-{100:032x}"))
    assert (step.status, step.cause) == (Status.FAILED, Cause.CONFIG)
    assert step.message
    assert world.scripted.started == []
    assert await world.store.find_package_file(place(version=version)) is None
