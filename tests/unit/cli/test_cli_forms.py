"""Forms of data for programs, and the words that choose them."""

import json
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from fake_api import FakeApi

from mulligan.cli.exits import FailureError
from mulligan.cli.forms import Form, chosen, emit
from mulligan.cli.lazy import arranged
from mulligan.cli.main import cli
from mulligan.cli.output import tabbed

ITEMS = [{"id": "b-1", "status": "failed"}, {"id": "b-2", "status": "succeeded"}]


@pytest.mark.parametrize(
    ("form", "value", "out"),
    [
        (Form("jsonl"), ITEMS, f"{json.dumps(ITEMS[0])}\n{json.dumps(ITEMS[1])}\n"),
        (Form("jsonl"), ITEMS[0], f"{json.dumps(ITEMS[0])}\n"),
        (Form("name"), ITEMS, "b-1\nb-2\n"),
        (Form("name"), {"name": "shop"}, "shop\n"),
        (Form("json", ("status",)), ITEMS, '[{"status": "failed"}, {"status": "succeeded"}]\n'),
        (Form("json", ("status", "id")), ITEMS[0], '{"status": "failed", "id": "b-1"}\n'),
        (Form("yaml"), ITEMS[:1], "- id: b-1\n  status: failed\n"),
    ],
)
def test_forms(capsys: pytest.CaptureFixture[str], form: Form, value: object, out: str) -> None:
    """Each form prints the data alone."""
    emit(value, form)

    assert capsys.readouterr().out == out


def test_unknown_field_is_told_with_the_known() -> None:
    """A field that is not there is wrong usage, also of one item only."""
    with pytest.raises(FailureError, match="no field state; there is id, status") as caught:
        emit(ITEMS, Form("json", ("id", "state")))

    assert caught.value.exit_code == 2


def test_no_name() -> None:
    """What has no name says so."""
    with pytest.raises(FailureError, match="has no name"):
        emit([{"a": 1}], Form("name"))


@pytest.fixture
def jq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program `jq` on the PATH that tells its expression and gives its input back."""
    program = tmp_path / "jq"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nif sys.argv[2] == ' bad': sys.exit('no such thing')\n"
        "print(sys.argv[1:], sys.stdin.read())\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    return program


@pytest.mark.usefixtures("jq")
def test_jq(capsys: pytest.CaptureFixture[str]) -> None:
    """An expression never becomes an option of jq; what jq refuses is wrong usage."""
    emit(ITEMS[:1], Form("json", ("id",), "-n"))

    assert capsys.readouterr().out == "['-r', ' -n'] [{\"id\": \"b-1\"}]\n"
    with pytest.raises(FailureError, match="no such thing") as caught:
        emit(ITEMS, Form("json", (), "bad"))
    assert caught.value.exit_code == 2


def test_jq_is_missing(jq: Path) -> None:
    """Without library and program it is said what is missing."""
    jq.unlink()

    with pytest.raises(FailureError, match=r"mulligan\[jq\]"):
        emit(ITEMS, Form("json", (), ".[0]"))


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["show", "b-1", "--json"], ["show", "b-1", "--json="]),
        (["show", "--json", "b-1"], ["show", "--json=", "b-1"]),
        (["runs", "--json", "id,status"], ["runs", "--json=id,status"]),
        (
            ["runs", "--json", "id,status", "--limit", "1"],
            ["runs", "--json=id,status", "--limit", "1"],
        ),
        (["runs", "--json=id"], ["runs", "--json=id"]),
        (["--json", "--json"], ["--json=", "--json="]),
        (["x", "--", "--json", "a,b"], ["x", "--", "--json", "a,b"]),
        (["runs", "--lang", "zh", "x"], ["--lang=zh", "runs", "x"]),
        (["runs", "--lang=zh", "--", "--lang"], ["--lang=zh", "runs", "--", "--lang"]),
    ],
)
def test_words_in_their_places(words: list[str], read: list[str]) -> None:
    """Fields belong to `--json`, the language to the whole line; other words stay."""
    assert arranged(words) == read


@pytest.mark.parametrize(
    ("options", "form"),
    [
        ((None, None, None), Form("tsv")),  # tests have no terminal
        (("wide", None, None), Form("wide")),
        ((None, "", None), Form("json")),
        ((None, "id, status", None), Form("json", ("id", "status"))),
        (("json", None, ".x"), Form("json", (), ".x")),
    ],
)
def test_chosen_form(options: tuple[str | None, str | None, str | None], form: Form) -> None:
    """The options say which form, which fields and which expression."""
    assert chosen(*options) == form


def test_json_does_not_go_with_yaml() -> None:
    """Two forms at once are wrong usage."""
    with pytest.raises(click.UsageError):
        chosen("yaml", "", None)


def test_list_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each item, tabs between cells and in none of them."""
    tabbed([("a", "b c"), ("d\te", "")])

    assert capsys.readouterr().out == "a\tb c\nd e\t\n"


RUN = {
    "id": "b-1",
    "pipeline_name": "web",
    "number": 4,
    "status": "succeeded",
    "cause": None,
    "attempt": 2,
    "started_at": "2026-11-22T05:00:00Z",
    "queued_at": "2026-11-22T05:00:00Z",
    "ended_at": "2026-11-22T05:00:02Z",
    "actor": "alice",
    "version": 3,
    "start_kind": "webhook",
    "message": "fix it",
    "remark": "",
}


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ((), "b-1\tweb\t4\tsucceeded\t2\t2026-11-22 05:00:00\t2.0 s\talice\n"),
        (("-o", "name"), "b-1\n"),
        (("--json", "number,status"), '[{"number": 4, "status": "succeeded"}]\n'),
    ],
)
def test_runs_for_programs(api: FakeApi, words: tuple[str, ...], out: str) -> None:
    """A list in a pipe has no titles; forms and fields are those of the API."""
    api.answers["GET", "/api/v1/projects/local/runs"] = (200, {"items": [RUN], "next_cursor": None})

    done = CliRunner().invoke(cli, ["runs", *words, "--url", api.url], env={"TZ": "UTC"})

    assert done.stdout == out


def test_wide_list(api: FakeApi) -> None:
    """More columns stand behind the usual ones."""
    api.answers["GET", "/api/v1/projects/local/runs"] = (200, {"items": [RUN], "next_cursor": None})

    done = CliRunner().invoke(cli, ["runs", "-o", "wide", "--url", api.url])

    titles, line = done.stdout.splitlines()
    assert titles.split()[-4:] == ["VERSION", "START", "MESSAGE", "REMARK"]
    assert line.endswith("3        webhook  fix it")
