"""The software center: packages, their versions and files, up and down."""

import asyncio

from starlette.responses import FileResponse, Response

from mulligan.core.errors import InfrastructureError, InvalidError, NotFoundError
from mulligan.core.packages import (
    Package,
    PackageFile,
    PackagePlace,
    PackageSummary,
    PackageVersion,
)
from mulligan.core.rights import Permission
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.package_names import (
    LONGEST_NAMESPACE,
    NAMESPACE,
    PACKAGE_PART,
    VERSION,
    split_file_path,
)
from mulligan.engine.software_center import FileTooLargeError
from mulligan.facades.common.body import announced_size, body_chunks
from mulligan.facades.common.errors import RequestError
from mulligan.facades.native import queries
from mulligan.facades.native import release_shapes as shapes
from mulligan.facades.native.endpoints import OCTETS, Call, Endpoint, Query, answer
from mulligan.facades.native.problems import QueryError


async def list_packages(call: Call) -> Response:
    """List the packages of a project."""
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    found, _ = await call.services.store.list_packages(
        call.project,
        namespace=queries.text(call.request, "namespace"),
        limit=wanted + 1,
        offset=offset,
    )
    page, cursor = queries.page_of(found, offset, wanted)
    items = tuple(_package(summary) for summary in page)
    return answer(shapes.PackageList(items=items, next_cursor=cursor))


async def list_versions(call: Call) -> Response:
    """List the versions of a package."""
    package = await _package_of(call)
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    found, _ = await call.services.store.list_package_versions(
        package.number, limit=wanted + 1, offset=offset
    )
    page, cursor = queries.page_of(found, offset, wanted)
    items = tuple(
        _version(summary, summary.version) for summary in page if summary.version is not None
    )
    return answer(shapes.PackageVersionList(items=items, next_cursor=cursor))


async def list_files(call: Call) -> Response:
    """List the files of a version."""
    package = await _package_of(call)
    name = queries.text(call.request, "version")
    if not name:
        raise QueryError("version", "version is missing: which one's files?")
    version = await call.services.store.find_package_version(package.number, name)
    if version is None:
        raise NotFoundError("version", name)
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    found, _ = await call.services.store.list_package_files(
        version.number, limit=wanted + 1, offset=offset
    )
    page, cursor = queries.page_of(found, offset, wanted)
    items = tuple(_file(file) for file in page)
    return answer(shapes.PackageFileList(items=items, next_cursor=cursor))


async def download_file(call: Call) -> Response:
    """Give the bytes of a file; `Range` gives a part of them."""
    place = _place(call)
    software = call.services.software
    file = await software.find(place)
    if file is None:
        raise NotFoundError("file", call.part("path"))
    path = software.path_of(file.digest)
    if not await asyncio.to_thread(path.is_file):
        raise InfrastructureError("the file is registered, but its bytes are gone")
    return FileResponse(
        path,
        media_type=OCTETS,
        filename=file.filename,
        headers={"X-Content-Type-Options": "nosniff", "ETag": f'"{file.digest}"'},
    )


async def upload_file(call: Call) -> Response:
    """Store the body as a file; package and version are made when missing."""
    place = _checked(_place(call))
    software = call.services.software
    try:
        kept = await software.keep(body_chunks(call.request), announced_size(call.request))
    except FileTooLargeError:
        most = software.most_bytes // (1024 * 1024)
        raise RequestError(413, f"a file has at most {most} MiB") from None
    call.body = kept.digest.encode()  # stands for the body

    async def act(_receipt: ReceiptRequest | None) -> PackageFile:
        return await software.publish(call.actor, place, kept)

    # the time of its making is known after the act
    return await call.once(act, _file, stores_receipt=False)


async def _package_of(call: Call) -> Package:
    parts = [call.part(name) for name in ("namespace", "repository", "name")]
    package = await call.services.store.find_package(call.project, parts[0], parts[1], parts[2])
    if package is None:
        raise NotFoundError("package", "/".join(parts))
    return package


def _place(call: Call) -> PackagePlace:
    folder, filename = split_file_path(call.part("path"))
    return PackagePlace(
        project=call.project,
        namespace=call.part("namespace"),
        repository=call.part("repository"),
        package=call.part("name"),
        version=call.part("version"),
        folder=folder,
        filename=filename,
    )


def _checked(place: PackagePlace) -> PackagePlace:
    """Return a place at which a file may be put.

    Raises:
        InvalidError: A name is malformed.
    """
    rules = (
        ("namespace", place.namespace, NAMESPACE),
        ("repository", place.repository, PACKAGE_PART),
        ("package", place.package, PACKAGE_PART),
        ("version", place.version, VERSION),
    )
    for kind, text, rule in rules:
        is_long = kind == "namespace" and len(text) > LONGEST_NAMESPACE
        if is_long or not rule.fullmatch(text):
            raise InvalidError(f"{text[:100]!r} is no name of a {kind}", code=kind)
    return place


def _package(summary: PackageSummary) -> shapes.PackageView:
    package = summary.package
    return shapes.PackageView(
        namespace=package.namespace,
        repository=package.repository,
        name=package.name,
        description=package.description,
        visibility=package.visibility,
        versions=summary.count,
        size=summary.size,
        created_by=package.creator,
        created_at=package.created_at,
        updated_at=package.updated_at,
    )


def _version(summary: PackageSummary, version: PackageVersion) -> shapes.PackageVersionView:
    return shapes.PackageVersionView(
        version=version.version,
        files=summary.count,
        size=summary.size,
        created_by=version.creator,
        created_at=version.created_at,
        updated_at=version.updated_at,
    )


def _file(file: PackageFile) -> shapes.PackageFileView:
    return shapes.PackageFileView(
        path="/".join(part for part in (file.folder, file.filename) if part),
        size=file.size,
        sha256=file.digest,
        sha512=file.sha512,
        created_by=file.creator,
        created_at=file.created_at,
        updated_at=file.updated_at,
    )


_PACKAGES = "/projects/{project}/packages"
_ONE = _PACKAGES + "/{namespace}/{repository}/{name}"
_FILE = _ONE + "/{version}/{path}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_PACKAGES,
        act=list_packages,
        summary="List the packages of a project",
        needs=Permission.VIEW,
        answer=shapes.PackageList,
        query=(Query("namespace", "Only those of this organisation."), *queries.PAGED),
    ),
    Endpoint(
        method="GET",
        path=_ONE + "/versions",
        act=list_versions,
        summary="List the versions of a package",
        needs=Permission.VIEW,
        answer=shapes.PackageVersionList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="GET",
        path=_ONE + "/files",
        act=list_files,
        summary="List the files of a version of a package",
        needs=Permission.VIEW,
        answer=shapes.PackageFileList,
        query=(Query("version", "Which version; it must be given."), *queries.PAGED),
    ),
    Endpoint(
        method="GET",
        path=_FILE,
        act=download_file,
        summary="Give the bytes of a file; its path may hold slashes",
        needs=Permission.DOWNLOAD,
        media=OCTETS,
    ),
    Endpoint(
        method="PUT",
        path=_FILE,
        act=upload_file,
        summary="Store the body as a file; package and version are made when missing",
        needs=Permission.ROLL_BACK,
        answer=shapes.PackageFileView,
        status=201,
        streams=True,
    ),
)
