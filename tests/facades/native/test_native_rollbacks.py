"""Rollbacks over the own API: the plan, the act, and what is refused."""

from typing import Any

import pytest
from native_client import NativeApi, step_of
from releases import build_stage, deploy_stage, deployments, document, only_environment, release

Json = dict[str, Any]
STAGE = "stage-2"


def rollback_path(run: str, stage: str = STAGE) -> str:
    """Return the path of the rollback of a stage."""
    return f"/projects/shop/runs/{run}/stages/{stage}/rollback"


@pytest.fixture
def two(api: NativeApi) -> Json:
    """Release v1, then v2; return the state of the second run."""
    pipeline = api.make_pipeline(document())
    release(api, pipeline, "v1")
    return release(api, pipeline, "v2")


def live_image(api: NativeApi) -> str:
    """Return the image that is live."""
    return str(only_environment(api)["live"]["image"])


def test_plan_changes_nothing(api: NativeApi, two: Json) -> None:
    """A plan names what would be restored and cut; the run stays at its revision."""
    plan = api.post(rollback_path(two["id"]) + "/plan", {})

    assert plan["action"] == "rollback"
    assert plan["restores"]["image"] == "acme/shop:v1"
    assert plan["environment"]["live"]["image"] == "acme/shop:v2"
    assert plan["stage"] == {"index": 0, "id": STAGE, "name": "release"}
    assert (plan["cuts"], plan["run_attempt"]) == ([], 2)
    assert plan["etag"] == f'"{plan["revision"]}:{plan["restores"]["id"]}"'
    assert api.run(two["id"]) == two


def test_rollback_restores_the_one_before(api: NativeApi, two: Json) -> None:
    """The run gets an attempt of its own, the release before is live again, the ledger knows."""
    head = api.post(rollback_path(two["id"]), {"reason": "broken"})
    state = api.wait(two["id"])

    found = deployments(api, only_environment(api)["id"])
    assert (head["id"], head["attempt"]) == (two["id"], 2)
    assert (state["status"], state["cause"]) == ("cancelled", "rolled_back")
    assert state["verdict"] == "rolled back"
    attempt = state["attempts"][-1]
    assert (attempt["what"], attempt["target"], attempt["reason"]) == ("rollback", STAGE, "broken")
    assert state["stages"][0]["jobs"][0]["mode"] == "rollback"
    assert live_image(api) == "acme/shop:v1"
    assert (found[0]["kind"], found[0]["target"]) == ("rollback", found[2]["id"])
    assert [each["is_live"] for each in found] == [False, False, True]


def test_chosen_deployment_is_restored(api: NativeApi, two: Json) -> None:
    """`to` picks any successful deployment of the environment."""
    third = release(api, two["pipeline"], "v3")
    first = deployments(api, only_environment(api)["id"])[-1]

    api.post(rollback_path(third["id"]), {"to": first["id"]})
    api.wait(third["id"])

    assert live_image(api) == "acme/shop:v1"


def test_rollback_by_environment(api: NativeApi, two: Json) -> None:
    """An environment leads to the stage that put there what is live."""
    path = f"/projects/shop/environments/{only_environment(api)['id']}/rollback"

    plan = api.post(path + "/plan", {})
    head = api.post(path, {}, headers={"If-Match": plan["etag"]})
    api.wait(head["id"])

    assert plan["run"] == head["id"] == two["id"]
    assert live_image(api) == "acme/shop:v1"


def test_environment_of_two_pipelines(api: NativeApi) -> None:
    """Where two pipelines deploy, the one that put there what is live is rolled back."""
    release(api, api.make_pipeline(document(name="one")), "v1")
    second = release(api, api.make_pipeline(document(name="two")), "v2")
    path = f"/projects/shop/environments/{only_environment(api)['id']}/rollback"

    head = api.post(path, {})
    api.wait(head["id"])

    assert head["id"] == second["id"]
    assert live_image(api) == "acme/shop:v1"


