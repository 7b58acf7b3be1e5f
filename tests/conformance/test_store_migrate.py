"""Databases of other versions of this program."""

import sqlite3
from datetime import datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from conformance.store_builders import (
    ANN,
    NOW,
    SHOP,
    build_head,
    build_pipeline,
    build_project,
    create,
    decide,
    parts,
    put_pipeline,
    run_id,
)
from mulligan.core import events as e
from mulligan.core.records import PipelineSettings
from mulligan.core.run import RunAttempt
from mulligan.core.status import Status
from mulligan.core.triggers.origin import Origin
from mulligan.ports import RunFilter
from mulligan.store.instants import micros
from mulligan.store.lock import DataLock
from mulligan.store.sql import rows
from mulligan.store.sql import store as store_module
from mulligan.store.sql.dialects import Sqlite
from mulligan.store.sql.migrate import (
    Migration,
    SchemaError,
    migrate,
    read_migrations,
)
from mulligan.store.sql.store import SqlStore

PROJECT = build_project()
MORE = Migration(
    number=len(read_migrations()) + 1,
    name="9999_more.sql",
    sql="CREATE TABLE more (a TEXT);\nINSERT INTO more VALUES ('a; b');\n",
)


def open_file(path: Path) -> sqlite3.Connection:
    """Connect to a database as the store does."""
    return sqlite3.connect(path, isolation_level=None)


def tables(path: Path) -> set[str]:
    """Return the names of the tables of a database."""
    connection = open_file(path)
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    return {name for (name,) in found}


def apply(path: Path, *migrations: Migration) -> None:
    """Bring a database to the state after these migrations."""
    connection = open_file(path)
    try:
        migrate(Sqlite(path), connection, migrations)
    finally:
        connection.close()


@pytest.mark.anyio
async def test_a_database_of_the_first_version_can_be_used(tmp_path: Path) -> None:
    """What migration 0001 alone made is brought up to date and takes a run."""
    path = tmp_path / "mulligan.db"
    apply(path, read_migrations()[0])

    store = SqlStore(path)
    await store.open()
    await put_pipeline(store)
    decision = create(build_head())
    await store.append(decision)

    assert parts(await store.get_run(run_id(1))) == parts(decision.run)
    await store.close()


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T04:00:00Z",
        "2026-11-22T04:00:59.999999Z",
        "1969-12-31T23:59:59.000001Z",
        "9999-12-31T23:59:59.900000Z",
    ],
)
@pytest.mark.anyio
async def test_pipelines_of_the_first_version_know_when_they_changed(
    tmp_path: Path, text: str
) -> None:
    """Migration 0002 reads the instant out of the document, and puts them in no group."""
    path = tmp_path / "mulligan.db"
    apply(path, read_migrations()[0])
    changed = datetime.fromisoformat(text)
    extra = {"updated_at": "2000-01-01T00:00:00Z"}
    pipeline = replace(
        build_pipeline(name='"updated_at":"x"'),
        updated_at=changed,
        settings=PipelineSettings(extra=extra),
    )
    connection = open_file(path)
    connection.execute("INSERT INTO projects VALUES (1, 'shop', 'x', ?)", (rows.text(PROJECT),))
    connection.execute(
        "INSERT INTO pipelines VALUES (1, ?, 1, ?, 0, ?)",
        (pipeline.id, pipeline.name, rows.text(pipeline)),
    )
    connection.close()

    store = SqlStore(path)
    await store.open()
    found = await store.list_group_pipelines(SHOP, groups=[0])
    await store.close()

    assert text in rows.text(pipeline)
    assert found == (((replace(pipeline, number=1), None),), 1)
    connection = open_file(path)
    assert connection.execute("SELECT updated_at FROM pipelines").fetchall() == [(micros(changed),)]
    connection.close()


@pytest.mark.anyio
async def test_runs_of_earlier_versions_are_found_by_branch_and_repair(tmp_path: Path) -> None:
    """Migration 0010 reads both out of the documents: a retry after a failure is a repair."""
    path = tmp_path / "mulligan.db"
    store = SqlStore(path)
    await store.open()
    await put_pipeline(store)
    for number, repaired in ((1, True), (2, False)):
        head = replace(build_head(number, ident=number), origin=Origin(branch=f"b{number}"))
        decision = create(head)
        await store.append(decision)
        ended = decide(
            decision.run,
            e.RunStarted(at=NOW),
            e.RunFinished(at=NOW, status=Status.FAILED if repaired else Status.SUCCEEDED),
        )
        await store.append(ended)
        if repaired:
            again = RunAttempt(number=2, actor=ANN, queued_at=NOW, what="retry")
            events = (
                e.RunRetried(at=NOW, attempt=again),
                e.RunStarted(at=NOW),
                e.RunFinished(at=NOW, status=Status.SUCCEEDED),
            )
            await store.append(decide(ended.run, *events))
    await store.close()
    (overview,) = [each for each in read_migrations() if each.name == "0010_overview.sql"]
    connection = open_file(path)
    connection.execute("UPDATE runs SET branch = '', recovered = 0")
    for statement in overview.sql.split(";"):
        if "UPDATE runs" in statement:
            connection.execute(statement)
    connection.close()

    store = SqlStore(path)
    await store.open()
    repaired_runs = await store.list_runs(RunFilter(project=SHOP, recovered=True))
    of_branch = await store.list_runs(RunFilter(project=SHOP, branches=("b2",)))
    await store.close()

    assert [head.number for head in repaired_runs.items] == [1]
    assert [head.number for head in of_branch.items] == [2]


