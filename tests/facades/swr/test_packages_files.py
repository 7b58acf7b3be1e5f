"""Files of packages: up, down, and who may do that."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from account_server import AccountServer, assert_error
from msgspec.structs import replace

BASE = "/v2/manage/namespaces/team/packages/libs%2520shop/versions/1.0/file_paths"
BYTES = bytes(range(256)) * 20_000  # 5 MB, more than one piece


@pytest.fixture
def swr(tmp_path: Path) -> Iterator[AccountServer]:
    """Give a server with accounts and people."""
    with AccountServer(tmp_path) as server:
        yield server.staff()


@pytest.fixture
def manager(swr: AccountServer) -> str:
    """Give a token of dev1, who may manage."""
    return swr.log_in("dev1")


def leftovers(swr: AccountServer) -> list[Path]:
    """Return what uploads have left beside the files."""
    return list((swr.data / "artifacts").glob(".upload-*"))


def test_upload_and_download(swr: AccountServer, manager: str) -> None:
    """Bytes come back as they were sent, with their length and a name, as an attachment."""
    made = swr.call("PUT", f"{BASE}/app.jar", token=manager, content=BYTES)
    answer = swr.call("GET", f"{BASE}/app.jar", token=manager)
    head = swr.call("HEAD", f"{BASE}/app.jar", token=manager)

    assert made.status_code == 201
    assert answer.content == BYTES
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Length"] == str(len(BYTES))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="app.jar"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(BYTES))


def test_answer_of_an_upload(swr: AccountServer, manager: str) -> None:
    """The answer is the file as the list shows it; the bytes lie under their SHA-256."""
    made = swr.call("PUT", f"{BASE}/app.jar", token=manager, content=BYTES).json()

    listed = swr.call("GET", BASE, token=manager).json()

    digest = hashlib.sha256(BYTES).hexdigest()
    stored = swr.data / "artifacts" / digest[:2] / digest
    assert listed == [made]
    assert made["digest"] == hashlib.sha512(BYTES).hexdigest()
    assert (made["size"], made["folder"], made["filename"]) == (len(BYTES), "/", "app.jar")
    assert made["creator"] == "dev1"
    assert stored.read_bytes() == BYTES
    assert stored.stat().st_mode & 0o077 == 0
    assert leftovers(swr) == []


def test_streamed_upload(swr: AccountServer, manager: str) -> None:
    """A body whose length nobody announced is taken as well; so is an empty one."""
    pieces = iter([b"one ", b"", b"two"])

    streamed = swr.call("PUT", f"{BASE}/a.txt", token=manager, content=pieces)
    empty = swr.call("PUT", f"{BASE}/empty", token=manager, content=b"")

    assert (streamed.status_code, empty.status_code) == (201, 201)
    assert swr.call("GET", f"{BASE}/a.txt", token=manager).content == b"one two"
    assert swr.call("GET", f"{BASE}/empty", token=manager).content == b""


def test_file_is_replaced(swr: AccountServer, manager: str) -> None:
    """A file of the same name is replaced; it keeps its id and the time of its making."""
    first = swr.call("PUT", f"{BASE}/app.jar", token=manager, content=b"one").json()
    swr.advance(60)
    second = swr.call("PUT", f"{BASE}/app.jar", token=manager, content=b"two").json()

    assert (second["id"], second["created"]) == (first["id"], first["created"])
    assert second["updated"] > first["updated"]
    assert swr.call("GET", f"{BASE}/app.jar", token=manager).content == b"two"
    assert len(swr.call("GET", BASE, token=manager).json()) == 1


def test_nested_folders(swr: AccountServer, manager: str) -> None:
    """Folders may be nested, also as one encoded segment; `/` alone is the top."""
    swr.call("PUT", f"{BASE}/a/b/app.jar", token=manager, content=b"nested")
    swr.call("PUT", f"{BASE}/app.jar", token=manager, content=b"top")

    for path, content in (
        ("a/b/app.jar", b"nested"),
        ("a%2Fb/app.jar", b"nested"),
        ("app.jar", b"top"),
        ("%2F/app.jar", b"top"),
    ):
        assert swr.call("GET", f"{BASE}/{path}", token=manager).content == content
    files = swr.call("GET", BASE, token=manager).json()
    assert [file["folder"] for file in files] == ["a/b", "/"]
    assert files[0]["url"].endswith("/file_paths/a/b/app.jar")
    assert files[1]["url"].endswith("/file_paths/app.jar")


@pytest.mark.parametrize(
    "package", ["libs%2520shop", "libs%20shop", "libs+shop", "libs%252520shop"]
)
def test_forms_of_a_package_name(swr: AccountServer, manager: str, package: str) -> None:
    """`%20` between repository and package is taken literally, decoded, and encoded again."""
    expected = 404 if "+" in package else 200  # a plus is a plus in a path
    swr.call("PUT", f"{BASE}/app.jar", token=manager, content=b"x")

    answer = swr.call("GET", BASE.replace("libs%2520shop", package), token=manager)

    assert answer.status_code == expected
    assert swr.call("GET", BASE, token=manager).json()[0]["package"] == "libs%20shop"


def test_url_of_a_file_leads_to_it(swr: AccountServer, manager: str) -> None:
    """The `url` of a list gives the bytes, whatever the name of the file."""
    for name in ("app.jar", "a%20b%3F%23%25.txt", "%E5%8C%85.war", "q%22uote%3B.txt"):
        made = swr.call("PUT", f"{BASE}/x/{name}", token=manager, content=name.encode())
        answer = swr.call("GET", made.json()["url"], token=manager)

        assert answer.content == name.encode()
        disposition = answer.headers["Content-Disposition"]
        assert disposition.startswith("attachment; filename")
        assert disposition.count('"') in {0, 2}
        assert disposition.isascii()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("..%2Fapp.jar", "SWR.4002026"),
        ("%2e%2e", "SWR.4002026"),
        ("a%00b", "SWR.4002026"),
        ("a%0Ab", "SWR.4002026"),
        ("a%5Cb", "SWR.4002026"),
        ("x" * 256, "SWR.4002026"),
        ("a/", "SWR.4002026"),
        ("%2e%2e/app.jar", "SWR.4002025"),
        ("a/%2e%2e/app.jar", "SWR.4002025"),
        ("a/%2e/app.jar", "SWR.4002025"),
        ("a//app.jar", "SWR.4002025"),
        ("%2Fetc/passwd", "SWR.4002025"),
        ("..%2F..%2Fetc/passwd", "SWR.4002025"),
        ("a%5C..%5Cb/app.jar", "SWR.4002025"),
        ("/".join(["a"] * 40) + "/app.jar", "SWR.4002025"),
    ],
)
def test_paths_that_lead_elsewhere(swr: AccountServer, manager: str, path: str, code: str) -> None:
    """Folders and names that could lead out of the package are refused, up and down."""
    for method, content in (("GET", None), ("PUT", b"x")):
        answer = swr.call(method, f"{BASE}/{path}", token=manager, content=content)
        assert_error(answer, 400, code)
    assert swr.call("GET", "/v2/manage/packages", token=manager).json() == []


@pytest.mark.parametrize(
    ("base", "code"),
    [
        (BASE.replace("team", "Team"), "SWR.4001028"),
        (BASE.replace("team", "${x}"), "SWR.4001028"),
        (BASE.replace("libs%2520shop", "shop"), "SWR.4002007"),
        (BASE.replace("libs%2520shop", "libs%2520"), "SWR.4002007"),
        (BASE.replace("libs%2520shop", "..%2520shop"), "SWR.4002007"),
        (BASE.replace("1.0", "-1"), "SWR.4002015"),
        (BASE.replace("1.0", "a%20b"), "SWR.4002015"),
    ],
)
def test_names_that_are_none(swr: AccountServer, manager: str, base: str, code: str) -> None:
    """A package is made under good names only."""
    assert_error(swr.call("PUT", f"{base}/app.jar", token=manager, content=b"x"), 400, code)


def test_file_over_the_limit(swr: AccountServer, manager: str) -> None:
    """A file over the limit is refused, announced or not, and leaves nothing."""
    swr.server.software.most_bytes = 1000

    announced = swr.call("PUT", f"{BASE}/a", token=manager, content=b"x" * 1001)
    streamed = swr.call("PUT", f"{BASE}/a", token=manager, content=iter([b"x" * 600] * 2))
    fits = swr.call("PUT", f"{BASE}/a", token=manager, content=b"x" * 1000)

    assert_error(announced, 413, "SWR.4132036")
    assert_error(streamed, 413, "SWR.4132036")
    assert fits.status_code == 201
    assert leftovers(swr) == []


def test_storage_that_cannot_be_written(
    swr: AccountServer, manager: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is 500 with the call's code and changes nothing; later it works again."""
    with monkeypatch.context() as patch:
        patch.setattr("mulligan.engine.software_center.os.fsync", _no_space)
        full = swr.call("PUT", f"{BASE}/a", token=manager, content=b"x")

    assert_error(full, 500, "SWR.5002024")
    assert leftovers(swr) == []
    assert swr.call("GET", "/v2/manage/packages", token=manager).json() == []
    assert swr.call("PUT", f"{BASE}/a", token=manager, content=b"x").status_code == 201


