"""Templates and the pipelines made from them."""

from typing import Any

import pytest

from bkci.calling import Caller
from bkci.scenes import minimal_model

TEMPLATES = "projects/{p}/templates/"
DETAIL = "projects/{p}/templates/template_detail"
INSTANCES = "projects/{p}/templates/templateInstances/"
MODEL = "projects/{p}/pipelines/pipeline"


def model(name: str = "base", stages: int = 4) -> dict[str, Any]:
    """Return a model to make a template from."""
    made = {**minimal_model(), "name": name, "desc": "for all"}
    made["stages"] = made["stages"][:stages]
    return made


def make_template(alice: Caller, **changes: Any) -> str:
    """Make a template; return its id."""
    return str(alice.call("POST", TEMPLATES, model(**changes))["id"])


def make_instance(alice: Caller, template: str, name: str = "web") -> str:
    """Make a pipeline from the first version of a template; return its id."""
    done = alice.call("POST", INSTANCES, [{"pipelineName": name}], templateId=template, version=1)
    assert done["failurePipelines"] == []
    return str(done["successPipelinesId"][0])


def test_versions_of_a_template(alice: Caller) -> None:
    """Each update is a version; the names of versions may repeat, their numbers not."""
    template = make_template(alice)
    for stages in (3, 2):
        body = model(stages=stages)
        alice.call("PUT", TEMPLATES, body, templateId=template, versionName="v2")

    newest = alice.call("GET", DETAIL, templateId=template)
    assert [row["versionName"] for row in newest["versions"]] == ["v2", "v2", "init"]
    assert (newest["currentVersion"]["version"], len(newest["template"]["stages"])) == (3, 2)
    assert newest["params"][0]["id"] == "env"
    first = alice.call("GET", DETAIL, templateId=template, version=1)
    assert (first["latestVersion"]["version"], len(first["template"]["stages"])) == (3, 4)
    named = alice.call("GET", DETAIL, templateId=template, versionName="v2")
    assert named["currentVersion"]["version"] == 3
    assert alice.refused("GET", DETAIL, templateId=template, version=9) == (404, 404)
    assert alice.refused("GET", DETAIL, templateId="0" * 32) == (404, 404)

    path = "projects/{p}/templates/template_version"
    for number in (2, 3):
        alice.call("DELETE", path, templateId=template, version=number)
    assert alice.refused("DELETE", path, templateId=template, version=1) == (409, 409)
    alice.call("PUT", TEMPLATES, model(), templateId=template, versionName="v4")
    detail = alice.call("GET", DETAIL, templateId=template)
    assert [row["version"] for row in detail["versions"]] == [4, 1]


def test_lists_of_templates(alice: Caller) -> None:
    """In the order asked for, page by page; the size of a page is checked here."""
    ids = [make_template(alice, name=name) for name in ("b", "a", "c")]
    listed = alice.call("GET", TEMPLATES, orderBy="NAME", sort="ASC", page=1, pageSize=2)
    assert ([row["name"] for row in listed["models"]], listed["count"]) == (["a", "b"], 3)
    listed = alice.call("GET", TEMPLATES)
    assert [row["templateId"] for row in listed["models"]] == ids[::-1]
    assert alice.call("GET", TEMPLATES, templateType="PUBLIC")["models"] == []
    every = alice.call("GET", "projects/{p}/templates/all_templates")
    assert sorted(every["templates"]) == sorted(ids)
    assert alice.refused("GET", TEMPLATES, pageSize=101) == (400, 2100015)
    assert alice.refused("POST", TEMPLATES, model("a")) == (409, 409)
    assert alice.refused("POST", TEMPLATES, {"name": "x", "stages": []}) == (400, 2101011)


def test_instances(alice: Caller) -> None:
    """Pipelines with the model of the template and defaults of their own."""
    template = make_template(alice)
    body = [
        {"pipelineName": "web", "param": [{"id": "env", "defaultValue": "prod"}, {"id": "no"}]},
        {"pipelineName": "api"},
    ]
    done = alice.call("POST", INSTANCES, body, templateId=template, version=1)

    assert (done["successPipelines"], done["failureMessages"]) == (["web", "api"], {})
    web, _ = done["successPipelinesId"]
    shown = alice.call("GET", MODEL, pipelineId=web)
    assert (shown["name"], shown["templateId"]) == ("web", template)
    params = shown["stages"][0]["containers"][0]["params"]
    assert [(param["id"], param["defaultValue"]) for param in params] == [("env", "prod")]
    (row,) = alice.call("GET", "projects/{p}/pipelines/pipeline_list", filterByPipelineName="web")[
        "records"
    ]
    assert (row["instanceFromTemplate"], row["templateId"]) == (True, template)
    listed = alice.call("GET", INSTANCES, templateId=template, sortType="PIPELINE_NAME")
    assert [row["pipelineName"] for row in listed["instances"]] == ["api", "web"]
    found = alice.call("GET", INSTANCES, templateId=template, searchKey="WE")
    assert found["count"] == 1


