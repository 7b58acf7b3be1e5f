"""The software center in the memory store."""

from msgspec.structs import replace

from mulligan.core.errors import NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.packages import (
    Package,
    PackageFile,
    PackagePlace,
    PackageSummary,
    PackageVersion,
)
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.memory_acts import MemoryActs


class MemoryPackages(MemoryActs):
    """Implements `ports.PackageStore`. Rows by number; nothing is ever deleted."""

    def __init__(self) -> None:
        super().__init__()
        self._packages: dict[int, Package] = {}
        self._package_versions: dict[int, PackageVersion] = {}
        self._package_files: dict[int, PackageFile] = {}

    async def put_package_file(
        self, place: PackagePlace, file: PackageFile, acts: Acts = NO_ACTS
    ) -> PackageFile:
        """Store a file of a package, which is made when missing, as its version is."""
        if place.project not in self._projects:
            raise NotFoundError("project", place.project)
        self._take_acts(acts)
        version = self._put_version(self._put_package(place, file), place.version, file)
        before = self._file(version, place.folder, place.filename)
        stored = replace(
            file,
            version=version,
            folder=place.folder,
            filename=place.filename,
            number=len(self._package_files) + 1 if before is None else before.number,
            created_at=file.created_at if before is None else before.created_at,
        )
        self._package_files[stored.number] = stored
        return stored

    def _put_package(self, place: PackagePlace, file: PackageFile) -> int:
        names = (place.project, place.namespace, place.repository, place.package)
        package = self._package(*names)
        if package is None:
            package = Package(
                project=place.project,
                namespace=place.namespace,
                repository=place.repository,
                name=place.package,
                creator=file.creator,
                created_at=file.created_at,
                updated_at=file.updated_at,
                number=len(self._packages) + 1,
            )
        self._packages[package.number] = replace(package, updated_at=file.updated_at)
        return package.number

    def _put_version(self, package: int, name: str, file: PackageFile) -> int:
        version = self._version(package, name)
        if version is None:
            version = PackageVersion(
                package=package,
                version=name,
                creator=file.creator,
                created_at=file.created_at,
                updated_at=file.updated_at,
                number=len(self._package_versions) + 1,
            )
        self._package_versions[version.number] = replace(version, updated_at=file.updated_at)
        return version.number

    def _package(
        self, project: ProjectId, namespace: str, repository: str, name: str
    ) -> Package | None:
        wanted = (project, namespace, repository, name)
        for found in self._packages.values():
            if (found.project, found.namespace, found.repository, found.name) == wanted:
                return found
        return None

    def _version(self, package: int, name: str) -> PackageVersion | None:
        for found in self._package_versions.values():
            if (found.package, found.version) == (package, name):
                return found
        return None

    def _file(self, version: int, folder: str, filename: str) -> PackageFile | None:
        for found in self._package_files.values():
            if (found.version, found.folder, found.filename) == (version, folder, filename):
                return found
        return None

    async def find_package_file(self, place: PackagePlace) -> PackageFile | None:
        """Return a file by its place."""
        package = self._package(place.project, place.namespace, place.repository, place.package)
        version = None if package is None else self._version(package.number, place.version)
        if version is None:
            return None
        return self._file(version.number, place.folder, place.filename)

    async def list_packages(
        self,
        project: ProjectId,
        *,
        namespace: str = "",
        repository: str = "",
        name: str = "",
        limit: int = 1000,
        offset: int = 0,
    ) -> tuple[tuple[PackageSummary, ...], int]:
        """Return packages by number, "" = any, and how many there are in all."""
        found = [
            self._summary(package)
            for package in self._packages.values()
            if package.project == project
            and namespace in {"", package.namespace}
            and repository in {"", package.repository}
            and name in {"", package.name}
        ]
        return tuple(found[offset : offset + limit]), len(found)

    def _summary(self, package: Package) -> PackageSummary:
        versions = {
            version.number
            for version in self._package_versions.values()
            if version.package == package.number
        }
        sizes = [file.size for file in self._package_files.values() if file.version in versions]
        return PackageSummary(package=package, version=None, count=len(versions), size=sum(sizes))

    async def find_package(
        self, project: ProjectId, namespace: str, repository: str, name: str
    ) -> Package | None:
        """Return a package."""
        return self._package(project, namespace, repository, name)

    async def list_package_versions(
        self, package: int, *, limit: int = 1000, offset: int = 0
    ) -> tuple[tuple[PackageSummary, ...], int]:
        """Return the versions of a package by number, and how many there are in all."""
        found = [
            self._version_summary(version)
            for version in self._package_versions.values()
            if version.package == package
        ]
        return tuple(found[offset : offset + limit]), len(found)

    def _version_summary(self, version: PackageVersion) -> PackageSummary:
        files = self._package_files.values()
        sizes = [file.size for file in files if file.version == version.number]
        package = self._packages[version.package]
        return PackageSummary(package=package, version=version, count=len(sizes), size=sum(sizes))

    async def find_package_version(self, package: int, version: str) -> PackageVersion | None:
        """Return a version."""
        return self._version(package, version)

    async def list_package_files(
        self, version: int, *, limit: int = 1000, offset: int = 0
    ) -> tuple[tuple[PackageFile, ...], int]:
        """Return the files of a version by number, and how many there are in all."""
        found = [file for file in self._package_files.values() if file.version == version]
        return tuple(found[offset : offset + limit]), len(found)
