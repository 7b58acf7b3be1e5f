"""The composition root: the only module that names concrete classes."""

import asyncio
import contextlib
import os
import platform
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from mulligan.config import Settings
from mulligan.core.decision import Decision
from mulligan.core.ids import RunId, RunnerName
from mulligan.engine.access import Access
from mulligan.engine.access_keys import AccessKeys
from mulligan.engine.arrangement import Arrangement
from mulligan.engine.catalog import Catalog
from mulligan.engine.commit_statuses import CommitStatuses
from mulligan.engine.dispatch import LocalDispatcher
from mulligan.engine.download_links import DownloadLinks
from mulligan.engine.drafts import Drafts
from mulligan.engine.event_hooks import EventHooks
from mulligan.engine.live import Live
from mulligan.engine.live_processes import LiveProcesses
from mulligan.engine.logins import Logins
from mulligan.engine.messages_sending import Sending
from mulligan.engine.messenger import Messenger
from mulligan.engine.outgoing import Outgoing
from mulligan.engine.plugin_policies import PluginPolicies
from mulligan.engine.plugins import Plugins
from mulligan.engine.progress import ProgressRates
from mulligan.engine.publishing import Publishing
from mulligan.engine.quality import QualityRules
from mulligan.engine.remote_triggers import RemoteTriggers
from mulligan.engine.repositories import Repositories
from mulligan.engine.rollbacks import Rollbacks
from mulligan.engine.runner import Runner, RunnerPolicy
from mulligan.engine.schedule import Schedule
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
from mulligan.engine.timers import Timers
from mulligan.engine.tracing import Tracing
from mulligan.engine.trigger_sources import LinkedSources
from mulligan.engine.turnstile import Turnstile
from mulligan.executors.heads import GitHeads
from mulligan.executors.keeper.client import ensure
from mulligan.executors.kinds.plugin import CACHE as PLUGIN_CACHE
from mulligan.executors.work import RunFiles, Work
from mulligan.facades.app import build_app
from mulligan.facades.bkci.callback_out import BkciWords
from mulligan.facades.bkci.notice_in import BkciNotices
from mulligan.facades.bkci.third_filter_out import BkciFilterWords
from mulligan.facades.common.guard import App
from mulligan.facades.common.nodes import Node
from mulligan.facades.common.services import Services
from mulligan.facades.common.ways import Limits
from mulligan.facades.documents import AnyDialect
from mulligan.log import get_log
from mulligan.logs.store import LogFiles
from mulligan.notify.mail import MailSender
from mulligan.notify.mail_server import MailServer
from mulligan.notify.otlp import OtlpSender
from mulligan.notify.web import WebSender
from mulligan.secret_key import stored_key
from mulligan.store.cached import CachedStore
from mulligan.web.page import Page

LOCAL_RUNNER = RunnerName("local")


