"""Plugins of every language as the step host runs them, after the protocol only."""

import asyncio
import importlib.util
import io
import json
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mulligan.core.plugins import problems_of
from mulligan.core.posts import ENTRY_INPUT
from mulligan.ports import StepEnd
from mulligan.testing.server import processes_carrying
from plugin_zips import Json, manifest, plugin_zip, zip_of
from step_bench import Bench, a_bench

pytestmark = pytest.mark.anyio

USER, PLUGIN = 1, 3
KEY = "b-1.e-1.1.proof"
# Puts the whole input file, its environment and its arguments into an artifact.
TELL = """#!/bin/sh
{ cat "$bk_data_dir/$bk_data_input"; echo; env | sort; pwd; echo "args:$*"; } > "$WORKSPACE/told"
cp .sdk.json "$WORKSPACE/sdk"
"""


def says(status: str = "success", **more: Any) -> str:
    """Give a program that leaves that output."""
    answer = json.dumps({"status": status, "type": "default", **more})
    return f'#!/bin/sh\ncat > "$bk_data_dir/$bk_data_output" <<"X"\n{answer}\nX\n'


def inputs_of(bench: Bench, content: bytes, task: Json, **more: Any) -> Json:
    """Give the inputs of a step as the engine completes them."""
    plugin = {
        "code": task["atomCode"],
        "version": "1.2.3",
        "name": "A plugin",
        "manifest": task,
        "digest": bench.keep(content),
    }
    return {"plugin": plugin, "gateway": "http://127.0.0.1:1", "key": KEY, "input": {}} | more


async def run(bench: Bench, program: str = TELL, task: Json | None = None, **more: Any) -> StepEnd:
    """Run a plugin whose program is the given shell script."""
    task = task or manifest()
    named = ("variables", "env", "timeout_s", "post_of")
    changes = {name: more.pop(name) for name in named if name in more}
    content = plugin_zip(task, run_sh=program)
    given = inputs_of(bench, content, task, **more)
    return await bench.run("plugin", given, **changes)


def told(bench: Bench) -> tuple[Json, list[str]]:
    """Read what `TELL` wrote: the input file, and the lines behind it."""
    first, _, rest = (bench.root / "workspaces/r-1/7/told").read_text().partition("\n")
    found: Json = json.loads(first)
    return found, rest.splitlines()


def private_files(root: Path) -> list[Path]:
    """List the files below a data directory that belong to the task of a plugin."""
    return [path for path in root.rglob("*") if path.name in (".sdk.json", "input.json")]


async def test_what_a_plugin_is_given(tmp_path: Path) -> None:
    """Inputs are texts with their defaults; variables, presets and environment are there."""
    task = manifest() | {
        "input": {
            "words": {"default": "hello"},
            "items": {"default": ["a", "ä"]},
            "flag": {"default": True},
            "count": {"default": 3},
            "map": {"default": {"k": 1}},
            "none": {},
        }
    }
    variables = {"old.name": "o", "mine": "it's\ntwo", "with-dash": "x", "变量": "x", "ok": "1"}
    async with a_bench(tmp_path) as bench:
        end = await run(bench, task=task, input={"words": "hi", "extra": 7}, variables=variables)
        given, lines = told(bench)
        sdk = json.loads((tmp_path / "workspaces/r-1/7/sdk").read_text())

    assert end.exit_code == 0, bench.log()
    assert {name: given[name] for name in (*task["input"], "extra")} == {
        "words": "hi",
        "items": '["a","ä"]',
        "flag": "true",
        "count": "3",
        "map": '{"k":1}',
        "none": "",
        "extra": "7",
    }
    assert {name: given[name] for name in variables} == variables
    assert given["bkWorkspace"] == str(tmp_path / "workspaces/r-1/7")
    assert (given["testVersionFlag"], given["bkSensitiveConfInfo"]) == ("N", {})
    assert (given["BK_CI_ATOM_CODE"], given["BK_CI_ATOM_VERSION"]) == ("echo", "1.2.3")
    folder = next(line for line in lines if line.startswith("bk_data_dir="))[12:]
    assert lines[-2:] == [folder, "args:"]
    assert private_files(tmp_path) == []
    assert {"mine=itstwo", "ok=1", "BK_CI_ATOM_CODE=echo", "PROJECT_ID=default"} <= set(lines)
    assert {"BUILD_ID=r-1", "VM_SEQ_ID=7", "BK_CI_BUILD_TASK_ID=e-1"} <= set(lines)
    assert not any(line.startswith(("old.name", "with-dash", "变量")) for line in lines)
    needed = ("buildType", "projectId", "agentId", "secretKey", "gateway", "buildId", "vmSeqId")
    assert all(sdk[name] for name in needed)
    assert (sdk["secretKey"], sdk["taskId"], sdk["executeCount"]) == (KEY, "e-1", 1)


