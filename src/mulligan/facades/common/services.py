"""All that a facade may use. Made by the composition root, handed to each facade's routes."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from mulligan.engine.access import Access
from mulligan.engine.catalog import Catalog, Definition
from mulligan.engine.live import Live
from mulligan.engine.service import Engine
from mulligan.facades.common.ways import Limits
from mulligan.logs.store import LogFiles
from mulligan.ports import Clock, Ids, Store


@dataclass(frozen=True, kw_only=True)
class Services:
    """The parts of a running server."""

    engine: Engine
    catalog: Catalog
    access: Access
    store: Store
    live: Live
    logs: LogFiles
    clock: Clock
    ids: Ids
    limits: Limits
    # any document that a dialect can read -> definition; raises InvalidError
    read_definition: Callable[[object], Definition]
    # moves the clock by so many seconds; only with `is_dev`
    advance_clock: Callable[[float], None]
    runner_busy: Callable[[], int]
    queue_depth: Callable[[], int]
    retry_days: int = 28
    is_dev: bool = False
    metrics_public: bool = False
    # readers of old events, each of which keeps the store busy
    replays: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    # first answers with a secret, by user and Idempotency-Key: see `once`
    shown: OrderedDict[tuple[str, str], tuple[int, bytes, str]] = field(default_factory=OrderedDict)
