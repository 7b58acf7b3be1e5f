"""The keeper, with real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conformance.keeper_bench import KEY, KeeperBench, find_processes, open_bench, until
from mulligan.executors.keeper.client import (
    Keeper,
    KeeperError,
    KeeperRefusedError,
    connect,
    ensure,
    ensure_services,
    start_keeper,
)
from mulligan.executors.keeper.family import find_start_ticks
from mulligan.executors.keeper.log_file import MAX_LOG_BYTES
from mulligan.executors.keeper.service import (
    LONGEST_PAUSE_S,
    PROVEN_AFTER_S,
    count_pauses,
    pause_before,
)

SLEEP = "exec sleep 1000"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[KeeperBench]:
    """Give a keeper that runs; fail if processes are left."""
    with open_bench(tmp_path) as opened:
        yield opened


# --- the keeper -------------------------------------------------------------------------------


def test_second_start_finds_the_first_keeper(bench: KeeperBench) -> None:
    """There is one keeper for each directory, however often and at once it is started."""
    first = bench.keeper.ping()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start_keeper, [bench.data] * 4))

    assert bench.keeper.ping() == first
    assert find_processes(f"--data\0{bench.data}") == [first]


def test_starts_at_once_leave_one_keeper(bench: KeeperBench) -> None:
    """Of several that are started where there is none, one stays."""
    bench.kill_keeper()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start_keeper, [bench.data] * 4))

    until(lambda: len(find_processes(f"--data\0{bench.data}")) == 1)


def test_socket_is_for_the_owner_only(bench: KeeperBench) -> None:
    """Nobody else may talk to the keeper or read what it keeps."""
    bench.start(SLEEP)

    modes = {
        name: stat.S_IMODE((bench.data / name).stat().st_mode)
        for name in ("keeper.sock", "keeper.json", "keeper.lock")
    }

    assert modes == {"keeper.sock": 0o600, "keeper.json": 0o600, "keeper.lock": 0o600}


def test_path_may_be_longer_than_a_socket_address(tmp_path: Path) -> None:
    """A data directory whose path has more than 107 bytes works as any other."""
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    folder.mkdir(parents=True)

    with open_bench(folder) as bench:
        status = bench.start(SLEEP)

        assert status["state"] == "running"
        assert bench.status()["pid"] == status["pid"]


def test_keeper_is_not_part_of_the_session_that_started_it(bench: KeeperBench) -> None:
    """It has a session of its own and another parent, so it outlives who started it."""
    pid = bench.keeper.ping()

    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()

    assert int(fields[1]) != os.getpid()
    assert os.getsid(pid) != os.getsid(0)


def test_no_keeper_is_an_error_that_names_the_directory(tmp_path: Path) -> None:
    """A client without a keeper is told so."""
    with pytest.raises(KeeperError, match=str(tmp_path)):
        Keeper(tmp_path).ping()


def test_keeper_that_can_not_start_is_an_error(tmp_path: Path) -> None:
    """A directory that is not there has no keeper."""
    with pytest.raises(KeeperError):
        start_keeper(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "line", [b"{\n", b"[]\n", b"\xff\n", b"7\n", b"[" * 100_000 + b"\n", b"x" * 5_000_000]
)
def test_garbage_only_ends_its_own_connection(bench: KeeperBench, line: bytes) -> None:
    """What is no request costs the client its connection and nothing else."""
    with connect(os.fspath(bench.data), 10.0) as connection:
        try:
            connection.sendall(line)
            assert connection.recv(10) == b""
        except (ConnectionResetError, BrokenPipeError):
            pass  # closed while there was more to come

    assert bench.is_keeper_there()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"slot": "blue"}, "slot"),
        ({"key": ""}, "key"),
        ({"argv": []}, "argv"),
        ({"argv": ["sh"]}, "argv"),
        ({"env": {"A": 1}}, "env"),
        ({"cwd": None}, "cwd"),
        ({"grace": -1}, "grace"),
        ({"grace": float("nan")}, "grace"),
        ({"grace": True}, "grace"),
    ],
)
def test_bad_service_is_refused(bench: KeeperBench, change: dict[str, object], named: str) -> None:
    """A service that is not described well is refused by name of what is wrong."""
    with pytest.raises(KeeperRefusedError, match=named) as refusal:
        bench.start(SLEEP, **change)

    assert refusal.value.code == "invalid"


def test_client_that_goes_away_while_it_waits_is_forgotten(bench: KeeperBench) -> None:
    """An answer that nobody takes any more harms nobody."""
    bench.start(SLEEP)
    with connect(os.fspath(bench.data), 10.0) as connection:
        request = {"do": "wait", "key": KEY, "slot": "stable", "deployment": "d-1"}
        connection.sendall(json.dumps(request).encode() + b"\n")

    bench.keeper.stop(KEY, "stable")

    assert bench.is_keeper_there()


def test_removed_socket_comes_back(bench: KeeperBench) -> None:
    """Who deletes the socket doesn't lock everybody out."""
    pid = bench.keeper.ping()

    (bench.data / "keeper.sock").unlink()

    until(bench.is_keeper_there)
    assert bench.keeper.ping() == pid


