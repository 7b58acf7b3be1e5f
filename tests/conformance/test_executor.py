"""What every executor must keep, tested on the local one with real processes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import resource
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mulligan.executors.host_process import HostStartError
from mulligan.executors.local import ExecutorClosedError, LocalExecutor, read_spool
from mulligan.executors.scripts import prepare_script
from mulligan.executors.values import Progress, StepRequest, StepResult

pytestmark = pytest.mark.anyio

PATH = "/usr/local/bin:/usr/bin:/bin"
DEADLINE_S = 30.0
# 32 and 33 belong to its threads; its posix_spawn leaves them ignored.
SIGNALS_OF_GLIBC = 0x1_8000_0000


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Run on the loop of the server; the one that is killed below has the plain one."""
    return "asyncio", {"use_uvloop": True}


class Bench:
    """An executor in a folder of its own, and short ways to use it."""

    def __init__(self, folder: Path, executor: LocalExecutor, progress: list[Progress]) -> None:
        self.folder = folder
        self.executor = executor
        self.progress = progress
        self.mark = uuid.uuid4().hex  # other tests may run beside this one
        self._count = 0

    def request(self, *argv: str, **changes: Any) -> StepRequest:
        """Make a request with fresh tokens; `job` names the job attempt."""
        self._count += 1
        token = f"{self.mark}-s{self._count}"
        job = changes.pop("job", "job")
        temp_dir = self.folder / token
        temp_dir.mkdir()
        fields: dict[str, Any] = {
            "token": token,
            "job_token": f"{self.mark}-{job}",
            "run_id": "run",
            "argv": argv,
            "env": {"PATH": PATH},
            "cwd": str(self.folder),
            "temp_dir": str(temp_dir),
            "log_path": str(self.log(job)),
            "step_id": f"e-{self._count}",
        }
        return StepRequest(**(fields | changes))

    async def run(self, *argv: str, **changes: Any) -> StepResult:
        """Run a program."""
        return await self.executor.run_step(self.request(*argv, **changes))

    async def shell(self, script: str, **changes: Any) -> StepResult:
        """Run a script with sh."""
        return await self.run("sh", "-c", script, **changes)

    async def end_job(self, job: str = "job", grace: float = 0.2) -> None:
        """End a job attempt."""
        await self.executor.end_job(f"{self.mark}-{job}", grace)

    def log(self, job: str = "job") -> Path:
        """Return the path of a job's log."""
        return self.folder / "logs" / f"{job}.log"

    def output(self, job: str = "job") -> bytes:
        """Return all output of a job."""
        return self.log(job).read_bytes()

    def alive(self) -> list[int]:
        """List the living processes of all jobs of this bench."""
        return find_processes(f"MULLIGAN_JOB={self.mark}-".encode())


