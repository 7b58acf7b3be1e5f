"""The deploy driver `command`, with real shell texts."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from conformance.deploy_bench import DeployBench, tar
from conformance.keeper_bench import find_processes, until

EXIT_FAILED = 1
EXIT_UNREACHABLE = 69


@pytest.fixture
def bench(tmp_path: Path) -> DeployBench:
    """Give an environment where nothing is deployed."""
    return DeployBench(tmp_path, "command", tmp_path)


def read(path: Path) -> list[str]:
    """Return the lines of a file; none if it isn't there."""
    return path.read_text().splitlines() if path.exists() else []


def kill_all(mark: str) -> list[int]:
    """Kill the processes whose environment or command line holds `mark`; return which."""
    found = find_processes(mark)
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


def test_text_runs_beside_the_files_of_the_release(bench: DeployBench) -> None:
    """`deploy` runs in the folder with the unpacked and copied files; its output is the log."""
    files = {
        "app.tar.gz": bench.put(tar({"bin/app": "one"})),
        "notes.txt": bench.put(b"notes"),
    }

    ended = bench.run("deploy", "d-1", {"deploy": "cat bin/app notes.txt; pwd"}, files=files)

    assert ended.code == 0, ended.output
    assert "onenotes" in ended.output
    assert str(bench.root / "releases" / "d-1") in ended.output
    assert ended.result["state"]["deployment"] == "d-1"


def test_text_is_told_what_it_does(bench: DeployBench, tmp_path: Path) -> None:
    """A text gets the act, the release and both images; nothing of the server."""
    seen = tmp_path / "seen"
    text = (
        f'echo "$MULLIGAN_ACTION $MULLIGAN_IMAGE $MULLIGAN_PREVIOUS_IMAGE $MULLIGAN_DEPLOYMENT"'
        f' "${{MULLIGAN_SECRET-none}}" >>{seen}; test "$PWD" = "$MULLIGAN_RELEASE_DIR"'
    )
    info = {"deploy": text, "status": text, "gray": {"deploy": text, "abort": text}}
    images = {"image_name": "acme/shop:2", "previous_image_name": "acme/shop:1"}
    env = {"PATH": "/usr/bin:/bin", "MULLIGAN_SECRET": "x"}
    live = {"id": "d-1", "info": info}
    gray = {"id": "d-2", "info": info}

    codes = [
        bench.run("deploy", "d-1", info, env=env, **images).code,
        bench.run("gray", "d-2", info, env=env, live=live, **images).code,
        bench.run("abort", "d-3", {"deploy": "exit 1"}, live=live, gray=gray, **images).code,
        bench.run("promote", "d-4", info, live=live, gray=gray).code,
        bench.run("rollback", "d-5", info, live=live).code,
    ]

    assert codes == [0] * 5
    words = "acme/shop:2 acme/shop:1"
    assert read(seen) == [
        f"deploy {words} d-1 none",
        f"status {words} d-1 none",
        f"gray {words} d-2 none",
        f"status {words} d-2 none",
        f"abort {words} d-3 none",
        f"status {words} d-3 none",
        "deploy   d-4 none",
        "status   d-4 none",
        "rollback   d-5 none",
        "status   d-5 none",
    ]


def test_rollback_has_a_text_of_its_own(bench: DeployBench) -> None:
    """With `rollback` that text runs and `deploy` doesn't."""
    info = {"deploy": "echo deploying", "rollback": "echo going back"}

    ended = bench.run("rollback", "d-1", info)

    assert ended.code == 0
    assert "going back" in ended.output
    assert "deploying" not in ended.output


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ({"deploy": "exit 3"}, EXIT_FAILED),
        ({"deploy": "false; true"}, EXIT_FAILED),
        ({"deploy": "kill -9 $$"}, EXIT_FAILED),
        ({"deploy": "exit 69"}, EXIT_UNREACHABLE),
        ({"deploy": "true", "status": "exit 1"}, EXIT_FAILED),
        ({"deploy": "true", "status": "exit 69"}, EXIT_UNREACHABLE),
        ({"deploy": "true", "status": "true"}, 0),
    ],
)
def test_exit_codes(bench: DeployBench, info: dict[str, Any], code: int) -> None:
    """0 and then `status` 0 is healthy, 69 is unreachable, anything else is failed."""
    assert bench.run("deploy", "d-1", info).code == code


@pytest.mark.parametrize(
    ("act", "info", "named"),
    [
        ("deploy", {}, "deploy"),
        ("deploy", {"deploy": ["true"]}, "deploy"),
        ("rollback", {"status": "true"}, "deploy"),
        ("gray", {"deploy": "true"}, "gray.deploy"),
        ("abort", {"deploy": "true", "gray": {"deploy": "true"}}, "gray.abort"),
        ("deploy", {"deploy": "true", "timeout_s": "long"}, "timeout_s"),
        ("deploy", {"deploy": "#!/no/such/program"}, "deploy"),
        ("deploy", {"deploy": "true", "status": {}}, "status"),
    ],
)
def test_bad_input_info_is_named(
    bench: DeployBench, act: str, info: dict[str, Any], named: str
) -> None:
    """A text that is missing or none fails the act with its name."""
    ended = bench.run(act, "d-2", info, live={"id": "d-1"})

    assert ended.code == EXIT_FAILED
    assert f"input_info: {named}" in ended.output


def test_grey_needs_something_live(bench: DeployBench) -> None:
    """There is no grey release beside nothing."""
    ended = bench.run("gray", "d-1", {"gray": {"deploy": "true"}})

    assert ended.code == EXIT_FAILED
    assert "live" in ended.output


