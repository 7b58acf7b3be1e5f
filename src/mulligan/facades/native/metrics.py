"""`/metrics` in the text format of Prometheus. Its cost does not depend on the size of a run."""

from collections import Counter

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mulligan.core.status import FINAL, Status
from mulligan.facades.common.auth import actor_of
from mulligan.facades.common.services import Services
from mulligan.facades.native.problems import KNOWN, problem_of, problem_response
from mulligan.ports import RunFilter

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics_route(services: Services) -> Route:
    """Make the route; it wants a token unless `metrics_public`."""
    totals = RunTotals(services)

    async def metrics(request: Request) -> Response:
        try:
            if not services.metrics_public:
                await actor_of(request, services.access)
            ended = await totals.by_status()
        except KNOWN as error:
            return problem_response(problem_of(error))
        return PlainTextResponse(_render(services, ended), media_type=_TYPE)

    return Route("/metrics", metrics)


class RunTotals:
    """How many runs have ended, by status.

    Those that ended before this object was made are counted in the store, once; later ones as they
    end. A run that is repaired and ends again counts again: a counter never goes down.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._made_at = services.clock.now()
        self._ended_before = Counter(services.live.runs_ended)
        self._base: Counter[Status] | None = None

    async def by_status(self) -> Counter[Status]:
        """Return the totals."""
        if self._base is None:
            self._base = Counter({status: await self._total(status) for status in sorted(FINAL)})
        return self._base + (self._services.live.runs_ended - self._ended_before)

    async def _total(self, status: Status) -> int:
        where = RunFilter(statuses=(status,), ended_to=self._made_at)
        page = await self._services.store.list_runs(where, limit=1, with_total=True)
        return page.total or 0


def _render(services: Services, ended: Counter[Status]) -> str:
    live = services.live
    lines = [
        "# HELP mulligan_runs_total Runs that have ended.",
        "# TYPE mulligan_runs_total counter",
        *(
            f'mulligan_runs_total{{status="{status.value}"}} {ended[status]}'
            for status in sorted(FINAL)
        ),
    ]
    for name, kind, help_text, value in (
        ("steps_running", "gauge", "Steps that run now.", services.runner_busy()),
        ("queue_depth", "gauge", "Jobs that wait for a runner.", services.queue_depth()),
        ("fenced_reports_total", "counter", "Reports refused as too late.", live.reports_fenced),
        ("lost_attempts_total", "counter", "Step attempts lost.", live.attempts_lost),
    ):
        lines += [
            f"# HELP mulligan_{name} {help_text}",
            f"# TYPE mulligan_{name} {kind}",
            f"mulligan_{name} {value}",
        ]
    return "\n".join(lines) + "\n"