# --- one service ------------------------------------------------------------------------------


def test_service_has_its_environment_folder_and_log(bench: KeeperBench) -> None:
    """A service gets what it was started with, and no input."""
    bench.start(
        'pwd; echo "$GREETING"; echo to-stderr >&2; cat; echo end',
        env={"PATH": "/bin:/usr/bin", "GREETING": "hello"},
    )

    status = bench.keeper.wait(KEY, "stable", "d-1", 10.0)

    assert (status["state"], status["exit_code"]) == ("stopped", 0)
    assert bench.log() == f"{bench.work}\nhello\nto-stderr\nend\n"


def test_service_is_the_leader_of_its_own_session(bench: KeeperBench) -> None:
    """A service can be signalled as a group and hears nothing meant for others."""
    pid = bench.start(SLEEP)["pid"]

    assert (os.getsid(pid), os.getpgid(pid)) == (pid, pid)


def test_end_of_a_trial_is_told_and_not_repaired(bench: KeeperBench) -> None:
    """A service that is not committed stays ended, with its exit code."""
    bench.start("exit 7")

    status = bench.keeper.wait(KEY, "stable", "d-1", 10.0)

    assert (status["state"], status["exit_code"], status["restarts"]) == ("stopped", 7, 0)
    assert bench.status()["state"] == "stopped"


def test_signal_is_told_as_a_negative_code(bench: KeeperBench) -> None:
    """A service that was killed by signal N has the exit code -N."""
    bench.start("kill -9 $$")

    assert bench.keeper.wait(KEY, "stable", "d-1", 10.0)["exit_code"] == -9


def test_wait_returns_while_the_service_runs(bench: KeeperBench) -> None:
    """Who waits for an end that doesn't come is told so in time."""
    bench.start(SLEEP)

    assert bench.keeper.wait(KEY, "stable", "d-1", 0.05)["state"] == "running"


def test_wait_for_another_deployment_returns_at_once(bench: KeeperBench) -> None:
    """Who waits for a deployment that was replaced learns who is there."""
    bench.start(SLEEP, deployment="d-2")

    assert bench.keeper.wait(KEY, "stable", "d-1", 60.0)["deployment"] == "d-2"


@pytest.mark.parametrize(
    "change",
    [{"argv": ["/no/such/program"]}, {"cwd": "/no/such/folder"}, {"log": "/no/such/folder/log"}],
)
def test_service_that_can_not_start_leaves_its_place_free(
    bench: KeeperBench, change: dict[str, object]
) -> None:
    """A program, folder or log that is not there is told, and nothing remains."""
    with pytest.raises(KeeperRefusedError, match="/no/such") as refusal:
        bench.start(SLEEP, **change)

    assert refusal.value.code == "launch"
    assert bench.status()["state"] == "absent"


