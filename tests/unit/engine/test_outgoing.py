"""News become postings, and postings are sent: order, tries, crashes, what is not shown."""

import asyncio
import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from builders import job as build_job
from builders import one_job, pipeline, review, stage, step
from engine_world import ADMIN, DEADLINE_S, SHOP, World
from mulligan.core.cause import Cause
from mulligan.core.decision import Decision
from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.events import JobClaimed
from mulligan.core.flow.votes import Answer
from mulligan.core.ids import StageId, UserName
from mulligan.core.postings import Posting, PostingState
from mulligan.core.quality import MetricCondition, Rule, RuleNotice
from mulligan.core.records import PipelineSettings
from mulligan.core.status import Status
from mulligan.engine.callbacks import GivenCallback
from mulligan.engine.catalog import Definition
from mulligan.engine.channel_messages import Address, Notice, compose
from mulligan.engine.channels import GivenChannel
from mulligan.engine.commands import AnswerStage
from mulligan.engine.outgoing import Outgoing
from mulligan.engine.secrets import Vault
from mulligan.engine.sender import NotTakenError, Sender
from mulligan.facades.bkci.callback_out import BkciWords
from mulligan.facades.bkci.notice_in import BkciNotices
from mulligan.ports import EventRow
from mulligan.secret_key import SecretKey

pytestmark = pytest.mark.anyio

URL = "http://example.com/hook"


class Web:
    """Answers as it is told, then 200; keeps what came."""

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        self.methods: list[str] = []
        self.answers: list[int | Exception] = []

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Keep a request."""
        self.methods.append(method)
        self.came.append((url, dict(headers), body))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def events(self) -> list[str]:
        """Give the events of the callbacks that came."""
        return [json.loads(body)["event"] for _, _, body in self.came]


class Mail:
    """Keeps mails."""

    is_set_up = True

    def __init__(self) -> None:
        self.came: list[tuple[str, str, str]] = []

    async def send(self, to: str, subject: str, text: str) -> None:
        """Keep a mail."""
        self.came.append((to, subject, text))


async def sent(world: World, but: int = 0) -> None:
    """Wait until no posting waits, but so many."""
    async with asyncio.timeout(DEADLINE_S):
        for _ in itertools.count():
            if len(await world.store.waiting_postings()) <= but:
                return
            await asyncio.sleep(0)


class Post:
    """The outgoing parts of a world."""

    def __init__(self, world: World, pauses_s: tuple[float, ...] = (0.0, 0.0)) -> None:
        self.web, self.mail = Web(), Mail()
        self.world = world

        async def vault(_project: object) -> Vault:
            return Vault()

        async def no_plugin(_code: str, _wanted: str) -> None:
            return None

        self.out = Outgoing(
            engine=world.engine,
            ids=world.ids,
            secret_key=SecretKey(lambda: b"k" * 32),
            callback_words=BkciWords(),
            notice_words=BkciNotices(),
            web=self.web,
            mail=self.mail,
            open_vault=vault,
            find_plugin=no_plugin,
            public_url="http://ci.example.com/",
            pauses_s=pauses_s,
        )

    async def rule(self, event: str, url: str = URL) -> None:
        """Make a callback of the project."""
        given = GivenCallback(event=event, url=url, token="t-0123")
        await self.out.callbacks.put(ADMIN, SHOP, given)

    async def settle(self) -> None:
        """Tell all news, and send until nothing waits."""
        await self.out.news.catch_up()
        await sent(self.world)


@pytest.fixture
async def post(world: World) -> Post:
    """Give the outgoing parts of a world whose jobs run by themselves."""
    return Post(world)


async def run_once(world: World, status: Status = Status.SUCCEEDED, **settings: object) -> None:
    """Run a pipeline of one step to its end."""
    if status is Status.FAILED:
        world.scripted.fail("a")
    made = await world.add_pipeline(
        one_job("a", name=f"p{world.ids.hex32()}"),
        PipelineSettings(extra=dict(settings)),
    )
    head = await world.start(made)
    await world.wait_end(head.id)


async def test_events_are_told_in_their_order(world: World, post: Post) -> None:
    """One URL hears of a run's events one after the other, with the token of their rule."""
    for event in ("BUILD_END", "BUILD_START", "BUILD_TASK_END"):
        await post.rule(event)
    await run_once(world)

    await post.settle()

    assert post.web.events == ["BUILD_START", "BUILD_TASK_END", "BUILD_END"]
    assert {headers["X-DEVOPS-WEBHOOK-TOKEN"] for _, headers, _ in post.web.came} == {"t-0123"}
    stored, _ = await world.store.list_postings(SHOP, kind="callback")
    assert {each.state for each in stored} == {PostingState.DONE}
    assert "t-0123" not in str(stored)


