"""One call of this dialect: who, in which account, with what – and what most calls look up."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from mulligan.core.hooks import Group
from mulligan.core.ids import ProjectId
from mulligan.core.records import Pipeline
from mulligan.core.rights import Actor
from mulligan.facades.common.auth import header, origin_of
from mulligan.facades.common.body import read_body
from mulligan.facades.common.idempotency import Act, once, replayed
from mulligan.facades.common.services import Services
from mulligan.facades.swr import groups, negotiate, rights
from mulligan.facades.swr.definitions import rules_of
from mulligan.facades.swr.errors import NOT_FOUND, OTHER_ACCOUNT, SwrError, bad
from mulligan.facades.swr.fields import Json
from mulligan.facades.swr.negotiate import MOST_BYTES
from mulligan.facades.swr.rights import Right
from mulligan.facades.swr.triggers_in import Rules

Handler = Callable[["Call"], Awaitable[Response]]
_LONGEST_ID = 18


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A call of this dialect.

    Args:
        path: Like `/v3/manage/pipelines/{pipeline_id}`; `{rest*}` at the end takes several
            segments.
        failure: Code of the call for storage that fails.
        is_public: It needs no credential: its own code looks at what comes.
        has_file: Its body is no document and may be long: its own code reads it.
    """

    method: str
    path: str
    handler: Handler
    failure: str
    is_public: bool = False
    has_file: bool = False


@dataclass(kw_only=True)
class Call:
    """A request whose sender and account are known.

    Args:
        path: What stood in the variable parts of the path, percent-decoded once.
        query: The parameters of the query; of a repeated one the last.
    """

    services: Services
    request: Request
    actor: Actor
    account: ProjectId
    path: dict[str, str]
    query: dict[str, str]
    _body: bytes | None = field(default=None, repr=False)

    # --- what came ------------------------------------------------------------------------------

    @property
    def origin(self) -> str:
        """Where the call comes from, for the audit trail."""
        return origin_of(self.request, "swr")

    @property
    def wants_json(self) -> bool:
        """Whether the answer of a call with YAML as its default must be JSON."""
        return negotiate.wants_json(header(self.request, "accept"))

    @property
    def base_url(self) -> str:
        """What addresses of this server begin with, without a slash at the end."""
        return base_url_of(self.request, self.services)

    @property
    def rules(self) -> Rules:
        """What this server allows in definitions."""
        return rules_of(self.services)

    async def raw_body(self) -> bytes:
        """Read the body, at most 1 MiB.

        Raises:
            BodyTooLargeError: It is larger.
        """
        if self._body is None:
            limits = replace(self.services.limits, body_bytes=MOST_BYTES)
            self._body = await read_body(self.request, limits)
        return self._body

    async def value(self, *, takes_yaml: bool = False) -> Any:
        """Decode the body; a blank one is None.

        Raises:
            SwrError: 415, or 4000014 if it is malformed.
        """
        content_type = header(self.request, "content-type")
        body = await self.raw_body()
        yaml = bool(body) and negotiate.is_yaml(content_type, takes_yaml=takes_yaml)
        return await negotiate.read_value(body, self.services.limits, yaml=yaml)

    def number(self, part: str) -> int:
        """Return an integer of the path.

        Raises:
            SwrError: 4000014, it is none; 4040162, nothing has an id of that size.
        """
        text = self.path[part]
        if not text.isascii() or not text.isdecimal():
            raise bad(part, f"{text!r} is no integer")
        digits = text.lstrip("0") or "0"
        if len(digits) > _LONGEST_ID:
            raise SwrError(NOT_FOUND, f"there is no {part} {text}")
        return int(digits)

    # --- look-ups and rights --------------------------------------------------------------------

    async def pipeline(self) -> Pipeline:
        """Return the live pipeline of the path.

        Raises:
            SwrError: 4000014, 4040162, or 4011064 when it is of another account.
        """
        number = self.number("pipeline_id")
        pipeline = await self.services.store.pipeline_by_number(number)
        if pipeline is None or pipeline.deleted_at is not None:
            raise SwrError(NOT_FOUND, f"there is no pipeline {number}")
        if pipeline.project != self.account:
            raise SwrError(OTHER_ACCOUNT, f"pipeline {number} is not of this account")
        return pipeline

    async def group_of(self, pipeline: Pipeline) -> Group:
        """Return the group of a pipeline."""
        return await groups.group_of(self.services, pipeline)

    async def pipeline_for(self, wanted: Right) -> tuple[Pipeline, Group]:
        """Return the pipeline of the path and its group, for who has the right.

        Raises:
            SwrError: As `pipeline`, or 403.
        """
        pipeline = await self.pipeline()
        group = await self.group_of(pipeline)
        await self.demand(wanted, group)
        return pipeline, group

    async def right_in(self, group: Group | None) -> Right:
        """Return the caller's right in a group, or in the account as a whole."""
        return await rights.right_of(self.services, self.actor, self.account, group)

    async def demand(self, wanted: Right, group: Group | None = None) -> Right:
        """Check the caller's right; return what they have.

        Raises:
            SwrError: 403, it is too low.
        """
        return await rights.demand(self.services, self.actor, self.account, group, wanted)

    # --- answers --------------------------------------------------------------------------------

    async def once(
        self,
        act: Act,
        *,
        status: int = 201,
        as_json: bool = True,
        stores_receipt: bool = False,
    ) -> Response:
        """Do an act once per `Idempotency-Key`; the act returns the value of the answer.

        Args:
            stores_receipt: The act keeps the receipt that it gets in its own transaction.
        """

        def render(value: Json) -> tuple[int, bytes, str]:
            return status, *negotiate.render(value, as_json=as_json)

        return await once(
            self.request,
            self.services,
            self.actor,
            self.in_account(await self.raw_body()),
            act,
            render,
            stores_receipt=stores_receipt,
        )

    def in_account(self, body: bytes) -> bytes:
        """Give what tells a call from others: the same path means others in another account."""
        return self.account.encode() + b"\0" + body

    async def answer(self, handler: Handler) -> Response:
        """Answer with a handler, or once more with the first answer to the `Idempotency-Key`.

        A repeat gets its answer whatever has become of what it was about.
        """
        if self.request.method not in {"POST", "PUT"} or not header(
            self.request, "idempotency-key"
        ):
            return await handler(self)
        body = self.in_account(await self.raw_body())
        return await replayed(self.request, self.services, self.actor, body, lambda: handler(self))


def base_url_of(request: Request, services: Services) -> str:
    """Give the configured public address, else the one that is listened on."""
    if services.public_url:
        return services.public_url.rstrip("/")
    server = request.scope.get("server")
    if not server:
        return str(request.base_url).rstrip("/")
    host, port = server
    shown = f"[{host}]" if ":" in host else host
    return f"{request.scope.get('scheme', 'http')}://{shown}" + (f":{port}" if port else "")


def nothing() -> Response:
    """Answer 204 without a body."""
    return Response(status_code=204)
