"""What triggers need to know of repositories."""

from typing import Protocol

import msgspec

from mulligan.core.ids import ProjectId
from mulligan.core.triggers.spec import RepositoryRef


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A repository and how to log in there over HTTP; `repr` does not show the password."""

    url: str
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        """Name the repository."""
        return f"Source(url={self.url!r})"


class Repositories(Protocol):
    """The repositories that are linked to projects."""

    async def find(self, project: ProjectId, ref: RepositoryRef) -> Source | None:
        """Return the repository that a trigger or checkout names; None = there is none."""
        ...


class Heads(Protocol):
    """Asks repositories for their newest commits."""

    async def heads(self, source: Source, branches: tuple[str, ...]) -> dict[str, str]:
        """Return the newest commit of each branch that exists; () = the default one, as "HEAD".

        Raises:
            OSError: It can't be asked, for the reason in the text.
        """
        ...


class ChecksSources(Protocol):
    """Knows which repositories are fetched from."""

    async def problem(self, url: str) -> str:
        """Tell why a repository would not be fetched from, "" = nothing is known against it."""
        ...