async def test_delete_hooks_of_plugins(world: World, post: Post) -> None:
    """A task that leaves its pipeline is told, and each that is left when the pipeline goes."""
    catalog = world.catalog

    def definition(*names: str) -> Definition:
        steps = [
            step(
                name,
                kind="plugin",
                code="echo",
                inputs={
                    "input": {
                        "bk_atom_del_hook_url": "http://example.com/{projectId}/{words}?u={userId}",
                        "bk_atom_del_hook_url_method": "delete" if name == "a" else "",
                        "bk_atom_del_hook_url_body": '{"w": "{words}", "p": "{pipelineId}", "{x}"}',
                        "words": f'{name} "1"/2',
                    }
                },
            )
            for name in names
        ]
        return Definition(spec=one_job(*steps, step("script")), dialect="bkci", source={})

    made = await catalog.create_pipeline(ADMIN, SHOP, definition("a", "b"))
    await post.settle()
    assert post.web.came == []
    made = await catalog.edit_pipeline(ADMIN, made, definition("b", "c"))
    await post.settle()
    user = ADMIN.user
    told = [(f"http://example.com/{SHOP}/a%20%221%22%2F2?u={user}", "DELETE")]
    assert [
        (url, method) for (url, *_), method in zip(post.web.came, post.web.methods, strict=True)
    ] == told
    assert post.web.came[0][2].decode() == f'{{"w": "a \\"1\\"/2", "p": "{made.id}", "{{x}}"}}'
    await catalog.delete_pipeline(ADMIN, made)
    await post.settle()
    assert sorted(url[len("http://example.com/shop/")] for url, *_ in post.web.came) == list("abc")
    assert post.web.methods[1:] == ["GET", "GET"]
    (posting, *_), count = await world.store.list_postings(SHOP, kind="plugin-hook")
    assert (count, posting.target, "words" in posting.body) == (3, "http://example.com", False)


async def test_tries_are_bounded(world: World, post: Post) -> None:
    """A refusal ends it at once, a failure after the last try; the next in the lane still goes."""
    await post.rule("BUILD_START")
    await post.rule("BUILD_END")
    post.web.answers = [503, OSError("no answer"), 500, 410]
    await run_once(world)

    await post.settle()

    ended, _ = await world.store.list_postings(SHOP, kind="callback")
    facts = [(each.event, each.state, each.tries, each.status) for each in ended]
    assert facts == [
        ("BUILD_END", PostingState.FAILED, 1, 410),
        ("BUILD_START", PostingState.FAILED, 3, 500),
    ]


async def test_news_of_an_earlier_life_are_told(world: World) -> None:
    """A server that ended between an event and its telling tells it after its next start, once."""
    first = Post(world)
    await first.rule("BUILD_END")
    await run_once(world)

    second = Post(world)
    await second.settle()
    await second.settle()

    assert (first.web.events, second.web.events) == ([], ["BUILD_END"])


async def test_postings_of_an_earlier_life_are_sent(world: World) -> None:
    """What was stored and not sent is sent by the next life."""
    first = Post(world)
    await first.rule("BUILD_END")
    await run_once(world)
    await first.out.news.catch_up()
    await first.out.close()
    assert await world.store.waiting_postings() != ()

    second = Post(world)
    await second.out.open()
    await second.settle()

    assert second.web.events == ["BUILD_END"]


async def test_a_removed_rule_is_told_nothing(world: World, post: Post) -> None:
    """What waits for a rule that is gone is given up."""
    await post.rule("BUILD_END")
    (rule,) = await post.out.callbacks.rules(SHOP)
    await run_once(world)
    await post.out.callbacks.drop(ADMIN, rule)

    await post.settle()

    assert post.web.came == []
    with pytest.raises(NotFoundError):
        await post.out.callbacks.again(SHOP, 99)


async def test_whom_nobody_hears_is_not_read(world: World, post: Post) -> None:
    """The follower is woken by pipelines that somebody hears, and by changes of rules."""
    follower = asyncio.get_running_loop().create_task(post.out.follow())

    def committed(decision: Decision) -> None:
        world.live.committed(decision)
        post.out.committed(decision)

    world.engine.on_commit = committed
    await run_once(world)
    await run_once(world)
    await post.rule("BUILD_END")
    await run_once(world)

    await world.until(lambda: post.web.events == ["BUILD_END"], "the end is told")
    follower.cancel()


