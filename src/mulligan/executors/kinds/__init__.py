"""What each kind of step means: from an order to a program for the step host."""

from mulligan.core.prepare import StepOrder
from mulligan.executors.kinds import build, deploy, image, plain, plugin, source, tests
from mulligan.executors.kinds.base import CannotRunError, Here, Prepare, Program

KINDS: dict[str, Prepare] = {
    "script": plain.script,
    "checkout": plain.checkout,
    "archive": plain.archive,
    "download": plain.download,
    "source": source.prepare,
    "build": build.prepare,
    "image": image.prepare,
    "unit_test": tests.prepare_unit,
    "performance_test": tests.prepare_performance,
    "deploy": deploy.prepare,
    "plugin": plugin.prepare,
}
# Every attempt of these begins with an empty folder: all that they work with are their inputs.
_BEGIN_EMPTY = frozenset({"source", "build", "image", "unit_test", "performance_test", "deploy"})


def begins_empty(kind: str) -> bool:
    """Tell whether a step of this kind finds nothing of earlier attempts in its folder."""
    return kind in _BEGIN_EMPTY


def prepare_program(order: StepOrder, here: Here) -> Program:
    """Write what a step needs and say what is to be run for it.

    Raises:
        CannotRunError, ScriptError: It can't be run; the message says why.
        OSError: A file can't be written.
    """
    prepare = KINDS.get(order.kind)
    if prepare is None:
        raise CannotRunError("plugin", f"no step of kind {order.kind!r} can be run here")
    return prepare(order, here)
