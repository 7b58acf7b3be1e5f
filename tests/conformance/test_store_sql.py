"""What only the SQL store has: one writer that commits in groups, readers, what they cost."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.store_builders import (
    ANN,
    NOW,
    RUNNER,
    at,
    build_head,
    build_spec,
    create,
    decide,
    parts,
    pipeline_id,
    play,
    put_pipeline,
    run_id,
    step_id,
)
from mulligan.core import events as e
from mulligan.core.errors import ConflictError, InfrastructureError, NotFoundError
from mulligan.core.ids import UserName
from mulligan.core.records import User
from mulligan.core.run import Run
from mulligan.core.status import Status
from mulligan.store.sql import writer
from mulligan.store.sql.dialects import Connection
from mulligan.store.sql.store import SqlStore

pytestmark = pytest.mark.anyio


def statements_of(connection: Connection, seen: list[str]) -> None:
    """Let a connection report its statements, with their values."""
    assert isinstance(connection, sqlite3.Connection)
    connection.set_trace_callback(seen.append)


def users(connection: Connection) -> list[str]:
    """Return the names in the table of users."""
    return [name for (name,) in connection.execute("SELECT name FROM users ORDER BY name")]


def insert_user(name: str) -> Callable[[Connection], str]:
    """Give a unit of work that makes a user and returns its name."""

    def unit(connection: Connection) -> str:
        connection.execute("INSERT INTO users (name, doc) VALUES (?, '{}')", (name,))
        return name

    return unit


@pytest.fixture(autouse=True)
def long_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing but its gate end a group: a busy machine is slow."""
    monkeypatch.setattr(writer, "MAX_SECONDS", 60.0)


class Gate:
    """A unit of work that keeps the writer busy, so that all that follows becomes one group."""

    def __init__(self) -> None:
        self._open = threading.Event()

    def __call__(self, _connection: Connection) -> None:
        assert self._open.wait(timeout=30)

    def open(self) -> None:
        """Let the writer go on."""
        self._open.set()


# --- the writer ---------------------------------------------------------------------------------


async def test_what_waits_is_committed_together(sqlite: SqlStore) -> None:
    """Many writes at once share few commits, and each gets its own result."""
    seen: list[str] = []
    await sqlite.writer.submit(lambda connection: statements_of(connection, seen))
    gate = Gate()
    first = asyncio.ensure_future(sqlite.writer.submit(gate))
    names = [f"user {number:02}" for number in range(60)]
    rest = [asyncio.ensure_future(sqlite.writer.submit(insert_user(name))) for name in names]
    await asyncio.sleep(0)

    gate.open()

    assert await asyncio.gather(first, *rest) == [None, *names]
    assert await sqlite._read(users) == names
    assert 1 <= seen.count("COMMIT") <= 20


async def test_a_failed_unit_leaves_its_group_alone(sqlite: SqlStore) -> None:
    """Of a group, exactly those units whose work failed get an error and change nothing."""

    def wrong_sql(connection: Connection) -> None:
        insert_user("wrong sql")(connection)
        connection.execute("SELECT * FROM nowhere")

    def refused(connection: Connection) -> None:
        insert_user("refused")(connection)
        raise NotFoundError("thing", "x")

    def wrong_code(connection: Connection) -> None:
        insert_user("wrong code")(connection)
        raise ZeroDivisionError

    gate = Gate()
    units: list[Callable[[Connection], Any]] = [
        gate,
        wrong_sql,
        insert_user("a"),
        refused,
        insert_user("b"),
        wrong_code,
        insert_user("a"),
        insert_user("c"),
    ]
    tasks = [asyncio.ensure_future(sqlite.writer.submit(unit)) for unit in units]
    await asyncio.sleep(0)

    gate.open()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    kinds = [type(answer) for answer in answers]
    assert kinds == [
        type(None),
        InfrastructureError,
        str,
        NotFoundError,
        str,
        ZeroDivisionError,
        InfrastructureError,
        str,
    ]
    assert await sqlite._read(users) == ["a", "b", "c"]


async def test_the_first_unit_of_a_group_may_fail_too(sqlite: SqlStore) -> None:
    """A failure of the unit that began the transaction does not touch what comes after it."""

    class Failing(Gate):
        def __call__(self, connection: Connection) -> None:
            super().__call__(connection)
            insert_user("first")(connection)
            raise ConflictError("no")

    gate = Failing()
    first = asyncio.ensure_future(sqlite.writer.submit(gate))
    rest = [asyncio.ensure_future(sqlite.writer.submit(insert_user(name))) for name in "ab"]
    await asyncio.sleep(0)

    gate.open()
    answers = await asyncio.gather(first, *rest, return_exceptions=True)

    assert isinstance(answers[0], ConflictError)
    assert answers[1:] == ["a", "b"]
    assert await sqlite._read(users) == ["a", "b"]


