"""Versions and drafts: a draft never runs, and nobody overwrites what they did not see."""

from typing import Any

from bkci.calling import Caller
from bkci.scenes import minimal_model

DRAFT = "projects/{p}/version/save_draft"
RELEASE = "projects/{p}/version/release_version"
START = "projects/{p}/build_start"


def both(name: str = "demo", **setting: Any) -> dict[str, Any]:
    """Return a model with settings, in the form that drafts are saved in."""
    return {"modelAndSetting": {"model": {**minimal_model(), "name": name}, "setting": setting}}


def versions(alice: Caller, pipeline: str, **query: Any) -> list[tuple[int, str]]:
    """Return number and status of what the list of versions shows."""
    page = alice.call("GET", "projects/{p}/version/version_list", pipelineId=pipeline, **query)
    assert page["count"] >= len(page["records"])
    return [(row["version"], row["status"]) for row in page["records"]]


def test_a_pipeline_that_has_only_a_draft(alice: Caller) -> None:
    """It is listed, can't start, and is like any other from its release on."""
    made = alice.call("POST", DRAFT, both(pipelineName="Shop", maxQueueSize=7))
    pipeline = made["pipelineId"]

    assert (made["pipelineName"], made["version"]) == ("Shop", 1)
    assert alice.refused("POST", START, pipelineId=pipeline) == (400, 2101190)
    assert alice.refused("GET", "projects/{p}/pipelines/pipeline", pipelineId=pipeline)[0] == 404
    listed = alice.call("GET", "projects/{p}/pipelines/pipeline_list")["records"]
    assert [(row["pipelineName"], row["latestVersionStatus"]) for row in listed] == [
        ("Shop", "COMMITTING")
    ]
    detail = alice.call("GET", "projects/{p}/version/pipeline_detail", pipelineId=pipeline)
    assert (detail["canRelease"], detail["canDebug"]) == (True, False)
    assert "releaseVersion" not in detail

    ahead = alice.call(
        "GET", "projects/{p}/version/release_prefetch", pipelineId=pipeline, version=1
    )
    assert (ahead["newVersionNum"], ahead["pipelineName"]) == (1, "Shop")
    body = {"enablePac": False, "description": "first"}
    released = alice.call("POST", RELEASE, body, pipelineId=pipeline, version=1)
    assert released["version"] == 1
    assert alice.call("POST", START, pipelineId=pipeline)["id"]
    setting = alice.call("GET", "projects/{p}/pipelines/setting", pipelineId=pipeline)
    assert setting["maxQueueSize"] == 7
    assert versions(alice, pipeline) == [(1, "RELEASED")]
    assert alice.refused("POST", RELEASE, body, pipelineId=pipeline, version=1) == (404, 2101184)


def test_a_draft_leaves_the_released_version_alone(alice: Caller) -> None:
    """Until its release everybody gets and runs what was released; names and settings too."""
    pipeline = alice.make_pipeline()
    body = {**both("renamed", maxQueueSize=3), "pipelineId": pipeline, "baseVersion": 1}

    draft = alice.call("POST", DRAFT, body)

    assert draft["version"] == 2
    assert versions(alice, pipeline) == [(2, "COMMITTING"), (1, "RELEASED")]
    model = alice.call("GET", "projects/{p}/pipelines/pipeline", pipelineId=pipeline)
    assert (model["name"], model["latestVersion"]) == ("demo", 1)
    shown = alice.call("GET", "projects/{p}/version/get_version", pipelineId=pipeline, version=2)
    assert shown["versionStatus"] == "COMMITTING"
    assert shown["modelAndSetting"]["model"]["name"] == "renamed"
    assert shown["modelAndSetting"]["setting"]["maxQueueSize"] == 3
    assert (shown["baseVersion"], shown["latestVersion"], shown["draftVersion"]) == (1, 1, 2)
    build = alice.call("POST", START, pipelineId=pipeline)["id"]
    status = alice.call("GET", "projects/{p}/build_status", buildId=build)
    assert status["pipelineVersion"] == 1

    alice.call("POST", RELEASE, {"description": ""}, pipelineId=pipeline, version=2)
    model = alice.call("GET", "projects/{p}/pipelines/pipeline", pipelineId=pipeline)
    assert (model["name"], model["latestVersion"]) == ("renamed", 2)
    setting = alice.call("GET", "projects/{p}/pipelines/setting", pipelineId=pipeline)
    assert (setting["pipelineName"], setting["maxQueueSize"]) == ("renamed", 3)


