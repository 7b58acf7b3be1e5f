"""Notices: who is told how a run went, and who is asked for a review."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.expressions import ExpressionError, substitute_classic
from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.core.items import Channel
from mulligan.core.postings import Posting
from mulligan.core.quality import Finding, Rule
from mulligan.core.records import PipelineSettings, PipelineVersion
from mulligan.core.run import Run
from mulligan.core.spec import TRIGGER_STAGE
from mulligan.core.status import Status
from mulligan.core.variables import Scope, secrets_of, substitute_people
from mulligan.engine.channels import Channels
from mulligan.engine.messages_sending import SendsMail
from mulligan.engine.secrets import Vault
from mulligan.engine.sender import NotTakenError
from mulligan.engine.service import Engine
from mulligan.log import get_log
from mulligan.logs.masking import Masker, mask_text
from mulligan.ports import EventRow

log = get_log()

KIND = "notice"
_MAIL = "mail"
_LONGEST_TEXT = 8000  # characters
_MOST_PEOPLE = 200
_ENDS = {True: "success", False: "failure"}
_WORDS = {True: ("succeeded", "成功"), False: ("failed", "失败")}
_REFUSED = ("was refused at a review", "未通过审核")
_STATUS = "ci.build_status"


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings of a pipeline want to be told at the end of a run; texts have variables.

    Args:
        people: User names or addresses, also several in one text.
        roles: All members of these roles.
        by_mail: People get it by mail.
        chats: Ids of chats.
        title, content: "" = ours.
        with_url: Say where the run can be seen.
    """

    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    by_mail: bool = False
    chats: tuple[str, ...] = ()
    title: str = ""
    content: str = ""
    with_url: bool = False


class NoticeWords(Protocol):
    """What a dialect says of notices."""

    def subscriptions(self, settings: PipelineSettings, *, good: bool) -> Sequence[Subscription]:
        """Return what the settings of a pipeline want to be told."""
        ...

    def status_of(self, run: Run) -> str:
        """Return the word for the status of a run."""
        ...

    def asked(self, version: PipelineVersion, node: str) -> Subscription:
        """Return who is asked at a stage or step besides its reviewers, and in which chats."""
        ...