def test_some_instances_fail(alice: Caller) -> None:
    """The others are made; each failure has its reason in the caller's language."""
    template = make_template(alice)
    alice.make_pipeline("taken")
    body = [{"pipelineName": "taken"}, {"pipelineName": "free"}, {}]

    done = alice.call("POST", INSTANCES, body, templateId=template, version=1)

    assert done["successPipelines"] == ["free"]
    assert done["failurePipelines"] == ["taken", "/2"]
    assert done["failureMessages"]["taken"] == "流水线名称已被使用"
    assert alice.refused("POST", INSTANCES, [], templateId=template, version=1)[0] == 400
    assert alice.refused("POST", INSTANCES, body, templateId=template, version=9)[0] == 404
    assert alice.refused("POST", INSTANCES, {}, templateId=template, version=1)[0] == 400


def test_updates_of_instances(alice: Caller) -> None:
    """An instance is brought to another version; its settings only on request."""
    template = make_template(alice)
    pipeline = make_instance(alice, template)
    setting = "projects/{p}/pipelines/setting"
    alice.call("PUT", setting, {"maxQueueSize": 3}, pipelineId=pipeline)
    alice.call("PUT", TEMPLATES, model(stages=2), templateId=template, versionName="short")
    (row,) = alice.call("GET", INSTANCES, templateId=template)["instances"]
    assert (row["status"], row["versionName"]) == ("PENDING_UPDATE", "init")

    body = [{"pipelineId": pipeline, "pipelineName": "web 2"}]
    done = alice.call("PUT", INSTANCES, body, templateId=template, version=2)

    assert done["successPipelinesId"] == [pipeline]
    shown = alice.call("GET", MODEL, pipelineId=pipeline)
    assert (shown["name"], len(shown["stages"]), shown["latestVersion"]) == ("web 2", 2, 2)
    assert alice.call("GET", setting, pipelineId=pipeline)["maxQueueSize"] == 3
    (row,) = alice.call("GET", INSTANCES, templateId=template)["instances"]
    assert row["status"] == "UPDATED"
    back = [{"pipelineId": pipeline}]
    alice.call(
        "PUT",
        INSTANCES + "update",
        back,
        templateId=template,
        versionName="init",
        useTemplateSettings=True,
    )
    assert len(alice.call("GET", MODEL, pipelineId=pipeline)["stages"]) == 4
    assert alice.call("GET", setting, pipelineId=pipeline)["maxQueueSize"] == 10

    other = alice.make_pipeline("other")
    done = alice.call("PUT", INSTANCES, [{"pipelineId": other}], templateId=template, version=2)
    assert done["failurePipelines"] == [other]


def test_what_has_instances_stays(alice: Caller) -> None:
    """A template, or a version, goes when its last pipeline has gone."""
    template = make_template(alice)
    pipeline = make_instance(alice, template)
    alice.call("PUT", TEMPLATES, model(), templateId=template, versionName="v2")

    path = "projects/{p}/templates/template_version"
    assert alice.refused("DELETE", path, templateId=template, version=1) == (409, 409)
    assert alice.refused("DELETE", TEMPLATES, templateId=template) == (409, 409)
    alice.call("DELETE", MODEL, pipelineId=pipeline)
    assert alice.call("GET", INSTANCES, templateId=template)["count"] == 0
    alice.call("DELETE", path, templateId=template, version=1)
    alice.call("DELETE", TEMPLATES, templateId=template)
    assert alice.refused("DELETE", TEMPLATES, templateId=template) == (404, 404)


@pytest.mark.parametrize(("kind", "count"), [("CONSTRAINT", 1), ("FREEDOM", 0)])
def test_one_pipeline_from_a_template(alice: Caller, kind: str, count: int) -> None:
    """Bound to the template, or made from it once."""
    template = make_template(alice)
    body = {
        "templateId": template,
        "templateVersion": 1,
        "pipelineName": "made",
        "instanceType": kind,
    }
    made = alice.call("POST", "projects/{p}/version/create_with_template", body)

    assert (made["pipelineName"], made["version"]) == ("made", 1)
    assert alice.call("GET", INSTANCES, templateId=template)["count"] == count
    path = "projects/{p}/version/create_with_template"
    assert alice.refused("POST", path, body) == (409, 2101013)
    assert alice.refused("POST", path, {**body, "templateId": "x"}) == (404, 404)
