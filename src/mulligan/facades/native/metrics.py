"""`/metrics` in the text format of Prometheus. Its cost does not depend on the size of a run.

What is counted over all runs is kept in the store, in the transaction of what it counts. Names that
begin with `cicd_` are those of OpenTelemetry's conventions, as Prometheus writes them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mulligan.core.cause import Cause
from mulligan.core.run import Run
from mulligan.core.status import FINAL, Status
from mulligan.core.tallies import DURATIONS, RECOVERIES
from mulligan.facades.common.auth import actor_of
from mulligan.facades.common.services import Services
from mulligan.facades.native.problems import KNOWN, problem_of, problem_response
from mulligan.log import errors_noted

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STATES = ("pending", "executing", "finalizing")
_RESULTS = ("success", "failure", "error", "timeout", "cancellation", "skip")
_MODES = ("retry", "skip", "rollback")
Tallies = Mapping[tuple[str, str], float]
Sample = tuple[Mapping[str, str], float]


class Metric(NamedTuple):
    """A metric with its values by labels. `suffix`: of the name of a part of a histogram."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[str, Mapping[str, str], float], ...]


def metrics_route(services: Services) -> Route:
    """Make the route; it wants a token unless `metrics_public`."""

    async def metrics(request: Request) -> Response:
        try:
            if not services.metrics_public:
                await actor_of(request, services.access)
            tallies = await services.store.tallies()
        except KNOWN as error:
            return problem_response(problem_of(error))
        text = "".join(map(_written, all_metrics(services, tallies)))
        return PlainTextResponse(text, media_type=_TYPE)

    return Route("/metrics", metrics)


def all_metrics(services: Services, tallies: Tallies) -> Iterator[Metric]:
    """Yield everything that is measured."""
    yield from _own(services, tallies)
    yield from _conventional(services, tallies)
    yield from _recovery(tallies)
    yield _metric(
        "mulligan_pipeline_runs_total",
        "counter",
        "Runs that have ended since the server began, by pipeline; empty names: all others.",
        (
            ({"project": project, "pipeline": name, "status": status.value}, count)
            for (project, name, status), count in services.live.pipelines_ended.items()
        ),
    )


def _own(services: Services, tallies: Tallies) -> Iterator[Metric]:
    yield _metric(
        "mulligan_runs_total",
        "counter",
        "Runs that have ended.",
        (
            ({"status": status.value}, tallies.get(("runs_ended", status.value), 0))
            for status in sorted(FINAL)
        ),
    )
    for name, kind, text, value in (
        ("steps_running", "gauge", "Steps that run now.", services.runner_busy()),
        ("queue_depth", "gauge", "Jobs that wait for a runner.", services.queue_depth()),
        (
            "fenced_reports_total",
            "counter",
            "Reports refused as too late, since the server began.",
            services.live.reports_fenced,
        ),
        (
            "lost_attempts_total",
            "counter",
            "Step attempts lost.",
            tallies.get(("lost_attempts", ""), 0),
        ),
        (
            "flaky_passes_total",
            "counter",
            "Steps that failed and passed when their own rule tried them again.",
            tallies.get(("flaky_passes", ""), 0),
        ),
    ):
        yield _metric(f"mulligan_{name}", kind, text, [({}, value)])


