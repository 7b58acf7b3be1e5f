"""The software center in SQL: `ports.PackageStore`."""

from typing import Any

from msgspec.structs import replace

from mulligan.core.ids import ProjectId
from mulligan.core.packages import (
    Package,
    PackageFile,
    PackagePlace,
    PackageSummary,
    PackageVersion,
)
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.sql import rows
from mulligan.store.sql.acts import write_acts
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection, Dialect
from mulligan.store.sql.numbers import find_project_number

_PACKAGE = (
    "SELECT number, doc FROM packages "
    "WHERE project = ? AND namespace = ? AND repository = ? AND name = ?"
)
_VERSION = "SELECT number, doc FROM package_versions WHERE package = ? AND version = ?"
_FILE = "SELECT number, doc FROM package_files WHERE version = ? AND folder = ? AND filename = ?"
_INSERT_PACKAGE = (
    "INSERT INTO packages (doc, project, namespace, repository, name) VALUES (?, ?, ?, ?, ?)"
)
_INSERT_VERSION = "INSERT INTO package_versions (doc, package, version) VALUES (?, ?, ?)"
_INSERT_FILE = (
    "INSERT INTO package_files (doc, size, version, folder, filename) VALUES (?, ?, ?, ?, ?)"
)
_UPDATE_FILE = "UPDATE package_files SET doc = ?, size = ? WHERE number = ?"
_PLACE = (
    "SELECT package_files.number, package_files.doc, package_files.version FROM projects "
    "JOIN packages ON packages.project = projects.number "
    "JOIN package_versions ON package_versions.package = packages.number "
    "JOIN package_files ON package_files.version = package_versions.number "
    "WHERE projects.id = ? AND packages.namespace = ? AND packages.repository = ? "
    "AND packages.name = ? AND package_versions.version = ? "
    "AND package_files.folder = ? AND package_files.filename = ?"
)
_COUNTED_PACKAGES = (
    "SELECT number, doc, "
    "(SELECT COUNT(*) FROM package_versions WHERE package = packages.number), "
    "(SELECT COALESCE(SUM(package_files.size), 0) FROM package_versions "
    "JOIN package_files ON package_files.version = package_versions.number "
    "WHERE package_versions.package = packages.number)"
)
_COUNTED_VERSIONS = (
    "SELECT number, doc, "
    "(SELECT COUNT(*) FROM package_files WHERE version = package_versions.number), "
    "(SELECT COALESCE(SUM(size), 0) FROM package_files WHERE version = package_versions.number)"
)
_PAGE = "ORDER BY number LIMIT ? OFFSET ?"


class SqlPackages(SqlBase):
    """Packages, versions and files. Their docs hold number 0, and 0 for what they belong to."""

    async def put_package_file(
        self, place: PackagePlace, file: PackageFile, acts: Acts = NO_ACTS
    ) -> PackageFile:
        """Store a file of a package, which is made when missing, as its version is."""

        def unit(connection: Connection) -> PackageFile:
            package = _put_package(self.dialect, connection, place, file)
            version = _put_version(self.dialect, connection, package, place.version, file)
            stored = _put_file(self.dialect, connection, version, place, file)
            write_acts(self.dialect, connection, acts)
            return stored

        return await self._write(unit)

    async def find_package_file(self, place: PackagePlace) -> PackageFile | None:
        """Return a file by its place."""
        names = (place.namespace, place.repository, place.package, place.version)
        values = (place.project, *names, place.folder, place.filename)
        return await self._find(_PLACE, values, lambda row: _file(row[:2], row[2]))

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
        where = "FROM packages WHERE project = (SELECT number FROM projects WHERE id = ?)"
        values: list[str] = [project]
        for column, wanted in (("namespace", namespace), ("repository", repository)):
            if wanted:
                where += f" AND {column} = ?"
                values.append(wanted)
        if name:
            where += " AND name = ?"
            values.append(name)

        def query(connection: Connection) -> tuple[tuple[PackageSummary, ...], int]:
            sql = f"{_COUNTED_PACKAGES} {where} {_PAGE}"
            found = connection.execute(sql, (*values, limit, offset)).fetchall()
            (total,) = connection.execute(f"SELECT COUNT(*) {where}", values).fetchone()
            items = tuple(
                PackageSummary(package=_package(row[:2]), version=None, count=row[2], size=row[3])
                for row in found
            )
            return items, total

        return await self._read(query)

    async def find_package(
        self, project: ProjectId, namespace: str, repository: str, name: str
    ) -> Package | None:
        """Return a package."""
        sql = _PACKAGE.replace(
            "project = ?", "project = (SELECT number FROM projects WHERE id = ?)"
        )
        return await self._find(sql, (project, namespace, repository, name), _package)

    async def list_package_versions(
        self, package: int, *, limit: int = 1000, offset: int = 0
    ) -> tuple[tuple[PackageSummary, ...], int]:
        """Return the versions of a package by number, and how many there are in all."""
        where = "FROM package_versions WHERE package = ?"

        def query(connection: Connection) -> tuple[tuple[PackageSummary, ...], int]:
            sql = "SELECT number, doc FROM packages WHERE number = ?"
            row = connection.execute(sql, (package,)).fetchone()
            if row is None:
                return (), 0
            owner = _package(row)
            sql = f"{_COUNTED_VERSIONS} {where} {_PAGE}"
            found = connection.execute(sql, (package, limit, offset)).fetchall()
            (total,) = connection.execute(f"SELECT COUNT(*) {where}", (package,)).fetchone()
            items = tuple(_counted_version(owner, row) for row in found)
            return items, total

        return await self._read(query)

    async def find_package_version(self, package: int, version: str) -> PackageVersion | None:
        """Return a version."""
        return await self._find(_VERSION, (package, version), lambda row: _version(row, package))

    async def list_package_files(
        self, version: int, *, limit: int = 1000, offset: int = 0
    ) -> tuple[tuple[PackageFile, ...], int]:
        """Return the files of a version by number, and how many there are in all."""
        where = "FROM package_files WHERE version = ?"

        def query(connection: Connection) -> tuple[list[Any], int]:
            sql = f"SELECT number, doc {where} {_PAGE}"
            found = connection.execute(sql, (version, limit, offset)).fetchall()
            (total,) = connection.execute(f"SELECT COUNT(*) {where}", (version,)).fetchone()
            return found, total

        found, total = await self._read(query)
        return tuple(_file(row, version) for row in found), total