def test_nobody_overwrites_what_they_did_not_see(alice: Caller) -> None:
    """A stale base is a conflict; numbers are never given twice."""
    pipeline = alice.make_pipeline()
    body = {**both(), "pipelineId": pipeline}
    alice.call("POST", DRAFT, {**body, "baseVersion": 1})
    alice.call("POST", DRAFT, {**body, "baseVersion": 2, "baseDraftVersion": 1})
    assert alice.refused("POST", DRAFT, {**body, "baseVersion": 2, "baseDraftVersion": 1}) == (
        409,
        409,
    )

    model = {**minimal_model(), "name": "demo"}
    alice.call("PUT", "projects/{p}/pipelines/pipeline", model, pipelineId=pipeline)
    assert versions(alice, pipeline) == [(2, "COMMITTING"), (3, "RELEASED"), (1, "RELEASED")]
    assert alice.refused("POST", RELEASE, {}, pipelineId=pipeline, version=2) == (409, 409)
    assert alice.refused("POST", DRAFT, {**body, "baseVersion": 2}) == (409, 409)

    again = alice.call("POST", DRAFT, {**body, "baseVersion": 3})
    assert again["version"] == 4
    assert alice.refused("POST", RELEASE, {}, pipelineId=pipeline, version=2) == (404, 2101184)
    alice.call("POST", RELEASE, {}, pipelineId=pipeline, version=4)
    assert versions(alice, pipeline) == [(4, "RELEASED"), (3, "RELEASED"), (1, "RELEASED")]


def test_a_stale_draft_is_told_in_both_languages(alice: Caller) -> None:
    """What is wrong and what to do, in the caller's language."""
    body = {**both(), "pipelineId": alice.make_pipeline(), "baseVersion": 7}

    _, chinese = alice.send("POST", DRAFT, body)
    _, english = alice.send("POST", DRAFT, body, headers={"Accept-Language": "en"})

    assert chinese["message"].startswith("草稿或已发布的版本已被更新")
    assert english["message"].startswith("The draft or the released version was changed")


def test_roll_the_draft_back(alice: Caller) -> None:
    """An old version becomes the draft; nothing is released by that."""
    pipeline = alice.make_pipeline()
    changed = minimal_model()
    changed["stages"] = changed["stages"][:2]
    alice.call("PUT", "projects/{p}/pipelines/pipeline", changed, pipelineId=pipeline)
    alice.call("POST", DRAFT, {**both(), "pipelineId": pipeline, "baseVersion": 2})

    row = alice.call("POST", "projects/{p}/version/rollback_draft", pipelineId=pipeline, version=1)

    assert (row["version"], row["baseVersion"], row["status"]) == (3, 1, "COMMITTING")
    model = alice.call("GET", "projects/{p}/pipelines/pipeline", pipelineId=pipeline)
    assert len(model["stages"]) == 2
    alice.call("POST", RELEASE, {"description": "back"}, pipelineId=pipeline, version=3)
    model = alice.call("GET", "projects/{p}/pipelines/pipeline", pipelineId=pipeline)
    assert len(model["stages"]) == 4
    path = "projects/{p}/version/rollback_draft"
    assert alice.refused("POST", path, pipelineId=pipeline, version=9) == (404, 2101184)
    found = versions(alice, pipeline, description="BACK")
    assert found == [(3, "RELEASED")]
    assert versions(alice, pipeline, page=2, pageSize=2) == [(1, "RELEASED")]
    assert versions(alice, pipeline, fromVersion=2, creator="alice")[0] == (2, "RELEASED")
    assert versions(alice, pipeline, creator="bob") == []


