"""`mulligan lint` and `import --check`: pipeline files and their templates, without a server."""

import json
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from mulligan.__main__ import main

TEMPLATE = "steps: [{run: make}]\n"
FILE = """\
version: v2.0
resources: {repositories: [{repository: group/ci, name: shared}]}
jobs:
  a: {steps: [{template: own.yml}]}
  b: {steps: [{template: sub/other.yml@shared}]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project with a file and a template, and another repository with one."""
    for place, text in (
        ("app/.ci/build.yml", FILE),
        ("app/.ci/templates/own.yml", TEMPLATE),
        ("ci/.ci/templates/sub/other.yml", TEMPLATE),
        ("secret.yml", TEMPLATE),
    ):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


class Result(NamedTuple):
    """What a call of the program did."""

    exit_code: object
    stdout: str
    stderr: str


class Program:
    """Calls the program in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: object) -> Result:
        """Call it with these arguments."""
        self._monkeypatch.setattr(sys, "argv", ["mulligan", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Result(ended.value.code, *self._capsys.readouterr())


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """Give the program."""
    return Program(monkeypatch, capsys)


def test_templates_are_found(call: Program, project: Path) -> None:
    """Own ones below the nearest folder with `.ci`, others where `--repo` says."""
    file = project / "app/.ci/build.yml"

    found = call("lint", file, "--repo", f"shared={project / 'ci'}")
    by_its_own_name = call("lint", file, "--repo", f"group/ci={project / 'ci'}")
    missing = call("import", "--check", file)

    assert (found.exit_code, found.stdout) == (0, f"{file}: ok (1 stages, 2 jobs, 2 steps)\n")
    assert by_its_own_name.exit_code == 0
    assert missing.exit_code == 2
    assert missing.stderr.startswith(
        f"{file}:5:26: there is no template 'sub/other.yml' in .ci/templates of 'shared'"
    )


def test_link_out_of_the_folder_is_not_followed(call: Program, project: Path) -> None:
    """A template is a file below `.ci/templates`, whatever a link there points to."""
    own = project / "app/.ci/templates/own.yml"
    own.unlink()
    own.symlink_to(project / "secret.yml")

    result = call("lint", project / "app/.ci/build.yml", "--repo", f"shared={project / 'ci'}")

    assert result.exit_code == 2
    assert "there is no template 'own.yml'" in result.stderr


def test_error_in_a_template_names_its_file(call: Program, project: Path) -> None:
    """An error stands where it was made; every file is looked at."""
    own = project / "app/.ci/templates/own.yml"
    own.write_text("steps:\n  - rum: make\n", encoding="utf-8")
    plain = project / "plain.yml"
    plain.write_text("version: v3.0\nsteps: [{run: make}]\n", encoding="utf-8")

    result = call(
        *("lint", project / "app/.ci/build.yml", own, plain),
        *("--root", project / "app", "--repo", f"shared={project / 'ci'}"),
    )

    assert result.exit_code == 2
    assert f"{own}:2:5: unknown key 'rum' in a step, at /jobs/a/steps/0/rum" in result.stderr
    assert f"{own}:1:1: is a template (steps), not a pipeline" in result.stderr
    assert result.stdout == f"{plain}: ok (1 stages, 1 jobs, 1 steps)\n"


def test_warnings(call: Program, project: Path) -> None:
    """What can't run here is said; the file is taken."""
    file = project / "w.yml"
    file.write_text(
        "version: v3.0\nruns-on: docker\nsteps:\n  - uses: notify@1.*\n", encoding="utf-8"
    )

    result = call("lint", file)

    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"{file}:2:10: warning: 'runs-on' is ignored: ")
    assert lines[1].startswith(f"{file}:4:5: warning: plugin 'notify' is not installed")


def test_schema_and_usage(call: Program) -> None:
    """`--schema` prints the schema; without it a file must be named."""
    schema = call("lint", "--schema")

    assert json.loads(schema.stdout)["properties"]["version"] == {"const": "v3.0"}
    assert call("lint").exit_code == 2
    assert call("lint", "a.yml", "--repo", "no-folder").exit_code == 2