@pytest.mark.anyio
async def test_an_existing_database_is_copied_before_it_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new migration leaves a copy of what was there, and what was there is kept."""
    path = tmp_path / "mulligan.db"
    store = SqlStore(path)
    await store.open()
    await put_pipeline(store)
    decision = create(build_head())
    await store.append(decision)
    await store.close()
    monkeypatch.setattr(store_module, "read_migrations", lambda: (*read_migrations(), MORE))

    again = SqlStore(path)
    await again.open()
    following = decide(decision.run, e.RemarkWritten(at=NOW, actor=ANN, text="x"))
    await again.append(following)

    assert parts(await again.get_run(run_id(1))) == parts(following.run)
    await again.close()
    copy = path.with_name(f"mulligan.db.before-{MORE.number:04}")
    assert "more" in tables(path)
    assert "more" not in tables(copy)
    assert "runs" in tables(copy)


def test_a_new_database_is_not_copied(tmp_path: Path) -> None:
    """There is nothing to keep before the first migration."""
    apply(tmp_path / "mulligan.db", *read_migrations(), MORE)

    assert not list(tmp_path.glob("*.before-*"))


def test_nothing_is_applied_twice(tmp_path: Path) -> None:
    """A database that is up to date stays as it is."""
    path = tmp_path / "mulligan.db"
    apply(path, *read_migrations(), MORE)

    apply(path, *read_migrations(), MORE)

    connection = open_file(path)
    assert connection.execute("SELECT a FROM more").fetchall() == [("a; b",)]
    connection.close()


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A program that is older than the database says so and changes nothing."""
    path = tmp_path / "mulligan.db"
    apply(path, *read_migrations(), MORE)

    with pytest.raises(SchemaError, match="newer version"):
        apply(path, *read_migrations())


def test_a_changed_migration_is_named(tmp_path: Path) -> None:
    """A file that was edited after it was applied is an error that names it."""
    path = tmp_path / "mulligan.db"
    apply(path, *read_migrations(), MORE)
    changed = Migration(number=MORE.number, name=MORE.name, sql=MORE.sql + "-- more\n")

    with pytest.raises(SchemaError, match=MORE.name):
        apply(path, *read_migrations(), changed)


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """All statements of a migration count, or none."""
    path = tmp_path / "mulligan.db"
    wrong = Migration(number=MORE.number, name=MORE.name, sql=MORE.sql + "DROP TABLE nowhere;\n")

    with pytest.raises(SchemaError, match="nowhere"):
        apply(path, *read_migrations(), wrong)

    assert "more" not in tables(path)
    apply(path, *read_migrations(), MORE)
    assert "more" in tables(path)


@pytest.mark.parametrize("name", ["0002_gap.sql", "first.sql"])
def test_misnamed_migrations_are_refused(tmp_path: Path, name: str) -> None:
    """Files that leave a gap or have no number would be applied in a wrong order."""
    (tmp_path / name).write_text("SELECT 1;\n")

    with pytest.raises(SchemaError, match=name):
        read_migrations(tmp_path)


def test_an_unfinished_statement_is_refused(tmp_path: Path) -> None:
    """A statement without its semicolon is not silently left out."""
    unfinished = Migration(number=1, name="0001_x.sql", sql="CREATE TABLE a (b TEXT)\n")

    with pytest.raises(SchemaError, match="semicolon"):
        apply(tmp_path / "mulligan.db", unfinished)


@pytest.mark.anyio
async def test_a_store_that_cannot_be_opened_lets_its_directory_go(tmp_path: Path) -> None:
    """After a refused database the lock is free."""
    path = tmp_path / "mulligan.db"
    apply(path, *read_migrations(), MORE)

    with pytest.raises(SchemaError):
        await SqlStore(path).open()

    with DataLock(tmp_path):
        pass
