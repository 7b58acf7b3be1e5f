"""Run lists: every filter, order and way of paging, on every store."""

import itertools
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from conformance.store_builders import (
    NOW,
    SHOP,
    at,
    build_head,
    build_pipeline,
    build_project,
    build_version,
    create,
    decide,
    pipeline_id,
    put_pipeline,
    run_id,
)
from conformance.store_loop import Loop
from conformance.store_strategies import BANK, KINDS, USERS, filters
from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Decision
from mulligan.core.errors import InvalidError
from mulligan.core.ids import PipelineId, ProjectId, RunId, UserName
from mulligan.core.run import RunHead
from mulligan.core.status import FINAL, Status
from mulligan.core.triggers.origin import Origin
from mulligan.ports import RunFilter, RunPage, Store
from mulligan.store.memory import MemoryStore
from mulligan.store.paging import Order
from mulligan.store.sql import listing
from mulligan.store.sql.dialects import Sqlite
from mulligan.store.sql.listing import RunQuery, Scope
from mulligan.store.sql.migrate import migrate, read_migrations
from mulligan.store.sql.store import SqlStore

TEXTS = ("", "fix login", "50%_done", "Änderung")
OF_SHOP = RunFilter(project=SHOP)
OF_ONE = RunFilter(pipeline=pipeline_id(1))


def population(seed: int, count: int) -> Iterator[Decision]:
    """Yield decisions that make runs of two pipelines of one project and one of another."""
    chance = random.Random(seed)
    numbers = {pipeline: itertools.count(1) for pipeline in (1, 2, 3)}
    for ident in range(1, count + 1):
        pipeline = chance.choice((1, 1, 2, 3))
        head = replace(
            build_head(next(numbers[pipeline]), ident=ident, pipeline=pipeline),
            project=BANK if pipeline == 3 else SHOP,
            started_by=chance.choice(USERS),
            start_kind=chance.choice(KINDS),
            message=chance.choice(TEXTS),
            queued_at=at(chance.randrange(50)),
            origin=chance.choice((None, Origin(branch="main"), Origin(branch="dev"))),
        )
        decision = create(head)
        yield decision
        yield from lives(decision, chance)


def lives(decision: Decision, chance: random.Random) -> Iterator[Decision]:
    """Yield what happens to one run, which may be nothing."""
    status = chance.choice([*Status])
    if status is Status.QUEUED:
        return
    now = chance.randrange(50, 100)
    run = decision.run
    following: list[e.Event] = [e.RunStarted(at=at(now))]
    if status in FINAL:
        cause = chance.choice((None, Cause.TIMEOUT, Cause.INFRA))
        if chance.random() < 0.3:
            following.append(
                e.RunRepaired(
                    at=at(now + 20), actor=USERS[0], what="retry", target="e", seconds_saved=2.5
                )
            )
        following.append(e.RunFinished(at=at(now + 50), status=status, cause=cause))
    if chance.random() < 0.3:
        text = chance.choice(TEXTS)
        following.append(e.RemarkWritten(at=at(now + 60), actor=run.head.started_by, text=text))
    yield decide(run, *following)


async def fill(store: Store, seed: int = 1, count: int = 60) -> None:
    """Make projects, pipelines and runs."""
    await put_pipeline(store, 1)
    await put_pipeline(store, 2)
    await store.put_project(build_project(BANK))
    await store.put_pipeline(build_pipeline(3, project=BANK), build_version(3))
    for decision in population(seed, count):
        await store.append(decision)


async def walk(
    store: Store, where: RunFilter, limit: int, *, by_update: bool = False
) -> list[RunHead]:
    """Return all runs of a list, page by page."""
    found: list[RunHead] = []
    cursor = ""
    while True:
        page = await store.list_runs(where, limit=limit, cursor=cursor, by_update=by_update)
        found += page.items
        cursor = page.cursor
        if not cursor:
            return found
        assert len(page.items) == limit


