"""Which files a step takes as its input: artifacts of its run, files of packages."""

from typing import Any

from msgspec.structs import replace

from mulligan.core.errors import InvalidError
from mulligan.core.ids import ProjectId, RunId
from mulligan.core.packages import PackageFile, PackagePlace
from mulligan.core.prepare import StepOrder
from mulligan.core.records import Artifact
from mulligan.engine.package_names import TAG, check_output, split_file_path, split_package
from mulligan.ports import Store

SOURCE_ARCHIVE = "source.tar"
_TAKES_FILES = frozenset({"build", "image", "unit_test", "performance_test", "deploy"})


async def files_of_inputs(store: Store, order: StepOrder) -> StepOrder:
    """Complete the inputs of a step by `files`: what it takes -> SHA-256 of the bytes.

    `file_names` has the same keys for package inputs: the names that the files have there.
    One that is missing makes the step fail with a message that names it.
    """
    if order.kind == "download":
        files = {artifact.path: artifact.digest for artifact in await _newest(store, order.run_id)}
        return replace(order, inputs={**order.inputs, "files": files})
    if order.kind not in _TAKES_FILES or order.mode == "rollback":
        return order
    found: dict[str, str] = {}
    names: dict[str, str] = {}
    for source in order.inputs.get("sources") or ():
        digest = await _source(store, order.run_id, str(source["step"]))
        if digest is None:
            return replace(order, problem=f"the source {source['name']!r} was not checked out")
        found[f"source:{source['name']}"] = digest
    for package in order.inputs.get("packages") or ():
        try:
            file = await find_input(store, order.project, package)
        except InvalidError as error:
            return replace(order, problem=f"{_place_text(package)}: {error}")
        if file is None:
            return replace(order, problem=f"no such package file: {_place_text(package)}")
        key = file.filename if order.kind == "deploy" else f"package:{package['name']}"
        if found.get(key, file.digest) != file.digest:
            return replace(order, problem=f"two package inputs are files named {key!r}")
        found[key] = file.digest
        names[key] = file.filename
    inputs = {**order.inputs, "files": found, "file_names": names}
    return replace(order, inputs=inputs, problem=_problem_of_names(order) or order.problem)


def _problem_of_names(order: StepOrder) -> str:
    """Tell what can't be used under the names that variables give it."""
    image = order.inputs.get("image")
    if order.kind == "deploy" and isinstance(image, dict):
        tag = str(image.get("tag") or "")
        if not TAG.fullmatch(tag):
            return (
                f"the image {image.get('namespace')}/{image.get('repository')}: {tag!r} is no tag"
            )
    for place in order.inputs.get("publish") or ():
        try:
            check_output(place)
        except InvalidError as error:
            return f"the output {_place_text(place)}: {error}"
    return ""


async def _newest(store: Store, run_id: RunId) -> list[Artifact]:
    """Return of every producer the files of its newest attempt."""
    artifacts = await store.list_artifacts(run_id)
    newest: dict[str, int] = {}
    for artifact in artifacts:
        newest[artifact.step] = max(newest.get(artifact.step, 0), artifact.attempt)
    return [artifact for artifact in artifacts if artifact.attempt == newest[artifact.step]]


async def _source(store: Store, run_id: RunId, step: str) -> str | None:
    for artifact in await _newest(store, run_id):
        if artifact.step == step and artifact.path == SOURCE_ARCHIVE:
            return artifact.digest
    return None


async def find_input(
    store: Store, project: ProjectId, package: dict[str, Any]
) -> PackageFile | None:
    """Find the file of a package resource; without `file_path` its version's only one.

    Raises:
        InvalidError: `file_path` leads elsewhere.
    """
    repository, name = split_package(str(package.get("package") or ""))
    path = str(package.get("file_path") or "").strip("/")
    folder, filename = split_file_path(path) if path else ("", "")
    place = PackagePlace(
        project=project,
        namespace=str(package.get("namespace") or ""),
        repository=repository,
        package=name,
        version=str(package.get("version") or ""),
        folder=folder,
        filename=filename,
    )
    if filename:
        return await store.find_package_file(place)
    found = await store.find_package(project, place.namespace, repository, name)
    version = await store.find_package_version(found.number, place.version) if found else None
    if version is None:
        return None
    files, total = await store.list_package_files(version.number, limit=2)
    return files[0] if total == 1 else None


def _place_text(package: dict[str, Any]) -> str:
    names = ("namespace", "package", "version", "file_path")
    return "/".join(str(package.get(name) or "") for name in names)
