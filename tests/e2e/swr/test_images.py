"""Images: built by buildah, pushed to a registry on this machine, fetched back. No network."""

import asyncio
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from mulligan.core.prepare import StepOrder
from mulligan.ports import StepEnd
from mulligan.testing.server import poll_until
from step_bench import Bench, a_bench

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(300)]

NEEDED = ("buildah", "docker-registry")
MISSING = [name for name in NEEDED if shutil.which(name) is None]
needs_images = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
BUSYBOX = Path(shutil.which("busybox") or "/missing/busybox")
MISSING_ENGINE = [name for name in ("podman", "busybox") if shutil.which(name) is None]
needs_engine = pytest.mark.skipif(
    bool(MISSING_ENGINE), reason=f"not installed: {', '.join(MISSING_ENGINE)}"
)

REGISTRY = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:0"}}
"""
MANIFESTS = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Run a registry on a free port; give its `host:port`."""
    file = tmp_path / "registry.yml"
    file.write_text(REGISTRY.format(folder=tmp_path / "registry"))
    argv = ["docker-registry", "serve", str(file)]
    env = {"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"}
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stderr is not None
        found = None
        for line in process.stderr:
            found = re.search(r"listening on (127\.0\.0\.1:\d+)", line)
            if found:
                break
        assert found, "the registry did not start"
        drain = threading.Thread(target=process.stderr.read)
        drain.start()
        yield found[1]
        process.terminate()
        drain.join()


def ask(registry: str, path: str) -> tuple[dict[str, str], bytes]:
    """Ask the registry; give headers and body."""
    request = Request(f"http://{registry}/v2/{path}", headers={"Accept": MANIFESTS})
    with urlopen(request, timeout=20) as answer:
        return dict(answer.headers), answer.read()


def files_of(registry: str, repository: str, reference: str) -> dict[str, bytes]:
    """Fetch an image and give the files of all its layers."""
    manifest = json.loads(ask(registry, f"{repository}/manifests/{reference}")[1])
    found = {}
    for layer in manifest["layers"]:
        content = ask(registry, f"{repository}/blobs/{layer['digest']}")[1]
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for entry in tar:
                file = tar.extractfile(entry) if entry.isreg() else None
                if file is not None:
                    found[entry.name] = file.read()
    return found


def source(files: dict[str, bytes], *, links: dict[str, str] | None = None) -> bytes:
    """Make the archive of a source."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return output.getvalue()


def inputs(bench: Bench, content: bytes | None = None, **more: Any) -> dict[str, Any]:
    """Make the inputs of an image step with one source."""
    output = {"namespace": "team", "repository": "app", "tag": "1"}
    given: dict[str, Any] = {"output": output} | more
    if content is not None:
        given["sources"] = [{"name": "main", "step": "e"}]
        given["files"] = {"source:main": bench.keep(content)} | given.get("files", {})
    return given


BASE = 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n'


def with_busybox(bench: Bench, dockerfile: str) -> dict[str, Any]:
    """Make the inputs of an image step whose build folder has the program busybox."""
    digest = bench.keep(BUSYBOX.read_bytes())
    bench.place(digest).chmod(0o700)
    return inputs(
        bench,
        dockerfile_content=dockerfile,
        packages=[{"name": "bb", "file_path": "busybox"}],
        files={"package:bb": digest},
    )


def processes_of(folder: Path) -> list[str]:
    """List processes that name a folder in their arguments or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                if os.fsencode(folder / "data" / "steps") in text:
                    found.append(entry.name)
    return found


def mounts() -> str:
    """Tell what is mounted where."""
    return Path("/proc/self/mountinfo").read_text()


def runs_left() -> set[str]:
    """List the folders of tools that are, or were, at work."""
    return {path.name for path in Path("/tmp").glob("mulligan-*")}


async def cancelled(bench: Bench, order: StepOrder) -> StepEnd:
    """Run a step, cancel it when it has said "ready", and end its job."""
    running = asyncio.create_task(bench.work.run_step(order, 100))
    deadline = time.monotonic() + 60
    while not bench.has_log() or "ready\n" not in bench.log():
        assert time.monotonic() < deadline, "the step did not begin its work"
        await asyncio.sleep(0.05)
    bench.work.kill_step(order, "cancelled", 30)
    end = await running
    await bench.work.end_job(order)
    return end


