"""Runs over the own API: start, show, list, stop, remark."""

import itertools
from typing import Any

from native_client import NativeApi, step_of, two_steps

from mulligan.testing import models

UNKNOWN_RUN = "b-" + "0" * 32
UNKNOWN_PIPELINE = "p-" + "0" * 32


def test_run_succeeds(api: NativeApi) -> None:
    """A started run shows all its nodes and how they ended."""
    pipeline = api.make_pipeline()
    body = {"values": {}, "message": "hello"}

    made = api.post(f"/projects/shop/pipelines/{pipeline}/runs", body, expect=201)

    assert made["number"] == 1
    assert made["message"] == "hello"
    assert made["pipeline_name"] == "two"
    state = api.wait(made["id"])
    assert state["status"] == state["verdict"] == "succeeded"
    assert state["attempts"][0]["actor"] == "admin"
    assert [stage["id"] for stage in state["stages"]] == ["stage-2"]
    assert [step["name"] for step in state["stages"][0]["jobs"][0]["steps"]] == ["build", "test"]
    assert step_of(state, "test")["ref"] == "t"
    assert step_of(state, "test")["exit_code"] == 0
    assert state["started_at"].endswith("Z")


def test_failed_run_says_where(api: NativeApi) -> None:
    """A failed step shows its cause, exit code and message; later ones never ran."""
    api.server.executor.fail("build", exit_code=3)

    state = api.run_to_end()

    assert state["status"] == "failed"
    build = step_of(state, "build")
    assert (build["status"], build["cause"], build["exit_code"]) == ("failed", "user", 3)
    assert "3" in build["message"]
    assert step_of(state, "test")["cause"] == "unreached"


def test_what_a_failed_run_never_reached_is_skipped(api: NativeApi) -> None:
    """When a run is over nothing of it waits: not a later stage, nor its jobs and steps."""
    api.server.executor.fail("build")
    stages = [
        models.stage("make", [models.job("make", [models.step("build", "true")])]),
        models.stage("ship", [models.job("ship", [models.step("deploy", "true")])]),
    ]

    state = api.run_to_end(models.pipeline("two stages", stages))

    ship = state["stages"][-1]
    job = ship["jobs"][0]
    ends = [(node["status"], node["cause"]) for node in (ship, job, job["steps"][0])]
    assert ends == [("skipped", "unreached")] * 3


def test_parts_of_a_disabled_job_are_skipped_for_its_reason(api: NativeApi) -> None:
    """A step that is left out with its job says why its job was."""
    off = models.job("off", [models.step("idle", "true")], jobControlOption={"enable": False})
    on = models.job("on", [models.step("build", "true")])

    state = api.run_to_end(models.pipeline("half", [models.stage("make", [on, off])]))

    job = state["stages"][0]["jobs"][1]
    assert (job["status"], job["cause"]) == ("skipped", "disabled")
    assert (job["steps"][0]["status"], job["steps"][0]["cause"]) == ("skipped", "disabled")


def test_values_reach_the_run(api: NativeApi) -> None:
    """Given values replace defaults; numbers become texts; sensitive ones are masked."""
    model = two_steps()
    model["stages"][0]["containers"][0]["params"] = [
        models.parameter("env", "test"),
        models.parameter("count", "1"),
        models.parameter("key", "k", type="PASSWORD", sensitive=True),
    ]
    pipeline = api.make_pipeline(model)

    state = api.run(api.start(pipeline, {"env": "prod", "count": 7, "key": "hunter2"}))

    values = {parameter["name"]: parameter["value"] for parameter in state["parameters"]}
    assert values["env"] == "prod"
    assert values["count"] == "7"
    assert "hunter2" not in str(state)


def test_start_of_unknown_pipeline(api: NativeApi) -> None:
    """A pipeline that is not in the project is not found."""
    path = f"/projects/shop/pipelines/{UNKNOWN_PIPELINE}/runs"

    problem = api.post(path, {}, expect=404)

    assert problem["code"] == "not-found"


def test_start_of_deleted_pipeline(api: NativeApi) -> None:
    """A deleted pipeline is not found any more."""
    pipeline = api.make_pipeline()
    api.call("DELETE", f"/projects/shop/pipelines/{pipeline}", expect=204)

    api.post(f"/projects/shop/pipelines/{pipeline}/runs", {}, expect=404)


def test_run_of_another_project(api: NativeApi) -> None:
    """A run can't be read through the path of another project."""
    run = api.start(api.make_pipeline())
    api.post("/projects", {"name": "other"}, expect=201)

    api.get(f"/projects/other/runs/{run}", expect=404)
    api.get(f"/projects/shop/runs/{UNKNOWN_RUN}", expect=404)
    api.get("/projects/shop/runs/nonsense", expect=404)


