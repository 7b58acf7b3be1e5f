"""Kinds "unit_test" and "performance_test": like a build, and its report decides as well.

Inputs besides those of a build: report_path (a file or pattern in the work folder), and the least
percentage pass_rate or success_rate; 0 = only the script's exit code counts.
"""

from mulligan.core.prepare import StepOrder
from mulligan.executors.kinds.base import CannotRunError, Here, Program
from mulligan.executors.kinds.build import publish_of, script_program


def prepare_unit(order: StepOrder, here: Here) -> Program:
    """Run tests; count them by their reports in the JUnit format, if some are named."""
    return _prepare(order, here, "unit", "pass_rate")


def prepare_performance(order: StepOrder, here: Here) -> Program:
    """Run a load; its report is a JSON object with `success_rate`, or one like of unit tests."""
    return _prepare(order, here, "performance", "success_rate")


def _prepare(order: StepOrder, here: Here, what: str, rate: str) -> Program:
    given = {
        "what": what,
        "path": str(order.inputs.get("report_path") or "").strip(),
        "expected": _percent(order, rate),
    }
    return script_program(order, here, {"publish": publish_of(order), "tests": given})


def _percent(order: StepOrder, name: str) -> float:
    value = order.inputs.get(name)
    try:
        percent = float(str(value or 0).strip().removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise CannotRunError("config", f"{name} {value!r} is not a percentage from 0 to 100")
    return percent
