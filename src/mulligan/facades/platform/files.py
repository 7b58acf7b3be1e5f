"""Files of plugins: into the content store and out of it, and reports that they make of them.

| repository | path | what it is here |
|---|---|---|
| `pipeline` | PIPELINE/BUILD/… | an artifact of the build |
| `custom` | any | a file of the package `bkrepo/custom/files` in the software center |
| `report` | PIPELINE/BUILD/TASK/… | a page of the task's next report |
"""

import asyncio

from starlette.responses import FileResponse, Response

from mulligan.core.errors import NotFoundError
from mulligan.core.ids import RunId
from mulligan.core.packages import PackagePlace
from mulligan.core.records import Artifact
from mulligan.core.report import ArchivedFile
from mulligan.engine.package_names import split_file_path
from mulligan.engine.software_center import FileTooLargeError, KeptBytes
from mulligan.facades.common.body import announced_size, body_chunks
from mulligan.facades.common.errors import RequestError
from mulligan.facades.platform.calls import PlatformCall, good

PIPELINE, CUSTOM, REPORT = "pipeline", "custom", "report"
_PAGE = "report-page"  # kind of the records of pages that belong to no report yet
_MOST_PAGES = 10_000
_LONGEST_PATH = 1024  # characters


async def put_file(call: PlatformCall) -> Response:
    """Keep the body under a path."""
    repository, path = _place(call)
    if repository == CUSTOM:
        place = _custom(call, path)
    else:
        path = _own_path(call, repository, path)
    software = call.services.software
    try:
        kept = await software.keep(body_chunks(call.request), announced_size(call.request))
    except FileTooLargeError:
        most = software.most_bytes // (1024 * 1024)
        raise RequestError(413, f"a file has at most {most} MiB") from None
    if repository == CUSTOM:
        await software.publish(call.caller.actor, place, kept)
    elif repository == PIPELINE:
        await call.services.store.add_artifacts((_artifact(call, path, kept),))
    else:
        await _put_page(call, path, kept)
    return good({"sha256": kept.digest, "size": kept.size}, code=0)


async def get_file(call: PlatformCall) -> Response:
    """Give the bytes under a path."""
    repository, path = _place(call)
    if repository == CUSTOM:
        file = await call.services.software.find(_custom(call, path))
        digest = file.digest if file is not None else ""
    elif repository == PIPELINE:
        digest = await _digest_of_artifact(call, path)
    else:
        raise RequestError(501, f"GET of the repository {repository} is not served")
    bytes_at = call.services.software.path_of(digest)
    if not digest or not await asyncio.to_thread(bytes_at.is_file):
        raise NotFoundError("file", path)
    return FileResponse(bytes_at, media_type="application/octet-stream")


def _place(call: PlatformCall) -> tuple[str, str]:
    if call.pieces["project"] != call.project:
        raise RequestError(403, "the file is of another project")
    repository, path = call.pieces["repository"], call.pieces["path"].strip("/")
    if repository not in (PIPELINE, CUSTOM, REPORT):
        known = ", ".join((PIPELINE, CUSTOM, REPORT))
        raise RequestError(501, f"the repository {repository} is not served; only {known}")
    if not path or len(path) > _LONGEST_PATH or ".." in path.split("/"):
        raise RequestError(400, f"{path[:100]!r} can't be the path of a file")
    return repository, path


def _custom(call: PlatformCall, path: str) -> PackagePlace:
    folder, filename = split_file_path(path)
    return PackagePlace(
        project=call.project,
        namespace="bkrepo",
        repository=CUSTOM,
        package="files",
        version="1",
        folder=folder,
        filename=filename,
    )


def _own_path(call: PlatformCall, repository: str, path: str) -> str:
    """Return what stands behind the ids of the build (and task) that calls."""
    head = call.caller.run.head
    ids = [head.pipeline, head.id, *([call.caller.step.id] if repository == REPORT else [])]
    parts = path.split("/")
    if parts[: len(ids)] != ids or len(parts) == len(ids):
        raise RequestError(403, f"a step writes only below {'/'.join(ids)}/")
    return "/".join(parts[len(ids) :])


def _artifact(call: PlatformCall, path: str, kept: KeptBytes) -> Artifact:
    head = call.caller.run.head
    return Artifact(
        run=head.id,
        step=call.caller.step.id,
        attempt=call.caller.attempt,
        run_attempt=head.attempt,
        path=path,
        size=kept.size,
        digest=kept.digest,
        created_at=call.now,
    )


async def _digest_of_artifact(call: PlatformCall, path: str) -> str:
    pipeline, _, rest = path.partition("/")
    run_id, _, name = rest.partition("/")
    head = await call.services.store.find_head(RunId(run_id))
    if head is None or (head.project, head.pipeline) != (call.project, pipeline):
        raise NotFoundError("file", path)
    found = ""
    for artifact in await call.services.store.list_artifacts(head.id):
        found = artifact.digest if artifact.path.lstrip("/") == name else found
    return found


# --- reports --------------------------------------------------------------------------------------


async def report_root(call: PlatformCall) -> Response:
    """Give the address below which the pages of the step's reports are."""
    call.own_task(call.pieces["taskId"])
    caller = call.caller
    run = f"/api/v1/projects/{call.project}/runs/{caller.run.head.id}"
    return good(f"{call.services.plugins.gateway}{run}/reports/{caller.step.id}/{caller.attempt}")


async def _put_page(call: PlatformCall, path: str, kept: KeptBytes) -> None:
    file = ArchivedFile(path=path, size=kept.size, digest=kept.digest)
    await call.keep(_PAGE, path, most=_MOST_PAGES, files=(file,))


async def add_report(call: PlatformCall) -> Response:
    """Make a report of the pages that came before, or of an address elsewhere."""
    call.own_task(call.pieces["taskId"])
    name, index = call.needed("name"), call.query("indexFile").removeprefix("./")
    if call.query("reportType") == "THIRDPARTY":
        if not index.startswith(("http://", "https://")):
            raise RequestError(400, "indexFile must be the address of the report")
        await call.keep(REPORT, name, data={"url": index})
        return good(data=True)
    pages = [file for record in await call.kept(_PAGE) for file in record.files]
    if not any(page.path == index for page in pages):
        raise RequestError(400, f"the step has put no page {index[:100]!r}")
    await call.keep(REPORT, name, files=tuple(pages), data={"index": index})
    return good(data=True)