def find_processes(text: bytes) -> list[int]:
    """List living processes with `text` in their environment or arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                content = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                if text in content:
                    found.append(int(entry.name))
    return found


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition; fail when it doesn't come true."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.005)


def numbers(count: int) -> bytes:
    """Make what `seq 1 COUNT` prints."""
    return b"".join(b"%d\n" % number for number in range(1, count + 1))


def arguments(pid: int) -> bytes:
    """Read the arguments of a process, separated by NUL."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def kernel_figure(pid: int, field: str) -> int:
    """Read a figure that the kernel tells about a process, memory in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise LookupError(field)


def allows_namespaces() -> bool:
    """Tell whether this machine lets the tests have a process namespace."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-current-user"]
    command = ["unshare", *user, "--pid", "--fork", "--mount-proc", "true"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


HAS_NAMESPACES = allows_namespaces()
ISOLATIONS = [
    pytest.param(
        "pidns",
        marks=pytest.mark.skipif(not HAS_NAMESPACES, reason="the kernel refuses namespaces"),
    ),
    "subreaper",
]


@pytest.fixture(params=ISOLATIONS)
def isolation(request: pytest.FixtureRequest) -> str:
    """Run the test with everything that can keep the steps together."""
    return str(request.param)


@pytest.fixture
async def bench(tmp_path: Path, isolation: str) -> AsyncIterator[Bench]:
    """Start an executor; afterwards nothing that it ran may be alive."""
    progress: list[Progress] = []
    executor = LocalExecutor(
        spool_path=str(tmp_path / "spool"), isolation=isolation, on_progress=progress.append
    )
    await executor.start()
    made = Bench(tmp_path, executor, progress)

    yield made

    await executor.close()
    assert made.alive() == []


# -- how a step ends ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 3, 255])
async def test_exit_code(bench: Bench, code: int) -> None:
    """The exit code of the main process is the result's."""
    result = await bench.shell(f"exit {code}")

    assert (result.cause, result.exit_code, result.signal) == ("exit", code, None)
    assert result.started_at_ms <= result.ended_at_ms


async def test_signal(bench: Bench) -> None:
    """A main process that dies of a signal has that signal and no exit code."""
    result = await bench.shell("kill -SEGV $$")

    assert (result.cause, result.exit_code, result.signal) == ("signal", None, signal.SIGSEGV)


async def test_timeout_ends_a_process_that_ignores_term(bench: Bench) -> None:
    """After the time-out and the grace even a process that ignores TERM is gone."""
    script = "trap '' TERM; echo started; while :; do sleep 0.1; done"

    result = await bench.shell(script, timeout=0.2, grace=0.2)

    assert (result.cause, result.signal) == ("timeout", signal.SIGKILL)
    assert bench.alive() == []


async def test_timeout_lets_a_process_end_in_its_grace(bench: Bench) -> None:
    """A process that handles TERM may finish; the cause is still the time-out."""
    script = "trap 'echo bye; exit 7' TERM; sleep 600 & while :; do wait; done"

    result = await bench.shell(script, timeout=0.2, grace=DEADLINE_S)

    assert (result.cause, result.exit_code) == ("timeout", 7)
    assert bench.output().endswith(b"bye\n")


async def test_cancel_reaches_daemons_and_stopped_processes(bench: Bench) -> None:
    """A cancel ends children, what left the session, and what is stopped."""
    script = (
        "trap '' TERM; sleep 1000 & setsid sh -c 'trap \"\" TERM; sleep 1001; :' &"
        "sleep 1002 & kill -STOP $!; echo ready; wait; while :; do sleep 0.05; done"
    )
    request = bench.request("sh", "-c", script)
    task = asyncio.create_task(bench.executor.run_step(request))
    await until(lambda: bench.log().exists() and b"ready" in bench.output())
    await until(lambda: len(bench.alive()) >= 4)

    bench.executor.kill(request.token, "cancelled", grace=0.3)
    result = await task

    assert result.cause == "cancelled"
    assert bench.alive() == []


async def test_stopped_main_process_takes_the_term(bench: Bench) -> None:
    """A stopped process gets TERM without having to wait for KILL."""
    request = bench.request("sh", "-c", "echo ready; kill -STOP $$")
    task = asyncio.create_task(bench.executor.run_step(request))
    await until(lambda: bench.log().exists() and b"ready" in bench.output())

    bench.executor.kill(request.token, grace=1000.0)
    result = await task

    assert (result.cause, result.signal) == ("cancelled", signal.SIGTERM)


async def test_second_cancel_shortens_the_grace(bench: Bench) -> None:
    """Who cancels again with no grace doesn't wait for the first grace."""
    request = bench.request("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    task = asyncio.create_task(bench.executor.run_step(request))
    await until(lambda: bench.log().exists() and b"ready" in bench.output())

    bench.executor.kill(request.token, grace=1000.0)
    bench.executor.kill(request.token, grace=0.0)
    result = await task

    assert (result.cause, result.signal) == ("cancelled", signal.SIGKILL)


async def test_cancel_while_starting(bench: Bench) -> None:
    """A cancel right behind the start is not lost."""
    request = bench.request("sleep", "1000")
    task = asyncio.create_task(bench.executor.run_step(request))
    await asyncio.sleep(0)

    bench.executor.kill(request.token, grace=DEADLINE_S)
    result = await task

    assert result.cause == "cancelled"
    assert bench.alive() == []


async def test_abandoned_wait_kills_the_step(bench: Bench) -> None:
    """Cancelling the task that waits ends the processes too."""
    task = asyncio.create_task(bench.run("sleep", "1000"))
    await until(bench.alive)

    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

    await until(lambda: not bench.alive())
    assert task.cancelled()


# -- what cannot be started ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "changes", "words"),
    [
        (("no-such-program",), {}, "not found"),
        (("/no/such/program",), {}, "No such file"),
        (("true",), {"cwd": "/no/such/folder"}, "/no/such/folder"),
        (("true", "x" * 200_000), {}, "too long"),
        (("true",), {"env": {"PATH": PATH, "A": "a\0b"}}, "'A'"),
        (("true",), {"env": {"PATH": PATH, "": "b"}}, "''"),
        (("true",), {"limits": {"NOPE": 1}}, "NOPE"),
        ((), {}, "no program"),
        (("/",), {}, "ermission"),
    ],
)
async def test_spawn_error(
    bench: Bench, argv: tuple[str, ...], changes: dict[str, Any], words: str
) -> None:
    """What can't be started is a result that says why, in the log too; the next step runs."""
    result = await bench.run(*argv, **changes)
    after = await bench.run("true")

    assert (result.cause, result.exit_code, result.signal) == ("spawn", None, None)
    assert words in result.message
    assert result.message.encode() in bench.output()
    assert after.exit_code == 0


async def test_script_without_its_interpreter(bench: Bench) -> None:
    """A program whose `#!` names nothing says so."""
    program = bench.folder / "program"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o700)

    result = await bench.run(str(program))

    assert result.cause == "spawn"
    assert "interpreter" in result.message


