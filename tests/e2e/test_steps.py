"""What steps do to the server and the server to steps: processes, output, values, files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builders import job as job_spec
from builders import pipeline as pipeline_spec
from builders import stage as stage_spec
from builders import step as step_spec
from e2e.scenario import OK, Build, Scenario, new_project
from mulligan.bootstrap import ServeOptions, Server, running
from mulligan.config import load_settings
from mulligan.core.cause import Cause
from mulligan.core.ids import StepId, UserName
from mulligan.core.rights import Actor
from mulligan.core.spec import Condition, RunWhen
from mulligan.core.status import Status
from mulligan.engine.catalog import Definition
from mulligan.engine.commands import StartRun
from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import (
    Workbench,
    job,
    one_job,
    parameter,
    pipeline,
    stage,
    step,
)
from mulligan.testing.server import ServerProcess, poll_until, processes_carrying

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mulligan.core.run import Run
    from mulligan.core.spec import PipelineSpec

Json = dict[str, Any]

USER_EXIT, USER_CONFIG, USER_SPAWN = 2199011, 2199002, 2199009
PIECE = 16_384
MOST_MEMORY_MIB = 200
SECRET = "s3cr3t-Value+with/all=kinds"
MASK = "******"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Run a development server that does not wait long between TERM and KILL."""
    data = tmp_path_factory.mktemp("server") / "data"
    with ServerProcess(data, "--runners", "8", "--set", "steps.grace_s=0.5") as process:
        yield process


def run_steps(
    client: BkciClient,
    bench: Workbench,
    *steps: Json,
    params: Sequence[Json] = (),
    values: Mapping[str, str] | None = None,
    **job_fields: Any,
) -> Build:
    """Run a pipeline whose only job has these steps, to its end."""
    model = pipeline("steps", [stage("one", [job("build", steps, **job_fields)])], params=params)
    build = Scenario(client, bench, model).start(values)
    build.wait()
    return build


def lines_of(build: Build, **query: Any) -> list[str]:
    """Return the text of all lines of a build."""
    scenario = build.scenario
    got = scenario.client.logs(scenario.project, "after_line", build.id, start=1, **query)
    assert got["finished"]
    return [line["message"] for line in got["logs"]]


def end_of(build: Build, task: str) -> tuple[str | None, int | None]:
    """Return the status and the error code of a task."""
    found = build.detail().task(task)
    return found.get("status"), found.get("errorCode")


def typed(kind: str, name: str, script: str, **fields: object) -> Json:
    """Return a script step of another type."""
    return {**step(name, script), "scriptType": kind, **fields}


@pytest.fixture
def marker() -> str:
    """Give a text that only the processes of this test carry."""
    return f"mark-{uuid.uuid4().hex}"


# --- processes --------------------------------------------------------------------------------


def test_daemons_of_a_step_serve_the_next_and_end_with_the_job(
    client: BkciClient, bench: Workbench, marker: str
) -> None:
    """What a step leaves running delays nobody, is there for the next step, and ends with the job.

    One holds the output, one has left its session, one its parent and its environment.
    """
    leave = [
        f"export MULLIGAN_TEST_MARKER={marker}",
        "sleep 600 &",
        "setsid sleep 601 >/dev/null 2>&1 &",
        f"(setsid env -i PATH=$PATH sh -c 'sleep 602; : {marker}' &) &",
        "echo left",
    ]
    count = "for p in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$p; echo; done 2>/dev/null"

    build = run_steps(
        client,
        bench,
        step("leave", "\n".join(leave)),
        step("serve", f"{count} | grep -c '^sleep 60[012]'"),
    )

    assert build.detail().status == "SUCCEED"
    assert lines_of(build) == ["left", "3"]
    assert processes_carrying(marker) == {}


def test_stop_ends_a_step_that_ignores_term(
    client: BkciClient, bench: Workbench, marker: str
) -> None:
    """A stopped step that ignores TERM, with all of its children, is killed after the grace."""
    stubborn = f"export MULLIGAN_TEST_MARKER={marker}\ntrap '' TERM INT HUP\nsleep 600 &\nsleep 600"
    model = one_job("stubborn", [step("s", bench.note("on") + "\n" + stubborn)])
    build = Scenario(client, bench, model).start()
    poll_until(lambda: len(processes_carrying(marker)) >= 2, what="its processes run")

    http_status, _ = build.stop()

    assert http_status == OK
    assert build.wait().statuses("s") == ["CANCELED"]
    assert processes_carrying(marker) == {}


def test_stop_lets_a_step_end_in_its_grace(client: BkciClient, bench: Workbench) -> None:
    """A step that handles TERM may clean up; what it prints then is kept."""
    script = "trap 'echo cleaned; exit 0' TERM\nsleep 600 &\necho on\nwhile :; do wait; done"
    build = Scenario(client, bench, one_job("polite", [step("s", script)])).start()
    poll_until(lambda: "on" in _lines_so_far(build), what="it runs")

    build.stop()

    assert build.wait().statuses("s") == ["CANCELED"]
    lines = lines_of(build)
    assert (lines[0], lines[-1]) == ("on", "cleaned")


def _lines_so_far(build: Build) -> list[str]:
    scenario = build.scenario
    got = scenario.client.logs(scenario.project, "after_line", build.id, start=1)
    return [line["message"] for line in got["logs"]]