def test_run_is_found_by_id(api: NativeApi) -> None:
    """The id of a run is enough for those who may see it; for others there is no such run."""
    run = api.start(api.make_pipeline())
    stranger = api.make_user("eve")

    assert api.get(f"/runs/{run}")["project"] == "shop"
    stranger.get(f"/runs/{run}", expect=404)
    api.get("/runs/nonsense", expect=404)


def test_list_is_paged(api: NativeApi) -> None:
    """Pages follow one another by cursor without gap or double, newest first."""
    pipeline = api.make_pipeline()
    runs = [api.start(pipeline) for _ in range(5)]
    for run in runs:
        api.wait(run)

    first = api.get("/projects/shop/runs?limit=2")
    second = api.get(f"/projects/shop/runs?limit=2&cursor={first['next_cursor']}")
    third = api.get(f"/projects/shop/runs?limit=2&cursor={second['next_cursor']}")

    pages = [[item["id"] for item in page["items"]] for page in (first, second, third)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(itertools.chain(*pages)) == sorted(runs)
    assert third["next_cursor"] is None


def test_list_is_filtered(api: NativeApi) -> None:
    """Status, pipeline, actor and number narrow a list."""
    api.server.executor.fail("build", times=1)
    one, two = api.make_pipeline(two_steps("one")), api.make_pipeline(two_steps("two"))
    failed, good = api.start(one), ""
    api.wait(failed)
    good = api.start(two)
    api.wait(good)

    def ids(query: str) -> list[str]:
        return [item["id"] for item in api.get(f"/projects/shop/runs?{query}")["items"]]

    assert ids("status=failed") == [failed]
    assert ids("status=failed,succeeded&pipeline=" + two) == [good]
    assert ids("actor=admin&limit=1") != []
    assert ids("actor=nobody") == []
    assert ids(f"pipeline={one}&number=1") == [failed]
    assert ids(f"pipeline={one}&number=2") == []


def test_bad_query_names_the_parameter(api: NativeApi) -> None:
    """A malformed parameter is refused with its name, never ignored."""
    for query, name in (
        ("limit=0", "limit"),
        ("limit=1000", "limit"),
        ("limit=ten", "limit"),
        ("limit=1_0", "limit"),
        ("status=green", "status"),
        ("number=-1", "number"),
    ):
        problem = api.get(f"/projects/shop/runs?{query}", expect=400)
        assert problem["errors"][0]["parameter"] == name
    api.get("/projects/shop/runs?cursor=nonsense", expect=422)


def test_earlier_attempt_stays_readable(api: NativeApi) -> None:
    """`attempt=1` shows the run as the first attempt left it, after the second succeeded."""
    api.server.executor.fail("test", times=1)
    failed = api.run_to_end()
    api.post(f"/projects/shop/runs/{failed['id']}/recovery/apply", {"target": "t"})
    api.wait(failed["id"], "succeeded")

    first = api.run(failed["id"], "?attempt=1")
    second = api.run(failed["id"], "?attempt=2")

    assert (first["status"], first["verdict"]) == ("failed", "failed")
    assert step_of(first, "test")["status"] == "failed"
    assert second["status"] == "succeeded"
    assert step_of(second, "test")["status"] == "succeeded"
    assert [attempt["number"] for attempt in second["attempts"]] == [1, 2]
    assert [step_of(first, name)["run_attempt"] for name in ("build", "test")] == [1, 1]
    assert [step_of(second, name)["run_attempt"] for name in ("build", "test")] == [1, 2]
    api.get(f"/projects/shop/runs/{failed['id']}?attempt=3", expect=404)


def test_jobs_say_what_they_wait_for_and_since_when(api: NativeApi) -> None:
    """`needs` names jobs of the stage; `queued_at` is when a job could have begun."""
    first = models.job("first", [models.step("a", "true")])
    second = models.job("second", [models.step("b", "true")], control={"dependOnId": ["first"]})

    state = api.run_to_end(models.pipeline("two jobs", [models.stage("s", [first, second])]))

    jobs = {job["name"]: job for job in state["stages"][0]["jobs"]}
    assert [jobs[name]["needs"] for name in ("first", "second")] == [[], [jobs["first"]["id"]]]
    assert jobs["second"]["queued_at"] >= jobs["first"]["ended_at"]


def test_steps_with_attempts(api: NativeApi) -> None:
    """`/steps` has the shape of the contract, one entry per attempt."""
    api.server.executor.fail("test", times=1)
    run = api.run_to_end()["id"]
    api.post(f"/projects/shop/runs/{run}/recovery/apply", {"target": "t"})
    api.wait(run, "succeeded")

    steps = api.get(f"/projects/shop/runs/{run}/steps")

    assert set(steps) == {"items"}
    build, test = steps["items"]
    assert set(test) == {"id", "name", "status", "cause", "attempt", "attempts"}
    assert (test["name"], test["status"], test["cause"], test["attempt"]) == (
        "test",
        "succeeded",
        None,
        2,
    )
    assert [(one["number"], one["status"], one["cause"]) for one in test["attempts"]] == [
        (1, "failed", "user"),
        (2, "succeeded", None),
    ]
    for one in test["attempts"]:
        assert set(one) == {"number", "status", "cause", "runner", "started_at", "ended_at"}
        assert one["runner"] == "local"
    assert [one["number"] for one in build["attempts"]] == [1]


def test_steps_that_never_ran(api: NativeApi) -> None:
    """A step that nothing has happened to has no attempts."""
    api.server.executor.hold("build")
    run = api.start(api.make_pipeline())
    api.wait_started("build")

    test = api.get(f"/projects/shop/runs/{run}/steps")["items"][1]

    assert (test["status"], test["attempts"]) == ("queued", [])


def test_stop(api: NativeApi) -> None:
    """A stopped run is cancelled; a run that has ended can't be stopped."""
    api.server.executor.hold("build")
    run = api.start(api.make_pipeline())
    api.wait_started("build")

    api.post(f"/projects/shop/runs/{run}/stop")

    assert api.wait(run)["status"] == "cancelled"
    assert api.post(f"/projects/shop/runs/{run}/stop", expect=409)["code"] == "run-finished"


def test_stop_of_others_needs_more(api: NativeApi) -> None:
    """A runner may stop their own runs, a developer anybody's, a viewer none."""
    pipeline = api.make_pipeline()
    api.server.executor.hold("build")
    rudi = api.make_user("rudi", "runner")
    dora = api.make_user("dora", "developer")
    vera = api.make_user("vera", "viewer")
    of_admin, of_rudi = api.start(pipeline), rudi.start(pipeline)
    api.wait_started("build", 2)

    rudi.post(f"/projects/shop/runs/{of_admin}/stop", expect=403)
    vera.post(f"/projects/shop/runs/{of_admin}/stop", expect=403)
    rudi.post(f"/projects/shop/runs/{of_rudi}/stop")
    dora.post(f"/projects/shop/runs/{of_admin}/stop")

    assert api.wait(of_admin)["status"] == api.wait(of_rudi)["status"] == "cancelled"


def test_remark(api: NativeApi) -> None:
    """A remark is stored with the run; one that is too long is refused."""
    run = api.start(api.make_pipeline())

    api.put(f"/projects/shop/runs/{run}/remark", {"remark": "备注"})

    assert api.run(run)["remark"] == "备注"
    api.put(f"/projects/shop/runs/{run}/remark", {"remark": "x" * 5000}, expect=422)


def test_many_times_nothing(api: NativeApi) -> None:
    """Malformed bodies are refused with a pointer to what is wrong."""
    path = f"/projects/shop/pipelines/{api.make_pipeline()}/runs"

    def refused(body: Any, code: str, pointer: str | None) -> None:
        problem = api.post(path, body, expect=422)
        assert problem["code"] == code
        assert problem["errors"][0]["pointer"] == pointer

    refused({"value": {}}, "bad-shape", "/value")
    refused({"values": []}, "bad-shape", "/values")
    refused({"message": 5}, "bad-shape", "/message")
    refused([], "bad-shape", "")
    assert api.post(path, content=b"{", expect=400)["code"] == "bad-request"
    assert api.post(path, content=b"[" * 200 + b"]" * 200, expect=400)["code"] == "bad-request"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert api.post(path, content=b"a=1", headers=form, expect=415)["code"] == "media-type"


def test_job_that_waits_for_a_mutex_says_who_has_it(api: NativeApi) -> None:
    """A run shows what its jobs wait for; a job that may not wait says why it ended."""
    mutex = {"enable": True, "mutexGroupName": "door", "queueEnable": True, "queue": 1}
    job = models.job("ship", [models.step("deploy", "true")], mutexGroup=mutex | {"timeout": 5})
    pipeline = api.make_pipeline(models.pipeline("door", [models.stage("s", [job])]))
    api.server.executor.hold("deploy")
    first = api.start(pipeline)
    api.wait_started("deploy")

    second, third = api.start(pipeline), api.start(pipeline)
    refused = api.wait(third, "failed")["stages"][0]["jobs"][0]
    (wait,) = api.run(second)["waits"]
    api.server.executor.release_all()
    ended = api.wait(second, "succeeded")

    assert wait["kind"] == "mutex"
    assert (wait["node"], wait["name"], wait["ahead"]) == ("1", "door", 0)
    assert [(by["run"], by["number"], by["job_name"]) for by in wait["holders"]] == [
        (first, 1, "ship")
    ]
    assert wait["due_at"].endswith("Z")
    assert (refused["cause"], "job ship of door #1" in refused["message"]) == ("locked", True)
    assert ended["waits"] == []
