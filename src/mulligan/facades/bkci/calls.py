"""One call of this API: who, where, with what – and the look-ups that most calls need."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.ids import JobId, PipelineId, RunId
from mulligan.core.records import Pipeline
from mulligan.core.rights import Actor, Permission
from mulligan.core.run import Run
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.waits import waits_of
from mulligan.facades.bkci.model_source import model_of
from mulligan.facades.bkci.query import UNLIMITED_HEADER, Query
from mulligan.facades.bkci.result import MEDIA_TYPE, ok_body
from mulligan.facades.bkci.run_out import Surroundings
from mulligan.facades.bkci.times import Json
from mulligan.facades.common.auth import header, origin_of
from mulligan.facades.common.body import read_json
from mulligan.facades.common.idempotency import Act, once
from mulligan.facades.common.sensitive import mask_inputs
from mulligan.facades.common.services import Services

T = TypeVar("T")
# In the scope of a request that this server makes of this API: the revision that the run must have.
REVISION = "mulligan.revision"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request whose sender is known and whose project exists. `name`: last part of its path."""

    services: Services
    request: Request
    actor: Actor
    project: str
    name: str
    query: Query
    raw_body: bytes
    language: str

    @property
    def origin(self) -> str:
        """Where the call comes from, for the audit trail."""
        return origin_of(self.request, "bkci")

    @property
    def revision(self) -> int | None:
        """The revision that the run must still have; None = any."""
        found: int | None = self.request.scope.get(REVISION)
        return found

    @property
    def is_unlimited(self) -> bool:
        """Whether the caller wants pages without the usual bound."""
        return bool(header(self.request, UNLIMITED_HEADER))

    def body(self, empty: object = None) -> Any:
        """Decode the body; a blank one is `empty`."""
        return read_json(self.raw_body, self.services.limits, empty=empty)

    async def demand(self, permission: Permission) -> None:
        """Check a permission of the caller in the project."""
        await self.services.access.demand(self.actor, permission, self.project)

    async def run(self, run_id: RunId, pipeline: PipelineId | None = None) -> Run:
        """Return a run of this project.

        Raises:
            NotFoundError: No such run (kind "run"), or it is of another project ("pipeline").
            InvalidError: It is of another pipeline than the given one.
        """
        run = await self.services.engine.get_run(run_id)
        if run.head.project != self.project:
            raise NotFoundError("pipeline", run.head.pipeline)
        if pipeline is not None and run.head.pipeline != pipeline:
            raise InvalidError("PipelineId is invalid ", pointer="pipelineId", code="invalid-run")
        return run

    async def pipeline(self, pipeline_id: str) -> Pipeline:
        """Return a live pipeline of this project."""
        return await self.services.catalog.get_pipeline(self.project, pipeline_id)

    async def source(self, run: Run) -> Json:
        """Return the stored model of the version that a run has, without secret inputs."""
        version = await self.services.store.find_version(run.head.pipeline, run.head.version)
        if version is None:
            return {"name": "", "stages": []}
        return mask_inputs(model_of(version), await self.services.plugins.sensitive_inputs())

    async def surroundings(self, run: Run | None, pipeline_id: PipelineId) -> Surroundings:
        """Gather what an answer says of a run that is not in the run."""
        services = self.services
        pipeline = await services.store.find_pipeline(pipeline_id)
        days = services.retry_days
        may_cancel = run is not None and await may_stop(self, run)
        waiting = services.engine.lines.load(pipeline_id).queued
        place = waiting.index(run.head.id) + 1 if run and run.head.id in waiting else 0
        return Surroundings(
            now=services.clock.now(),
            language=self.language,
            pipeline_name=pipeline.name if pipeline is not None else "",
            modified_by=pipeline.updated_by if pipeline is not None else "",
            latest_version=pipeline.version if pipeline is not None else None,
            latest_number=await services.store.last_number(pipeline_id),
            may_cancel=may_cancel,
            queue_position=place,
            retry_window=timedelta(days=days) if days > 0 else None,
            holders=await holder_tips(services, run) if run is not None else {},
        )

    async def change(
        self, do: Callable[[ReceiptRequest | None], Awaitable[T]], data_of: Callable[[T], object]
    ) -> Response:
        """Do something once that keeps the receipt itself; answer with what `data_of` makes."""

        async def act(receipt: ReceiptRequest | None) -> object:
            return data_of(await do(answering(receipt, data_of)))

        return await self.once(act)

    async def once(self, act: Act, *, stores_receipt: bool = True) -> Response:
        """Do an act once per `Idempotency-Key`; the act returns the data of the answer."""

        def render(data: object) -> tuple[int, bytes, str]:
            return 200, ok_body(data), MEDIA_TYPE

        return await once(
            self.request,
            self.services,
            self.actor,
            self.raw_body,
            act,
            render,
            stores_receipt=stores_receipt,
        )


async def holder_tips(services: Services, run: Run) -> dict[JobId, str]:
    """Name who has the mutexes that jobs of a run wait for, in the words of a `linkTip`."""
    return {
        JobId(wait.node): f"{by.pipeline}_Pipeline[{by.pipeline_name}]Job[{by.job_name}]"
        for wait in await waits_of(services.engine, run)
        for by in wait.holders
        if wait.kind == "mutex"
    }


def answering(
    receipt: ReceiptRequest | None, data_of: Callable[[Any], object]
) -> ReceiptRequest | None:
    """Let a receipt render the answer's data from what the engine returns."""
    if receipt is None:
        return None
    render = receipt.render
    return ReceiptRequest(
        key=receipt.key,
        fingerprint=receipt.fingerprint,
        render=lambda result: render(data_of(result)),
    )


async def may_stop(call: Call, run: Run) -> bool:
    """Tell whether the caller may stop a run: anybody's, or their own."""
    access = call.services.access
    restricted = run.head.settings.cancel_policy == "RESTRICTED"
    if not restricted or run.head.started_by == call.actor.user:
        own = Permission.STOP_OWN if restricted else Permission.START
        if await access.allows(call.actor, own, call.project):
            return True
    return await access.allows(call.actor, Permission.STOP, call.project)


def done(_result: object) -> bool:
    """Give the data of an answer that only says that it is done."""
    return True


def ok(data: object) -> Response:
    """Answer with data."""
    return Response(ok_body(data), media_type=MEDIA_TYPE)