def test_log_that_is_a_pipe_is_refused(bench: KeeperBench) -> None:
    """A log that would block the keeper is refused."""
    os.mkfifo(bench.data / "pipe")

    with pytest.raises(KeeperRefusedError):
        bench.start(SLEEP, log=os.fspath(bench.data / "pipe"))

    assert bench.is_keeper_there()


def test_place_is_for_one(bench: KeeperBench) -> None:
    """Of many that want the same place at once one gets it; the others are told it's taken."""

    def try_to_start(number: int) -> str:
        try:
            bench.start(SLEEP, deployment=f"d-{number}")
        except KeeperRefusedError as error:
            return error.code
        return "started"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(try_to_start, range(8)))

    assert outcomes == ["busy"] * 7 + ["started"]
    assert len(bench.processes()) == 1


def test_two_slots_are_two_services(bench: KeeperBench) -> None:
    """A grey service runs beside the stable one, and ends without it."""
    stable = bench.start(SLEEP)
    bench.start(SLEEP, slot="grey", deployment="d-2")

    bench.keeper.stop(KEY, "grey")

    assert bench.status()["pid"] == stable["pid"]
    assert bench.status("grey")["state"] == "absent"
    assert len(bench.keeper.list_services()) == 1


def test_stop_of_nothing_says_so(bench: KeeperBench) -> None:
    """There is nothing to stop in a free place, and nothing of another deployment."""
    bench.start(SLEEP)

    assert bench.keeper.stop(KEY, "grey") is False
    assert bench.keeper.stop(KEY, "stable", deployment="d-9") is False
    assert bench.status()["state"] == "running"


def test_stop_lets_the_process_end_itself(bench: KeeperBench) -> None:
    """A service gets TERM first and has its grace to say good-bye."""
    # it waits by itself: dash forgets a signal that comes while it starts a program
    bench.start("trap 'echo bye; exit 0' TERM; sleep 600 & echo up; while :; do wait; done")
    until(lambda: "up" in bench.log())

    bench.keeper.stop(KEY, "stable")

    assert "bye" in bench.log()
    assert bench.status()["state"] == "absent"


@pytest.mark.parametrize(
    "text",
    [
        "trap '' TERM; echo up; while :; do sleep 1; done",
        "setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & echo up; wait",
        "(setsid sh -c 'sleep 1000 & sleep 1000' &) ; echo up; exec sleep 1000",
        "(env -i /usr/bin/setsid /bin/sleep 1000 &) ; echo up; exec sleep 1000",
    ],
    ids=["ignores TERM", "own session", "orphan", "orphan without environment"],
)
def test_stop_leaves_nothing(bench: KeeperBench, text: str) -> None:
    """Whatever a service started, in whatever session, is gone when `stop` returns."""
    bench.start(text)
    until(lambda: "up" in bench.log())
    keeper = bench.keeper.ping()

    bench.keeper.stop(KEY, "stable", grace=0.2)

    assert bench.processes() == []
    children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text()
    assert children.split() == []


def test_what_a_dead_process_left_is_ended(bench: KeeperBench) -> None:
    """When the main process ends, its background processes end too."""
    bench.start("sleep 1000 & setsid sleep 1000 & exit 3")

    bench.keeper.wait(KEY, "stable", "d-1", 10.0)

    until(lambda: bench.processes() == [])


def test_long_output_is_cut(bench: KeeperBench) -> None:
    """A service that prints a lot keeps two files of bounded size, with the end of its output."""
    bench.start(f"head -c {3 * MAX_LOG_BYTES} /dev/zero; echo last; exec sleep 1000")
    path = bench.data / "d-1.log"
    aside = bench.data / "d-1.log.1"

    until(lambda: aside.exists() and path.stat().st_size <= MAX_LOG_BYTES)

    assert aside.stat().st_size == MAX_LOG_BYTES
    assert bench.status()["state"] == "running"


# --- committed --------------------------------------------------------------------------------


