"""The deploy driver `process`, with a real keeper and real servers."""

from __future__ import annotations

import ast
import asyncio
import http.server
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.deploy_bench import DeployBench, Ended, tar
from conformance.keeper_bench import KEY, KeeperBench, free_port, get, open_bench, until
from mulligan.executors.deploy import process
from mulligan.executors.local import LocalExecutor
from mulligan.executors.values import StepRequest

EXIT_FAILED = 1
EXIT_UNREACHABLE = 69


class World:
    """A keeper, an environment and two ports."""

    def __init__(self, keeper: KeeperBench, deploy: DeployBench) -> None:
        self.keeper = keeper
        self.deploy = deploy
        self.port = free_port()
        self.grey_port = free_port()

    def info(self, **changes: Any) -> dict[str, Any]:
        """Return an `input_info` of the sample."""
        return {
            "environment": "prod",
            "application": "shop",
            "start": f"exec python3 -IS app.py {self.port}",
            "health": {"url": f"http://127.0.0.1:{self.port}/healthz", "timeout_s": 20},
            "stop_timeout_s": 5,
            "gray": {
                "start": f"exec python3 -IS app.py {self.grey_port}",
                "health": {"url": f"http://127.0.0.1:{self.grey_port}/healthz", "timeout_s": 20},
                "strategy": "canary",
            },
        } | changes

    def run(self, act: str, deployment: str, version: str, **changes: Any) -> Ended:
        """Run the driver for a version of the sample."""
        info = changes.pop("info", self.info())
        if "files" not in changes:
            changes["files"] = self.deploy.app(version)
        return self.deploy.run(act, deployment, info, **changes)

    def release(self, deployment: str, version: str) -> dict[str, Any]:
        """Return what the ledger says about a version that is live or grey."""
        return {
            "id": deployment,
            "info": self.info(),
            "image_name": "",
            "files": self.deploy.app(version),
            "result": {},
        }

    def live(self) -> str:
        """Return the version that answers."""
        return get(self.port)[1]

    def grey(self) -> str:
        """Return the grey version that answers."""
        return get(self.grey_port)[1]

    def status(self, slot: str = "stable") -> dict[str, Any]:
        """Return what the keeper says."""
        return self.keeper.keeper.status(KEY, slot)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Give an environment where nothing is deployed; fail if processes are left."""
    with open_bench(tmp_path) as keeper:
        yield World(keeper, DeployBench(tmp_path / "d", "process", keeper.data))


# --- deploy -----------------------------------------------------------------------------------


def test_release_is_live_when_it_is_healthy(world: World) -> None:
    """A deployed release answers, is committed, and `current` and the result name it."""
    ended = world.run("deploy", "d-1", "one")

    assert ended.code == 0, ended.output
    assert "listening as one" in ended.output
    assert world.live() == "one"
    assert (world.status()["deployment"], world.status()["keep"]) == ("d-1", True)
    assert (world.deploy.root / "current" / "version").read_text() == "one"
    assert ended.result["state"]["deployment"] == "d-1"
    assert ended.result["state"]["service"]["key"] == KEY


def test_next_release_takes_the_place(world: World) -> None:
    """The old process is gone when the new one is live, on the same port."""
    world.run("deploy", "d-1", "one")
    old = world.status()["pid"]

    ended = world.run("deploy", "d-2", "two", live=world.release("d-1", "one"))

    assert ended.code == 0, ended.output
    assert world.live() == "two"
    assert not Path(f"/proc/{old}").exists()
    assert os.readlink(world.deploy.root / "current") == "releases/d-2"


def test_live_process_comes_back(world: World) -> None:
    """What is live is started again when it dies."""
    world.run("deploy", "d-1", "one")
    old = world.status()["pid"]

    os.kill(old, signal.SIGKILL)

    until(lambda: world.live() == "one")
    assert world.status()["pid"] != old


def test_process_that_ends_is_a_failure_at_once(world: World) -> None:
    """A process that ends is not waited for; its output is in the log, nothing of it is left."""
    info = world.info(start="echo the-reason; sleep 1000 & exit 3")

    ended = world.run("deploy", "d-1", "one", info=info)

    assert ended.code == EXIT_FAILED
    assert "the-reason" in ended.output
    assert "exit 3" in ended.output
    assert "not healthy within" not in ended.output
    assert world.status()["state"] == "absent"
    assert world.keeper.processes() == []


def test_sick_process_is_stopped_when_the_time_is_over(world: World) -> None:
    """A process that answers with an error is ended after the time of the health check."""
    info = world.info(health={"url": f"http://127.0.0.1:{world.port}/healthz", "timeout_s": 4})
    files = world.deploy.app("one", sick="yes")

    ended = world.run("deploy", "d-1", "one", info=info, files=files)

    assert ended.code == EXIT_FAILED
    assert "status 500" in ended.output
    assert world.status()["state"] == "absent"
    assert get(world.port)[0] == 0
    assert not (world.deploy.root / "current").exists()


def test_answer_of_somebody_else_does_not_count(world: World) -> None:
    """A stranger's 2xx on the port doesn't make a release healthy that doesn't listen."""
    server = http.server.HTTPServer(("127.0.0.1", world.port), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    health = {"url": f"http://127.0.0.1:{world.port}/", "timeout_s": 1.5}
    try:
        ended = world.run(
            "deploy", "d-1", "one", info=world.info(start="exec sleep 1000", health=health)
        )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

    assert ended.code == EXIT_FAILED
    assert "another process answers" in ended.output


def test_without_a_health_check_it_must_stay_alive(world: World) -> None:
    """Without `health` a process that goes on is healthy, one that ends is not."""
    good = world.info(start="exec sleep 1000", health=None)
    bad = world.info(start="sleep 0.2; exit 1", health=None)

    alive = world.run("deploy", "d-1", "one", info=good)
    dead = world.run("deploy", "d-2", "two", info=bad)

    assert (alive.code, dead.code) == (0, EXIT_FAILED)


@pytest.mark.parametrize("kind", ["tcp", "command"])
def test_other_health_checks(world: World, kind: str) -> None:
    """A TCP connection or a command, run beside the release, tell the health as well."""
    check = {"tcp": f"localhost:{world.port}", "command": 'test "$(cat version)" = one'}[kind]

    ended = world.run("deploy", "d-1", "one", info=world.info(health={kind: check}))

    assert ended.code == 0, ended.output


def test_environment_of_the_process(world: World) -> None:
    """A process has a clean environment, its own variables and nothing of the server."""
    info = world.info(env={"GREETING": "hello", "NUMBER": 7})
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "MULLIGAN_SECRET": "x",
        "TOKEN": "x",
        "MULLIGAN_STEP": "x",
    }

    ended = world.run("deploy", "d-1", "one", info=info, env=env)

    assert ended.code == 0, ended.output
    seen = ast.literal_eval(get(world.port, "/env")[1])
    assert (seen["GREETING"], seen["NUMBER"], seen["HOME"]) == ("hello", "7", "/tmp")
    assert seen["MULLIGAN_DEPLOYMENT"] == "d-1"
    assert Path(seen["MULLIGAN_RELEASE_DIR"], "version").read_text() == "one"
    assert not {"MULLIGAN_SECRET", "MULLIGAN_STEP", "TOKEN"} & seen.keys()
    assert "hello" not in ended.result["manifest"]


