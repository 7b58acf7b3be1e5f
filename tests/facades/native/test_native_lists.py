"""Lists of runs and pipelines as pages show them, and what holds for every answer to a GET."""

from typing import Any
from urllib.parse import quote

from native_client import NativeApi, step_of, two_steps

from mulligan.core.refusal import RefusalCode
from mulligan.facades.native.problem_texts import TITLES
from mulligan.testing import models


def recovered_run(api: NativeApi) -> dict[str, Any]:
    """Let a run fail in its second step and repair it; return its state."""
    api.server.executor.fail("test", times=1)
    run = api.run_to_end()
    assert run["status"] == "failed"
    api.server.clock.advance(60)
    body = {"target": step_of(run, "test")["id"], "reason": "the disk was full"}
    api.post(f"/projects/shop/runs/{run['id']}/recovery/apply", body)
    return api.wait(run["id"], "succeeded")


def test_a_recovered_run_is_seen_in_the_list(api: NativeApi) -> None:
    """It says by whom, and what was saved; others are not recovered."""
    run = recovered_run(api)
    plain = api.run_to_end(two_steps("plain"))

    listed = api.get("/projects/shop/runs")["items"]

    shown = {item["id"]: item for item in listed}
    assert not shown[plain["id"]]["recovered"]
    mine = shown[run["id"]]
    assert mine["recovered"]
    assert mine["attempts"] == 2
    assert mine["recovery"]["by"] == "admin"
    assert mine["recovery"]["seconds_to_recover"] >= 60
    assert [stage["status"] for stage in mine["stages"]] == ["succeeded"]
    only = api.get("/projects/shop/runs?recovered=true")["items"]
    assert [item["id"] for item in only] == [run["id"]]


def test_runs_are_filtered_by_time_and_trigger(api: NativeApi) -> None:
    """Instants are inclusive and need a time zone; a trigger is a word."""
    pipeline = api.make_pipeline()
    early = api.wait(api.start(pipeline))
    api.server.clock.advance(3600)
    late = api.wait(api.start(pipeline))
    since = quote(late["queued_at"])

    def ids(query: str) -> list[str]:
        return [item["id"] for item in api.get(f"/projects/shop/runs?{query}")["items"]]

    assert ids(f"since={since}") == [late["id"]]
    assert ids(f"until={quote(early['queued_at'])}") == [early["id"]]
    assert ids(f"trigger={late['start_kind']},timer") == [late["id"], early["id"]]
    assert ids("trigger=timer") == []
    assert ids("branch=main") == []
    assert ids("actor=admin,nobody&status=succeeded,failed") == [late["id"], early["id"]]
    api.get("/projects/shop/runs?until=9999-12-31T23:59:59-01:00", expect=400)  # 10000 in UTC
    problem = api.get("/projects/shop/runs?since=yesterday", expect=400)
    assert problem["errors"][0]["parameter"] == "since"


def test_stages_that_a_run_did_not_reach_are_skipped(api: NativeApi) -> None:
    """The mini statuses agree with those of the run itself."""
    api.server.executor.fail("build")
    steps = ("build", "deploy")
    stages = [models.stage(name, [models.job(name, [models.step(name, "true")])]) for name in steps]

    run = api.run_to_end(models.pipeline("two stages", stages))

    (item,) = api.get("/projects/shop/runs")["items"]
    seen = [(stage["id"], stage["status"], stage["cause"]) for stage in item["stages"]]
    assert seen == [(stage["id"], stage["status"], stage["cause"]) for stage in run["stages"]]


def test_pipelines_show_how_their_runs_went(api: NativeApi) -> None:
    """The newest run, those before it, and how long good ones take."""
    run = recovered_run(api)
    idle = api.make_pipeline(two_steps("idle"))

    items = {item["id"]: item for item in api.get("/projects/shop/pipelines")["items"]}

    assert items[idle]["last_run"] is None
    assert items[idle]["recent"] == []
    mine = items[run["pipeline"]]
    assert mine["owner"] == "admin"
    assert mine["last_run"]["id"] == run["id"]
    assert mine["last_run"]["recovered"]
    assert mine["success_share"] == mine["recovered_share"] == 1.0
    assert mine["p50_seconds"] == mine["last_run"]["run_seconds"]


def test_pipelines_are_filtered_and_paged(api: NativeApi) -> None:
    """By the newest run's status, by owner; a page ends where the next one begins."""
    idle = [api.make_pipeline(two_steps(f"idle {number}")) for number in range(3)]
    api.server.executor.fail("build")
    failed = api.run_to_end(two_steps("broken"))["pipeline"]

    def ids(query: str) -> list[str]:
        return [item["id"] for item in api.get(f"/projects/shop/pipelines?{query}")["items"]]

    assert ids("status=failed") == [failed]
    assert ids("status=succeeded") == []
    assert ids("owner=nobody") == []
    assert ids("search=idle&owner=admin") == idle[::-1]
    first = api.call("GET", "/projects/shop/pipelines?limit=3")
    assert 'rel="next"' in first.headers["link"]
    path = first.headers["link"].partition(">")[0].removeprefix("</api/v1")
    rest = api.get(path)
    assert [item["id"] for item in rest["items"]] == [idle[0]]
    assert rest["next_cursor"] is None


