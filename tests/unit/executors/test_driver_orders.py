"""Kind "deploy": the order that a driver gets, and what is made of its end."""

import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mulligan.executors.keeper.client import Keeper, KeeperError
from mulligan.executors.kinds import deploy
from mulligan.executors.work import Work
from mulligan.logs.store import LogFiles
from mulligan.ports import LateEnd
from step_bench import a_bench

pytestmark = pytest.mark.anyio

# Stands for a driver: shows its order, writes what the order's info says, ends as it says.
DRIVER = """
import json, os, sys, time
order = json.load(open(sys.argv[1]))
info = order["info"]
if "show" in info:
    order["mode"] = oct(os.stat(sys.argv[1]).st_mode & 0o777)
    order["secret"] = os.environ.get("SECRET")
    print(json.dumps(order))
if "raw" in info:
    open(order["result"], "w").write(info["raw"])
if "big" in info:
    open(order["result"], "w").write('{"a": "' + "x" * (1 << 20) + '"}')
if "wait" in info:
    print("ready", flush=True)
    while not os.path.exists(info["wait"]):
        time.sleep(0.01)
sys.exit(info.get("exit", 0))
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a stand-in for the driver `command` in its place."""
    folder = tmp_path / "drivers"
    folder.mkdir()
    (folder / "command.py").write_text(DRIVER)
    monkeypatch.setattr(deploy, "_DRIVERS", folder)
    return folder


def inputs(**info: Any) -> dict[str, Any]:
    """Make the inputs of a deploy step."""
    order = {"act": "deploy", "driver": "command", "key": "default/prod/shop", "info": info}
    return {"order": order | {"image_name": "team/shop:1", "deployment": "d-1"}}


async def test_order_gets_what_only_this_machine_knows(tmp_path: Path, driver: Path) -> None:
    """Paths, image registry, limits; the file is private, the run's variables are not passed on."""
    async with a_bench(tmp_path / "data", registry="127.0.0.1:5000") as bench:
        await bench.run("deploy", inputs(show=1), env={"SECRET": "x"})
        order = json.loads(bench.log())

    name = hashlib.sha256(b"default/prod/shop").hexdigest()[:32]
    assert order["root"] == str(tmp_path / "data" / "environments" / name)
    assert order["store"] == str(tmp_path / "data" / "artifacts")
    assert order["image"] == "127.0.0.1:5000/team/shop:1"
    assert order["keeper"]["data"] == str(tmp_path / "data")
    assert (order["private_ok"], order["timeout_s"], order["deployment"]) == (True, 60.0, "d-1")
    assert (order["mode"], order["secret"]) == ("0o600", None)
    assert name in os.listdir(tmp_path / "data" / "environments")


@pytest.mark.parametrize(
    ("code", "cause"), [(0, "exit"), (1, "exit"), (69, "unreachable"), (70, "exit")]
)
async def test_end_of_a_driver(tmp_path: Path, driver: Path, code: int, cause: str) -> None:
    """Exit code 69 means that the target was not reached; the result comes with every end."""
    async with a_bench(tmp_path / "data") as bench:
        end = await bench.run("deploy", inputs(exit=code, raw='{"state": {"n": 1}}'))

    assert (end.cause, end.exit_code) == (cause, code)
    assert end.result == {"state": {"n": 1}}


@pytest.mark.parametrize("info", [{"raw": "[]"}, {"raw": "{"}, {"raw": "[" * 100_000}, {"big": 1}])
async def test_result_that_is_no_small_object_fails(
    tmp_path: Path, driver: Path, info: dict[str, Any]
) -> None:
    """A driver that says "good" but leaves a bad result is not believed."""
    async with a_bench(tmp_path / "data") as bench:
        end = await bench.run("deploy", inputs(**info))
        failed = await bench.run("deploy", inputs(**info, exit=1))

    assert (end.cause, end.result) == ("files", None)
    assert (failed.cause, failed.exit_code, failed.result) == ("exit", 1, None)


async def test_driver_without_a_result_is_good(tmp_path: Path, driver: Path) -> None:
    """Nothing has to be kept in the ledger; and nothing of an earlier step is taken for it."""
    async with a_bench(tmp_path / "data") as bench:
        order = bench.order("deploy", inputs(raw="{}"))
        first = await bench.work.run_step(order, 60)
        second = await bench.work.run_step(
            bench.order("deploy", inputs(), job_attempt=1, fence=1, step_attempt=2), 60
        )

    assert (first.result, second.result) == ({}, None)


