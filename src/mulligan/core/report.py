"""What a runner reports of a step that has ended."""

from typing import Any

import msgspec

from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, StepId
from mulligan.core.status import Status
from mulligan.core.values import text_of


class StepReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The end of one step attempt, as its runner saw it.

    Args:
        fence: Of the claim under which the step ran; another one bounces.
        status: succeeded, failed or cancelled.
        variables: Set by the script (`setEnv`, `::set-variable`), in order.
        outputs: Set by `::set-output`, in order.
        sensitive: Names among variables and outputs whose values are secret.
    """

    job: JobId
    step: StepId
    attempt: int
    fence: int
    status: Status
    cause: Cause | None = None
    exit_code: int | None = None
    signal: int | None = None
    message: str = ""
    error_type: int | None = None
    error_code: int | None = None
    variables: tuple[tuple[str, str], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    sensitive: tuple[str, ...] = ()
    remark: str | None = None
    metrics: tuple[tuple[str, str], ...] = ()  # for quality rules, in order
    progress: str = ""  # the last rate that it told
    pin: str = ""  # the commit that a checkout resolved
    artifacts: tuple["ArchivedFile", ...] = ()
    notes: tuple["StepNote", ...] = ()
    result: dict[str, Any] | None = None  # what a deployment left for the ledger


class ArchivedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a step put into the artifact store. `size` in bytes, `digest` SHA-256.

    `sha512`: "" where nobody needs it.
    """

    path: str
    size: int
    digest: str
    sha512: str = ""


class StepNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that a step leaves besides its outputs.

    Args:
        kind: "report" (a folder of pages, or an address elsewhere) or "quality" (metrics).
        name: Its label; a step has one note of a kind and name.
        files: Of a report, paths below its folder.
        data: What else is known: `index`, `url`, metrics.
    """

    kind: str
    name: str
    files: tuple[ArchivedFile, ...] = ()
    data: dict[str, Any] = {}


def metrics_of(report: StepReport) -> tuple[tuple[str, str], ...]:
    """Give the metrics of a step: those that it printed, then those of its plugin's result."""
    noted = (
        (name, text_of(value))
        for note in report.notes
        if note.kind == "quality"
        for name, value in note.data.items()
    )
    return (*report.metrics, *noted)