def _no_space(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_lost_bytes(swr: AccountServer, manager: str) -> None:
    """A file whose bytes were deleted by hand is an error of storage."""
    swr.call("PUT", f"{BASE}/a", token=manager, content=b"x")
    swr.server.software.path_of(hashlib.sha256(b"x").hexdigest()).unlink()

    assert_error(swr.call("GET", f"{BASE}/a", token=manager), 500, "SWR.5002021")


def test_who_may_upload(swr: AccountServer) -> None:
    """Uploading needs manage, looking and downloading a place in the account."""
    manager = swr.log_in("dev1")
    for name in ("dev2", "dev3"):
        answer = swr.call("PUT", f"{BASE}/a", token=swr.log_in(name), content=b"x")
        assert_error(answer, 403, "S2I.4039002")
    swr.call("PUT", f"{BASE}/a", token=manager, content=b"x")

    for name in ("dev2", "dev3"):
        assert swr.call("GET", f"{BASE}/a", token=swr.log_in(name)).content == b"x"
    assert_error(swr.call("GET", f"{BASE}/a"), 401, "SWR.4012000")


def test_unknown_files(swr: AccountServer, manager: str) -> None:
    """An unknown file, version and package have no bytes."""
    swr.call("PUT", f"{BASE}/a", token=manager, content=b"x")

    for target in (
        f"{BASE}/b",
        f"{BASE}/folder/a",
        BASE.replace("1.0", "2.0") + "/a",
        BASE.replace("shop", "other") + "/a",
    ):
        assert_error(swr.call("GET", target, token=manager), 404, "SWR.4042033")


def test_foreign_accounts(swr: AccountServer, manager: str) -> None:
    """A private package is refused to other accounts, who may have one of the same name."""
    swr.call("PUT", f"{BASE}/a", token=manager, content=b"acme's")
    other = swr.log_in("other", "globex")

    for target in (f"{BASE}/a", BASE, BASE.removesuffix("/1.0/file_paths")):
        assert_error(swr.call("GET", target, token=other), 401, "SWR.4011064")
    assert swr.call("GET", "/v2/manage/packages", token=other).json() == []
    swr.call("PUT", f"{BASE}/a", token=other, content=b"globex's")

    assert swr.call("GET", f"{BASE}/a", token=other).content == b"globex's"
    assert swr.call("GET", f"{BASE}/a", token=manager).content == b"acme's"


def test_public_package(swr: AccountServer, manager: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public package is readable for other accounts, but changed by its own one only."""
    swr.call("PUT", f"{BASE}/a", token=manager, content=b"acme's")
    other = swr.log_in("other", "globex")
    store = swr.server.store
    find = store.find_package

    async def public(*names: str) -> object:
        # nothing in the dialect makes a package public yet
        found = await find(*names)  # type: ignore[arg-type]
        return found and replace(found, visibility="public")

    monkeypatch.setattr(store, "find_package", public)

    assert swr.call("GET", f"{BASE}/a", token=other).content == b"acme's"
    shown = swr.call("GET", BASE, token=other).json()[0]
    assert (shown["domain"], shown["visibility"]) == ("acme", "public")


def test_upload_with_a_key(swr: AccountServer, manager: str) -> None:
    """The same upload under the same key gets the first answer, another one is an error."""
    again = {"Idempotency-Key": "k1"}
    first = swr.call("PUT", f"{BASE}/a", token=manager, content=b"x", **again)
    swr.call("PUT", f"{BASE}/a", token=manager, content=b"y")

    second = swr.call("PUT", f"{BASE}/a", token=manager, content=b"x", **again)
    other = swr.call("PUT", f"{BASE}/a", token=manager, content=b"z", **again)

    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.json() == first.json()
    assert_error(other, 400, "SWR.4000014")
    assert swr.call("GET", f"{BASE}/a", token=manager).content == b"y"