async def test_unknown_driver_is_a_fault_of_the_definition(tmp_path: Path) -> None:
    """Its name and the known ones are told."""
    async with a_bench(tmp_path / "data") as bench:
        order = inputs()["order"] | {"driver": "../x"}
        end = await bench.run("deploy", {"order": order})
        none = await bench.run("deploy", {})

    assert (end.cause, none.cause) == ("config", "config")
    assert "kubernetes" in end.message


SERVER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from mulligan.executors.keeper.client import Keeper, KeeperError
from mulligan.executors.kinds import deploy
from step_bench import a_bench

async def main(root, _tests, drivers, wait):
    deploy._DRIVERS = Path(drivers)
    async with a_bench(Path(root)) as bench:
        info = {"raw": '{"state": 5}', "wait": wait, "exit": 69}
        order = {"act": "deploy", "driver": "command", "key": "k", "info": info}
        step = asyncio.create_task(bench.run("deploy", {"order": order}))
        print("ready", flush=True)
        log = Path(root) / "logs"
        while not any("ready" in file.read_text() for file in log.rglob("*.log")):
            await asyncio.sleep(0.01)
        Path(wait).touch()
        sys.stdout.write("waiting\\n"); sys.stdout.flush()
        sys.stdin.read()  # the loop stands still: the end comes and is not taken

asyncio.run(main(*sys.argv[1:]))
"""


def run_and_kill_a_server(root: Path, driver: Path, go: Path) -> None:
    """Let a server run a deployment whose end it can't hear, and kill it."""
    tests = Path(__file__).parents[2]
    argv = [sys.executable, "-c", SERVER, str(root), str(tests), str(driver), str(go)]
    spool = root / "spool" / "host.jsonl"
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        server.stdout.readline()
        deadline = time.monotonic() + 20
        while not spool.exists() or not spool.read_bytes():
            assert time.monotonic() < deadline, "the end of the step is not in the spool"
            time.sleep(0.01)
        server.kill()


async def test_end_that_nobody_heard_comes_late(tmp_path: Path, driver: Path) -> None:
    """When the server is killed, its next life has the end of the driver and its result."""
    root = tmp_path / "data"
    await asyncio.to_thread(run_and_kill_a_server, root, driver, tmp_path / "go")

    lives = [await late_ends_of_a_life(root, forgets=forgets) for forgets in (False, True, False)]

    for late in lives[:2]:  # the first of them ended before it had stored what it found
        assert [(each.end.cause, each.end.exit_code) for each in late] == [("unreachable", 69)]
        assert late[0].end.result == {"state": 5}
    assert lives[2] == ()
    assert [*(root / "steps").iterdir()] == []


async def late_ends_of_a_life(root: Path, *, forgets: bool) -> tuple[LateEnd, ...]:
    """Let a server start, look at what an earlier life left, and end."""
    work = Work(root=root, logs=LogFiles(root / "logs"), on_output=lambda _run: None)
    await work.open()
    late = await work.late_ends()
    if forgets:
        await work.forget_late_ends()
    await work.close()
    return late


async def test_process_driver_finds_the_keeper(tmp_path: Path, driver: Path) -> None:
    """The keeper runs before the first driver that needs it, and outlives the server."""
    (driver / "process.py").write_text(DRIVER)
    root = tmp_path / "data"
    keeper = Keeper(root)
    order = inputs()["order"] | {"driver": "process"}
    try:
        async with a_bench(root) as bench:
            before = "keeper.sock" in os.listdir(root)
            end = await bench.run("deploy", {"order": order})
            first = await asyncio.to_thread(keeper.ping)
        stayed = await asyncio.to_thread(keeper.ping)
    finally:
        with contextlib.suppress(KeeperError):
            await asyncio.to_thread(keeper.shutdown)

    assert (before, end.exit_code) == (False, 0)
    assert first == stayed


async def test_known_services_have_a_keeper_from_the_start(tmp_path: Path) -> None:
    """Where services of an earlier life are known, the keeper runs without being asked for."""
    root = tmp_path / "data"
    root.mkdir()
    (root / "keeper.json").write_text('{"services": []}')
    keeper = Keeper(root)
    deadline = time.monotonic() + 20
    pid = 0
    try:
        async with a_bench(root):
            while not pid:
                assert time.monotonic() < deadline, "no keeper answers"
                with contextlib.suppress(KeeperError):
                    pid = await asyncio.to_thread(keeper.ping)
                await asyncio.sleep(0.01)
    finally:
        with contextlib.suppress(KeeperError):
            await asyncio.to_thread(keeper.shutdown)

    assert pid > 0