@pytest.mark.parametrize(
    ("status", "text"), [(Status.SUCCEEDED, "good SUCCEED"), (Status.FAILED, "bad FAILED")]
)
async def test_subscriptions_by_result(world: World, post: Post, status: Status, text: str) -> None:
    """The list of the result counts; people without an address get nothing."""
    await run_once(
        world,
        status,
        successSubscriptionList=[
            {
                "types": ["RTX"],
                "users": "x@example.com,nobody",
                "content": "good ${ci.build_status}",
            }
        ],
        failSubscription={
            "types": ["EMAIL"],
            "users": "x@example.com",
            "content": "bad ${ci.build_status}",
        },
    )

    await post.settle()

    assert [(to, body) for to, _, body in post.mail.came] == [("x@example.com", text)]


async def test_reviewers_are_asked_where_they_have_an_address(world: World, post: Post) -> None:
    """The review of a stage asks its people by mail, and channels that want to know of reviews."""
    channel = GivenChannel(name="c", way="slack", address=Address(URL), tells=("review",))
    await post.out.channels.put(ADMIN, SHOP, channel)
    spec = pipeline(stage("s", build_job("1", "a"), review=review("kim@example.com")))
    await world.start(await world.add_pipeline(spec))

    await post.settle()

    ((to, subject, body),) = post.mail.came
    assert (to, subject.endswith("review / 审核: s")) == ("kim@example.com", True)
    assert "http://ci.example.com/runs/" in body
    assert len(post.web.came) == 1


async def test_a_refused_review_is_not_told_as_a_success(world: World, post: Post) -> None:
    """BK-CI counts it as success for its lists; the words say what happened, and once."""
    for name in ("named", "other"):
        address = Address(f"{URL}/{name}")
        tells = ("success", "failure")
        channel = GivenChannel(name=name, way="slack", address=address, tells=tells)
        await post.out.channels.put(ADMIN, SHOP, channel)
    wanted = {"types": ["WEWORK_GROUP"], "wechatGroup": "named", "content": "${{ci.build_status}}"}
    spec = pipeline(stage("s", build_job("1", "a"), review=review("kim@example.com")))
    settings = PipelineSettings(extra={"successSubscriptionList": [wanted]})
    head = await world.start(await world.add_pipeline(spec, settings))
    no = Answer(user=UserName("kim@example.com"), approve=False)
    asked = AnswerStage(actor=no.user, run_id=head.id, stage=StageId("s"), answer=no)
    await world.engine.answer_stage(asked)

    await post.settle()

    texts = {url.rpartition("/")[2]: json.loads(body)["text"] for url, _, body in post.web.came}
    assert len(post.web.came) == 2
    assert texts["named"].endswith("STAGE_SUCCESS")
    assert all("refused at a review / 未通过审核" in text for text in texts.values())
    assert "succeeded" not in str(texts)


async def test_a_gate_that_is_not_satisfied_is_told(world: World, post: Post) -> None:
    """Those hear of it whom the gate names, by mail or in a chat."""
    channel = GivenChannel(name="qa", way="slack", address=Address(URL), tells=())
    await post.out.channels.put(ADMIN, SHOP, channel)
    rule = Rule(
        id="s:check-in:1",
        name="Tested",
        conditions=(MetricCondition(metric="unit.cover", operator=">=", value="0.8"),),
        notices=(RuleNotice(people=("kim@example.com",)), RuleNotice(chats=("qa",))),
    )
    checked = stage("s", build_job("1", "a"), check_in=(rule.id,), rules=(rule,))
    head = await world.start(await world.add_pipeline(pipeline(checked)))

    await post.settle()

    run = await world.wait_end(head.id)
    assert (run.head.status, run.head.cause) == (Status.FAILED, Cause.QUALITY)
    ((to, subject, body),) = post.mail.came
    assert (to, subject.endswith("quality / 质量红线: Tested")) == ("kim@example.com", True)
    assert "unit.cover >= 0.8: -" in body
    assert len(post.web.came) == 1