def test_first_line_chooses_the_interpreter(world: World) -> None:
    """A `start` with `#!` in its first line is run by that program."""
    start = "#!/usr/bin/env python3\nimport os\nos.execlp('sleep', 'sleep', '1000')\n"

    ended = world.run("deploy", "d-1", "one", info=world.info(start=start, health=None))

    assert ended.code == 0, ended.output


def test_artifact_names_the_release_among_several_files(world: World) -> None:
    """With several files `artifact` is unpacked, the others lie beside it as they are."""
    files = world.deploy.app("one") | {
        "other.tar.gz": world.deploy.put(tar({"version": "wrong"})),
        "notes.txt": world.deploy.put(b"notes"),
    }

    ended = world.run("deploy", "d-1", "one", files=files, info=world.info(artifact="app.tar.gz"))

    assert ended.code == 0, ended.output
    assert world.live() == "one"
    current = world.deploy.root / "current"
    assert {"notes.txt", "other.tar.gz", "app.py"} <= {path.name for path in current.iterdir()}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"start": None}, "start"),
        ({"start": "  "}, "start"),
        ({"start": 7}, "start"),
        ({"start": "#!/no/such/program\n"}, "start"),
        ({"start": "echo \0"}, "start"),
        ({"env": ["A=1"]}, "env"),
        ({"env": {"A B": "1"}}, "env"),
        ({"env": {"A": {}}}, "env.A"),
        ({"health": {"url": "ftp://127.0.0.1/"}}, "health.url"),
        ({"health": {"url": "http://u:p@127.0.0.1/"}}, "health.url"),
        ({"health": {"url": "http://127.0.0.1:99999/"}}, "health.url"),
        ({"health": {"url": "http://127.0.0.1/a b"}}, "health.url"),
        ({"health": {"tcp": "127.0.0.1"}}, "health.tcp"),
        ({"health": {"url": "http://a/", "tcp": "a:1"}}, "health"),
        ({"health": {"timeout_s": 3}}, "health"),
        ({"health": "http://127.0.0.1/"}, "health"),
        ({"health": {"tcp": "a:1", "timeout_s": "long"}}, "health.timeout_s"),
        ({"health": {"tcp": "a:1", "timeout_s": 0}}, "health.timeout_s"),
        ({"stop_timeout_s": -1}, "stop_timeout_s"),
        ({"artifact": "lost.tar.gz"}, "artifact"),
    ],
)
def test_bad_input_info_is_named_before_anything_is_done(
    world: World, change: dict[str, Any], named: str
) -> None:
    """A wrong key fails the act with its name, and what is live stays live."""
    world.keeper.start("exec sleep 1000", deployment="d-0", keep=True)

    ended = world.run("deploy", "d-1", "one", info=world.info(**change))

    assert ended.code == EXIT_FAILED
    assert f"input_info: {named}" in ended.output
    assert world.status()["deployment"] == "d-0"


