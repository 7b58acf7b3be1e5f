"""Definitions in both formats over the own API: recognised by their content, kept apart."""

import json
from typing import Any

import pytest
import yaml
from native_client import NativeApi, NativeClient, two_steps
from releases import build_stage, deploy_stage, document, release

from mulligan.core.ids import PipelineId

Json = dict[str, Any]
PIPELINES = "/projects/shop/pipelines"
YAML = {"Content-Type": "application/yaml"}


def definition(api: NativeApi, pipeline: str) -> Json:
    """Return the definition of a pipeline."""
    return dict(api.get(f"{PIPELINES}/{pipeline}/definition"))


def stage_ids(api: NativeApi, pipeline: str) -> list[int]:
    """Return the ids of the stages."""
    return [stage["id"] for stage in definition(api, pipeline)["stages"]]


@pytest.mark.parametrize("is_yaml", [False, True])
def test_swr_document_is_stored(api: NativeApi, is_yaml: bool) -> None:
    """A document with `service_name` becomes a pipeline that runs, from JSON and from YAML."""
    given = document(build_stage("compile"), deploy_stage())

    if is_yaml:
        content = yaml.safe_dump(given).encode()
        saved = api.call("POST", PIPELINES, content=content, expect=201, headers=YAML).json()
    else:
        saved = api.post(PIPELINES, given, expect=201)

    assert (saved["name"], saved["stages"], saved["steps"]) == ("shop-release", 2, 2)
    assert saved["warnings"] == []
    state = release(api, saved["id"], "v1")
    assert [stage["name"] for stage in state["stages"]] == ["compile", "release"]


def test_mistake_is_found_by_its_place(api: NativeApi) -> None:
    """A refused document names the member by its pointer and line."""
    given = document(build_stage("compile"))
    given["stages"][0]["params"]["jenkins_shell"] = 5

    problem = api.post(PIPELINES, given, expect=422)

    assert problem["errors"][0]["pointer"] == "/stages/0/params/jenkins_shell"
    assert problem["errors"][0]["line"] == 1
    assert api.get(PIPELINES)["items"] == []


def test_name_is_taken(api: NativeApi) -> None:
    """A second pipeline of the same name is a conflict."""
    api.post(PIPELINES, document(), expect=201)

    assert api.post(PIPELINES, document(), expect=409)["code"] == "pipeline-name"


def test_replaced_by_the_same_file(api: NativeApi) -> None:
    """A file without ids replaces the definition; stages of the same name stay what they are."""
    pipeline = api.make_pipeline(document(build_stage("compile"), deploy_stage()))
    before = stage_ids(api, pipeline)

    changed = document(build_stage("compile"), build_stage("check"), deploy_stage())
    saved = api.put(f"{PIPELINES}/{pipeline}", changed)

    after = stage_ids(api, pipeline)
    assert saved["version"] == 2
    assert [after[0], after[2]] == before
    assert after[1] not in before


def test_failed_run_goes_on_after_a_repaired_file(api: NativeApi) -> None:
    """Storing the file again does not cut a failed run off from its retry."""
    given = document(build_stage("compile"), deploy_stage())
    pipeline = api.make_pipeline(given)
    api.server.executor.fail("compile", times=1)
    run = release(api, pipeline, "v1", "failed")

    api.put(f"{PIPELINES}/{pipeline}", given)
    target = {"target": run["stages"][0]["id"]}
    api.post(f"/projects/shop/runs/{run['id']}/recovery/apply", target)

    assert api.wait(run["id"])["status"] == "succeeded"


def test_webhook_keeps_its_address(api: NativeApi) -> None:
    """A webhook without an address in the file keeps the one that it has."""
    operation = {"operator": "or", "triggers": [{"webhook": {}}]}
    given = document(pre_operation=operation)
    pipeline = api.make_pipeline(given)
    before = definition(api, pipeline)["pre_operation"]

    api.put(f"{PIPELINES}/{pipeline}", given)

    assert before["triggers"][0]["webhook"]["url"].startswith("/v2/manage/webhooks/")
    assert definition(api, pipeline)["pre_operation"] == before