def test_stop_while_the_directory_is_emptied(client: BkciClient, bench: Workbench) -> None:
    """A stop that comes while the next attempt's directory is being made ready is not lost."""
    many = "mkdir -p d && cd d && seq 1 8000 | xargs touch"
    scenario = Scenario(client, bench, one_job("full", [step("fill", bench.script("fill", many))]))
    build = scenario.run_broken("fill")
    bench.hold("fill")
    build.retry()
    build.wait_job("1", "RUNNING")  # its directory is being emptied now

    build.stop()

    assert build.wait().status == "CANCELED"


@pytest.mark.parametrize(
    "script",
    ["kill -9 $PPID", "kill -9 -1", "kill -STOP $PPID", "kill -9 1", "kill -TERM -1"],
)
def test_step_cannot_end_what_runs_it(
    server: ServerProcess, client: BkciClient, bench: Workbench, script: str
) -> None:
    """Signals to everything in sight reach nothing but the step itself."""
    if not _has_own_namespace(server):
        pytest.skip("without a pid namespace a step can signal everything of its user")

    build = run_steps(client, bench, step("attack", f"{script} || true"), step("next", "echo next"))

    after = run_steps(client, bench, step("good", "echo good"))
    assert build.detail().status in {"SUCCEED", "FAILED"}
    assert lines_of(after) == ["good"]


