"""Publishing: the files that a build names as its outputs become files of packages."""

from collections.abc import Sequence
from typing import Any

from mulligan.core.errors import InvalidError
from mulligan.core.ids import RunId, StepId
from mulligan.core.prepare import resolved_inputs
from mulligan.core.report import StepReport
from mulligan.core.run import Run
from mulligan.engine.lines import Lines
from mulligan.engine.package_names import path_of_output
from mulligan.engine.software_center import SoftwareCenter
from mulligan.log import get_log

log = get_log()

_PREFIX = "publish:"  # begins the path of an archived file that is an output; its index follows


def outputs_of(run: Run, step: StepId) -> list[dict[str, Any]]:
    """Give the places of packages that a step publishes its outputs at, in their order."""
    return resolved_inputs(run, run.index.steps[step]).get("publish") or []


def place_of(path: str, places: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Give the place that an archived file is published at; None: it is no output."""
    index = path.removeprefix(_PREFIX)
    if index == path or not index.isdecimal() or int(index) >= len(places):
        return None  # also a file of that name, archived for another reason
    return places[int(index)]


class Publishing:
    """Registers outputs before the report of their step is stored: doing it twice is harmless."""

    def __init__(self, lines: Lines, software: SoftwareCenter) -> None:
        self._lines = lines
        self._software = software

    async def publish(self, run_id: RunId, report: StepReport) -> None:
        """Register the outputs among the archived files of a report."""
        outputs = [file for file in report.artifacts if file.path.startswith(_PREFIX)]
        if not outputs:
            return
        run = (await self._lines.get(run_id)).tip
        places = outputs_of(run, report.step)
        for file in outputs:
            place = place_of(file.path, places)
            if place is None:
                continue
            path = path_of_output(place)
            try:
                await self._software.register(
                    run.head.project,
                    str(place["namespace"]),
                    str(place["package"]),
                    str(place["version"]),
                    path,
                    file.digest,
                    file.size,
                    file.sha512,
                    run.head.attempts[-1].actor,
                )
            except InvalidError as error:  # looked at before the step began
                log.warning("output_not_registered", run_id=run_id, path=path, reason=str(error))