def test_several_files_need_an_artifact(world: World) -> None:
    """With two files somebody must say which one is the release."""
    files = world.deploy.app("one") | {"notes.txt": world.deploy.put(b"notes")}

    ended = world.run("deploy", "d-1", "one", files=files)

    assert ended.code == EXIT_FAILED
    assert "input_info: artifact" in ended.output


def test_without_a_keeper_the_target_is_unreachable(world: World) -> None:
    """Without the keeper nothing is said about the release."""
    world.keeper.keeper.shutdown()

    ended = world.run("deploy", "d-1", "one")

    assert ended.code == EXIT_UNREACHABLE
    assert "keeper" in ended.output


def test_missing_bytes_leave_what_is_live(world: World) -> None:
    """A file that is not in the store, or not the one that it should be, stops nothing."""
    world.keeper.start("exec sleep 1000", deployment="d-0", keep=True)
    files = world.deploy.app("one")
    path = next(path for path in world.deploy.store.rglob("*") if path.is_file())

    path.write_bytes(b"other")
    changed = world.run("deploy", "d-1", "one", files=files)
    path.unlink()
    missing = world.run("deploy", "d-2", "one", files=files)

    assert (changed.code, missing.code) == (EXIT_UNREACHABLE, EXIT_UNREACHABLE)
    assert world.status()["deployment"] == "d-0"


def test_old_releases_are_removed_but_not_what_runs(world: World) -> None:
    """Twenty releases are kept, and those that are live, grey or run."""
    world.run("deploy", "d-live", "one", info=world.info(health=None))
    releases = world.deploy.root / "releases"
    for number in range(30):
        (releases / f"d-{number}").mkdir()
        path = releases / f"d-{number}.json"
        path.write_text("{}")
        os.utime(path, (2e9 + number, 2e9 + number))

    ended = world.run("gray", "d-grey", "two", live=world.release("d-live", "one"))

    assert ended.code == 0, ended.output
    folders = {path.name for path in releases.iterdir() if path.is_dir()}
    assert folders == {"d-live", "d-grey", *(f"d-{number}" for number in range(10, 30))}


# --- grey -------------------------------------------------------------------------------------


def test_grey_needs_something_live(world: World) -> None:
    """There is no grey release beside nothing."""
    ended = world.run("gray", "d-1", "one")

    assert ended.code == EXIT_FAILED
    assert "live" in ended.output
    assert world.keeper.processes() == []


@pytest.mark.parametrize("gray", [None, {}, {"strategy": "canary"}, 7])
def test_grey_needs_a_start_of_its_own(world: World, gray: object) -> None:
    """The stable `start` is not taken for the grey process: it would want the same port."""
    ended = world.run(
        "gray",
        "d-2",
        "two",
        info=world.info(gray=gray),
        live=world.release("d-1", "one"),
    )

    assert ended.code == EXIT_FAILED
    assert "gray" in ended.output


