"""The own API over the real engine and store, with steps that obey the test."""

import asyncio
import contextlib
import socket
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from mulligan.core.ids import RunnerName
from mulligan.engine.access import Access
from mulligan.engine.access_keys import AccessKeys
from mulligan.engine.arrangement import Arrangement
from mulligan.engine.catalog import Catalog
from mulligan.engine.dispatch import LocalDispatcher
from mulligan.engine.download_links import DownloadLinks
from mulligan.engine.drafts import Drafts
from mulligan.engine.event_hooks import EventHooks
from mulligan.engine.live import Live
from mulligan.engine.logins import Logins
from mulligan.engine.outgoing import Outgoing
from mulligan.engine.plugin_policies import PluginPolicies
from mulligan.engine.plugins import Plugins
from mulligan.engine.quality import QualityRules
from mulligan.engine.remote_triggers import RemoteTriggers
from mulligan.engine.repositories import Repositories
from mulligan.engine.rollbacks import Rollbacks
from mulligan.engine.runner import Runner, RunnerPolicy
from mulligan.engine.secrets import Secrets
from mulligan.engine.service import Engine, RecoveryPolicy
from mulligan.engine.sessions import Sessions
from mulligan.engine.signals import Signals
from mulligan.engine.software_center import SoftwareCenter
from mulligan.engine.starting import StartPolicy
from mulligan.engine.step_keys import StepKeys
from mulligan.engine.supervisor import Supervisor
from mulligan.engine.templates import Templates
from mulligan.engine.third_filters import ThirdFilters
from mulligan.engine.trigger_sources import LinkedSources
from mulligan.engine.turnstile import Turnstile
from mulligan.executors.heads import GitHeads
from mulligan.facades.bkci.callback_out import BkciWords
from mulligan.facades.bkci.notice_in import BkciNotices
from mulligan.facades.bkci.third_filter_out import BkciFilterWords
from mulligan.facades.common.services import Services
from mulligan.facades.common.ways import Limits
from mulligan.facades.documents import AnyDialect
from mulligan.facades.mcp.app import McpApp
from mulligan.facades.native.app import NativeApp, metrics_route
from mulligan.logs.store import LogFiles
from mulligan.notify.mail import MailSender
from mulligan.notify.mail_server import MailServer
from mulligan.notify.web import WebSender
from mulligan.secret_key import stored_key
from mulligan.store.sql.store import SqlStore
from mulligan.testing.scripted import ScriptedExecutor, ScriptedFiles


class FixedClock:
    """Stands still until it is moved. `instant`: where it begins."""

    def __init__(self, instant: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) -> None:
        self.instant = instant

    def now(self) -> datetime:
        """Return the instant."""
        return self.instant

    def advance(self, seconds: float) -> None:
        """Move it forward."""
        self.instant += timedelta(seconds=seconds)


class RandomIds:
    """New identifiers."""

    def hex32(self) -> str:
        """Return 32 hexadecimal digits."""
        return uuid.uuid4().hex


