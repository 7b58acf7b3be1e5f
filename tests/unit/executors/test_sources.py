"""Kind "source": what is fetched and kept, and what is refused."""

import os
import tarfile
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from git_server import PASSWORD, GitServer, serving
from mulligan.core.addresses import is_public
from mulligan.executors.kinds.source import secrets_in
from step_bench import a_bench, commit, git

pytestmark = pytest.mark.anyio

PASSWORD_IN_URL = "p%40ss%2Fw0rd"


def names_below(folder: Path) -> set[str]:
    """List the names of everything below a folder."""
    return {path.name for path in folder.rglob("*")}


def unpacked(archive: Path, folder: Path) -> Path:
    """Unpack a source archive."""
    with tarfile.open(archive) as tar:
        # the first releases of Python 3.11 have no filters
        tar.extraction_filter = getattr(tarfile, "tar_filter", lambda member, _path: member)
        tar.extractall(folder)  # noqa: S202 - an archive that the test made
    return folder


async def test_tree_of_the_newest_commit_is_kept(tmp_path: Path) -> None:
    """The branch's newest commit is the pin; its tree, links and `.git` are in source.tar."""
    repository = tmp_path / "shop"
    commit(repository, {"a.txt": "old\n", "lib/b.sh": "echo b\n"})
    (repository / "link").symlink_to("lib/b.sh")
    (repository / "lib/b.sh").chmod(0o755)
    newest = commit(repository, {"a.txt": "new\n"})
    async with a_bench(tmp_path / "data") as bench:
        inputs = {"git_type": "gitlab", "url": f"file://{repository}", "branch": "main"}
        end = await bench.run("source", inputs)

        tree = unpacked(bench.place(end.artifacts[0].digest), tmp_path / "tree")
        assert (end.cause, end.exit_code, end.pin) == ("exit", 0, newest)
        assert [file.path for file in end.artifacts] == ["source.tar"]
        assert (tree / "a.txt").read_text() == "new\n"
        assert os.readlink(tree / "link") == "lib/b.sh"
        assert os.access(tree / "lib/b.sh", os.X_OK)
        assert git(tree, "rev-parse", "HEAD") == newest
        assert git(tree, "rev-list", "--count", "HEAD") == "1"
        phases = [line.partition(":")[0] for line in bench.log().splitlines()]
        assert [each for each in phases if each in ("Preparing", "Cloning", "Successful")] == [
            "Preparing",
            "Cloning",
            "Successful",
        ]


async def test_same_commit_gives_the_same_files(tmp_path: Path) -> None:
    """Fetched twice, a commit's archive differs at most in git's own folder."""
    commit(tmp_path / "shop", {"a.txt": "1\n", "deep/er/b.txt": "2\n"})
    inputs = {"url": f"file://{tmp_path}/shop", "branch": "main"}
    members = []
    async with a_bench(tmp_path / "data") as bench:
        for _ in range(2):
            end = await bench.run("source", inputs)
            with tarfile.open(bench.place(end.artifacts[0].digest)) as tar:
                found = [each for each in tar.getmembers() if not each.name.startswith(".git")]
                members.append([(m.name, m.size, m.mode, m.mtime, m.uid) for m in found])

    assert members[0] == members[1]
    assert [each[0] for each in members[0]] == ["a.txt", "deep", "deep/er", "deep/er/b.txt"]


async def test_names_that_are_no_text_come_back(tmp_path: Path) -> None:
    """A file's name may be any bytes; a later build finds it as it was."""
    name = os.fsdecode(b"\xff\xfe \n.txt")
    commit(tmp_path / "shop", {name: "odd\n", "täxt/ü": "2\n"})
    async with a_bench(tmp_path / "data") as bench:
        end = await bench.run("source", {"url": f"file://{tmp_path}/shop", "branch": "main"})
        files = {"source:main": end.artifacts[0].digest}
        sources = [{"name": "main", "step": "e"}]
        script = "cat *.txt täxt/ü; git status --short"
        build = {"script": script, "sources": sources, "files": files}
        built = await bench.run("build", build)

        assert built.exit_code == 0
        assert bench.log().splitlines()[1:] == ["odd", "2"]


async def test_retry_fetches_again(tmp_path: Path) -> None:
    """The pin of an earlier attempt does not hold the branch back."""
    first = commit(tmp_path / "shop", {"a": "1"})
    second = commit(tmp_path / "shop", {"a": "2"})
    inputs = {"url": f"file://{tmp_path}/shop", "branch": "main"}
    async with a_bench(tmp_path / "data") as bench:
        end = await bench.run("source", inputs, pin=first, step_attempt=2)

    assert end.pin == second


async def test_tag_is_fetched(tmp_path: Path) -> None:
    """A tag gives its commit, whatever the branch has become, also for an annotated one."""
    tagged = commit(tmp_path / "shop", {"a": "1"})
    git(tmp_path / "shop", "tag", "-a", "v1", "-m", "first")
    commit(tmp_path / "shop", {"a": "2"})
    async with a_bench(tmp_path / "data") as bench:
        end = await bench.run("source", {"url": f"file://{tmp_path}/shop", "tag": "v1"})

    assert end.pin == tagged


