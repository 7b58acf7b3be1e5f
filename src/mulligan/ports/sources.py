"""What triggers need to know of repositories."""

from typing import Protocol

from mulligan.core.ids import ProjectId
from mulligan.core.triggers.spec import RepositoryRef


class Repositories(Protocol):
    """The repositories that are linked to projects."""

    async def url_of(self, project: ProjectId, ref: RepositoryRef) -> str | None:
        """Return the address of a repository; None = the project has none of that id or name."""
        ...


class Heads(Protocol):
    """Asks repositories for their newest commits."""

    async def heads(
        self, project: ProjectId, url: str, branches: tuple[str, ...]
    ) -> dict[str, str]:
        """Return the newest commit of each branch that exists; () = the default one, as "HEAD".

        Raises:
            OSError: It can't be asked, for the reason in the text.
        """
        ...
