"""Lists of the software center: packages, versions, files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from account_server import AccountServer, assert_error

PACKAGES = "/v2/manage/packages"
FILES = (  # namespace, package, version, path, content
    ("team", "libs%2520shop", "1.0", "app.jar", b"12345"),
    ("team", "libs%2520shop", "1.0", "docs/readme.txt", b"123"),
    ("team", "libs%2520shop", "1.1", "app.jar", b"1234567"),
    ("team", "libs%2520cart", "1.0", "cart.jar", b"1"),
    ("infra", "libs%2520shop", "1.0", "app.jar", b"1"),
)


@pytest.fixture
def swr(tmp_path: Path) -> Iterator[AccountServer]:
    """Give a server with some packages of acme."""
    with AccountServer(tmp_path) as server:
        token = server.staff().log_in("dev1")
        for namespace, package, version, path, content in FILES:
            target = f"{versions(namespace, package)}/{version}/file_paths/{path}"
            made = server.call("PUT", target, token=token, content=content)
            assert made.status_code == 201, made.text
            server.advance(1)
        yield server


@pytest.fixture
def token(swr: AccountServer) -> str:
    """Give a token of dev2, who reads."""
    return swr.log_in("dev2")


def versions(namespace: str, package: str) -> str:
    """Return the path of the versions of a package."""
    return f"/v2/manage/namespaces/{namespace}/packages/{package}/versions"


def test_packages(swr: AccountServer, token: str) -> None:
    """Each package comes with its counts, the oldest first, with exactly the documented fields."""
    found = swr.call("GET", PACKAGES, token=token).json()

    assert [(item["namespace"], item["package"]) for item in found] == [
        ("team", "libs%20shop"),
        ("team", "libs%20cart"),
        ("infra", "libs%20shop"),
    ]
    assert set(found[0]) == {
        "id",
        "domain",
        "namespace",
        "package",
        "description",
        "visibility",
        "self_auth",
        "num_versions",
        "size",
        "creator",
        "created",
        "updated",
    }
    assert (found[0]["num_versions"], found[0]["size"]) == (2, 15)
    assert (found[0]["domain"], found[0]["visibility"], found[0]["creator"]) == (
        "acme",
        "private",
        "dev1",
    )
    assert found[0]["created"] < found[0]["updated"]
    assert isinstance(found[0]["id"], int)


def test_own_right(swr: AccountServer) -> None:
    """`self_auth` is the caller's right in the account: 1 or 7, a viewer's counts as 1."""
    rights = {
        name: swr.call("GET", PACKAGES, token=swr.log_in(name)).json()[0]["self_auth"]
        for name in ("dev1", "dev2", "dev3")
    }

    assert rights == {"dev1": 7, "dev2": 1, "dev3": 1}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("namespace=team", ["libs%20shop", "libs%20cart"]),
        ("namespace=tea", []),
        ("package_name=libs%2520shop", ["libs%20shop", "libs%20shop"]),
        ("package_name=libs%20cart", ["libs%20cart"]),
        ("package_name=libs+cart", ["libs%20cart"]),
        ("package_name=libs%2520sho", []),
        ("package_name=shop", []),
        ("package_name=", ["libs%20shop", "libs%20cart", "libs%20shop"]),
        ("namespace=infra&package_name=libs%2520shop", ["libs%20shop"]),
        ("namespace=infra&package_name=libs%2520cart", []),
    ],
)
def test_filters(swr: AccountServer, token: str, query: str, expected: list[str]) -> None:
    """Both filters match exactly; the name literally or decoded."""
    found = swr.call("GET", f"{PACKAGES}?{query}", token=token).json()

    assert [item["package"] for item in found] == expected


def test_versions(swr: AccountServer, token: str) -> None:
    """Versions come with their counts; their times are capitalised, only here."""
    found = swr.call("GET", versions("team", "libs%2520shop"), token=token).json()

    assert [item["version"] for item in found] == ["1.0", "1.1"]
    assert set(found[0]) == {
        "id",
        "domain",
        "namespace",
        "package",
        "version",
        "visibility",
        "description",
        "num_files",
        "size",
        "creator",
        "CreatedAt",
        "UpdatedAt",
    }
    assert (found[0]["num_files"], found[0]["size"]) == (2, 8)
    assert found[0]["CreatedAt"].endswith("Z")


def test_files(swr: AccountServer, token: str) -> None:
    """Files come with all their fields."""
    target = versions("team", "libs%2520shop") + "/1.0/file_paths"
    found = swr.call("GET", target, token=token).json()

    assert [(item["folder"], item["filename"]) for item in found] == [
        ("/", "app.jar"),
        ("docs", "readme.txt"),
    ]
    assert set(found[0]) == {
        "id",
        "domain",
        "namespace",
        "package",
        "version",
        "visibility",
        "folder",
        "filename",
        "digest",
        "size",
        "url",
        "creator",
        "created",
        "updated",
    }
    assert len(found[0]["digest"]) == 128


def test_pages(swr: AccountServer, token: str) -> None:
    """A page tells where it is when both values were sent, and only then."""
    for target, total in (
        (PACKAGES, 3),
        (versions("team", "libs%2520shop"), 2),
        (versions("team", "libs%2520shop") + "/1.0/file_paths", 2),
    ):
        page = swr.call("GET", f"{target}?limit=1&offset=1", token=token)
        past = swr.call("GET", f"{target}?limit=5&offset=9", token=token)
        half = swr.call("GET", f"{target}?limit=1", token=token)

        assert (len(page.json()), page.headers["Content-Range"]) == (1, f"1-1/{total}")
        assert (past.json(), past.headers["Content-Range"]) == ([], f"9-0/{total}")
        assert len(half.json()) == 1
        assert "Content-Range" not in half.headers
        for query, code in (("limit=0", "SWR.4001070"), ("offset=-1", "SWR.4001072")):
            assert_error(swr.call("GET", f"{target}?{query}", token=token), 400, code)


def test_unknown_things(swr: AccountServer, token: str) -> None:
    """An unknown package and an unknown version have codes of their own."""
    package = swr.call("GET", versions("team", "libs%2520nothing"), token=token)
    namespace = swr.call("GET", versions("nobody", "libs%2520shop"), token=token)
    odd = swr.call("GET", versions("team", "shop"), token=token)
    version = swr.call("GET", versions("team", "libs%2520shop") + "/9/file_paths", token=token)

    for answer in (package, namespace, odd):
        assert_error(answer, 404, "SWR.4040004")
    assert_error(version, 404, "SWR.4042019")


def test_lists_need_a_credential(swr: AccountServer) -> None:
    """Nobody sees a list without a place in the account."""
    assert_error(swr.call("GET", PACKAGES), 401, "SWR.4012000")
    assert swr.call("GET", PACKAGES, token=swr.log_in("other", "globex")).json() == []
