"""What the command line promises outside: a quick start, exit codes, data apart from messages."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from mulligan.cli.main import ALIASES, SECTIONS, cli

SLOW_TO_IMPORT = ("starlette", "uvicorn", "asyncio", "msgspec", "ssl", "rich", "yaml")
SERVER = ("core", "engine", "facades", "store", "executors", "bootstrap", "config", "web", "notify")
RUN = "b-" + "1" * 32


class FakeServer(ThreadingHTTPServer):
    """Answers every request with what the test has set, and keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.answer: Any = {"items": [], "next_cursor": None}
        self.authorizations: list[str | None] = []
        self.languages: list[str | None] = []

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One connection of the fake server."""

    def do_GET(self) -> None:
        """Answer."""
        server = self.server
        assert isinstance(server, FakeServer)
        server.authorizations.append(self.headers["Authorization"])
        server.languages.append(self.headers["Accept-Language"])
        body = json.dumps(server.answer).encode()
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """Give a fake server that listens."""
    with FakeServer() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def invoke(*words: str, **environment: str) -> Result:
    """Run a command in this process, without the environment's own settings."""
    clean = {"MULLIGAN_URL": None, "MULLIGAN_TOKEN": None, "MULLIGAN_PROJECT": None}
    return CliRunner().invoke(cli, words, env={**clean, **environment})


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["version"], ["help", "exit-codes"], ["completion", "fish"]],
)
def test_start_imports_no_server(words: list[str]) -> None:
    """Help and version import none of the modules that take long."""
    code = (
        "import sys\n"
        "from mulligan.cli.main import cli\n"
        f"cli.main({words!r}, prog_name='mulligan', standalone_mode=False)\n"
        f"slow = {(*SLOW_TO_IMPORT, *(f'mulligan.{name}' for name in SERVER))!r}\n"
        "found = sorted(set(sys.modules) & set(slow))\n"
        "print(found, file=sys.stderr)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"
    assert done.stdout


def test_help_names_every_command() -> None:
    """The table of commands is complete without importing one."""
    text = invoke("--help").output

    for name in ("run", "retry", "skip", "stop", "approve", "runs", "show", "logs", "watch"):
        assert f"\n  {name} " in text
    for name in ("rollback", "env", "deployments", "package"):
        assert f"\n  {name} " in text
    for name in ("pipelines", "import", "export", "user", "token", "serve", "demo", "admin"):
        assert f"\n  {name} " in text


@pytest.mark.parametrize("name", [name for _, part in SECTIONS for name in part])
def test_help_has_an_example(name: str) -> None:
    """The help of each command and of those below it shows how it is called."""
    for words in _with_those_below(name):
        result = invoke(*words, "--help")

        assert result.exit_code == 0
        assert "Example:\n" in result.output, words
        assert f"    mulligan {name}" in result.output, words


def _with_those_below(name: str) -> Iterator[tuple[str, ...]]:
    yield (name,)
    command = cli.get_command(click.Context(cli), name)
    if isinstance(command, click.Group):
        yield from ((name, below) for below in command.commands)


def test_aliases_are_commands() -> None:
    """Words of other programs lead to the same commands, without standing in the help."""
    for alias, name in ALIASES.items():
        context = click.Context(cli)
        assert cli.get_command(context, alias) is cli.get_command(context, name) is not None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("help", "exit-codes"), "8 "),
        (("help", "environment"), "MULLIGAN_TOKEN"),
        (("help", "formatting"), "--jq EXPR"),
        (("help", "retry"), "mulligan retry @failed"),
        (("help", "token", "create"), "--role"),
        (("help",), "Run and repair:"),
    ],
)
def test_help_about(words: tuple[str, ...], says: str) -> None:
    """There is help about each command and topic."""
    result = invoke(*words)

    assert result.exit_code == 0
    assert says in result.output


def test_help_about_nothing() -> None:
    """A word that is none is wrong usage."""
    assert invoke("help", "token", "nothing").exit_code == 2


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [(401, 4), (403, 4), (404, 2), (409, 5), (412, 5), (422, 2), (503, 7), (500, 1)],
)
def test_exit_code_of_a_refusal(server: FakeServer, status: int, exit_code: int) -> None:
    """The exit code tells what kind of refusal it was; the reason is on stderr alone."""
    server.status = status
    server.answer = {"detail": "the reason", "code": "x", "status": status}

    result = invoke("show", RUN, "--url", server.url)

    assert result.exit_code == exit_code
    assert "the reason" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_port_that_there_is_not(port: str) -> None:
    """`serve` refuses a port outside 0 to 65535 as wrong usage."""
    result = invoke("serve", "--port", port)

    assert result.exit_code == 2
    assert "--port" in result.stderr
    assert "Traceback" not in result.output


def test_unreachable_server() -> None:
    """Without an answer the exit code is 7."""
    result = invoke("runs", "--url", "http://127.0.0.1:1")

    assert result.exit_code == 7
    assert "127.0.0.1:1" in result.stderr


def test_flag_wins_over_environment(server: FakeServer) -> None:
    """A token given as a flag is sent instead of the environment's."""
    environment = {"MULLIGAN_URL": server.url, "MULLIGAN_TOKEN": "from-environment"}

    by_environment = invoke("runs", "--json", **environment)
    by_flag = invoke("runs", "--json", "--token", "from-flag", **environment)

    assert by_environment.exit_code == by_flag.exit_code == 0
    assert server.authorizations == ["Bearer from-environment", "Bearer from-flag"]


def test_the_server_is_asked_in_the_language_that_is_spoken(server: FakeServer) -> None:
    """What it refuses is said as the other remarks are."""
    for language in ("zh", "en"):
        invoke("runs", "--json", "--lang", language, MULLIGAN_URL=server.url)

    assert server.languages == ["zh", "en"]


def test_data_is_json_alone(server: FakeServer) -> None:
    """With --json, stdout holds JSON and nothing else."""
    result = invoke("runs", "--json", "--url", server.url)

    assert result.exit_code == 0
    json.loads(result.stdout)


def test_skip_without_a_reason() -> None:
    """A skip without a reason is a usage error, before any server is asked."""
    result = invoke("skip", RUN, "--step", "e-1", "--reason", " ", "--url", "http://127.0.0.1:1")

    assert result.exit_code == 2


def test_check_names_the_place(tmp_path: Path) -> None:
    """An invalid file is refused with file, line and column; no server is needed."""
    path = tmp_path / "torn.json"
    path.write_text('{"name": "x",\n "stages": [}')

    done = subprocess.run(
        [sys.executable, "-m", "mulligan", "import", "--check", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MULLIGAN_DATA": str(tmp_path / "none")},
    )

    assert done.returncode == 2
    assert f"{path}:2:13: " in done.stderr
    assert not (tmp_path / "none").exists()