# --- orders and pages ---------------------------------------------------------------------------


@pytest.mark.anyio
async def test_runs_of_a_pipeline_come_by_number(store: Store) -> None:
    """The greatest number is first, whenever it was queued."""
    await fill(store)

    found = await walk(store, OF_ONE, 7)

    numbers = [head.number for head in found]
    assert numbers == list(range(await store.last_number(pipeline_id(1)), 0, -1))


@pytest.mark.anyio
async def test_runs_of_a_project_come_by_queue_time(store: Store) -> None:
    """The one queued last is first; of several queued at once the one made last."""
    await fill(store)

    found = await walk(store, OF_SHOP, 7)

    keys = [(head.queued_at, head.id) for head in found]
    assert keys == sorted(keys, reverse=True)
    assert {head.project for head in found} == {SHOP}
    assert len(found) == len(set(found))


@pytest.mark.anyio
async def test_runs_by_update_come_by_their_last_change(store: Store) -> None:
    """A run that something happened to moves to the front, finished or not."""
    await fill(store)
    before = await walk(store, OF_ONE, 9, by_update=True)
    oldest = await store.get_run(before[-1].id)
    await store.append(decide(oldest, e.RemarkWritten(at=at(900), actor=USERS[0], text="x")))

    after = await walk(store, OF_ONE, 9, by_update=True)

    assert [head.id for head in after] == [oldest.head.id, *(head.id for head in before[:-1])]


@pytest.mark.anyio
async def test_offsets_and_totals_agree_with_the_walk(store: Store) -> None:
    """A page at an offset holds what the walk has there; the total counts the walk."""
    await fill(store)
    found = await walk(store, OF_SHOP, 10)

    for offset in (0, 1, len(found) - 3, len(found), 1_000, 20, 3):
        page = await store.list_runs(OF_SHOP, limit=5, offset=offset, with_total=True)

        assert list(page.items) == found[offset : offset + 5]
        assert page.total == len(found)
        assert bool(page.cursor) == (offset + 5 < len(found))


@pytest.mark.anyio
async def test_a_total_is_given_only_when_asked_for(store: Store) -> None:
    """Counting is not done, or not shown, without need."""
    await fill(store)
    await store.list_runs(OF_SHOP, with_total=True)

    page = await store.list_runs(OF_SHOP)

    assert page.total is None


@pytest.mark.anyio
async def test_a_repeated_list_shows_what_changed_meanwhile(store: Store) -> None:
    """The same request again sees new runs, new results and new remarks at once."""
    await fill(store)
    queued = RunFilter(pipeline=pipeline_id(1), statuses=(Status.QUEUED,))
    first = await store.list_runs(queued, with_total=True, offset=1)
    number = await store.last_number(pipeline_id(1)) + 1
    await store.append(create(build_head(number, ident=500)))
    second = await store.list_runs(queued, with_total=True, offset=1)

    run = await store.get_run(run_id(500))
    await store.append(decide(run, e.RunStarted(at=at(200))))

    third = await store.list_runs(queued, with_total=True, offset=1)
    assert first.total is not None
    assert second.total == first.total + 1
    assert len(second.items) == len(first.items) + 1
    assert third == first


@pytest.mark.anyio
async def test_a_cursor_is_not_moved_by_newer_runs(store: Store) -> None:
    """Going on after a page neither repeats nor skips a run when new ones come in front."""
    await fill(store)
    found = await walk(store, OF_ONE, 50)
    page = await store.list_runs(OF_ONE, limit=4)
    await store.append(create(build_head(found[0].number + 1, ident=500)))

    rest = await store.list_runs(OF_ONE, limit=4, cursor=page.cursor, offset=17)

    assert [*page.items, *rest.items] == found[:8]