def test_committed_service_is_started_again(bench: KeeperBench) -> None:
    """A live process that dies comes back, alone."""
    first = bench.start("echo start; exec sleep 1000")["pid"]
    bench.keeper.commit(KEY, "stable", "d-1")

    os.kill(first, signal.SIGKILL)

    until(lambda: bench.status()["pid"] not in {first, None})
    assert bench.status()["restarts"] == 1
    until(lambda: bench.log() == "start\nstart\n")
    assert len(bench.processes()) == 1


def test_only_what_runs_can_be_committed(bench: KeeperBench) -> None:
    """A trial that has ended, or another deployment, is not committed."""
    bench.start("exit 1")
    bench.keeper.wait(KEY, "stable", "d-1", 10.0)

    with pytest.raises(KeeperRefusedError):
        bench.keeper.commit(KEY, "stable", "d-1")
    with pytest.raises(KeeperRefusedError):
        bench.keeper.commit(KEY, "stable", "d-2")


def test_service_that_always_dies_is_tried_with_pauses(bench: KeeperBench) -> None:
    """A crash loop goes on in `backoff`, and can be stopped there for good."""
    bench.start("echo start; exit 1", keep=True)
    until(lambda: bench.status()["restarts"] >= 2)
    until(lambda: bench.status()["state"] == "backoff")

    existed = bench.keeper.stop(KEY, "stable")

    assert existed is True
    assert bench.status()["state"] == "absent"
    assert json.loads((bench.data / "keeper.json").read_text())["services"] == []


def test_service_whose_folder_is_gone_is_tried_again(bench: KeeperBench) -> None:
    """A live process that can't be started for now is started when it can."""
    folder = bench.work / "release"
    folder.mkdir()
    pid = bench.start(SLEEP, cwd=os.fspath(folder), keep=True)["pid"]
    folder.rmdir()
    os.kill(pid, signal.SIGKILL)
    until(lambda: bench.status()["restarts"] >= 2)

    folder.mkdir()

    until(lambda: bench.status()["state"] == "running")


def test_pauses_double_up_to_a_limit() -> None:
    """The first pause is 0.2 s, each is twice the one before, none is longer than 30 s."""
    pauses = [pause_before(number) for number in range(9)]

    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, LONGEST_PAUSE_S]
    assert pause_before(10**6) == LONGEST_PAUSE_S


def test_pauses_begin_anew_for_a_process_that_ran_for_a_while() -> None:
    """Who ran for half a minute has not died of its start; who ended earlier has."""
    assert count_pauses(5, PROVEN_AFTER_S) == 0
    assert count_pauses(5, PROVEN_AFTER_S - 0.1) == 5


# --- the next keeper --------------------------------------------------------------------------


def test_next_keeper_takes_over_what_still_runs(bench: KeeperBench) -> None:
    """After a kill of the keeper a live process goes on without a pause, and is kept again."""
    pid = bench.start("echo start; exec sleep 1000", keep=True)["pid"]
    bench.kill_keeper()
    assert bench.processes() == [pid]

    bench.start_keeper()

    assert (bench.status()["state"], bench.status()["pid"]) == ("running", pid)
    os.kill(pid, signal.SIGKILL)
    until(lambda: bench.status()["pid"] not in {pid, None})
    assert len(bench.processes()) == 1


def test_next_keeper_can_stop_what_it_took_over(bench: KeeperBench) -> None:
    """A process that was taken over ends with all that belongs to it, as any other."""
    bench.start("setsid sleep 1000 & echo up; trap '' TERM; wait; sleep 1000", keep=True)
    until(lambda: "up" in bench.log())
    bench.kill_keeper()
    bench.start_keeper()

    bench.keeper.stop(KEY, "stable", grace=0.1)

    assert bench.processes() == []


def test_next_keeper_starts_what_died_meanwhile(bench: KeeperBench) -> None:
    """A live process that died without a keeper is started again; what it left is ended first."""
    pid = bench.start("echo start; setsid sleep 1000 & sleep 1000", keep=True)["pid"]
    until(lambda: len(bench.processes()) == 3)
    old = set(bench.processes())
    bench.kill_keeper()
    os.kill(pid, signal.SIGKILL)

    bench.start_keeper()

    until(lambda: bench.status()["state"] == "running")
    assert bench.status()["pid"] != pid
    assert old.isdisjoint(bench.processes())


