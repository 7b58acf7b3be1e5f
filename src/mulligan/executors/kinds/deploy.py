"""Kind "deploy": one act on an environment, done by the driver's program in `deploy`.

The engine gives `inputs["order"]`: the order for the driver without what only this machine
knows, its paths, image registry and limits.
"""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from mulligan.core.prepare import StepOrder
from mulligan.executors.ends import DEPLOYMENT, RESULT
from mulligan.executors.kinds.base import CannotRunError, Here, Program, write_private

_DRIVERS = Path(__file__).parent.parent / "deploy"
_DEFAULT_S = 600.0  # unless `input_info` says otherwise
_PROGRAMS = {
    "process": "process.py",
    "command": "command.py",
    "kubernetes": "kubernetes_driver.py",
}


def needs_keeper(order: StepOrder) -> bool:
    """Tell whether the keeper must run before the step begins."""
    return order.kind == "deploy" and _order_of(order).get("driver") == "process"


def prepare(order: StepOrder, here: Here) -> Program:
    """Write the driver's order and run the driver."""
    given = _order_of(order)
    driver = str(given.get("driver") or "kubernetes")
    program = _PROGRAMS.get(driver)
    if program is None:
        known = ", ".join(sorted(_PROGRAMS))
        raise CannotRunError("config", f"the deploy driver {driver!r} is unknown; known: {known}")
    key = str(given.get("key") or "")
    if not key:
        raise CannotRunError("config", "the deployment names no environment")
    name = str(given.get("image_name") or "")
    registry = here.place.registry
    root = here.place.root / "environments" / hashlib.sha256(key.encode()).hexdigest()[:32]
    root.mkdir(parents=True, exist_ok=True)
    content = {
        **given,
        "driver": driver,
        "image": f"{registry}/{name}" if name and registry else name,
        "store": os.fspath(here.place.artifacts),
        "root": os.fspath(root),
        "keeper": {
            "socket": os.fspath(here.place.root / "keeper.sock"),
            "data": os.fspath(here.place.root),
        },
        "private_ok": here.place.private_targets,
        "timeout_s": min(_DEFAULT_S, here.timeout_s),
        "result": os.fspath(here.temp / RESULT),
    }
    file = write_private(here.temp / DEPLOYMENT, content)
    return Program(
        argv=(sys.executable, "-I", "-X", "utf8", os.fspath(_DRIVERS / program), os.fspath(file)),
        env=dict(here.base_env),
        cwd=here.workspace,
        leaves_files=True,
    )


def _order_of(order: StepOrder) -> dict[str, Any]:
    given = order.inputs.get("order")
    if not isinstance(given, dict):
        raise CannotRunError("config", "the step has no order for a deploy driver")
    return given
