"""Commit statuses: at the start, at the end and at a retry; in order, and never in the way."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

import pytest

import builders as b
from engine_world import ANN, NOON, SHOP, World, a_world
from mulligan.core.errors import NotFoundError
from mulligan.core.ids import ProjectId, RunId
from mulligan.core.items import ItemChange, LinkedRepository, new_fields
from mulligan.core.run import RunHead
from mulligan.core.trigger_records import EventHook
from mulligan.core.triggers.origin import Origin
from mulligan.engine.commit_statuses import CommitStatuses
from mulligan.engine.messages_mail import Mail
from mulligan.engine.messages_sending import Sending

pytestmark = pytest.mark.anyio


class FakeWeb:
    """A host that notes what it is told; `statuses`: its next answers, then 201."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.statuses: list[int] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, _method: str, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Note a request."""
        await self.open.wait()
        assert headers["Authorization"] == "token t0ken"
        self.told.append((url, json.loads(body)["state"]))
        return self.statuses.pop(0) if self.statuses else 201

    @property
    def states(self) -> list[str]:
        """Return the states that it was told, in order."""
        return [state for _, state in self.told]


class NoMail:
    """No mail."""

    is_set_up = False

    async def send(self, to: str, subject: str, text: str) -> None:
        """Fail: nothing here sends mail."""
        raise AssertionError(Mail(subject=subject, text=text), to)


class OneSecret:
    """One secret."""

    async def detail(self, _project: ProjectId, secret_id: str) -> dict[str, str]:
        """Return the token."""
        if secret_id != "bot":
            raise NotFoundError("secret", secret_id)
        return {"value": "t0ken"}


class Hosted:
    """A world whose runs were started by an event of a Gitea server."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.web = FakeWeb()
        sending = Sending(web=self.web, mail=NoMail(), pauses_s=(0.0,))
        world.supervisor.tell_host = CommitStatuses(
            engine=world.engine, secrets=OneSecret(), sending=sending
        ).send

    async def start(
        self, *, credential: str = "bot", linked: str = "https://git.example.com/shop/web"
    ) -> RunHead:
        """Start a run of one step by an event. `linked`: a repository of the project."""
        hook = EventHook(
            project=SHOP,
            id="h1",
            name="h1",
            created_by=ANN,
            created_at=NOON,
            updated_by=ANN,
            updated_at=NOON,
            host="gitea",
            sealed=b"",
            credential=credential,
        )
        repository = LinkedRepository(**new_fields(ANN, NOON, SHOP, "r1", "web"), url=linked)
        await self.world.store.change_items(ItemChange(put=(hook, repository)))
        pipeline = await self.world.add_pipeline(b.one_job("one"))
        url = "https://git.example.com/shop/api"
        origin = Origin(
            hook="h1", host="gitea", repository="shop/api", url=url, commit="c1", check=True
        )
        return await self.world.start(pipeline, trigger=origin)

    async def until_done(self, run_id: RunId) -> None:
        """Wait until nothing is left in the outbox of a run."""
        async with asyncio.timeout(30):
            while await self._is_left(run_id):  # noqa: ASYNC110 - any condition
                await asyncio.sleep(0.001)

    async def _is_left(self, run_id: RunId) -> bool:
        return any(row.run_id == run_id for row in await self.world.store.outbox())


@pytest.fixture
async def hosted() -> AsyncIterator[Hosted]:
    """Give a world that works, with a code host."""
    async with a_world() as world:
        yield Hosted(world)


async def test_start_end_and_retry_are_told(hosted: Hosted) -> None:
    """A retry makes the commit pending again; the last word is that of the run."""
    hosted.world.scripted.fail("one", times=1)
    head = await hosted.start()
    await hosted.world.wait_end(head.id)
    await hosted.until_done(head.id)
    assert hosted.web.states[-1] == "failure"

    await hosted.world.retry(head.id)
    await hosted.world.wait_end(head.id)
    await hosted.until_done(head.id)

    assert hosted.web.states[-1] == "success"
    assert "pending" in hosted.web.states[:2]
    [url] = {url for url, _ in hosted.web.told}
    assert url == "https://git.example.com/api/v1/repos/shop/api/statuses/c1"


async def test_a_slow_host_hears_the_end_last(hosted: Hosted) -> None:
    """The first message hangs while the run ends: it must not come after the last."""
    hosted.web.open.clear()
    head = await hosted.start()
    await hosted.world.wait_end(head.id)
    hosted.web.open.set()
    await hosted.until_done(head.id)

    assert hosted.web.states[-1] == "success"


@pytest.mark.parametrize(
    ("statuses", "credential", "said"),
    [([404], "bot", "404"), ([503, 503], "bot", "503"), ([], "gone", "'gone' not found")],
)
async def test_what_the_host_does_not_take_is_noted(
    hosted: Hosted, statuses: list[int], credential: str, said: str
) -> None:
    """The run is green all the same; the audit trail says what went wrong."""
    hosted.web.statuses = statuses * 2
    head = await hosted.start(credential=credential)
    run = await hosted.world.wait_end(head.id)
    await hosted.until_done(head.id)

    assert run.head.status.value == "succeeded"
    entries = await hosted.world.store.list_audit(project=SHOP)
    reasons = [entry.reason for entry in entries if entry.action == "run.status"]
    assert reasons
    assert all(said in reason for reason in reasons)


async def test_a_host_that_only_the_event_names_gets_no_token(hosted: Hosted) -> None:
    """Whoever can sign an event must not choose where a token of the project goes."""
    head = await hosted.start(linked="https://elsewhere.example.com/shop/web")
    await hosted.world.wait_end(head.id)
    await hosted.until_done(head.id)

    assert hosted.web.told == []
    entries = await hosted.world.store.list_audit(project=SHOP)
    [reason] = {entry.reason for entry in entries if entry.action == "run.status"}
    assert "git.example.com" in reason


async def test_the_next_life_tells_what_was_not_told(hosted: Hosted) -> None:
    """The server ends while the host hangs: the message is in the outbox, and goes out then."""
    hosted.web.open.clear()
    head = await hosted.start()
    await hosted.world.wait_end(head.id)
    await hosted.world.supervisor.stop_telling()
    await hosted.world.crash()

    world = World(store=hosted.world.store, clock=hosted.world.clock)
    later = Hosted(world)
    await world.open()
    try:
        await later.until_done(head.id)
        assert later.web.states[-1] == "success"
    finally:
        await world.close()


async def test_other_runs_tell_nobody(hosted: Hosted) -> None:
    """A run that a person starts has no host."""
    pipeline = await hosted.world.add_pipeline(b.one_job("one"))
    head = await hosted.world.start(pipeline)
    await hosted.world.wait_end(head.id)
    await hosted.until_done(head.id)

    assert hosted.web.told == []