def test_grey_release_is_promoted(world: World) -> None:
    """A grey release runs beside the stable one; promoted, it is the stable one and alone."""
    world.run("deploy", "d-1", "one")
    live = world.release("d-1", "one")

    grey = world.run("gray", "d-2", "two", live=live)
    both = (world.live(), world.grey())
    promoted = world.run("promote", "d-3", "two", live=live, gray=world.release("d-2", "two"))

    assert (grey.code, promoted.code) == (0, 0), grey.output + promoted.output
    assert both == ("one", "two")
    assert (world.live(), world.grey()) == ("two", "")
    assert world.status("grey")["state"] == "absent"
    assert world.status()["deployment"] == "d-3"


def test_grey_release_is_rolled_back(world: World) -> None:
    """The end of a grey release leaves the stable process as it was."""
    world.run("deploy", "d-1", "one")
    live = world.release("d-1", "one")
    world.run("gray", "d-2", "two", live=live)
    stable = world.status()["pid"]

    ended = world.run("abort", "d-3", "one", live=live, gray=world.release("d-2", "two"))

    assert ended.code == 0, ended.output
    assert (world.live(), world.grey()) == ("one", "")
    assert world.status()["pid"] == stable


@pytest.mark.parametrize("act", ["deploy", "rollback"])
def test_new_stable_release_ends_a_grey_one(world: World, act: str) -> None:
    """Also one of another pipeline, which knows nothing of the grey release."""
    world.run("deploy", "d-1", "one")
    live = world.release("d-1", "one")
    world.run("gray", "d-2", "two", live=live)

    ended = world.run(act, "d-3", "one", live=live, gray=world.release("d-2", "two"))

    assert ended.code == 0, ended.output
    assert (world.live(), world.grey()) == ("one", "")
    assert world.status("grey")["state"] == "absent"


def test_rolling_back_a_grey_release_brings_the_stable_one_back(world: World) -> None:
    """If the stable process is not there any more, it is started again as it was."""
    world.run("deploy", "d-1", "one")
    live = world.release("d-1", "one")
    world.run("gray", "d-2", "two", live=live)
    gray = world.release("d-2", "two")
    broken = world.info(start="exit 1")
    failed = world.run("promote", "d-3", "two", info=broken, live=live, gray=gray)
    while_failed = (world.live(), world.grey())

    ended = world.run("abort", "d-4", "one", live=live, gray=gray)

    assert failed.code == EXIT_FAILED
    assert while_failed == ("", "two")
    assert ended.code == 0, ended.output
    assert (world.live(), world.grey()) == ("one", "")
    assert world.status()["deployment"] == "d-1"
    assert world.status()["keep"] is True


def test_grey_release_on_the_stable_port_is_not_healthy(world: World) -> None:
    """The stable process' answer doesn't make a grey one healthy."""
    world.run("deploy", "d-1", "one")
    health = {"url": f"http://127.0.0.1:{world.port}/healthz", "timeout_s": 1.5}
    info = world.info(gray={"start": "exec sleep 1000", "health": health})

    ended = world.run("gray", "d-2", "two", info=info, live=world.release("d-1", "one"))

    assert ended.code == EXIT_FAILED
    assert world.live() == "one"
    assert world.status("grey")["state"] == "absent"


# --- rollback ---------------------------------------------------------------------------------


def test_rollback_restores_bytes_and_texts(world: World) -> None:
    """What was live before is unpacked anew, whatever happened to its old folder."""
    world.run("deploy", "d-1", "one")
    world.run("deploy", "d-2", "two", live=world.release("d-1", "one"))
    (world.deploy.root / "releases" / "d-1" / "version").write_text("spoiled")

    ended = world.run("rollback", "d-3", "one", live=world.release("d-2", "two"))

    assert ended.code == 0, ended.output
    assert world.live() == "one"
    assert world.status()["deployment"] == "d-3"


def test_rollback_to_a_sick_release_fails(world: World) -> None:
    """A rollback is verified as a deployment is."""
    ended = world.run("rollback", "d-3", "one", info=world.info(start="exit 1"))

    assert ended.code == EXIT_FAILED
    assert world.status()["state"] == "absent"


# --- cut off ----------------------------------------------------------------------------------


def test_resumed_act_that_was_done_is_not_done_again(world: World) -> None:
    """What runs already and is healthy is only committed."""
    world.run("deploy", "d-1", "one")
    pid = world.status()["pid"]

    ended = world.run("deploy", "d-1", "one", resume=True)

    assert ended.code == 0, ended.output
    assert world.status()["pid"] == pid


