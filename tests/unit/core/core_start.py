"""The snapshot that a run of the tests begins with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from mulligan.core.ids import PipelineId, ProjectId, RunId, StepId, UserName
from mulligan.core.run import Run, RunAttempt, RunHead, RunSettings, StartParameter
from mulligan.core.spec import PipelineSpec, SpecIndex

START = datetime(2026, 1, 1, tzinfo=UTC)
ALICE = UserName("alice")
FACTS = {"BK_CI_PIPELINE_NAME": "shop", "BK_CI_BUILD_URL": "http://ci/runs/1"}


def first_run(
    spec: PipelineSpec,
    *,
    settings: RunSettings | None = None,
    parameters: tuple[StartParameter, ...] = (),
    disabled: Iterable[StepId] = (),
) -> Run:
    """Give the snapshot that a run begins with, before its first event."""
    head = RunHead(
        id=RunId("b-" + "0" * 32),
        project=ProjectId("demo"),
        pipeline=PipelineId("p-" + "0" * 32),
        version=1,
        number=1,
        started_by=ALICE,
        queued_at=START,
        attempts=(RunAttempt(number=1, actor=ALICE, queued_at=START),),
        settings=settings or RunSettings(),
        parameters=parameters,
        disabled_steps=frozenset(disabled),
    )
    return Run(head=head, index=SpecIndex(spec))
