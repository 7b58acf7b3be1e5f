"""What runs keep: artifacts with their bytes, and the tests in their reports."""

import hashlib
from urllib.parse import quote

import pytest
from native_client import NativeClient, step_of

from mulligan.core.ids import RunId, StepId
from mulligan.core.records import Artifact, StepRecord
from mulligan.core.report import ArchivedFile
from mulligan.engine import case_reports
from mulligan.testing import models

GOOD = b'<testsuite><testcase classname="cart" name="adds" time="0.5"/></testsuite>'
BAD = (
    b'<testsuite><testcase classname="cart" name="adds"><failure message="2 != 3"/></testcase>'
    b'<testcase classname="cart" name="later"><skipped/></testcase></testsuite>'
)


class Kept:
    """A run whose step `test` failed and passed in the second attempt of the run."""

    def __init__(self, api: NativeClient) -> None:
        self.api = api
        api.server.executor.fail("test", times=1)
        state = api.run_to_end()
        self.id = str(state["id"])
        api.post(f"/projects/shop/runs/{self.id}/recovery/apply", {})
        self.test = str(step_of(api.wait(self.id, "succeeded"), "test")["id"])

    @property
    def path(self) -> str:
        """Return where the run is."""
        return f"/projects/shop/runs/{self.id}"

    def keep(self, path: str, content: bytes, attempt: int = 1) -> None:
        """Let the step `test` have kept a file."""
        digest = hashlib.sha256(content).hexdigest()
        place = self.api.server.services.software.path_of(digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        artifact = Artifact(
            run=RunId(self.id),
            step=StepId(self.test),
            attempt=attempt,
            run_attempt=attempt,
            path=path,
            size=len(content),
            digest=digest,
            created_at=self.api.server.clock.now(),
        )
        self.api.in_loop(lambda: self.api.server.store.add_artifacts([artifact]))


@pytest.fixture
def kept(api: NativeClient) -> Kept:
    """Give such a run."""
    return Kept(api)


def test_artifacts_of_a_run(kept: Kept) -> None:
    """All attempts' files are listed, page by page, or those of one."""
    for path, attempt in (("dist/a.zip", 1), ("dist/a.zip", 2), ("页.html", 2)):
        kept.keep(path, path.encode(), attempt)

    page = kept.api.get(f"{kept.path}/artifacts?limit=2")
    rest = kept.api.get(f"{kept.path}/artifacts?limit=2&cursor={page['next_cursor']}")
    first = kept.api.get(f"{kept.path}/artifacts?attempt=1")

    rows = [(each["path"], each["attempt"], each["newest"]) for each in page["items"]]
    assert rows == [("dist/a.zip", 1, False), ("dist/a.zip", 2, True)]
    assert (page["total"], rest["total"], rest["next_cursor"]) == (3, 3, None)
    assert [each["run_attempt"] for each in first["items"]] == [1]
    assert page["items"][0] | {"created_at": ""} == {
        "name": "a.zip",
        "path": "dist/a.zip",
        "package": None,
        "size": 10,
        "sha256": hashlib.sha256(b"dist/a.zip").hexdigest(),
        "step": kept.test,
        "step_name": "test",
        "attempt": 1,
        "run_attempt": 1,
        "newest": False,
        "created_at": "",
        "download": f"/api/v1{kept.path}/artifacts/{kept.test}/1/dist/a.zip",
    }
    kept.api.get(f"{kept.path}/artifacts?attempt=3", expect=404)


def test_bytes_of_an_artifact(kept: Kept) -> None:
    """They come as a file that no browser shows, to those who may see the project."""
    kept.keep("页 1.html", b"<script>alert(1)</script>")
    (item,) = kept.api.get(f"{kept.path}/artifacts")["items"]
    path = item["download"].removeprefix("/api/v1")

    answer = kept.api.call("GET", path)

    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=utf-8''%E9%A1")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox"
    part = kept.api.call("GET", path, headers={"Range": "bytes=1-6"}, expect=206)
    assert part.content == b"script"
    assert kept.api.make_user("vic", "viewer").call("GET", path).status == 200
    kept.api.make_user("eve").call("GET", path, expect=404)
    for wrong in (path.replace("/1/", "/2/"), path.replace("/1/", "/x/"), path + "x"):
        kept.api.call("GET", wrong, expect=404)


@pytest.mark.parametrize("name", ["two\nlines.txt", "\n", "100% &?#.txt"])
def test_artifact_with_an_odd_name(kept: Kept, name: str) -> None:
    """The link that the list gives leads to it, whatever a step calls its files."""
    kept.keep(f"dist/{name}", b"odd")
    (item,) = kept.api.get(f"{kept.path}/artifacts")["items"]

    answer = kept.api.call("GET", item["download"].removeprefix("/api/v1"))

    assert answer.content == b"odd"
    assert f"filename*=utf-8''{quote(name)}" in answer.headers["content-disposition"]


def test_tests_of_a_run(kept: Kept) -> None:
    """The newest attempt's tests; what failed before with the same inputs is flaky."""
    kept.keep("r/first.xml", BAD, 1)
    kept.keep("r/first.xml", GOOD, 2)
    kept.keep("r/other.xml", b"<project/>", 2)

    found = kept.api.get(f"{kept.path}/tests")
    then = kept.api.get(f"{kept.path}/tests?attempt=1&state=failed,skipped&name=CART.a")
    none = kept.api.get(f"{kept.path}/tests?state=skipped")

    assert found["items"] == [
        {
            "step": kept.test,
            "step_name": "test",
            "attempt": 2,
            "report": "r/first.xml",
            "suite": "cart",
            "name": "adds",
            "state": "passed",
            "flaky": True,
            "message": "",
            "seconds": 0.5,
        }
    ]
    counts = {"passed": 1, "failed": 0, "error": 0, "skipped": 0, "flaky": 1, "total": 1}
    assert found["counts"] == counts
    assert (found["reports_read"], found["reports_left_out"]) == (1, 0)
    assert [(each["name"], each["message"]) for each in then["items"]] == [("adds", "2 != 3")]
    assert then["counts"]["total"] == 2
    assert none["items"] == []
    kept.api.get(f"{kept.path}/tests?state=green", expect=400)


def test_reports_of_plugins_are_read_as_well(kept: Kept) -> None:
    """A file of a report counts like an artifact; one whose bytes are gone counts for nothing."""
    kept.keep("gone.xml", BAD, 2)
    (gone,) = kept.api.get(f"{kept.path}/artifacts")["items"]
    kept.api.server.services.software.path_of(gone["sha256"]).unlink()
    kept.keep("bytes.bin", GOOD, 1)
    digest = hashlib.sha256(GOOD).hexdigest()
    record = StepRecord(
        run=RunId(kept.id),
        step=StepId(kept.test),
        attempt=2,
        kind="report",
        name="Tests",
        created_at=kept.api.server.clock.now(),
        files=(ArchivedFile(path="junit.xml", size=len(GOOD), digest=digest),),
    )
    kept.api.in_loop(lambda: kept.api.server.store.add_step_records([record]))

    found = kept.api.get(f"{kept.path}/tests?state=passed")

    assert [each["report"] for each in found["items"]] == ["junit.xml"]
    assert found["reports_read"] == 1


def test_tests_of_a_copy_that_is_gone(kept: Kept) -> None:
    """A matrix job that was split anew has fewer copies than in the attempt that is asked about."""
    steps = [models.step("build", "true", step_id="b")]
    model = models.one_job("copies", steps)
    model["stages"][0]["containers"][0]["params"] = [models.parameter("values", "[1, 2]")]
    model["stages"][1]["containers"][0] |= {
        "matrixGroupFlag": True,
        "matrixControlOption": {"strategyStr": '{"x": ${{ variables.values }}}'},
    }
    kept.api.server.executor.fail("build", times=2)
    state = kept.api.run_to_end(model)
    *_, copy = state["stages"][0]["jobs"]
    kept.id, kept.test = state["id"], copy["steps"][0]["id"]
    kept.keep("r.xml", BAD)
    fewer = {"changes": {"parameters": {"values": "[1]"}}}
    kept.api.post(f"{kept.path}/recovery/apply", fewer)
    kept.api.wait(kept.id, "succeeded")

    now = kept.api.get(f"{kept.path}/tests")
    then = kept.api.get(f"{kept.path}/tests?attempt=1")

    assert now["items"] == []
    assert [(each["name"], each["step_name"]) for each in then["items"]] == [("adds", "build")]


def test_reports_that_are_too_many_or_too_large(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are left out, and it is said how many."""
    monkeypatch.setattr(case_reports, "MOST_FILES", 2)
    monkeypatch.setattr(case_reports, "MOST_BYTES", 100)
    kept.keep("a.xml", BAD, 2)
    kept.keep("b.xml", GOOD, 2)
    kept.keep("c.xml", GOOD, 2)

    found = kept.api.get(f"{kept.path}/tests?state=passed")

    assert [each["report"] for each in found["items"]] == ["b.xml"]
    assert (found["reports_read"], found["reports_left_out"]) == (1, 2)