async def test_outputs_with_a_namespace(tmp_path: Path) -> None:
    """Variables and outputs carry it; too long ones are left out, undeclared ones mentioned."""
    data = {
        "count": {"type": "string", "value": "2"},
        "list": {"type": "string", "value": [1]},
        "long": {"type": "string", "value": "x" * 4001},
        "odd": {"type": "file", "value": "x"},
        "secret": {"type": "string", "value": "s3cret", "isSensitive": True},
    }
    async with a_bench(tmp_path) as bench:
        end = await run(bench, says(data=data), namespace="n")

    assert end.variables == (("n_count", "2"), ("n_list", "[1]"), ("n_secret", "s3cret"))
    assert end.outputs == end.variables
    assert (end.sensitive, end.pin) == (("n_secret",), "1.2.3")
    log = bench.log()
    assert "n_long is longer than 4000" in log
    assert "unknown type 'file'" in log
    assert "output(except): list" in log
    assert "n_secret=******" in log
    assert "s3cret" not in log


async def test_failure_of_its_own(tmp_path: Path) -> None:
    """Type, code and message are the plugin's; its outputs are kept."""
    data = {"count": {"value": "1"}}
    program = says("failure", errorType=3, errorCode=100_001, message="no luck", data=data)
    async with a_bench(tmp_path) as bench:
        end = await run(bench, program)

    assert (end.cause, end.exit_code) == ("exit", 1)
    assert (end.error, end.error_type) == ((100_001, "no luck"), PLUGIN)
    assert end.variables == (("count", "1"),)


async def test_exit_code_against_status(tmp_path: Path) -> None:
    """A program that fails after it wrote success has failed; nothing of an old run is read."""
    async with a_bench(tmp_path) as bench:
        end = await run(bench, says() + "exit 7\n")

    assert (end.exit_code, end.error_type) == (7, USER)
    assert end.error == (2199004, "the plugin ended with exit code 7")


async def test_secret_inputs(tmp_path: Path) -> None:
    """They stand neither in the log nor in the message of a failure."""
    task = manifest() | {"input": {"pw": {"isSensitive": True}}}
    program = 'echo "pw: $(cat input.json)"\ncat .sdk.json\n' + says(
        "failure", message="wrong: hunter2"
    )
    async with a_bench(tmp_path) as bench:
        end = await run(bench, f"#!/bin/sh\n{program}", task, input={"pw": "hunter2"})

    assert end.error is not None
    assert end.error[1] == "wrong: ******"
    assert "hunter2" not in bench.log()
    assert KEY not in bench.log()