def test_the_log_of_operations(alice: Caller) -> None:
    """Newest first, with who did it, in the caller's language."""
    pipeline = alice.make_pipeline()
    alice.call("POST", DRAFT, {**both(), "pipelineId": pipeline})
    alice.call("POST", RELEASE, {}, pipelineId=pipeline, version=2)
    bob = alice.acting_as("bob")
    bob.call("POST", "projects/{p}/pipelines/pipeline_lock", pipelineId=pipeline, enable=False)

    path = "projects/{p}/version/operation_log"
    page = alice.call("GET", path, pipelineId=pipeline)
    assert [row["operationLogType"] for row in page["records"]] == [
        "DISABLE_PIPELINE",
        "RELEASE_MASTER_VERSION",
        "UPDATE_DRAFT_VERSION",
        "CREATE_PIPELINE_AND_DRAFT",
    ]
    assert page["records"][1]["version"] == 2
    assert page["records"][0]["operator"] == "bob"
    assert page["records"][0]["operationLogStr"] == "禁用流水线"
    one = alice.call("GET", path, pipelineId=pipeline, creator="bob")
    assert one["count"] == 1
    english = alice.call("GET", path, pipelineId=pipeline, headers={"Accept-Language": "en"})
    assert english["records"][0]["operationLogStr"] == "Locked the pipeline"


def test_drafts_that_are_refused(alice: Caller) -> None:
    """What can't be saved as a version can't be saved as a draft either."""
    pipeline = alice.make_pipeline()
    assert alice.refused("POST", DRAFT, {"pipelineId": pipeline}) == (400, 400)
    empty = {"modelAndSetting": {"model": {"name": "x", "stages": []}}}
    assert alice.refused("POST", DRAFT, empty) == (400, 2101011)
    assert alice.refused("POST", DRAFT, both("demo")) == (409, 2101013)
    assert alice.refused("POST", DRAFT, {**both("y"), "storageType": "YAML"}) == (400, 2100015)
    assert alice.refused("POST", DRAFT, {**both("y"), "pipelineId": "p-" + "0" * 32})[0] == 404
    alice.call("POST", DRAFT, {**both(), "pipelineId": pipeline})
    pac = {"enablePac": True}
    assert alice.refused("POST", RELEASE, pac, pipelineId=pipeline, version=2) == (400, 2101373)
    reset = "projects/{p}/version/reset_build_no"
    assert alice.refused("POST", reset, pipelineId=pipeline) == (400, 2100015)


def test_a_key_saves_a_draft_once(alice: Caller) -> None:
    """The same call with the same key gets the first answer."""
    key = {"Idempotency-Key": f"draft-{alice.project}"}

    first = alice.call("POST", DRAFT, both(), headers=key)
    again = alice.call("POST", DRAFT, both(), headers=key)

    assert first == again
    assert len(alice.call("GET", "projects/{p}/pipelines/pipeline_list")["records"]) == 1


def test_reset_the_recommended_version(alice: Caller) -> None:
    """The next run begins with the first number again."""
    model = minimal_model()
    model["stages"][0]["containers"][0]["buildNo"] = {
        "buildNo": 5,
        "buildNoType": "EVERY_BUILD_INCREMENT",
    }
    pipeline = alice.make_pipeline("counted", stages=model["stages"])
    form = "projects/{p}/build_manual_startup_info"

    def present() -> int:
        shown = alice.call("GET", form, pipelineId=pipeline)["buildNo"]
        return int(shown["currentBuildNo"])

    assert present() == 5
    for _ in range(2):
        build = alice.call("POST", START, pipelineId=pipeline)["id"]
        alice.call("POST", "projects/{p}/build_stop", buildId=build)
    assert present() == 7
    assert alice.call("POST", "projects/{p}/version/reset_build_no", pipelineId=pipeline) is True
    assert present() == 5