@pytest.mark.anyio
@pytest.mark.parametrize("cursor", ["x", "!!!", "bm8", "WyJudW1iZXIiLDFd", "é"])
async def test_a_damaged_cursor_is_refused(store: Store, cursor: str) -> None:
    """What is no cursor is the caller's mistake, and the error says so."""
    with pytest.raises(InvalidError) as caught:
        await store.list_runs(OF_SHOP, cursor=cursor)

    assert caught.value.code == "cursor"


@pytest.mark.anyio
async def test_a_cursor_of_another_order_is_refused(store: Store) -> None:
    """A cursor goes on in the order that it was made in."""
    await fill(store)
    page = await store.list_runs(OF_SHOP, limit=3)

    with pytest.raises(InvalidError) as caught:
        await store.list_runs(OF_SHOP, limit=3, cursor=page.cursor, by_update=True)

    assert caught.value.code == "cursor"


@pytest.mark.anyio
async def test_lists_of_what_is_not_there_are_empty(store: Store) -> None:
    """Unknown projects, pipelines, users and ids have no runs."""
    await fill(store)
    nobody = RunFilter(project=SHOP, actors=(UserName("nobody"),))
    for where in (
        RunFilter(project=ProjectId("none")),
        RunFilter(pipeline=PipelineId("p-none")),
        RunFilter(project=BANK, pipeline=pipeline_id(1)),
        RunFilter(ids=(RunId("b-none"),)),
        nobody,
    ):
        page = await store.list_runs(where, with_total=True)

        assert (page.items, page.cursor, page.total) == ((), "", 0)


# --- filters ------------------------------------------------------------------------------------


@pytest.mark.parametrize("few", [0, 3, listing.FEW])
def test_every_filter_gives_what_the_model_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Whatever the filter, order and page: SQL finds the runs that the memory store finds.

    `few` decides which ways of reading are taken.
    """
    monkeypatch.setattr(listing, "FEW", few)
    with Loop(SqlStore(tmp_path / "mulligan.db")) as loop:
        model = MemoryStore()
        loop.run(fill(loop.store))
        loop.run(fill(model))

        @given(where=filters(), by_update=st.booleans(), limit=st.integers(1, 8), data=st.data())
        def compare(where: RunFilter, *, by_update: bool, limit: int, data: st.DataObject) -> None:
            offset = data.draw(st.integers(0, 20))

            def ask(store: Store, cursor: str) -> RunPage:
                page = store.list_runs(
                    where,
                    limit=limit,
                    cursor=cursor,
                    offset=offset,
                    by_update=by_update,
                    with_total=True,
                )
                return loop.run(page)

            wanted = ask(model, "")
            assert ask(loop.store, "") == wanted
            if wanted.cursor:
                assert ask(loop.store, wanted.cursor) == ask(model, wanted.cursor)

        compare()


# --- how SQLite reads ---------------------------------------------------------------------------

FIELDS: tuple[dict[str, Any], ...] = (
    {"statuses": (Status.FAILED, Status.CANCELLED)},
    {"causes": ("timeout",)},
    {"start_kinds": ("manual",)},
    {"actors": USERS[:1]},
    {"number_from": 3, "number_to": 9},
    {"queued_from": NOW},
    {"started_to": NOW},
    {"ended_from": NOW, "ended_to": at(9)},
    {"remark": "x"},
    {"message": "x"},
    {"branches": ("main",)},
    {"recovered": True},
)


class _Recorder(sqlite3.Connection):
    """Remembers the statements on runs that it was asked to carry out."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.statements: list[tuple[str, Any]] = []

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if "FROM runs" in sql:
            self.statements.append((sql, parameters))
        return super().execute(sql, parameters)

    def plans(self) -> list[str]:
        """Return how SQLite reads `runs` for all remembered statements; forget them."""
        found = [
            row[3]
            for sql, parameters in self.statements
            for row in super(_Recorder, self).execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        ]
        self.statements.clear()
        return found


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[_Recorder]:
    """Give a connection to an empty database."""
    path = tmp_path / "mulligan.db"
    connection = sqlite3.connect(path, factory=_Recorder, isolation_level=None)
    migrate(Sqlite(path), connection, read_migrations())
    connection.statements.clear()  # a migration may read whole tables, a list may not
    yield connection
    connection.close()