class NativeServer:
    """All parts of a server, for one life: to restart, make another one on the same directory."""

    def __init__(
        self,
        root: Path,
        *,
        is_dev: bool = False,
        metrics_public: bool = False,
        admin_token: str = "",
    ) -> None:
        self.clock = FixedClock()
        ids = RandomIds()
        self.store = SqlStore(root / "mulligan.db", synchronous="NORMAL")
        self.live = Live()
        logs = LogFiles(root / "logs")
        self.files = ScriptedFiles()
        self.executor = ScriptedExecutor(logs, self.live.log_grew)
        self.engine = Engine(
            store=self.store,
            clock=self.clock,
            ids=ids,
            files=self.files,
            start_policy=StartPolicy(),
            recovery_policy=RecoveryPolicy(),
        )
        dispatcher = LocalDispatcher()
        self.runner = Runner(
            name=RunnerName("local"),
            engine=self.engine,
            executor=self.executor,
            dispatcher=dispatcher,
            policy=RunnerPolicy(slots=4, grace_s=0.05),
        )
        self.supervisor = Supervisor(
            engine=self.engine,
            store=self.store,
            clock=self.clock,
            executor=self.executor,
            dispatcher=dispatcher,
            runner=self.runner,
        )
        self.access = Access(store=self.store, clock=self.clock, ids=ids, is_dev=is_dev)
        limits = Limits()
        key = stored_key(root / "secret.key", {})
        self.secrets = Secrets(store=self.store, clock=self.clock, secret_key=key)
        catalog = Catalog(store=self.store, clock=self.clock, ids=ids)
        software = SoftwareCenter(store=self.store, clock=self.clock, root=root / "artifacts")
        step_keys = StepKeys(key)
        self.event_hooks = EventHooks(
            engine=self.engine,
            access=self.access,
            secret_key=key,
            repositories=LinkedSources(self.store, self.secrets),
        )
        self.event_hooks.ask_third = ThirdFilters(
            web=WebSender(private_targets=True),
            secrets=self.secrets,
            words=BkciFilterWords(),
            pauses_s=(0.0, 0.0),
        ).ask
        plugins = Plugins(
            store=self.store,
            clock=self.clock,
            access=self.access,
            software=software,
            cache=root / "plugins",
            keys=step_keys,
            policies=PluginPolicies(
                store=self.store, clock=self.clock, access=self.access, secret_key=key
            ),
        )
        self.outgoing = Outgoing(
            engine=self.engine,
            ids=ids,
            secret_key=key,
            callback_words=BkciWords(),
            notice_words=BkciNotices(),
            web=WebSender(private_targets=True),
            mail=MailSender(MailServer()),
            open_vault=self.secrets.vault,
            find_plugin=plugins.find,
        )
        self.services = Services(
            engine=self.engine,
            rollbacks=Rollbacks(self.engine),
            signals=Signals(self.engine, self.access),
            catalog=catalog,
            drafts=Drafts(store=self.store, clock=self.clock, catalog=catalog),
            arrangement=Arrangement(store=self.store, clock=self.clock, ids=ids, catalog=catalog),
            templates=Templates(store=self.store, clock=self.clock, ids=ids, catalog=catalog),
            access=self.access,
            logins=Logins(store=self.store, clock=self.clock, ids=ids, access=self.access),
            sessions=Sessions(
                store=self.store,
                clock=self.clock,
                ids=ids,
                access=self.access,
                turnstile=Turnstile(self.clock),
            ),
            access_keys=AccessKeys(
                store=self.store,
                clock=self.clock,
                access=self.access,
                secret_key=key,
            ),
            links=DownloadLinks(
                store=self.store, clock=self.clock, access=self.access, secret_key=key
            ),
            software=software,
            secrets=self.secrets,
            repositories=Repositories(
                store=self.store,
                clock=self.clock,
                ids=ids,
                sources=GitHeads(private_targets=True),
            ),
            quality=QualityRules(self.store, self.clock),
            plugins=plugins,
            step_keys=step_keys,
            event_hooks=self.event_hooks,
            remote_triggers=RemoteTriggers(engine=self.engine, access=self.access, secret_key=key),
            outgoing=self.outgoing,
            store=self.store,
            live=self.live,
            logs=logs,
            clock=self.clock,
            ids=ids,
            limits=limits,
            documents=AnyDialect(),
            advance_clock=self._advance,
            runner_busy=lambda: self.runner.busy,
            queue_depth=lambda: dispatcher.depth,
            is_dev=is_dev,
            metrics_public=metrics_public,
        )
        self.engine.on_effects = self.supervisor.take_effects
        self.engine.on_commit = self.live.committed
        self.engine.open_vault = self.secrets.vault
        self.admin_token = admin_token

    def _advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.supervisor.clock_moved()

    def app(self) -> Starlette:
        """Return the application; it opens and closes all parts."""

        @contextlib.asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[None]:
            async with self.running():
                yield

        app = Starlette(
            routes=[metrics_route(self.services), Route("/mcp", McpApp(self.services))],
            lifespan=lifespan,
        )
        app.router.default = NativeApp(self.services)
        return app

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open all parts for a while."""
        await self.store.open()
        await self.executor.open()
        if self.access.is_dev:
            await self.access.prepare_dev()
        else:
            self.admin_token = await self.access.make_first_admin() or self.admin_token
        work = [
            asyncio.ensure_future(self.runner.run()),
            asyncio.ensure_future(self.supervisor.run()),
            asyncio.ensure_future(self.event_hooks.run()),
        ]
        try:
            yield
        finally:
            self.executor.release_all()
            await self.runner.stop(5)
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await self.executor.close()
            await self.store.close()


@contextlib.contextmanager
def served(server: NativeServer) -> Iterator[str]:
    """Serve over a real socket from a thread; yield the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        server.app(),
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    web = uvicorn.Server(config)
    web.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    ready = threading.Event()

    async def main() -> None:
        serving = asyncio.ensure_future(web.serve(sockets=[listener]))
        while not web.started and not serving.done():  # noqa: ASYNC110 - uvicorn has a flag only
            await asyncio.sleep(0.001)
        ready.set()
        await serving

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    try:
        assert ready.wait(20)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        web.should_exit = True
        thread.join(20)
        listener.close()
        assert not thread.is_alive()
