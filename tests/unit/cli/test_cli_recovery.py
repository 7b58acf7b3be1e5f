"""Retry, skip, plan, answers: what is sent, and what is asked before."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fake_api import FakeApi

from mulligan.cli.main import cli

RUN = "b-" + "1" * 32
PATH = f"/api/v1/projects/shop/runs/{RUN}"
HEAD = {"id": RUN, "project": "shop", "number": 3, "pipeline_name": "web", "attempt": 2}
PLAN = {
    "etag": '"7"',
    "run_attempt": 2,
    "counts": {"rerun": 1, "keep": 2, "skip": 0},
    "seconds_saved": 0,
    "approvals": {"asked": []},
    "nodes": [
        {
            "kind": "step",
            "id": "e-1",
            "name": "test",
            "action": "rerun",
            "reason": "asked",
            "workspace": None,
        }
    ],
}


def step(ident: str, status: str) -> dict[str, Any]:
    """Return a step."""
    return {"id": ident, "ref": ident, "name": ident, "status": status, "attempt": 1, "cause": None}


@pytest.fixture
def world(api: FakeApi) -> FakeApi:
    """Give a server with a failed run."""
    job = {
        "id": "1",
        "ref": "",
        "name": "unit",
        "status": "failed",
        "steps": [step("e-1", "failed")],
    }
    stage = {"id": "stage-2", "ref": "", "name": "build", "status": "failed", "jobs": [job]}
    state = {**HEAD, "status": "failed", "stages": [stage], "gates": []}
    api.answers["GET", f"/api/v1/runs/{RUN}"] = (200, state)
    api.answers["GET", PATH] = (200, state)
    api.answers["POST", f"{PATH}/recovery/plan"] = (200, PLAN)
    api.answers["POST", f"{PATH}/recovery/apply"] = (200, {"run": HEAD, "plan": PLAN})
    api.answers["POST", f"{PATH}/stop"] = (200, HEAD)
    return api


def invoke(api: FakeApi, *words: str, stdin: str = "") -> Result:
    """Run a command on the fake server."""
    return CliRunner().invoke(cli, [*words, "--url", api.url], input=stdin)


def sent(api: FakeApi, method: str = "POST") -> list[tuple[str, Any]]:
    """Return path and body of what was sent."""
    found = [each for each in api.requests if each.method == method]
    return [(each.target.removeprefix(PATH), json.loads(each.body or b"null")) for each in found]


@pytest.mark.parametrize(
    ("words", "target", "only_failed"),
    [
        ((), "", False),
        (("--all",), "", False),
        (("--step", "e-1"), "e-1", False),
        (("--from", "e-1"), "e-1", False),
        (("--job", "unit"), "1", False),
        (("--stage", "build", "--failed"), "stage-2", True),
        (("--failed",), "stage-2", True),
    ],
)
def test_part_of_a_retry(
    world: FakeApi, words: tuple[str, ...], target: str, only_failed: bool
) -> None:
    """Each way to name a part asks for exactly that one; nobody is asked without a terminal."""
    done = invoke(world, "retry", RUN, *words, "--no-watch", "--reason", "flaky")

    body = {"target": target, "only_failed": only_failed, "skip": False, "reason": "flaky"}
    assert done.exit_code == 0, done.output
    assert sent(world) == [("/recovery/apply", body)]


@pytest.mark.parametrize(
    "words",
    [
        ("--step", "e-1", "--job", "unit"),
        ("--all", "--stage", "build"),
        ("--all", "--failed"),
        ("--step", "e-1", "--failed"),
    ],
)
def test_parts_that_do_not_go_together(world: FakeApi, words: tuple[str, ...]) -> None:
    """Two parts at once are wrong usage, and nothing is sent."""
    assert invoke(world, "retry", RUN, *words).exit_code == 2
    assert world.requests == []


@pytest.mark.parametrize(
    "words",
    [
        ("retry", "--plan"),
        ("retry", "--dry-run"),
        ("plan",),
        ("skip", "--step", "e-1", "--reason", "x", "--plan"),
    ],
)
def test_plans_change_nothing(world: FakeApi, words: tuple[str, ...]) -> None:
    """Every way to ask for a plan asks the server for one, and for nothing else."""
    done = invoke(world, words[0], RUN, *words[1:], "--json")

    assert json.loads(done.stdout) == PLAN
    assert [path for path, _ in sent(world)] == ["/recovery/plan"]


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 0), ("n\n", 130)])
def test_person_sees_the_plan_first(
    world: FakeApi, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    """On a terminal the plan is shown and asked about; what was shown is done, or nothing."""
    monkeypatch.setattr("mulligan.cli.options.asks", lambda: True)

    done = invoke(world, "retry", RUN, "--no-watch", stdin=answer)

    assert done.exit_code == code
    assert "Go ahead?" in done.stderr
    assert "test" in done.stderr
    paths = [path for path, _ in sent(world)]
    assert paths == ["/recovery/plan", "/recovery/apply"][: 1 if code else 2]
    if code == 0:
        assert world.requests[-1].headers["If-Match"] == '"7"'


def test_person_may_say_yes_before(world: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --yes nothing is asked on a terminal either."""
    monkeypatch.setattr("mulligan.cli.options.asks", lambda: True)

    assert invoke(world, "retry", RUN, "--no-watch", "-y").exit_code == 0
    assert [path for path, _ in sent(world)] == ["/recovery/apply"]