async def test_environment_that_is_not_text(bench: Bench) -> None:
    """Undecodable bytes of an environment, as Python shows them, arrive as those bytes."""
    await bench.run("env", env={"PATH": PATH, "A": "\udcff\udcfe"})

    assert b"A=\xff\xfe\n" in bench.output()


# -- what a step sees ---------------------------------------------------------------------------


async def test_environment_is_exact(bench: Bench) -> None:
    """A step sees the variables of its request and the three of the host, and no other."""
    request = bench.request("env", "-0", env={"PATH": PATH, "B": "x y\nz", "EMPTY": ""})

    await bench.executor.run_step(request)

    shown = bench.output().rstrip(b"\n")
    shown = re.sub(rb"(/set-env)\.[0-9a-f]+\.\d+", rb"\1", shown)  # its own in each attempt
    seen = set(shown.split(b"\0")) - {b""}
    wanted = {
        f"PATH={PATH}",
        "B=x y\nz",
        "EMPTY=",
        f"MULLIGAN_JOB={request.job_token}",
        f"MULLIGAN_STEP={request.token}",
        f"MULLIGAN_SET_ENV={request.temp_dir}/set-env",
    }
    assert seen == {text.encode() for text in wanted}


async def test_process_starts_clean(bench: Bench) -> None:
    """No descriptor, ignored or blocked signal is inherited; stdin is empty; session is own."""
    script = (
        "ls /proc/self/fd | tr '\\n' ' '; cat; grep -E '^Sig(Blk|Ign)' /proc/self/status;"
        "read -r pid _ _ _ group session _ < /proc/self/stat;"
        "echo $(( pid == session )) $(( pid == group )); umask; pwd"
    )

    await bench.run("bash", "-c", script, umask=0o027)

    lines = bench.output().decode().splitlines()
    assert lines[0].startswith("0 1 2 3 SigBlk")  # 3 is the folder that ls reads
    blocked, ignored = (int(line.split()[-1], 16) for line in lines[:2])
    assert (blocked, ignored & ~SIGNALS_OF_GLIBC) == (0, 0)
    assert lines[2:] == ["1 1", "0027", str(bench.folder)]


async def test_limits_are_those_of_the_step_alone(bench: Bench) -> None:
    """A limit holds for the step that asked for it and not for the next one."""
    await bench.shell("ulimit -n", limits={"NOFILE": 123})
    await bench.shell("ulimit -n")

    first, second = bench.output().split()
    assert first == b"123"
    assert second != b"123"


async def test_program_is_looked_up_on_the_steps_path(bench: Bench) -> None:
    """The PATH of the request counts, not that of the server."""
    program = bench.folder / "my-own-program"
    program.write_text("#!/bin/sh\necho mine\n")
    program.chmod(0o700)

    result = await bench.run("my-own-program", env={"PATH": f"/nowhere:{bench.folder}"})

    assert result.exit_code == 0
    assert bench.output() == b"mine\n"


# -- output -------------------------------------------------------------------------------------


async def test_stdout_and_stderr_keep_their_order(bench: Bench) -> None:
    """Both streams are one, in the order of writing."""
    await bench.shell("for i in 1 2 3; do echo out$i; echo err$i >&2; done")

    assert bench.output() == b"out1\nerr1\nout2\nerr2\nout3\nerr3\n"