def _conventional(services: Services, tallies: Tallies) -> Iterator[Metric]:
    yield _histogram(
        "cicd_pipeline_run_duration_seconds",
        "How long runs waited (pending) and worked (executing), each attempt by itself.",
        DURATIONS,
        tallies,
        ("run_buckets", "run_seconds"),
        {
            f"{state} {result}": {"state": state, "result": result}
            for state in _STATES[:2]
            for result in _RESULTS
        },
    )
    active = Counter(map(_state_of, services.engine.lines.active()))
    yield _metric(
        "cicd_pipeline_run_active",
        "gauge",
        "Runs that have not ended.",
        (({"state": state}, active[state]) for state in _STATES),
    )
    yield _metric(
        "cicd_pipeline_run_errors_total",
        "counter",
        "Runs that have failed, by the cause.",
        (
            ({"error_type": cause.value}, tallies["run_errors", cause.value])
            for cause in Cause
            if ("run_errors", cause.value) in tallies
        ),
    )
    slots, busy = sum(node.slots for node in services.nodes()), services.runner_busy()
    workers = {"available": max(slots - busy, 0), "busy": busy, "offline": 0}
    yield _metric(
        "cicd_worker_count",
        "gauge",
        "Places for jobs on runners.",
        (({"state": state}, count) for state, count in workers.items()),
    )
    yield _metric(
        "cicd_system_errors_total",
        "counter",
        "Errors of the server itself since it began, by what its log calls them.",
        (({"error_type": action}, count) for action, count in sorted(errors_noted.items())),
    )


def _recovery(tallies: Tallies) -> Iterator[Metric]:
    yield _metric(
        "mulligan_recovery_total",
        "counter",
        "Retries, skips and rollbacks, by how the run ended then.",
        (
            ({"mode": mode, "result": result}, tallies.get(("recoveries", f"{mode} {result}"), 0))
            for mode in _MODES
            for result in ("success", "failure")
        ),
    )
    yield _histogram(
        "mulligan_recovery_duration_seconds",
        "From the first failure of a run to its success.",
        RECOVERIES,
        tallies,
        ("recovery_buckets", "recovery_seconds"),
        {"": {}},
    )
    broken, recovered = (tallies.get((name, ""), 0) for name in ("broken_runs", "recovered_runs"))
    for name, kind, text, value in (
        ("broken_runs_total", "counter", "Runs of which something has failed.", broken),
        ("recovered_runs_total", "counter", "Runs that succeeded after a repair.", recovered),
        (
            "cure_ratio",
            "gauge",
            "Share of the broken runs that were recovered, over all time.",
            recovered / broken if broken else 0,
        ),
        (
            "recovery_seconds_saved_total",
            "counter",
            "What the work took that retries kept.",
            tallies.get(("seconds_saved", ""), 0),
        ),
    ):
        yield _metric(f"mulligan_{name}", kind, text, [({}, value)])


def _state_of(run: Run) -> str:
    head = run.head
    if head.status is Status.QUEUED:
        return "pending"
    stages = run.index.spec.stages
    in_finally = 0 <= head.stage < len(stages) and stages[head.stage].is_finally
    return "finalizing" if in_finally or head.cancel is not None else "executing"


def _metric(name: str, kind: str, text: str, samples: Iterable[Sample]) -> Metric:
    return Metric(name, kind, text, tuple(("", labels, value) for labels, value in samples))


def _histogram(
    name: str,
    text: str,
    bounds: tuple[int, ...],
    tallies: Tallies,
    names: tuple[str, str],
    series: Mapping[str, Mapping[str, str]],
) -> Metric:
    """Make a histogram of its buckets and sums; a series without any value is left out.

    Args:
        names: Of the counts of buckets and of sums.
        series: Labels by what the label of the count begins with.
    """
    samples: list[tuple[str, Mapping[str, str], float]] = []
    for begin, labels in series.items():
        counted = [
            tallies.get((names[0], f"{begin} {bound}".strip()), 0) for bound in (*bounds, "+Inf")
        ]
        if begin and not sum(counted):
            continue
        total = 0.0
        for bound, count in zip((*bounds, "+Inf"), counted, strict=True):
            total += count
            samples.append(("_bucket", {**labels, "le": str(bound)}, total))
        samples.append(("_sum", labels, tallies.get((names[1], begin), 0)))
        samples.append(("_count", labels, total))
    return Metric(name, "histogram", text, tuple(samples))


def _written(metric: Metric) -> str:
    lines = [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
    for suffix, labels, value in metric.samples:
        inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        shown = f"{{{inside}}}" if inside else ""
        lines.append(f"{metric.name}{suffix}{shown} {_number(value)}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6f}".rstrip("0")