async def test_a_lost_transaction_fails_all_of_its_units(sqlite: SqlStore) -> None:
    """Units whose transaction the database gave up are told so; later units get a new one."""
    gate = Gate()
    units: list[Callable[[Connection], Any]] = [
        gate,
        insert_user("a"),
        lambda connection: connection.execute("ROLLBACK"),  # as SQLite does when the disk is full
        insert_user("b"),
    ]
    tasks = [asyncio.ensure_future(sqlite.writer.submit(unit)) for unit in units]
    await asyncio.sleep(0)

    gate.open()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    kinds = [type(answer) for answer in answers]
    assert kinds == [*[InfrastructureError] * 3, str]
    assert await sqlite._read(users) == ["b"]


async def test_the_callback_comes_before_the_answer_and_without_a_caller(sqlite: SqlStore) -> None:
    """`then` is called for what was committed, also without a waiting caller; for nothing else."""
    noted: list[str] = []
    gate = Gate()

    async def caller(name: str) -> None:
        await sqlite.writer.submit(insert_user(name), noted.append)
        noted.append(f"{name} answered")

    busy = asyncio.ensure_future(sqlite.writer.submit(gate))
    given_up = asyncio.ensure_future(caller("given up"))
    patient = asyncio.ensure_future(caller("patient"))
    twice = asyncio.ensure_future(caller("patient"))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(0)
    gate.open()

    await asyncio.gather(busy, given_up, patient, twice, return_exceptions=True)

    assert noted == ["given up", "patient", "patient answered"]
    assert isinstance(twice.exception(), InfrastructureError)
    assert await sqlite._read(users) == ["given up", "patient"]


async def test_a_callback_that_fails_keeps_nobody_from_an_answer(sqlite: SqlStore) -> None:
    """Everybody of the group gets a result; what was stored is not reported as a failure."""

    def broken(_name: str) -> None:
        raise ZeroDivisionError

    gate = Gate()
    busy = asyncio.ensure_future(sqlite.writer.submit(gate))
    first = asyncio.ensure_future(sqlite.writer.submit(insert_user("a"), broken))
    rest = [asyncio.ensure_future(sqlite.writer.submit(insert_user(name))) for name in "bc"]
    await asyncio.sleep(0)

    gate.open()

    async with asyncio.timeout(30):
        answers = await asyncio.gather(busy, first, *rest)
    assert answers == [None, "a", "b", "c"]
    assert await sqlite._read(users) == ["a", "b", "c"]


async def test_closing_finishes_what_was_accepted(tmp_path: Path) -> None:
    """What was handed in before `close` is stored; what comes after is refused."""
    store = SqlStore(tmp_path / "mulligan.db")
    await store.open()
    gate = Gate()
    tasks = [asyncio.ensure_future(store.writer.submit(gate))]
    tasks += [asyncio.ensure_future(store.put_user(user(name))) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.close())
    gate.open()

    await asyncio.gather(closing, *tasks)
    await store.close()

    with pytest.raises(InfrastructureError):
        await store.put_user(user("d"))
    with pytest.raises(InfrastructureError):
        await store.list_users()
    again = SqlStore(tmp_path / "mulligan.db")
    await again.open()
    assert [found.name for found in await again.list_users()] == ["a", "b", "c"]
    await again.close()


def user(name: str) -> User:
    """Give a user of that name."""
    return User(name=UserName(name), created_at=NOW)


# --- the connection -----------------------------------------------------------------------------


@pytest.mark.parametrize(("synchronous", "level"), [("FULL", 2), ("NORMAL", 1)])
async def test_the_database_is_set_up_to_keep_its_promises(
    tmp_path: Path, synchronous: str, level: int
) -> None:
    """Write-ahead log, the asked for durability, checked references."""
    store = SqlStore(tmp_path / "mulligan.db", synchronous=synchronous)
    await store.open()

    def pragmas(connection: Connection) -> list[Any]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    found = await store.writer.submit(pragmas)

    await store.close()
    assert found == ["wal", level, 1]


def test_another_durability_is_refused(tmp_path: Path) -> None:
    """A word that SQLite would silently take for something else is an error."""
    with pytest.raises(ValueError, match="FULL or NORMAL"):
        SqlStore(tmp_path / "mulligan.db", synchronous="maybe")


