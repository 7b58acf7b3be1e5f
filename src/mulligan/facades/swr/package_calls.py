"""The software center: packages, versions, lists of files (spec §2.15 to §2.17)."""

from urllib.parse import quote

import msgspec
from starlette.responses import Response

from mulligan.core.packages import Package, PackageFile, PackageSummary
from mulligan.engine.package_names import join_package, split_package
from mulligan.facades.swr.calls import Call, Route
from mulligan.facades.swr.errors import OTHER_ACCOUNT, SwrError
from mulligan.facades.swr.fields import Json
from mulligan.facades.swr.negotiate import answer
from mulligan.facades.swr.query import read_page
from mulligan.facades.swr.rights import Right
from mulligan.facades.swr.times import time_text

NO_PACKAGE = "SWR.4040004"
NO_VERSION = "SWR.4042019"
PACKAGE_PATH = "/v2/manage/namespaces/{namespace}/packages/{package_name}"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A package that the caller may see, and what they may do with it."""

    package: Package
    right: Right


async def list_packages(call: Call) -> Response:
    """List the packages of the account."""
    right = await call.demand(Right.SEE)
    page = read_page(call.query)
    wanted = call.query.get("package_name", "")
    repository, name = split_package(wanted) if wanted else ("", "")
    items: tuple[PackageSummary, ...] = ()
    total = 0
    # a name that is not `<repository>%20<name>` is no package's
    if not wanted or (repository and name):
        items, total = await call.services.store.list_packages(
            call.account,
            namespace=call.query.get("namespace", ""),
            repository=repository,
            name=name,
            limit=page.limit,
            offset=page.offset,
        )
    shown = [_package(summary, right) for summary in items]
    return answer(shown, headers=page.headers(len(shown), total))


async def list_versions(call: Call) -> Response:
    """List the versions of a package."""
    found = await find_package(call, call.path["namespace"], call.path["package_name"])
    page = read_page(call.query)
    items, total = await call.services.store.list_package_versions(
        found.package.number, limit=page.limit, offset=page.offset
    )
    shown = [_version(summary) for summary in items]
    return answer(shown, headers=page.headers(len(shown), total))


async def list_files(call: Call) -> Response:
    """List the files of a version."""
    package_name, version = call.path["package_name"], call.path["version"]
    found = await find_package(call, call.path["namespace"], package_name)
    store = call.services.store
    known = await store.find_package_version(found.package.number, version)
    if known is None:
        raise SwrError(NO_VERSION, f"package {package_name!r} has no version {version!r}")
    page = read_page(call.query)
    items, total = await store.list_package_files(
        known.number, limit=page.limit, offset=page.offset
    )
    shown = [render_file(found.package, version, file) for file in items]
    return answer(shown, headers=page.headers(len(shown), total))


async def find_package(
    call: Call, namespace: str, package_name: str, *, unknown: str = NO_PACKAGE
) -> Found:
    """Return a package of the account, or a public one of another account.

    Args:
        unknown: The code when there is none.

    Raises:
        SwrError: There is none; 4011064, it is another account's; 403, the caller has no right.
    """
    right = await call.demand(Right.SEE)
    repository, name = split_package(package_name)
    services = call.services
    own = await services.store.find_package(call.account, namespace, repository, name)
    if own is not None:
        return Found(package=own, right=right)
    other = await services.software.find_elsewhere(call.account, namespace, repository, name)
    if other is None:
        raise SwrError(unknown, f"there is no package {package_name!r} in {namespace!r}")
    if other.visibility != "public":
        raise SwrError(OTHER_ACCOUNT, f"package {package_name!r} is not of this account")
    return Found(package=other, right=Right.READ)


def _common(package: Package) -> Json:
    return {
        "domain": package.project,
        "namespace": package.namespace,
        "package": join_package(package.repository, package.name),
    }


def _package(summary: PackageSummary, right: Right) -> Json:
    package = summary.package
    return {
        "id": package.number,
        **_common(package),
        "description": package.description,
        "visibility": package.visibility,
        "self_auth": max(right, Right.READ).value,  # seeing is less than the dialect knows
        "num_versions": summary.count,
        "size": summary.size,
        "creator": package.creator,
        "created": time_text(package.created_at),
        "updated": time_text(package.updated_at),
    }


def _version(summary: PackageSummary) -> Json:
    version = summary.version
    assert version is not None  # noqa: S101 - the store gives summaries of versions here
    return {
        "id": version.number,
        **_common(summary.package),
        "version": version.version,
        "visibility": summary.package.visibility,
        "description": version.description,
        "num_files": summary.count,
        "size": summary.size,
        "creator": version.creator,
        "CreatedAt": time_text(version.created_at),
        "UpdatedAt": time_text(version.updated_at),
    }


def render_file(package: Package, version: str, file: PackageFile) -> Json:
    """Return a file as lists show it."""
    common = _common(package)
    # the name of a package holds `%20` as it is, so it is not quoted as a whole
    shown = join_package(quote(package.repository, safe=""), quote(package.name, safe=""))
    path = "/".join(part for part in (file.folder, file.filename) if part)
    return {
        "id": file.number,
        **common,
        "version": version,
        "visibility": package.visibility,
        "folder": file.folder or "/",
        "filename": file.filename,
        "digest": file.sha512,
        "size": file.size,
        "url": f"/v2/manage/namespaces/{quote(package.namespace, safe='')}/packages/{shown}"
        f"/versions/{quote(version, safe='')}/file_paths/{quote(path)}",
        "creator": file.creator,
        "created": time_text(file.created_at),
        "updated": time_text(file.updated_at),
    }


ROUTES = (
    Route(method="GET", path="/v2/manage/packages", handler=list_packages, failure="SWR.5002006"),
    Route(
        method="GET",
        path=f"{PACKAGE_PATH}/versions",
        handler=list_versions,
        failure="SWR.5002017",
    ),
    Route(
        method="GET",
        path=f"{PACKAGE_PATH}/versions/{{version}}/file_paths",
        handler=list_files,
        failure="SWR.5002027",
    ),
)
