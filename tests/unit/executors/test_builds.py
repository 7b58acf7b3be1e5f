"""Kinds "build", "unit_test" and "performance_test": inputs, script, outputs, reports."""

import hashlib
import io
import os
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from mulligan.executors.caches import LOCK, cache_folder, sweep_caches
from mulligan.ports import StepEnd
from step_bench import Bench, a_bench

pytestmark = pytest.mark.anyio


def tree(files: dict[str, str | None], *, links: dict[str, str] | None = None) -> bytes:
    """Make an archive like that of a source; None = a folder."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755 if text is None else 0o644
            entry.type = tarfile.DIRTYPE if text is None else tarfile.REGTYPE
            content = (text or "").encode()
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return output.getvalue()


async def build(bench: Bench, script: str, **inputs: Any) -> StepEnd:
    """Run a build."""
    kind = inputs.pop("kind", "build")
    return await bench.run(kind, {"basic_env": "go", "script": script} | inputs)


async def test_inputs_have_their_places(tmp_path: Path) -> None:
    """The first source is the work folder, the next one a folder in it, packages are files."""
    async with a_bench(tmp_path) as bench:
        files = {
            "source:main": bench.keep(tree({"a.txt": "1\n", "d": None, "d/b.txt": "2\n"})),
            "source:tools": bench.keep(tree({"t.txt": "3\n"})),
            "package:pkg": bench.keep(b"4\n"),
        }
        inputs: dict[str, Any] = {
            "sources": [{"name": "main", "step": "e-1"}, {"name": "tools", "step": "e-2"}],
            "packages": [{"name": "pkg", "file_path": "dist/lib.jar"}],
            "files": files,
        }
        end = await build(bench, "cat a.txt d/b.txt tools/t.txt lib.jar; ls | wc -l", **inputs)

        assert end.exit_code == 0
        assert bench.log().splitlines()[-5:] == ["1", "2", "3", "4", "4"]


async def test_published_files_are_kept_with_both_digests(tmp_path: Path) -> None:
    """Each output is archived as `publish:<its place in the list>`, also through a link inside."""
    async with a_bench(tmp_path) as bench:
        script = "mkdir out; printf one >out/1; printf two >2; ln -s out/1 link"
        paths = ["./out/1", "2", "link"]
        publish = [{"local_file_path": path} for path in paths]
        end = await build(bench, script, publish=publish)

        assert [file.path for file in end.artifacts] == ["publish:0", "publish:1", "publish:2"]
        assert end.artifacts[1].sha512 == hashlib.sha512(b"two").hexdigest()
        assert [bench.place(file.digest).read_bytes() for file in end.artifacts] == [
            b"one",
            b"two",
            b"one",
        ]


@pytest.mark.parametrize(
    ("script", "path", "part"),
    [
        (":", "out.jar", "does not exist"),
        ("mkdir out.jar", "out.jar", "is not a file"),
        (":", "../../../mulligan.db", "not a path in the work folder"),
        (":", "/etc/passwd", "not a path in the work folder"),
        ("ln -s /etc/passwd out", "out", "leads out of the work folder"),
        ("ln -s /etc etc", "etc/passwd", "leads out of the work folder"),
        ("ln -s a b; ln -s b a", "a", "does not exist"),
        ("mkfifo pipe", "pipe", "is not a file"),
    ],
)
async def test_output_that_is_no_file_inside_fails(
    tmp_path: Path, script: str, path: str, part: str
) -> None:
    """A missing output fails the build; one outside of the work folder is never read."""
    async with a_bench(tmp_path) as bench:
        publish = [{"local_file_path": path}]
        end = await build(bench, f"{script}\necho good >first", publish=publish)

    assert (end.cause, end.exit_code, end.artifacts) == ("exit", 1, ())
    assert part in end.message


async def test_failed_script_publishes_nothing(tmp_path: Path) -> None:
    """The script runs by `sh -e`: it ends at the first failure, with its exit code."""
    async with a_bench(tmp_path) as bench:
        publish = [{"local_file_path": "a"}]
        end = await build(bench, "echo 1 >a\n(exit 3)\necho never", publish=publish)

        assert (end.cause, end.exit_code, end.artifacts) == ("exit", 3, ())
        assert "never" not in bench.log()


async def test_script_is_run_by_sh_unless_it_says_otherwise(tmp_path: Path) -> None:
    """A first line `#!…` chooses the interpreter."""
    async with a_bench(tmp_path) as bench:
        await build(bench, "#!/usr/bin/env python3\nimport sys\nprint('python', 6 * 7)")

        assert bench.log().splitlines()[-1] == "python 42"


async def test_script_can_set_outputs_and_variables(tmp_path: Path) -> None:
    """Commands in the output and `setEnv` work as in scripts."""
    async with a_bench(tmp_path) as bench:
        end = await build(bench, "echo '::set-output name=v::7'\nsetEnv A b", env={})

    assert end.outputs == (("v", "7"),)
    assert end.variables == (("A", "b"),)


async def test_every_attempt_begins_with_an_empty_folder(tmp_path: Path) -> None:
    """A retry finds only its inputs, nothing of the attempt before it."""
    async with a_bench(tmp_path) as bench:
        await build(bench, "touch left; exit 1")
        order = bench.order("build", {"script": "ls -A"}, workspace="live", step_attempt=2)
        end = await bench.work.run_step(order, 60)

        assert end.exit_code == 0
        assert bench.log() == ""


def found_below(folder: Path, name: str, *, is_deep: bool = True) -> list[str]:
    """List the entries of that name in a folder, or anywhere below it."""
    return [str(path) for path in (folder.rglob(name) if is_deep else folder.glob(name))]


@pytest.mark.parametrize(
    "archive",
    [
        tree({"../evil": "x"}),
        tree({"/tmp/evil": "x"}),
        tree({"link/evil": "x"}, links={"link": "/"}),
        tree({"a": "x"}, links={"a": "/"}),
        b"no archive at all",
    ],
)
async def test_archive_that_leaves_its_folder_is_refused(tmp_path: Path, archive: bytes) -> None:
    """Whatever an archive says, nothing is written outside of the work folder."""
    async with a_bench(tmp_path / "data") as bench:
        files = {"source:main": bench.keep(archive)}
        end = await build(bench, "echo ran", sources=[{"name": "main", "step": "e"}], files=files)

        assert end.exit_code == 1
        assert "ran" not in bench.log()
        assert [each for each in found_below(tmp_path, "evil") if "/r-1/7/" not in each] == []
        assert found_below(Path("/"), "evil", is_deep=False) == []
        assert found_below(Path("/tmp"), "evil", is_deep=False) == []


async def test_input_that_is_gone_is_named(tmp_path: Path) -> None:
    """Content that the store has lost is the machine's fault; an input never made, the user's."""
    async with a_bench(tmp_path) as bench:
        sources = [{"name": "main", "step": "e"}]
        lost = await build(bench, ":", sources=sources, files={"source:main": "0" * 64})
        never = await build(bench, ":", sources=sources)

    assert lost.cause == "files"
    assert never.cause == "config"
    assert "'main'" in lost.message
    assert "'main'" in never.message


@pytest.mark.parametrize("name", ["../x", "a/b", ".."])
async def test_source_folder_stays_inside(tmp_path: Path, name: str) -> None:
    """An input whose name is no folder name is a fault of the definition."""
    async with a_bench(tmp_path) as bench:
        digest = bench.keep(tree({}))
        sources = [{"name": "main", "step": "e"}, {"name": name, "step": "e"}]
        files = {"source:main": digest, f"source:{name}": digest}
        end = await build(bench, ":", sources=sources, files=files)

    assert end.cause == "config"


async def test_cache_is_kept_between_runs(tmp_path: Path) -> None:
    """With `enable_cache` the folder $MULLIGAN_CACHE outlives a run; without there is none."""
    async with a_bench(tmp_path) as bench:
        await build(bench, 'echo 1 >"$MULLIGAN_CACHE/x"', enable_cache=True)
        again = await build(
            bench, 'cat "$MULLIGAN_CACHE/x" && echo "$XDG_CACHE_HOME"', enable_cache=True
        )
        shown = bench.log()
        without = await build(bench, 'test -z "${MULLIGAN_CACHE-}"')

    assert (again.exit_code, without.exit_code) == (0, 0)
    assert shown.splitlines()[0] == "1"
    assert str(tmp_path / "caches") in shown


def test_caches_are_bounded_by_age_and_size(tmp_path: Path) -> None:
    """Old ones go, then the longest unused over the size; one in use stays."""
    now = time.time()
    for name, age in (("old", 10_000), ("middle", 300), ("new", 10)):
        folder = cache_folder(tmp_path, "p", name)
        folder.mkdir()
        (folder / "content").write_bytes(b"x" * 1000)
        (folder / LOCK).touch()
        os.utime(folder / LOCK, (now - age, now - age))

    by_age = sweep_caches(tmp_path, max_age_s=5000, max_bytes=10**6)
    by_size = sweep_caches(tmp_path, max_age_s=5000, max_bytes=1500)

    assert by_age == [cache_folder(tmp_path, "p", "old").name]
    assert by_size == [cache_folder(tmp_path, "p", "middle").name]
    assert [each.name for each in tmp_path.iterdir()] == [cache_folder(tmp_path, "p", "new").name]


def test_cache_in_use_is_not_swept(tmp_path: Path) -> None:
    """A build holds a lock on its cache for as long as its script runs."""
    import fcntl

    folder = cache_folder(tmp_path, "p", "j")
    folder.mkdir()
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        while_used = sweep_caches(tmp_path, max_age_s=-1)
    after = sweep_caches(tmp_path, max_age_s=-1)

    assert while_used == []
    assert after == [folder.name]


async def test_own_image_without_an_engine_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SelfPkgBuild fails with a message where no container engine is installed."""
    for name in ("sh", "cat"):
        (tmp_path / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path))
    image = {"namespace": "team", "repository": "go"}
    async with a_bench(tmp_path / "data", registry="127.0.0.1:1") as bench:
        end = await build(bench, ":", basic_env="SelfPkgBuild", image=image)

    assert end.exit_code == 1
    assert "podman is not installed" in end.message


