"""The software center: packages, their versions and files. Bytes lie in the artifact store."""

from datetime import datetime

import msgspec

from mulligan.core.ids import ProjectId, UserName


class Package(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A package of a repository in an organisation (`namespace`) of an account (`project`)."""

    project: ProjectId
    namespace: str
    repository: str
    name: str
    creator: UserName
    created_at: datetime
    updated_at: datetime
    description: str = ""
    visibility: str = "private"  # private | public
    number: int = 0


class PackageVersion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version of a package."""

    package: int  # number of the package
    version: str
    creator: UserName
    created_at: datetime
    updated_at: datetime
    description: str = ""
    number: int = 0


class PackageFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of a version. `digest`: SHA-256, its place in the store; `sha512`: for users."""

    version: int  # number of the version
    folder: str  # "" for the top, else "a/b"
    filename: str
    size: int
    digest: str
    sha512: str
    creator: UserName
    created_at: datetime
    updated_at: datetime
    number: int = 0


class PackagePlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a file of a package is: all names that lead to it."""

    project: ProjectId
    namespace: str
    repository: str
    package: str
    version: str
    folder: str
    filename: str


class PackageSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A package, or one version of it, with its counts. `size` in bytes."""

    package: Package
    version: PackageVersion | None
    count: int  # versions of the package, or files of the version
    size: int
