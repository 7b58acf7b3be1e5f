"""Releases from the command line: run a document of the SWR dialect, look, roll back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from e2e.shell import Shell
from e2e.swr.definitions import build, definition, deploy, review, triggers, webhook
from e2e.swr.target import Target
from mulligan.testing.server import ServerProcess, poll_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Give a shell; no step is left waiting after the test."""
    made = Shell(tmp_path)
    yield made
    made.bench.release_all()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """Give a deployment target of the test's own; nothing is left waiting after the test."""
    found = Target(tmp_path / "target")
    yield found
    found.clear_all()


def write(shell: Shell, document: Json, name: str = "shop.json") -> str:
    """Write a definition with the name `shop`; return the path of the file."""
    path = shell.root / name
    given = {"name": "shop", **document}
    is_yaml = name.endswith(".yaml")
    path.write_text(yaml.safe_dump(given) if is_yaml else json.dumps(given, indent=1))
    return str(path)


def release_of(shell: Shell, target: Target, *stages: Json, name: str = "shop.json") -> str:
    """Write a pipeline that compiles and releases; return the path of the file."""
    script = shell.bench.script("compile")
    return write(
        shell, definition([build("compile", script), deploy(target.info()), *stages]), name
    )


@pytest.mark.parametrize("name", ["shop.json", "shop.yaml"])
def test_release_and_rollback(shell: Shell, target: Target, name: str) -> None:
    """A file of the dialect runs without a server; a rollback restores what was live before."""
    file = release_of(shell, target, name=name)

    codes = [shell("run", file, "-p", f"VERSION={version}").code for version in ("v1", "v2")]
    plan = shell("rollback", "--env", "prod", "--plan")
    before = target.live
    back = shell("rollback", "@latest", "--reason", "broken")

    assert codes == [0, 0]
    assert "restore acme/shop:v1 in prod, now acme/shop:v2" in plan.out
    assert before == "v2"
    assert back.code == 0, back
    assert "rolled back: run #2 of shop, attempt 2" in back.err
    assert target.live == "v1"
    shown = shell("show", "@latest").out
    assert "attempt 2: rollback of release by admin, rolled back: broken" in shown


def test_ledger(shell: Shell, target: Target) -> None:
    """Environments and deployments tell what is live, and what each act was."""
    file = release_of(shell, target)
    shell("run", file, "-p", "VERSION=v1")
    shell("run", file, "-p", "VERSION=v2")
    shell("rollback", "--env", "prod")

    environments = shell("env", "list", "-o", "json").json
    acts = shell("deployments", "prod", "-o", "json").json
    chosen = shell("rollback", "--env", "prod", "--to", str(acts[1]["number"]))

    assert [each["live"]["image"] for each in environments] == ["acme/shop:v1"]
    assert [each["kind"] for each in acts] == ["rollback", "deploy", "deploy"]
    assert [each["is_live"] for each in acts] == [False, False, True]
    assert chosen.code == 0, chosen
    assert target.live == "v2"


def test_failed_release_proposes_a_rollback(shell: Shell, target: Target) -> None:
    """A failed release says how to restore what was live; that command works."""
    file = release_of(shell, target)
    shell("run", file, "-p", "VERSION=v1")
    target.set("deploy.broken")

    failed = shell("run", file, "-p", "VERSION=v2")
    line = failed.err.split("or restore what was live: mulligan ")[1].splitlines()[0]
    target.set("rollback.broken")
    again = shell(*line.split())
    target.clear("rollback.broken")
    mended = shell(*again.err.split("roll back again: mulligan ")[1].splitlines()[0].split())

    assert (failed.code, again.code, mended.code) == (1, 1, 0)
    assert "rollback failed" in again.err
    assert target.live == "v1"


def test_nothing_to_go_back_to(shell: Shell, target: Target) -> None:
    """The first release can't be taken back: exit 5 with a way out."""
    shell("run", release_of(shell, target), "-p", "VERSION=v1")

    done = shell("rollback", "--env", "prod")

    assert done.code == 5
    assert "possible instead: deploy another version" in done.err


