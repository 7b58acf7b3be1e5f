"""Case 30 of the thirty: votes of reviewers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.swr.definitions import build, definition, release_only, review
from e2e.swr.scenario import (
    BAD,
    BUSY,
    INVALID,
    NO_RIGHT,
    NOT_FOUND,
    Pipeline,
    assert_empty_object,
    results,
)

if TYPE_CHECKING:
    from e2e.swr.client import SwrClient
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

UNKNOWN_PIPELINE = "/v3/manage/pipelines/999999/stages/0/start_info"


def asking(client: SwrClient, bench: Workbench, mode: str) -> Pipeline:
    """Make and start a pipeline that asks dev1 and dev2 at its stage 1."""
    stages = [
        build("before", bench.script("before")),
        review(mode, "dev1", "dev2"),
        build("after", bench.script("after")),
    ]
    pipeline = Pipeline(client, definition(stages))
    pipeline.start()
    pipeline.wait_asking(1)
    return pipeline


def test_30_all_pass(dev1: SwrClient, dev2: SwrClient, dev3: SwrClient, bench: Workbench) -> None:
    """In mode all the second of two passes ends the review; votes are final."""
    pipeline = asking(dev1, bench, "all")

    before = results(pipeline.stage(1))
    first = pipeline.vote(1, "pass")
    between = pipeline.stage(1)
    refused = [pipeline.vote(1, "refuse"), pipeline.vote(1, "pass", dev3)]
    second = pipeline.vote(1, "pass", dev2)

    assert before == {"dev1": "waiting", "dev2": "waiting"}
    assert_empty_object(first)
    assert (between["status"], results(between)) == (
        "running",
        {"dev1": "pass", "dev2": "waiting"},
    )
    assert [answer.error for answer in refused] == [INVALID, NO_RIGHT]
    assert_empty_object(second)
    pipeline.settle("success")
    assert results(pipeline.stage(1)) == {"dev1": "pass", "dev2": "pass"}
    assert pipeline.stage_statuses() == ["success"] * 3


def test_30_all_one_refuses(dev1: SwrClient, dev2: SwrClient, bench: Workbench) -> None:
    """In mode all the first refusal fails the stage; what follows does not run."""
    pipeline = asking(dev1, bench, "all")
    pipeline.vote(1, "pass")

    answer = pipeline.vote(1, "refuse", dev2)

    assert_empty_object(answer)
    status = pipeline.settle("stage_exception")
    assert status["stage_index"] == 1
    assert pipeline.stage_statuses() == ["success", "stage_exception", "waiting"]
    assert results(status["stages"][1]) == {"dev1": "pass", "dev2": "refuse"}
    assert bench.ran("after") == 0


def test_30_one_passes(dev1: SwrClient, dev2: SwrClient, bench: Workbench) -> None:
    """In mode one the first pass is enough."""
    pipeline = asking(dev1, bench, "one")

    answer = pipeline.vote(1, "pass", dev2)

    assert_empty_object(answer)
    pipeline.settle("success")
    assert pipeline.vote(1, "pass").error == INVALID


def test_30_one_refusal_keeps_waiting(dev1: SwrClient, dev2: SwrClient, bench: Workbench) -> None:
    """In mode one a refusal keeps waiting; only when all refused the stage fails."""
    pipeline = asking(dev1, bench, "one")
    pipeline.vote(1, "refuse")
    between = pipeline.stage(1)

    answer = pipeline.vote(1, "refuse", dev2)

    assert between["status"] == "running"
    assert results(between) == {"dev1": "refuse", "dev2": "waiting"}
    assert_empty_object(answer)
    pipeline.settle("stage_exception")


def test_30_pass_after_a_refusal(dev1: SwrClient, dev2: SwrClient, bench: Workbench) -> None:
    """In mode one another's pass outweighs a refusal."""
    pipeline = asking(dev1, bench, "one")
    pipeline.vote(1, "refuse")

    pipeline.vote(1, "pass", dev2)

    pipeline.settle("success")


