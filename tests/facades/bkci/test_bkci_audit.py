"""Every change over this API is in the audit trail: who did what, and to which thing."""

from typing import Any

from bkci.calling import Caller
from bkci.scenes import minimal_model


def test_every_change_is_in_the_audit_trail(alice: Caller) -> None:
    """One entry for each change, in order; looking at things leaves none."""
    model = {**minimal_model(), "name": "demo"}
    both = {"model": model, "setting": {}}

    def do(method: str, path: str, body: object = None, /, **query: Any) -> Any:
        return alice.call(method, f"projects/{{p}}/{path}", body, **query)

    pipeline = do("POST", "pipelines/pipeline", model)["id"]
    one = {"pipelineId": pipeline}
    do("PUT", "pipelines/pipeline_with_setting", both, **one)
    do("POST", "version/save_draft", {**one, "modelAndSetting": both})
    do("POST", "version/release_version", {}, **one, version=3)
    do("POST", "version/rollback_draft", **one, version=1)
    do("POST", "pipelines/pipeline_name", {"name": "other"}, **one)
    do("POST", "pipelines/pipeline_lock", **one, enable=False)
    do("POST", "pipelineGroups/group", {"name": "team"})
    (group,) = do("GET", "pipelineGroups/group")
    do("POST", "pipelineGroups/label", {"groupId": group["id"], "name": "red"})
    do("PUT", "pipelineGroups/group", {"id": group["id"], "name": "squad"})
    view = do("POST", "pipelineView/", {"name": "v", "viewType": 2})["id"]
    do("POST", "pipelineView/bulkAdd", {"pipelineIds": [pipeline], "viewIds": [view]})
    do("DELETE", "pipelineView/", viewId=view)
    do("DELETE", "pipelineGroups/group", groupId=group["id"])
    template = {"templateId": do("POST", "templates/", {**model, "name": "t"})["id"]}
    do("PUT", "templates/", {**model, "name": "t"}, **template, versionName="v2")
    made = do("POST", "templates/templateInstances", [{"pipelineName": "i"}], **template, version=2)
    do("DELETE", "templates/template_version", **template, version=1)
    do("DELETE", "pipelines/pipeline", pipelineId=made["successPipelinesId"][0])
    do("DELETE", "templates/", **template)
    do("DELETE", "pipelines/pipeline", **one)
    do("PUT", "pipelines/pipeline_restore", **one)
    env = alice.call("POST", "environment/projects/{p}/envs", {"name": "e"})["hashId"]
    alice.call("DELETE", "environment/projects/{p}/envs", envHashId=env)

    place = f"/api/v1/projects/{alice.project}/audit"
    trail = alice.http.get(place, params={"limit": 100}, headers={"X-DEVOPS-UID": "alice"}).json()
    entries = list(reversed(trail["items"]))
    assert {entry["actor"] for entry in entries} == {"alice"}
    assert [entry["action"] for entry in entries] == [
        "project.create",
        "pipeline.create",
        "pipeline.edit",
        "pipeline.draft",
        "pipeline.release",
        "pipeline.draft",
        "pipeline.settings",
        "pipeline.lock",
        "label-group.create",
        "label.create",
        "label-group.change",
        "view.create",
        "view.fill",
        "view.delete",
        "label-group.delete",
        "template.create",
        "template.update",
        "pipeline.create",
        "template.delete-version",
        "pipeline.delete",
        "template.delete",
        "pipeline.delete",
        "pipeline.restore",
        "node-group.create",
        "node-group.delete",
    ]
