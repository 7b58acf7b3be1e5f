"""Callbacks: URLs that are told what happens in a project or a pipeline."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.events import Event
from mulligan.core.ids import PipelineId, ProjectId, RunId
from mulligan.core.items import CallbackRule, ItemChange
from mulligan.core.postings import Posting, PostingState
from mulligan.core.records import AuditEntry, PipelineVersion
from mulligan.core.rights import Actor
from mulligan.core.run import Run
from mulligan.engine.audited import audited
from mulligan.engine.messages_sending import SendsWeb
from mulligan.engine.sender import NotTakenError
from mulligan.engine.service import Engine
from mulligan.ports import EventRow, Ids
from mulligan.secret_key import SecretKey, UnsealError

KIND = "callback"
MOST_RULES = 200  # of a project, with those of its pipelines
LONGEST_URL = 1024  # characters
_PURPOSE = "callback-token"
_IN_MODEL = "model:"  # begins the id of a rule that stands in a definition
_MOST_KEPT = 512
_REDIRECT, _SERVER_ERROR = 300, 500
_BUSY = frozenset({408, 425, 429})  # statuses below 500 that may be others a moment later


class GivenCallback(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as somebody gives it; `name`: "" = by event and URL."""

    event: str
    url: str
    token: str = ""
    name: str = ""
    extra: dict[str, Any] = {}


class CallbackWords(Protocol):
    """What callbacks say, in the words of a dialect."""

    token_header: str

    def event_of(self, event: Event) -> str:
        """Return the word for an event of a run, "" = nobody is told."""
        ...

    def run_body(self, word: str, event: Event, run: Run, pipeline_name: str) -> str:
        """Return what is told of an event of a run; `run` as it is now."""
        ...

    def act(self, entry: AuditEntry) -> tuple[str, str, str]:
        """Return word, body and pipeline of an act on a pipeline or project; word "" = none."""
        ...

    def rules_in(self, version: PipelineVersion) -> Sequence[GivenCallback]:
        """Return the rules that stand in a definition."""
        ...


