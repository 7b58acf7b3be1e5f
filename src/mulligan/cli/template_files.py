"""Where templates of pipeline files are: below the project's folder, and in other repositories."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_DIRECTORY = click.Path(path_type=Path, exists=True, file_okay=False)
_FOLDER = Path(".ci", "templates")
_LARGEST = 4 * 1024 * 1024


class TemplateFiles:
    """Reads templates from folders. Implements `Source` of `mulligan.pipeline_yaml.templates`.

    Args:
        root: The repository of the pipeline files; None = the nearest parent of a file that has
            a folder `.ci`, else the folder of the file.
        repositories: Folders of other repositories by name.
    """

    def __init__(self, root: Path | None, repositories: Iterable[tuple[str, Path]] = ()) -> None:
        self._root = root
        self._repositories = dict(repositories)

    def beside(self, file: Path) -> TemplateFiles:
        """Return the same for a certain file."""
        if self._root is not None:
            return self
        folder = file.resolve().parent
        root = next((each for each in (folder, *folder.parents) if (each / ".ci").is_dir()), folder)
        return TemplateFiles(root, self._repositories.items())

    def read(self, repository: str, path: str) -> tuple[str, str] | None:
        """Return the text of a template and its name; None if there is none in the folder."""
        root = self._repositories.get(repository) if repository else self._root
        if root is None:
            return None
        folder = (root / _FOLDER).resolve()
        # a link that leads out of the folder is not followed
        file = (folder / path).resolve()
        if not file.is_relative_to(folder) or not file.is_file():
            return None
        with file.open("rb") as content:
            data = content.read(_LARGEST + 1)
        shown = str(root / _FOLDER / path)
        if len(data) > _LARGEST:
            raise click.UsageError(f"{shown} is larger than {_LARGEST} bytes")
        return data.decode("utf-8-sig", "replace"), shown


def finds_templates(act: F) -> F:
    """Add `--root` and `--repo`; the command gets them as `templates`."""

    @click.option(
        "--root",
        type=_DIRECTORY,
        help="Repository of the files, whose .ci/templates has the templates.  "
        "[default: the nearest parent with .ci]",
    )
    @click.option(
        "--repo",
        "repositories",
        multiple=True,
        metavar="NAME=DIR",
        help="Where a repository is that files name in resources.",
    )
    @functools.wraps(act)
    def command(*args: Any, root: Path | None, repositories: tuple[str, ...], **kwargs: Any) -> Any:
        found = [_repository(text) for text in repositories]
        return act(*args, templates=TemplateFiles(root, found), **kwargs)

    return command  # type: ignore[return-value]  # click calls it by keyword, whatever F takes


def _repository(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not (name and equals and Path(folder).is_dir()):
        raise click.BadParameter(f"{text!r} is not NAME=DIR of a folder", param_hint="--repo")
    return name, Path(folder)