async def test_bytes_are_exact(bench: Bench) -> None:
    """Any byte reaches the log as it is."""
    content = bytes(range(256)) * 1000 + b"end\n"
    (bench.folder / "content").write_bytes(content)

    result = await bench.run("cat", "content")

    assert bench.output() == content
    assert result.log_offset == len(content)


async def test_a_million_lines(bench: Bench) -> None:
    """No line is lost or counted twice."""
    result = await bench.run("seq", "1", "1000000")

    expected = hashlib.sha256(numbers(1_000_000)).digest()
    assert hashlib.sha256(bench.output()).digest() == expected
    assert result.log_lines == 1_000_000
    assert result.next_line == 1_000_001


async def test_one_line_of_50_megabytes_in_bounded_memory(bench: Bench) -> None:
    """The host's memory doesn't grow with a line, also when it looks for commands in it."""
    await bench.run("true")
    before = kernel_figure(bench.executor.host_pid, "VmHWM")

    result = await bench.shell("head -c 50000000 /dev/zero | tr '\\0' x", commands=True)

    assert result.log_offset == 50_000_001  # a section ends with a newline
    assert kernel_figure(bench.executor.host_pid, "VmHWM") - before < 8_000


async def test_progress_comes_while_the_step_runs(bench: Bench) -> None:
    """Output is in the log, and announced, before the step ends."""
    request = bench.request("sh", "-c", "echo first; read _ < fifo; echo second")
    os.mkfifo(bench.folder / "fifo")
    task = asyncio.create_task(bench.executor.run_step(request))

    await until(lambda: bench.progress)
    seen, first = bench.output(), bench.progress[0]
    (bench.folder / "fifo").write_text("go\n")
    await task

    assert seen == b"first\n"
    assert (first.token, first.log_offset, first.log_lines) == (request.token, 6, 1)


async def test_secrets_are_masked_and_no_values(bench: Bench) -> None:
    """Log and texts for people never have the secret; a value that holds it is left out."""
    script = (
        "printf 'pass'; sleep 0.05; echo 'word42 out'; echo '::set-variable name=K::password42'; "
        "echo '::set-remark see password42'"
    )

    result = await bench.shell(script, secrets=("password42",), commands=True)

    assert bench.output() == (
        b"****** out\n::set-variable name=K::******\n::set-remark see ******\n"
    )
    assert [(each.name, each.value) for each in result.commands] == [("set-remark", "see ******")]
    assert "1 values" in result.message


async def test_sections_of_one_job_follow_each_other(bench: Bench) -> None:
    """Each result says where the log ended then; lines of a run are numbered through."""
    first = await bench.shell("echo one", job="a", next_line=5)
    second = await bench.shell("echo two; echo three", job="a")
    other = await bench.shell("echo four", job="b")

    assert bench.output("a") == b"one\ntwo\nthree\n"
    assert [first.log_offset, second.log_offset] == [4, 14]
    assert [first.log_lines, second.log_lines, other.log_lines] == [1, 3, 1]
    assert [first.next_line, second.next_line, other.next_line] == [6, 8, 9]


async def test_fifty_steps_at_once(bench: Bench) -> None:
    """Steps of many jobs don't mix."""
    requests = [
        bench.request("sh", "-c", f"echo a{i}; sleep 0.1; echo b{i}; exit {i}", job=f"j{i}")
        for i in range(50)
    ]

    results = await asyncio.gather(*(bench.executor.run_step(r) for r in requests))

    assert [result.exit_code for result in results] == list(range(50))
    assert all(bench.output(f"j{i}") == f"a{i}\nb{i}\n".encode() for i in range(50))


async def test_second_step_of_a_job_at_the_same_time_is_refused(bench: Bench) -> None:
    """Steps of one job attempt share a log, so they never overlap."""
    request = bench.request("sleep", "1000")
    task = asyncio.create_task(bench.executor.run_step(request))
    await until(bench.alive)

    second = await bench.run("true")
    bench.executor.kill(request.token)
    first = await task

    assert second.cause == "spawn"
    assert "another step" in second.message
    assert first.cause == "cancelled"


# -- commands and variables ---------------------------------------------------------------------


