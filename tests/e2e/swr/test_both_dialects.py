"""One pipeline in both dialects: made by one, seen, started and repaired by the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.definitions import builds, definition, release_only, review
from e2e.swr.scenario import OK, Pipeline, World, assert_empty_object, new_name, wait_ran
from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import job, pipeline, stage, step
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.swr.client import SwrClient
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

BAD_REQUEST, BUSY_CODE = 400, 2101049
ACCOUNT = "acme"


@pytest.fixture
def bkci(world: World) -> Iterator[BkciClient]:
    """Give a client of the other dialect with a token of dev1."""
    token = world.api_token("dev1", ACCOUNT)
    headers = {"Authorization": f"Bearer {token}"}
    with BkciClient(world.server.url, "dev1", headers=headers) as client:
        yield client


class Foreign:
    """Act on a pipeline that was made by SWR through the other dialect."""

    def __init__(self, client: BkciClient, made: Pipeline) -> None:
        """Find the pipeline by the id that its create answer shows."""
        self.client = client
        self.id = str(made.created["bk_pipeline_id"])

    def builds(self) -> list[Json]:
        """Return the builds, newest first."""
        return list(self.client.histories(ACCOUNT, self.id)["records"])

    def newest(self) -> str:
        """Return the id of the newest build."""
        return str(self.builds()[0]["id"])

    def status(self) -> str:
        """Return the status of the newest build."""
        return str(self.client.status(ACCOUNT, self.newest())["status"])


# --- made by SWR ------------------------------------------------------------------------------


def test_model_of_an_swr_pipeline(dev1: SwrClient, bkci: BkciClient, bench: Workbench) -> None:
    """Stage i is `stage-(i+2)` with one job and one element; variables are the trigger's."""
    made = Pipeline(dev1, builds(bench, "one", "two"))

    model = bkci.pipeline_get(ACCOUNT, Foreign(bkci, made).id)

    assert model["name"] == made.name
    assert [each["id"] for each in model["stages"]] == ["stage-1", "stage-2", "stage-3"]
    for each in model["stages"][1:]:
        assert [len(container["elements"]) for container in each["containers"]] == [1]
    params = model["stages"][0]["containers"][0]["params"]
    assert "VERSION" in [param["id"] for param in params]
    assert made.detail()["bk_pipeline_id"] == made.created["bk_pipeline_id"]


def test_swr_pipeline_in_the_list_of_the_other(
    dev1: SwrClient, bkci: BkciClient, bench: Workbench
) -> None:
    """A pipeline made by SWR is listed by the other dialect under the same name."""
    made = Pipeline(dev1, builds(bench, "one"))

    listed = bkci.data("GET", ACCOUNT, "pipelines/pipeline_list", query={"pageSize": 100})

    found = {each["pipelineId"]: each["pipelineName"] for each in listed["records"]}
    assert found[Foreign(bkci, made).id] == made.name


def test_start_an_swr_pipeline_by_the_other(
    dev1: SwrClient, bkci: BkciClient, bench: Workbench
) -> None:
    """`build_start` starts a run that SWR shows; while it is active a second one is refused."""
    made = Pipeline(dev1, builds(bench, "one"))
    foreign = Foreign(bkci, made)
    bench.hold("one")

    bkci.start(ACCOUNT, foreign.id, {"VERSION": "v5"})
    wait_ran(bench, "one")
    http, refused = bkci.try_start(ACCOUNT, foreign.id)

    assert made.status()["status"] == "running"
    assert foreign.status() == "RUNNING"
    assert (http, refused["status"]) == (BAD_REQUEST, BUSY_CODE)
    bench.release("one")
    made.settle("success")
    assert made.variables()["SYS_INCREMENT"] == "1"
    assert foreign.status() == "SUCCEED"


def test_runs_are_builds_and_retries_are_attempts(
    dev1: SwrClient, bkci: BkciClient, bench: Workbench
) -> None:
    """A start is a new build number; a retry is the same build with one more execution."""
    made = Pipeline(dev1, builds(bench, "one", "two"))
    foreign = Foreign(bkci, made)
    made.run("success")
    bench.break_steps("two")
    made.run("stage_exception")
    held = foreign.status()
    bench.repair("two")
    made.retry(1)
    made.settle("success")

    records = foreign.builds()

    assert held == "FAILED"
    assert [record["buildNum"] for record in records] == [2, 1]
    assert bkci.detail(ACCOUNT, str(records[0]["id"])).execute_count == 2
    assert bkci.detail(ACCOUNT, str(records[1]["id"])).execute_count == 1


def test_retry_an_swr_run_by_the_other(dev1: SwrClient, bkci: BkciClient, bench: Workbench) -> None:
    """`build_retry` of the failed stage repairs the run that SWR shows as held."""
    made = Pipeline(dev1, builds(bench, "one", "two", "three"))
    foreign = Foreign(bkci, made)
    bench.break_steps("two")
    made.run("stage_exception")
    bench.repair("two")

    http, body = bkci.retry(ACCOUNT, buildId=foreign.newest(), taskId="stage-3")

    assert (http, body["status"]) == (OK, 0), body
    made.settle("success")
    assert [len(made.jobs(index)) for index in range(3)] == [1, 2, 1]
    assert made.jobs(1)[0]["mode"] == "retry"


