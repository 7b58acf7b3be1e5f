"""Keep secrets out of what a step says of itself: its message, its remark, what it sets.

Logs are masked where they are written. Variables that hold the value of a sensitive parameter are
left out by the core; it does not know the secrets of the project.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from mulligan.core.report import StepReport
from mulligan.core.run import Run
from mulligan.core.variables import secrets_of
from mulligan.logs.masking import Masker, mask_text
from mulligan.ports import StepEnd


def without_secrets(report: StepReport, run: Run) -> StepReport:
    """Return the report of a step of `run` with every secret in its texts replaced."""
    if not report.message and not report.remark:
        return report
    secrets = secrets_of(run)
    if not secrets:
        return report
    masker = Masker(secrets)
    remark = None if report.remark is None else mask_text(masker, report.remark)
    return replace(report, message=mask_text(masker, report.message), remark=remark)


def end_without_secrets(end: StepEnd, secrets: Iterable[str]) -> StepEnd:
    """Return the end of a step with its texts masked, without values that hold a secret."""
    masker = Masker(secrets)
    return replace(
        end,
        message=mask_text(masker, end.message),
        remark=None if end.remark is None else mask_text(masker, end.remark),
        error=None if end.error is None else (end.error[0], mask_text(masker, end.error[1])),
        variables=_shown(masker, end.variables),
        outputs=_shown(masker, end.outputs),
        metrics=_shown(masker, end.metrics),
        progress=mask_text(masker, end.progress),
        notes=tuple(
            replace(note, name=mask_text(masker, note.name), data=_masked(masker, note.data))
            for note in end.notes
        ),
    )


def _masked(masker: Masker, value: Any) -> Any:
    """Mask every text in JSON-like data; names in it stay."""
    if isinstance(value, str):
        return mask_text(masker, value)
    if isinstance(value, list):
        return [_masked(masker, item) for item in value]
    if isinstance(value, dict):
        return {name: _masked(masker, item) for name, item in value.items()}
    return value


def _shown(masker: Masker, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    hides = masker.hides
    return tuple(
        (name, value)
        for name, value in pairs
        if not hides(name.encode("utf-8", "replace"))
        and not hides(value.encode("utf-8", "replace"))
    )