JUNIT = """<?xml version="1.0"?>
<testsuites><testsuite name="s" tests="99">
<testcase name="a"/><testcase name="b"><system-out>x</system-out></testcase>
<testcase name="c"><failure>f</failure></testcase><testcase name="d"><error/></testcase>
<testcase name="e"><skipped/></testcase>
</testsuite></testsuites>"""


def report(text: str, name: str = "r.xml") -> str:
    """Make a script that writes a report."""
    return f"cat >{name} <<'END'\n{text}\nEND\n"


@pytest.mark.parametrize(("expected", "exit_code"), [("", 0), ("50", 0), ("51%", 1)])
async def test_unit_tests_are_counted_and_judged(
    tmp_path: Path, expected: str, exit_code: int
) -> None:
    """Counts become outputs, the report is kept, and too low a rate of passed ones fails."""
    async with a_bench(tmp_path) as bench:
        end = await build(
            bench,
            report(JUNIT),
            kind="unit_test",
            report_path="r.xml",
            pass_rate=expected,
        )

        counts = {"passed": "2", "failed": "1", "error": "1", "skipped": "1", "total": "5"}
        rate = {"pass_rate": "50.00"}
        assert end.exit_code == exit_code
        assert dict(end.outputs) == counts | rate
        assert [file.path for file in end.artifacts] == ["r.xml"]
        assert ("50.00 % succeeded" in end.message) is bool(exit_code)