def test_end_of_a_grey_release_runs_beside_its_files(bench: DeployBench) -> None:
    """`gray.abort` is that of the grey release, in its folder."""
    grey = {
        "id": "d-2",
        "info": {"gray": {"deploy": "true", "abort": "cat version"}},
        "files": {"grey.tar": bench.put(_plain_tar({"version": "the-grey-one"}))},
    }

    ended = bench.run("abort", "d-3", {"deploy": "true"}, live={"id": "d-1"}, gray=grey)

    assert ended.code == 0, ended.output
    assert "the-grey-one" in ended.output


@pytest.mark.parametrize("act", ["deploy", "rollback"])
def test_new_stable_release_ends_a_grey_one(bench: DeployBench, act: str) -> None:
    """Once it is healthy, what a grey release put out is taken away by its own text."""
    info = {"deploy": "echo deploying", "status": "echo looking"}
    grey: dict[str, object] = {"id": "d-2", "info": {"gray": {"abort": "echo aborting; exit 1"}}}
    live = {"id": "d-1"}

    stuck = bench.run(act, "d-3", info, live=live, gray=grey)
    grey["info"] = {"gray": {"abort": "echo aborting"}}
    ended = bench.run(act, "d-4", info, live=live, gray=grey)
    grey["info"] = {}
    plain = bench.run(act, "d-5", info, live=live, gray=grey)
    grey["info"] = {"gray": {"abort": 5}}
    wrong = bench.run(act, "d-6", info, live=live, gray=grey)

    assert (stuck.code, ended.code, plain.code, wrong.code) == (1, 0, 0, 0), ended.output
    assert "the grey release is still out" in stuck.output
    steps = [line for line in ended.output.splitlines() if line in _STEPS]
    assert steps == _STEPS
    assert "gray.abort is missing" in plain.output
    assert "gray.abort must be a text: what the grey release put out stays" in wrong.output


_STEPS = ["deploying", "looking", "aborting"]


def test_other_interpreter(bench: DeployBench) -> None:
    """A first line with `#!` chooses what runs the text."""
    ended = bench.run("deploy", "d-1", {"deploy": "#!/usr/bin/env python3\nprint(6 * 7)\n"})

    assert ended.code == 0
    assert "42" in ended.output


def test_text_that_takes_too_long_is_ended(bench: DeployBench, tmp_path: Path) -> None:
    """After `timeout_s` the text and its children are killed, and the act has failed."""
    text = f"echo {tmp_path}; sleep 1000 & sleep 1000"

    ended = bench.run("deploy", "d-1", {"deploy": text, "timeout_s": 0.3})

    assert ended.code == EXIT_FAILED
    assert "0.3 s" in ended.output
    until(lambda: not find_processes(str(bench.root)))


def test_missing_bytes_are_unreachable(bench: DeployBench) -> None:
    """A file that the store doesn't have is not the release's fault."""
    ended = bench.run("deploy", "d-1", {"deploy": "true"}, files={"a.tar": "0" * 64})

    assert ended.code == EXIT_UNREACHABLE


@pytest.mark.parametrize("reached", [True, False], ids=["done", "not done"])
def test_resumed_act_asks_the_target_first(
    bench: DeployBench, tmp_path: Path, *, reached: bool
) -> None:
    """After a kill `status` decides whether `deploy` runs again, under the same id."""
    seen, gate, there = (tmp_path / name for name in ("seen", "gate", "there"))
    text = (
        f"echo $MULLIGAN_DEPLOYMENT >>{seen}; "
        + (f"touch {there}; " if reached else "")
        + f"while ! test -e {gate}; do sleep 0.01; done; touch {there}"
    )
    info = {"deploy": text, "status": f"test -e {there}"}
    order = bench.order("deploy", "d-1", info)
    driver = bench.begin(order)
    until(lambda: read(seen) and there.exists() == reached)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    until(lambda: not kill_all(str(bench.root)))
    driver.communicate()
    gate.touch()

    ended = bench.run("deploy", "d-1", info, resume=True)

    assert ended.code == 0, ended.output
    assert read(seen) == ["d-1"] * (1 if reached else 2)


def test_resumed_act_that_never_began_is_not_asked_about(
    bench: DeployBench, tmp_path: Path
) -> None:
    """A status that only says that something is healthy doesn't hide that nothing was deployed."""
    seen = tmp_path / "seen"
    info = {"deploy": f"echo deploy >>{seen}", "status": f"echo status >>{seen}"}

    bench.run("deploy", "d-1", info, resume=True)

    assert read(seen) == ["deploy", "status"]


@pytest.mark.parametrize(
    ("status", "code", "runs"), [("exit 69", EXIT_UNREACHABLE, 1), ("exit 1", EXIT_FAILED, 2)]
)
def test_resumed_act_whose_target_says_no(
    bench: DeployBench, tmp_path: Path, status: str, code: int, runs: int
) -> None:
    """A target that doesn't answer is not deployed to blindly; one that says no is."""
    seen = tmp_path / "seen"
    info = {"deploy": f"echo deploy >>{seen}", "status": status}
    bench.run("deploy", "d-1", info)

    ended = bench.run("deploy", "d-1", info, resume=True)

    assert ended.code == code
    assert len(read(seen)) == runs


def test_undecodable_output_passes(bench: DeployBench, tmp_path: Path) -> None:
    """What a text prints goes through as it is; a name that is no text is told all the same."""
    ended = bench.run("deploy", "d-1", {"deploy": "echo grün; exit 4"})

    assert ended.code == EXIT_FAILED
    assert "grün" in ended.output


def _plain_tar(files: dict[str, str]) -> bytes:
    import gzip

    return gzip.decompress(tar(files))