def test_next_keeper_ends_what_was_under_trial(bench: KeeperBench) -> None:
    """A process of which nobody said that it is good doesn't outlive its keeper's death."""
    bench.start("trap '' TERM; while :; do sleep 1; done")
    bench.kill_keeper()

    bench.start_keeper()

    until(lambda: bench.processes() == [])
    until(lambda: bench.status()["state"] == "absent")


def test_services_come_back_after_a_shutdown(bench: KeeperBench) -> None:
    """A shutdown ends everything; the next keeper starts what was committed, and only that."""
    bench.start("echo start; exec sleep 1000", keep=True)
    bench.start(SLEEP, slot="grey", deployment="d-2")

    bench.keeper.shutdown()
    after_shutdown = bench.processes()
    bench.start_keeper()

    assert after_shutdown == []
    until(lambda: bench.status()["state"] == "running")
    assert bench.status("grey")["state"] == "absent"


def test_services_come_back_after_a_restart_of_the_machine(bench: KeeperBench) -> None:
    """A process number of an earlier boot means nothing, whoever has it now."""
    bench.start(SLEEP, keep=True)
    bench.keeper.shutdown()
    path = bench.data / "keeper.json"
    content = json.loads(path.read_text())
    stranger = os.getpid()
    content["boot"] = "another"
    content["services"][0].update(pid=stranger, ticks=1)
    path.write_text(json.dumps(content))

    bench.start_keeper()

    until(lambda: bench.status()["state"] == "running")
    assert bench.status()["pid"] != stranger


def test_number_that_was_given_to_a_stranger_is_left_alone(bench: KeeperBench) -> None:
    """The next keeper doesn't touch a process that only has the number of an old service."""
    bench.start(SLEEP, keep=True)
    bench.keeper.shutdown()
    path = bench.data / "keeper.json"
    content = json.loads(path.read_text())
    content["services"][0].update(pid=os.getpid(), ticks=12345)
    path.write_text(json.dumps(content))

    bench.start_keeper()

    until(lambda: bench.status()["state"] == "running")
    assert bench.status()["pid"] != os.getpid()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"services": 7}', '{"services": [7]}'])
def test_torn_state_file_is_put_aside(bench: KeeperBench, content: str) -> None:
    """A file that can't be read doesn't keep the keeper from starting, and stays to be seen."""
    bench.keeper.shutdown()
    (bench.data / "keeper.json").write_text(content)

    bench.start_keeper()

    assert bench.keeper.list_services() == []
    assert (bench.data / "keeper.json.bad").read_text() == content


def test_bad_entry_does_not_hide_the_others(bench: KeeperBench) -> None:
    """One entry that can't be used is left out, the rest is started."""
    bench.start(SLEEP, keep=True)
    bench.keeper.shutdown()
    path = bench.data / "keeper.json"
    content = json.loads(path.read_text())
    content["services"].insert(0, {"key": 7})
    path.write_text(json.dumps(content))

    bench.start_keeper()

    until(lambda: bench.status()["state"] == "running")


def test_what_can_not_be_noted_is_not_started(bench: KeeperBench) -> None:
    """Without storage a start, a commit and a stop are refused and change nothing."""
    running = bench.start(SLEEP, slot="grey", deployment="d-2", keep=True)
    bench.start(SLEEP)
    (bench.data / "keeper.json.tmp").mkdir()  # nothing can be written there

    codes = []
    for act in (
        lambda: bench.start(SLEEP, key="other"),
        lambda: bench.keeper.commit(KEY, "stable", "d-1"),
        lambda: bench.keeper.stop(KEY, "grey"),
    ):
        with pytest.raises(KeeperRefusedError) as refusal:
            act()
        codes.append(refusal.value.code)

    assert codes == ["storage"] * 3
    assert bench.keeper.status("other", "stable")["state"] == "absent"
    assert bench.status()["keep"] is False
    assert bench.status("grey")["pid"] == running["pid"]
    (bench.data / "keeper.json.tmp").rmdir()
    assert bench.keeper.commit(KEY, "stable", "d-1")["keep"] is True


