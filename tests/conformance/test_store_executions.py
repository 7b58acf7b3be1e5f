"""What every store says of pipelines with their newest runs, and of executions of jobs."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from conformance.conftest import STORES
from conformance.store_builders import (
    ANN,
    NOW,
    SHOP,
    at,
    build_head,
    build_pipeline,
    build_project,
    build_spec,
    build_version,
    create,
    decide,
    parts,
    pipeline_id,
    play,
    put_pipeline,
    run_id,
)
from conformance.store_releases import build_group
from conformance.test_store_sql import statements_of
from mulligan.core import events as e
from mulligan.core.decision import Decision
from mulligan.core.errors import NotFoundError
from mulligan.core.ids import JobId, PipelineId
from mulligan.core.run import Run, RunAttempt
from mulligan.core.spec import SpecIndex
from mulligan.core.status import Status
from mulligan.ports import Store
from mulligan.store import memory_executions
from mulligan.store.sql import executions, readers
from mulligan.store.sql.store import SqlStore

pytestmark = pytest.mark.anyio

JOB = JobId("1")


async def finish_run(store: Store, number: int = 1, *, pipeline: int = 1, ident: int = 0) -> Run:
    """Store a run of one job that succeeds; return its last snapshot."""
    decision = create(build_head(number, ident=ident, pipeline=pipeline))
    await store.append(decision)
    for following in play(decision.run):
        await store.append(following)
        decision = following
    return decision.run


def retried(run: Run, version: int = 0) -> Decision:
    """Give the decision that opens a finished run again, its job as the next attempt."""
    now = at(100)
    number = run.head.attempt + 1
    attempt = RunAttempt(number=number, actor=ANN, queued_at=now, what="retry")
    return decide(
        run,
        e.RunRetried(at=now, attempt=attempt, version=version),
        e.StageReset(at=now, node="stage-2", run_attempt=number),
        e.JobReset(at=now, node=JOB, run_attempt=number),
    )


async def names(store: Store, **options: Any) -> list[str]:
    """Return the names of the pipelines of the shop in the order of their last changes."""
    found, _ = await store.list_group_pipelines(SHOP, **options)
    return [pipeline.name for pipeline, _ in found]


# --- pipelines ----------------------------------------------------------------------------------


async def test_pipelines_come_by_their_last_change(store: Store) -> None:
    """What counts is the later of the pipeline's own change and that of its newest run."""
    await store.put_project(build_project())
    for number, second in ((1, 50), (2, 60), (3, 10), (4, 60)):
        pipeline = replace(build_pipeline(number), updated_at=at(second))
        await store.put_pipeline(pipeline, build_version(number))
    old = await finish_run(store, 1, pipeline=3)
    newest = replace(build_head(2, ident=7, pipeline=3), queued_at=at(55))
    await store.append(create(newest))
    await store.append(decide(old, e.RemarkWritten(at=at(90), actor=ANN, text="not the newest")))

    found, total = await store.list_group_pipelines(SHOP)

    assert [pipeline.name for pipeline, _ in found] == ["build 4", "build 2", "build 3", "build 1"]
    assert [head for _, head in found] == [None, None, newest, None]
    assert total == 4
    assert await store.list_group_pipelines(SHOP, limit=2, offset=1) == (found[1:3], 4)


async def test_pipelines_are_narrowed_by_group_and_name(store: Store) -> None:
    """Groups are numbers, 0 among them; ASCII letters of a name match in either case."""
    await store.put_project(build_project())
    for number in range(1, 9):
        await store.put_group(build_group(f"group-{number}"))
    for number, (name, group) in enumerate([("Web A", 0), ("web b", 7), ("Ä%", 8), ("ä_", 7)], 1):
        await store.put_pipeline(replace(build_pipeline(number, name=name), group=group))
    gone = await store.put_pipeline(replace(build_pipeline(5, name="web gone"), group=7))
    await store.put_pipeline(replace(gone, deleted_at=NOW))

    assert await names(store) == ["ä_", "Ä%", "web b", "Web A"]
    assert await names(store, groups=[7, 7, 9]) == ["ä_", "web b"]
    assert await names(store, groups=[0]) == ["Web A"]
    assert await names(store, groups=[]) == []
    assert await names(store, name_contains="WEB") == ["web b", "Web A"]
    assert await names(store, name_contains="b", groups=[0, 7]) == ["web b", "Web A"]
    assert await names(store, name_contains="Ä") == ["Ä%"]
    assert await names(store, name_contains="%") == ["Ä%"]
    assert (await store.list_group_pipelines(SHOP, groups=[7], limit=1))[1] == 2


