"""The software center: what builds put into it, and what can be listed, fetched and sent."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.client import CREATED, Reply, SwrClient
from e2e.swr.definitions import build, definition, package
from e2e.swr.scenario import (
    BAD,
    FOREIGN,
    NO_CONTENT,
    NO_RIGHT,
    NOT_FOUND,
    OK,
    Pipeline,
    new_name,
)

if TYPE_CHECKING:
    from mulligan.testing.server import ServerProcess

Json = dict[str, Any]

PACKAGES = "/v2/manage/packages"
CONTENT = bytes(range(256)) * 5
ANY_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


def versions_path(name: str, *, escaped: bool = True) -> str:
    """Return the path of the versions of the package `libs%20NAME`."""
    return f"/v2/manage/namespaces/acme/packages/libs{'%2520' if escaped else '%20'}{name}/versions"


def files_path(name: str, tail: str = "") -> str:
    """Return the path of the files of version 1.0."""
    return f"{versions_path(name)}/1.0/file_paths{tail}"


def upload(client: SwrClient, name: str, tail: str, content: bytes = CONTENT) -> Reply:
    """Send a file."""
    headers = {"Content-Type": "application/octet-stream"}
    return client.raw("PUT", files_path(name, tail), content, headers)


@pytest.fixture
def name() -> str:
    """Give the name of a package that no other test uses."""
    return new_name("tool")


def test_upload_list_download(dev1: SwrClient, name: str) -> None:
    """A file that is sent makes its package and version; it is listed and comes back."""
    sent = [upload(dev1, name, "/a.bin"), upload(dev1, name, "/docs/b.txt", b"text")]

    [found] = dev1.get(PACKAGES, package_name=f"libs%20{name}", namespace="acme").json
    [version] = dev1.get(versions_path(name)).json
    files = {entry["filename"]: entry for entry in dev1.get(files_path(name)).json}

    assert [answer.http for answer in sent] == [CREATED, CREATED]
    assert (found["package"], found["namespace"]) == (f"libs%20{name}", "acme")
    assert (found["num_versions"], found["self_auth"]) == (1, 7)
    assert found["size"] == len(CONTENT) + 4
    assert found["visibility"] in {"public", "private"}
    assert found["creator"] == "dev1"
    assert re.fullmatch(ANY_TIME, found["created"])
    assert (version["version"], version["num_files"]) == ("1.0", 2)
    assert re.fullmatch(ANY_TIME, version["CreatedAt"])
    assert re.fullmatch(ANY_TIME, version["UpdatedAt"])
    assert set(files) == {"a.bin", "b.txt"}
    assert files["a.bin"]["digest"] == hashlib.sha512(CONTENT).hexdigest()
    assert (files["a.bin"]["folder"], files["a.bin"]["size"]) == ("/", len(CONTENT))
    assert files["a.bin"]["url"].endswith("/versions/1.0/file_paths/a.bin")
    assert files["b.txt"]["url"].endswith("b.txt")


@pytest.mark.parametrize("tail", ["/a.bin", "/docs/a.bin", "/docs/more/a.bin"])
def test_download(dev1: SwrClient, name: str, tail: str) -> None:
    """The bytes come back as a file to be saved."""
    upload(dev1, name, tail)

    answer = dev1.raw("GET", files_path(name, tail))

    assert (answer.http, answer.content) == (OK, CONTENT)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert "a.bin" in answer.headers["content-disposition"]


def test_name_with_decoded_escape(dev1: SwrClient, name: str) -> None:
    """The `%20` of a package name is found in both of its forms in a path."""
    upload(dev1, name, "/a.bin")

    found = [dev1.get(versions_path(name, escaped=flag)) for flag in (True, False)]
    listed = [dev1.get(PACKAGES, package_name=f"libs{sep}{name}") for sep in ("%20", " ")]

    assert [answer.http for answer in found] == [OK, OK]
    assert found[0].json == found[1].json
    assert [len(answer.json) for answer in listed] == [1, 1]


def test_upload_replaces(dev1: SwrClient, name: str) -> None:
    """A file of the same name is replaced."""
    upload(dev1, name, "/a.bin")

    answer = upload(dev1, name, "/a.bin", b"new")

    assert answer.http == CREATED
    assert dev1.raw("GET", files_path(name, "/a.bin")).content == b"new"
    [entry] = dev1.get(files_path(name)).json
    assert entry["digest"] == hashlib.sha512(b"new").hexdigest()


def test_unknown_things(dev1: SwrClient, name: str) -> None:
    """Unknown package, version and file have their own codes."""
    upload(dev1, name, "/a.bin")

    found = [
        dev1.get(versions_path(new_name("none"))),
        dev1.get(f"{versions_path(name)}/9.9/file_paths"),
        dev1.get(files_path(name, "/b.bin")),
    ]

    codes = ["SWR.4040004", "SWR.4042019", "SWR.4042033"]
    assert [answer.error for answer in found] == [(NOT_FOUND, code) for code in codes]


@pytest.mark.parametrize(
    "tail", ["/../x", "/%2e%2e/x", "/a/%2E%2E/%2E%2E/x", "/%2Fetc%2Fpasswd", "/.."]
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_paths_that_lead_out(dev1: SwrClient, name: str, method: str, tail: str) -> None:
    """A path with `..` or an absolute part is refused, in both directions."""
    upload(dev1, name, "/x")

    answer = dev1.raw(method, files_path(name, tail), CONTENT if method == "PUT" else None)

    assert answer.error in {(BAD, "SWR.4002025"), (BAD, "SWR.4002026")}


def test_rights_of_packages(dev1: SwrClient, dev2: SwrClient, eve: SwrClient, name: str) -> None:
    """A reader may fetch but not send; another account can do neither."""
    upload(dev1, name, "/a.bin")

    fetched = dev2.raw("GET", files_path(name, "/a.bin"))
    refused = [upload(dev2, name, "/b.bin"), eve.raw("GET", files_path(name, "/a.bin"))]
    upload(eve, name, "/a.bin", b"evil")  # refused, or a package of eve's own account

    assert fetched.content == CONTENT
    assert [answer.error for answer in refused] == [NO_RIGHT, FOREIGN]
    assert dev1.raw("GET", files_path(name, "/a.bin")).content == CONTENT
    assert [entry["filename"] for entry in dev1.get(files_path(name)).json] == ["a.bin"]
    assert {entry["domain"] for entry in eve.get(PACKAGES).json} <= {"other"}


def test_package_of_a_build(dev1: SwrClient, name: str) -> None:
    """An output of a build makes package and version, and replaces the file of that name."""
    made = package("V${VERSION}", "app.war", "out/built.war", f"libs%20{name}")
    script = "mkdir out\nprintf 'war %s' '${SYS_INCREMENT}' > out/built.war"
    pipeline = Pipeline(dev1, definition([build("one", script, output_resources=[made])]))
    path = f"{versions_path(name)}/V1/file_paths/app.war"

    pipeline.run("success", VERSION="1")
    first = dev1.raw("GET", path).content
    pipeline.run("success", VERSION="1")
    pipeline.run("success", VERSION="2")

    assert (first, dev1.raw("GET", path).content) == (b"war 1", b"war 2")
    assert {v["version"] for v in dev1.get(versions_path(name)).json} == {"V1", "V2"}
    assert dev1.get(versions_path(name)).json[0]["creator"] == "dev1"


def test_name_of_an_output_file(dev1: SwrClient, name: str) -> None:
    """Without `file_path` an output has the name of the archived file."""
    made = package("1.0", "", "out/built.war", f"libs%20{name}")
    del made["params"]["file_path"]
    script = "mkdir out\necho war > out/built.war"

    Pipeline(dev1, definition([build("one", script, output_resources=[made])])).run("success")

    assert [entry["filename"] for entry in dev1.get(files_path(name)).json] == ["built.war"]


def test_file_survives_the_pipeline(dev1: SwrClient, name: str) -> None:
    """A package stays when the pipeline that made it is deleted."""
    made = package("1.0", "a.bin", "a.bin", f"libs%20{name}")
    given = definition([build("one", "echo kept > a.bin", output_resources=[made])])
    pipeline = Pipeline(dev1, given)
    pipeline.run("success")

    gone = pipeline.delete()

    assert gone.http == NO_CONTENT
    assert dev1.raw("GET", files_path(name, "/a.bin")).content == b"kept\n"


def test_files_survive_a_restart(own_server: ServerProcess) -> None:
    """A file that was answered by 201 is there after a kill."""
    client = SwrClient(own_server.url, {"X-DEVOPS-UID": "admin"})
    path = "/v2/manage/namespaces/default/packages/libs%2520kept/versions/1.0/file_paths/a.bin"
    sent = client.raw("PUT", path, CONTENT)

    own_server.restart()

    client.url = own_server.url
    assert sent.http == CREATED
    assert client.raw("GET", path).content == CONTENT


def test_pages_of_packages(dev1: SwrClient, name: str) -> None:
    """Files are paged like all lists."""
    for letter in "abc":
        upload(dev1, name, f"/{letter}.bin")

    whole, page = dev1.get(files_path(name)), dev1.get(files_path(name), limit=2, offset=1)

    assert "content-range" not in whole.headers
    assert page.headers["content-range"] == "1-2/3"
    assert page.json == whole.json[1:]