def test_failed_rollback_leaves_what_was_live(api: NativeApi, two: Json) -> None:
    """A rollback that fails says so in words, and the ledger's pointer does not move."""
    api.server.executor.fail("release", times=1)

    api.post(rollback_path(two["id"]), {})
    state = api.wait(two["id"])

    assert (state["status"], state["verdict"]) == ("failed", "rollback failed")
    assert live_image(api) == "acme/shop:v2"


def test_later_stage_is_cut_off(api: NativeApi) -> None:
    """Rolling back while a later stage waits cancels that; the attempt before stays readable."""
    review = {"review_mode": "one", "review_users": [{"user_name": "admin"}]}
    stages = (
        deploy_stage(),
        {"name": "check", "service_name": "test_review", "params": review},
    )
    pipeline = api.make_pipeline(document(deploy_stage()))
    release(api, pipeline, "v0")
    run = api.start(api.make_pipeline(document(*stages, name="other")), {"VERSION": "v1"})
    api.wait_started("release", 2)
    api.wait_gate(run)

    plan = api.post(rollback_path(run) + "/plan", {})
    api.post(rollback_path(run), {})
    state = api.wait(run)

    assert [cut["name"] for cut in plan["cuts"]] == ["check"]
    assert state["verdict"] == "rolled back"
    check = state["stages"][1]
    assert (check["status"], check["cause"]) == ("cancelled", "rolled_back")
    assert live_image(api) == "acme/shop:v0"


def test_grey_release_is_taken_away(api: NativeApi) -> None:
    """An open grey release is shown; rolling its stage back takes it away, what is live stays."""
    release(api, api.make_pipeline(document()), "v1")
    review = {"review_mode": "one", "review_users": [{"user_name": "admin"}]}
    grey = deploy_stage("grey", gray={"deploy": "true", "abort": "true"})
    grey |= {"service_name": "gray_deploy"}
    grey["params"]["gray_mode"] = "service"
    check = {"name": "check", "service_name": "test_review", "params": review}
    pipeline = api.make_pipeline(document(grey, check, deploy_stage("promote"), name="grey"))
    run = api.start(pipeline, {"VERSION": "v2"})
    api.wait_gate(run)
    before = only_environment(api)

    plan = api.post(rollback_path(run) + "/plan", {})
    api.post(rollback_path(run), {}, headers={"If-Match": plan["etag"]})
    state = api.wait(run)

    after = only_environment(api)
    assert (before["gray"]["image"], before["live"]["image"]) == ("acme/shop:v2", "acme/shop:v1")
    assert (plan["action"], plan["restores"]["id"]) == ("abort", before["gray"]["id"])
    assert [cut["name"] for cut in plan["cuts"]] == ["check"]
    assert state["verdict"] == "rolled back"
    assert (after["gray"], after["live"]) == (None, before["live"])


# --- what is refused --------------------------------------------------------------------------


def test_nothing_to_go_back_to(api: NativeApi) -> None:
    """The first release has nothing before it: a problem with the rule and a way out."""
    run = release(api, api.make_pipeline(document()), "v1")

    problem = api.post(rollback_path(run["id"]), {}, expect=409)

    assert (problem["code"], problem["rule"]) == ("no-rollback-target", "R11")
    assert problem["instead"] == ["deploy another version"]


def test_stage_without_deployment(api: NativeApi) -> None:
    """A stage that only builds can't be rolled back; its problem names it."""
    pipeline = api.make_pipeline(document(build_stage("compile"), deploy_stage()))
    run = release(api, pipeline, "v1")

    problem = api.post(rollback_path(run["id"]) + "/plan", {}, expect=409)

    assert (problem["code"], problem["node"]) == ("not-deploying", STAGE)
    api.post(rollback_path(run["id"], "stage-9"), {}, expect=404)