def test_an_answer_that_has_not_changed_is_not_sent_again(api: NativeApi) -> None:
    """The same tag is answered by 304; after a change the answer comes whole again."""
    api.make_pipeline()
    for path in ("/projects/shop/pipelines", "/projects/shop", "/projects/shop/runs"):
        tag = api.call("GET", path).headers["etag"]
        assert not tag.startswith("W/")
        again = api.call("GET", path, headers={"If-None-Match": f'"x", {tag}'}, expect=304)
        assert again.content == b""
        assert again.headers["etag"] == tag
        api.call("GET", path, headers={"If-None-Match": '"x"'})
    api.make_pipeline(two_steps("another"))
    api.call("GET", "/projects/shop/pipelines", headers={"If-None-Match": tag})


def test_only_the_wanted_fields_are_sent(api: NativeApi) -> None:
    """Of lists the fields of each item; an unknown one is named."""
    run = api.run_to_end()

    listed = api.get("/projects/shop/runs?fields=id,status")
    one = api.get(f"/projects/shop/runs/{run['id']}?fields=number")

    assert listed == {"items": [{"id": run["id"], "status": "succeeded"}], "next_cursor": None}
    assert one == {"number": 1}
    problem = api.get("/projects/shop/runs?fields=id,nonsense", expect=400)
    assert problem["errors"][0]["parameter"] == "fields"


def test_problems_in_the_language_of_who_asks(api: NativeApi) -> None:
    """In Chinese if that is asked for; the code, and where it is wrong, stay the same."""
    path = "/projects/shop/pipelines/p-none"
    english = api.get(path, expect=404)

    answer = api.call("GET", path, headers={"Accept-Language": "zh-CN,en;q=0.5"}, expect=404)

    chinese = answer.json()
    assert answer.headers["content-language"] == "zh-CN"
    assert chinese["title"] == "不存在，或不可见"
    assert english["detail"] in chinese["detail"]
    assert (chinese["code"], chinese["type"]) == (english["code"], english["type"])
    for wish in ("en-GB,zh", "zh;q=0.2,fr,en-GB;q=0.9", "zh;q=0,en;q=0.1", "zh;q=x", "fr"):
        same = api.get(path, headers={"Accept-Language": wish}, expect=404)
        assert same == english, wish
    for wish in ("en;q=0.5, zh;q=0.8", "fr, zh-TW;q=0.1", "en;q=0,zh"):
        told = api.get(path, headers={"Accept-Language": wish}, expect=404)
        assert told == chinese, wish


def test_chinese_is_not_said_again_in_english(api: NativeApi) -> None:
    """Where the English names nothing besides, it is left out."""
    api.server.executor.fail("test", times=1)
    run = api.run_to_end()
    body = {"target": step_of(run, "test")["id"], "skip": True}
    path = f"/projects/shop/runs/{run['id']}/recovery/plan"

    problem = api.call("POST", path, body, headers={"Accept-Language": "zh"}, expect=409).json()

    assert problem["code"] == "skip-not-allowed"
    assert problem["detail"] == TITLES["skip-not-allowed"]


def test_every_refusal_has_a_chinese_text() -> None:
    """None is shown in English alone to who reads Chinese."""
    assert {code.value for code in RefusalCode} <= TITLES.keys()


def test_a_run_says_how_it_was_repaired(api: NativeApi) -> None:
    """As lists do; as an earlier attempt left it, it was not."""
    run = recovered_run(api)

    state = api.run(run["id"])

    assert state["recovery"]["by"] == "admin"
    assert (state["branch"], state["commit"]) == ("", "")
    assert api.run(run["id"], "?attempt=1")["recovery"] is None


def test_the_tag_of_a_run_that_waits_names_what_it_waits_for(api: NativeApi) -> None:
    """What others have changes without it; its tag still is one that a recovery takes."""
    api.server.executor.hold("build")
    model = two_steps("alone")
    settings = {"runLockType": "SINGLE", "maxQueueSize": 5, "waitQueueTimeMinute": 10}
    pipeline = api.make_pipeline({"model": model, "setting": settings})
    first = api.start(pipeline)
    second = api.start(pipeline)
    path = f"/projects/shop/runs/{second}"

    tag = api.call("GET", path).headers["etag"]

    assert api.run(second)["waits"]
    assert ":w-" in tag
    api.call("GET", path, headers={"If-None-Match": tag}, expect=304)
    headers = {"If-Match": tag}
    refused = api.call("POST", f"{path}/recovery/plan", {}, headers=headers, expect=409)
    assert refused.json()["code"] != "plan-stale"
    api.server.executor.release("build")
    api.wait(first)
    api.wait(second)
