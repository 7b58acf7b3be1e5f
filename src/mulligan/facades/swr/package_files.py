"""The software center: files of packages, down and up (spec §2.18)."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import unquote_to_bytes

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

from mulligan.core.errors import InvalidError
from mulligan.core.packages import Package, PackagePlace
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.package_names import (
    check_filename,
    join_folder,
    join_package,
    split_package,
)
from mulligan.engine.software_center import FileTooLargeError
from mulligan.facades.common.auth import header
from mulligan.facades.common.errors import RequestError
from mulligan.facades.common.idempotency import once
from mulligan.facades.swr import names, negotiate
from mulligan.facades.swr.account import raw_path
from mulligan.facades.swr.calls import Call, Route
from mulligan.facades.swr.errors import SwrError, bad
from mulligan.facades.swr.fields import Json
from mulligan.facades.swr.package_calls import PACKAGE_PATH, find_package, render_file
from mulligan.facades.swr.rights import Right

NO_FILE = "SWR.4042033"
TOO_LARGE = "SWR.4132036"
BAD_NAMESPACE = "SWR.4001028"
BAD_PACKAGE = "SWR.4002007"
BAD_VERSION = "SWR.4002015"
_BAD_PATH = {"folder": "SWR.4002025", "filename": "SWR.4002026"}
_BYTES_LOST = "SWR.5002021"
_FIRST_OF_FILE = 10  # segments of the path before folder and name, with the empty first one


async def download(call: Call) -> Response:
    """Give the bytes of a file; `Range` gives a part of them."""
    folder, filename = file_path_of(call.request)
    namespace, package_name = call.path["namespace"], call.path["package_name"]
    found = await find_package(call, namespace, package_name, unknown=NO_FILE)
    place = _place(found.package, call.path["version"], folder, filename)
    file = await call.services.software.find(place)
    if file is None:
        raise SwrError(NO_FILE, f"there is no file {filename!r} at this place")
    path = call.services.software.path_of(file.digest)
    if not await asyncio.to_thread(path.is_file):
        raise SwrError(_BYTES_LOST, "the file is registered, but its bytes are gone")
    return FileResponse(
        path,
        media_type="application/octet-stream",
        filename=filename,
        headers={"X-Content-Type-Options": "nosniff"},
    )


async def upload(call: Call) -> Response:
    """Store the body as a file; package and version are made when missing (X)."""
    await call.demand(Right.MANAGE)
    folder, filename = file_path_of(call.request)
    package = _package_to_write(call)
    place = _place(package, _version_to_write(call), folder, filename)
    software = call.services.software
    try:
        kept = await software.keep(_body_of(call.request), _announced(call.request))
    except FileTooLargeError:
        most = software.most_bytes // (1024 * 1024)
        raise SwrError(TOO_LARGE, f"a file has at most {most} MiB") from None

    async def act(receipt: ReceiptRequest | None) -> Json:
        file = await software.publish(call.actor, place, kept, receipt=receipt)
        stored = await call.services.store.find_package(
            place.project, place.namespace, place.repository, place.package
        )
        return render_file(stored or package, place.version, file)

    def render(shown: Json) -> tuple[int, bytes, str]:
        return 201, *negotiate.render(shown)

    return await once(
        call.request,
        call.services,
        call.actor,
        call.in_account(kept.digest.encode()),  # stands for the body
        act,
        render,
        stores_receipt=False,  # the number of the file is known after the act
    )


def file_path_of(request: Request) -> tuple[str, str]:
    """Return folder ("" = top) and name of the file that a path ends with.

    Segments are decoded once. A folder may come encoded as one segment; `/` alone is the top.

    Raises:
        SwrError: 4002025 or 4002026, a part would lead elsewhere.
    """
    *folders, name = raw_path(request).split(b"/")[_FIRST_OF_FILE:]
    folder = "/".join(_decoded(part, "folder") for part in folders)
    try:
        parts = [] if not folders or folder == "/" else folder.split("/")
        return join_folder(parts), check_filename(_decoded(name, "filename"))
    except InvalidError as error:
        raise SwrError(_BAD_PATH[error.code], str(error)) from None


def _decoded(part: bytes, kind: str) -> str:
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise SwrError(_BAD_PATH[kind], "the path is not UTF-8") from None


def _place(package: Package, version: str, folder: str, filename: str) -> PackagePlace:
    return PackagePlace(
        project=package.project,
        namespace=package.namespace,
        repository=package.repository,
        package=package.name,
        version=version,
        folder=folder,
        filename=filename,
    )


def _package_to_write(call: Call) -> Package:
    """Return the package of the path as it would be made; its names are checked."""
    namespace = call.path["namespace"]
    if names.has_reference(namespace) or not names.is_namespace(namespace):
        raise bad("namespace", f"{namespace!r} is no name of an organisation", BAD_NAMESPACE)
    repository, name = split_package(call.path["package_name"])
    joined = join_package(repository, name)
    if names.has_reference(joined) or names.split_package(joined) is None:
        raise bad("package_name", f"{joined!r} is not <repository>%20<package>", BAD_PACKAGE)
    now = call.services.clock.now()
    return Package(
        project=call.account,
        namespace=namespace,
        repository=repository,
        name=name,
        creator=call.actor.user,
        created_at=now,
        updated_at=now,
    )


def _version_to_write(call: Call) -> str:
    version = call.path["version"]
    if names.has_reference(version) or not names.is_version(version):
        raise bad("version", f"{version!r} is no version", BAD_VERSION)
    return version


def _announced(request: Request) -> int | None:
    length = header(request, "content-length")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None


async def _body_of(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise RequestError(400, "the body ended before its announced length") from None


_FILE_PATH = f"{PACKAGE_PATH}/versions/{{version}}/file_paths/{{file_path*}}"

ROUTES = (
    Route(method="GET", path=_FILE_PATH, handler=download, failure=_BYTES_LOST),
    Route(method="HEAD", path=_FILE_PATH, handler=download, failure=_BYTES_LOST),
    Route(method="PUT", path=_FILE_PATH, handler=upload, failure="SWR.5002024", has_file=True),
)
