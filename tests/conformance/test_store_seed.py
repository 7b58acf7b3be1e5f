"""`seed_runs` and `check`: databases for capacity tests, and whether a database is sound."""

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from conformance.store_builders import (
    NOW,
    build_head,
    create,
    decide,
    put_pipeline,
    run_id,
    step_id,
)
from conformance.store_loop import Loop
from conformance.store_releases import build_deployment, build_environment, change
from mulligan.core import events as e
from mulligan.core.decision import Effect
from mulligan.core.deployments import Outcome, begin, settle
from mulligan.core.ids import PipelineId, ProjectId, RunnerName
from mulligan.core.status import FINAL, Status
from mulligan.facades.bkci.model_in import compile_model
from mulligan.ports import RunFilter
from mulligan.store.check import check
from mulligan.store.lock import DataInUseError, DataLock
from mulligan.store.seed import seed_runs
from mulligan.store.sql.store import SqlStore

SHOP = ProjectId("shop")
RUNS = 300


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[PipelineId]]:
    """Give a database with runs of three pipelines."""
    path = tmp_path_factory.mktemp("seeded") / "mulligan.db"
    return path, seed_runs(path, "shop", pipelines=3, runs=RUNS, age_days=10)


# --- seed ---------------------------------------------------------------------------------------