async def test_artifacts_and_reports(tmp_path: Path) -> None:
    """Files go to the content store; the variable is the last path; pages know their address."""
    program = """
mkdir -p "$WORKSPACE/out/css"; echo a > "$WORKSPACE/a.txt"; echo b > "$WORKSPACE/b.txt"
echo '<a href="${report.dynamic.root.url}/index.html">' > "$WORKSPACE/out/index.html"
echo body > "$WORKSPACE/out/css/x.css"
"""
    data = {
        "art": {"type": "artifact", "value": ["*.txt", "gone/*"]},
        "own": {
            "type": "artifact",
            "value": "a.txt",
            "artifactoryType": "CUSTOM_DIR",
            "path": "/d",
        },
        "out": {
            "type": "artifact",
            "value": "a.txt",
            "artifactoryType": "CUSTOM_DIR",
            "path": "../x",
        },
        "rep": {"type": "report", "label": "My tests", "path": "out", "target": "index.html"},
        "web": {
            "type": "report",
            "label": "Elsewhere",
            "reportType": "THIRDPARTY",
            "url": "https://example.com",
        },
        "bad": {"type": "report", "path": "out", "target": "index.html"},
    }
    async with a_bench(tmp_path) as bench:
        end = await run(bench, says(data=data) + program)
        pages = {file.path: file for note in end.notes for file in note.files}
        index = bench.place(pages["My tests/index.html"].digest).read_text()

    assert end.exit_code == 0, bench.log()
    assert [file.path for file in end.artifacts] == ["a.txt", "b.txt", "d/a.txt"]
    assert end.variables == (("art", "b.txt"), ("own", "d/a.txt"))
    assert [(note.name, note.data) for note in end.notes] == [
        ("My tests", {"index": "My tests/index.html"}),
        ("Elsewhere", {"url": "https://example.com"}),
    ]
    assert set(pages) == {"My tests/index.html", "My tests/css/x.css"}
    root = "http://127.0.0.1:1/api/v1/projects/default/runs/r-1/reports/e-1/1/My%20tests"
    assert index == f'<a href="{root}/index.html">\n'
    assert "no file matches 'gone/*'" in bench.log()
    assert "has no label" in bench.log()


async def test_metrics_of_quality(tmp_path: Path) -> None:
    """They are kept under the code of the plugin."""
    async with a_bench(tmp_path) as bench:
        end = await run(bench, says(type="quality", qualityData={"rate": {"value": "0.8"}}))

    (note,) = end.notes
    assert (note.kind, note.name, note.data) == ("quality", "echo", {"rate": "0.8"})


async def test_files_of_the_protocol_in_a_zip(tmp_path: Path) -> None:
    """An output file that came with the zip is not taken for the plugin's answer."""
    content = plugin_zip(output_json='{"status": "failure"}', run_sh="#!/bin/sh\nls\n")
    async with a_bench(tmp_path) as bench:
        end = await bench.run("plugin", inputs_of(bench, content, manifest()))

    assert end.exit_code == 0
    assert "No output" in bench.log()
    assert "output.json" not in bench.log()


async def test_demands_run_first(tmp_path: Path) -> None:
    """They and the target are one script: it ends at the first that fails."""
    task = manifest(demands=["chmod +x run.sh", "echo first", "export FROM=demand"])
    async with a_bench(tmp_path) as bench:
        good = await run(bench, '#!/bin/sh\necho "then $FROM"\n', task)
        said = bench.log()
        bad = await run(bench, TELL, manifest(demands=["chmod +x run.sh", "false"]))

    assert good.exit_code == 0
    assert "first\nthen demand\n" in said
    assert (bad.exit_code, bad.error_type) == (1, USER)


async def test_package_in_a_folder_of_the_zip(tmp_path: Path) -> None:
    """The execution file lies at the top, where the command looks for it."""
    task = manifest(packagePath="bin/app", target="./app")
    content = io.BytesIO(plugin_zip(task))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("bin/app", "#!/bin/sh\necho from app\n")
    async with a_bench(tmp_path) as bench:
        end = await bench.run("plugin", inputs_of(bench, content.getvalue(), task))

    assert end.exit_code == 0, bench.log()
    assert "from app" in bench.log()


@pytest.mark.parametrize(
    ("language", "target", "call"),
    [
        ("golang", "./run.sh", "args:--postAction=True"),
        ("nodejs", "sh ./run.sh", "args:--post-action=True"),
        ("java", "$bk_java_path -jar run.sh", "args:-DpostEntryParam=True -jar run.sh"),
        ("java", "java -jar run.sh", "args:-DpostEntryParam=True -jar run.sh"),
        ("java", "java -cp run.sh Main", "args:-DpostEntryParam=True -cp run.sh Main"),
    ],
)
async def test_post_action(tmp_path: Path, language: str, target: str, call: str) -> None:
    """Each language has a flag of its own; the step that it belongs to is named."""
    java = tmp_path / "java"
    java.write_text(TELL)
    java.chmod(0o755)
    task = manifest(language=language, target=target)
    async with a_bench(tmp_path, java=str(java)) as bench:
        end = await run(bench, task=task, post_of="e-parent", **{ENTRY_INPUT: "True"})
        given, lines = told(bench)

    assert end.exit_code == 0, bench.log()
    assert lines[-1] == call
    assert given["parentTaskId"] == "e-parent"