async def test_command_that_straddles_two_reads(bench: Bench) -> None:
    """A command is found however its line came."""
    script = "printf '::set-va'; sleep 0.1; printf 'riable name=A::x:'; sleep 0.1; echo ':y'"

    result = await bench.shell(script, commands=True)

    assert [(c.name, c.args, c.value) for c in result.commands] == [
        ("set-variable", {"name": "A"}, "x::y")
    ]


async def test_commands_only_when_asked_for(bench: Bench) -> None:
    """Output of other steps is not interpreted."""
    result = await bench.shell("echo '::set-variable name=A::b'")

    assert result.commands == ()


async def test_shell_functions_of_scripts(bench: Bench) -> None:
    """`setEnv` exports and returns a variable; `setGateValue` is a command."""
    request = bench.request()
    script = "setEnv A 'x\ny'\necho \"A=$A\"\nsetEnv B 1\nsetEnv B 2\nsetGateValue cover 91.5\n"
    argv = prepare_script("SHELL", script, temp_dir=request.temp_dir, path=PATH)

    result = await bench.run(*argv, temp_dir=request.temp_dir, commands=True)

    assert bench.output() == b"A=x\ny\n"
    assert result.set_env == {"A": "x\ny", "B": "2"}
    assert [(c.name, c.args, c.value) for c in result.commands] == [
        ("set-gate-value", {"name": "cover"}, "91.5")
    ]


# -- what a step leaves behind ------------------------------------------------------------------


async def test_daemon_that_holds_the_output_delays_nothing(bench: Bench) -> None:
    """The step ends with its main process although a daemon still has its pipe."""
    result = await bench.shell("setsid sleep 1000 & echo done")

    assert result.exit_code == 0
    assert bench.output() == b"done\n"
    assert len(bench.alive()) == 1

    await bench.end_job()

    assert bench.alive() == []


async def test_output_right_after_the_end_of_the_main_process(bench: Bench) -> None:
    """What a child of the step prints a moment later still belongs to the step."""
    await bench.shell("(sleep 0.05; echo late) & echo early")

    assert bench.output() == b"early\nlate\n"


async def test_service_of_one_step_serves_the_next(bench: Bench) -> None:
    """A daemon lives until its job ends, and may go on printing."""
    os.mkfifo(bench.folder / "ask")
    await bench.shell(
        "setsid sh -c 'while read -r line < ask; do echo noise; echo answer-$line > said; done' &"
    )

    result = await bench.shell(
        "echo hello > ask; while ! [ -s said ]; do sleep 0.01; done; cat said"
    )

    assert result.exit_code == 0
    assert bench.output() == b"answer-hello\n"


async def test_end_job_kills_a_double_forked_daemon(bench: Bench) -> None:
    """Neither a new session, nor an empty environment, nor ignoring TERM saves a daemon."""
    mark = f"{bench.mark}-daemon"
    daemon = f"(setsid env -i sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' {mark} &) &"
    await bench.shell(daemon)
    await until(lambda: find_processes(mark.encode()))

    await bench.end_job(grace=0.1)

    assert find_processes(mark.encode()) == []


async def test_end_job_spares_other_jobs(bench: Bench) -> None:
    """Daemons and steps of another job live on."""
    await bench.shell("setsid sleep 1000 &", job="a")
    await bench.shell("setsid sleep 1001 &", job="b")
    request = bench.request("sleep", "1002", job="c")
    task = asyncio.create_task(bench.executor.run_step(request))
    await until(lambda: len(bench.alive()) == 3)

    await bench.end_job("a")
    left = [arguments(pid) for pid in bench.alive()]
    await bench.end_job("b")
    await bench.end_job("c")
    result = await task

    assert sorted(left) == [b"sleep\x001001\x00", b"sleep\x001002\x00"]
    assert result.cause == "cancelled"


async def test_end_job_that_nobody_knows(bench: Bench) -> None:
    """Ending a job attempt of an earlier server is no error."""
    await bench.executor.end_job("never-heard-of", 0.1)

    assert (await bench.run("true")).exit_code == 0


async def test_orphans_are_reaped(bench: Bench) -> None:
    """No zombie stays when an adopted process ends."""
    await bench.shell("(sh -c 'exit 3' &) ; setsid true & :")

    def zombies() -> list[str]:
        listed = subprocess.run(["ps", "-eo", "ppid,stat"], capture_output=True, check=True)
        host = str(bench.executor.host_pid)
        rows = [row.split() for row in listed.stdout.decode().splitlines()]
        return [row[1] for row in rows if row[0] == host and row[1].startswith("Z")]

    await until(lambda: not zombies())