def _has_own_namespace(server: ServerProcess) -> bool:
    host = _host_pids(server)[-1]
    return Path(f"/proc/{host}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()


@pytest.mark.parametrize(
    "script",
    [
        'rm -f "$0"',
        'rm -f "$0" && mkdir "$0"',
        'rm -rf "${MULLIGAN_SET_ENV%/*}"',
        'echo broken > "${MULLIGAN_SET_ENV%/*}/manifest.json"',
        'printf "no end" >> "$MULLIGAN_SET_ENV"',
        'printf "a=1\\0=2\\0b\\0:pin=x\\0\\377=\\376\\0" >> "$MULLIGAN_SET_ENV"',
        'ln -sf /dev/zero "$MULLIGAN_SET_ENV"',
        "exec >&- 2>&- </dev/null",
        "chmod 000 . && mkdir -p x/y 2>/dev/null; chmod 700 .",
        "mkfifo pipe; ln -s loop loop; ln -s / root",
    ],
)
def test_step_that_breaks_what_it_was_given(
    client: BkciClient, bench: Workbench, script: str
) -> None:
    """A step may destroy its script, its folder and its channels: it and the next one still end."""
    build = run_steps(client, bench, step("break", script), step("next", "echo next"))

    assert build.detail().statuses("break", "next") == ["SUCCEED", "SUCCEED"]
    assert lines_of(build) == ["next"]


def test_step_that_removes_its_directory(client: BkciClient, bench: Workbench) -> None:
    """The next step can't run without it and says so; a retry starts the job over."""
    keep = bench.directory / "keep"
    steps = [
        step("first", bench.script("first", "echo data > file")),
        step("second", bench.script("second", f"[ -e '{keep}' ] || rm -rf \"$WORKSPACE\"")),
        step("third", bench.script("third", "cat file")),
    ]
    build = Scenario(client, bench, one_job("gone", steps)).run()
    failed = build.detail()
    keep.touch()

    view = build.repair("third")

    assert failed.statuses("first", "second", "third") == ["SUCCEED", "SUCCEED", "FAILED"]
    assert "directory" in failed.task("third")["errorMsg"]
    assert view.status == "SUCCEED"
    assert bench.counts("first", "second") == [2, 2]


async def _run_spec(server: Server, spec: PipelineSpec) -> Run:
    admin = Actor(user=UserName("ann"), is_admin=True)
    await server.services.catalog.create_project(admin, "limits", "limits")
    definition = Definition(spec=spec, dialect="bkci", source={"name": spec.name})
    made = await server.services.catalog.create_pipeline(admin, "limits", definition)
    head = await server.engine.start_run(StartRun(actor=admin.user, pipeline=made.id))
    async with asyncio.timeout(30):
        while not (run := await server.engine.get_run(head.id)).head.status.is_final:
            await server.live.wait_run(head.id, 0.1)
    return run


@pytest.mark.anyio
async def test_time_outs_of_step_and_job(tmp_path: Path, marker: str) -> None:
    """A step over its time is killed though it ignores TERM; a job over its time runs no more.

    Run inside this process: definitions of the API know whole minutes only.
    """
    stubborn = f"trap '' TERM; export MULLIGAN_TEST_MARKER={marker}; echo $$; sleep 600; sleep 600"
    always = Condition(when=RunWhen.ALWAYS)
    jobs = [
        job_spec(
            "1",
            step_spec("slow", inputs={"script": stubborn}, timeout_s=1),
            step_spec("not", inputs={"script": "true"}),
            step_spec("always", inputs={"script": "true"}, condition=always),
        ),
        job_spec(
            "2",
            step_spec("quick", inputs={"script": "true"}),
            step_spec("long", inputs={"script": stubborn}, timeout_s=600),
            step_spec("never", inputs={"script": "true"}, condition=always),
            timeout_s=1,
        ),
    ]
    settings = load_settings(None, {}, ["steps.grace_s=0.3"])
    options = ServeOptions(data=tmp_path / "data", settings=settings, runners=4, is_dev=True)

    async with running(Server(options)) as server:
        run = await _run_spec(server, pipeline_spec(stage_spec("s", *jobs)))

    def end(name: str) -> tuple[Status, Cause | None]:
        record = run.step(StepId(name))
        return record.status, record.cause

    assert run.head.status is Status.FAILED
    assert end("slow") == (Status.FAILED, Cause.TIMEOUT)
    assert end("not") == (Status.SKIPPED, Cause.UNREACHED)
    assert end("always") == (Status.SUCCEEDED, None)
    assert end("quick") == (Status.SUCCEEDED, None)
    assert end("long")[0] is Status.FAILED
    assert end("never") == (Status.SKIPPED, Cause.UNREACHED)
    assert processes_carrying(marker) == {}


# --- output -----------------------------------------------------------------------------------


class MemoryWatch:
    """Watch how much memory the server and its helpers take, all together."""

    def __init__(self, server: ServerProcess) -> None:
        """Begin to watch in a thread; used as a context manager."""
        self.most_mib = 0.0
        self._pid = server.pid
        self._data = str(server.data).encode()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> MemoryWatch:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self.most_mib = max(self.most_mib, sum(map(_memory_mib, self._own())))
            if self._done.wait(0.01):
                return

    def _own(self) -> list[int]:
        """Find the server and its helpers, but not the steps: they are what they want to be."""
        pids = [self._pid]
        for pid in pids:
            with contextlib.suppress(OSError):
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                pids += [int(child) for child in children if self._is_helper(int(child))]
        return pids

    def _is_helper(self, pid: int) -> bool:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        return b"/host/__main__.py" in command and self._data in command


def _memory_mib(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(sizes[0]) / 1024 if sizes else 0.0


@pytest.mark.slow
def test_a_million_lines(server: ServerProcess, client: BkciClient, bench: Workbench) -> None:
    """A million lines are all there, the last ones at once, in bounded memory."""
    with MemoryWatch(server) as memory:
        build = run_steps(client, bench, step("loud", "seq 1 1000000"), step("next", "echo end"))

    project = build.scenario.project
    last = client.logs(project, "last_line_num", build.id)["lastLineNum"]
    tail = client.logs(project, "after_line", build.id, start=last - 2)["logs"]
    middle = client.logs(project, "after_line", build.id, start=500_000)["logs"]
    assert last == 1_000_001
    assert [line["message"] for line in tail] == ["999999", "1000000", "end"]
    assert middle[0]["lineNo"] == 500_000
    assert middle[0]["message"] == "500000"
    assert 0 < memory.most_mib < MOST_MEMORY_MIB


@pytest.mark.slow
def test_one_line_of_fifty_megabytes(
    server: ServerProcess, client: BkciClient, bench: Workbench
) -> None:
    """A line without end comes in pieces, nothing of it is lost, and memory stays bounded."""
    size = 50_000_000
    script = f"head -c {size} /dev/zero | tr '\\0' x"

    with MemoryWatch(server) as memory:
        build = run_steps(client, bench, step("long", script), step("next", "echo end"))
        content = client.download(build.scenario.project, build.id).content

    pieces = client.logs(build.scenario.project, "after_line", build.id, start=1)["logs"]
    assert content.count(b"x") == size
    assert {len(line["message"]) for line in pieces[:-2]} == {PIECE}
    assert content.rstrip().endswith(b"end")
    assert 0 < memory.most_mib < MOST_MEMORY_MIB


def test_bytes_that_are_no_text(client: BkciClient, bench: Workbench) -> None:
    """Bytes that are not UTF-8 become U+FFFD; colours, markers and other characters stay."""
    raw = "\\377\\376a\\n\\033[31mred\\033[0m\\n##[group]x\\n\\303\\244\\360\\237\\230\\200\\n"
    script = f"printf '{raw}'"

    build = run_steps(client, bench, step("raw", script))

    assert lines_of(build) == [
        "��a",
        "\x1b[31mred\x1b[0m",
        "##[group]x",
        "ä😀",
    ]


def test_random_bytes_harm_nobody(client: BkciClient, bench: Workbench) -> None:
    """Any bytes at all can be printed and read."""
    script = "head -c 300000 /dev/urandom; echo; echo ::set-variable; echo '::set-output name='"

    build = run_steps(client, bench, step("noise", script), step("next", "echo end"))

    assert build.detail().status == "SUCCEED"
    assert lines_of(build)[-1] == "end"
    assert client.download(build.scenario.project, build.id).http == OK


def test_secrets_are_masked_wherever_they_show(
    server: ServerProcess, client: BkciClient, bench: Workbench
) -> None:
    """A password is masked in lines, over reads and chunks, in messages, remarks and variables."""
    split = 'half=${pw%??????????}; printf %s "$half"; sleep 0.2; printf "%s\\n" "${pw#$half}"'
    shown = f'{split}; printf %s "$pw" | base64'
    fill = "head -c 65530 /dev/zero | tr '\\0' -; echo $pw; echo; echo \"[$pw][$pw]\" >&2"
    tell = "echo ::set-variable name=leak::-$pw-\necho ::set-remark look: $pw"
    fail = "echo ::set-error error_code=800001,error_message=bad $pw\nexit 1"
    params = [{"id": "pw", "required": True, "type": "PASSWORD", "defaultValue": ""}]

    build = run_steps(
        client,
        bench,
        step("leak", "\n".join([shown, fill, tell]), continueWhenFailed=True),
        step("fail", fail),
        params=params,
        values={"pw": SECRET},
    )

    project = build.scenario.project
    answers = [
        client.call("GET", project, tail, query={"buildId": build.id})
        for tail in ("build_status", "build_detail", "build_failed_tasks", "logs/download_logs")
    ]
    native = f"/api/v1/projects/{project}/runs"
    answers += [
        client.http.request("GET", native),
        client.http.request("GET", f"{native}/{build.id}"),
        client.http.request("GET", f"{native}/{build.id}/steps"),
        client.call("POST", project, "build_variables", query={"buildId": build.id}, body=["pw"]),
    ]
    assert {answer.http for answer in answers} == {OK}
    log = answers[3].text
    assert log.count(MASK) >= 6, log[:2000]
    assert [a.text for a in answers if SECRET in a.text or SECRET[-10:] in a.text] == []
    assert build.status()["remark"] == f"look: {MASK}"
    assert build.detail().task("fail")["errorMsg"] == f"bad {MASK}"
    logs = [path for path in (server.data / "logs" / build.id).iterdir() if path.is_file()]
    assert [path for path in logs if SECRET.encode() in path.read_bytes()] == []


# --- scripts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1, 2, 77, 126, 127, 128, 255])
def test_exit_code_is_a_failure_of_the_user(
    client: BkciClient, bench: Workbench, code: int
) -> None:
    """Every exit code but 0 fails the step with the user's error code, and is named."""
    build = run_steps(client, bench, step("s", f"exit {code}"))

    task = build.detail().task("s")
    assert (task["status"], task["errorType"], task["errorCode"]) == ("FAILED", 1, USER_EXIT)
    assert str(code) in task["errorMsg"]


def test_signal_is_a_failure_of_the_user(client: BkciClient, bench: Workbench) -> None:
    """A step that is killed by itself fails and says by which signal."""
    build = run_steps(client, bench, step("s", "kill -SEGV $$; sleep 5"))

    assert end_of(build, "s") == ("FAILED", USER_EXIT)
    assert "11" in build.detail().task("s")["errorMsg"]


def test_values_reach_the_next_steps(client: BkciClient, bench: Workbench) -> None:
    """`setEnv`, `::set-variable` and `::set-output` are seen by later steps, in every spelling."""
    write = [
        "setEnv plain 'a b'",
        "setEnv lines 'one\ntwo'",
        "echo '::set-variable name=spoken::50%25%0Anext'",
        "echo '\"::set-variable name=quoted::q\"'",
        "echo '::set-output name=digest::sha'",
        "echo 'no ::set-variable name=none::x'",
        "echo $plain",
    ]
    read = [
        'printf "%s|" "$plain" "$lines" "$spoken" "$quoted" "$none"; echo',
        "echo '${plain} ${{ plain }} ${{ variables.quoted }} ${unknown}'",
        "echo '${{ jobs.build.steps.write.outputs.digest }}'",
    ]

    build = run_steps(
        client,
        bench,
        step("write", "\n".join(write), step_id="write"),
        step("read", "\n".join(read)),
    )

    shown = lines_of(build)
    assert "a b" in shown[: len(write)]
    assert shown[-5:] == ["a b|one", "two|50%", "next|q||", "a b a b q ${unknown}", "sha"]


def test_wrong_names_are_not_set(client: BkciClient, bench: Workbench) -> None:
    """`setEnv` with a name that is none fails where it stands; protected names stay as they are."""
    build = run_steps(
        client,
        bench,
        step("bad", "setEnv 'a-b' x", continueWhenFailed=True),
        step("mine", "echo ::set-variable name=BK_CI_BUILD_ID::hacked"),
        step("read", "echo $BK_CI_BUILD_ID"),
    )

    assert end_of(build, "bad") == ("FAILED", USER_EXIT)
    assert lines_of(build)[-1] == build.id


def test_error_that_a_script_gives_itself(client: BkciClient, bench: Workbench) -> None:
    """`::set-error` gives a failure code and text; a success and a foreign code change nothing."""
    own = "echo '::set-error error_code=800123,error_message=my own, with a comma'"
    foreign = "echo '::set-error error_code=5,error_message=x'"

    build = run_steps(
        client,
        bench,
        step("own", f"{own}\nexit 3", continueWhenFailed=True),
        step("foreign", f"{foreign}\nexit 3", continueWhenFailed=True),
        step("good", own),
    )

    assert end_of(build, "own") == ("FAILED", 800_123)
    assert build.detail().task("own")["errorMsg"] == "my own, with a comma"
    assert end_of(build, "foreign") == ("FAILED", USER_EXIT)
    assert end_of(build, "good") == ("SUCCEED", None)


def test_script_in_python(client: BkciClient, bench: Workbench) -> None:
    """A Python script runs, keeps the order of its output, and its exit code counts."""
    script = "import sys\nprint('one')\nsys.stderr.write('two\\n')\nprint('three')\nsys.exit(4)"

    build = run_steps(client, bench, typed("PYTHON3", "py", script))

    assert lines_of(build) == ["one", "two", "three"]
    assert end_of(build, "py") == ("FAILED", USER_EXIT)


@pytest.mark.parametrize(
    ("task", "code", "text"),
    [
        (typed("POWER_SHELL", "s", "x"), USER_SPAWN, "pwsh"),
        (typed("WHATEVER", "s", "x"), USER_CONFIG, "WHATEVER"),
        (step("s", "#!/no/such/interpreter\nx"), USER_SPAWN, "/no/such/interpreter"),
        (step("s", "echo a\necho b\0c"), USER_SPAWN, "line 2"),
        (step("s", "true", timeoutVar="${minutes}"), USER_CONFIG, "minutes"),
        (
            {
                "@type": "marketBuild",
                "id": "e-plugin",
                "name": "s",
                "atomCode": "no-such-plugin",
                "version": "1.*",
                "data": {"input": {}},
            },
            2189503,
            "no-such-plugin",
        ),
    ],
    ids=["powershell", "unknown-type", "interpreter", "nul", "time-out", "plugin"],
)
def test_step_that_cannot_start_says_why(
    client: BkciClient, bench: Workbench, task: Json, code: int, text: str
) -> None:
    """A step that nothing can run fails with a code and a message, and the next is not reached."""
    if task.get("scriptType") == "POWER_SHELL" and shutil.which("pwsh"):
        pytest.skip("this machine has a PowerShell")

    build = run_steps(client, bench, task, step("next", "true"), params=[parameter("minutes", "x")])

    view = build.detail()
    assert view.statuses("s", "next") == ["FAILED", "UNEXEC"]
    assert view.task("s")["errorCode"] == code
    assert text in view.task("s")["errorMsg"]


def test_huge_script(client: BkciClient, bench: Workbench) -> None:
    """A script of 2 MB runs to its last line."""
    lines = "\n".join(f": {'x' * 93}" for _ in range(20_000))

    build = run_steps(client, bench, step("huge", f"echo first\n{lines}\necho last"))

    assert lines_of(build) == ["first", "last"]


def test_shell_goes_on_after_an_error_only_when_asked(client: BkciClient, bench: Workbench) -> None:
    """A failing command ends a shell script, unless `continueNoneZero` lets it go on."""
    script = "false\necho after"

    build = run_steps(
        client,
        bench,
        typed("SHELL", "lenient", script, continueNoneZero=True),
        typed("SHELL", "strict", script),
    )

    assert build.detail().statuses("lenient", "strict") == ["SUCCEED", "FAILED"]
    assert lines_of(build) == ["after"]


def test_environments_of_step_and_job(client: BkciClient, bench: Workbench) -> None:
    """A job's environment reaches all its steps, a step's only that one; values are substituted."""
    inner = {**step("inner", 'echo "$A|$B|$C"'), "customEnv": [{"key": "A", "value": "of ${p}"}]}

    build = run_steps(
        client,
        bench,
        inner,
        step("outer", 'echo "$A|$B|$C"; echo "$HOME" | grep -c .'),
        step("here", 'cd \'${{ ci.workspace }}\' && test "$HERE/x" = "$PWD/x" && echo here'),
        params=[parameter("p", "step")],
        customEnv=[
            {"key": "A", "value": "job"},
            {"key": "B", "value": "${p}"},
            {"key": "HERE", "value": "${{ ci.workspace }}"},
        ],
    )

    assert lines_of(build) == ["of step|step|", "job|step|", "1", "here"]


def test_server_keeps_its_own_environment(tmp_path: Path, bench: Workbench) -> None:
    """No setting or secret of the server's environment is seen by a step."""
    secret = {"MULLIGAN_SECRET_KEY": "hidden-key" * 4, "MULLIGAN_TOKEN": "hidden-token"}
    with (
        ServerProcess(tmp_path / "data", environment=secret) as server,
        BkciClient(server.url) as client,
    ):
        build = run_steps(client, bench, step("look", "env; cat /proc/$PPID/environ || true"))

        content = client.download(build.scenario.project, build.id).text

    assert "PATH=" in content
    assert "hidden-" not in content


def test_classic_substitution(client: BkciClient, bench: Workbench) -> None:
    """Both spellings are replaced, unknown names and whole-line comments stay as they are."""
    script = "\n".join(
        [
            "# a comment: ${multi}",
            "echo '${p} ${{p}} ${{  p  }} ${{ variables.p }} ${unknown} ${{ unknown }} $p'",
            'echo "${shell-default}" "${p}"',
        ]
    )

    build = run_steps(
        client,
        bench,
        step("s", script),
        params=[parameter("p", "v"), parameter("multi", "x\nexit 9")],
    )

    assert lines_of(build) == ["v v v v ${unknown} ${{ unknown }} $p", "default v"]
    assert build.detail().status == "SUCCEED"


def test_constrained_substitution(client: BkciClient, bench: Workbench) -> None:
    """In the CONSTRAINED dialect only `${{ }}` is replaced, and variables are not in the script."""
    model = one_job("constrained", [step("s", "echo '${p}' '${{ p }}' '${{ variables.p }}'")])
    model["stages"][0]["containers"][0]["params"] = [parameter("p", "v")]
    scenario = Scenario(client, bench, model)
    as_code = {"enable": False, "inheritedDialect": False, "pipelineDialect": "CONSTRAINED"}
    client.change_setting(scenario.project, scenario.pipeline, pipelineAsCodeSettings=as_code)

    build = scenario.run()

    assert lines_of(build) == ["${p} v v"]


def test_long_values_are_dropped(client: BkciClient, bench: Workbench) -> None:
    """A value of 4000 characters is kept, one more is left out; the step succeeds."""
    fill = "head -c {} /dev/zero | tr '\\0' x"
    script = f'setEnv fits "$({fill.format(4000)})"\nsetEnv long "$({fill.format(4001)})"'

    build = run_steps(client, bench, step("set", script), step("read", "echo ${#fits} ${#long}"))

    assert lines_of(build) == ["4000 0"]


@pytest.mark.parametrize("value", ["a\0b", "\u2028", "😀" * 50, "$(id)", "`id`", "';id;'", "%s%n"])
def test_strange_start_values(client: BkciClient, bench: Workbench, value: str) -> None:
    """Whatever a start parameter holds, it arrives as it is, without its NUL characters."""
    build = run_steps(
        client,
        bench,
        step("s", "printf '%s\\n' \"$given\""),
        params=[parameter("given", "")],
        values={"given": value},
    )

    assert lines_of(build) == [value.replace("\0", "")]


# --- repositories and artifacts ---------------------------------------------------------------


class Repository:
    """Own a git repository with a branch, a tag and two commits."""

    def __init__(self, path: Path) -> None:
        """Make it."""
        path.mkdir()
        self.path = path
        self._git("init", "-q", "-b", "main")
        self.first = self.commit("one")
        self._git("tag", "v1")
        self.second = self.commit("two")

    @property
    def url(self) -> str:
        """Return its URL."""
        return self.path.as_uri()

    def commit(self, text: str) -> str:
        """Commit a file with this text and return the commit."""
        (self.path / "file").write_text(text + "\n")
        self._git("add", ".")
        self._git("commit", "-q", "-m", text)
        return self._git("rev-parse", "HEAD")

    def branch(self, name: str, text: str) -> str:
        """Commit a file with this text on a new branch and return the commit."""
        self._git("checkout", "-q", "-b", name)
        return self.commit(text)

    def _git(self, *arguments: str) -> str:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        command = ["git", "-C", str(self.path), *who, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Give a repository."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed here")
    return Repository(tmp_path / "repository")


def plugin(name: str, code: str, **inputs: str) -> Json:
    """Return a task of a built-in plugin."""
    return {
        "@type": "marketBuild",
        "id": f"e-{uuid.uuid4().hex}",
        "name": name,
        "atomCode": code,
        "version": "1.*",
        "data": {"input": inputs},
    }


def checkout(url: str, kind: str, ref: str, **more: str) -> Json:
    """Return a checkout."""
    return plugin("get", "checkout", repositoryUrl=url, pullType=kind, refName=ref, **more)


@pytest.mark.parametrize("kind", ["BRANCH", "TAG", "COMMIT_ID", "COMMIT_ID short", "BRANCH none"])
def test_checkout(client: BkciClient, bench: Workbench, repository: Repository, kind: str) -> None:
    """A branch, a tag, a commit and the default branch are checked out, and their commit told."""
    refs = {
        "BRANCH": ("main", repository.second),
        "TAG": ("v1", repository.first),
        "COMMIT_ID": (repository.first, repository.first),
        "COMMIT_ID short": (repository.first[:10], repository.first),
        "BRANCH none": ("", repository.second),
    }
    ref, commit = refs[kind]

    build = run_steps(
        client,
        bench,
        checkout(repository.url, kind.split()[0], ref, localPath="sub/dir"),
        step(
            "read", "cat sub/dir/file; echo $BK_CI_GIT_REPO_HEAD_COMMIT_ID; git -C sub/dir status"
        ),
    )

    wanted = "one" if commit == repository.first else "two"
    lines = lines_of(build)
    assert lines[2:4] == [wanted, commit]
    assert "nothing to commit, working tree clean" in lines


@pytest.mark.parametrize(
    ("kind", "ref", "more"),
    [
        ("BRANCH", "no-such-branch", {}),
        ("TAG", "no-such-tag", {}),
        ("COMMIT_ID", "0" * 40, {}),
        ("COMMIT_ID", "", {}),
        ("BRANCH", "--upload-pack=touch {mark}", {}),
        ("COMMIT_ID", "--output={mark}", {}),
        ("COMMIT_ID", "--upload-pack=touch {mark}; git-upload-pack", {}),
        ("BRANCH", "main:refs/heads/x", {}),
        ("BRANCH", "main", {"localPath": "../../out"}),
        ("BRANCH", "main", {"localPath": "/tmp/out"}),
        ("BRANCH", "main", {"localPath": "a\0b"}),
        ("BRANCH", "main", {"repositoryUrl": "ext::sh -c 'touch {mark}'"}),
        ("BRANCH", "main", {"repositoryUrl": "--upload-pack=touch {mark}"}),
        ("BRANCH", "main", {"repositoryUrl": "file:///no/such/repository"}),
        ("BRANCH", "main", {"repositoryUrl": ""}),
    ],
)
def test_checkout_of_nonsense_fails(
    client: BkciClient,
    bench: Workbench,
    repository: Repository,
    kind: str,
    ref: str,
    more: dict[str, str],
) -> None:
    """References that do not exist, options in disguise and paths that lead out only fail."""
    mark = str(bench.directory / "mark")
    given = {"url": repository.url, **{k: v.replace("{mark}", mark) for k, v in more.items()}}
    url = given.pop("repositoryUrl", given.pop("url"))
    given.pop("url", None)

    build = run_steps(client, bench, checkout(url, kind, ref.replace("{mark}", mark), **given))

    assert end_of(build, "get")[0] == "FAILED"
    assert build.detail().task("get")["errorMsg"]
    assert not Path(mark).exists()
    assert not Path("/tmp/out").exists()


def test_retry_uses_the_commit_of_the_first_attempt(
    client: BkciClient, bench: Workbench, repository: Repository
) -> None:
    """When the branch has moved on, a retried checkout gets the same commit again, and says so."""
    scenario = Scenario(
        client,
        bench,
        one_job(
            "pinned",
            [
                checkout(repository.url, "BRANCH", "main"),
                step("read", bench.script("read", "cat file")),
            ],
        ),
    )
    build = scenario.run_broken("read")
    repository.commit("three")
    bench.repair("read")

    view = build.repair("get")

    assert view.status == "SUCCEED"
    lines = lines_of(build, executeCount=2)
    assert lines[-1] == "two"
    assert any(repository.second in line for line in lines)
    assert lines_of(scenario.run())[-1] == "three"


def test_retry_of_another_branch_uses_that(
    client: BkciClient, bench: Workbench, repository: Repository
) -> None:
    """The commit of the first attempt says nothing about a branch that an earlier step chose."""
    choice = bench.directory / "choice"
    choice.write_text("main")
    model = one_job(
        "chosen",
        [
            step("choose", f'setEnv branch "$(cat {choice})"'),
            checkout(repository.url, "BRANCH", "${branch}"),
            step("read", bench.script("read", "cat file")),
        ],
    )
    build = Scenario(client, bench, model).run_broken("read")
    repository.branch("other", "three")
    choice.write_text("other")
    bench.repair("read")

    view = build.repair()

    assert view.status == "SUCCEED"
    assert lines_of(build, executeCount=2)[-1] == "three"


def _producer_and_consumer(bench: Workbench) -> Json:
    make = 'mkdir -p out; echo "made $MULLIGAN_RUN_ATTEMPT" > out/a.txt; echo x > out/b.bin'
    return pipeline(
        "artifacts",
        [
            stage(
                "produce",
                [
                    job(
                        "producer",
                        [
                            step("make", bench.script("make", make)),
                            plugin("up", "uploadArtifact", filePath="out/*.txt,out/b.bin"),
                        ],
                    )
                ],
            ),
            stage(
                "consume",
                [
                    job(
                        "consumer",
                        [
                            plugin("down", "downloadArtifact", srcPaths="*.txt", destPath="got"),
                            step("use", bench.script("use", "cat got/a.txt; ls got | wc -l")),
                        ],
                    )
                ],
            ),
        ],
    )


def test_artifacts_pass_between_jobs(client: BkciClient, bench: Workbench) -> None:
    """What one job archives another one downloads; a retry of the producer replaces it."""
    scenario = Scenario(client, bench, _producer_and_consumer(bench))
    build = scenario.run_broken("use")
    listed = build.status()["artifactList"]
    bench.repair("use")

    view = build.repair("make")

    assert sorted(artifact["name"] for artifact in listed) == ["a.txt", "b.bin"]
    assert view.status == "SUCCEED"
    assert lines_of(build)[-2:] == ["made 1", "1"]
    assert lines_of(build, executeCount=2)[-2:] == ["made 2", "1"]
    assert bench.counts("make", "use") == [2, 2]


def test_consumer_alone_gets_what_is_there(client: BkciClient, bench: Workbench) -> None:
    """A retry of the consumer alone downloads what the kept producer had archived."""
    scenario = Scenario(client, bench, _producer_and_consumer(bench))
    build = scenario.run_broken("use")
    bench.repair("use")

    view = build.repair("down")

    assert view.status == "SUCCEED"
    assert lines_of(build, executeCount=2)[-2:] == ["made 1", "1"]
    assert bench.counts("make", "use") == [1, 2]


@pytest.mark.parametrize("pattern", ["", "nothing*", "**foo/[/../x", "a\0b"])
def test_archive_of_nothing_fails(client: BkciClient, bench: Workbench, pattern: str) -> None:
    """An archive step that finds no file, or whose pattern is none, fails and says so."""
    build = run_steps(client, bench, plugin("up", "uploadArtifact", filePath=pattern))

    assert end_of(build, "up") == ("FAILED", USER_EXIT)
    assert any("##[error]" in line for line in lines_of(build))
    assert not any("Traceback" in line for line in lines_of(build))


def test_script_that_archives(client: BkciClient, bench: Workbench) -> None:
    """A script step archives what it is told to when it succeeded, and keeps its values."""
    make = "echo x > made.txt\nsetEnv v 1\necho '::set-error error_code=800001,error_message=m'"
    archiving = {"enableArchiveFile": True, "archiveFile": "made.txt"}
    missing = {"enableArchiveFile": True, "archiveFile": "nothing"}

    build = run_steps(
        client,
        bench,
        typed("SHELL", "make", make, **archiving),
        step("read", "echo v=$v"),
        typed("SHELL", "miss", "true", **missing),
    )

    assert build.detail().statuses("make", "read", "miss") == ["SUCCEED", "SUCCEED", "FAILED"]
    assert [artifact["name"] for artifact in build.status()["artifactList"]] == ["made.txt"]
    assert "v=1" in lines_of(build)


# --- directories ------------------------------------------------------------------------------


@pytest.fixture
def two_steps(client: BkciClient, bench: Workbench) -> Scenario:
    """Give a pipeline whose second step needs the file of its first."""
    note = 'echo "attempt $MULLIGAN_RUN_ATTEMPT" >> file'
    first = step("first", bench.script("first", note))
    second = step("second", bench.script("second", "cat file"))
    return Scenario(client, bench, one_job("two", [first, second]))


def test_retry_of_a_step_finds_the_files_of_the_kept_ones(two_steps: Scenario) -> None:
    """The working directory of a retried step is the one in which the kept steps worked."""
    build = two_steps.run_broken("second")
    two_steps.bench.repair("second")

    view = build.repair("second")

    assert view.status == "SUCCEED"
    assert lines_of(build, executeCount=2) == ["attempt 1"]
    assert two_steps.bench.counts("first", "second") == [1, 2]


def test_retry_of_a_step_is_widened_when_the_files_are_gone(
    server: ServerProcess, two_steps: Scenario
) -> None:
    """Without the directory the retry begins at the job's first step, in a new one."""
    build = two_steps.run_broken("second")
    two_steps.bench.repair("second")
    shutil.rmtree(server.data / "workspaces" / build.id)

    view = build.repair("second")

    assert view.status == "SUCCEED"
    assert lines_of(build, executeCount=2) == ["attempt 2"]
    assert two_steps.bench.counts("first", "second") == [2, 2]


def test_retry_of_everything_begins_with_an_empty_directory(two_steps: Scenario) -> None:
    """A whole retry sees nothing of what the first attempt wrote."""
    build = two_steps.run_broken("second")
    two_steps.bench.repair("second")

    view = build.repair()

    assert view.status == "SUCCEED"
    assert lines_of(build, executeCount=2) == ["attempt 2"]


def test_step_never_runs_on_other_files(server: ServerProcess, two_steps: Scenario) -> None:
    """When its directory vanishes after the retry was planned, the step fails; a retry widens."""
    bench = two_steps.bench
    build = two_steps.run_broken("second")
    bench.repair("second")
    blockers = [_blocker(two_steps, bench, number) for number in range(8)]
    assert build.retry("second")[0] == OK  # no runner is free: it waits
    build.wait_task("second", "QUEUE")
    shutil.rmtree(server.data / "workspaces" / build.id)
    bench.release(*[name for name, _ in blockers])

    lost = build.wait()
    view = build.repair("second")

    for _, blocker in blockers:
        blocker.wait()
    assert lost.statuses("first", "second") == ["SUCCEED", "FAILED"]
    assert "directory" in lost.task("second")["errorMsg"]
    assert view.status == "SUCCEED"
    assert bench.counts("first", "second") == [2, 2]
    assert lines_of(build, executeCount=3) == ["attempt 3"]


def _blocker(scenario: Scenario, bench: Workbench, number: int) -> tuple[str, Build]:
    name = f"block{number}"
    bench.hold(name)
    model = one_job(name, [step(name, bench.script(name))])
    build = Scenario(scenario.client, bench, model, scenario.project).start()
    build.wait_ran(name)
    return name, build


def test_good_runs_keep_no_directory(server: ServerProcess, two_steps: Scenario) -> None:
    """The directories of a run that succeeded are removed, and nothing is left of its steps."""
    build = two_steps.run()

    poll_until(lambda: not (server.data / "workspaces" / build.id).exists(), what="it is removed")
    assert [p.name for p in (server.data / "steps").iterdir() if build.id in p.name] == []


# --- the step host ----------------------------------------------------------------------------


def _host_pids(server: ServerProcess) -> list[int]:
    """Return the processes that run steps: the guard, and where there is one its child."""
    marks = processes_carrying(str(server.data))
    return sorted(pid for pid, command in marks.items() if "/host/__main__.py" in command)


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, -1], ids=["guard", "host"])
def test_killed_step_host_costs_one_attempt(tmp_path: Path, bench: Workbench, which: int) -> None:
    """When the host is killed, its steps end; each gets a new attempt, as after a crash."""
    model = one_job("host", [step(name, bench.script(name)) for name in ("first", "held", "last")])
    bench.hold("held")
    with (
        ServerProcess(tmp_path / "data") as server,
        BkciClient(server.url) as client,
    ):
        project = new_project(client)
        build = client.start(project, client.pipeline_create(project, model))["id"]
        poll_until(lambda: bench.ran("held") == 1, what="the step was started")

        os.kill(_host_pids(server)[which], 9)

        poll_until(lambda: bench.ran("held") == 2, what="the step was started again")
        bench.release("held")
        view = client.wait_finished(project, build)
    assert (view.status, view.execute_count) == ("SUCCEED", 1)
    assert bench.counts("first", "held", "last") == [1, 2, 1]


@pytest.mark.slow
def test_host_that_is_killed_for_ever(tmp_path: Path, bench: Workbench) -> None:
    """A step whose host dies each time fails as lost when its budget is used up, not later."""
    script = bench.script("held") + "sleep 600"
    with (
        ServerProcess(tmp_path / "data", "--set", "recovery.lost_budget=2") as server,
        BkciClient(server.url) as client,
    ):
        project = new_project(client)
        model = one_job("host", [step("held", script)])
        build = client.start(project, client.pipeline_create(project, model))["id"]
        for attempt in (1, 2, 3):
            _wait_ran(bench, "held", attempt)
            os.kill(_host_pids(server)[-1], 9)

        view = client.wait_finished(project, build)
        after = run_steps(client, bench, step("good", "echo good")).detail()
    assert view.status == "FAILED"
    assert view.task("held")["errorCode"] == 2199502
    assert bench.ran("held") == 3
    assert after.status == "SUCCEED"


def _wait_ran(bench: Workbench, name: str, times: int) -> None:
    poll_until(lambda: bench.ran(name) == times, what=f"{name} was started {times} times")