def _put_package(
    dialect: Dialect, connection: Connection, place: PackagePlace, file: PackageFile
) -> int:
    """Note the change on the package, make it if it is missing; return its number."""
    project = find_project_number(connection, place.project)
    values = (project, place.namespace, place.repository, place.package)
    row = connection.execute(_PACKAGE, values).fetchone()
    if row is not None:
        doc = rows.text(replace(rows.package(row[1]), updated_at=file.updated_at))
        connection.execute("UPDATE packages SET doc = ? WHERE number = ?", (doc, row[0]))
        return int(row[0])
    made = Package(
        project=place.project,
        namespace=place.namespace,
        repository=place.repository,
        name=place.package,
        creator=file.creator,
        created_at=file.created_at,
        updated_at=file.updated_at,
    )
    return dialect.insert(connection, _INSERT_PACKAGE, (rows.text(made), *values))


def _put_version(
    dialect: Dialect, connection: Connection, package: int, version: str, file: PackageFile
) -> int:
    """Note the change on the version, make it if it is missing; return its number."""
    row = connection.execute(_VERSION, (package, version)).fetchone()
    if row is not None:
        doc = rows.text(replace(rows.package_version(row[1]), updated_at=file.updated_at))
        connection.execute("UPDATE package_versions SET doc = ? WHERE number = ?", (doc, row[0]))
        return int(row[0])
    made = PackageVersion(
        package=0,
        version=version,
        creator=file.creator,
        created_at=file.created_at,
        updated_at=file.updated_at,
    )
    return dialect.insert(connection, _INSERT_VERSION, (rows.text(made), package, version))


def _put_file(
    dialect: Dialect, connection: Connection, version: int, place: PackagePlace, file: PackageFile
) -> PackageFile:
    file = replace(file, version=0, number=0, folder=place.folder, filename=place.filename)
    row = connection.execute(_FILE, (version, place.folder, place.filename)).fetchone()
    if row is not None:
        file = replace(file, created_at=rows.package_file(row[1]).created_at)
        number = int(row[0])
        connection.execute(_UPDATE_FILE, (rows.text(file), file.size, number))
    else:
        values = (rows.text(file), file.size, version, place.folder, place.filename)
        number = dialect.insert(connection, _INSERT_FILE, values)
    return replace(file, version=version, number=number)


def _package(row: tuple[int, str]) -> Package:
    return replace(rows.package(row[1]), number=row[0])


def _version(row: tuple[int, str], package: int) -> PackageVersion:
    return replace(rows.package_version(row[1]), number=row[0], package=package)


def _counted_version(owner: Package, row: tuple[int, str, int, int]) -> PackageSummary:
    number, doc, count, size = row
    version = _version((number, doc), owner.number)
    return PackageSummary(package=owner, version=version, count=count, size=size)


def _file(row: tuple[int, str], version: int) -> PackageFile:
    return replace(rows.package_file(row[1]), number=row[0], version=version)
