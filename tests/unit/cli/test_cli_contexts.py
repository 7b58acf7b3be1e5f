"""Servers kept by name: what is stored where, and which server a command talks to."""

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fake_api import FakeApi

from mulligan.cli import contexts
from mulligan.cli.contexts import Context, Contexts
from mulligan.cli.exits import FailureError
from mulligan.cli.main import cli
from mulligan.cli.servers import ServerOptions, named_server

URL = "https://ci.example.com"
PERSON = {"user": "alice", "is_admin": False, "language": "", "way": "token", "is_dev": False}


def invoke(*words: str, stdin: str = "") -> Result:
    """Run a command."""
    return CliRunner().invoke(cli, words, input=stdin)


def keep(*known: Context, current: str = "") -> None:
    """Store contexts, each with a token that is called like it."""
    contexts.save(Contexts({each.name: each for each in known}, current))
    for each in known:
        contexts.keep_token(each.name, f"token-of-{each.name}")


def test_what_is_stored_is_read_again() -> None:
    """Any project and name come back as they were; tokens stand in a file apart."""
    shop = Context("shop", URL, 'a "b" \\ 店', "web")
    keep(shop, Context("other", "http://other"), current="shop")

    found = contexts.load()

    assert found == Contexts({"shop": shop, "other": Context("other", "http://other")}, "shop")
    assert contexts.token_of("other") == "token-of-other"
    assert "token-of" not in (contexts.folder() / "config.toml").read_text()


def test_tokens_are_for_their_owner_alone() -> None:
    """Neither the file nor its folder can be read by others; nothing half-written is left."""
    keep(Context("shop", URL))

    folder = contexts.folder()
    assert stat.S_IMODE((folder / "tokens.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(each.name for each in folder.iterdir()) == ["config.toml", "tokens.toml"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("current = ", "is no TOML"),
        ("[contexts.a]\nproject = 'x'", "context 'a' has no url"),
        ("current = 'gone'\n", "there is no context 'gone'"),
    ],
)
def test_broken_file_is_told(text: str, says: str) -> None:
    """A file that can't be used ends commands with its name, not with another server."""
    contexts.folder().mkdir(parents=True)
    (contexts.folder() / "config.toml").write_text(text)

    result = invoke("runs")

    assert result.exit_code == 2
    assert says in result.stderr


@pytest.mark.parametrize(
    ("options", "environment", "server"),
    [
        (ServerOptions(), {}, ("http://one", "token-of-one")),
        (ServerOptions(context="two"), {}, ("http://two", "token-of-two")),
        (ServerOptions(), {"CONTEXT": "two"}, ("http://two", "token-of-two")),
        (ServerOptions(), {"URL": "http://two"}, ("http://two", "token-of-two")),
        (ServerOptions(), {"URL": "http://three", "TOKEN": "t"}, ("http://three", "t")),
        (ServerOptions(), {"TOKEN": "t"}, ("http://one", "t")),
        (
            ServerOptions(context="two"),
            {"URL": "http://three", "TOKEN": "t"},
            ("http://two", "token-of-two"),
        ),
        (ServerOptions(url="http://two/"), {}, ("http://two/", "token-of-two")),
        (ServerOptions(url="http://three"), {}, ("http://three", None)),
        (ServerOptions(token="mine"), {}, ("http://one", "mine")),
        (ServerOptions(data=Path("x")), {"URL": "http://three"}, (None, None)),
        (ServerOptions(), {"DATA": "x"}, (None, None)),
    ],
)
def test_which_server(
    monkeypatch: pytest.MonkeyPatch,
    options: ServerOptions,
    environment: dict[str, str],
    server: tuple[str | None, str | None],
) -> None:
    """Flags come before the environment, that before the context; a token stays with its URL."""
    keep(Context("one", "http://one"), Context("two", "http://two"), current="one")
    for name, text in environment.items():
        monkeypatch.setenv(f"MULLIGAN_{name}", text)

    assert named_server(options) == server


def test_context_does_not_go_with_another_server() -> None:
    """Two servers at once are wrong usage."""
    keep(Context("one", "http://one"))

    with pytest.raises(FailureError, match="does not go with"):
        named_server(ServerOptions(url="http://x", context="one"))