def test_seeded_runs_are_finished_and_mixed(seeded: tuple[Path, list[PipelineId]]) -> None:
    """There are as many as asked for, of all results, users and triggers, spread over the days."""
    path, pipelines = seeded

    with Loop(SqlStore(path)) as loop:
        page = loop.run(loop.store.list_runs(RunFilter(project=SHOP), limit=RUNS + 1))
        last = [loop.run(loop.store.last_number(pipeline)) for pipeline in pipelines]

    heads = page.items
    assert len(heads) == RUNS
    assert last == [RUNS // 3] * 3
    assert (
        {head.status for head in heads}
        == {
            Status.SUCCEEDED,
            Status.FAILED,
            Status.CANCELLED,
        }
        <= FINAL
    )
    assert len({head.started_by for head in heads}) > 10
    assert len({head.start_kind for head in heads}) > 3
    assert any(head.remark for head in heads)
    assert all(head.message for head in heads)
    assert (heads[0].queued_at - heads[-1].queued_at).days == 9


def test_a_seeded_database_is_sound(seeded: tuple[Path, list[PipelineId]]) -> None:
    """What is written past the engine keeps every rule of the store."""
    assert check(seeded[0]) == []


def test_what_an_older_version_left_out_is_no_damage(
    seeded: tuple[Path, list[PipelineId]],
) -> None:
    """It did not store when the time of a job began."""
    assert damage(seeded[0], "UPDATE jobs SET doc = json_remove(doc, '$.counted_from')") == []


def test_seeding_again_adds_to_the_same_pipelines(tmp_path: Path) -> None:
    """A second call goes on with the numbers of the first."""
    path = tmp_path / "mulligan.db"
    first = seed_runs(path, "shop", runs=5)

    second = seed_runs(path, "shop", runs=3)

    assert first == second
    with Loop(SqlStore(path)) as loop:
        assert loop.run(loop.store.last_number(first[0])) == 8
        assert [project.id for project in loop.run(loop.store.list_projects())] == [SHOP]
    assert check(path) == []


def test_seeding_needs_the_server_to_be_stopped(tmp_path: Path) -> None:
    """While somebody has the directory nothing is written."""
    with DataLock(tmp_path), pytest.raises(DataInUseError):
        seed_runs(tmp_path / "mulligan.db", "shop", runs=1)

    assert not (tmp_path / "mulligan.db").exists()


def test_the_seeded_definition_means_what_its_dialect_says(
    seeded: tuple[Path, list[PipelineId]],
) -> None:
    """The document that is shown and the definition that is run are one."""
    path, pipelines = seeded

    with Loop(SqlStore(path)) as loop:
        version = loop.run(loop.store.find_version(pipelines[0], 1))

    assert version is not None
    assert compile_model(version.source) == version.spec


# --- check --------------------------------------------------------------------------------------


def test_a_missing_database_is_a_finding(tmp_path: Path) -> None:
    """Checking the wrong directory says so."""
    (finding,) = check(tmp_path / "mulligan.db")

    assert "no database" in finding


def test_garbage_is_a_finding(tmp_path: Path) -> None:
    """A file that can't be read as a database is reported, not raised."""
    path = tmp_path / "mulligan.db"
    path.write_bytes(b"no database" * 1_000)

    (finding,) = check(path)

    assert "can't be read" in finding


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Give a database with one run that is going on, checked to be sound."""
    path = tmp_path / "mulligan.db"
    with Loop(SqlStore(path)) as loop:
        loop.run(put_pipeline(loop.store))
        created = create(build_head())
        started = decide(
            created.run,
            e.RunStarted(at=created.run.head.queued_at),
            e.StageStarted(at=created.run.head.queued_at, node="stage-2", position=0),
            e.MutexAsked(
                at=created.run.head.queued_at, node="1", mutex="door", run_attempt=1, places=1
            ),
            e.JobQueued(at=created.run.head.queued_at, node="1", run_attempt=1),
            effects=[Effect(kind="offer", key="1")],
        )
        claimed = decide(
            started.run,
            e.JobClaimed(
                at=created.run.head.queued_at, node="1", runner=RunnerName("local-1"), fence=1
            ),
            e.StepStarted(at=created.run.head.queued_at, node=step_id(1)),
            effects=[Effect(kind="offer", key="1", drop=True)],
        )
        for decision in (created, started, claimed):
            loop.run(loop.store.append(decision))
    assert check(path) == []
    return path


def damage(path: Path, *statements: str) -> list[str]:
    """Change a database behind the store's back; return the findings."""
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return check(path)


UNQUEUE = "UPDATE jobs SET status = 'succeeded', held = 0"
ADD_EFFECT = (
    "INSERT INTO outbox (run, kind, key, created_at, doc) "
    "SELECT key, 'timer', '1', 0, '{}' FROM runs"
)
ADD_GATE = (
    "INSERT INTO gates (run, node, attempt, latest, status, doc) "
    "SELECT key, '1', 1, 1, 'open', '{}' FROM runs"
)
SECOND_ATTEMPT = (
    "INSERT INTO jobs (run, node, attempt, latest, status, held, doc) "
    "SELECT run, node, 2, 1, status, held, doc FROM jobs"
)


@pytest.mark.parametrize(
    ("statements", "finding"),
    [
        ([UNQUEUE], "no job, gate or effect will carry it on"),
        ([UNQUEUE], "job 1 has a ticket for a mutex, but it has ended"),
        (["DELETE FROM mutex_tickets"], "job 1 needs a mutex, but it has no ticket"),
        (["UPDATE jobs SET doc = json_remove(doc, '$.runner')"], "no runner holds it"),
        (["DELETE FROM events WHERE revision = 2"], "do not lead from revision 1 to 3"),
        (["DELETE FROM events WHERE revision = 3"], "do not lead from revision 1 to 3"),
        (["UPDATE events SET revision = 4 - revision"], "do not lead from revision 1 to 3"),
        (["UPDATE runs SET revision = 4"], "do not lead from revision 1 to 4"),
        (
            ["DELETE FROM events WHERE doc LIKE '%StepStarted%'"],
            "its steps are not what its events say",
        ),
        (
            ["DELETE FROM events WHERE doc LIKE '%RunStarted%'"],
            "its started_at is not what its events say",
        ),
        (["UPDATE runs SET stage = 5"], "its stage is not what its events say"),
        (["UPDATE writes SET withdrawn = 1"], "its writes are not what its events say"),
        (["UPDATE jobs SET latest = 0"], "the attempts of 1 (jobs) are numbered or marked wrongly"),
        (
            [SECOND_ATTEMPT],
            "are numbered or marked wrongly",
        ),
        (["UPDATE events SET run = 77"], "a row of runs that is missing"),
        (
            ["UPDATE events SET doc = replace(doc, 'StepStarted', 'StepDanced')"],
            "in a form that this version does not know",
        ),
        (["UPDATE migrations SET sha256 = 'x'"], "was changed after it was applied"),
    ],
)
def test_each_damage_is_found(sound: Path, statements: list[str], finding: str) -> None:
    """Every rule that is broken gives a line that says which, and for which run."""
    findings = damage(sound, *statements)

    assert any(finding in line for line in findings), findings


@pytest.mark.parametrize("statement", [ADD_EFFECT, ADD_GATE], ids=["effect", "gate"])
def test_an_open_gate_or_an_effect_is_work_left(sound: Path, statement: str) -> None:
    """A run that waits for a person or a timer is not idle."""
    findings = damage(sound, UNQUEUE, statement)

    assert [line for line in findings if "will carry it on" in line] == []


def test_missing_numbers_are_found(sound: Path) -> None:
    """Numbers of a pipeline follow one another."""
    with Loop(SqlStore(sound)) as loop:
        loop.run(loop.store.append(create(build_head(3, ident=2))))

    findings = check(sound)

    assert any("2 runs numbered 1 to 3" in line for line in findings)
    assert any(str(run_id(2)) in line for line in findings)  # it has no work left either


@pytest.fixture
def released(sound: Path) -> Path:
    """Give a database with a live release, and another deployment under way in a second place."""
    staging = build_environment("shop/test/web")
    with Loop(SqlStore(sound)) as loop:
        first, second = build_deployment(1), build_deployment(2, environment=staging.key)
        held = [begin(build_environment(), first, NOW), begin(staging, second, NOW)]
        new = [replace(environment, revision=1) for environment in held]
        loop.run(loop.store.put_ledger(change(*new, deployments=[first, second])))
        loop.run(loop.store.put_ledger(settle(new[0], first, Outcome.SUCCEEDED, NOW)))
    assert check(sound) == []
    return sound


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE deployments SET outcome = 'failed' WHERE id = 'd-2'", "is held by deployment d-2"),
        ("UPDATE environments SET holder = 'd-2' WHERE live = 'd-1'", "is held by deployment d-2"),
        ("UPDATE deployments SET outcome = 'failed' WHERE id = 'd-1'", "its live d-1"),
        ("UPDATE environments SET gray = 'd-9' WHERE live = 'd-1'", "its gray d-9"),
        ("UPDATE environments SET live = 'd-1'", "environment shop/test/web: its live d-1"),
        ("UPDATE runs SET status = 'failed', ended_at = 1", "deployment d-2: is under way"),
        ("UPDATE deployments SET run = 'b-0' WHERE id = 'd-2'", "its run b-0 is not"),
    ],
)
def test_a_wrong_ledger_is_found(released: Path, statement: str, finding: str) -> None:
    """Holders are under way, releases have succeeded, and runs outlive their deployments."""
    findings = damage(released, statement)

    assert any(finding in line for line in findings)