@pytest.mark.parametrize(
    ("inputs", "part"),
    [
        ({"branch": "nope"}, "branch 'nope' was not found"),
        ({"branch": "--upload-pack=touch x"}, "can't be the name"),
        ({"branch": "a..b"}, "can't be the name"),
        ({"branch": "a b"}, "can't be the name"),
    ],
)
async def test_bad_branch_fails_with_its_name(
    tmp_path: Path, inputs: dict[str, str], part: str
) -> None:
    """A branch that is missing or no name of one is said to be so, and is the user's fault."""
    commit(tmp_path / "shop", {"a": "1"})
    async with a_bench(tmp_path / "data") as bench:
        end = await bench.run("source", {"url": f"file://{tmp_path}/shop"} | inputs)

    assert (end.cause, end.exit_code) == ("exit", 1)
    assert part in end.message


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c 'touch pwned'",
        "ext::sh",
        "--upload-pack=touch",
        "fd::17/foo",
        "ftp://example.com/x.git",
        "file://remote/x.git",
        "git@-oProxyCommand=x:y",
        "ssh://-oProxyCommand=x/y",
    ],
)
async def test_url_that_could_run_programs_is_refused(tmp_path: Path, url: str) -> None:
    """Only http, https, ssh and (where allowed) files are fetched from; options never get in."""
    async with a_bench(tmp_path / "data") as bench:
        end = await bench.run("source", {"url": url, "branch": "main"})

    assert end.exit_code == 1
    assert "pwned" not in names_below(tmp_path)
    assert "fatal" not in bench.log()


@pytest.mark.parametrize("part", ["", "me:wrong@"])
async def test_missing_or_wrong_credential_is_unauthorized(tmp_path: Path, part: str) -> None:
    """Who has no right gets the cause `unauthorized`."""
    commit(tmp_path / "shop", {"a": "1"})
    with serving(tmp_path, needs_password=True) as server:
        async with a_bench(tmp_path / "data") as bench:
            url = f"http://{part}127.0.0.1:{server.server_port}/shop/.git"
            end = await bench.run("source", {"url": url, "branch": "main"})

    assert (end.cause, end.exit_code) == ("unauthorized", 77)
    assert "credential" in end.message
    assert "wrong" not in bench.log().replace(end.message, "")


async def test_credential_is_used_and_never_shown(tmp_path: Path) -> None:
    """The password opens the repository; it is in no log, message or archived file."""
    newest = commit(tmp_path / "shop", {"a": "1"})
    with serving(tmp_path, needs_password=True) as server:
        async with a_bench(tmp_path / "data") as bench:
            url = f"http://me:{PASSWORD_IN_URL}@127.0.0.1:{server.server_port}/shop/.git"
            good = await bench.run("source", {"url": url, "branch": "main"})
            shown = bench.log()
            bad = await bench.run("source", {"url": url + "x", "branch": "main"})

    kept = bench.place(good.artifacts[0].digest).read_bytes()
    everything = shown + bench.log() + repr(good) + repr(bad) + kept.decode("latin-1")
    assert good.pin == newest
    assert bad.exit_code == 1
    assert PASSWORD not in everything
    assert PASSWORD_IN_URL not in everything


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "169.254.169.254", "10.1.2.3"],
)
async def test_private_host_is_refused_before_contact(tmp_path: Path, host: str) -> None:
    """Without `private_targets` this machine and private networks are not even spoken to."""
    with serving(tmp_path) as server:
        async with a_bench(tmp_path / "data", private_targets=False) as bench:
            url = f"http://{host}:{server.server_port}/shop.git"
            end = await bench.run("source", {"url": url, "branch": "main"})
        seen = server.RequestHandlerClass.seen  # type: ignore[attr-defined]  # ours has it

    assert end.exit_code == 1
    assert "net.private_targets" in end.message
    assert seen == []


async def test_file_repository_is_refused_where_private_targets_are(tmp_path: Path) -> None:
    """`file://` reads the server's own disk, so it needs the same setting."""
    commit(tmp_path / "shop", {"a": "1"})
    async with a_bench(tmp_path / "data", private_targets=False) as bench:
        end = await bench.run("source", {"url": f"file://{tmp_path}/shop", "branch": "main"})

    assert end.exit_code == 1
    assert "net.private_targets" in end.message


async def test_simple_file_server_gives_all_of_the_history(tmp_path: Path) -> None:
    """A server that can't do shallow fetches is fetched from completely."""
    newest = commit(tmp_path / "shop", {"a": "1"})
    git(tmp_path / "shop", "update-server-info")

    class Plain(GitServer):
        def _answer(self) -> None:
            file = tmp_path / self.path.partition("?")[0].lstrip("/")
            self.send_response(200 if file.is_file() else 404)
            self.end_headers()
            self.wfile.write(file.read_bytes() if file.is_file() else b"")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Plain)
    threading.Thread(target=server.serve_forever).start()
    try:
        async with a_bench(tmp_path / "data") as bench:
            url = f"http://127.0.0.1:{server.server_port}/shop/.git"
            end = await bench.run("source", {"url": url, "branch": "main"})
    finally:
        server.shutdown()
        server.server_close()

    assert end.pin == newest


async def test_source_needs_a_branch_or_a_tag(tmp_path: Path) -> None:
    """Neither or both are a fault of the definition."""
    async with a_bench(tmp_path / "data") as bench:
        neither = await bench.run("source", {"url": "https://example.com/x.git"})
        both = await bench.run(
            "source", {"url": "https://example.com/x.git", "branch": "a", "tag": "b"}
        )

    assert [neither.cause, both.cause] == ["config", "config"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
    ],
)
def test_address_is_public(address: str, expected: bool) -> None:
    """Private addresses are known also where they are written inside of others."""
    assert is_public(address) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://me:a%20b@host/x", ("a%20b", "a b")),
        ("https://token@host/x", ("token",)),
        ("ssh://git@host/x", ()),
        ("git@host:x.git", ()),
        ("https://host/x", ()),
    ],
)
def test_secrets_of_a_url(url: str, expected: tuple[str, ...]) -> None:
    """Passwords and tokens are secret, as they stand in the URL and decoded."""
    assert secrets_in(url) == expected
