"""All that a facade may use. Made by the composition root, handed to each facade's routes."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from mulligan.core.ids import ProjectId
from mulligan.core.records import Pipeline, PipelineVersion
from mulligan.core.rights import Actor
from mulligan.engine.access import Access
from mulligan.engine.access_keys import AccessKeys
from mulligan.engine.arrangement import Arrangement
from mulligan.engine.catalog import Catalog, Definition
from mulligan.engine.download_links import DownloadLinks
from mulligan.engine.drafts import Drafts
from mulligan.engine.event_hooks import EventHooks
from mulligan.engine.live import Live
from mulligan.engine.logins import Logins
from mulligan.engine.outgoing import Outgoing
from mulligan.engine.plugins import Plugins
from mulligan.engine.quality import QualityRules
from mulligan.engine.remote_triggers import RemoteTriggers
from mulligan.engine.repositories import Repositories
from mulligan.engine.rollbacks import Rollbacks
from mulligan.engine.secrets import Secrets
from mulligan.engine.service import Engine
from mulligan.engine.sessions import Sessions
from mulligan.engine.signals import Signals
from mulligan.engine.software_center import SoftwareCenter
from mulligan.engine.step_keys import StepKeys
from mulligan.engine.templates import Templates
from mulligan.facades.common.nodes import Node
from mulligan.facades.common.ways import Limits
from mulligan.logs.store import LogFiles
from mulligan.ports import Clock, Ids, Store
from mulligan.secret_key import SecretKey, random_key


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A stored pipeline, and what its newest version means."""

    pipeline: Pipeline
    definition: Definition


class Documents(Protocol):
    """Definitions in the formats of all dialects; which one it is follows from the content."""

    async def create(
        self, services: "Services", actor: Actor, project: ProjectId, document: object
    ) -> Saved:
        """Make a pipeline.

        Raises:
            InvalidError: No dialect takes the document.
            ConflictError: The name is taken.
        """
        ...

    async def edit(
        self, services: "Services", actor: Actor, pipeline: Pipeline, document: object
    ) -> Saved:
        """Replace a definition. Raises as `create`, and when it is of another dialect."""
        ...

    async def check(self, services: "Services", document: object) -> Definition:
        """Read a document without storing it.

        Raises:
            InvalidError: No dialect takes it.
        """
        ...

    async def show(
        self, services: "Services", pipeline: Pipeline, version: PipelineVersion, *, may_edit: bool
    ) -> dict[str, Any]:
        """Give the document of a version, without secrets."""
        ...

    async def export(
        self, services: "Services", pipeline: Pipeline, version: PipelineVersion, *, may_edit: bool
    ) -> str:
        """Give a version as YAML that can be imported again; without secrets."""
        ...


@dataclass(frozen=True, kw_only=True)
class Services:
    """The parts of a running server."""

    engine: Engine
    rollbacks: Rollbacks
    signals: Signals
    catalog: Catalog
    drafts: Drafts
    arrangement: Arrangement
    templates: Templates
    access: Access
    logins: Logins
    sessions: Sessions
    access_keys: AccessKeys
    links: DownloadLinks
    software: SoftwareCenter
    event_hooks: EventHooks
    remote_triggers: RemoteTriggers
    secrets: Secrets
    repositories: Repositories
    plugins: Plugins
    quality: QualityRules
    step_keys: StepKeys
    outgoing: Outgoing
    store: Store
    live: Live
    logs: LogFiles
    clock: Clock
    ids: Ids
    limits: Limits
    documents: Documents
    # moves the clock by so many seconds; only with `is_dev`
    advance_clock: Callable[[float], None]
    runner_busy: Callable[[], int]
    queue_depth: Callable[[], int]
    nodes: Callable[[], tuple[Node, ...]] = tuple  # the machines that run jobs
    retry_days: int = 28
    open_webhooks: bool = False  # the address of a trigger is proof enough
    public_url: str = ""  # as configured; "" = the address listened on
    is_dev: bool = False
    metrics_public: bool = False
    private_targets: bool = False  # definitions may name loopback and private addresses
    secret_key: SecretKey = field(default_factory=random_key)
    mcp_all_calls: bool = False  # every served BK-CI call is a tool, not only the common ones
    mcp_approvals: bool = False  # reviews may be answered through tools
    # readers of old events, each of which keeps the store busy
    replays: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    # first answers with a secret, by user and Idempotency-Key: see `once`
    shown: OrderedDict[tuple[str, str], tuple[int, bytes, str]] = field(default_factory=OrderedDict)