# -- the disk -----------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 8 MiB; needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a disk can't be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
async def bench_on_small_disk(small_disk: Path, tmp_path: Path) -> AsyncIterator[Bench]:
    """Start an executor that sees the small disk."""
    executor = LocalExecutor(spool_path=str(tmp_path / "spool"), isolation="subreaper")
    await executor.start()
    yield Bench(small_disk, executor, [])
    await executor.close()


async def test_full_disk_makes_the_step_wait(bench_on_small_disk: Bench) -> None:
    """While the disk is full output waits in the pipe; once there is space, nothing is missing."""
    bench = bench_on_small_disk
    (bench.folder / "ballast").write_bytes(bytes(5_000_000))
    task = asyncio.create_task(bench.shell("seq 1 300000"))
    await until(lambda: bench.log().exists())

    (bench.folder / "ballast").unlink()
    result = await task

    assert bench.output() == numbers(300_000)
    assert (result.exit_code, result.message) == (0, "")


async def test_full_disk_for_too_long_drops_output(bench_on_small_disk: Bench) -> None:
    """After the time allowed the step goes on, and the log says how much is missing."""
    bench = bench_on_small_disk

    result = await bench.shell("seq 1 2000000", disk_full_grace=0.3)
    after = await bench.shell("exit 4", disk_full_grace=0.3)

    assert result.exit_code == 0
    assert "no space" in result.message
    assert after.exit_code == 4


async def test_disk_that_is_full_at_the_write(bench: Bench) -> None:
    """A limit that only the write itself shows loses one portion at most, and says so."""
    host = bench.executor.host_pid
    limit = resource.prlimit(host, resource.RLIMIT_FSIZE)
    resource.prlimit(host, resource.RLIMIT_FSIZE, (1_000, limit[1]))
    task = asyncio.create_task(bench.shell("seq 1 300000; echo end"))
    await until(lambda: bench.progress)  # comes after the first attempt to write

    resource.prlimit(host, resource.RLIMIT_FSIZE, limit)
    result = await task

    output = bench.output()
    assert result.exit_code == 0
    assert output.endswith(b"\n300000\nend\n")
    assert b"bytes of output lost" in output
    assert len(numbers(300_000)) - len(output) < 65_536


# -- durability ---------------------------------------------------------------------------------


async def test_result_is_in_the_spool_until_it_is_forgotten(bench: Bench) -> None:
    """A result that was answered is also on disk; forgetting it empties the file in the end."""
    spool = bench.folder / "spool"
    result = await bench.shell("echo hi; exit 3")

    assert read_spool(str(spool)) == [result]

    await bench.executor.close()
    again = LocalExecutor(spool_path=str(spool))
    await again.start()
    kept = read_spool(str(spool))
    again.forget([result.token])
    await until(lambda: spool.stat().st_size == 0)
    await again.close()

    assert kept == [result]


async def test_host_that_dies_loses_its_steps_and_is_replaced(bench: Bench) -> None:
    """After the death of the host its steps are lost and dead, and the next step runs."""
    task = asyncio.create_task(bench.shell("setsid sleep 1000 & sleep 1001"))
    await until(lambda: len(bench.alive()) >= 3)
    first = bench.executor.host_pid

    os.kill(first, signal.SIGKILL)
    result = await task
    alive = bench.alive()
    after = await bench.run("true")

    assert (result.cause, result.exit_code) == ("lost", None)
    assert alive == []
    assert after.exit_code == 0
    assert bench.executor.host_pid not in (0, first)


async def test_guard_that_dies_takes_everything_with_it(bench: Bench) -> None:
    """Without its guard the host ends, with all steps, and both are replaced."""
    task = asyncio.create_task(bench.shell("setsid sleep 1000 & sleep 1001"))
    await until(lambda: len(bench.alive()) >= 3)
    guard = kernel_figure(bench.executor.host_pid, "PPid")

    os.kill(guard, signal.SIGKILL)
    result = await task
    alive = bench.alive()
    after = await bench.run("true")

    assert result.cause == "lost"
    assert alive == []
    assert after.exit_code == 0