def test_project_and_pipeline_of_a_context(api: FakeApi) -> None:
    """What a context says is meant where nothing else is said."""
    keep(Context("here", api.url, "shop", "web"), current="here")
    api.answers["GET", "/api/v1/projects/shop/pipelines?name=web"] = (
        200,
        {"items": [{"id": "p-1"}]},
    )
    api.answers["GET", "/api/v1/projects/shop/runs"] = (200, {"items": [], "next_cursor": None})

    result = invoke("show", "7")

    assert result.exit_code == 2
    assert api.requests[-1].target == "/api/v1/projects/shop/runs?limit=1&number=7&pipeline=p-1"
    assert api.requests[-1].headers["Authorization"] == "Bearer token-of-here"


def test_login_checks_the_token_and_uses_the_server(api: FakeApi) -> None:
    """A token that is taken is kept; the next command goes there with it."""
    api.answers["GET", "/api/v1/session"] = (200, PERSON)
    api.answers["GET", "/api/v1/projects"] = (200, {"items": [], "next_cursor": None})

    done = invoke("login", api.url, "--name", "ci", "--token-stdin", stdin="s3cret\n")
    listed = invoke("project", "list")
    shown = invoke("context", "list", "-o", "json")

    assert done.exit_code == listed.exit_code == 0, done.output
    assert "as alice" in done.stderr
    assert [each.headers["Authorization"] for each in api.requests] == ["Bearer s3cret"] * 2
    assert json.loads(shown.stdout)[0] == {
        "name": "ci",
        "url": api.url,
        "project": "",
        "pipeline": "",
        "current": True,
        "token": True,
    }
    assert "s3cret" not in done.output + shown.output


def test_login_with_a_bad_token_keeps_nothing(api: FakeApi) -> None:
    """Who is not let in gets exit 4, and the configuration stays as it was."""
    api.answers["GET", "/api/v1/session"] = (200, {**PERSON, "user": None})

    done = invoke("login", api.url, "--token-stdin", stdin="wrong\n")

    assert done.exit_code == 4
    assert not contexts.folder().exists()


def test_login_names_a_bad_url() -> None:
    """Not the name that can't be made of it."""
    done = invoke("login", "ci.example.com", "--token-stdin", stdin="x\n")

    assert done.exit_code == 2
    assert "'ci.example.com' is no URL of a server" in done.stderr


def test_login_needs_a_token() -> None:
    """Nobody is asked without a terminal."""
    assert invoke("login", URL).exit_code == 2


def test_logout_forgets_the_token_alone() -> None:
    """The server stays known."""
    keep(Context("ci", URL), current="ci")

    done = invoke("logout")

    assert done.exit_code == 0
    assert contexts.token_of("ci") is None
    assert contexts.load().current == "ci"


def test_contexts_are_added_used_and_removed() -> None:
    """The first one is used at once, a removed one takes its token along."""
    invoke("context", "add", "one", "http://one", "--project", "shop")
    invoke("context", "add", "two", "http://two")
    first = contexts.load().current
    contexts.keep_token("two", "t")
    used = invoke("context", "use", "two")
    removed = invoke("context", "rm", "two")

    assert (first, used.exit_code, removed.exit_code) == ("one", 0, 0)
    assert contexts.load() == Contexts({"one": Context("one", "http://one", "shop")}, "")
    assert contexts.token_of("two") is None


def test_another_url_takes_no_token_of_the_old_one() -> None:
    """A context that is pointed elsewhere must not send the token there."""
    keep(Context("ci", URL))

    invoke("context", "add", "ci", "http://elsewhere")

    assert contexts.token_of("ci") is None


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "x" * 65])
def test_bad_name(name: str) -> None:
    """A name that could be taken for something else is refused."""
    assert invoke("context", "add", "--", name, URL).exit_code == 2


def test_whoami(api: FakeApi) -> None:
    """One line says who, where, and with which rights; nobody is exit 4."""
    api.answers["GET", "/api/v1/session"] = (200, {**PERSON, "is_admin": True})
    where = ("--url", api.url, "--token", "t")

    shown = invoke("whoami", *where)
    api.answers["GET", "/api/v1/session"] = (200, {**PERSON, "user": None})
    nobody = invoke("whoami", *where)

    assert shown.stdout == f"alice at {api.url} (admin){os.linesep}"
    assert nobody.exit_code == 4
