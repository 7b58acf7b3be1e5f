"""The messenger: what a stage or a run tells when it has its result."""

import asyncio
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import pytest
from msgspec.structs import replace

from builders import job, pipeline, stage, step
from engine_world import ADMIN, ANN, DEADLINE_S, SHOP, UnrulyStore, World, a_world
from message_servers import Mailbox, WebServer, mail_server, web_server
from mulligan.core.decision import Effect
from mulligan.core.errors import InfrastructureError
from mulligan.core.hooks import Hook, HookKind, Note
from mulligan.core.ids import SYSTEM, PipelineId, ProjectId, RunId
from mulligan.core.records import Pipeline, PipelineSettings
from mulligan.core.spec import (
    Dialect,
    MessageSpec,
    ParameterSpec,
    PipelineSpec,
    SignalSpec,
)
from mulligan.core.status import Status
from mulligan.engine import supervisor
from mulligan.engine.catalog import Definition
from mulligan.engine.messages_sending import Sending
from mulligan.engine.messenger import Messenger
from mulligan.engine.signals import MOST_CHAINED, Signals
from mulligan.notify.mail import MailSender
from mulligan.notify.mail_server import MailServer
from mulligan.notify.web import WebSender

pytestmark = pytest.mark.anyio

SETTINGS = PipelineSettings(run_lock="EXCLUSIVE", dialect=Dialect.DECLARED)
VERSION = ParameterSpec(name="VERSION", default="v 1")


@pytest.fixture
def web() -> Iterator[WebServer]:
    """Give a server that webhooks go to."""
    with web_server() as server:
        yield server


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """Give a server that mail goes to."""
    with mail_server() as server:
        yield server


def equip(world: World, *, private_targets: bool = True, port: int = 0) -> World:
    """Give a world what it sends messages with; tries follow one another at once."""
    mail = MailServer(host="127.0.0.1" if port else "", port=port or 25, starttls=False)
    world.supervisor.tell = Messenger(
        engine=world.engine,
        signals=Signals(world.engine, world.access),
        sending=Sending(
            web=WebSender(private_targets=private_targets),
            mail=MailSender(mail),
            pauses_s=(0.0, 0.0),
        ),
        public_url="https://ci.example.com/",
        store_pause_s=0.0,
    ).send
    return world


def webhook(url: str, **fields: Any) -> MessageSpec:
    """Give a message by HTTP. Fields of MessageSpec, and those of its config."""
    own = ("on_success", "on_failure", "values")
    config = {"method": "POST", "url": url, **{k: v for k, v in fields.items() if k not in own}}
    return MessageSpec(
        kind="webhook", config=config, **{k: v for k, v in fields.items() if k in own}
    )


def notification(pattern: int = 1, **fields: Any) -> MessageSpec:
    """Give a message to a person."""
    config = {"user_name": "bob", "email": "bob@example.com", "pattern": pattern}
    return MessageSpec(kind="notification", config=config, **fields)


def told(*messages: MessageSpec, **fields: Any) -> PipelineSpec:
    """Give a pipeline of one stage that sends messages."""
    one = stage("one", job("1", "a"), messages=messages)
    return pipeline(one, parameters=(VERSION,), **fields)


async def add(
    world: World, spec: PipelineSpec, hooks: tuple[Hook, ...] = (), name: str = "build"
) -> Pipeline:
    """Make a pipeline."""
    definition = Definition(spec=replace(spec, name=name), dialect="swr", source={"name": name})
    return await world.catalog.create_pipeline(ADMIN, SHOP, definition, SETTINGS, hooks=hooks)


async def settle(world: World) -> None:
    """Wait until all that was to be told has been."""
    while world.supervisor._telling:
        await world.until(lambda: not world.supervisor._telling, "all is told")


async def play(world: World, spec: PipelineSpec, **fields: Any) -> RunId:
    """Run a pipeline and wait until its messages are sent."""
    head = await world.start(await add(world, spec), **fields)
    await world.wait_end(head.id)
    await settle(world)
    return head.id


async def notes(world: World, run_id: RunId, attempt: int = 1) -> list[str]:
    """Give the notes of the job."""
    found: tuple[Note, ...] = await world.store.list_notes(run_id, "1", attempt)
    return [note.text for note in found]


# --- webhooks -----------------------------------------------------------------------------------