def test_30_stage_that_does_not_ask(dev1: SwrClient, dev2: SwrClient, bench: Workbench) -> None:
    """A build stage, a review that is over or one not reached takes no votes."""
    pipeline = asking(dev1, bench, "one")

    found = [pipeline.vote(0, "pass"), pipeline.vote(2, "pass"), pipeline.vote(7, "pass")]

    assert [answer.error for answer in found[:2]] == [INVALID, INVALID]
    assert found[2].http == NOT_FOUND
    assert dev2.put(UNKNOWN_PIPELINE, {"mode": "review", "review_result": "pass"}).http == NOT_FOUND


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"mode": "view", "review_result": "pass"}, "SWR.4000014"),
        ({"mode": "review", "review_result": "maybe"}, "SWR.4000014"),
        ({"mode": "review"}, "SWR.4001014"),
        ({}, "SWR.4001014"),
    ],
)
def test_30_bad_bodies(dev1: SwrClient, bench: Workbench, body: dict[str, str], code: str) -> None:
    """A body without the one mode and a result is refused and no vote."""
    pipeline = asking(dev1, bench, "one")

    answer = dev1.put(pipeline.stage_path(1, "/start_info"), body)

    assert answer.error == (BAD, code)
    assert results(pipeline.stage(1)) == {"dev1": "waiting", "dev2": "waiting"}


def test_30_trailing_comma_is_no_json(dev1: SwrClient, bench: Workbench) -> None:
    """The published example with its trailing comma is not accepted."""
    pipeline = asking(dev1, bench, "one")
    body = b'{"mode": "review", "review_result": "pass",}'
    headers = {"Content-Type": "application/json"}

    answer = dev1.raw("PUT", pipeline.stage_path(1, "/start_info"), body, headers)

    assert answer.http == BAD
    assert answer.error[1].startswith("SWR.400")
    assert pipeline.status()["status"] == "running"


def test_paused_pipeline(dev1: SwrClient, dev2: SwrClient, bench: Workbench) -> None:
    """An open review can't be retried, a start is refused, a stop closes it."""
    pipeline = asking(dev1, bench, "one")

    refused = [pipeline.retry(1), pipeline.try_start()]
    stopped = pipeline.stop()

    assert [answer.error for answer in refused] == [BUSY, BUSY]
    assert_empty_object(stopped)
    pipeline.settle("cancel")
    assert pipeline.stage_statuses() == ["success", "cancel", "waiting"]
    assert pipeline.vote(1, "pass", dev2).error == INVALID


def test_retry_of_a_refused_review_asks_everybody_again(
    dev1: SwrClient, dev2: SwrClient, bench: Workbench
) -> None:
    """A retry of a review sets all votes back to waiting."""
    pipeline = asking(dev1, bench, "all")
    pipeline.vote(1, "pass")
    pipeline.vote(1, "refuse", dev2)
    pipeline.settle("stage_exception")

    answer = pipeline.retry(1)

    assert_empty_object(answer)
    assert results(pipeline.wait_asking(1)) == {"dev1": "waiting", "dev2": "waiting"}
    for client in (dev1, dev2):
        assert_empty_object(pipeline.vote(1, "pass", client))
    pipeline.settle("success")
    assert bench.counts("before", "after") == [1, 1]


def test_rollback_of_an_official_stage_closes_the_review_behind_it(
    dev1: SwrClient, target: Target
) -> None:
    """A release is rolled back while the review behind it asks: the review is cancelled."""
    given = release_only(target)
    given["stages"].append(review("one", "dev1"))
    pipeline = Pipeline(dev1, given)
    for version in ("v1", "v2"):
        pipeline.start(VERSION=version)
        pipeline.wait_asking(1)
        if version == "v1":
            pipeline.vote(1, "pass")
            pipeline.settle("success")

    pipeline.roll_back(0)

    assert pipeline.stage_statuses() == ["rollback_success", "cancel"]
    assert target.live == "v1"
    assert pipeline.retry(1).error == INVALID