async def test_a_pipeline_moves_between_groups(store: Store) -> None:
    """Putting it again with another group is all it takes."""
    await store.put_project(build_project())
    first = await store.put_group(build_group("first"))
    second = await store.put_group(build_group("second"))
    pipeline = await store.put_pipeline(replace(build_pipeline(), group=first.number))

    await store.put_pipeline(replace(pipeline, group=second.number, updated_at=at(1)))

    assert await names(store, groups=[first.number]) == []
    assert await names(store, groups=[second.number]) == ["build 1"]


async def test_a_new_pipeline_needs_its_group(store: Store) -> None:
    """A group that was deleted meanwhile gets no pipeline; nothing is stored."""
    await store.put_project(build_project())
    group = await store.put_group(build_group("gone"))
    await store.drop_group(group.number)

    with pytest.raises(NotFoundError):
        await store.put_pipeline(replace(build_pipeline(), group=group.number))

    assert await names(store) == []


async def test_the_newest_run_is_the_one_with_the_greatest_number(store: Store) -> None:
    """However old or young its last change is."""
    await put_pipeline(store)
    await put_pipeline(store, 2)
    first = await finish_run(store, 1)
    second = create(build_head(2))
    await store.append(second)
    await store.append(retried(first))

    assert await store.newest_run(pipeline_id(1)) == second.run.head
    assert await store.newest_run(pipeline_id(2)) is None
    assert await store.newest_run(PipelineId("none")) is None


async def test_a_pipeline_is_found_by_its_number(store: Store) -> None:
    """Always as it was put last, also after it was deleted."""
    await store.put_project(build_project())
    pipeline = await store.put_pipeline(build_pipeline())
    assert await store.pipeline_by_number(pipeline.number) == pipeline

    changed = await store.put_pipeline(replace(pipeline, name="new", deleted_at=NOW))

    assert await store.pipeline_by_number(pipeline.number) == changed
    assert await store.pipeline_by_number(99) is None


# --- executions ---------------------------------------------------------------------------------


async def test_executions_of_a_job_are_numbered_over_all_runs(store: Store) -> None:
    """Each attempt has a number of its own that ascends with time and never changes."""
    spec = build_spec(jobs=2)
    await put_pipeline(store, spec=spec)
    await put_pipeline(store, 2)
    one = await finish_run(store, 1)
    await finish_run(store, 1, pipeline=2, ident=9)
    two = await finish_run(store, 2)
    before = await store.list_stage_jobs(pipeline_id(1), JOB)
    again = retried(two).run
    await store.append(retried(two))

    found = await store.list_stage_jobs(pipeline_id(1), JOB)

    assert [(item.head, item.job) for item in found] == [
        (again.head, again.jobs[JOB]),
        (again.head, two.jobs[JOB]),
        (one.head, one.jobs[JOB]),
    ]
    assert [item.job.attempt for item in found] == [2, 1, 1]
    assert [item.number for item in found[1:]] == [item.number for item in before]
    numbers = [item.number for item in found]
    assert numbers == sorted(set(numbers), reverse=True)
    assert await store.list_stage_jobs(pipeline_id(1), JOB, limit=2) == found[:2]
    assert [await store.find_stage_job(number) for number in numbers] == list(found)


async def test_an_execution_keeps_its_number_while_it_moves(store: Store) -> None:
    """From the queue to the end the number stays, and shows the job as it is now."""
    await put_pipeline(store)
    decision = create(build_head())
    await store.append(decision)
    assert await store.list_stage_jobs(pipeline_id(1), JOB) == ()
    seen = []

    for following in play(decision.run):
        await store.append(following)
        (item,) = await store.list_stage_jobs(pipeline_id(1), JOB)
        assert item.head == following.run.head
        assert item.job.status is following.run.jobs[JOB].status
        seen.append(item.number)

    assert set(seen) == {seen[0]}


async def test_what_never_ran_has_no_execution(store: Store) -> None:
    """Unknown numbers, jobs and pipelines have none."""
    await put_pipeline(store)
    await finish_run(store)
    (item,) = await store.list_stage_jobs(pipeline_id(1), JOB)

    assert await store.find_stage_job(item.number + 1) is None
    assert await store.find_stage_job(0) is None
    assert await store.list_stage_jobs(pipeline_id(1), JobId("9")) == ()
    assert await store.list_stage_jobs(PipelineId("none"), JOB) == ()