async def test_request_of_a_webhook(world: World, web: WebServer) -> None:
    """Values join the query of the URL; headers, body and params have their variables filled in."""
    equip(world)
    message = webhook(
        f"{web.url}/hook?fixed=1",
        values=(("v", "VERSION"), ("none", "UNKNOWN")),
        params={"p": "is ${VERSION}&"},
        headers={"X-Key": "k-${VERSION}", "Content-Length": "7", "user-agent": "shop"},
        body='{"version": "${VERSION}", "kept": "${OTHER}"}',
    )

    run_id = await play(world, told(message))

    [request] = web.received
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.query == (("fixed", "1"), ("p", "is v 1&"), ("v", "v 1"), ("none", ""))
    assert request.body == b'{"version": "v 1", "kept": "${OTHER}"}'
    assert request.headers["x-key"] == "k-v 1"
    assert request.headers["user-agent"] == "shop"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-mulligan-delivery"] == f"{run_id}/one:1/0"
    assert await world.store.outbox() == ()
    assert await notes(world, run_id) == []


async def test_values_are_those_of_the_run(world: World, web: WebServer) -> None:
    """A variable that was given at the start has that value in the message."""
    equip(world)
    message = webhook(f"{web.url}/hook", method="GET", values=(("v", "VERSION"),))

    await play(world, told(message), values={"VERSION": "v7"})

    assert [(each.method, each.query) for each in web.received] == [("GET", (("v", "v7"),))]


@pytest.mark.parametrize(
    ("fails", "paths"), [(False, ["/both", "/good"]), (True, ["/both", "/bad"])]
)
async def test_results_of_a_message(
    world: World, web: WebServer, fails: bool, paths: list[str]
) -> None:
    """A message is sent on success, on failure, or on both."""
    equip(world)
    spec = told(
        webhook(f"{web.url}/both"),
        webhook(f"{web.url}/good", on_failure=False),
        webhook(f"{web.url}/bad", on_success=False),
    )
    if fails:
        world.scripted.fail("a")

    await play(world, spec)

    assert sorted(web.paths) == sorted(paths)


async def test_messages_do_not_wait_for_each_other(world: World, web: WebServer) -> None:
    """A slow receiver keeps neither the other messages nor the result of the run."""
    equip(world)
    made = await add(world, told(webhook(f"{web.url}/slow"), webhook(f"{web.url}/quick")))

    head = await world.start(made)
    run = await world.wait_end(head.id)
    await world.until(lambda: "/quick" in web.paths, "the second message")

    assert run.head.status is Status.SUCCEEDED
    web.release.set()
    await settle(world)
    assert sorted(web.paths) == ["/quick", "/slow"]


@pytest.mark.parametrize(("status", "tries"), [(500, 3), (503, 3), (429, 3), (404, 1), (401, 1)])
async def test_webhook_that_is_refused(
    world: World, web: WebServer, status: int, tries: int
) -> None:
    """What may pass is tried twice more; the note names status and target, without secrets."""
    equip(world)
    web.answers["/hook"] = [status] * 5
    url = web.url.replace("http://", "http://me:hush@")

    run_id = await play(world, told(webhook(f"{url}/hook?token=hush")))

    [note] = await notes(world, run_id)
    shown = f"POST {web.url}/hook?token=******"
    assert note == (f"webhook-not-taken: {shown}: {status}")
    assert len(web.received) == tries
    assert web.received[0].headers["authorization"] == "Basic bWU6aHVzaA=="
    assert await world.store.outbox() == ()


async def test_webhook_that_recovers(world: World, web: WebServer) -> None:
    """A message that is taken at its last try leaves no note; all tries have one delivery."""
    equip(world)
    web.answers["/hook"] = [500, 502]

    run_id = await play(world, told(webhook(f"{web.url}/hook")))

    assert await notes(world, run_id) == []
    assert len({request.headers["x-mulligan-delivery"] for request in web.received}) == 1
    assert len(web.received) == 3


async def test_webhook_without_a_server(world: World, web: WebServer) -> None:
    """A server that can't be reached is a note, and no failure of the stage."""
    equip(world)

    run_id = await play(world, told(webhook("http://127.0.0.1:1/hook")))

    [note] = await notes(world, run_id)
    assert note.startswith("webhook-not-sent: POST http://127.0.0.1:1/hook: ")
    assert (await world.run(run_id)).head.status is Status.SUCCEEDED


