"""Short ways to write definitions in tests. Steps, jobs and stages are named by their ids."""

from collections.abc import Callable
from typing import Any

from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.spec import (
    JobSpec,
    PipelineSpec,
    ReviewGroup,
    ReviewSpec,
    StageSpec,
    StepSpec,
)


def step(name: str, **fields: Any) -> StepSpec:
    """Give a step whose id, name and ref are `name`."""
    return StepSpec(id=StepId(name), **{"name": name, "ref": name, **fields})


def job(name: str, *steps: StepSpec | str, **fields: Any) -> JobSpec:
    """Give a job; a step may be given by its name alone. `depends_on` takes plain names."""
    made = tuple(step(item) if isinstance(item, str) else item for item in steps)
    return JobSpec(id=JobId(name), steps=made, **{"name": name, "ref": f"job{name}", **fields})


def stage(name: str, *jobs: JobSpec, **fields: Any) -> StageSpec:
    """Give a stage."""
    return StageSpec(id=StageId(name), jobs=jobs, **{"name": name, **fields})


def last(*jobs: JobSpec) -> StageSpec:
    """Give the finally stage."""
    return stage("last", *jobs, is_finally=True)


def pipeline(*stages: StageSpec, **fields: Any) -> PipelineSpec:
    """Give a definition."""
    return PipelineSpec(stages=stages, **{"name": "build", **fields})


def one_job(*steps: StepSpec | str, **fields: Any) -> PipelineSpec:
    """Give a definition of one stage `s` with one job `1`."""
    return pipeline(stage("s", job("1", *steps)), **fields)


def review(*reviewers: str, **fields: Any) -> ReviewSpec:
    """Give the review of a stage: one group of these people."""
    return ReviewSpec(groups=(ReviewGroup(id="g", reviewers=reviewers),), **fields)


def failing(*attempts: tuple[str, int]) -> Callable[[StepId, int], bool]:
    """Give the script of a simulation in which these attempts of steps fail, e.g. `("a", 1)`."""
    return lambda name, attempt: (name, attempt) not in attempts