def test_versions_as_pipeline_files(alice: Caller) -> None:
    """Any version and the draft can be had as a file that makes the same pipeline."""
    pipeline = alice.make_pipeline()
    alice.call("POST", DRAFT, {**both("drafted"), "pipelineId": pipeline, "baseVersion": 1})

    shown = alice.call("GET", "projects/{p}/version/get_version", pipelineId=pipeline, version=2)
    assert shown["yamlSupported"] is True
    assert "drafted" in shown["yamlPreview"]["yaml"]
    path = "projects/{p}/version/preview_code"
    released = alice.call("GET", path, pipelineId=pipeline)["yaml"]
    assert "version: v3.0" in released
    assert "drafted" not in released
    path = "projects/{p}/version/export"
    status, text = alice.send("GET", path, pipelineId=pipeline, storageType="YAML", version=1)
    assert (status, text.decode()) == (200, released)
    _, document = alice.send("GET", path, pipelineId=pipeline)
    assert (document["model"]["name"], document["setting"]["pipelineName"]) == ("demo", "demo")
    assert alice.refused("GET", path, pipelineId=pipeline, version=9) == (404, 2101184)


def test_repeats_of_acts_that_took_away_what_they_were_about(alice: Caller) -> None:
    """A repeat gets the first answer, though the draft or the pipeline is not there any more."""
    pipeline = alice.make_pipeline()
    alice.call("POST", DRAFT, {**both(), "pipelineId": pipeline})
    view = {"name": "v", "viewType": 2, "pipelineIds": [pipeline]}
    view_id = alice.call("POST", "projects/{p}/pipelineView/", view)["id"]
    for method, path, query in (
        ("POST", RELEASE, {"pipelineId": pipeline, "version": 2}),
        ("DELETE", "projects/{p}/pipelineView/", {"viewId": view_id}),
        ("DELETE", "projects/{p}/pipelines/pipeline", {"pipelineId": pipeline}),
        ("PUT", "projects/{p}/pipelines/pipeline_restore", {"pipelineId": pipeline}),
    ):
        key = {"Idempotency-Key": f"{alice.project} {method} {path}"}
        body: object = {} if path == RELEASE else None
        first = alice.call(method, path, body, headers=key, **query)
        assert alice.call(method, path, body, headers=key, **query) == first
        assert alice.refused(method, path, body, headers=key, **query, x=1) == (400, 400)
    assert versions(alice, pipeline)[0] == (2, "RELEASED")


def test_a_draft_alone_in_the_own_api(alice: Caller) -> None:
    """It is shown without a version; saving a definition releases one."""
    pipeline = alice.call("POST", DRAFT, both("alone"))["pipelineId"]
    sender = {"X-DEVOPS-UID": "alice"}
    place = f"/api/v1/projects/{alice.project}/pipelines/{pipeline}"

    shown = alice.http.get(place, headers=sender).json()
    assert (shown["name"], shown["version"]) == ("alone", 0)
    assert alice.http.get(f"{place}/definition", headers=sender).status_code == 404
    saved = alice.http.put(place, json={**minimal_model(), "name": "alone"}, headers=sender)
    assert (saved.status_code, saved.json()["version"]) == (200, 2)
    assert versions(alice, pipeline) == [(1, "COMMITTING"), (2, "RELEASED")]


def test_the_swr_api_has_no_word_for_a_draft_alone(served: Caller) -> None:
    """It is not in its list; all others are."""
    served.make_pipeline("released")
    served.call("POST", DRAFT, both("alone"))

    listed = served.http.get("/v3/manage/pipelines", headers={"X-DEVOPS-UID": "admin"})

    assert listed.status_code == 200
    assert [row["name"] for row in listed.json()] == ["released"]
