"""Short ways to write down a definition, how its steps end, and what became of it."""

from __future__ import annotations

from typing import Any

from core_world import Ending, World

from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.recovery.plan import Action, NodePlan, Plan
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Job, Run, Stage, Step
from mulligan.core.spec import Condition, JobSpec, PipelineSpec, RunWhen, StageSpec, StepSpec
from mulligan.core.status import Status
from mulligan.testing.strategies import Outcome

ALWAYS = 1_000_000


def when(kind: str, *pairs: tuple[str, str], text: str = "") -> Condition:
    """Give a condition by the value of its `RunWhen`."""
    return Condition(when=RunWhen(kind), variables=pairs, expression=text)


def step(name: str, runs: str | Condition = "success", **fields: Any) -> StepSpec:
    """Give a step; `runs` is its condition."""
    condition = when(runs) if isinstance(runs, str) else runs
    defaults: dict[str, Any] = {"inputs": {"script": "true"}, "ref": name}
    return StepSpec(id=StepId(name), name=name, condition=condition, **{**defaults, **fields})


def review_step(name: str, *people: str, **fields: Any) -> StepSpec:
    """Give a step that waits for one of some people."""
    inputs = {"reviewUsers": list(people), **fields.pop("inputs", {})}
    return step(name, kind="review", inputs=inputs, **fields)


def job(number: int, *steps: StepSpec | str, **fields: Any) -> JobSpec:
    """Give a job; a text stands for a plain step of that name. `needs`: numbers of jobs."""
    needs = tuple(JobId(str(other)) for other in fields.pop("needs", ()))
    runs = fields.pop("runs", "success")
    return JobSpec(
        id=JobId(str(number)),
        name=f"job {number}",
        ref=f"j{number}",
        depends_on=needs,
        condition=when(runs) if isinstance(runs, str) else runs,
        steps=tuple(step(item) if isinstance(item, str) else item for item in steps),
        hash_id=f"c-{number}",
        **fields,
    )


def stage(number: int, *jobs: JobSpec, **fields: Any) -> StageSpec:
    """Give the stage `stage-<number>`; the first after the trigger is number 2."""
    runs = fields.pop("runs", "success")
    return StageSpec(
        id=StageId(f"stage-{number}"),
        name=f"stage {number}",
        jobs=jobs,
        condition=when(runs) if isinstance(runs, str) else runs,
        **fields,
    )


def last(number: int, *jobs: JobSpec) -> StageSpec:
    """Give the finally stage."""
    return stage(number, *jobs, is_finally=True)


def pipeline(*stages: StageSpec, **fields: Any) -> PipelineSpec:
    """Give a definition."""
    return PipelineSpec(name="example", stages=stages, **fields)


def one_job(*steps: StepSpec | str) -> PipelineSpec:
    """Give a definition of one stage with one job."""
    return pipeline(stage(2, job(1, *steps)))


def broken(*names: str, **times: int) -> Ending:
    """Let steps fail: those named always, others as many times as is said."""
    counts = {**dict.fromkeys(names, ALWAYS), **times}

    def ending(step_id: StepId, attempt: int) -> Outcome:
        if attempt <= counts.get(step_id, 0):
            return Outcome(Status.FAILED, Cause.USER)
        return Outcome()

    return ending


def ran(spec: PipelineSpec, ending: Ending | None = None, **fields: Any) -> World:
    """Give a run of a definition that has come to its end."""
    world = World(spec, ending, **fields)
    world.finish()
    return world


def word(record: Run | Stage | Job | Step) -> str:
    """Give status and cause: "skipped:waived", or only "succeeded"."""
    node = record.head if isinstance(record, Run) else record
    return node.status.value if node.cause is None else f"{node.status.value}:{node.cause.value}"


def step_words(run: Run, *names: str) -> list[str]:
    """Give the words of steps."""
    return [word(run.step(StepId(name))) for name in names]


def job_words(run: Run, *numbers: int) -> list[str]:
    """Give the words of jobs."""
    return [word(run.job(JobId(str(number)))) for number in numbers]


def stage_words(run: Run, *numbers: int) -> list[str]:
    """Give the words of stages."""
    return [word(run.stage(StageId(f"stage-{number}"))) for number in numbers]


def starts(world: World, *names: str) -> list[int]:
    """Tell how often steps were started."""
    return [sum(step_id == name for step_id, _ in world.started) for name in names]


def accepted(plan: Plan | Refusal) -> Plan:
    """Give the plan of what must not be refused."""
    assert isinstance(plan, Plan), plan
    return plan


def refused(answer: object) -> RefusalCode:
    """Give the code of what must be refused, with a message in any case."""
    assert isinstance(answer, Refusal), answer
    assert answer.message
    return answer.code


def actions(plan: Plan | Refusal, *names: str) -> list[str]:
    """Give what a plan does with nodes: of whatever level, by their ids."""
    found = accepted(plan)
    nodes: dict[str, NodePlan] = {}
    for part in (found.stages, found.jobs, found.steps):
        nodes.update((str(node_id), node) for node_id, node in part.items())
    return [nodes[name].action.value for name in names]


KEEP, RERUN, SKIP = Action.KEEP.value, Action.RERUN.value, Action.SKIP.value