def test_no_change_while_a_run_is_under_way(api: NativeApi) -> None:
    """An active pipeline is not changed: 409, as in its own dialect."""
    pipeline = api.make_pipeline(document())
    api.server.executor.hold("release")
    run = api.start(pipeline)
    api.wait_started("release")

    problem = api.put(f"{PIPELINES}/{pipeline}", document(), expect=409)
    api.server.executor.release("release")
    api.wait(run)

    assert problem["code"] == "run-active"


def test_dialects_do_not_mix(api: NativeApi) -> None:
    """A pipeline keeps the dialect that it was made in."""
    swr = api.make_pipeline(document())
    bkci = api.make_pipeline(two_steps())

    first = api.put(f"{PIPELINES}/{swr}", two_steps("shop-release"), expect=422)
    second = api.put(f"{PIPELINES}/{bkci}", document(name="two"), expect=422)

    assert (first["code"], second["code"]) == ("dialect", "dialect")


def test_definition_is_without_credentials(api: NativeClient) -> None:
    """The password in the address of a repository is masked for everybody, and stays stored."""
    source = {
        "name": "source",
        "service_name": "code_source",
        "params": {
            "git_type": "github",
            "url": "https://bob:hunter2@example.com/acme/shop.git",
            "branch": "main",
        },
    }
    pipeline = api.make_pipeline(document(source))
    shown = definition(api, pipeline)

    api.put(f"{PIPELINES}/{pipeline}", shown)

    url = "https://bob:******@example.com/acme/shop.git"
    assert shown["stages"][0]["params"]["url"] == url
    assert definition(api, pipeline)["stages"][0]["params"]["url"] == url
    assert stored_url(api, pipeline) == "https://bob:hunter2@example.com/acme/shop.git"


def stored_url(api: NativeClient, pipeline: str) -> str:
    """Return the address of the repository as the second version has it in the store."""
    found: list[str] = []

    async def look() -> None:
        version = await api.server.store.find_version(PipelineId(pipeline), 2)
        assert version is not None
        found.append(version.source["stages"][0]["params"]["url"])

    api.in_loop(look)
    return found[0]


def test_run_that_waits_for_signals(api: NativeApi) -> None:
    """A stage that waits for webhooks is shown with how many came; their addresses are not."""
    operation = {"operator": "and", "triggers": [{"webhook": {}}, {"channel": {"name": "go"}}]}
    waiting = build_stage("deliver") | {"pre_operation": operation}
    pipeline = api.make_pipeline(document(build_stage("compile"), waiting))
    run = api.start(pipeline)
    gate = api.wait_gate(run)

    state = api.run(run)
    url = definition(api, pipeline)["stages"][1]["pre_operation"]["triggers"][0]["webhook"]["url"]
    api.post(f"/projects/shop/runs/{run}/stop")
    api.wait(run)

    assert (gate["node"], gate["kind"], gate["signals"]) == ("stage-3", "signal", [0, 2])
    assert url.rpartition("/")[2] not in json.dumps(state)


def test_ways_in_are_for_editors(api: NativeApi) -> None:
    """Who may not edit sees no address of a webhook, headers of messages or secrets of targets."""
    before = {"operator": "or", "triggers": [{"webhook": {}}]}
    message = {
        "webhook": {
            "method": "POST",
            "url": "https://bob:hunter2@example.com/hook",
            "headers": {"Authorization": "Bearer abc"},
        }
    }
    stage = build_stage("compile") | {
        "post_operation": {"operator": "or", "triggers": [message]},
    }
    deploying = deploy_stage(token="hunter2")
    pipeline = api.make_pipeline(document(stage, deploying, pre_operation=before))
    viewer = api.make_user("vera", "viewer")

    own, seen = definition(api, pipeline), definition(viewer, pipeline)

    assert own["pre_operation"]["triggers"][0]["webhook"]["url"]
    assert seen["pre_operation"]["triggers"] == [{"webhook": {}}]
    told = own["stages"][0]["post_operation"]["triggers"][0]["webhook"]
    assert told["url"] == "https://bob:******@example.com/hook"
    assert told["headers"] == {"Authorization": "Bearer abc"}
    assert '"token": "hunter2"' in own["stages"][1]["params"]["input_info"]
    assert "hunter2" not in json.dumps(seen)
    assert "headers" not in seen["stages"][0]["post_operation"]["triggers"][0]["webhook"]