# Reads its input, as an SDK does, and tells what it found; as a post action it says so.
JAVA = """
import java.io.IOException;
import java.nio.file.*;
import java.util.regex.*;

public class Echo {
    static String member(String document, String name) {
        Matcher found = Pattern.compile("\\"" + name + "\\": *\\"([^\\"]*)\\"").matcher(document);
        return found.find() ? found.group(1) : "";
    }

    public static void main(String[] arguments) throws IOException {
        Path folder = Paths.get(System.getenv("bk_data_dir"));
        Path file = folder.resolve(System.getenv("bk_data_input"));
        String input = new String(Files.readAllBytes(file), "UTF-8");
        String words = member(input, "words") + "/" + member(input, "api-key");
        String post = System.getProperty("postEntryParam", "none");
        System.out.println("##[info]post: " + post + ", key: " + member(input, "api-key"));
        String answer = "{\\"status\\": \\"success\\", \\"type\\": \\"default\\", \\"data\\": "
            + "{\\"count\\": {\\"type\\": \\"string\\", \\"value\\": \\""
            + words.length() + "\\"}}}";
        Files.write(folder.resolve(System.getenv("bk_data_output")), answer.getBytes("UTF-8"));
    }
}
"""


@pytest.mark.skipif(
    not (shutil.which("javac") and shutil.which("java")), reason="javac and java are not installed"
)
async def test_java(tmp_path: Path) -> None:
    """A program that is compiled here reads its input and answers, also as a post action."""
    source = tmp_path / "Echo.java"
    source.write_text(JAVA)
    compiler = await asyncio.create_subprocess_exec("javac", str(source), cwd=tmp_path)
    assert await compiler.wait() == 0
    jar = zip_of(
        {
            "META-INF/MANIFEST.MF": "Manifest-Version: 1.0\nMain-Class: Echo\n",
            "Echo.class": (tmp_path / "Echo.class").read_bytes(),
        }
    )
    task = manifest(language="java", packagePath="echo.jar", target="$bk_java_path -jar echo.jar")
    given = {"input": {"words": "héllo"}, "settings": {"api-key": "hunter-22"}}
    async with a_bench(tmp_path) as bench:
        inputs = inputs_of(bench, plugin_zip(task, echo_jar=jar), task, **given)
        end = await bench.run("plugin", inputs)
        assert end.exit_code == 0, bench.log()
        assert dict(end.outputs)["count"] == str(len("héllo/hunter-22"))
        assert "post: none, key: ******" in bench.log()
        await bench.run("plugin", inputs | {ENTRY_INPUT: "True"})

    assert "post: True, key: ******" in bench.log()


@pytest.mark.parametrize(
    ("execution", "problem"),
    [
        ({"language": "java"}, "needs java"),
        ({"language": "python", "runtimeVersion": "python2"}, "needs python2"),
        ({"language": "python", "runtimeVersion": "3.1"}, "needs python3.1"),
    ],
)
async def test_interpreter_is_missing(
    tmp_path: Path, execution: dict[str, Any], problem: str
) -> None:
    """The step fails with what is missing: it is no fault of the user's."""
    async with a_bench(tmp_path, java=str(tmp_path / "gone")) as bench:
        end = await run(bench, task=manifest(**execution))

    assert end.cause == "plugin"
    assert problem in end.message
    assert problem in bench.log()


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on the PATH")
async def test_node(tmp_path: Path) -> None:
    """A package that was packed is unpacked first; node comes from the PATH."""
    script = (
        "const fs = require('fs'), e = process.env;"
        "const i = JSON.parse(fs.readFileSync(`${e.bk_data_dir}/${e.bk_data_input}`));"
        "const data = {count: {type: 'string', value: String(i.words.split(' ').length)}};"
        "fs.writeFileSync(`${e.bk_data_dir}/${e.bk_data_output}`,"
        "JSON.stringify({status: 'success', type: 'default', data}));"
    )
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "bundle.js").write_text(script)
    package = Path(shutil.make_archive(str(tmp_path / "app"), "gztar", tmp_path, "dist"))
    task = manifest(language="nodejs", packagePath="app.tar.gz", target="node dist/bundle.js")
    content = io.BytesIO(plugin_zip(task))
    with zipfile.ZipFile(content, "a") as archive:
        archive.write(package, "app.tar.gz")
    assert problems_of(task, frozenset({"app.tar.gz"})) == []

    async with a_bench(tmp_path / "data") as bench:
        given = inputs_of(bench, content.getvalue(), task, input={"words": "a b c"})
        end = await bench.run("plugin", given)

    assert end.exit_code == 0, bench.log()
    assert end.variables == (("count", "3"),)


