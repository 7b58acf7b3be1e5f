"""The software center over the own API: files up, lists of what is there, files down."""

import hashlib

import pytest
from native_client import Answer, NativeApi

FILE = "/projects/shop/packages/acme/libs/shop/1.0/target/shop.war"
OCTETS = {"Content-Type": "application/octet-stream"}


def upload(
    api: NativeApi, content: bytes, path: str = FILE, *, expect: int = 201, key: str = ""
) -> Answer:
    """Upload a file, with an `Idempotency-Key` if one is given."""
    headers = OCTETS | ({"Idempotency-Key": key} if key else {})
    return api.call("PUT", path, content=content, expect=expect, headers=headers)


def test_file_goes_up_and_comes_down(api: NativeApi) -> None:
    """What was uploaded is listed with its digest and size, and comes back byte by byte."""
    content = bytes(range(256)) * 1000

    made = upload(api, content).json()
    packages = api.get("/projects/shop/packages")["items"]
    versions = api.get("/projects/shop/packages/acme/libs/shop/versions")["items"]
    files = api.get("/projects/shop/packages/acme/libs/shop/files?version=1.0")["items"]
    answer = api.call("GET", FILE)

    digest = hashlib.sha256(content).hexdigest()
    assert (made["path"], made["size"], made["sha256"]) == ("target/shop.war", 256_000, digest)
    assert made["sha512"] == hashlib.sha512(content).hexdigest()
    assert files == [made]
    assert [(each["version"], each["files"], each["size"]) for each in versions] == [
        ("1.0", 1, 256_000)
    ]
    assert [(each["namespace"], each["repository"], each["name"]) for each in packages] == [
        ("acme", "libs", "shop")
    ]
    assert answer.content == content
    assert answer.headers["etag"] == f'"{digest}"'
    assert answer.headers["content-type"] == "application/octet-stream"


def test_upload_above_the_limit_of_bodies(api: NativeApi) -> None:
    """A file may be larger than a body of JSON: it goes straight to the disk."""
    content = b"x" * (17 * 1024 * 1024)

    assert upload(api, content).json()["size"] == len(content)


def test_same_place_is_replaced(api: NativeApi) -> None:
    """A second upload to the same place replaces the file."""
    upload(api, b"old")
    upload(api, b"new")

    assert api.call("GET", FILE).content == b"new"
    assert len(api.get("/projects/shop/packages/acme/libs/shop/files?version=1.0")["items"]) == 1


def test_repeat_with_the_same_key(api: NativeApi) -> None:
    """The same key with the same file gets the first answer; with another file it is refused."""
    first = upload(api, b"one", key="k")

    again = upload(api, b"one", key="k")
    upload(api, b"two", expect=422, key="k")

    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert api.call("GET", FILE).content == b"one"


def test_namespace_narrows_the_list(api: NativeApi) -> None:
    """Only packages of the organisation that was named are listed."""
    upload(api, b"1")
    upload(api, b"2", "/projects/shop/packages/tools/libs/kit/2/kit.tgz")

    found = api.get("/projects/shop/packages?namespace=tools")["items"]

    assert [each["name"] for each in found] == ["kit"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("acme/libs/shop/1.0/%2E%2E/secret", 422),
        ("acme/libs/shop/1.0/a//b", 422),
        ("Acme/libs/shop/1.0/a", 422),
        ("acme/-/shop/1.0/a", 422),
        ("acme/libs/shop/-1/a", 422),
        (f"{'a' * 65}/libs/shop/1/a", 422),
    ],
)
def test_malformed_places(api: NativeApi, path: str, status: int) -> None:
    """Names that lead elsewhere, or are none, are refused, and nothing is stored."""
    upload(api, b"x", f"/projects/shop/packages/{path}", expect=status)

    assert api.get("/projects/shop/packages")["items"] == []


@pytest.mark.parametrize(
    "path",
    [
        "acme/libs/shop/1.0/other",
        "acme/libs/other/versions",
        "acme/libs/shop/files?version=9",
    ],
)
def test_unknown_names(api: NativeApi, path: str) -> None:
    """What is not there is 404."""
    upload(api, b"x")

    api.get(f"/projects/shop/packages/{path}", expect=404)


def test_files_need_a_version(api: NativeApi) -> None:
    """The list of files says that it needs a version."""
    upload(api, b"x")

    problem = api.get("/projects/shop/packages/acme/libs/shop/files", expect=400)

    assert problem["errors"][0]["parameter"] == "version"


@pytest.mark.parametrize(("role", "status"), [("developer", 403), ("maintainer", 201)])
def test_who_may_upload(api: NativeApi, role: str, status: int) -> None:
    """Maintainers may upload, as in the dialect; everybody who sees the project may download."""
    user = api.make_user("dan", role)
    upload(api, b"first")

    upload(user, b"second", expect=status)

    assert user.call("GET", FILE).content == (b"second" if status == 201 else b"first")
