"""Calls on plugins, and what answers show of their secret inputs."""

import pytest

from bkci.calling import Caller, Json
from bkci.scenes import minimal_model
from plugin_zips import manifest, plugin_zip

MASK = "******"


@pytest.fixture(scope="module", autouse=True)
def _installed(served: Caller) -> None:
    """Install two versions of a plugin and another one, for all tests of this module."""
    secret = manifest() | {"input": {"pw": {"isSensitive": True}, "words": {"default": "x"}}}
    other = manifest("mail") | {
        "releaseInfo": {"name": "Send mail", "jobType": "AGENT_LESS", "description": "Sends mail"}
    }
    for version, task in (("1.0.0", manifest()), ("1.2.0", secret), ("3.0.0", other)):
        answer = served.http.post(
            f"/api/v1/plugins?version={version}",
            content=plugin_zip(task),
            headers={"Content-Type": "application/zip", "X-DEVOPS-UID": "admin"},
        )
        assert answer.status_code == 201, answer.text


def test_one_plugin(alice: Caller) -> None:
    """The newest version by its code; one that is not installed has no data."""
    found = alice.call("GET", "atoms/atom_info", atomCode="echo")

    assert (found["atomCode"], found["version"], found["language"]) == ("echo", "1.2.0", "golang")
    assert alice.call("GET", "atoms/atom_info", atomCode="gone") is None
    status, body = alice.send("GET", "atoms/atom_info")
    assert (status, body["status"]) == (400, 400)


def test_version_in_detail(alice: Caller) -> None:
    """A version comes with its inputs; a star means the newest."""
    old = alice.call("GET", "atoms/atom_detail", atomCode="echo", version="1.0.0")
    new = alice.call("GET", "atoms/atom_detail", atomCode="echo", version="1.*")

    assert (old["version"], old["latestFlag"]) == ("1.0.0", False)
    assert (new["version"], new["latestFlag"]) == ("1.2.0", True)
    assert new["props"]["input"]["words"] == {"default": "x"}
    assert alice.call("GET", "atoms/atom_detail", atomCode="echo", version="2.*") is None


def test_search(alice: Caller) -> None:
    """A part of the code or name is enough, in any case."""
    found = alice.call("GET", "atoms/atom_search", keyword="MAIL")

    assert [each["code"] for each in found["records"]] == ["mail"]
    assert found["records"][0]["name"] == "Send mail"
    assert alice.call("GET", "atoms/atom_search", keyword="none")["count"] == 0


def test_list_of_a_project(alice: Caller) -> None:
    """All that are installed can be used; pages are bounded, and a project must be there."""
    project = alice.project
    first = alice.call("GET", "atoms/atom_list", projectCode=project, pageSize=1)
    second = alice.call("GET", "atoms/atom_list", projectCode=project, pageSize=1, page=2)

    assert (first["count"], first["totalPages"]) == (2, 2)
    names = [page["records"][0]["atomCode"] for page in (first, second)]
    assert names == ["echo", "mail"]
    assert first["records"][0]["defaultVersion"] == "1.*"
    triggers = alice.call("GET", "atoms/atom_list", projectCode=project, category="TRIGGER")
    assert triggers["count"] == 0
    status, body = alice.send("GET", "atoms/atom_list", projectCode=project, pageSize=101)
    assert (status, body["status"]) == (400, 2100015)
    status, body = alice.send("GET", "atoms/atom_list", projectCode="gone")
    assert status == 404


def model_with(**inputs: str) -> Json:
    """Give a model whose only task is a plugin with these inputs."""
    model = minimal_model()
    job = model["stages"][1]["containers"][0]
    job["elements"] = [
        {
            "@type": "marketBuild",
            "name": "echo",
            "atomCode": "echo",
            "version": "1.*",
            "data": {"input": inputs, "output": {}},
        }
    ]
    return model


def test_secret_inputs_in_answers(alice: Caller) -> None:
    """Whoever may not edit sees a mask; references stay; builds show it to nobody."""
    given = {"pw": "hunter2", "words": "plain"}
    ident = alice.call("POST", "projects/{p}/pipelines/pipeline", model_with(**given))["id"]
    build = alice.call("POST", "projects/{p}/build_start", {}, pipelineId=ident)["id"]
    viewer = alice.as_viewer()

    def inputs(caller: Caller) -> Json:
        model = caller.call("GET", "projects/{p}/pipelines/pipeline", pipelineId=ident)
        found: Json = model["stages"][1]["containers"][0]["elements"][0]["data"]["input"]
        return found

    detail = alice.call("GET", "projects/{p}/build_detail", pipelineId=ident, buildId=build)

    assert inputs(alice) == given
    assert inputs(viewer) == {"pw": MASK, "words": "plain"}
    assert "hunter2" not in str(detail)
    reference = model_with(pw="${{ settings.x.password }}")
    alice.call("PUT", "projects/{p}/pipelines/pipeline", reference, pipelineId=ident)
    assert inputs(viewer) == {"pw": "${{ settings.x.password }}"}