class Callbacks:
    """The callback rules of all projects.

    Args:
        words: What they say.
        web: Sends requests.
        changed: Called when a rule has changed.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        ids: Ids,
        secret_key: SecretKey,
        words: CallbackWords,
        web: SendsWeb,
        changed: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._clock = engine.clock
        self._ids = ids
        self._key = secret_key
        self._words = words
        self._web = web
        self._changed = changed
        self._rules: OrderedDict[ProjectId, tuple[CallbackRule, ...]] = OrderedDict()
        self._writes = 0

    # --- rules ----------------------------------------------------------------------------------

    async def put(
        self, actor: Actor, project: ProjectId, given: GivenCallback, *, pipeline: str = ""
    ) -> CallbackRule:
        """Make a rule, or replace that of the same name.

        Raises:
            InvalidError: The URL is none (code "callback-url"), or there are too many.
        """
        check_url(given.url)
        name = given.name or f"{given.event} {given.url}"
        rules = await self.rules(project)
        before = next((r for r in rules if (r.parent, r.name) == (pipeline, name)), None)
        if before is None and len(rules) >= MOST_RULES:
            raise InvalidError(
                f"the project has {len(rules)} callbacks; {MOST_RULES} are allowed",
                code="item-count",
                values=("0", str(MOST_RULES)),
            )
        now = self._clock.now()
        ident = before.id if before else self._ids.hex32()[-12:]
        rule = CallbackRule(
            project=project,
            id=ident,
            name=name,
            parent=pipeline,
            number=before.number if before else 0,
            created_by=before.created_by if before else actor.user,
            created_at=before.created_at if before else now,
            updated_by=actor.user,
            updated_at=now,
            event=given.event,
            url=given.url,
            token=self._sealed(project, ident, given.token),
            extra=given.extra,
        )
        acts = audited(self._clock, actor, "callback.put", project=project, target=ident)
        try:
            await self._store.change_items(ItemChange(put=(rule,)), acts)
        finally:
            self.forget(project)
        return rule

    async def drop(self, actor: Actor, rule: CallbackRule) -> None:
        """Remove a rule; what waits to be sent for it is given up."""
        acts = audited(self._clock, actor, "callback.delete", project=rule.project, target=rule.id)
        try:
            await self._store.change_items(ItemChange(drop=(rule,)), acts)
        finally:
            self.forget(rule.project)

    async def rules(self, project: ProjectId) -> tuple[CallbackRule, ...]:
        """Return the rules of a project and of its pipelines, oldest first."""
        known = self._rules.get(project)
        if known is not None:
            self._rules.move_to_end(project)
            return known
        writes = self._writes
        found = await self._store.list_items(CallbackRule, project, limit=MOST_RULES)
        if writes == self._writes:
            self._rules[project] = found
            if len(self._rules) > _MOST_KEPT:
                self._rules.popitem(last=False)
        return found

    def forget(self, project: ProjectId) -> None:
        """Read the rules of a project anew."""
        self._writes += 1
        self._rules.pop(project, None)
        self._changed()

    def _sealed(self, project: ProjectId, ident: str, token: str) -> bytes:
        if not token:
            return b""
        return self._key.seal(_PURPOSE, f"{project}/{ident}", token.encode())

    # --- news -----------------------------------------------------------------------------------

    async def is_heard(self, pipeline_id: PipelineId) -> bool:
        """Tell whether anybody is told of a pipeline's runs."""
        pipeline = await self._store.find_pipeline(pipeline_id)
        if pipeline is None:
            return False
        rules = await self.rules(pipeline.project)
        if any(rule.parent in {"", pipeline_id} for rule in rules):
            return True
        return bool(await self._in_model(pipeline_id))

    async def _in_model(self, pipeline_id: PipelineId) -> tuple[GivenCallback, ...]:
        pipeline = await self._store.find_pipeline(pipeline_id)
        version = (
            await self._store.find_version(pipeline_id, pipeline.version) if pipeline else None
        )
        return tuple(self._words.rules_in(version)) if version is not None else ()

    async def tell_events(self, rows: Sequence[EventRow]) -> list[Posting]:
        """Make the postings of events of runs."""
        made: list[Posting] = []
        for row in rows:
            word = self._words.event_of(row.event)
            if not word:
                continue
            targets = await self._targets(row.project, row.pipeline, word)
            if not targets:
                continue
            run = await self._engine.get_run(row.run_id)
            pipeline = await self._store.find_pipeline(row.pipeline)
            name = pipeline.name if pipeline is not None else ""
            body = self._words.run_body(word, row.event, run, name)
            made += self._postings(row.project, word, body, targets, row.run_id)
        return made

    async def tell_audit(self, entries: Sequence[AuditEntry]) -> list[Posting]:
        """Make the postings of acts on pipelines and projects."""
        made: list[Posting] = []
        for entry in entries:
            word, body, pipeline = self._words.act(entry)
            project = ProjectId(entry.project)
            if word and entry.project:
                targets = await self._targets(project, PipelineId(pipeline), word)
                made += self._postings(project, word, body, targets, pipeline)
        return made

    async def _targets(
        self, project: ProjectId, pipeline: PipelineId, word: str
    ) -> list[tuple[str, str]]:
        """Return who is told: rule and URL."""
        rules = await self.rules(project)
        found = [
            (rule.id, rule.url)
            for rule in rules
            if rule.event == word and rule.parent in {"", pipeline}
        ]
        in_model = await self._in_model(pipeline) if pipeline else ()
        found += [
            (f"{_IN_MODEL}{pipeline}:{given.name}", given.url)
            for given in in_model
            if given.event == word
        ]
        return found

    def _postings(
        self,
        project: ProjectId,
        word: str,
        body: str,
        targets: Iterable[tuple[str, str]],
        about: RunId | str,
    ) -> list[Posting]:
        return [
            Posting(
                project=project,
                kind=KIND,
                via=rule,
                target=url,
                event=word,
                lane=f"{url} {about}",
                body=body,
                created_at=self._clock.now(),
            )
            for rule, url in targets
        ]

    # --- sending --------------------------------------------------------------------------------

    async def send(self, posting: Posting) -> int:
        """Send a posting; return the status of the answer.

        Raises:
            NotTakenError: It was not taken.
        """
        headers = {"Content-Type": "application/json", "User-Agent": "Mulligan"}
        headers["X-Mulligan-Delivery"] = str(posting.number)
        token = await self._token(posting)
        if token:
            headers[self._words.token_header] = token
        return await post(self._web, posting.target, headers, posting.body.encode())

    async def _token(self, posting: Posting) -> str:
        via = posting.via
        if via.startswith(_IN_MODEL):
            pipeline, _, name = via.removeprefix(_IN_MODEL).partition(":")
            rules = await self._in_model(PipelineId(pipeline))
            given = next((rule for rule in rules if rule.name == name), None)
            if given is None:
                raise NotTakenError("the callback was removed", again=False)
            return given.token
        rule = await self._store.find_item(CallbackRule, posting.project, via)
        if rule is None:
            raise NotTakenError("the callback was removed", again=False)
        if not rule.token:
            return ""
        try:
            place = f"{rule.project}/{rule.id}"
            return self._key.unseal(_PURPOSE, place, rule.token).decode()
        except UnsealError as error:
            raise NotTakenError(f"its token can't be read: {error}", again=False) from None

    async def again(self, project: ProjectId, number: int) -> Posting:
        """Return a posting as a new one.

        Raises:
            NotFoundError: There is none of that number.
        """
        found = await self._store.find_posting(project, number)
        if found is None or found.kind != KIND:
            raise NotFoundError("posting", str(number))
        fresh = replace(
            found,
            number=0,
            state=PostingState.WAITING,
            tries=0,
            due_at=None,
            sent_at=None,
            ended_at=None,
            status=None,
            problem="",
            created_at=self._clock.now(),
        )
        (stored,) = await self._store.add_postings((fresh,))
        return stored


async def post(
    web: SendsWeb, url: str, headers: dict[str, str], body: bytes, *, method: str = "POST"
) -> int:
    """Send a request; return the status of an answer that took it.

    Raises:
        NotTakenError: There was no answer, or it was another one.
    """
    try:
        status = await web.send(method, url, headers, body)
    except PermissionError as error:
        raise NotTakenError(str(error), again=False) from None
    except (OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise NotTakenError(reason, again=isinstance(error, OSError)) from None
    if status < _REDIRECT:
        return status
    raise NotTakenError(
        f"answered {status}", again=status >= _SERVER_ERROR or status in _BUSY, status=status
    )


def check_url(url: str) -> None:
    """Refuse what is no URL of HTTP, or holds a login.

    Raises:
        InvalidError: Code "callback-url".
    """
    if not is_web_url(url):
        raise InvalidError(
            "the URL of a callback is http:// or https://, a host and a path, in ASCII",
            pointer="url",
            code="callback-url",
        )


def is_web_url(url: str) -> bool:
    """Tell whether a text is a URL of HTTP, without a login, as it may go over the wire."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_good = is_good and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
    return is_good and len(url) <= LONGEST_URL and all("!" <= each <= "~" for each in url)