@needs_images
@needs_engine
async def test_cancelled_work_leaves_nothing(tmp_path: Path, registry: str) -> None:
    """Whoever cancels a build of an image, or in one, finds no process, mount or folder of it."""
    before = runs_left()
    async with a_bench(tmp_path / "data", registry=registry) as bench:
        made = await bench.run("image", with_busybox(bench, BASE))
        slow = with_busybox(bench, BASE + "RUN echo ready; sleep 1000\n")
        image = await cancelled(bench, bench.order("image", slow))
        in_image = {"basic_env": "SelfPkgBuild", "script": "echo ready; sleep 1000"}
        name = {"namespace": "team", "repository": "app", "tag": "1"}
        build = await cancelled(bench, bench.order("build", in_image | {"image": name}))

        assert made.exit_code == 0
        assert [image.cause, build.cause] == ["cancelled", "cancelled"]
        assert processes_of(tmp_path) == []
    # tests beside this one have such folders too, for as long as they run
    poll_until(lambda: runs_left() <= before, what="no folder of a run is left", timeout_s=60.0)
    assert os.listdir(tmp_path / "data" / "steps") == []
    assert str(tmp_path) not in mounts()


@needs_images
async def test_image_is_built_pushed_and_fetched_back(tmp_path: Path, registry: str) -> None:
    """What was copied in is what comes back; the digest is the one the registry knows it by."""
    async with a_bench(tmp_path / "data", registry=registry) as bench:
        given = inputs(
            bench,
            source({"app/hello.txt": b"hello\n"}),
            dockerfile_content='FROM scratch\nCOPY app/hello.txt lib.jar /opt/\nCMD ["/opt/x"]\n',
            packages=[{"name": "pkg", "file_path": "dist/lib.jar"}],
            files={"package:pkg": bench.keep(b"jar")},
        )
        end = await bench.run("image", given)
        log = bench.log()

    outputs = dict(end.outputs)
    headers, _body = ask(registry, "team/app/manifests/1")
    assert end.exit_code == 0, log
    assert outputs["image"] == "team/app:1"
    assert outputs["digest"] == headers["Docker-Content-Digest"]
    assert files_of(registry, "team/app", "1") == {
        "opt/hello.txt": b"hello\n",
        "opt/lib.jar": b"jar",
    }
    assert not list((tmp_path / "data" / "steps").iterdir())


@needs_images
async def test_dockerfile_of_the_source_and_an_image_input(tmp_path: Path, registry: str) -> None:
    """A Dockerfile of the source is used, and a build path; FROM takes an image of the registry."""
    async with a_bench(tmp_path / "data", registry=registry) as bench:
        first = await bench.run(
            "image",
            inputs(bench, source({"a": b"1"}), dockerfile_content="FROM scratch\nCOPY a /a"),
        )
        dockerfile = f"FROM {registry}/team/app:1\nCOPY b /b\n".encode()
        given = inputs(
            bench,
            source({"docker/Dockerfile": dockerfile, "sub/b": b"2"}),
            dockerfile_path="./docker/Dockerfile",
            build_path="sub",
            images=[{"name": "base", "namespace": "team", "repository": "app", "tag": "1"}],
            output={"namespace": "team", "repository": "second"},
        )
        second = await bench.run("image", given)
        log = bench.log()

    assert (first.exit_code, second.exit_code) == (0, 0), log
    assert dict(second.outputs)["image"] == "team/second:latest"
    assert files_of(registry, "team/second", "latest") == {"a": b"1", "b": b"2"}


