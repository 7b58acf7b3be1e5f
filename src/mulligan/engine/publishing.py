"""Publishing: the files that a build names as its outputs become files of packages."""

from mulligan.core.errors import InvalidError
from mulligan.core.ids import RunId
from mulligan.core.prepare import resolved_inputs
from mulligan.core.report import StepReport
from mulligan.engine.lines import Lines
from mulligan.engine.package_names import path_of_output
from mulligan.engine.software_center import SoftwareCenter
from mulligan.log import get_log

log = get_log()

_PREFIX = "publish:"  # begins the path of an archived file that is an output; its index follows


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
        places = resolved_inputs(run, run.index.steps[report.step]).get("publish") or []
        for file in outputs:
            index = file.path.removeprefix(_PREFIX)
            if not index.isdecimal() or int(index) >= len(places):
                continue  # a file of that name, archived for another reason
            place = places[int(index)]
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
