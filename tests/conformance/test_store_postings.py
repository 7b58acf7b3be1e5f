"""What every store does with messages that leave the server."""

import pytest
from msgspec.structs import replace

from conformance.store_builders import NOW, SHOP, at, build_project
from conformance.test_store_admin import ENTRY
from mulligan.core.errors import NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.postings import Cursor, Posting, PostingState
from mulligan.ports import Store

pytestmark = pytest.mark.anyio

BANK = ProjectId("bank")


def posting(event: str = "END", *, seconds: float = 0, project: ProjectId = SHOP) -> Posting:
    """Give a posting that waits."""
    return Posting(
        project=project,
        kind="callback",
        via="rule",
        target="http://example.com/é",
        event=event,
        lane="rule b-1",
        title="t",
        body="{}",
        created_at=at(seconds),
    )


async def test_postings_come_with_the_cursor(store: Store) -> None:
    """What is new and how far the news were looked through are stored together, or not at all."""
    await store.put_project(build_project())
    before = await store.find_cursor()

    first, second = await store.add_postings((posting(), posting("START")), Cursor(events=7))
    with pytest.raises(NotFoundError):
        await store.add_postings((posting(project=BANK),), Cursor(events=9, audit=9))

    assert before == Cursor()
    assert 0 < first.number < second.number
    assert await store.find_cursor() == Cursor(events=7)
    assert await store.waiting_postings() == (first, second)
    assert await store.find_posting(SHOP, first.number) == first
    assert await store.find_posting(BANK, first.number) is None


async def test_a_posting_that_ended_waits_no_more(store: Store) -> None:
    """A replaced posting is read back equal; one that is gone is no error."""
    await store.put_project(build_project())
    (made,) = await store.add_postings((posting(),))
    done = replace(made, state=PostingState.DONE, tries=2, sent_at=NOW, ended_at=at(3), status=200)

    await store.put_posting(done)
    await store.put_posting(replace(done, number=made.number + 100))

    assert await store.find_posting(SHOP, made.number) == done
    assert await store.waiting_postings() == ()


async def test_postings_are_listed_newest_first(store: Store) -> None:
    """Lists are narrowed by kind, target, event and time, cut into pages, and counted."""
    await store.put_project(build_project())
    made = await store.add_postings(
        (posting("A", seconds=1), posting("B", seconds=2), posting("A", seconds=3))
    )

    async def listed(**wanted: object) -> tuple[list[int], int]:
        found, count = await store.list_postings(SHOP, **wanted)  # type: ignore[arg-type]  # as the case says
        return [made.index(each) for each in found], count

    assert await listed(kind="callback") == ([2, 1, 0], 3)
    assert await listed(kind="callback", event="A", limit=1, offset=1) == ([0], 2)
    assert await listed(kind="callback", since=at(2), until=at(2)) == ([1], 1)
    assert await listed(kind="callback", target="http://example.com/") == ([], 0)
    assert await listed(kind="notice") == ([], 0)


async def test_only_the_newest_are_kept(store: Store) -> None:
    """The history of a project is bounded; what waits is never dropped."""
    await store.put_project(build_project())
    old, waiting = await store.add_postings((posting(), posting()))
    await store.put_posting(replace(old, state=PostingState.FAILED))

    new = await store.add_postings((posting(), posting()), keep=2)

    found, _ = await store.list_postings(SHOP, kind="callback")
    assert {each.number for each in found} == {waiting.number, *(each.number for each in new)}


async def test_the_audit_trail_is_read_forward(store: Store) -> None:
    """Entries after one come in their order."""
    await store.put_project(build_project())
    await store.add_audit([replace(ENTRY, action=action) for action in ("a", "b", "c")])

    first = (await store.audit_after(0, limit=1))[0]
    rest = await store.audit_after(first.id)

    assert [first.action, *(entry.action for entry in rest)] == ["a", "b", "c"]