class Notices:
    """Makes notices of the news, and sends them.

    Args:
        words: What the settings of pipelines mean.
        open_vault: The secrets of a project, which no notice shows.
        public_url: How users reach the server; "" = not known.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        channels: Channels,
        words: NoticeWords,
        mail: SendsMail,
        open_vault: Callable[[ProjectId], Awaitable[Vault]],
        public_url: str = "",
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._channels = channels
        self._words = words
        self._mail = mail
        self._open_vault = open_vault
        self._public_url = public_url.rstrip("/")

    async def is_heard(self, pipeline_id: PipelineId) -> bool:
        """Tell whether anybody is told how the runs of a pipeline end."""
        pipeline = await self._store.find_pipeline(pipeline_id)
        if pipeline is None:
            return False
        if any(self._words.subscriptions(pipeline.settings, good=good) for good in (True, False)):
            return True
        return any(channel.tells for channel in await self._channels.list(pipeline.project))

    async def tell_events(self, rows: Sequence[EventRow]) -> list[Posting]:
        """Make the notices of events."""
        made: list[Posting] = []
        for row in rows:
            event = row.event
            if isinstance(event, e.RunFinished):
                made += await self._of_end(row, event)
            elif (isinstance(event, e.GateOpened) and event.kind != "signal") or (
                isinstance(event, e.GateVoted) and event.next_group is not None
            ):
                made += await self._of_review(row, event.reviewers)
            elif isinstance(event, e.ReviewReminded):
                made += await self._of_review(row)
            elif isinstance(event, e.QualityChecked):
                made += await self._of_check(row, event)
        return made

    # --- ends of runs ---------------------------------------------------------------------------

    async def _of_end(self, row: EventRow, event: e.RunFinished) -> list[Posting]:
        refused = event.cause is Cause.REJECTED
        if event.status is Status.CANCELLED:
            return []  # who has stopped it knows
        good = event.status is not Status.FAILED or refused
        pipeline = await self._store.find_pipeline(row.pipeline)
        if pipeline is None:
            return []
        run = await self._engine.get_run(row.run_id)
        made = [
            posting
            for wanted in self._words.subscriptions(pipeline.settings, good=good)
            for posting in await self._postings(run, _ENDS[good], wanted, pipeline.name)
        ]
        texts = _result(run, pipeline.name, good=good)
        return made + await self._to_all(run, _ENDS[good], texts, made)

    # --- reviews --------------------------------------------------------------------------------

    async def _of_review(
        self, row: EventRow, reviewers: Iterable[str] | None = None
    ) -> list[Posting]:
        """Make the notices of a review; None: for those who have not answered yet."""
        run = await self._engine.get_run(row.run_id)
        gate = run.open_gate(row.event.node)
        if gate is None:
            return []  # it was answered by now
        if reviewers is None:
            answered = {vote.user for vote in gate.votes}
            reviewers = [name for name in gate.reviewers if name not in answered]
        version = await self._store.find_version(row.pipeline, run.head.version)
        wanted = (
            self._words.asked(version, row.event.node) if version is not None else Subscription()
        )
        pipeline = await self._store.find_pipeline(row.pipeline)
        name = pipeline.name if pipeline is not None else run.index.spec.name
        title, text = self._asking(run, row.event.node, name)
        people = (*reviewers, *wanted.people)
        asked = msgspec.structs.replace(
            wanted, people=people, by_mail=True, title=title, content=text, with_url=True
        )
        made = await self._postings(run, "review", asked, name)
        return made + await self._to_all(run, "review", (title, text), made)

    def _asking(self, run: Run, node: str, pipeline: str) -> tuple[str, str]:
        head = run.head
        named = {
            **{str(stage.id): stage.name for stage in run.index.spec.stages},
            **{str(step): spec.name for step, spec in run.index.steps.items()},
        }
        if node == TRIGGER_STAGE:  # what it is about, for nothing of it has begun
            named.setdefault(node, f"触发器 / its trigger: {head.message or head.start_kind}")
        place = named.get(node) or node
        text = (
            f"Run #{head.number} of {pipeline} ({head.project}) waits for an answer at {place}.\n"
            f"{pipeline}（{head.project}）第 {head.number} 次执行在 {place} 等待处理。"
        )
        return f"[Mulligan] {pipeline} #{head.number} review / 审核: {place}", text

    # --- rules of quality -----------------------------------------------------------------------

    async def _of_check(self, row: EventRow, event: e.QualityChecked) -> list[Posting]:
        """Tell whom a gate names that its rules are not satisfied."""
        failed = [finding for finding in event.findings if not finding.passed]
        if not failed:
            return []
        run = await self._engine.get_run(row.run_id)
        rules = [(rule, each) for each in failed if (rule := run.rule(each.rule)) is not None]
        if not any(rule.notices for rule, _ in rules):
            return []
        pipeline = await self._store.find_pipeline(row.pipeline)
        name = pipeline.name if pipeline is not None else run.index.spec.name
        made: list[Posting] = []
        for rule, finding in rules:
            title, text = _missed(run, name, rule, finding)
            for notice in rule.notices:
                wanted = Subscription(
                    people=notice.people,
                    by_mail=bool(notice.people),
                    chats=notice.chats,
                    title=title,
                    content=text,
                    with_url=True,
                )
                made += await self._postings(run, "failure", wanted, name)
        return made

    # --- what all have in common ----------------------------------------------------------------

    async def _postings(
        self, run: Run, event: str, wanted: Subscription, pipeline: str
    ) -> list[Posting]:
        status = self._words.status_of(run)
        own_title, own_text = _result(run, pipeline, good=event == "success")
        title, text = await self._texts(
            run, status, wanted.title or own_title, wanted.content or own_text
        )
        if wanted.with_url and self._public_url:
            text = f"{text}\n{self._public_url}/runs/{run.head.id}"
        places = []
        if wanted.by_mail:
            places = [(_MAIL, address) for address in await self._addresses(run, wanted)]
        chats = await self._chats(run, wanted.chats)
        places += [(channel.id, channel.shown) for channel in chats]
        return [self._posting(run, event, *place, (title, text)) for place in places]

    async def _to_all(
        self, run: Run, event: str, texts: tuple[str, str], made: Sequence[Posting]
    ) -> list[Posting]:
        """Tell the channels that want to know of all pipelines, but those told by `made`."""
        told = {posting.via for posting in made}
        everything = await self._channels.list(run.head.project)
        found = [c for c in everything if event in c.tells and c.id not in told]
        if not found:
            return []
        shown = await self._texts(run, "", *texts)
        return [self._posting(run, event, each.id, each.shown, shown) for each in found]

    async def _texts(self, run: Run, status: str, title: str, text: str) -> tuple[str, str]:
        """Put the variables of the run into texts; secrets are masked."""
        scope = Scope(run)

        def value(name: str) -> str | None:
            return status if name == _STATUS else scope.get(name)

        vault = await self._open_vault(run.head.project)
        secrets = (*secrets_of(run), *vault.masks)
        filled = []
        for each in (title, text):
            try:
                done = substitute_classic(each, value)
            except ExpressionError:
                done = each
            filled.append(mask_text(Masker(secrets), done)[:_LONGEST_TEXT])
        return " ".join(filled[0].split()), filled[1]

    async def _addresses(self, run: Run, wanted: Subscription) -> list[str]:
        """Find where people get mail; who has no address gets none."""
        people = list(substitute_people(wanted.people, Scope(run)))
        if wanted.roles:
            members = await self._store.list_members(run.head.project)
            people += [each.user for each in members if each.role.value in wanted.roles]
        found: dict[str, None] = {}
        for name in people[:_MOST_PEOPLE]:
            user = None if "@" in name else await self._store.find_user(UserName(name))
            address = name if "@" in name else (user.email if user is not None else "")
            if address:
                found[address] = None
            else:
                log.info("no_address", user=name, run_id=run.head.id)
        return list(found)

    async def _chats(self, run: Run, chats: tuple[str, ...]) -> list[Channel]:
        if not chats:
            return []
        named = set(substitute_people(chats, Scope(run)))
        everything = await self._channels.list(run.head.project)
        return [c for c in everything if c.name in named or named.intersection(c.chats)]

    def _posting(
        self, run: Run, event: str, via: str, target: str, texts: tuple[str, str]
    ) -> Posting:
        return Posting(
            project=run.head.project,
            kind=KIND,
            via=via,
            target=target,
            event=event,
            lane=f"{via} {target} {run.head.id}",
            title=texts[0],
            body=texts[1],
            created_at=self._engine.clock.now(),
        )

    async def send(self, posting: Posting) -> int | None:
        """Send a notice.

        Raises:
            NotTakenError: It was not taken.
        """
        if posting.via != _MAIL:
            return await self._channels.send(posting)
        if not self._mail.is_set_up:
            raise NotTakenError("there is no mail server (setting mail.host)", again=False)
        try:
            await self._mail.send(posting.target, posting.title, posting.body)
        except PermissionError as error:
            raise NotTakenError(str(error), again=False) from None
        except (OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise NotTakenError(reason, again=isinstance(error, OSError)) from None
        return None


def _missed(run: Run, pipeline: str, rule: Rule, finding: Finding) -> tuple[str, str]:
    """Give title and text of a rule that is not satisfied."""
    head, values = run.head, dict(finding.values)
    lines = [
        f"{each.metric} {each.operator} {each.value}: {values.get(each.metric) or '-'}"
        for each in rule.conditions
    ]
    text = (
        f"Run #{head.number} of {pipeline} ({head.project}) does not satisfy {rule.name}.\n"
        f"{pipeline}（{head.project}）第 {head.number} 次执行未通过质量红线 {rule.name}。\n"
    )
    title = f"[Mulligan] {pipeline} #{head.number} quality / 质量红线: {rule.name}"
    return title, text + "\n".join(lines)


def _result(run: Run, pipeline: str, *, good: bool) -> tuple[str, str]:
    """Give title and text of how a run went."""
    head = run.head
    # counts as success in some words, yet nobody shall read that it succeeded
    english, chinese = _REFUSED if head.cause is Cause.REJECTED else _WORDS[good]
    text = (
        f"Run #{head.number} of {pipeline} ({head.project}) {english}.\n"
        f"{pipeline}（{head.project}）第 {head.number} 次执行{chinese}。"
    )
    return f"[Mulligan] {pipeline} #{head.number} {english} / {chinese}", text