def test_rollback_cuts_off_a_review(shell: Shell, target: Target, tmp_path: Path) -> None:
    """On a server: while a later stage waits, a rollback by id cancels that and is watched."""
    with ServerProcess(tmp_path / "data") as server:
        shell.environment |= {"MULLIGAN_URL": server.url, "MULLIGAN_PROJECT": "acme"}
        shell("run", release_of(shell, target), "-p", "VERSION=v1")
        file = release_of(shell, target, review("one", "admin"))
        started = shell("run", file, "-p", "VERSION=v2", "--no-watch")
        run = started.out.strip()
        poll_until(lambda: shell("show", run, "--json").json["gates"], what="the review asks")

        plan = shell("rollback", run, "--plan")
        back = shell("rollback", run)

    assert "cuts off: stage stage-4 (review)" in plan.out
    assert back.code == 0, back
    assert target.live == "v1"


def test_run_that_waits_for_a_signal(shell: Shell, target: Target, tmp_path: Path) -> None:
    """A stage that waits for a webhook is shown as that; nobody is asked to approve it."""
    with ServerProcess(tmp_path / "data") as server:
        shell.environment |= {"MULLIGAN_URL": server.url, "MULLIGAN_PROJECT": "acme"}
        waiting = deploy(target.info(), pre_operation=triggers("or", webhook()))
        script = shell.bench.script("compile")
        file = write(shell, definition([build("compile", script), waiting]))
        run = shell("run", file, "--no-watch").out.strip()
        poll_until(lambda: shell("show", run, "--json").json["gates"], what="the stage waits")

        shown = shell("show", run)
        approved = shell("approve", run)
        shell("stop", run)

    assert "waits: stage-3 for a webhook or channel (0 of 1 came)" in shown.out
    assert approved.code == 5
    assert "a webhook or channel" in approved.err


def test_import_checks_without_a_server(shell: Shell, target: Target) -> None:
    """`import --check` names file, line and column of what is wrong in a document."""
    good = release_of(shell, target, name="good.yaml")
    bad = write(
        shell,
        definition([build("compile", "true", exception_handler={"type": "never"})]),
        "bad.json",
    )

    done = shell("import", "--check", good, bad)

    assert done.code == 2
    assert done.out == f"{good}: ok (2 stages, 2 jobs, 2 steps)\n"
    assert done.err.startswith(f"{bad}:")
    assert "/stages/0/exception_handler/type" in done.err
    assert not shell.data.exists()


def test_import_twice_and_export(shell: Shell, target: Target) -> None:
    """What was exported goes in again: a second version of the same stages."""
    file = release_of(shell, target)
    first = shell("import", file)
    exported = shell("export", "shop", "-o", "yaml")
    (shell.root / "again.yaml").write_text(exported.out)

    second = shell("import", str(shell.root / "again.yaml"))
    again = shell("export", "shop", "-o", "yaml")

    assert first.code == second.code == 0, (first, second)
    assert first.out.split(": ")[1] == second.out.split(": ")[1]
    assert again.out == exported.out
    assert shell("pipelines", "-o", "json").json[0]["version"] == 2


def test_packages(shell: Shell) -> None:
    """A file goes up and comes down; a large one too."""
    content = bytes(range(256)) * 4096 * 20  # 20 MiB: more than a body of JSON may have
    (shell.root / "shop.war").write_bytes(content)

    up = shell("package", "upload", "acme/libs/shop", "1.0", "shop.war", "--as", "a/shop.war")
    listed = shell("package", "files", "acme/libs/shop", "1.0", "-o", "json").json
    down = shell("package", "download", "acme/libs/shop", "1.0", "a/shop.war", "--to", "got.war")

    assert up.code == 0, up
    assert [(each["path"], each["size"]) for each in listed] == [("a/shop.war", len(content))]
    assert down.code == 0, down
    assert (shell.root / "got.war").read_bytes() == content


def test_port_out_of_range(shell: Shell) -> None:
    """`serve` with a port that there is not ends with 2 and a sentence."""
    done = shell("serve", "--port", "99999")

    assert done.code == 2
    assert "99999" in done.err
    assert "Traceback" not in done.err
