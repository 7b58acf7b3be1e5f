"""Environments and deployments over the own API: what is live where, who put it there."""

import json

import pytest
from native_client import NativeApi
from releases import build_stage, deploy_stage, deployments, document, only_environment, release


def test_nothing_was_deployed(api: NativeApi) -> None:
    """A project without deployments has no environments."""
    assert api.get("/projects/shop/environments") == {"items": [], "next_cursor": None}


def test_environment_shows_what_is_live(api: NativeApi) -> None:
    """After a release the environment names the deployment with its image, run and stage."""
    pipeline = api.make_pipeline(document(build_stage("compile"), deploy_stage()))
    run = release(api, pipeline, "v1")

    environment = only_environment(api)

    live = environment["live"]
    assert (environment["name"], environment["driver"]) == ("prod", "command")
    assert environment["application"] == "shop"
    assert (environment["gray"], environment["holder"]) == (None, None)
    assert (live["image"], live["kind"], live["status"]) == ("acme/shop:v1", "deploy", "succeeded")
    assert (live["run"], live["pipeline"], live["actor"]) == (run["id"], pipeline, "admin")
    assert live["stage"] == {"index": 1, "id": "stage-3", "name": "release"}
    assert live["is_live"] is True
    assert api.get(f"/projects/shop/environments/{environment['id']}") == environment


def test_holder_while_a_deployment_goes_on(api: NativeApi) -> None:
    """While a driver works, its deployment holds the environment and nothing is live yet."""
    api.server.executor.hold("release")
    run = api.start(api.make_pipeline(document()), {"VERSION": "v1"})
    api.wait_started("release")

    environment = only_environment(api)
    api.server.executor.release("release")
    api.wait(run)

    assert environment["live"] is None
    assert environment["holder"]["status"] == "running"
    assert environment["holder"]["ended_at"] is None
    assert only_environment(api)["holder"] is None


def test_deployments_come_newest_first_in_pages(api: NativeApi) -> None:
    """Every act is listed, the failed one too; a cursor leads to the next page."""
    pipeline = api.make_pipeline(document())
    release(api, pipeline, "v1")
    release(api, pipeline, "v2")
    api.server.executor.fail("release", times=1)
    release(api, pipeline, "v3", "failed")
    environment = only_environment(api)["id"]

    found = deployments(api, environment)
    path = f"/projects/shop/environments/{environment}/deployments?limit=2"
    first = api.get(path)
    second = api.get(f"{path}&cursor={first['next_cursor']}")

    assert [each["image"][-2:] for each in found] == ["v3", "v2", "v1"]
    assert [each["status"] for each in found] == ["failed", "succeeded", "succeeded"]
    assert [each["is_live"] for each in found] == [False, True, False]
    assert found[1]["previous"] == found[2]["id"]
    assert found[2]["previous"] is None
    assert first["items"] + second["items"] == found
    assert second["next_cursor"] is None


def test_detail_masks_secrets(api: NativeApi) -> None:
    """Settings are shown as they were resolved, but no password, token or login in a URL."""
    stage = deploy_stage(
        env={"DB_PASSWORD": "hunter2", "COLOUR": "green"},
        token="abc123",
        deploy="curl https://bob:hunter2@example.com/${VERSION}",
    )
    release(api, api.make_pipeline(document(stage)), "v1")
    live = only_environment(api)["live"]

    detail = api.get(f"/projects/shop/deployments/{live['id']}")

    info = json.loads(detail["info"])
    assert "hunter2" not in json.dumps(detail)
    assert info["env"] == {"DB_PASSWORD": "******", "COLOUR": "green"}
    assert info["token"] == "******"
    assert info["deploy"] == "curl https://******@example.com/v1"
    assert detail["id"] == live["id"]
    assert detail["manifest"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/projects/shop/environments/env-0000000000000000",
        "/projects/shop/environments/env-0000000000000000/deployments",
        "/projects/shop/deployments/d-1",
    ],
)
def test_unknown_names(api: NativeApi, path: str) -> None:
    """What is not there is 404."""
    api.get(path, expect=404)


def test_other_projects_see_nothing(api: NativeApi) -> None:
    """A deployment is found in its own project only, and only by its members."""
    release(api, api.make_pipeline(document()), "v1")
    environment = only_environment(api)
    api.post("/projects", {"name": "other"}, expect=201)
    stranger = api.make_user("eve", "owner", "other")
    viewer = api.make_user("vera", "viewer")
    ident = environment["live"]["id"]

    api.get(f"/projects/other/deployments/{ident}", expect=404)
    api.get(f"/projects/other/environments/{environment['id']}", expect=404)
    stranger.get(f"/projects/shop/deployments/{ident}", expect=404)
    stranger.get("/projects/shop/environments", expect=404)

    assert viewer.get("/projects/shop/environments")["items"] == [environment]


def test_what_runs_where(api: NativeApi) -> None:
    """One row for each service, one cell for each of its environments; two deployments compared."""
    pipeline = api.make_pipeline(document())
    release(api, pipeline, "v1")
    release(api, pipeline, "v2")
    environment = only_environment(api)

    matrix = api.get("/projects/shop/services")
    new, old = deployments(api, environment["id"])
    diff = api.get(f"/projects/shop/deployments/{old['id']}/diff/{new['id']}")

    assert matrix["columns"] == ["prod"]
    (row,) = matrix["items"]
    assert row["service"] == "shop"
    assert row["cells"][0]["environment"]["live"]["image"] == "acme/shop:v2"
    assert diff["image_changed"]
    assert diff["same_environment"]
    assert (diff["before"]["image"], diff["after"]["image"]) == ("acme/shop:v1", "acme/shop:v2")
    same = api.get(f"/projects/shop/deployments/{new['id']}/diff/{new['id']}")
    assert same["settings"]["same"]
    assert not same["image_changed"]
    api.get(f"/projects/shop/deployments/{new['id']}/diff/nothing", expect=404)


def test_a_stage_that_deploys_can_be_rolled_back_from_the_list_of_modes(api: NativeApi) -> None:
    """The mode names what would be live again, and agrees with the plan of the stage."""
    pipeline = api.make_pipeline(document())
    first = release(api, pipeline, "v1")
    second = release(api, pipeline, "v2")

    def mode(run: str) -> dict[str, object]:
        items = api.get(f"/projects/shop/runs/{run}/recovery/modes")["items"]
        (found,) = [item for item in items if item["mode"] == "rollback-stage"]
        return dict(found)

    found = mode(second["id"])
    live = only_environment(api)["live"]
    assert found["allowed"]
    assert found["restores"] == live["previous"]
    assert found["environment"] == only_environment(api)["id"]
    refused = mode(first["id"])
    assert not refused["allowed"]
    why = refused["why_not"]
    assert isinstance(why, dict)
    assert why["code"]