# --- the end ----------------------------------------------------------------------------------


def test_keeper_ends_with_its_directory(bench: KeeperBench) -> None:
    """When the data directory is gone, the keeper and all services end."""
    keeper = bench.keeper.ping()
    bench.start("trap '' TERM; while :; do sleep 1; done", keep=True)

    shutil.rmtree(bench.data)

    until(lambda: bench.processes() == [])
    until(lambda: find_start_ticks(keeper) is None)


def test_keeper_ends_when_another_directory_takes_the_place(bench: KeeperBench) -> None:
    """A new directory of the same name is not its own."""
    keeper = bench.keeper.ping()
    bench.start(SLEEP, keep=True)

    shutil.rmtree(bench.data)
    bench.data.mkdir()

    until(lambda: bench.processes() == [])
    until(lambda: find_start_ticks(keeper) is None)
    assert list(bench.data.iterdir()) == []


def test_term_ends_the_keeper_and_its_services(bench: KeeperBench) -> None:
    """TERM ends everything, also a service that doesn't listen to it."""
    keeper = bench.keeper.ping()
    bench.start("trap '' TERM; while :; do sleep 1; done", keep=True, grace=1.0)
    bench.start(SLEEP, slot="grey")

    os.kill(keeper, signal.SIGTERM)

    until(lambda: find_start_ticks(keeper) is None)
    assert bench.processes() == []
    assert not (bench.data / "keeper.sock").exists()


# --- ports ------------------------------------------------------------------------------------

LISTEN = """exec python3 -ISc '
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(1000)'"""


def test_listener_of_the_service_is_its_own(bench: KeeperBench) -> None:
    """A port on which a process of the service listens is its own; another one is nobody's."""
    bench.start(LISTEN)
    until(lambda: bench.log().endswith("\n"))
    port = int(bench.log())

    assert bench.keeper.who_listens(KEY, "stable", port) == "own"
    bench.start(SLEEP, slot="grey")
    assert bench.keeper.who_listens(KEY, "grey", port) == "stranger"
    bench.keeper.stop(KEY, "stable")
    assert bench.keeper.who_listens(KEY, "grey", port) == "nobody"


def test_listener_that_comes_later_is_new(bench: KeeperBench) -> None:
    """Who began to listen after the start may do so for the service."""
    bench.start(SLEEP)

    with socket.create_server(("127.0.0.1", 0)) as server:
        who = bench.keeper.who_listens(KEY, "stable", server.getsockname()[1])

    assert who == "new"


# --- the server's side ------------------------------------------------------------------------


def test_ensure_starts_what_is_missing(bench: KeeperBench) -> None:
    """What the ledger says is live is started where its place is free, and is committed then."""
    problems = ensure_services(bench.data, [bench.service(SLEEP)])

    assert problems == []
    assert (bench.status()["state"], bench.status()["keep"]) == ("running", True)


def test_ensure_leaves_a_taken_place_alone(bench: KeeperBench) -> None:
    """A release under trial, or the live one, is not touched."""
    pid = bench.start(SLEEP, deployment="d-2")["pid"]

    ensure_services(bench.data, [bench.service(SLEEP)])

    assert (bench.status()["pid"], bench.status()["keep"]) == (pid, False)


@pytest.mark.anyio
async def test_ensure_tells_what_can_not_be_started(bench: KeeperBench) -> None:
    """A service that can't be started is told, and the next one is started all the same."""
    lost = bench.service(SLEEP, cwd="/no/such/folder")
    good = bench.service(SLEEP, key="other")

    problems = await ensure(bench.data, [lost, good])

    assert len(problems) == 1
    assert "/no/such/folder" in problems[0]
    assert bench.keeper.status("other", "stable")["state"] == "running"