def test_older_run(api: NativeApi, two: Json) -> None:
    """Only the newest run of a pipeline can be rolled back."""
    runs = api.get("/projects/shop/runs")["items"]
    older = next(run for run in runs if run["number"] == 1)

    problem = api.post(rollback_path(older["id"]), {}, expect=409)

    assert two["number"] == 2
    assert problem["code"] == "not-newest"


def test_stale_plan(api: NativeApi, two: Json) -> None:
    """With the etag of a plan nothing is done when the run, or what is restored, has changed."""
    plan = api.post(rollback_path(two["id"]) + "/plan", {})
    api.put(f"/projects/shop/runs/{two['id']}/remark", {"remark": "looked at"})

    moved = api.post(rollback_path(two["id"]), {}, expect=412, headers={"If-Match": plan["etag"]})
    revision = api.run(two["id"])["revision"]
    other = {"If-Match": f'"{revision}:d-other"'}
    elsewhere = api.post(rollback_path(two["id"]), {}, expect=412, headers=other)

    assert (moved["code"], elsewhere["code"]) == ("plan-stale", "plan-stale")
    assert live_image(api) == "acme/shop:v2"
    api.post(rollback_path(two["id"]), {}, expect=400, headers={"If-Match": "soon"})


def test_environment_that_leads_nowhere(api: NativeApi) -> None:
    """Where nothing is live no stage can be told: 409."""
    api.server.executor.fail("release", times=1)
    release(api, api.make_pipeline(document()), "v1", "failed")
    path = f"/projects/shop/environments/{only_environment(api)['id']}/rollback"

    problem = api.post(path, {}, expect=409)

    assert problem["code"] == "no-rollback-target"
    assert problem["instead"]


def test_deleted_pipeline(api: NativeApi, two: Json) -> None:
    """What a deleted pipeline deployed stays; its runs can't be rolled back."""
    api.call("DELETE", f"/projects/shop/pipelines/{two['pipeline']}", expect=204)
    environment = f"/projects/shop/environments/{only_environment(api)['id']}"

    by_run = api.post(rollback_path(two["id"]), {}, expect=409)
    by_environment = api.post(f"{environment}/rollback/plan", {}, expect=409)

    assert (by_run["code"], by_environment["code"]) == ("pipeline-deleted", "pipeline-deleted")
    assert live_image(api) == "acme/shop:v2"


def test_long_reason(api: NativeApi, two: Json) -> None:
    """A reason has its limit."""
    api.post(rollback_path(two["id"]), {"reason": "x" * 5000}, expect=422)


@pytest.mark.parametrize(("role", "status"), [("developer", 403), ("maintainer", 200)])
def test_who_may_roll_back(api: NativeApi, two: Json, role: str, status: int) -> None:
    """Maintainers may; developers may neither plan nor do it."""
    user = api.make_user("dan", role)

    user.post(rollback_path(two["id"]) + "/plan", {}, expect=status)
    user.post(rollback_path(two["id"]), {}, expect=status)
    api.wait(two["id"])

    assert live_image(api) == ("acme/shop:v1" if status == 200 else "acme/shop:v2")


def test_repeat_with_the_same_key(api: NativeApi, two: Json) -> None:
    """The same key gets the first answer, also when another rollback would be refused."""
    key = {"Idempotency-Key": "once"}

    first = api.call("POST", rollback_path(two["id"]), {}, headers=key)
    api.wait(two["id"])
    again = api.call("POST", rollback_path(two["id"]), {}, headers=key)

    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert api.server.executor.runs("release") == 3
    assert step_of(api.run(two["id"]), "release")["status"] == "succeeded"


def test_unknown_member(api: NativeApi, two: Json) -> None:
    """A typo in the body does not roll back to something else."""
    problem = api.post(rollback_path(two["id"]), {"too": "d-1"}, expect=422)

    assert problem["errors"][0]["pointer"] == "/too"
