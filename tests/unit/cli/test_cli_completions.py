"""What shells complete: names from a server, quickly or not at all."""

import subprocess
import sys
from typing import Any

import click
import pytest
from click.testing import CliRunner
from fake_api import FakeApi

from mulligan.cli import completions
from mulligan.cli.main import cli
from mulligan.cli.shells import SHELLS, PowerShellComplete

RUN = "b-" + "1" * 32
STEPS = [
    {"id": "e-1", "ref": "test", "name": "run tests", "status": "failed"},
    {"id": "e-2", "ref": "", "name": "pack", "status": "queued"},
]
STATE = {
    "stages": [
        {"jobs": [{"id": "1", "ref": "unit", "name": "Unit", "status": "x", "steps": STEPS}]}
    ]
}


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give servers time: a busy machine is no reason to fail."""
    monkeypatch.setattr(completions, "LIMIT_S", 30.0)


@pytest.fixture
def world(api: FakeApi) -> FakeApi:
    """Give a server with a run."""
    run = {"id": RUN, "number": 7, "pipeline_name": "web", "status": "failed"}
    api.answers["GET", "/api/v1/projects/local/runs"] = (200, {"items": [run]})
    api.answers["GET", f"/api/v1/projects/local/runs/{RUN}"] = (200, STATE)
    found = {"id": "p-1", "name": "web", "description": "the\nshop"}
    api.answers["GET", "/api/v1/projects/local/pipelines"] = (200, {"items": [found]})
    return api


def words(complete: Any, api: FakeApi, typed: str = "", **params: str) -> list[str]:
    """Return the words that a completion gives."""
    context = click.Context(cli)
    context.params = {"url": api.url, **params}
    return [item.value for item in complete(context, click.Argument(["run"]), typed)]


def test_runs(world: FakeApi) -> None:
    """Ids are completed, numbers where the pipeline is named; words need no server."""
    assert words(completions.runs, world) == ["@latest", "@failed", "@mine", RUN]
    assert words(completions.runs, world, "7", pipeline="web") == ["7"]
    assert words(completions.runs, world, "@f") == ["@failed"]


def test_steps_of_the_run_that_is_named(world: FakeApi) -> None:
    """A step is completed by what a person would type: its own id, else its name."""
    assert words(completions.steps, world, run="@latest") == ["test", "pack"]
    assert words(completions.jobs, world, "u", run=RUN) == ["unit"]
    assert words(completions.steps, world) == []


def test_answers_are_kept_for_a_moment(world: FakeApi) -> None:
    """A second key press does not ask again."""
    first = words(completions.pipelines, world)
    asked = len(world.requests)

    assert words(completions.pipelines, world, "w") == first == ["web"]
    assert len(world.requests) == asked


def test_another_caller_gets_none_of_the_kept_answers(world: FakeApi) -> None:
    """What one credential sees is not shown to another."""
    words(completions.pipelines, world, token="one")
    asked = len(world.requests)

    words(completions.pipelines, world, token="two")

    assert len(world.requests) == asked + 1


@pytest.mark.parametrize("answer", [(500, {}), (401, {}), (200, b"<html>"), (200, {"items": [{}]})])
def test_trouble_is_silence(api: FakeApi, answer: tuple[int, Any]) -> None:
    """Whatever a server answers, whoever types sees no error."""
    api.answers["GET", "/api/v1/projects/local/pipelines"] = answer

    assert words(completions.pipelines, api) == []


def test_no_server_is_silence(api: FakeApi, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is started for a completion."""
    monkeypatch.setenv("MULLIGAN_DATA", str(tmp_path / "none"))

    assert words(completions.pipelines, api, url="") == []
    assert words(completions.pipelines, api, url="http://127.0.0.1:1") == []
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts(shell: str) -> None:
    """Each shell gets a script that asks this program."""
    done = CliRunner().invoke(cli, ["completion", shell])

    assert done.exit_code == 0
    assert "_MULLIGAN_COMPLETE" in done.stdout
    assert f"{shell}_complete" in done.stdout


def test_powershell_reads_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The word that is being typed is not one of those before it."""
    monkeypatch.setenv("COMP_WORDS", "mulligan retry @la")
    monkeypatch.setenv("COMP_CWORD", "@la")

    maker = PowerShellComplete(cli, {}, "mulligan", "_MULLIGAN_COMPLETE")

    assert maker.get_completion_args() == (["retry"], "@la")


def test_program_answers_a_shell(world: FakeApi) -> None:
    """The installed program completes commands without importing them, and runs from a server."""
    code = (
        "import os, sys\n"
        f"os.environ.update(_MULLIGAN_COMPLETE='bash_complete', MULLIGAN_URL={world.url!r})\n"
        "from mulligan.__main__ import main\n"
        "from mulligan.cli import completions\n"
        "completions.LIMIT_S = 30\n"
        "os.environ.update(COMP_WORDS='mulligan re', COMP_CWORD='1')\n"
        "main()\n"
        "print('mulligan.cli.recover' in sys.modules)\n"
        "os.environ.update(COMP_WORDS='mulligan retry @', COMP_CWORD='2')\n"
        "main()\n"
        "os.environ.update(COMP_WORDS='mulligan retry @failed --step ', COMP_CWORD='4')\n"
        "main()\n"
        "os.environ.update(COMP_WORDS='mulligan retry \"', COMP_CWORD='9')\n"
        "main()\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    lines = done.stdout.splitlines()
    assert lines[: lines.index("False")] == [
        "plain,retry",
        "plain,resume",
        "plain,rebuild",
        "plain,reject",
    ]
    rest = [line for line in lines[lines.index("False") + 1 :] if line]
    assert rest == ["plain,@latest", "plain,@failed", "plain,@mine", "plain,test", "plain,pack"]
    assert done.stderr == ""
