"""What a recovery is said to do is what it does: every mode, on pipelines and failures at random.

The rules themselves are tested in the pure core (`test_properties_recovery`); here plan and course
go through the API, the engine and the store.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from native_client import FINAL, NativeApi, NativeClient
from native_server import NativeServer

from mulligan.testing import models
from mulligan.testing.server import poll_until

EXAMPLES = 10
Json = dict[str, Any]
# How often each step fails: by stage, job and step.
FAILURES = st.lists(
    st.lists(st.lists(st.sampled_from((0, 0, 0, 1, 2)), min_size=1, max_size=3), max_size=2),
    min_size=1,
    max_size=3,
).filter(lambda stages: any(times for stage in stages for job in stage for times in job))
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeClient]:
    """Give one server for all examples."""
    with NativeClient(NativeServer(tmp_path_factory.mktemp("preview"))) as client:
        client.post("/projects", {"name": "shop"}, expect=201)
        yield client


def run_once(api: NativeApi, failures: list[list[list[int]]]) -> Json:
    """Run a pipeline whose steps fail so often, to its first end."""
    number = next(_numbers)
    stages = []
    for s, jobs in enumerate(failures):
        made = []
        for j, steps in enumerate(jobs or [[0]]):
            names = [f"{number}-{s}-{j}-{t}" for t in range(len(steps))]
            for name, times in zip(names, steps, strict=True):
                api.server.executor.fail(name, times=times)
            made.append(models.job(f"job {s} {j}", [skippable(name) for name in names]))
        stages.append(models.stage(f"stage {s}", made))
    return api.run_to_end(models.pipeline(f"random {number}", stages))


def skippable(name: str) -> Json:
    """Return a step that may be skipped."""
    return models.step(name, "true", manualSkip=True, manualRetry=True)


@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
@given(failures=FAILURES, pick=st.integers(0, 60))
def test_the_preview_is_what_happens(
    shared: NativeClient, failures: list[list[list[int]]], pick: int
) -> None:
    """Nothing runs that was not said to, what is kept stays; if all goes well all of it runs."""
    run = run_once(shared, failures)
    path = f"/projects/shop/runs/{run['id']}"
    modes = shared.get(f"{path}/recovery/modes")["items"]
    allowed = [mode for mode in modes if mode["allowed"]]
    mode = allowed[pick % len(allowed)]
    request = mode["request"]
    body = {**request["body"], **({"reason": "known"} if mode["needs_reason"] else {})}
    plan = shared.post(f"{path}/recovery/plan", body)

    shared.post(request["path"], body, headers={"If-Match": request["etag"]})

    def ended() -> Json | None:
        state = shared.run(run["id"])
        return state if state["status"] in FINAL else None

    state = poll_until(ended, what="the end of the recovery")
    said = {
        action: {
            node["id"]
            for node in plan["nodes"]
            if node["kind"] == "step" and node["action"] == action
        }
        for action in ("rerun", "keep", "skip")
    }
    done = shared.get(f"{path}/attempts")["items"][-1]
    ran, kept, skipped = ({each["id"] for each in done[key]} for key in ("ran", "kept", "skipped"))
    assert plan["counts"] == mode["plan"]["counts"]
    assert ran <= said["rerun"]
    assert kept <= said["keep"]
    assert said["skip"] <= skipped
    assert not said["keep"] & (ran | skipped)
    if state["status"] == "succeeded":
        assert ran == said["rerun"]
        assert state["attempt"] == plan["run_attempt"]
