"""Outgoing: what the server tells others – callbacks, notices, delete hooks – put together."""

from collections.abc import Awaitable, Callable

from mulligan.core.decision import Decision
from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.plugins import Plugin
from mulligan.engine import callbacks, notices, plugin_hooks
from mulligan.engine.callbacks import Callbacks, CallbackWords
from mulligan.engine.channels import Channels
from mulligan.engine.messages_sending import SendsMail, SendsWeb
from mulligan.engine.news import News
from mulligan.engine.notices import Notices, NoticeWords
from mulligan.engine.plugin_hooks import PluginHooks
from mulligan.engine.secrets import Vault
from mulligan.engine.sender import PAUSES_S, Sender
from mulligan.engine.service import Engine
from mulligan.ports import Ids
from mulligan.secret_key import SecretKey


class Outgoing:
    """The parts, in the order in which a message passes them: news, then the sender."""

    def __init__(
        self,
        *,
        engine: Engine,
        ids: Ids,
        secret_key: SecretKey,
        callback_words: CallbackWords,
        notice_words: NoticeWords,
        web: SendsWeb,
        mail: SendsMail,
        open_vault: Callable[[ProjectId], Awaitable[Vault]],
        find_plugin: Callable[[str, str], Awaitable[Plugin | None]],
        public_url: str = "",
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self.callbacks = Callbacks(
            engine=engine,
            ids=ids,
            secret_key=secret_key,
            words=callback_words,
            web=web,
            changed=self.changed,
        )
        self.channels = Channels(
            store=engine.store,
            clock=engine.clock,
            ids=ids,
            secret_key=secret_key,
            web=web,
            changed=self.changed,
        )
        self._notices = Notices(
            engine=engine,
            channels=self.channels,
            words=notice_words,
            mail=mail,
            open_vault=open_vault,
            public_url=public_url,
        )
        self._hooks = PluginHooks(
            store=engine.store,
            clock=engine.clock,
            secret_key=secret_key,
            web=web,
            find_plugin=find_plugin,
        )
        self.sender = Sender(
            store=engine.store,
            clock=engine.clock,
            ways={
                callbacks.KIND: self.callbacks.send,
                notices.KIND: self._notices.send,
                plugin_hooks.KIND: self._hooks.send,
            },
            pauses_s=pauses_s,
        )
        self.news = News(
            store=engine.store,
            sender=self.sender,
            tell_events=(self.callbacks.tell_events, self._notices.tell_events),
            tell_audit=(self.callbacks.tell_audit, self._hooks.tell_audit),
            is_heard=self._is_heard,
        )

    async def _is_heard(self, pipeline: PipelineId) -> bool:
        return await self.callbacks.is_heard(pipeline) or await self._notices.is_heard(pipeline)

    def committed(self, decision: Decision) -> None:
        """Tell that a decision of a run was stored."""
        self.news.committed(decision)

    def changed(self) -> None:
        """Tell that a pipeline, a project or a rule has changed."""
        self.news.changed()

    async def open(self) -> None:
        """Take up what an earlier life of the server did not get sent."""
        await self.sender.open()

    async def follow(self) -> None:
        """Tell what happens, as it happens."""
        await self.news.follow()

    async def close(self) -> None:
        """Cut off what is being sent; the next start sends it again."""
        await self.sender.close()