async def test_webhook_to_a_private_address(world: World, web: WebServer) -> None:
    """Without the setting nothing is sent to this machine, whatever the definition says."""
    equip(world, private_targets=False)

    run_id = await play(world, told(webhook(f"{web.url}/hook")))

    [note] = await notes(world, run_id)
    assert note.startswith("webhook-not-sent: ")
    assert "net.private_targets" in note
    assert web.received == []


async def test_redirect_is_not_followed(world: World, web: WebServer) -> None:
    """A redirect leads nowhere; the note says so."""
    equip(world)
    web.answers["/hook"] = [302]
    web.location = "/elsewhere"

    run_id = await play(world, told(webhook(f"{web.url}/hook")))

    assert await notes(world, run_id) == [
        f"POST {web.url}/hook answered 302; redirects are not followed"
    ]
    assert web.paths == ["/hook"]


async def test_header_that_a_value_breaks(world: World, web: WebServer) -> None:
    """A line break in a value must not make a header of its own."""
    equip(world)
    message = webhook(f"{web.url}/hook", headers={"X-Key": "${VERSION}"})

    run_id = await play(world, told(message), values={"VERSION": "a\r\nX-Evil: b"})

    [note] = await notes(world, run_id)
    assert note.startswith("webhook-not-sent: ")
    assert "'X-Key'" in note
    assert web.received == []


async def test_note_of_an_earlier_attempt(world: World, web: WebServer) -> None:
    """A message about the first attempt that fails later is noted there."""
    equip(world)
    web.answers["/slow"] = [404]
    made = await add(world, told(webhook(f"{web.url}/slow", on_success=False)))
    world.scripted.fail("a", times=1)
    head = await world.start(made)
    await world.wait_end(head.id)
    await world.until(lambda: web.paths == ["/slow"], "the message")

    await world.retry(head.id)
    await world.wait_status(head.id, Status.SUCCEEDED)
    web.release.set()
    await settle(world)

    assert len(await notes(world, head.id, attempt=1)) == 1
    assert await notes(world, head.id, attempt=2) == []


# --- people -------------------------------------------------------------------------------------


async def test_mail_about_a_failure(world: World, box: Mailbox) -> None:
    """The mail tells pipeline, run, result, failed stage and address, in both languages."""
    equip(world, port=box.port)
    world.scripted.fail("a")
    spec = pipeline(stage("one", job("1", "a")), messages=(notification(),))

    run_id = await play(world, spec)

    [(recipient, raw)] = box.mails
    mail = message_from_bytes(raw, policy=policy.default)
    text = mail.get_content()
    assert recipient == "bob@example.com"
    assert mail["Subject"] == "[Mulligan] build #1 failed / 失败"
    for part in ("build", "account shop", "run #1 failed", "第 1 次执行失败", "失败阶段: one"):
        assert part in text
    assert f"https://ci.example.com/runs/{run_id}" in text
    assert await notes(world, run_id) == []


async def test_mail_about_a_success(world: World, box: Mailbox) -> None:
    """A run that succeeds is told of once, as the condition says."""
    equip(world, port=box.port)
    messages = (notification(on_success=False), notification())

    await play(world, pipeline(stage("one", job("1", "a")), messages=messages))

    [(_, raw)] = box.mails
    assert message_from_bytes(raw, policy=policy.default)["Subject"].endswith("succeeded / 成功")


@pytest.mark.parametrize(
    ("pattern", "start"),
    [
        (1, ["mail-not-sent: There is no mail server"]),
        (2, ["sms-not-sent: There is no SMS gateway"]),
        (
            0,
            [
                "mail-not-sent:",
                "sms-not-sent:",
            ],
        ),
    ],
)
async def test_ways_that_are_missing(world: World, pattern: int, start: list[str]) -> None:
    """Without a mail server, and for SMS always, the log of the last job says what is not sent."""
    equip(world)
    spec = pipeline(stage("one", job("1", "a")), messages=(notification(pattern),))

    run_id = await play(world, spec)

    found = await notes(world, run_id)
    assert [text.startswith(words) for text, words in zip(found, start, strict=True)] == [
        True
    ] * len(start)


@pytest.mark.parametrize(("reply", "tries"), [(b"550 nobody here", 1), (b"451 later", 3)])
async def test_mail_that_is_refused(world: World, box: Mailbox, reply: bytes, tries: int) -> None:
    """What the mail server refuses for good is not tried again, and noted."""
    equip(world, port=box.port)
    box.replies = [reply] * 5
    spec = pipeline(stage("one", job("1", "a")), messages=(notification(),))

    run_id = await play(world, spec)

    [note] = await notes(world, run_id)
    assert note.startswith("mail-not-sent: bob@example.com: ")
    assert reply.decode() in note
    assert len(box.replies) == 5 - tries
    assert box.mails == []