async def test_readers_cannot_write(sqlite: SqlStore) -> None:
    """A query that tries to change something is refused by the database."""
    with pytest.raises(InfrastructureError):
        await sqlite._read(insert_user("a"))

    assert await sqlite.list_users() == ()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Opening garbage is an error and lets the directory go again."""
    path = tmp_path / "mulligan.db"
    path.write_bytes(b"no database" * 1_000)

    for _ in range(2):
        with pytest.raises(InfrastructureError, match="can't be opened"):
            await SqlStore(path).open()

    path.unlink()
    store = SqlStore(path)
    await store.open()
    await store.close()


async def test_a_full_database_refuses_and_goes_on_when_there_is_room(sqlite: SqlStore) -> None:
    """Without room an append fails and changes nothing; with room again it works."""
    await put_pipeline(sqlite)
    created = create(build_head())
    await sqlite.append(created)
    run = created.run

    def limit(connection: Connection, pages: int) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    await sqlite.writer.submit(lambda connection: limit(connection, 1))
    run = await until_full(sqlite, run)

    refused = [sqlite.append(grown(run)), sqlite.append(create(build_head(2)))]
    answers = await asyncio.gather(*refused, return_exceptions=True)
    stored = await sqlite.get_run(run.head.id)
    await sqlite.writer.submit(lambda connection: limit(connection, 1_000_000))
    again = grown(run)
    await sqlite.append(again)

    assert isinstance(answers[0], InfrastructureError)
    assert parts(stored) == parts(run)
    assert parts(await sqlite.get_run(run.head.id)) == parts(again.run)


def grown(run: Run) -> Any:
    """Give a decision that needs some pages."""
    text = f"{run.head.revision} " + "x" * 50_000
    return decide(run, e.RemarkWritten(at=at(1), actor=ANN, text=text))


async def until_full(store: SqlStore, run: Run) -> Run:
    """Append until the database has no room; return the last snapshot that was stored."""
    for _ in range(100):
        decision = grown(run)
        try:
            await store.append(decision)
        except InfrastructureError:
            return run
        run = decision.run
    pytest.fail("the database does not get full")


# --- what it costs ------------------------------------------------------------------------------


async def test_runs_of_a_version_share_their_definition(sqlite: SqlStore) -> None:
    """A definition is decoded once, however many of its runs are loaded."""
    await put_pipeline(sqlite)
    for number in (1, 2):
        await sqlite.append(create(build_head(number)))

    one, two = [await sqlite.get_run(run_id(number)) for number in (1, 2)]

    assert one.index is two.index
    assert one.index.steps.keys() == {step_id(1), step_id(2), step_id(3)}


async def cost_of_a_step(store: SqlStore, pipeline: int, jobs: int) -> tuple[int, int]:
    """Return how many statements of how many characters the end of a step takes in a large run."""
    spec = build_spec(jobs=jobs, steps=3)
    await put_pipeline(store, pipeline, spec)
    run = create(build_head(1, ident=pipeline, pipeline=pipeline), spec).run
    await store.append(create(run.head, spec))
    busy: list[e.Event] = [e.RunStarted(at=NOW), e.StageStarted(at=NOW, node="stage-2", position=0)]
    for job in range(1, jobs + 1):
        first = step_id(job * 3 - 2)
        busy += [
            e.JobQueued(at=NOW, node=str(job), run_attempt=1),
            e.JobClaimed(at=NOW, node=str(job), runner=RUNNER, fence=1),
            e.StepStarted(at=NOW, node=first),
        ]
    run = await put(store, run, *busy)
    seen: list[str] = []
    await store.writer.submit(lambda connection: statements_of(connection, seen))
    seen.clear()

    await put(
        store,
        run,
        e.StepFinished(at=at(1), node=step_id(1), status=Status.SUCCEEDED, exit_code=0),
        e.StepStarted(at=at(1), node=step_id(2)),
    )

    await store.writer.submit(lambda connection: statements_of(connection, []))
    return len(seen), sum(map(len, seen))


async def put(store: SqlStore, run: Run, *events: e.Event) -> Run:
    """Store a decision of these events; return the snapshot after it."""
    decision = decide(run, *events)
    await store.append(decision)
    return decision.run


async def test_the_cost_of_an_event_does_not_grow_with_the_run(sqlite: SqlStore) -> None:
    """The end of a step takes the same statements with 2 and with 2,000 jobs in the run."""
    few = await cost_of_a_step(sqlite, 1, 2)
    many = await cost_of_a_step(sqlite, 2, 2_000)

    assert few[0] == many[0] <= 16
    assert many[1] <= few[1] + 200  # longer numbers


async def test_a_step_does_not_write_the_parameters_again(sqlite: SqlStore) -> None:
    """What of a head is large and seldom changes is written when it changes only."""
    await put_pipeline(sqlite)
    decision = create(build_head())
    await sqlite.append(decision)
    decisions = list(play(decision.run))
    seen: list[str] = []
    await sqlite.writer.submit(lambda connection: statements_of(connection, seen))

    for following in decisions:
        await sqlite.append(following)

    await sqlite.writer.submit(lambda connection: statements_of(connection, []))
    docs = [sql for sql in seen if "INTO run_docs" in sql]
    assert len(docs) == 2 < len(decisions)  # the start and the end of the run
    assert parts(await sqlite.get_run(run_id(1))) == parts(decisions[-1].run)


async def test_what_is_written_without_knowing_the_run_is_the_same(tmp_path: Path) -> None:
    """A run that is carried on after a restart is stored as if there had been none."""
    path = tmp_path / "mulligan.db"
    store = SqlStore(path)
    await store.open()
    await put_pipeline(store)
    decision = create(build_head())
    await store.append(decision)
    for following in play(decision.run, results=[Status.SUCCEEDED, Status.FAILED]):
        await store.close()
        store = SqlStore(path)
        await store.open()

        await store.append(following)

        assert parts(await store.get_run(run_id(1))) == parts(following.run)
        assert await store.last_number(pipeline_id(1)) == 1
    await store.close()
