"""`mulligan init`: a first pipeline file for the repository that it stands in."""

from pathlib import Path
from typing import NamedTuple

import click

from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_CONFLICT, FailureError
from mulligan.cli.output import note

_FILE = Path(".ci") / "pipeline.yml"


class Kind(NamedTuple):
    """What is built with what: the files that tell, and commands by stage."""

    name: str
    files: tuple[str, ...]
    build: tuple[str, ...]
    test: tuple[str, ...]


# The first that fits is taken.
KINDS = (
    Kind("Go", ("go.mod",), ("go build ./...",), ("go test ./...",)),
    Kind("Rust", ("Cargo.toml",), ("cargo build",), ("cargo test",)),
    Kind("Maven", ("pom.xml",), ("mvn -B -DskipTests package",), ("mvn -B test",)),
    Kind(
        "Gradle",
        ("gradlew",),
        ("./gradlew assemble",),
        ("./gradlew test",),
    ),
    Kind("Node", ("package.json",), ("npm ci",), ("npm test",)),
    Kind(
        "Python",
        ("pyproject.toml", "setup.py", "requirements.txt"),
        ("python3 -m venv .venv", ".venv/bin/pip install --quiet -e . pytest"),
        (".venv/bin/python -m pytest -q",),
    ),
    Kind("Make", ("Makefile",), ("make",), ("make test",)),
)
_OTHER = Kind("an unknown language", (), ('echo "put the build here"',), ('echo "tests here"',))


@click.command(
    help="Write a first pipeline file for the repository that one stands in, made for what is in "
    "it. Nothing is stored on a server.\n\n"
    + EXAMPLE
    + "mulligan init && mulligan run .ci/pipeline.yml"
)
@click.option("--force", is_flag=True, help="Also over a file that is there.")
@click.option("--dry-run", is_flag=True, help="Print the file instead.")
def init(force: bool, dry_run: bool) -> None:  # noqa: FBT001 - click gives flags by name
    """Write a file."""
    root = repository_root(Path.cwd())
    kind = kind_of(root)
    text = first_file(root, kind)
    if dry_run:
        click.echo(text, nl=False)
        return
    path = root / _FILE
    if path.exists() and not force:
        raise FailureError(f"{path} is there already; --force writes over it", EXIT_CONFLICT)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    click.echo(str(path))
    note(f"for {kind.name}. Look at it, then: mulligan run {_FILE}")


def repository_root(folder: Path) -> Path:
    """Return the folder of the git repository that a folder is in, else the folder itself."""
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


def kind_of(root: Path) -> Kind:
    """Tell what a repository holds."""
    fitting = (kind for kind in KINDS if any((root / name).is_file() for name in kind.files))
    return next(fitting, _OTHER)


def first_file(root: Path, kind: Kind) -> str:
    """Return the text of a pipeline file of v3.0 for a repository that lies here.

    The steps work in the folder itself: so it runs before the repository is anywhere else.
    """
    import json

    where = json.dumps(str(root), ensure_ascii=False)
    return f"""\
version: v3.0
name: {json.dumps(root.name or "first", ensure_ascii=False)}
variables:
  # where the sources are; put a step `- checkout: URL` in its place when a server runs this
  folder: {where}
stages:
  - name: build
    jobs:
      build:
        steps:
          - name: build
            run: |
{_lines(kind.build)}
  - name: test
    jobs:
      test:
        steps:
          - name: test
            run: |
{_lines(kind.test)}
"""


def _lines(commands: tuple[str, ...]) -> str:
    all_lines = ('cd "${{ variables.folder }}"', *commands)
    return "\n".join(f"              {line}" for line in all_lines)