async def test_orphans_of_an_earlier_host_end_with_their_job(bench: Bench) -> None:
    """Even when host and guard were killed together, `end_job` leaves nothing of the job."""
    await bench.shell("setsid sleep 1000 & setsid sleep 1001 &", job="old")
    await bench.shell("setsid sleep 1002 &", job="other")
    host = bench.executor.host_pid
    guard = kernel_figure(host, "PPid")

    os.kill(guard, signal.SIGSTOP)  # so that it can't clean up
    os.kill(host, signal.SIGKILL)
    os.kill(guard, signal.SIGKILL)
    await until(lambda: bench.executor.host_pid not in (0, host))
    await bench.end_job("old")
    left = {arguments(pid) for pid in bench.alive()}
    await bench.end_job("other")

    assert left <= {b"sleep\x001002\x00"}
    assert bench.alive() == []


async def test_close_ends_running_steps(bench: Bench) -> None:
    """Closing answers everybody who waits and leaves no process; afterwards nothing runs."""
    task = asyncio.create_task(bench.shell("setsid sleep 1000 & sleep 1001"))
    await until(lambda: len(bench.alive()) >= 3)

    await bench.executor.close()
    result = await task
    with pytest.raises(ExecutorClosedError):
        await bench.run("true")

    assert result.cause == "lost"
    assert bench.alive() == []


async def test_refused_namespace_falls_back(tmp_path: Path) -> None:
    """Where the host gets a namespace but not its own /proc, it adopts orphans instead."""
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ncase " $* " in *" auto "*) exit 97;; esac\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o700)
    executor = LocalExecutor(spool_path=str(tmp_path / "spool"), python=str(python))

    await executor.start()
    result = await Bench(tmp_path, executor, []).shell("exit 3")
    isolation = executor.isolation
    await executor.close()

    assert (isolation, result.exit_code) == ("subreaper", 3)


async def test_host_that_cannot_start(tmp_path: Path) -> None:
    """A host that ends at once is an error of `start`."""
    executor = LocalExecutor(spool_path=str(tmp_path / "spool"), python="/bin/false")

    with pytest.raises(HostStartError):
        await executor.start()

    await executor.close()


SERVER = """
import asyncio, sys
from pathlib import Path
from mulligan.executors.local import LocalExecutor
from mulligan.executors.values import StepRequest

async def main(folder, isolation):
    executor = LocalExecutor(spool_path=f"{folder}/spool", isolation=isolation)
    await executor.start()

    def request(token, script):
        return StepRequest(
            token=token, job_token=f"{folder}-{token}", run_id="r", argv=("sh", "-c", script),
            env={"PATH": "/usr/bin:/bin"}, cwd=folder, temp_dir=folder,
            log_path=f"{folder}/{token}.log", step_id=token,
        )

    await executor.run_step(request("finished", "echo finished; exit 5"))
    asyncio.create_task(executor.run_step(request("running",
        "(setsid env -i sh -c 'while :; do sleep 0.1; done' $MULLIGAN_JOB &) & "
        "setsid sleep 1000 & trap '' TERM; echo ready; sleep 1001; sleep 1002")))
    asyncio.create_task(executor.run_step(request("unreported", "sleep 0.3; echo late; exit 6")))
    log = Path(folder) / "running.log"
    while not log.exists() or "ready" not in log.read_text():
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    sys.stdin.read()  # the loop stands still: results come and are not taken

asyncio.run(main(*sys.argv[1:]))
"""


def start_server(folder: Path, isolation: str) -> subprocess.Popen[bytes]:
    """Start a process that owns an executor; it prints a line when its steps run."""
    return subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder), isolation],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


async def test_killed_server_leaves_no_process_and_keeps_results(
    tmp_path: Path, isolation: str
) -> None:
    """After `kill -9` of the server every step is dead; results not taken are in the spool."""
    with start_server(tmp_path, isolation) as server:
        assert server.stdout is not None
        await asyncio.to_thread(server.stdout.readline)
        mark = f"{tmp_path}-".encode()
        running = len(find_processes(mark))
        await until(lambda: len(read_spool(str(tmp_path / "spool"))) == 2)

        server.kill()
        await until(lambda: not find_processes(mark))

    stored = {result.token: result.exit_code for result in read_spool(str(tmp_path / "spool"))}
    assert running >= 4
    assert stored == {"finished": 5, "unreported": 6}