async def test_channels_hide_their_addresses(world: World, post: Post) -> None:
    """No row has the URL or the key; a test says what went wrong."""
    address = Address("http://example.com/robot?key=k-777", "sign-777")
    channel = GivenChannel(name="c", way="dingtalk", address=address)
    made = await post.out.channels.put(ADMIN, SHOP, channel)
    post.web.answers = [403]

    problem = await post.out.channels.test(ADMIN, SHOP, "c")

    assert problem == "answered 403"
    assert "777" not in str(made) + str(address) + str(await world.store.list_audit())
    for wrong in (
        GivenChannel(name="a b", way="slack", address=Address(URL)),
        GivenChannel(name="a", way="fax", address=Address(URL)),
        GivenChannel(name="a", way="slack", address=Address("ftp://x/")),
        GivenChannel(name="a", way="slack", address=Address(URL), tells=("never",)),
    ):
        with pytest.raises(InvalidError):
            await post.out.channels.put(ADMIN, SHOP, wrong)


async def test_webhooks_are_signed_by_the_standard(world: World) -> None:
    """An independent verifier accepts the signature."""
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    notice = Notice(
        ident="msg_1",
        event="success",
        project=SHOP,
        title="t",
        text="x",
        at=datetime.now(UTC),
    )

    message = compose("webhook", Address(URL, key), notice)

    Webhook(key).verify(message.body, message.headers)


async def test_a_broken_way_does_not_stop_its_lane(world: World) -> None:
    """A posting that nothing can send fails; those behind it go on."""
    numbers: list[int] = []

    async def send(posting: Posting) -> int:
        numbers.append(posting.number)
        if len(numbers) == 1:
            raise RuntimeError("a mistake")
        return 200

    sender = Sender(store=world.store, clock=world.clock, ways={"known": send}, pauses_s=())
    waiting = [
        Posting(
            project=SHOP,
            kind=kind,
            via="",
            target=URL,
            event="e",
            lane="one",
            body="",
            created_at=world.clock.now(),
        )
        for kind in ("unknown", "known", "known")
    ]
    stored = await world.store.add_postings(waiting)
    sender.take(stored)
    await sent(world)

    states = [await world.store.find_posting(SHOP, each.number) for each in stored]
    assert [each.state.value for each in states if each] == ["failed", "failed", "done"]


def posting(world: World, number: int, url: str) -> Posting:
    """Return a posting in a lane of its own."""
    return Posting(
        project=SHOP,
        kind="web",
        via="",
        target=url,
        event="e",
        lane=f"{url} {number}",
        body="",
        created_at=world.clock.now(),
    )


async def test_a_target_that_never_answers_holds_up_no_other(world: World) -> None:
    """However many wait for a silent host, it gets few places, and the others all get through."""
    under_way: list[str] = []
    silent, good = "http://silent.example/hook", "http://good.example/hook"

    async def send(each: Posting) -> int:
        under_way.append(each.target)
        if each.target == silent:
            await asyncio.Event().wait()
        return 200

    sender = Sender(store=world.store, clock=world.clock, ways={"web": send}, pauses_s=())
    many = [posting(world, number, silent) for number in range(100)]
    few = [posting(world, number, good) for number in range(40)]
    sender.take(await world.store.add_postings([*many, *few]))
    await sent(world, but=len(many))

    assert under_way.count(good) == len(few)
    assert under_way.count(silent) == 4
    await sender.close()


async def test_what_waits_for_a_silent_target_is_given_up_in_the_end(world: World) -> None:
    """After an hour nothing is sent to a host that does not answer: not all of it may wait."""
    tries: list[int] = []

    async def send(each: Posting) -> int:
        tries.append(each.number)
        world.clock.advance(hours=1, seconds=1)
        raise NotTakenError("no answer", again=True)

    sender = Sender(store=world.store, clock=world.clock, ways={"web": send}, pauses_s=(0.0,) * 9)
    stored = await world.store.add_postings([posting(world, number, URL) for number in range(6)])
    sender.take(stored)
    await sent(world)

    found = [await world.store.find_posting(SHOP, each.number) for each in stored]
    assert {each.state for each in found if each} == {PostingState.FAILED}
    assert tries == [each.number for each in stored[:3]]


async def test_what_cannot_be_told_keeps_nothing_else(world: World, post: Post) -> None:
    """An event that breaks its telling is passed over; those before and behind it are told."""
    await post.rule("BUILD_START")
    await post.rule("BUILD_END")
    await run_once(world)
    tell = post.out.callbacks.tell_events

    async def breaking(rows: Sequence[EventRow]) -> list[Posting]:
        if any(isinstance(row.event, JobClaimed) for row in rows):
            raise RuntimeError("a mistake")
        return await tell(rows)

    post.out.news.tell_events = (breaking,)
    await post.settle()

    assert post.web.events == ["BUILD_START", "BUILD_END"]
