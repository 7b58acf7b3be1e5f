"""Script files, run with the interpreters of this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mulligan.executors.host.set_env import read_set_env
from mulligan.executors.scripts import (
    InterpreterMissingError,
    InvalidScriptError,
    ScriptKind,
    prepare_script,
)

PATH = "/usr/local/bin:/usr/bin:/bin"
SHELLS: list[ScriptKind] = ["BASH", "SH"]

pytestmark = pytest.mark.skipif(not shutil.which("bash", path=PATH), reason="needs bash")


class Runner:
    """Runs scripts in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = -1
        self.output = ""

    def run(self, kind: ScriptKind, text: str, *, continue_on_error: bool = False) -> None:
        """Run a script; keep its exit code and its output, with FILE for its path."""
        argv = prepare_script(
            kind,
            text,
            temp_dir=str(self.folder),
            path=PATH,
            continue_on_error=continue_on_error,
        )
        done = subprocess.run(
            argv,
            env={"PATH": PATH, "MULLIGAN_SET_ENV": str(self.folder / "set-env")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.code = done.returncode
        self.output = done.stdout.decode().replace(argv[-1], "FILE")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Give a runner with an empty folder."""
    return Runner(tmp_path)


@pytest.mark.parametrize("kind", SHELLS)
def test_shell_stops_at_the_first_failure(runner: Runner, kind: ScriptKind) -> None:
    """A command that fails ends the script with its exit code."""
    runner.run(kind, "echo a\n(exit 4)\necho b\n")

    assert (runner.code, runner.output) == (4, "a\n")


@pytest.mark.parametrize("kind", SHELLS)
def test_shell_goes_on_when_told_to(runner: Runner, kind: ScriptKind) -> None:
    """With `continue_on_error` the last command decides."""
    runner.run(kind, "echo a\nfalse\necho b\n", continue_on_error=True)

    assert (runner.code, runner.output) == (0, "a\nb\n")


@pytest.mark.parametrize("kind", SHELLS)
def test_line_numbers_are_those_of_the_user(runner: Runner, kind: ScriptKind) -> None:
    """A message names the line in the user's text."""
    runner.run(kind, "echo a\n\n\nno-such-command\n")

    assert runner.code == 127
    assert "FILE: line 4:" in runner.output or "FILE: 4:" in runner.output


@pytest.mark.parametrize("kind", SHELLS)
@pytest.mark.parametrize(
    ("text", "code"),
    [("exit 5", 5), ("return 6", 6), ("", 0), ("if\nfi", 2), ("trap 'exit 7' EXIT\nexit 1", 7)],
)
def test_exit_codes(runner: Runner, kind: ScriptKind, text: str, code: int) -> None:
    """The script's own end is the end of the process."""
    runner.run(kind, text)

    assert runner.code == code


@pytest.mark.parametrize("kind", SHELLS)
def test_set_env_exports_and_records(runner: Runner, kind: ScriptKind) -> None:
    """A variable is there at once, also for children, and in the file, with any value."""
    text = "setEnv A 'x\n \"y=\\n'\nsh -c 'printf %s \"$A\"'\nsetEnv EMPTY\nsetGateValue g 1\n"
    runner.run(kind, text)

    variables, commands = read_set_env(str(runner.folder / "set-env"))
    assert (runner.code, runner.output) == (0, 'x\n "y=\\n')
    assert variables == {"A": 'x\n "y=\\n', "EMPTY": ""}
    assert [(command["args"], command["value"]) for command in commands] == [({"name": "g"}, "1")]


@pytest.mark.parametrize("kind", SHELLS)
@pytest.mark.parametrize("name", ["1A", "", "A-B", "A B", "A=B", "ä"])
def test_set_env_refuses_bad_names(runner: Runner, kind: ScriptKind, name: str) -> None:
    """A name that no shell could use is an error and sets nothing."""
    runner.run(kind, f"setEnv '{name}' x\necho not here\n")

    assert runner.code == 1
    assert "is not a name" in runner.output
    assert "not here" not in runner.output
    assert not (runner.folder / "set-env").exists()


@pytest.mark.parametrize("kind", SHELLS)
def test_format_multiple_lines(runner: Runner, kind: ScriptKind) -> None:
    """Percent signs and ends of lines are escaped, into one line."""
    runner.run(
        kind, "format_multiple_lines '100%\nb\n'\nformat_multiple_lines \"$(printf 'c\\rd')\"\n"
    )

    assert runner.output == "100%25%0Ab%0A\nc%0Dd\n"


def test_shell_is_bash_where_there_is_one(runner: Runner) -> None:
    """The kind SHELL may use what only bash has."""
    runner.run("SHELL", 'a=(1 2 3); echo "${#a[@]}"\n')

    assert runner.output == "3\n"


def test_shell_is_sh_without_bash(tmp_path: Path) -> None:
    """Without bash the kind SHELL takes sh."""
    (tmp_path / "sh").symlink_to("/bin/sh")

    argv = prepare_script("SHELL", "true", temp_dir=str(tmp_path), path=str(tmp_path))

    assert argv[0] == str(tmp_path / "sh")


@pytest.mark.parametrize(
    ("first_line", "output"),
    [
        ("#!/bin/bash -u", "bash\n"),
        ("#!/usr/bin/env bash", "bash\n"),
        ("#! /bin/bash -", "bash\n"),
        ("#!/bin/bash\r", "bash\n"),
    ],
)
def test_first_line_chooses_the_shell(runner: Runner, first_line: str, output: str) -> None:
    """A `#!` line wins over the kind, and the functions are still there."""
    runner.run("SH", f"{first_line}\nsetEnv A 1\necho ${{BASH_VERSION:+bash}}\n")

    assert (runner.code, runner.output) == (0, output)


def test_first_line_chooses_another_interpreter(runner: Runner) -> None:
    """Something that is no shell gets the file."""
    runner.run("SHELL", "#!/usr/bin/env python3\nimport sys\nprint(len(sys.argv))\n")

    assert runner.output == "1\n"


def test_windows_line_ends_and_mark(runner: Runner) -> None:
    """A script that was written on Windows runs."""
    runner.run("BASH", "\ufeffif true; then\r\n  echo yes\r\nfi\r\n")

    assert (runner.code, runner.output) == (0, "yes\n")


def test_script_of_several_megabytes(runner: Runner) -> None:
    """A script may be longer than an argument may be."""
    runner.run(
        "BASH", "# a comment that fills a line up to eighty characters, or nearly\n" * 50_000
    )

    assert runner.code == 0


def test_nul_character_is_refused(tmp_path: Path) -> None:
    """A NUL would silently change the script; the error names its line."""
    with pytest.raises(InvalidScriptError, match="line 2"):
        prepare_script("BASH", "echo a\necho \0b", temp_dir=str(tmp_path), path=PATH)


def test_python_scripts(runner: Runner) -> None:
    """Python keeps the order of both streams and the user's line numbers."""
    runner.run("PYTHON3", "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')\n1/0\n")

    assert runner.code == 1
    assert runner.output.startswith("a\nb\nc\n")
    assert "line 5" in runner.output


@pytest.mark.parametrize(
    ("kind", "text", "name"),
    [
        ("PYTHON2", "", "python2"),
        ("POWER_SHELL", "", "pwsh"),
        ("BAT", "", "cmd"),
        ("BASH", "", "bash"),
        ("BASH", "#!/no/such/shell\n", "/no/such/shell"),
    ],
)
def test_missing_interpreter(tmp_path: Path, kind: ScriptKind, text: str, name: str) -> None:
    """The error names what was looked for, and where."""
    with pytest.raises(InterpreterMissingError, match=str(tmp_path)) as caught:
        prepare_script(kind, text, temp_dir=str(tmp_path), path=str(tmp_path))

    assert name in caught.value.names


def test_other_kinds_get_their_options(tmp_path: Path) -> None:
    """PowerShell and cmd run the file without profile or prompt."""
    for name in ("pwsh", "cmd"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o700)

    power_shell = prepare_script("POWER_SHELL", "x", temp_dir=str(tmp_path), path=str(tmp_path))
    bat = prepare_script("BAT", "a\r\nb", temp_dir=str(tmp_path), path=str(tmp_path))

    assert power_shell[1:] == (
        "-NoLogo",
        "-NoProfile",
        "-NonInteractive",
        "-File",
        str(tmp_path / "script.ps1"),
    )
    assert bat[1:] == ("/d", "/c", str(tmp_path / "script.bat"))
    assert (tmp_path / "script.bat").read_bytes() == b"a\r\nb"