def combinations() -> Iterator[RunFilter]:
    """Yield a filter for every set of fields."""
    for chosen in itertools.product((False, True), repeat=len(FIELDS)):
        fields: dict[str, Any] = {}
        for field, is_chosen in zip(FIELDS, chosen, strict=True):
            fields |= field if is_chosen else {}
        yield RunFilter(**fields)


@pytest.mark.parametrize("scope", [Scope("pipeline", 1), Scope("project", 1)])
@pytest.mark.parametrize("few", [0, 1])
def test_no_filter_reads_runs_of_other_pipelines_or_projects(
    recorder: _Recorder, monkeypatch: pytest.MonkeyPatch, scope: Scope, few: int
) -> None:
    """Whatever fields are set, an index is searched by the pipeline or the project."""
    monkeypatch.setattr(listing, "FEW", few)
    own = Order.NUMBER if scope.column == "pipeline" else Order.QUEUED
    for where in combinations():
        for order in (own, Order.UPDATED):
            query = RunQuery(Sqlite(Path()), where, order, scope)
            query.keys(recorder, None, 50, 0)
            query.count(recorder)

        reads = [plan for plan in recorder.plans() if " runs" in plan]
        assert reads
        for plan in reads:
            assert plan.startswith("SEARCH runs USING "), (where, plan)
            assert f"INDEX runs_{scope.column}_" in plan, (where, plan)
            assert f"({scope.column}=?" in plan, (where, plan)


@pytest.mark.parametrize(
    "where",
    [
        RunFilter(),
        RunFilter(statuses=(Status.FAILED,)),
        RunFilter(statuses=(Status.FAILED, Status.CANCELLED)),
        RunFilter(actors=USERS, statuses=(Status.FAILED,)),
        RunFilter(start_kinds=KINDS[:2], message="x"),
        RunFilter(causes=("timeout", "infra")),
        RunFilter(remark="x"),
        RunFilter(message="x"),
    ],
    ids=lambda where: "+".join(
        name for name in RunFilter.__struct_fields__ if getattr(where, name)
    ),
)
@pytest.mark.parametrize("scope", [Scope("pipeline", 1), Scope("project", 1)])
def test_long_lists_are_read_in_their_order(
    recorder: _Recorder, monkeypatch: pytest.MonkeyPatch, where: RunFilter, scope: Scope
) -> None:
    """Where a filter matches many runs, these are not sorted: reading ends with the page."""
    monkeypatch.setattr(listing, "FEW", 0)
    order = Order.NUMBER if scope.column == "pipeline" else Order.QUEUED

    RunQuery(Sqlite(Path()), where, order, scope).keys(recorder, None, 50, 0)

    assert not [plan for plan in recorder.plans() if "TEMP B-TREE FOR ORDER BY" in plan]


def test_runs_that_go_on_are_found_without_reading_the_others(recorder: _Recorder) -> None:
    """The list of all unfinished runs of the server uses the index of just these."""
    where = RunFilter(statuses=(Status.QUEUED, Status.RUNNING))

    RunQuery(Sqlite(Path()), where, Order.QUEUED, Scope("", 0)).keys(recorder, None, 50, 0)

    assert any("runs_unfinished" in plan for plan in recorder.plans())


def test_ids_are_looked_up(recorder: _Recorder) -> None:
    """A filter by id reads the runs with these ids only."""
    where = RunFilter(ids=(run_id(1), run_id(2)), statuses=(Status.FAILED,))

    RunQuery(Sqlite(Path()), where, Order.NUMBER, Scope("pipeline", 1)).keys(recorder, None, 50, 0)

    assert any("(id=?)" in plan for plan in recorder.plans())