class SystemClock:
    """The time of day; `--dev` may move it forward."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._ahead += timedelta(seconds=seconds)


class RandomIds:
    """New identifiers from the system's random numbers."""

    def hex32(self) -> str:
        """Return 32 random hexadecimal digits."""
        return uuid.uuid4().hex


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How a server is run. `runners`: jobs that run at once in this process; 0: it only looks."""

    data: Path
    settings: Settings
    runners: int
    is_dev: bool = False


def default_runners() -> int:
    """Give the number of cores that this process may use, at least 2."""
    return max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)


log = get_log()
_VOID_WITHOUT_KEY = "access keys, remote tokens; secrets of projects, plugins, channels, webhooks"


class Server:
    """A server's parts, put together. `open` before serving, `close` after."""

    def __init__(self, options: ServeOptions, *, public_url: str = "") -> None:
        self.options = options
        settings = options.settings
        data = options.data
        self.clock = SystemClock()
        ids = RandomIds()
        self._database, self._key_file = data / "mulligan.db", data / "secret.key"
        self.store = CachedStore(self._database, synchronous=settings.storage.synchronous)
        self.live = Live(pipelines=settings.metrics.pipelines)
        logs = LogFiles(data / "logs")
        self.files = RunFiles(root=data, logs=logs)
        self.engine = Engine(
            store=self.store,
            clock=self.clock,
            ids=ids,
            files=self.files,
            start_policy=StartPolicy(
                only_current_attempt=settings.bkci.verdict == "as-upstream",
                on_lost=settings.recovery.on_lost,
                lost_budget=settings.recovery.lost_budget,
                queue_floor=settings.limits.bkci_queue,
                utc_offset_hours=settings.swr.utc_offset_hours,
            ),
            recovery_policy=RecoveryPolicy(settings.bkci.retry_days),
        )
        self.progress = ProgressRates(self.engine.note_progress)
        self.executor = Work(
            root=data,
            logs=logs,
            on_output=self._log_grew,
            on_progress=self.progress.tell,
            disk_full_grace_s=settings.steps.disk_full_grace_s,
            kill_grace_s=settings.steps.grace_s,
            registry=settings.images.registry,
            auth_file=settings.images.auth_file,
            private_targets=options.is_dev or settings.net.private_targets,
            java=settings.plugins.java,
        )
        self.dispatcher = LocalDispatcher()
        self.runner = Runner(
            name=LOCAL_RUNNER,
            engine=self.engine,
            executor=self.executor,
            dispatcher=self.dispatcher,
            policy=RunnerPolicy(slots=options.runners, grace_s=settings.steps.grace_s),
        )
        self.supervisor = Supervisor(
            engine=self.engine,
            store=self.store,
            clock=self.clock,
            executor=self.executor,
            dispatcher=self.dispatcher,
            runner=self.runner,
        )
        self.access = Access(store=self.store, clock=self.clock, ids=ids, is_dev=options.is_dev)
        self.supervisor.calls.may = self.access.may_in_name_of
        self.secret_key = stored_key(self._key_file)
        self.secrets = Secrets(store=self.store, clock=self.clock, secret_key=self.secret_key)
        self.software = SoftwareCenter(
            store=self.store,
            clock=self.clock,
            root=data / "artifacts",
            most_bytes=settings.limits.package_mb * 1024 * 1024,
        )
        step_keys = StepKeys(self.secret_key)
        self.plugins = Plugins(
            store=self.store,
            clock=self.clock,
            access=self.access,
            software=self.software,
            cache=data / PLUGIN_CACHE,
            keys=step_keys,
            policies=PluginPolicies(
                store=self.store, clock=self.clock, access=self.access, secret_key=self.secret_key
            ),
        )
        self.live_processes = LiveProcesses(
            store=self.store,
            deployments=self.engine.deployments,
            ensure=lambda services: ensure(data, services),
        )
        schedule = Schedule(self.clock, settings.triggers.time_zone)
        catalog = Catalog(store=self.store, clock=self.clock, ids=ids, schedule=schedule)
        repositories = LinkedSources(self.store, self.secrets)
        self.event_hooks = EventHooks(
            engine=self.engine,
            access=self.access,
            secret_key=self.secret_key,
            repositories=repositories,
            kept=settings.triggers.kept_deliveries,
            kept_days=settings.triggers.kept_days,
        )
        heads = GitHeads(private_targets=options.is_dev or settings.net.private_targets)
        self.timers = Timers(
            engine=self.engine,
            access=self.access,
            schedule=schedule,
            repositories=repositories,
            heads=heads,
            makes_up=settings.triggers.missed == "once",
        )
        catalog.on_timers = self.timers.wake
        web = WebSender(private_targets=options.is_dev or settings.net.private_targets)
        self.event_hooks.ask_third = ThirdFilters(
            web=web, secrets=self.secrets, words=BkciFilterWords()
        ).ask
        mail = MailSender(_mail_server(settings))
        self.outgoing = Outgoing(
            engine=self.engine,
            ids=ids,
            secret_key=self.secret_key,
            callback_words=BkciWords(),
            notice_words=BkciNotices(),
            web=web,
            mail=mail,
            open_vault=self.secrets.vault,
            find_plugin=self.plugins.find,
            public_url=settings.http.public_url or public_url,
        )
        limits = _limits(settings)
        turnstile = Turnstile(self.clock)
        self.services = Services(
            engine=self.engine,
            rollbacks=Rollbacks(self.engine),
            signals=Signals(self.engine, self.access),
            catalog=catalog,
            drafts=Drafts(store=self.store, clock=self.clock, catalog=catalog),
            arrangement=Arrangement(store=self.store, clock=self.clock, ids=ids, catalog=catalog),
            templates=Templates(store=self.store, clock=self.clock, ids=ids, catalog=catalog),
            access=self.access,
            logins=Logins(
                store=self.store,
                clock=self.clock,
                ids=ids,
                access=self.access,
                turnstile=turnstile,
            ),
            sessions=Sessions(
                store=self.store,
                clock=self.clock,
                ids=ids,
                access=self.access,
                turnstile=turnstile,
            ),
            access_keys=AccessKeys(
                store=self.store, clock=self.clock, access=self.access, secret_key=self.secret_key
            ),
            links=DownloadLinks(
                store=self.store, clock=self.clock, access=self.access, secret_key=self.secret_key
            ),
            software=self.software,
            secrets=self.secrets,
            repositories=Repositories(store=self.store, clock=self.clock, ids=ids, sources=heads),
            quality=QualityRules(self.store, self.clock),
            plugins=self.plugins,
            step_keys=step_keys,
            event_hooks=self.event_hooks,
            remote_triggers=RemoteTriggers(
                engine=self.engine,
                access=self.access,
                secret_key=self.secret_key,
                per_minute=settings.triggers.remote_per_minute,
            ),
            outgoing=self.outgoing,
            store=self.store,
            live=self.live,
            logs=logs,
            clock=self.clock,
            ids=ids,
            limits=limits,
            documents=AnyDialect(),
            advance_clock=self._advance_clock,
            runner_busy=lambda: self.runner.busy,
            queue_depth=lambda: self.dispatcher.depth,
            nodes=self._nodes,
            retry_days=settings.bkci.retry_days,
            public_url=settings.http.public_url,
            open_webhooks=settings.swr.webhook_auth == "optional",
            is_dev=options.is_dev,
            metrics_public=settings.metrics.public,
            private_targets=settings.net.private_targets,
            secret_key=self.secret_key,
            mcp_all_calls=settings.mcp.tools == "all",
            mcp_approvals=settings.mcp.approvals,
        )
        self.engine.publish = Publishing(self.engine.lines, self.software).publish
        self.engine.open_vault = self.secrets.vault
        users_url = settings.http.public_url or public_url
        self.tracing = _tracing(settings, self.store, users_url)
        equip = self.plugins.equip
        self.engine.equip = equip if self.tracing is None else self.tracing.equipping(equip)
        self.engine.find_posts = self.plugins.posts_of
        self.engine.on_effects = self.supervisor.take_effects
        self.engine.on_commit = self._committed
        self.store.on_change = self.outgoing.changed
        self.engine.on_fenced = self.live.report_fenced
        self.engine.first_offer = self.dispatcher.first
        sending = Sending(web=web, mail=mail)
        self.supervisor.tell = Messenger(
            engine=self.engine,
            signals=self.services.signals,
            sending=sending,
            public_url=users_url,
        ).send
        self.supervisor.tell_host = CommitStatuses(
            engine=self.engine, secrets=self.secrets, sending=sending, public_url=users_url
        ).send
        self.listens_at(public_url)
        self._tasks: list[asyncio.Task[None]] = []

    def _committed(self, decision: Decision) -> None:
        self.live.committed(decision)
        self.outgoing.committed(decision)
        if self.tracing is not None:
            self.tracing.committed(decision)

    def _log_grew(self, run_id: RunId) -> None:
        self.live.log_grew(run_id)

    def _nodes(self) -> tuple[Node, ...]:
        if self.options.runners < 1:
            return ()
        return (
            Node(
                name=LOCAL_RUNNER,
                host=platform.node(),
                address="127.0.0.1",
                system=platform.system(),
                system_detail=f"{platform.system()} {platform.release()} {platform.machine()}",
                slots=self.options.runners,
                busy=self.runner.busy,
            ),
        )

    def _advance_clock(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.supervisor.clock_moved()
        self.timers.wake()

    def listens_at(self, url: str) -> None:
        """Note the address at which steps on this machine reach the server; links lead to it."""
        address = (self.options.settings.http.public_url or url).rstrip("/")
        self.plugins.gateway = address
        self.engine.is_reached_at(address)

    def app(self) -> App:
        """Return the ASGI application."""
        http = self.options.settings.http
        public = urlsplit(http.public_url)
        own = (f"{public.scheme}://{public.netloc}",) if public.netloc else ()
        return build_app(
            self.services,
            page=Page(base=public.path, follows=self.options.is_dev),
            hosts=http.hosts,
            origins=(*http.origins, *own),
        )

    async def open(self) -> None:
        """Take the data directory, repair what a crash left, and begin to work.

        Raises:
            DataInUseError: Another server has the data directory.
        """
        data = self.options.data
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        data.chmod(0o700)
        had_key = self._key_file.exists() or not self._database.exists()
        await self.store.open()  # takes the data directory: nothing in it is touched before
        self.secret_key.load()
        if not had_key and self._key_file.exists():
            log.warning("secret_key_lost", made_anew=self._key_file.name, void=_VOID_WITHOUT_KEY)
        await self.executor.open()
        await self.software.discard_leftovers()
        await self.plugins.discard_leftovers()
        if self.options.is_dev:
            await self.access.prepare_dev()
        else:
            await self.access.make_first_admin(self._keep_admin_token)
        await self.supervisor.recover()
        await self.outgoing.open()
        if self.tracing is not None:
            await self.tracing.open()
        elif await self.store.find_trace_cursor() is not None:
            await self.store.put_trace_cursor(None)  # who wants traces again begins anew
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self.runner.run()),
            loop.create_task(self.supervisor.run()),
            loop.create_task(self.supervisor.sweep()),
            loop.create_task(self.live_processes.watch()),
            loop.create_task(self.event_hooks.run()),
            loop.create_task(self.timers.run()),
            loop.create_task(self.progress.run()),
            loop.create_task(self.outgoing.follow()),
        ]
        if self.tracing is not None:
            self._tasks.append(loop.create_task(self.tracing.follow()))

    def _keep_admin_token(self, secret: str) -> None:
        path = self.options.data / "admin-token"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secret + "\n")

    async def close(self, *, at_once: bool = False) -> None:
        """Stop claiming, give running steps their grace, release what is left."""
        grace_s = 0.0 if at_once else self.options.settings.shutdown_grace_s
        await self.runner.stop(grace_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.supervisor.stop_telling()
        await self.outgoing.close()
        await self.executor.close()
        await self.store.close()


def _mail_server(settings: Settings) -> MailServer:
    given = settings.mail
    return MailServer(
        host=given.host,
        port=given.port,
        user=given.user,
        password=given.password,
        sender=given.from_,
        starttls=given.starttls,
    )


def _limits(settings: Settings) -> Limits:
    given = settings.limits
    return Limits(
        stages=given.stages,
        jobs_per_stage=given.jobs_per_stage,
        steps_per_job=given.steps_per_job,
        body_bytes=given.body_mb * 1024 * 1024,
        json_depth=given.json_depth,
        header_bytes=given.header_kb * 1024,
        bkci_queue=given.bkci_queue,
    )


@contextlib.asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    """Open a server for a while."""
    await server.open()
    try:
        yield server
    finally:
        await server.close()


def _tracing(settings: Settings, store: CachedStore, public_url: str) -> Tracing | None:
    if not settings.otel.endpoint:
        return None
    headers = dict(text.split("=", 1) for text in settings.otel.headers)
    base = public_url.rstrip("/")
    return Tracing(
        store=store,
        sender=OtlpSender(settings.otel.endpoint, headers, settings.otel.service),
        url_of=lambda head: f"{base}/api/v1/runs/{head.id}" if base else "",
    )
