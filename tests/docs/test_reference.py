"""The reference names everything that there is: every route, every command."""

import re
from pathlib import Path

import pytest

from mulligan.cli.main import SECTIONS
from mulligan.facades.native.app import ENDPOINTS
from mulligan.pipeline_yaml.reference import PAGES, filled

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
# What the pages write shorter.
SHORT = {
    "/projects/{project}/runs/{run}": "RUN",
    "/projects/{project}/environments/{environment}": "ENV",
    "/projects/{project}/packages/{namespace}/{repository}/{name}": "PACKAGE",
}
_ROW = re.compile(r"\| ([A-Z]+(?:(?:, |、)[A-Z]+)*) \| `([^`]+)` ?\|")


def shortened(path: str) -> str:
    """Return a path as the pages write it."""
    for long, short in SHORT.items():
        if path == long or path.startswith(long + "/"):
            return short + path.removeprefix(long)
    return path


@pytest.mark.parametrize("name", ["api.md", "api.zh-CN.md"])
def test_every_route_is_named(name: str) -> None:
    """The tables of routes are the table of endpoints: none is missing, none is made up."""
    text = (REFERENCE / name).read_text(encoding="utf-8")

    named = {
        (method, path)
        for methods, path in _ROW.findall(text)
        for method in re.split(", |、", methods)
    }

    there = {(each.method, shortened(each.path)) for each in ENDPOINTS}
    assert named == there - {("GET", "/openapi.json")}


@pytest.mark.parametrize(("name", "language"), PAGES.items())
def test_every_key_of_pipeline_files_is_told(name: str, language: str) -> None:
    """The tables of keys are those that files are read by.

    After a change: `python -m mulligan.pipeline_yaml.reference docs/reference`.
    """
    page = (REFERENCE / name).read_text(encoding="utf-8")

    assert page == filled(page, language)


@pytest.mark.parametrize("name", ["cli.md", "cli.zh-CN.md"])
def test_every_command_is_named(name: str) -> None:
    """The table of commands has a row for each command."""
    text = (REFERENCE / name).read_text(encoding="utf-8")

    rows = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    for _, commands in SECTIONS:
        for command in commands:
            assert re.search(rf"`{command}[ `]", rows), command
