"""One call of a running step, and how it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mulligan.core.ids import ProjectId
from mulligan.core.records import StepRecord
from mulligan.engine.running_steps import RunningStep
from mulligan.engine.step_records import step_records
from mulligan.facades.common.body import read_body, read_json
from mulligan.facades.common.errors import RequestError
from mulligan.facades.common.services import Services

JSON = "application/json"
LONGEST_NAME = 256  # characters
MOST_ITEMS = 1000  # commits or materials of one step
MOST_RECORDS = 1000  # of one kind, of one attempt of a step
LARGEST_DATA = 4 * 1024 * 1024  # bytes of one record as JSON: all of a run are shown together
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, kw_only=True)
class PlatformCall:
    """A request whose sender is a running step. `pieces`: names in the path with their values."""

    services: Services
    request: Request
    caller: RunningStep
    pieces: Mapping[str, str]

    @property
    def project(self) -> ProjectId:
        """Return the project of the step's run."""
        return self.caller.run.head.project

    @property
    def now(self) -> datetime:
        """Return the present instant."""
        return self.services.clock.now()

    def query(self, name: str) -> str:
        """Return a parameter, "" when it is absent."""
        return self.request.query_params.get(name, "").strip()

    def needed(self, name: str) -> str:
        """Return a parameter that must be there, and be a name.

        Raises:
            RequestError: 400.
        """
        value = self.query(name)
        if not value or len(value) > LONGEST_NAME:
            raise RequestError(400, f"{name} must have 1 to {LONGEST_NAME} characters")
        return value

    async def json(self, empty: Any = None) -> Any:
        """Read the body."""
        limits = self.services.limits
        return read_json(await read_body(self.request, limits), limits, empty=empty)

    def own_task(self, task: str) -> None:
        """Check that a task is the one that calls.

        Raises:
            RequestError: 403.
        """
        if task != self.caller.step.id:
            raise RequestError(403, f"the task {task} is not the one that calls")

    def record(self, kind: str, name: str, **more: Any) -> StepRecord:
        """Make a record of the step that calls."""
        return StepRecord(
            run=self.caller.run.head.id,
            step=self.caller.step.id,
            attempt=self.caller.attempt,
            kind=kind,
            name=name,
            created_at=self.now,
            **more,
        )

    async def keep(self, kind: str, name: str, *, most: int = MOST_RECORDS, **more: Any) -> None:
        """Store a record of the step that calls; one of the same name is replaced.

        Raises:
            RequestError: 400, it has `most` of that kind; 413, the record is too large.
        """
        record = self.record(kind, name, **more)
        if len(_ENCODER.encode(record.data)) > LARGEST_DATA:
            raise RequestError(413, f"what a step tells at once has at most {LARGEST_DATA} bytes")
        others = await self.services.store.count_step_records(
            record.run, kind, record.step, record.attempt, besides=name
        )
        if others >= most:
            raise RequestError(400, f"a step keeps at most {most} of the kind {kind}")
        await self.services.store.add_step_records((record,))

    async def kept(self, kind: str) -> tuple[StepRecord, ...]:
        """Return the records that this attempt of the step has made."""
        caller = self.caller
        found = step_records(
            self.services.store,
            caller.run.head.id,
            kind,
            step=caller.step.id,
            attempt=caller.attempt,
        )
        return tuple([each async for each in found])


def good(data: object, **more: object) -> Response:
    """Answer with data."""
    return Response(
        _ENCODER.encode({"status": 0, "message": "", "data": data, **more}), media_type=JSON
    )


def refuse(status: int, message: str) -> Response:
    """Answer with an error; the status in the body is that of HTTP."""
    body = {"status": status, "code": status, "message": message}
    return Response(_ENCODER.encode(body), status, media_type=JSON)