async def test_reports_of_several_suites_are_added(tmp_path: Path) -> None:
    """A pattern finds one report per suite, as some tools write them."""
    async with a_bench(tmp_path) as bench:
        script = "mkdir r\n" + report(JUNIT, "r/1.xml") + report(JUNIT, "r/2.xml")
        end = await build(bench, script, kind="unit_test", report_path="r/*.xml")

    assert dict(end.outputs)["total"] == "10"
    assert [file.path for file in end.artifacts] == ["r/1.xml", "r/2.xml"]


async def test_failed_script_still_has_its_counts(tmp_path: Path) -> None:
    """When the tests' own program fails, its report says how many did."""
    async with a_bench(tmp_path) as bench:
        script = report(JUNIT) + "exit 2"
        end = await build(bench, script, kind="unit_test", report_path="r.xml")

    assert end.exit_code == 2
    assert dict(end.outputs)["failed"] == "1"


ENTITIES = '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'


@pytest.mark.parametrize(
    ("script", "part"),
    [
        (report(ENTITIES), "document type"),
        (report("<a><b></a>"), "can't be read"),
        ("printf '" + "<a>" * 200 + "' >r.xml", "nested"),
        (":", "does not exist, but 1 % are expected"),
        ("ln -s /etc/passwd r.xml", "leads out"),
    ],
)
async def test_bad_report_fails(tmp_path: Path, script: str, part: str) -> None:
    """A report is never trusted: no entities, no depth without end, nothing from outside."""
    async with a_bench(tmp_path) as bench:
        end = await build(bench, script, kind="unit_test", report_path="r.xml", pass_rate=1)

    assert end.exit_code == 1
    assert part in end.message


@pytest.mark.parametrize("kind", ["unit_test", "performance_test"])
@pytest.mark.parametrize("path", ["", "r.xml", "r/*.xml"])
async def test_tests_without_a_report_go_by_the_script(
    tmp_path: Path, kind: str, path: str
) -> None:
    """Where no rate is expected, the script's exit code alone decides."""
    async with a_bench(tmp_path) as bench:
        end = await build(bench, ":", kind=kind, report_path=path, pass_rate=0, success_rate=0)

    assert (end.exit_code, end.outputs) == (0, ())


@pytest.mark.parametrize(
    ("content", "exit_code"),
    [
        ('{"success_rate": 99.5}', 0),
        ('{"success_rate": 98}', 1),
        ('{"success_rate": NaN}', 1),
        ("[]", 1),
    ],
)
async def test_performance_is_judged(tmp_path: Path, content: str, exit_code: int) -> None:
    """A success rate below the expected one, or none at all, fails."""
    async with a_bench(tmp_path) as bench:
        end = await build(
            bench,
            report(content, "result.json"),
            kind="performance_test",
            report_path="result.json",
            success_rate=99,
        )

    assert end.exit_code == exit_code