def test_open_review_of_swr_is_running_there(dev1: SwrClient, bkci: BkciClient) -> None:
    """While a review asks, the build runs."""
    made = Pipeline(dev1, definition([review("one", "dev1")]))
    made.start()
    made.wait_asking(0)

    status = Foreign(bkci, made).status()

    assert status == "RUNNING"
    assert_empty_object(made.vote(0, "pass"))
    made.settle("success")


def test_stop_an_swr_run_by_the_other(dev1: SwrClient, bkci: BkciClient, bench: Workbench) -> None:
    """`build_stop` stops the run that SWR shows."""
    made = Pipeline(dev1, builds(bench, "one"))
    bench.hold("one")
    made.start()
    wait_ran(bench, "one")

    http, _ = bkci.stop(ACCOUNT, Foreign(bkci, made).newest())

    assert http == OK
    made.settle("cancel")


def test_rollback_is_no_new_build(dev1: SwrClient, bkci: BkciClient, target: Target) -> None:
    """A rollback leaves the number of builds as it was."""
    made = Pipeline(dev1, release_only(target))
    for version in ("v1", "v2"):
        made.run("success", VERSION=version)
    foreign = Foreign(bkci, made)

    made.roll_back()

    assert len(foreign.builds()) == 2


# --- made by BK-CI ----------------------------------------------------------------------------


class Native:
    """Act through SWR on a pipeline that the other dialect made."""

    def __init__(self, bkci: BkciClient, client: SwrClient, bench: Workbench) -> None:
        """Make stages of one script, then one of two jobs, and find the pipeline."""
        name = new_name("bk")
        self.bkci, self.client, self.bench = bkci, client, bench
        two = [step("e2", bench.script("e2")), step("e3", bench.script("e3"))]
        first = stage("first", [job("a", [step("e1", bench.script("e1"))])])
        model = pipeline(name, [first, stage("second", [job("b", two)])])
        self.bk_id = bkci.pipeline_create(ACCOUNT, model)
        listed = client.get("/v3/manage/pipelines", filter=f"name::{name}").json
        [self.entry] = listed
        self.path = f"/v3/manage/pipelines/{self.entry['id']}"

    def status(self) -> Json:
        """Return the status that SWR shows."""
        return dict(self.client.get(self.path).json["status"])

    def wait(self, wanted: str) -> Json:
        """Wait until SWR shows a status."""

        def reached() -> Json | None:
            status = self.status()
            return status if status["status"] == wanted else None

        return poll_until(reached, what=f"{self.path} is {wanted}", timeout_s=40.0)


@pytest.fixture
def native(bkci: BkciClient, dev1: SwrClient, bench: Workbench) -> Native:
    """Give a pipeline of the other dialect."""
    return Native(bkci, dev1, bench)


def test_bkci_pipeline_in_the_list_of_swr(native: Native) -> None:
    """A pipeline of the other dialect is in group `default`, with its stages translated."""
    entry = native.entry

    assert entry["group_name"] == "default"
    assert entry["bk_pipeline_id"] == native.bk_id
    kinds = [each["service_name"] for each in entry["stages"]]
    assert kinds == ["jenkins_build", "bkci_stage"]
    assert entry["stages"][0]["params"]["jenkins_shell"] == native.bench.script("e1")
    assert entry["status"]["status"] == "waiting"


def test_start_a_bkci_pipeline_by_swr(native: Native) -> None:
    """`POST …/start` is `build_start`; the newest build is the current run."""
    answer = native.client.post(f"{native.path}/start")

    assert_empty_object(answer)
    status = native.wait("success")
    assert [each["status"] for each in status["stages"]] == ["success", "success"]
    assert status["stages"][1]["tasks"] is not None
    assert native.bench.counts("e1", "e2", "e3") == [1, 1, 1]
    records = native.bkci.histories(ACCOUNT, native.bk_id)["records"]
    assert [record["buildNum"] for record in records] == [1]


def test_retry_a_bkci_build_by_swr(native: Native) -> None:
    """A failed build is held without end; the retry of its stage is `build_retry`."""
    native.bench.break_steps("e3")
    build = native.bkci.start(ACCOUNT, native.bk_id)
    native.bkci.wait_finished(ACCOUNT, build["id"])
    held = native.wait("stage_exception")
    native.bench.repair("e3")

    answer = native.client.post(f"{native.path}/stages/1?mode=retry")

    assert held["stage_index"] == 1
    assert_empty_object(answer)
    native.wait("success")
    assert native.bench.counts("e1", "e2", "e3")[0] == 1
    assert native.bkci.detail(ACCOUNT, build["id"]).execute_count == 2


def test_names_are_the_same(native: Native) -> None:
    """The name is the same in both, also through a stage that is no build."""
    detail = native.client.get(native.path).json

    assert detail["name"] == native.bkci.pipeline_get(ACCOUNT, native.bk_id)["name"]
    assert len(detail["status"]["stages"]) == len(detail["stages"]) == 2
