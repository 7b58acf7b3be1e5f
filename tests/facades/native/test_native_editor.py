"""What an editor asks: errors with places, graphs, versions, completion; and about the server."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from native_client import NativeApi, NativeClient, step_of, two_steps

from mulligan.testing import models

FILE = b"""version: v3.0
name: shop
steps:
  - name: build
    run: make
  - name: ship
    run: make ship
"""
YAML = {"Content-Type": "application/yaml"}


def lint(api: NativeApi, text: bytes, media: str = "application/yaml") -> dict[str, Any]:
    """Ask what is wrong with a definition."""
    headers = {"Content-Type": media}
    return dict(api.call("POST", "/projects/shop/lint", content=text, headers=headers).json())


def test_a_good_file_is_drawn(api: NativeApi) -> None:
    """Nothing is stored; the graph has its stages, jobs and steps."""
    report = lint(api, FILE)

    assert report["ok"]
    assert report["findings"] == []
    (stage,) = report["graph"]["stages"]
    (job,) = stage["jobs"]
    assert [step["name"] for step in job["steps"]] == ["build", "ship"]
    assert api.get("/projects/shop/pipelines")["items"] == []


def test_errors_have_places(api: NativeApi) -> None:
    """All of them at once, in YAML and in JSON."""
    report = lint(api, FILE.replace(b"run: make\n", b"rnu: make\n"))
    assert not report["ok"]
    assert report["graph"] is None
    assert {each["severity"] for each in report["findings"]} == {"error"}
    assert {each["line"] for each in report["findings"]} <= {4, 5}

    broken = lint(api, b"version: v3.0\nsteps: [")
    assert broken["findings"][0]["line"] is not None
    as_json = lint(api, b'{"name": "x",\n "stages": 7}', "application/json")
    assert not as_json["ok"]
    assert as_json["findings"][0]["line"] == 2


def test_a_plugin_that_is_missing_is_a_warning(api: NativeApi) -> None:
    """The definition could be stored, but not run here."""
    report = lint(api, FILE.replace(b"run: make ship", b"uses: nowhere@1.*"))

    assert report["ok"]
    (found,) = report["findings"]
    assert (found["severity"], found["line"]) == ("warning", 6)


def test_versions_side_by_side(api: NativeApi) -> None:
    """Newest first; the difference as text and by steps."""
    pipeline = api.make_pipeline()
    path = f"/projects/shop/pipelines/{pipeline}"
    step = models.step("extra", "true", step_id="x")
    changed = models.one_job("two", [models.step("build", "false", step_id="b"), step])
    api.put(path, changed)

    items = api.get(f"{path}/versions")["items"]
    diff = api.get(f"{path}/versions/1/diff/2")

    assert [(item["version"], item["is_newest"]) for item in items] == [(2, True), (1, False)]
    assert not diff["text"]["same"]
    assert any("extra" in line for line in diff["text"]["lines"])
    assert diff["text"]["added"] > 0
    assert (diff["added"], diff["removed"], diff["changed"]) == (["x"], ["t"], ["b"])
    assert api.get(f"{path}/versions/2/diff/2")["text"]["same"]
    api.get(f"{path}/versions/1/diff/9", expect=404)
    assert len(api.get(f"{path}/graph?version=1")["stages"]) == 1


def test_completion(api: NativeApi) -> None:
    """Keys at the cursor."""
    body = {"text": "version: v3.0\nsteps:\n  - ", "line": 3, "column": 5}

    found = api.post("/projects/shop/completion", body)["items"]

    assert "run" in {item["text"] for item in found}
    assert all(item["kind"] == "key" for item in found)


def test_definitions_are_replaced_only_as_they_were_read(api: NativeApi) -> None:
    """With `If-Match` an edit or removal of another state is refused."""
    pipeline = api.make_pipeline()
    path = f"/projects/shop/pipelines/{pipeline}"
    tag = api.call("GET", path).headers["etag"]
    api.call("PUT", path, two_steps(), headers={"If-Match": tag})

    problem = api.call("PUT", path, two_steps(), headers={"If-Match": tag}, expect=412).json()
    api.call("DELETE", path, headers={"If-Match": tag}, expect=412)

    assert problem["code"] == "precondition"
    fresh = api.call("GET", path).headers["etag"]
    api.call("DELETE", path, headers={"If-Match": fresh}, expect=204)


def test_of_edits_at_once_one_finds_what_was_read(api: NativeClient) -> None:
    """Whoever comes second is told so, however close behind; without `If-Match` the last wins."""
    path = f"/projects/shop/pipelines/{api.make_pipeline()}"
    seen = api.call("GET", path).headers["etag"]

    def edit(tag: str) -> int:
        headers = {"Authorization": f"Bearer {api.token}", "If-Match": tag}
        return api.http.put(f"/api/v1{path}", json=two_steps(), headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        careful = list(pool.map(edit, [seen] * 8))
        others = list(pool.map(edit, ["*"] * 4))

    assert sorted(careful) == [200] + [412] * 7
    assert others == [200] * 4
    assert api.get(path)["version"] == 6


def test_insights(api: NativeApi) -> None:
    """Results, repairs and flaky steps of the last days."""
    pipeline = api.make_pipeline()
    api.wait(api.start(pipeline))
    api.server.executor.fail("test", times=1)
    run = api.wait(api.start(pipeline))
    api.server.clock.advance(30)
    body = {"target": step_of(run, "test")["id"]}
    api.post(f"/projects/shop/runs/{run['id']}/recovery/apply", body)
    api.wait(run["id"], "succeeded")
    api.server.executor.fail("build")
    api.wait(api.start(pipeline))

    found = api.get("/projects/shop/insights")

    assert (found["runs"], found["succeeded"], found["failed"]) == (3, 2, 1)
    assert (found["recovered"], found["rescue_share"]) == (1, 0.5)
    assert found["recover_p50_seconds"] >= 30
    assert [(step["name"], step["times"]) for step in found["flaky"]] == [("test", 1)]
    assert found["history"][0]["runs"] == 3
    assert api.get(f"/projects/shop/insights?pipeline={pipeline}&days=1") == {**found, "days": 1}
    api.get("/projects/shop/insights?days=0", expect=400)


def test_about_the_server(api: NativeApi) -> None:
    """Whoever has come in may know what the server is, and who they are."""
    ann = api.make_user("ann", "viewer")

    about = ann.get("/about")

    assert about["name"] == "Mulligan"
    assert (about["user"], about["is_admin"]) == ("ann", False)
    assert "items" in ann.get("/runners")
    api.acting_as("").get("/about", expect=401)