def test_driver_that_was_killed_is_resumed(world: World) -> None:
    """A process under trial whose driver was killed is taken as it is, and committed."""
    gate = world.deploy.root.parent / "gate"
    info = world.info(health={"command": f"test -e {gate}", "timeout_s": 20})
    order = world.deploy.order("deploy", "d-1", info, files=world.deploy.app("one"))
    driver = world.deploy.begin(order)
    until(lambda: world.live() == "one")
    pid = world.status()["pid"]
    os.killpg(driver.pid, signal.SIGKILL)
    driver.communicate()
    kept = world.status()["keep"]
    gate.touch()

    ended = world.run("deploy", "d-1", "one", info=info, resume=True)

    assert kept is False
    assert ended.code == 0, ended.output
    assert (world.status()["pid"], world.status()["keep"]) == (pid, True)


def test_resumed_act_that_was_not_done_is_done(world: World) -> None:
    """An act of which the keeper knows nothing is done from its start."""
    world.run("deploy", "d-1", "one")

    ended = world.run("deploy", "d-2", "two", resume=True, live=world.release("d-1", "one"))

    assert ended.code == 0, ended.output
    assert world.live() == "two"


def test_keeper_that_is_killed_in_the_middle_is_unreachable(world: World) -> None:
    """The release is not blamed for the keeper's end; after its return the act can be resumed."""
    gate = world.deploy.root.parent / "gate"
    info = world.info(health={"command": f"test -e {gate}", "timeout_s": 30})
    order = world.deploy.order("deploy", "d-1", info, files=world.deploy.app("one"))
    driver = world.deploy.begin(order)
    until(lambda: world.live() == "one")
    world.keeper.kill_keeper()
    ended = world.deploy.finish(driver, order)
    world.keeper.start_keeper()
    gate.touch()

    again = world.run("deploy", "d-1", "one", info=info, resume=True)

    assert ended.code == EXIT_UNREACHABLE
    assert again.code == 0, again.output
    until(lambda: world.live() == "one")  # its health check asks for a file, not for an answer


def test_two_drivers_at_once_leave_one_process(world: World) -> None:
    """Whoever of two wins, what runs is one committed release, and its driver said so."""
    orders = [
        world.deploy.order("deploy", name, world.info(), files=world.deploy.app(name))
        for name in ("d-1", "d-2")
    ]

    drivers = [world.deploy.begin(order) for order in orders]
    ends = [
        world.deploy.finish(driver, order) for driver, order in zip(drivers, orders, strict=True)
    ]

    winners = {name for name, end in zip(("d-1", "d-2"), ends, strict=True) if end.code == 0}
    assert world.status()["deployment"] in winners
    assert world.status()["keep"] is True
    assert world.live() == world.status()["deployment"]


@pytest.mark.anyio
@pytest.mark.parametrize("isolation", ["auto", "subreaper"])
async def test_process_outlives_the_step_that_deployed_it(
    world: World, tmp_path: Path, isolation: str
) -> None:
    """The step host ends everything of a step; what the keeper started goes on."""
    order = world.deploy.order("deploy", "d-1", world.info(), files=world.deploy.app("one"))
    executor = LocalExecutor(spool_path=str(tmp_path / "spool"), isolation=isolation)
    await executor.start()
    request = StepRequest(
        token="t",
        job_token="j",
        run_id="r",
        argv=(sys.executable, str(Path(process.__file__)), str(order)),
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        cwd=str(tmp_path),
        temp_dir=str(tmp_path),
        log_path=str(tmp_path / "log"),
        step_id="e",
    )

    result = await executor.run_step(request)
    await executor.end_job("j")
    await executor.close()

    printed = await asyncio.to_thread(Path(request.log_path).read_text)
    assert result.exit_code == 0, printed
    assert "listening as one" in printed
    assert await asyncio.to_thread(world.live) == "one"


def test_order_that_can_not_be_read_is_nobodys_release(world: World) -> None:
    """A broken order is a fault of the engine."""
    order = world.deploy.order("deploy", "d-1", {})
    order.write_text("{")

    ended = world.deploy.finish(world.deploy.begin(order), _a_good_order(world))

    assert ended.code == EXIT_UNREACHABLE


def _a_good_order(world: World) -> Path:
    return world.deploy.order("deploy", "d-9", {})