async def test_mail_to_reviewers(world: World, box: Mailbox, logged: list[str]) -> None:
    """Reviewers with an address are asked by mail while their vote is missing."""
    equip(world, port=box.port)
    inputs = {"reviewUsers": ["ann", "bob", "eve"], "emails": {"ann": "ann@x.example", "eve": "@"}}
    asking = step("look", kind="review", inputs=inputs)
    head = await world.start(await add(world, pipeline(stage("one", job("1", asking)))))
    run = await world.run(head.id)
    while run.open_gate("look") is None:
        await world.live.wait_run(head.id, 0.05)
        run = await world.run(head.id)
    await settle(world)

    [(recipient, raw)] = box.mails
    mail = message_from_bytes(raw, policy=policy.default)
    assert recipient == "ann@x.example"
    assert mail["Subject"] == "[Mulligan] build #1 review / 审核: look"
    assert "waits for your review in stage look" in mail.get_content()
    assert logged.count("message_failed") == 1


async def test_review_that_is_over_asks_nobody(world: World, box: Mailbox) -> None:
    """Nobody is asked for a vote that is not wanted any more."""
    equip(world, port=box.port)
    run_id = await play(world, told())
    effect = Effect(kind="notify", key="review:a:1", data={"step": "a"})

    world.supervisor._take_effect(run_id, None, effect)
    await settle(world)

    assert box.mails == []


# --- at least once ------------------------------------------------------------------------------


async def test_messages_are_sent_after_a_crash(web: WebServer) -> None:
    """What was not told when the server ended is told by its next life, as the same delivery."""
    store = UnrulyStore()
    async with a_world(store=store) as first:
        equip(first)
        made = await add(first, told(webhook(f"{web.url}/slow"), webhook(f"{web.url}/quick")))
        head = await first.start(made)
        await first.wait_end(head.id)
        await first.until(lambda: len(web.received) == 2, "both are sent")
        await first.supervisor.stop_telling()
    web.release.set()
    web.received.clear()

    second = equip(World(store=store))
    await second.open()
    await settle(second)
    await second.close()

    assert sorted(request.headers["x-mulligan-delivery"] for request in web.received) == [
        f"{head.id}/one:1/0",
        f"{head.id}/one:1/1",
    ]
    assert await store.outbox() == ()


class Forgetful(UnrulyStore):
    """A store that can't be written for a while, except by `append`."""

    def __init__(self) -> None:
        super().__init__()
        self.down: dict[str, int] = {}

    def _play(self, name: str) -> None:
        if self.down.get(name, 0) > 0:
            self.down[name] -= 1
            raise InfrastructureError("an outage")

    async def drop_effect(self, run_id: RunId, kind: str, key: str) -> None:
        """Forget an effect."""
        if kind == "notify":
            self._play("drop_effect")
        await super().drop_effect(run_id, kind, key)

    async def add_note(self, note: Note) -> None:
        """Add a note."""
        self._play("add_note")
        await super().add_note(note)

    async def channel_hooks(self, project: ProjectId, name: str) -> tuple[Hook, ...]:
        """Return who listens."""
        self._play("channel_hooks")
        return await super().channel_hooks(project, name)


