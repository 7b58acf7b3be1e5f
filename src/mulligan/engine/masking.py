"""Keep secrets out of what a step says of itself: its message and its remark.

Logs are masked where they are written; variables that hold a secret are left out by the core.
"""

from msgspec.structs import replace

from mulligan.core.report import StepReport
from mulligan.core.run import Run
from mulligan.core.variables import secrets_of
from mulligan.logs.masking import Masker


def without_secrets(report: StepReport, run: Run) -> StepReport:
    """Return the report of a step of `run` with every secret in its texts replaced."""
    if not report.message and not report.remark:
        return report
    secrets = secrets_of(run)
    if not secrets:
        return report
    masker = Masker(secrets)
    remark = None if report.remark is None else _masked(masker, report.remark)
    return replace(report, message=_masked(masker, report.message), remark=remark)


def _masked(masker: Masker, text: str) -> str:
    content = text.encode("utf-8", "replace")
    return (masker.feed(content) + masker.flush_pending()).decode("utf-8", "replace")