def test_person_chooses_a_run(world: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a RUN the newest ones are offered on a terminal."""
    monkeypatch.setattr("mulligan.cli.references.asks", lambda: True)
    other = {**HEAD, "id": "b-" + "2" * 32, "status": "succeeded", "actor": "a"}
    wanted = {**HEAD, "status": "failed", "actor": "a"}
    times = {"started_at": "2026-11-22T05:00:00Z", "queued_at": "2026-11-22T05:00:00Z"}
    page = {"items": [other | times, wanted | times], "next_cursor": None}
    world.answers["GET", "/api/v1/projects/local/runs"] = (200, page)

    done = invoke(world, "stop", stdin="2\n")

    assert done.exit_code == 0, done.output
    assert sent(world) == [("/stop", None)]


def test_nobody_chooses_without_a_terminal(world: FakeApi) -> None:
    """Then it is wrong usage, and the message says what to give."""
    done = invoke(world, "stop")

    assert done.exit_code == 2
    assert "@latest" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("stop", RUN),
        ("project", "create", "shop"),
        ("token", "create", "ci"),
        ("api", "POST", "/projects", "-f", "name=shop"),
        ("secret", "set", "TOKEN", "--project", "shop"),
    ],
)
def test_dry_run_sends_nothing(world: FakeApi, words: tuple[str, ...]) -> None:
    """What would change something is shown instead, without secrets, with exit 0."""
    done = invoke(world, *words, "--dry-run", stdin="s3cret\n")

    assert done.exit_code == 0, done.output
    assert sent(world) == sent(world, "PUT") == []
    assert done.stdout.startswith("would send: ")
    assert "s3cret" not in done.output


def gated(api: FakeApi, kind: str, node: str) -> None:
    """Let the run wait."""
    gate = {"kind": kind, "node": node, "group": "g", "reviewers": ["alice"], "signals": None}
    _, state = api.answers["GET", PATH]
    api.answers["GET", PATH] = (200, {**state, "gates": [gate]})
    tails = ("stages/stage-1/answer", "stages/stage-2/answer", "steps/e-1/answer")
    for tail in (*tails, "steps/e-1/resume"):
        api.answers["POST", f"{PATH}/{tail}"] = (200, HEAD)


@pytest.mark.parametrize(
    ("words", "kind", "node", "path", "body"),
    [
        (
            ("approve", "-m", "fine", "-p", "env=live"),
            "stage-review",
            "stage-2",
            "/stages/stage-2/answer",
            {"approve": True, "suggestion": "fine", "values": {"env": "live"}, "group": "g"},
        ),
        (
            ("reject", "--step", "e-1"),
            "step-review",
            "e-1",
            "/steps/e-1/answer",
            {"approve": False, "suggestion": "", "values": {}, "group": "g"},
        ),
        (
            ("approve", "--stage", "stage-1"),
            "trigger-review",
            "stage-1",
            "/stages/stage-1/answer",
            {"approve": True, "suggestion": "", "values": {}, "group": "g"},
        ),
        (("approve", "--reject"), "pause", "e-1", "/steps/e-1/resume", {"go_ahead": False}),
        (("resume",), "pause", "e-1", "/steps/e-1/resume", {"go_ahead": True}),
    ],
)
def test_answers(
    world: FakeApi, words: tuple[str, ...], kind: str, node: str, path: str, body: dict[str, Any]
) -> None:
    """Each answer goes to what waits."""
    gated(world, kind, node)

    done = invoke(world, words[0], RUN, *words[1:])

    assert done.exit_code == 0, done.output
    assert sent(world) == [(path, body)]


def test_resume_is_for_pauses(world: FakeApi) -> None:
    """A review is not resumed: that would be an approval."""
    gated(world, "stage-review", "stage-2")

    assert invoke(world, "resume", RUN).exit_code == 5
    assert sent(world) == []


@pytest.mark.parametrize(
    ("status", "gates", "code"),
    [
        ("succeeded", [], 0),
        ("failed", [], 1),
        ("cancelled", [], 3),
        ("running", [{"kind": "pause"}], 6),
        ("running", [{"kind": "signal"}], 8),
        ("queued", [], 8),
    ],
)
def test_exit_status_of_show(
    world: FakeApi, status: str, gates: list[dict[str, str]], code: int
) -> None:
    """The exit code tells the state when that is wanted."""
    _, state = world.answers["GET", PATH]
    world.answers["GET", PATH] = (200, {**state, "status": status, "gates": gates})

    words = ["show", RUN, "--json", "--url", world.url]
    codes = [
        CliRunner().invoke(cli, [*words, *more], standalone_mode=False).return_value
        for more in ([], ["--exit-status"])
    ]

    assert codes == [0, code]


CHANGED = [
    {
        "kind": "input",
        "step": "e-1",
        "step_name": "test",
        "name": "script",
        "before": "make\nmake test",
        "after": "make\nmake check",
        "secret": False,
    },
    {
        "kind": "parameter",
        "step": None,
        "step_name": "",
        "name": "mirror",
        "before": "a",
        "after": "b",
        "secret": False,
    },
]


def test_a_retry_with_changes(world: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be otherwise is sent with plan and retry, and shown before and after."""
    monkeypatch.setattr("mulligan.cli.options.asks", lambda: True)
    world.answers["POST", f"{PATH}/recovery/plan"] = (200, {**PLAN, "changes": CHANGED})
    words = ("--input", "e-1.script=x=y", "--step-env", "e-1.MODE=slow", "-p", "mirror=b")
    more = ("--step-timeout", "e-1=1h30m", "--reset", "color", "--reset", "e-1.env.OLD")

    done = invoke(world, "retry", RUN, "--no-watch", *words, *more, stdin="y\n")

    assert done.exit_code == 0, done.output
    changes = {
        "parameters": {"mirror": "b", "color": None},
        "steps": {
            "e-1": {
                "inputs": {"script": "x=y"},
                "env": {"MODE": "slow", "OLD": None},
                "timeout_s": 5400,
            }
        },
    }
    assert [body["changes"] for _, body in sent(world)] == [changes, changes]
    assert "changed: mirror: a → b" in done.stderr
    assert "changed: test.script\n" in done.stderr
    assert "    -make test\n    +make check\n" in done.stderr


def test_an_input_from_a_file(world: FakeApi, tmp_path: Path) -> None:
    """`@FILE` is what the file holds; `@@` begins a text with that sign."""
    script = tmp_path / "fixed.sh"
    script.write_text("make\n", encoding="utf-8")
    words = ("--input", f"e-1.script=@{script}", "--input", "e-1.who=@@bob", "--reset", "e-1.old")

    invoke(world, "plan", RUN, *words, "--reset", "e-1.timeout", "--json")

    ((_, body),) = sent(world)
    assert body["changes"]["steps"]["e-1"] == {
        "inputs": {"script": "make\n", "who": "@bob", "old": None},
        "timeout_s": None,
    }


@pytest.mark.parametrize(
    "words",
    [
        ("--input", "script=x"),
        ("--input", "e-1.script"),
        ("--input", "e-1.script=@/nowhere"),
        ("--step-env", "MODE=x"),
        ("--step-timeout", "e-1=soon"),
        ("--step-timeout", "10m"),
        ("-p", "mirror"),
        ("--reset", "nothing.script"),
    ],
)
def test_changes_that_can_not_be_read(world: FakeApi, words: tuple[str, ...]) -> None:
    """They are wrong usage, and nothing is sent."""
    assert invoke(world, "retry", RUN, *words).exit_code == 2
    assert sent(world) == []