@needs_images
@needs_engine
async def test_build_runs_in_an_own_image(tmp_path: Path, registry: str) -> None:
    """RUN works without the network; a later build runs its script in that image by podman."""
    async with a_bench(tmp_path / "data", registry=registry) as bench:
        text = BASE + "RUN echo own >/etc/mark\n"
        made = await bench.run("image", with_busybox(bench, text))
        made_log = bench.log()
        script = (
            "cat /etc/mark; echo $GREETING; pwd >out; echo A=b >>/dev/null\n"
            "printf 'B=c\\0' >>$MULLIGAN_SET_ENV; cat in/x"
        )
        files = {"source:main": bench.keep(source({"in/x": b"from the source\n"}))}
        end = await bench.run(
            "build",
            {
                "basic_env": "SelfPkgBuild",
                "image": {"namespace": "team", "repository": "app", "tag": "1"},
                "script": script,
                "sources": [{"name": "main", "step": "e"}],
                "files": files,
                "publish": [{"local_file_path": "out"}],
            },
            env={"GREETING": "hello there"},
        )
        log = bench.log()

    assert made.exit_code == 0, made_log
    assert end.exit_code == 0, log
    assert "own\nhello there\nfrom the source\n" in log
    assert end.variables == (("B", "c"),)
    assert bench.place(end.artifacts[0].digest).read_text().strip().endswith("/r-1/7")


@needs_images
async def test_failed_build_pushes_nothing(tmp_path: Path, registry: str) -> None:
    """A Dockerfile that fails fails the stage; the registry stays empty."""
    async with a_bench(tmp_path / "data", registry=registry) as bench:
        end = await bench.run("image", inputs(bench, dockerfile_content="FROM scratch\nCOPY a /a"))

    assert (end.cause, end.exit_code) == ("exit", 1)
    assert "could not be built" in end.message
    assert json.loads(ask(registry, "_catalog")[1])["repositories"] == []


@needs_images
async def test_registry_that_is_not_there_fails(tmp_path: Path) -> None:
    """The message names the registry."""
    async with a_bench(tmp_path / "data", registry="127.0.0.1:1") as bench:
        given = inputs(bench, source({"a": b"1"}), dockerfile_content="FROM scratch\nCOPY a /a")
        end = await bench.run("image", given)

    assert (end.cause, end.exit_code) == ("exit", 1)
    assert "127.0.0.1:1" in end.message


async def test_without_a_registry_nothing_is_built(tmp_path: Path) -> None:
    """The message names the setting."""
    async with a_bench(tmp_path / "data") as bench:
        end = await bench.run("image", inputs(bench, dockerfile_content="FROM scratch"))

    assert end.cause == "config"
    assert "images.registry" in end.message


async def test_without_buildah_the_stage_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the program."""
    monkeypatch.setenv("PATH", str(tmp_path))
    async with a_bench(tmp_path / "data", registry="127.0.0.1:1") as bench:
        end = await bench.run("image", inputs(bench, dockerfile_content="FROM scratch"))

    assert end.exit_code == 1
    assert "buildah is not installed" in end.message


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"dockerfile_path": "missing"}, "does not exist"),
        ({"dockerfile_path": "../../x"}, "not a path"),
        ({"dockerfile_path": "out"}, "leads out"),
        ({"dockerfile_content": "FROM scratch", "build_path": "outside"}, "leads out"),
        ({"dockerfile_content": "FROM scratch", "build_path": "/etc"}, "not a path"),
        ({"dockerfile_content": "FROM scratch", "build_path": "a"}, "not a folder"),
    ],
)
async def test_paths_stay_in_the_build_folder(
    tmp_path: Path, more: dict[str, str], part: str
) -> None:
    """Dockerfile and build path are places in the build folder; links don't lead out of it."""
    async with a_bench(tmp_path / "data", registry="127.0.0.1:1") as bench:
        tree = source({"a": b"1"}, links={"out": "/etc/passwd", "outside": "/etc"})
        end = await bench.run("image", inputs(bench, tree, **more))

    assert end.exit_code == 1
    assert part in end.message


@pytest.mark.parametrize("name", ["Team", "../x", "a b", "-x"])
async def test_bad_name_of_an_image_is_refused(tmp_path: Path, name: str) -> None:
    """A name that no registry takes is a fault of the definition."""
    async with a_bench(tmp_path / "data", registry="127.0.0.1:1") as bench:
        output = {"namespace": name, "repository": "app"}
        end = await bench.run("image", inputs(bench, dockerfile_content="FROM x", output=output))

    assert end.cause == "config"
