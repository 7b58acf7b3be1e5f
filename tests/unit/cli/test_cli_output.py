"""Forms of output, and what is said about a run."""

import json
from typing import Any

import pytest
import yaml

from mulligan.cli import output
from mulligan.cli.client import Client
from mulligan.cli.forms import Form, emit
from mulligan.cli.interrupts import Interrupts
from mulligan.cli.options import Session
from mulligan.cli.progress import Progress, saved_text, wait_text
from mulligan.cli.servers import ServerOptions

VALUE = [{"name": "小店", "number": 1, "none": None}]


def test_json_and_yaml_hold_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Both forms can be read back, with any letters."""
    emit(VALUE, Form("json"))
    as_json = capsys.readouterr().out
    emit(VALUE, Form("yaml"))
    as_yaml = capsys.readouterr().out

    assert json.loads(as_json) == yaml.safe_load(as_yaml) == VALUE
    assert "小店" in as_json
    assert "小店" in as_yaml


def test_table_is_aligned_also_with_wide_letters(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns begin at the same place of the screen; without a terminal there are no colours."""
    output.table(("NAME", "STATUS"), [("小店", "failed"), ("a", "succeeded")])

    assert capsys.readouterr().out == "NAME  STATUS\n小店  failed\na     succeeded\n"


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, None),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
    ],
)
def test_colours(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], wanted: bool | None
) -> None:
    """The environment decides about colours; by default only a terminal gets them."""
    for name in ("NO_COLOR", "TERM", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)

    assert output.wants_colour() is wanted


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "0.0 s"), (0.04, "0.0 s"), (59.9, "59.9 s"), (60, "1 min 00 s"), (3_725, "1 h 02 min")],
)
def test_duration(seconds: float, shown: str) -> None:
    """Lengths are shown in the unit that people read."""
    assert output.duration(seconds) == shown


def test_control_characters_stay_out_of_cells() -> None:
    """A name with an escape sequence can't steer the terminal."""
    assert output.one_line("a\x1b[2Jb\nc") == "a [2Jb c"


def step(status: str, *, attempt: int = 1, **more: Any) -> dict[str, Any]:
    """Return a state with one step."""
    made = {
        "id": "e-1",
        "name": "test",
        "status": status,
        "cause": None,
        "attempt": attempt,
        "exit_code": None,
        "started_at": "2026-11-22T05:00:00Z",
        "ended_at": "2026-11-22T05:00:02Z",
        **more,
    }
    job = {"id": "1", "name": "unit", "mode": "", "steps": [made]}
    return {"id": "b-1", "stages": [{"id": "stage-2", "name": "build", "jobs": [job]}], "gates": []}


@pytest.fixture
def progress() -> Progress:
    """Give a report of progress that knows a step which failed."""
    session = Session(lambda: Client("http://h"), None, "table", ServerOptions(data=None))
    return Progress(session, step("failed"))


def test_progress_tells_only_news(progress: Progress, capsys: pytest.CaptureFixture[str]) -> None:
    """What was known before is not told, each change once, all on stderr."""
    for state in (
        step("failed"),
        step("queued", attempt=2),
        step("running", attempt=2, ended_at=None),
        step("failed", attempt=2, exit_code=3),
        step("failed", attempt=2, exit_code=3),
    ):
        progress.show(state)

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "stage build",
        "  running    unit / test (attempt 2)",
        "  failed     unit / test (exit 3, 2.0 s, attempt 2)",
    ]


def test_progress_tells_who_must_answer(
    progress: Progress, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gate is told once, with the command that opens it."""
    gate = {"node": "stage-2", "kind": "stage-review", "reviewers": ["alice"], "group": "g"}
    state = {**step("failed"), "gates": [gate]}

    progress.show(state)
    progress.show(state)

    assert capsys.readouterr().err == (
        "waiting for approval by alice: mulligan approve b-1 --stage stage-2\n"
    )


def test_summary_of_a_plan() -> None:
    """One line tells what runs again, what is kept, and what that saves."""
    counts = {"rerun": 2, "keep": 3, "skip": 0}

    assert saved_text({"counts": counts, "seconds_saved": 61}) == (
        "re-run 2, kept 3 steps; saved 1 min 01 s"
    )
    assert saved_text({"counts": {**counts, "skip": 1}, "seconds_saved": 0}) == (
        "re-run 2, kept 3, skipped 1 steps"
    )


def test_interrupt_is_held_back_until_let_in() -> None:
    """A signal while a run is being started waits; none is lost."""
    import signal

    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGTERM)

        with pytest.raises(KeyboardInterrupt):
            interrupts.let_in()
    assert signal.getsignal(signal.SIGTERM) is before


def test_second_interrupt_is_not_held_back() -> None:
    """Who asks twice is heard at once."""
    import signal

    with Interrupts():
        signal.raise_signal(signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


HOLDER = {"pipeline_name": "ship", "number": 7, "job": "", "job_name": ""}


@pytest.mark.parametrize(
    ("wait", "line"),
    [
        (
            {"node": "", "kind": "queue", "name": "", "ahead": 2, "holders": [HOLDER]},
            "waits: the run for its turn, held by ship #7 (2 ahead)",
        ),
        (
            {"node": "", "kind": "group", "name": "prod", "ahead": 0, "holders": [HOLDER, HOLDER]},
            "waits: the run for group prod, held by ship #7, ship #7",
        ),
        (
            {
                "node": "3",
                "kind": "mutex",
                "name": "door",
                "ahead": 0,
                "holders": [HOLDER | {"job": "1", "job_name": "deploy"}],
            },
            "waits: job 3 for mutex door, held by ship #7 job deploy",
        ),
        (
            {"node": "3", "kind": "limit", "name": "", "ahead": 0, "holders": [HOLDER]},
            "waits: job 3 for a place in this job, held by ship #7",
        ),
        (
            {"node": "3", "kind": "mutex", "name": "door", "ahead": 0, "holders": []},
            "waits: job 3 for mutex door",
        ),
    ],
    ids=["queue", "group", "mutex", "limit", "free-just-now"],
)
def test_what_is_waited_for(wait: dict[str, Any], line: str) -> None:
    """A line says who waits for what, who has it, and how many come first."""
    assert wait_text(wait) == line


@pytest.mark.parametrize(
    ("form", "items", "out", "err"),
    [
        ("table", [{"a": "x"}], "A\nx\n", ""),
        ("table", [], "", "there is none\n"),
        ("json", [{"a": "x"}], '[{"a": "x"}]\n', ""),
        ("json", [], "[]\n", ""),
    ],
)
def test_lists_are_tables_for_people_and_data_for_programs(
    capsys: pytest.CaptureFixture[str], form: str, items: list[dict[str, str]], out: str, err: str
) -> None:
    """A remark about an empty list is for people only, and no data."""
    shown = Session(lambda: Client("http://x"), None, form, ServerOptions())

    shown.show_list(items, ("A",), lambda item: (item["a"],), none="there is none")

    assert tuple(capsys.readouterr()) == (out, err)


@pytest.mark.parametrize(
    ("form", "out", "err"), [("table", "line\n", "told\n"), ("json", '{"a": 1}\n', "")]
)
def test_what_was_made_is_a_line_for_people_and_data_for_programs(
    capsys: pytest.CaptureFixture[str], form: str, out: str, err: str
) -> None:
    """Programs get the whole answer."""
    shown = Session(lambda: Client("http://x"), None, form, ServerOptions())

    shown.show_made({"a": 1}, line="line", told="told")

    assert tuple(capsys.readouterr()) == (out, err)