async def test_only_the_newest_runs_are_searched(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search for executions goes over several readings and has an end."""
    for module in (executions, memory_executions):
        monkeypatch.setattr(module, "RUNS_AT_MOST", 4)
    monkeypatch.setattr(executions, "_RUNS_AT_ONCE", 2)
    await put_pipeline(store)
    await finish_run(store, 1)
    await finish_run(store, 2)
    for number in (3, 4, 5):
        await store.append(create(build_head(number)))

    found = await store.list_stage_jobs(pipeline_id(1), JOB)

    assert [item.head.id for item in found] == [run_id(2)]


# --- a run that goes on with a newer version ----------------------------------------------------


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_run_moves_to_a_newer_version(
    tmp_path: Path, store: Store, *, reopened: bool
) -> None:
    """The snapshot has that version's definition, and the version is kept while the run goes on."""
    await put_pipeline(store)
    run = await finish_run(store)
    pipeline = await store.find_pipeline(pipeline_id(1))
    assert pipeline is not None
    spec = build_spec(jobs=2)
    for number in (2, 3, 4):
        await store.put_pipeline(
            replace(pipeline, version=number), build_version(version=number, spec=spec)
        )
    moved = retried(replace(run, index=SpecIndex(spec)), version=2)
    if reopened and not isinstance(store, STORES_IN_MEMORY):
        await store.close()
        store = STORES["sqlite"](tmp_path)
        await store.open()

    await store.append(moved)
    dropped = await store.drop_versions(pipeline.id, 1)

    stored = await store.get_run(run.head.id)
    assert stored.head.version == 2
    assert parts(stored) == parts(moved.run)
    assert stored.index.jobs.keys() == {"1", "2"}
    assert dropped == 2
    assert await store.find_version(pipeline.id, 2) is not None
    following = decide(
        stored, e.RunStarted(at=at(101)), e.RunFinished(at=at(102), status=Status.FAILED)
    )
    await store.append(following)
    assert parts(await store.get_run(run.head.id)) == parts(following.run)
    await store.close()


STORES_IN_MEMORY = type(STORES["memory"](Path()))


# --- how SQLite reads ---------------------------------------------------------------------------


@pytest.fixture
async def traced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[SqlStore, list[str]]]:
    """Give an open store whose one reader notes its statements, and that list."""
    monkeypatch.setattr(readers, "THREADS", 1)
    store = SqlStore(tmp_path / "mulligan.db")
    seen: list[str] = []
    await store.open()
    await store._read(lambda connection: statements_of(connection, seen))
    yield store, seen
    await store.close()


async def plans(store: SqlStore, statements: list[str]) -> list[str]:
    """Return how SQLite carries out queries, one line for each step, with the query."""
    queries = [sql for sql in statements if sql.startswith("SELECT")]
    statements.clear()
    return [
        f"{step} -- {sql}"
        for sql in queries
        for _, _, _, step in await store._all(f"EXPLAIN QUERY PLAN {sql}")
    ]


async def test_no_query_reads_a_whole_table(
    traced: tuple[SqlStore, list[str]],
) -> None:
    """Everything that is found or listed is searched by an index, and most lists come sorted."""
    sqlite, seen = traced
    pipeline = pipeline_id(1)

    await sqlite.list_environments(SHOP)
    await sqlite.list_deployments("shop/prod/web")
    await sqlite.list_deployments("shop/prod/web", before=3)
    await sqlite.deployments_of(run_id(1))
    await sqlite.open_deployments()
    await sqlite.list_packages(SHOP)
    await sqlite.list_packages(SHOP, namespace="a", repository="b", name="c")
    await sqlite.list_package_files(1)
    await sqlite.list_groups(SHOP)
    await sqlite.list_grants(1)
    await sqlite.list_templates(SHOP)
    await sqlite.list_hooks(pipeline)
    await sqlite.list_access_keys(ANN)
    await sqlite.list_notes(run_id(1), "1", 1)
    await sqlite.newest_run(pipeline)
    sorted_reads = await plans(sqlite, seen)
    await sqlite.channel_hooks(SHOP, "news")
    await sqlite.list_group_pipelines(SHOP)
    await sqlite.list_group_pipelines(SHOP, name_contains="a", groups=[1, 2])
    await sqlite.list_stage_jobs(pipeline, JOB)
    await sqlite.find_stage_job(1)
    await sqlite.pipeline_by_number(1)

    other_reads = await plans(sqlite, seen)
    assert len(sorted_reads) > 20
    assert len(other_reads) > 5
    assert [plan for plan in sorted_reads + other_reads if plan.startswith("SCAN")] == []
    assert [plan for plan in sorted_reads if "TEMP B-TREE" in plan] == []
