"""Matrix jobs on a real server: which of their copies and steps run, by what the steps noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from e2e.scenario import BAD_REQUEST, Build, Scenario, assert_refused
from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import job, pipeline, stage, step
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from mulligan.testing.models import Workbench
    from mulligan.testing.server import ServerProcess

Json = dict[str, Any]
GRID = [f"{os}-{db}" for os in ("win", "mac", "lin") for db in ("pg", "my", "ora")]
ONLY_FAILED = {"failedContainer": True}


def matrix_job(name: str, elements: list[Json], strategy: str, **options: object) -> Json:
    """Return a job that runs once for each combination."""
    option = {"strategyStr": strategy, "maxConcurrency": 3, **options}
    return job(name, elements, matrixGroupFlag=True, matrixControlOption=option)


def grid(client: BkciClient, bench: Workbench) -> Scenario:
    """Give a pipeline with a matrix of 3 × 3, two steps in each copy, and a job after it."""
    cell = "${matrix.os}-${matrix.db}"
    elements = [
        step("prepare", bench.script(f"prepare-{cell}", "echo prepared > here")),
        step(
            "test",
            bench.script(f"test-{cell}", "cat here", "echo ::set-output name=on::${matrix.os}"),
            step_id="t",
            manualSkip=True,
        ),
    ]
    matrix = matrix_job("grid", elements, "os: [win, mac, lin]\ndb: [pg, my, ora]")
    told = "${{jobs.grid.steps.t.outputs.on}}"
    after = job(
        "after",
        [step("collect", bench.script("collect", bench.note(f"told {told}")))],
        control={"dependOnType": "ID", "dependOnId": ["grid"]},
    )
    return Scenario(client, bench, pipeline("matrix", [stage("all", [matrix, after])]))


def copies(build: Build, execute_count: int | None = None) -> list[Json]:
    """Return the containers of the copies, as an attempt of the build shows them."""
    found: list[Json] = build.detail(execute_count).job("1")["groupContainers"]
    return found


def words(containers: list[Json]) -> list[str]:
    """Return the status of each container."""
    return [container["status"] for container in containers]


def test_only_failed_copies_run_again(client: BkciClient, bench: Workbench) -> None:
    """Of nine copies two fail; `failedContainer` on the matrix runs these two and what depends."""
    scenario = grid(client, bench)
    build = scenario.run_broken("test-mac-pg", "test-lin-ora")
    first = copies(build)
    before = bench.journal()
    bench.repair("test-mac-pg", "test-lin-ora")

    view = build.repair("1", **ONLY_FAILED)

    steps = [f"{name}-{cell}" for name in ("prepare", "test") for cell in GRID]
    assert sorted(before) == sorted(steps)
    assert [each["jobId"] for each in first] == [f"grid.{place}" for place in range(9)]
    assert [each["id"] for each in first] == [str(1001 + place) for place in range(9)]
    assert first[3]["matrixContext"] == {"matrix.os": "mac", "matrix.db": "pg"}
    assert words(first) == ["SUCCEED"] * 3 + ["FAILED"] + ["SUCCEED"] * 4 + ["FAILED"]
    again = bench.journal()[len(before) :]
    assert sorted(again[:-2]) == [
        "prepare-lin-ora",
        "prepare-mac-pg",
        "test-lin-ora",
        "test-mac-pg",
    ]
    assert again[-2:] == ["collect", f"told [{','.join(cell[:3] for cell in GRID)}]"]
    assert view.status == "SUCCEED"
    option = view.job("1")["matrixControlOption"]
    assert (option["totalCount"], option["finishCount"]) == (9, 9)
    assert [each["executeCount"] for each in copies(build)] == [1, 1, 1, 2, 1, 1, 1, 1, 2]
    assert words(copies(build, 1)) == words(first)


def test_one_copy_one_step_and_a_skip(client: BkciClient, bench: Workbench) -> None:
    """A copy by its id or jobId, a step of a copy by its id; a step of a copy is skipped."""
    scenario = grid(client, bench)
    bad = ("test-win-pg", "test-win-my", "test-mac-ora")
    build = scenario.run_broken(*bad)
    errors = build.status()["errorInfoList"]
    known = len(bench.journal())
    bench.repair("test-win-my", "test-mac-ora")

    of_copy = build.repair("grid.1")
    ran_of_copy = bench.journal()[known:]
    of_step = build.repair(copies(build)[5]["elements"][1]["id"])
    ran_of_step = bench.journal()[known + len(ran_of_copy) :]
    skipped = build.repair(copies(build)[0]["elements"][1]["id"], skip=True)

    assert [error["matrixFlag"] for error in errors] == [True] * 3
    assert sorted(error["containerId"] for error in errors) == ["1001", "1002", "1006"]
    assert (of_copy.status, ran_of_copy) == ("FAILED", ["prepare-win-my", "test-win-my"])
    assert (of_step.status, ran_of_step) == ("FAILED", ["test-mac-ora"])
    assert skipped.status == "SUCCEED"
    assert [each["status"] for each in copies(build)[0]["elements"]] == ["SUCCEED", "SKIP"]
    assert bench.counts("prepare-win-pg", "test-win-pg", "test-lin-pg", "collect") == [1, 1, 1, 1]


def test_whole_matrix_is_split_again(client: BkciClient, bench: Workbench) -> None:
    """Its id alone splits it by the values of now; what the first split did stays readable."""
    cells = bench.script("list", f'setEnv cells "$(cat {bench.directory}/cells)"')
    (bench.directory / "cells").write_text("[1,2,3]")
    elements = [step("work", bench.script("work-${matrix.n}", "echo hello ${matrix.n}"))]
    matrix = matrix_job("m", elements, "n: ${{ fromJSON(variables.cells) }}")
    stages = [stage("a", [job("list", [step("list", cells)])]), stage("b", [matrix])]
    scenario = Scenario(client, bench, pipeline("again", stages))
    build = scenario.run_broken("work-3")
    first = build.detail().job("2")["groupContainers"]
    (bench.directory / "cells").write_text("[7]")
    bench.repair("work-3")

    same = build.repair("2")
    anew = build.repair()

    assert words(first) == ["SUCCEED", "SUCCEED", "FAILED"]
    assert words(same.job("2")["groupContainers"]) == ["SUCCEED"] * 3
    (only,) = anew.job("2")["groupContainers"]
    assert (only["matrixContext"], only["executeCount"]) == ({"matrix.n": "7"}, 3)
    assert bench.counts("work-1", "work-2", "work-3", "work-7") == [2, 2, 2, 1]
    old = build.detail(1).job("2")["groupContainers"]
    assert words(old) == words(first)
    assert [each["matrixContext"]["matrix.n"] for each in old] == ["1", "2", "3"]
    lines = client.logs(scenario.project, "init", build.id, executeCount=1, jobId="m.2")
    assert "hello 3" in [line["message"] for line in lines["logs"]]


def test_a_copy_is_retried_while_others_work(client: BkciClient, bench: Workbench) -> None:
    """A copy that has failed is mended while another is under way: the attempt stays the same."""
    elements = [step("work", bench.script("work-${matrix.n}"))]
    matrix = matrix_job("m", elements, "n: [1, 2]")
    scenario = Scenario(client, bench, pipeline("live", [stage("a", [matrix])]))
    bench.break_steps("work-1")
    bench.hold("work-2")
    build = scenario.start()
    poll_until(lambda: words(copies(build)) == ["FAILED", "RUNNING"], what="one copy failed")
    refused = build.retry("1")
    bench.repair("work-1")

    http, body = build.retry("1001")
    bench.release("work-2")
    view = build.wait()

    assert_refused(refused, BAD_REQUEST, 2100002)
    assert (http, body["data"]["executeCount"]) == (200, 1)
    assert (view.status, view.execute_count) == ("SUCCEED", 1)
    assert bench.counts("work-1", "work-2") == [2, 1]


def test_a_split_survives_a_kill(
    own_server: ServerProcess, own_client: BkciClient, bench: Workbench
) -> None:
    """Killed in the middle, the next server goes on with the same copies; ended ones stay."""
    first = step("list", bench.script("list", 'setEnv cells "[1,2,3,4,5]"'))
    elements = [step("work", bench.script("work-${matrix.n}"))]
    matrix = matrix_job("m", elements, "n: ${{ fromJSON(variables.cells) }}", maxConcurrency=2)
    stages = [stage("a", [job("list", [first])]), stage("b", [matrix])]
    scenario = Scenario(own_client, bench, pipeline("killed", stages))
    bench.hold("work-2", "work-3")
    build = scenario.start()
    poll_until(lambda: bench.counts("work-1", "work-2", "work-3") == [1, 1, 1], what="two held")

    own_server.kill()
    bench.release_all()
    own_server.start()
    with BkciClient(own_server.url) as client:
        view = client.wait_finished(scenario.project, build.id)

    assert view.status == "SUCCEED"
    containers = view.job("2")["groupContainers"]
    assert [each["matrixContext"]["matrix.n"] for each in containers] == list("12345")
    assert bench.counts("list", "work-1", "work-4", "work-5") == [1, 1, 1, 1]
    assert bench.counts("work-2", "work-3") == [2, 2]
