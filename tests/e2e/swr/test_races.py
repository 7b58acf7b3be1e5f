"""Two calls at one moment: the outcome is that of one after the other, in some order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING, Any

from e2e.swr.client import CREATED
from e2e.swr.definitions import build, builds, definition, review, triggers, webhook
from e2e.swr.scenario import (
    ACCEPTED,
    BAD,
    CONFLICT,
    NO_CONTENT,
    NOT_FOUND,
    OK,
    SERVER_ERROR,
    Pipeline,
    World,
    new_group,
    new_name,
    results,
    wait_ran,
)
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.swr.client import Reply, SwrClient
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

GROUPS = "/v3/manage/pipelinegroups"
ROUNDS = 5


def at_once(*calls: Callable[[], Reply]) -> list[int]:
    """Make calls at one moment and return their HTTP statuses."""
    barrier = Barrier(len(calls))

    def go(call: Callable[[], Reply]) -> int:
        barrier.wait()
        return call().http

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(go, call) for call in calls]]


def votes_at_once(*calls: Callable[[], Reply]) -> list[int]:
    """Make votes at one moment as soon as the review takes any: "running" comes a little before."""
    found: list[int] = []

    def are_taken() -> bool:
        found[:] = at_once(*calls)
        return found != [BAD] * len(calls)

    poll_until(are_taken, what="the review takes votes")
    return found


def test_two_starts(dev1: SwrClient, bench: Workbench) -> None:
    """Of two starts one is taken, the other 409; there is one run."""
    pipeline = Pipeline(dev1, builds(bench, "one", pre_operation=triggers("or")))
    bench.hold("one")

    found = at_once(pipeline.try_start, pipeline.fire)

    assert sorted(found) == [CREATED, CONFLICT]
    bench.release("one")
    pipeline.settle("success")
    assert pipeline.variables()["SYS_INCREMENT"] == "1"
    assert bench.ran("one") == 1


def test_two_latches(dev1: SwrClient, bench: Workbench) -> None:
    """Of the two webhooks of an `and` one is 202 and one 201; there is one run."""
    for _ in range(ROUNDS):
        given = builds(bench, "one", pre_operation=triggers("and", webhook(), webhook()))
        pipeline = Pipeline(dev1, given)

        found = at_once(lambda: pipeline.fire(0), lambda: pipeline.fire(1))  # noqa: B023

        assert sorted(found) == [CREATED, ACCEPTED]
        pipeline.settle("success")
        assert len(pipeline.jobs(0)) == 1


def test_delete_and_start(dev1: SwrClient, bench: Workbench) -> None:
    """A pipeline is deleted or started, never both."""
    for _ in range(ROUNDS):
        pipeline = Pipeline(dev1, builds(bench, "one"))
        bench.hold("one")

        found = at_once(pipeline.try_start, pipeline.delete)

        bench.release("one")
        assert found in ([CREATED, SERVER_ERROR], [NOT_FOUND, NO_CONTENT])
        if found[0] == CREATED:
            pipeline.settle("success")


def test_delete_and_retry(dev1: SwrClient, bench: Workbench) -> None:
    """A held pipeline is deleted or retried, never both."""
    for _ in range(ROUNDS):
        pipeline = Pipeline(dev1, builds(bench, "one"))
        bench.break_steps("one")
        pipeline.run("stage_exception")
        bench.repair("one")
        bench.hold("one")

        found = at_once(lambda: pipeline.retry(0), pipeline.delete)  # noqa: B023

        bench.release("one")
        assert found in ([CREATED, SERVER_ERROR], [NOT_FOUND, NO_CONTENT])
        if found[0] == CREATED:
            pipeline.settle("success")


def test_update_and_start(dev1: SwrClient, bench: Workbench) -> None:
    """A run has the definition before or after the update; an update in a run is 409."""
    for _ in range(ROUNDS):
        pipeline = Pipeline(dev1, builds(bench, "one"))
        [stage] = pipeline.detail()["stages"]
        body = {**pipeline.detail(), "stages": [build("new", "true"), stage]}
        bench.hold("one")

        found = at_once(pipeline.try_start, lambda: dev1.put(pipeline.path, body))  # noqa: B023

        bench.release("one")
        assert found in ([CREATED, CONFLICT], [CREATED, CREATED])
        pipeline.settle("success")
        names = ["one"] if found[1] == CONFLICT else ["new", "one"]
        assert [each["name"] for each in pipeline.detail()["stages"]] == names
        assert pipeline.stage_statuses() == ["success"] * len(names)


def test_two_votes_of_one_reviewer(dev1: SwrClient) -> None:
    """Of two votes of one reviewer one is taken."""
    for _ in range(ROUNDS):
        pipeline = Pipeline(dev1, definition([review("all", "dev1", "dev2")]))
        pipeline.start()
        pipeline.wait_asking(0)

        found = votes_at_once(
            partial(pipeline.vote, 0, "pass"), partial(pipeline.vote, 0, "refuse")
        )

        assert sorted(found) == [CREATED, BAD]
        result = "pass" if found[0] == CREATED else "refuse"
        assert results(pipeline.stage(0))["dev1"] == result


def test_two_reviewers_vote(dev1: SwrClient, dev2: SwrClient) -> None:
    """The votes of two reviewers at one moment both count."""
    for _ in range(ROUNDS):
        pipeline = Pipeline(dev1, definition([review("all", "dev1", "dev2")]))
        pipeline.start()
        pipeline.wait_asking(0)

        found = votes_at_once(
            partial(pipeline.vote, 0, "pass", dev1), partial(pipeline.vote, 0, "pass", dev2)
        )

        assert found == [CREATED, CREATED]
        pipeline.settle("success")


def test_stop_and_retry(dev1: SwrClient, bench: Workbench) -> None:
    """A stop and a retry of a held run end as one after the other."""
    for _ in range(ROUNDS):
        pipeline = Pipeline(dev1, builds(bench, "one"))
        bench.break_steps("one")
        pipeline.run("stage_exception")
        bench.repair("one")
        bench.hold("one")

        found = at_once(pipeline.stop, lambda: pipeline.retry(0))  # noqa: B023

        bench.release("one")
        assert found == [CREATED, CREATED]  # each is allowed before and after the other
        pipeline.settle("success", "cancel")


def test_same_names(dev1: SwrClient, group: str, bench: Workbench) -> None:
    """Of two groups, or pipelines, of one name one is made."""
    for _ in range(ROUNDS):
        name, body = new_name("team"), {**builds(bench, "one"), "name": new_name("shop")}

        groups = at_once(*[lambda: dev1.post(GROUPS, {"group": name})] * 2)  # noqa: B023
        path = f"{GROUPS}/{group}/pipelines"
        pipelines = at_once(*[lambda: dev1.post(path, body)] * 2)  # noqa: B023

        assert sorted(groups) == [CREATED, CONFLICT]
        assert sorted(pipelines) == [CREATED, CONFLICT]


def test_delete_of_a_group_and_its_first_pipeline(dev1: SwrClient, bench: Workbench) -> None:
    """A group is deleted or gets a pipeline, never both."""
    for _ in range(ROUNDS):
        group, body = new_group(dev1), {**builds(bench, "one"), "name": new_name("shop")}
        path = f"{GROUPS}/{group}"

        found = at_once(
            lambda: dev1.delete(path),  # noqa: B023
            lambda: dev1.post(f"{path}/pipelines", body),  # noqa: B023
        )

        assert found in ([NO_CONTENT, NOT_FOUND], [CONFLICT, CREATED])


def test_many_readers_of_one_run(world: World, dev1: SwrClient, bench: Workbench) -> None:
    """Reads while a run moves are always whole: one entry per stage, in an order that can be."""
    pipeline = Pipeline(dev1, builds(bench, "one", "two", "three"))
    bench.hold("two")
    pipeline.start()
    wait_ran(bench, "two")

    found = at_once(*[lambda: dev1.get(pipeline.path)] * 8)

    assert found == [OK] * 8
    assert pipeline.stage_statuses() == ["success", "running", "waiting"]
    bench.release("two")
    pipeline.settle("success")
    assert world.login("dev2").get(pipeline.path).json["status"]["status"] == "success"
