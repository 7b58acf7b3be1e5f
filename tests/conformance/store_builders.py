"""Values for the tests of stores: definitions, records, and runs that are played step by step."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from mulligan.core import events as e
from mulligan.core.decision import Decision, Draft, Effect
from mulligan.core.ids import (
    JobId,
    PipelineId,
    ProjectId,
    RunId,
    RunnerName,
    StageId,
    StepId,
    UserName,
)
from mulligan.core.posts import index_of
from mulligan.core.records import Pipeline, PipelineVersion, Project
from mulligan.core.run import Run, RunAttempt, RunHead, StartParameter, Write
from mulligan.core.spec import JobSpec, PipelineSpec, StageSpec, StepSpec
from mulligan.core.status import Status
from mulligan.ports import Store

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SHOP = ProjectId("shop")
ANN = UserName("ann")
RUNNER = RunnerName("local-1")


def at(seconds: float) -> datetime:
    """Give the instant that many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def run_id(number: int) -> RunId:
    """Give the id of the run that tests know by a number."""
    return RunId(f"b-{number:032x}")


def pipeline_id(number: int) -> PipelineId:
    """Give the id of the pipeline that tests know by a number."""
    return PipelineId(f"p-{number:032x}")


def step_id(number: int) -> StepId:
    """Give the id of a step, counted from 1 over the whole definition."""
    return StepId(f"e-{number:032x}")


def build_spec(*, stages: int = 1, jobs: int = 1, steps: int = 3) -> PipelineSpec:
    """Give a definition with that many stages, jobs in each, and steps in each of these."""
    counter = iter(range(1, stages * jobs * steps + 1))
    return PipelineSpec(
        name="build",
        stages=tuple(
            StageSpec(
                id=StageId(f"stage-{stage + 2}"),
                jobs=tuple(
                    JobSpec(
                        id=JobId(str(stage * jobs + job + 1)),
                        name=f"job {job + 1}",
                        steps=tuple(
                            StepSpec(id=step_id(next(counter)), inputs={"script": "true"})
                            for _ in range(steps)
                        ),
                    )
                    for job in range(jobs)
                ),
            )
            for stage in range(stages)
        ),
    )


def build_project(project: ProjectId = SHOP, number: int = 0) -> Project:
    """Give a project that is named like its id."""
    return Project(id=project, name=f"The {project}", created_by=ANN, created_at=NOW, number=number)


def build_pipeline(number: int = 1, *, project: ProjectId = SHOP, name: str = "") -> Pipeline:
    """Give a pipeline that is not stored yet; `number` is only for its id and name."""
    return Pipeline(
        id=pipeline_id(number),
        project=project,
        name=name or f"build {number}",
        created_by=ANN,
        created_at=NOW,
        updated_by=ANN,
        updated_at=NOW,
    )


def build_version(
    number: int = 1, version: int = 1, spec: PipelineSpec | None = None
) -> PipelineVersion:
    """Give a version of the pipeline that tests know by a number."""
    return PipelineVersion(
        pipeline=pipeline_id(number),
        version=version,
        spec=spec or build_spec(),
        dialect="bkci",
        source={"name": "build", "stages": []},
        created_by=ANN,
        created_at=NOW,
    )


async def put_pipeline(store: Store, number: int = 1, spec: PipelineSpec | None = None) -> None:
    """Store project and pipeline with one version, as far as they are missing."""
    if await store.find_project(SHOP) is None:
        await store.put_project(build_project())
    await store.put_pipeline(build_pipeline(number), build_version(number, spec=spec))


def build_head(number: int = 1, *, ident: int = 0, pipeline: int = 1) -> RunHead:
    """Give the head of a run that was just asked for."""
    return RunHead(
        id=run_id(ident or number),
        project=SHOP,
        pipeline=pipeline_id(pipeline),
        version=1,
        number=number,
        started_by=ANN,
        queued_at=NOW,
        attempts=(RunAttempt(number=1, actor=ANN, queued_at=NOW),),
        parameters=(StartParameter(name="colour", value="red"),),
    )


def new_draft(head: RunHead, spec: PipelineSpec | None = None) -> Draft:
    """Give the draft of a new run, created and with one start value."""
    run = Run(head=head, index=index_of(spec or build_spec(), head.posts))
    draft = Draft(run, head.queued_at, is_new=True)
    draft.emit(e.RunCreated(at=head.queued_at, actor=head.started_by))
    write = Write(name="colour", value="red", read_only=True)
    draft.emit(e.ValuesWritten(at=head.queued_at, writes=(write,)))
    return draft


def create(head: RunHead, spec: PipelineSpec | None = None) -> Decision:
    """Give the decision that makes a run."""
    return new_draft(head, spec).decision()


def decide(run: Run, *events: e.Event, effects: Iterable[Effect] = ()) -> Decision:
    """Give the decision on a stored run that consists of these events."""
    draft = Draft(run, events[-1].at)
    for event in events:
        draft.emit(event)
    for effect in effects:
        draft.effect(effect)
    return draft.decision()


def play(run: Run, *, results: Sequence[Status] = (), seconds: float = 1) -> Iterable[Decision]:
    """Yield the decisions that carry a new run of one job to its end, `seconds` apart.

    Args:
        results: Of the steps in order; the ones that are missing succeed. A step after one that
            did not succeed is skipped.
    """
    stage = run.index.spec.stages[0]
    job = stage.jobs[0]
    player = _Player(run, seconds)
    yield player.decide(
        e.RunStarted(at=player.now),
        e.StageStarted(at=player.now, node=stage.id, position=0),
        e.JobQueued(at=player.now, node=job.id, run_attempt=run.head.attempt),
        effects=[Effect(kind="offer", key=job.id)],
    )
    yield player.decide(
        e.JobClaimed(at=player.now, node=job.id, runner=RUNNER, fence=1),
        e.StepStarted(at=player.now, node=job.steps[0].id, runner=RUNNER),
        effects=[Effect(kind="offer", key=job.id, drop=True)],
    )
    yield from player.run_steps(job, results)
    result = player.run.step(job.steps[player.last].id).status
    yield player.decide(
        e.JobFinished(at=player.now, node=job.id, status=result),
        e.StageFinished(at=player.now, node=stage.id, status=result),
        e.RunFinished(at=player.now, status=result),
    )


class _Player:
    def __init__(self, run: Run, seconds: float) -> None:
        self.run = run
        self.now = run.head.queued_at
        self.last = 0
        self._pace = timedelta(seconds=seconds)

    def decide(self, *events: e.Event, effects: Iterable[Effect] = ()) -> Decision:
        decision = decide(self.run, *events, effects=effects)
        self.run = decision.run
        self.now += self._pace
        return decision

    def run_steps(self, job: JobSpec, results: Sequence[Status]) -> Iterable[Decision]:
        for place, spec in enumerate(job.steps):
            result = results[place] if place < len(results) else Status.SUCCEEDED
            code = 0 if result is Status.SUCCEEDED else 1
            ended: list[e.Event] = [
                e.StepFinished(at=self.now, node=spec.id, status=result, exit_code=code)
            ]
            self.last = place
            if result is Status.SUCCEEDED and place + 1 < len(job.steps):
                following = job.steps[place + 1].id
                ended.append(e.StepStarted(at=self.now, node=following, runner=RUNNER))
            yield self.decide(*ended)
            if result is not Status.SUCCEEDED:
                return


def parts(run: Run) -> tuple[object, ...]:
    """Give all of a snapshot that can be compared: everything but the definition."""
    return (run.head, run.stages, run.jobs, run.steps, run.gates, run.writes)
