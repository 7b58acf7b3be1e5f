"""From a draft to a download on a real server, which is killed in between."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import one_job, step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulligan.testing.http_client import Query
    from mulligan.testing.models import Workbench
    from mulligan.testing.server import ServerProcess

PROJECT = "drafted"


def _keep(path: str) -> dict[str, Any]:
    return {
        "@type": "marketBuild",
        "atomCode": "uploadArtifact",
        "name": "keep",
        "data": {"input": {"filePath": path}},
    }


@pytest.fixture
def killed(own_server: ServerProcess) -> Iterator[Callable[[], BkciClient]]:
    """Give an act that kills the server, starts it again and gives a client of it."""
    with contextlib.ExitStack() as clients:

        def kill() -> BkciClient:
            own_server.restart()
            return clients.enter_context(BkciClient(own_server.url))

        yield kill


def test_a_draft_becomes_a_build_with_an_artifact(
    own_client: BkciClient, killed: Callable[[], BkciClient], bench: Workbench
) -> None:
    """Drafts, labels and signed links outlive a kill; the released version runs."""
    client = own_client
    client.project_create(PROJECT)
    client.data("POST", PROJECT, "pipelineGroups/group", body={"name": "team"})
    (group,) = client.data("GET", PROJECT, "pipelineGroups/group")
    label = {"groupId": group["id"], "name": "red"}
    client.data("POST", PROJECT, "pipelineGroups/label", body=label)
    (group,) = client.data("GET", PROJECT, "pipelineGroups/group")
    model = one_job("shop", [step("make", bench.script("make", "echo done > a.txt")), _keep("*")])
    body = {
        "modelAndSetting": {
            "model": model,
            "setting": {"labels": [group["labels"][0]["id"]]},
        }
    }
    pipeline = client.data("POST", PROJECT, "version/save_draft", body=body)["pipelineId"]
    http, refusal = client.try_start(PROJECT, pipeline)
    assert (http, refusal["status"]) == (400, 2101190)

    client = killed()

    found = client.data("GET", PROJECT, "pipelineView/listViewPipelines")
    assert [row["groupLabel"] for row in found["records"]] == [
        [{"groupName": "team", "labelName": ["red"]}]
    ]
    query: Query = {"pipelineId": pipeline, "version": 1}
    client.data("POST", PROJECT, "version/release_version", query=query, body={})
    build = client.start(PROJECT, pipeline)["id"]
    assert client.wait_finished(PROJECT, build).status == "SUCCEED"
    page = client.data("GET", PROJECT, "artifactories/file_info", query={"buildId": build})
    (kept,) = page["records"]
    query = {"artifactoryType": "PIPELINE", "path": kept["fullPath"]}
    link = client.data("GET", PROJECT, "artifactories/user_download_url", query=query)["url"]

    client = killed()

    answer = client.http.send("GET", urlsplit(link).path, None, {"X-DEVOPS-UID": ""})
    assert (answer.http, answer.text) == (200, "done\n")