async def test_outage_while_messages_are_sent(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be stored is tried again, without sending the message again."""
    monkeypatch.setattr(supervisor, "_DROP_AGAIN_S", 0.0)
    store = Forgetful()
    store.down = {"drop_effect": 2, "add_note": 2, "channel_hooks": 2}
    web.answers["/hook"] = [404]
    channel = MessageSpec(kind="channel", config={"name": "done"})
    async with a_world(store=store) as world:
        equip(world)

        run_id = await play(world, told(webhook(f"{web.url}/hook"), channel))

        assert len(await notes(world, run_id)) == 1
    assert store.down == {"drop_effect": 0, "add_note": 0, "channel_hooks": 0}
    assert len(web.received) == 1
    assert await store.outbox() == ()


async def test_message_of_a_run_that_is_gone(hand: World, logged: list[str]) -> None:
    """An effect without a run is dropped with a log line."""
    equip(hand)
    effect = Effect(kind="notify", key="run:1", data={"stage": "", "good": True})

    hand.supervisor._take_effect(RunId("b-nobody"), None, effect)
    await settle(hand)

    assert logged == ["messages_lost"]


async def test_message_that_can_not_be_made(
    world: World, web: WebServer, logged: list[str]
) -> None:
    """A message whose definition is broken does not keep the others."""
    equip(world)
    broken = MessageSpec(kind="channel", config={})

    await play(world, told(broken, webhook(f"{web.url}/hook")))

    assert web.paths == ["/hook"]
    assert "message_broken" in logged
    assert await world.store.outbox() == ()


# --- channels -----------------------------------------------------------------------------------


def listening(name: str, hook_id: str, **converts: str) -> tuple[PipelineSpec, Hook]:
    """Give a pipeline that a channel starts, and its hook."""
    hook = Hook(
        id=hook_id,
        kind=HookKind.CHANNEL,
        project=SHOP,
        pipeline=PipelineId(""),
        name=name,
        converts=tuple(converts.items()),
    )
    return told(signals=SignalSpec(signals=(hook_id,))), hook


def publishing(name: str, *values: tuple[str, str]) -> MessageSpec:
    """Give a message on a channel."""
    return MessageSpec(kind="channel", values=values, config={"name": name})


async def runs_of(world: World, made: Pipeline) -> list[RunId]:
    """Give the runs of a pipeline, oldest first."""
    numbers = range(1, await world.store.last_number(made.id) + 1)
    found = [await world.store.find_run_by_number(made.id, number) for number in numbers]
    return [run_id for run_id in found if run_id is not None]


async def published(world: World, delivery: str) -> None:
    """Wait until it is stored that a message on a channel is out."""
    async with asyncio.timeout(DEADLINE_S):
        while await world.store.find_receipt(SYSTEM, delivery) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_channel_starts_what_listens(world: World) -> None:
    """A message on a channel starts the pipelines that listen to it, with its values."""
    equip(world)
    await world.access.create_user(ADMIN, ANN, is_admin=True)
    spec, hook = listening("base", "h1", v="VERSION")
    other = await add(world, spec, (hook,), "other")

    run_id = await play(world, told(publishing("base", ("v", "VERSION"))), values={"VERSION": "v7"})

    [started] = await runs_of(world, other)
    run = await world.wait_end(started)
    assert (run.value("VERSION"), run.head.chain, run.head.start_kind) == ("v7", 1, "pipeline")
    assert run.head.status is Status.SUCCEEDED
    assert await notes(world, run_id) == []


async def test_channel_publishes_once_over_a_crash(web: WebServer) -> None:
    """What listens does not start again because the server ended before all was told."""
    store = UnrulyStore()
    async with a_world(store=store) as first:
        equip(first)
        await first.access.create_user(ADMIN, ANN, is_admin=True)
        spec, hook = listening("base", "h1")
        other = await add(first, spec, (hook,), "other")
        made = await add(first, told(publishing("base"), webhook(f"{web.url}/slow")))
        head = await first.start(made)
        await first.until(lambda: len(web.received) == 1, "the webhook")
        await published(first, f"{head.id}/one:1/0")
        [started] = await runs_of(first, other)
        await first.wait_end(started)
        await first.supervisor.stop_telling()
    web.release.set()

    second = equip(World(store=store))
    await second.open()
    await settle(second)
    found = await runs_of(second, other)
    await second.close()

    assert web.paths == ["/slow", "/slow"]
    assert found == [started]


async def test_loop_of_channels_ends(world: World, logged: list[str]) -> None:
    """Two pipelines that start each other do so until the chain is twenty deep."""
    equip(world)
    await world.access.create_user(ADMIN, ANN, is_admin=True)
    pair = []
    for mine, theirs in (("ping", "pong"), ("pong", "ping")):
        spec, hook = listening(mine, f"hook-{mine}")
        one = stage("one", job("1", "a"), messages=(publishing(theirs),))
        looping = pipeline(one, signals=spec.signals)
        pair.append(await add(world, looping, (hook,), mine))

    await world.start(pair[0])
    await world.until(lambda: "channel_dropped" in logged, "the chain ends")
    await settle(world)

    runs = [await world.run(run_id) for made in pair for run_id in await runs_of(world, made)]
    assert sorted(run.head.chain for run in runs) == list(range(MOST_CHAINED + 1))
    assert {run.head.status for run in runs} == {Status.SUCCEEDED}
    assert "signal_dropped" not in logged