def wheel() -> bytes:
    """Give a package with the command `counter`, which needs nothing from anywhere."""
    code = (
        "import json, os, sys\n"
        "def main():\n"
        "    at = os.environ['bk_data_dir']\n"
        "    given = json.load(open(os.path.join(at, os.environ['bk_data_input'])))\n"
        "    count = {'type': 'string', 'value': str(len(given['words'].split()))}\n"
        "    where = {'type': 'string', 'value': sys.prefix}\n"
        "    json.dump({'status': 'success', 'data': {'count': count, 'where': where}},\n"
        "              open(os.path.join(at, os.environ['bk_data_output']), 'w'))\n"
    )
    info = "counter-1.0.dist-info"
    files = {
        "counter.py": code,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: counter\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ncounter = counter:main\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(name, text)
    return content.getvalue()


@pytest.mark.skipif(
    importlib.util.find_spec("ensurepip") is None, reason="this Python has no ensurepip"
)
async def test_python(tmp_path: Path) -> None:
    """Its package is installed once, into an environment of its version; later steps find it."""
    name = "counter-1.0-py3-none-any.whl"
    task = manifest(
        language="python",
        packagePath=name,
        target="counter",
        runtimeVersion="python3",
        demands=["pip --version"],
    )
    content = io.BytesIO(plugin_zip(task))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr(name, wheel())

    async with a_bench(tmp_path) as bench:
        given = inputs_of(bench, content.getvalue(), task, input={"words": "a b"})
        first = await bench.run("plugin", given)
        made = bench.log()
        second = await bench.run("plugin", given)
        again = bench.log()

    assert first.exit_code == 0, made
    assert "Successfully installed counter-1.0" in made
    values = dict(first.variables)
    assert values["count"] == "2"
    assert Path(values["where"]).is_relative_to(tmp_path / "plugins")
    assert values["where"] != sys.prefix
    assert second.variables == first.variables
    assert "pip" not in again


async def test_killed_in_the_middle(tmp_path: Path) -> None:
    """A time-out ends the plugin with all that it started; its private folder is gone."""
    async with a_bench(tmp_path) as bench:
        end = await run(bench, "#!/bin/sh\nsleep 60 & sleep 60\n", timeout_s=0.5)
        left = private_files(tmp_path)

    assert end.cause == "timeout"
    assert left == []


async def test_rest_is_killed_if_the_plugin_says_so(tmp_path: Path) -> None:
    """What a plugin with `finishKillFlag` leaves behind ends with it, before its job does."""
    mark = f"mark-{tmp_path.name}"
    program = f"#!/bin/sh\nMARK={mark} sleep 60 &\n"
    async with a_bench(tmp_path) as bench:
        given = inputs_of(bench, plugin_zip(run_sh=program), manifest(finishKillFlag=True))
        order = bench.order("plugin", given)
        await bench.work.run_step(order, 60.0)
        async with asyncio.timeout(20):
            while processes_carrying(f"MARK={mark}"):  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(0.02)
        await bench.work.end_job(order)


async def test_not_installed(tmp_path: Path) -> None:
    """Without a plugin the step fails when its turn comes, and says which one is missing."""
    async with a_bench(tmp_path) as bench:
        end = await bench.run("plugin", {"input": {}}, code="gone")
        other = await bench.run("plugin", {"missing": "version 2.* is not there"}, code="x")

    assert (end.cause, end.message) == (
        "plugin",
        "the plugin gone is not installed on this server",
    )
    assert other.message == "version 2.* is not there on this server"
