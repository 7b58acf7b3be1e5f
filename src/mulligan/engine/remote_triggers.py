"""Remote triggers: whoever knows a pipeline's token may start it, without a login."""

import secrets
from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import NamedTuple

from mulligan.core.errors import NotFoundError, RefusedError
from mulligan.core.ids import PipelineId, UserName
from mulligan.core.records import Pipeline
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.rights import Actor, Permission
from mulligan.core.run import RunHead
from mulligan.core.trigger_records import RemoteToken
from mulligan.core.triggers.origin import Origin
from mulligan.core.triggers.spec import TriggerKind, TriggerSpec
from mulligan.engine.access import Access
from mulligan.engine.audited import audited
from mulligan.engine.commands import StartRun
from mulligan.engine.service import Engine
from mulligan.engine.tokens import digest_of
from mulligan.log import get_log
from mulligan.secret_key import SecretKey, UnsealError

log = get_log()

_PURPOSE = "remote-token"
_TOKEN_BYTES = 24
_MINUTE = timedelta(minutes=1)
_MOST_WATCHED = 4096  # tokens whose calls are counted


class Called(NamedTuple):
    """What a token starts, and in whose name."""

    pipeline: PipelineId
    trigger: TriggerSpec
    starter: UserName


class RemoteTriggers:
    """The use cases of remote triggers.

    Args:
        per_minute: Starts that one token may ask for.
    """

    def __init__(
        self, *, engine: Engine, access: Access, secret_key: SecretKey, per_minute: int = 60
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._clock = engine.clock
        self._access = access
        self._key = secret_key
        self._per_minute = per_minute
        self._calls: OrderedDict[str, deque[datetime]] = OrderedDict()

    async def make(self, actor: Actor, pipeline: Pipeline) -> str:
        """Give a pipeline a new token; the one before is good no more."""
        token = secrets.token_hex(_TOKEN_BYTES)
        record = RemoteToken(
            pipeline=pipeline.id,
            digest=digest_of(token),
            sealed=self._key.seal(_PURPOSE, pipeline.id, token.encode()),
            made_at=self._clock.now(),
        )
        acts = audited(
            self._clock,
            actor,
            "trigger.token",
            project=pipeline.project,
            target=pipeline.id,
        )
        await self._store.put_remote_token(record, acts)
        return token

    async def drop(self, actor: Actor, pipeline: Pipeline) -> None:
        """Take the token of a pipeline away.

        Raises:
            NotFoundError: It has none.
        """
        acts = audited(
            self._clock,
            actor,
            "trigger.token-delete",
            project=pipeline.project,
            target=pipeline.id,
        )
        if not await self._store.drop_remote_token(pipeline.id, acts):
            raise NotFoundError("remote token", pipeline.id)

    async def show(self, pipeline: PipelineId) -> str:
        """Return the token of a pipeline; "" = it has none, or it can't be read any more."""
        record = await self._store.find_remote_token(pipeline)
        if record is None:
            return ""
        try:
            return self._key.unseal(_PURPOSE, pipeline, record.sealed).decode()
        except UnsealError:
            return ""

    async def called(self, token: str) -> Called:
        """Return what a token starts.

        Raises:
            NotFoundError: No pipeline has it.
            RefusedError: Its remote trigger is switched off, or it was called too often.
        """
        record = await self._store.remote_token_with(digest_of(token))
        if record is None:
            raise NotFoundError("pipeline", "")
        self._count(record.digest)
        pipeline = await self._store.find_pipeline(record.pipeline)
        if pipeline is None or pipeline.deleted_at is not None:
            raise NotFoundError("pipeline", "")
        trigger = await self._trigger(pipeline)
        starter = pipeline.updated_by
        may = await self._access.may_in_name_of(starter, Permission.START, pipeline.project)
        if trigger is None or not may:
            why = "is switched off" if trigger is None else f"acts for {starter}, who may not start"
            raise RefusedError(
                Refusal(code=RefusalCode.NOT_STARTABLE, message=f"the remote trigger {why}")
            )
        return Called(pipeline=pipeline.id, trigger=trigger, starter=starter)

    async def start(
        self,
        called: Called,
        values: dict[str, str],
        *,
        client: str,
        user: str = "",
        message: str = "",
    ) -> RunHead:
        """Start a pipeline for somebody who showed its token.

        Args:
            client: Address of the caller.
            user: Who the caller says to be; only noted.

        Raises:
            RefusedError: All that refuses a start.
        """
        trigger, starter = called.trigger, called.starter
        facts = {
            "BK_CI_START_TASK_ID": trigger.id,
            "BK_CI_START_REMOTE_CLIENT_IP": client,
            "BK_CI_START_REMOTE_USER_ID": user[:128],
            "BK_CI_AUTHORIZER": starter,
        }
        command = StartRun(
            actor=starter,
            origin=f"{client} remote",
            pipeline=called.pipeline,
            values=values,
            message=message,
            start_kind="remote",
            facts={name: value for name, value in facts.items() if value},
            trigger=Origin(trigger=trigger.id, element=trigger.element),
        )
        return await self._engine.start_run(command)

    async def _trigger(self, pipeline: Pipeline) -> TriggerSpec | None:
        version = await self._store.find_version(pipeline.id, pipeline.version)
        triggers = () if version is None else version.spec.triggers
        remote = (each for each in triggers if each.kind is TriggerKind.REMOTE and each.enabled)
        return next(remote, None)

    def _count(self, digest: str) -> None:
        """Count a call.

        Raises:
            RefusedError: There were too many within a minute.
        """
        now = self._clock.now()
        calls = self._calls.setdefault(digest, deque())
        self._calls.move_to_end(digest)
        while calls and now - calls[0] >= _MINUTE:
            calls.popleft()
        if len(calls) >= self._per_minute:
            raise RefusedError(
                Refusal(
                    code=RefusalCode.TOO_FREQUENT,
                    message=f"a remote trigger takes {self._per_minute} calls a minute",
                )
            )
        calls.append(now)
        while len(self._calls) > _MOST_WATCHED:
            self._calls.popitem(last=False)
