"""Deploy driver `command`: the user's own texts deploy, roll back and tell the status.

    python command.py ORDER.json

Each text runs in the release folder with `MULLIGAN_ACTION` and what describes the release. Exit 0
of the text and then, if there is one, of `status` means done and healthy; 69 means that the target
can't be reached.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

# Behind the standard library, so that nothing beside the package can take its place.
sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

from mulligan.executors.deploy.common import (
    Order,
    has_release,
    make_release,
    release_folder,
    remove_old_releases,
    run_driver,
    say,
    write_file,
    write_result,
)
from mulligan.executors.deploy.failures import EXIT_UNREACHABLE, FailedError, UnreachableError
from mulligan.executors.keeper.health import HealthError, read_seconds
from mulligan.executors.keeper.scripts import (
    ScriptError,
    ScriptTimeoutError,
    run_script,
    write_script,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_HIDDEN_PREFIX = "MULLIGAN_"
# By these the step host finds what belongs to a step, so that nothing is left of it.
_SHOWN = frozenset({"MULLIGAN_JOB", "MULLIGAN_STEP"})
# Act of the order -> name of the text, and of the one that is taken without it.
_TEXTS = {
    "deploy": ("deploy", ""),
    "promote": ("deploy", ""),
    "rollback": ("rollback", "deploy"),
    "gray": ("gray.deploy", ""),
    "abort": ("gray.abort", ""),
}
# Act of the order -> MULLIGAN_ACTION
_ACTIONS = {"promote": "deploy"}


@dataclass(frozen=True, kw_only=True)
class Task:
    """One act: which text of which release.

    Attributes:
        name: of the release folder.
        text_name: the key in `input_info`.
        status: the text that asks the target; empty if there is none.
        action: MULLIGAN_ACTION of the text.
        timeout_s: for the text and for `status`, each.
    """

    name: str
    files: dict[str, str]
    text_name: str
    text: str
    status: str
    action: str
    timeout_s: float


def read_task(order: Order) -> Task:
    """Check `input_info`. Raises FailedError, which names the key."""
    if order.act == "gray" and order.live is None:
        raise FailedError("gray_deploy needs a live release, and there is none here")
    name, info, files = order.deployment, order.info, order.files
    if order.act == "abort" and order.gray is not None:
        # what the grey release says about its own end, beside its own files
        name, info, files = order.gray.id, order.gray.info, order.gray.files
    text_name, fallback = _TEXTS[order.act]
    text = _find_text(info, text_name)
    if not text and fallback:
        text_name, text = fallback, _find_text(info, fallback)
    if not text:
        raise FailedError(f"input_info: {text_name} is missing: the text that does it")
    try:
        timeout_s = read_seconds(info.get("timeout_s"), "timeout_s", order.timeout_s)
    except HealthError as error:
        raise FailedError(f"input_info: {error}") from None
    return Task(
        name=name,
        files=files,
        text_name=text_name,
        text=text,
        status=_find_text(info, "status"),
        action=_ACTIONS.get(order.act, order.act),
        timeout_s=timeout_s,
    )


def _find_text(info: Mapping[str, Any], name: str) -> str:
    """Return a text, empty if it isn't there. Raises FailedError: it is something else."""
    value: Any = info
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FailedError(f"input_info: {name} must be a text")
    return value if value.strip() else ""


def act(order: Order) -> None:
    """Do what the order says. Raises DeployError."""
    task = read_task(order)
    started = order.root / "started" / order.deployment
    folder = release_folder(order.root, task.name)
    is_own = task.name == order.deployment
    if not ((order.resume or not is_own) and has_release(order.root, task.name, task.files)):
        folder = make_release(order, task.name, task.files)
    # of a grey release `status` can't tell which of the two is meant: that is done again
    asks = bool(task.status) and order.act in {"deploy", "rollback"}
    if order.resume and asks and started.exists():
        say("an earlier try was cut off: asking the target first")
        if _is_done(order, task, folder):
            _end_grey(order)
            _finish(order, task, folder)
            return
        say("it is not done: doing it again")
    write_file(started, task.action.encode())
    code = _run(order, task, folder, task.action)
    if code != 0:
        raise _error(f"{task.text_name} ended with {code}", code)
    code = _run(order, task, folder, "status") if task.status else 0
    if code != 0:
        raise _error(f"not healthy: status ended with {code}", code)
    _end_grey(order)
    _finish(order, task, folder)


def _end_grey(order: Order) -> None:
    """Take away a grey release that was not promoted: with a new stable release it is over."""
    if order.gray is None or order.act not in {"deploy", "rollback"}:
        return
    try:
        task = read_task(replace(order, act="abort"))
    except FailedError as error:  # of another pipeline: whoever deploys here can't mend it
        say(f"{error}: what the grey release put out stays")
        return
    say("ending the grey release that was out")
    folder = release_folder(order.root, task.name)
    if not has_release(order.root, task.name, task.files):
        folder = make_release(order, task.name, task.files)
    code = _run(order, task, folder, task.action)
    if code != 0:
        raise _error(f"the grey release is still out: {task.text_name} ended with {code}", code)


def _is_done(order: Order, task: Task, folder: Path) -> bool:
    """Ask the target. Raises UnreachableError: it doesn't answer."""
    try:
        code = _run(order, task, folder, "status")
    except FailedError as error:
        say(str(error))
        return False
    if code == EXIT_UNREACHABLE:
        raise _error("status ended with 69", code)
    return code == 0


def _run(order: Order, task: Task, folder: Path, action: str) -> int:
    """Run the text of the act, or `status`; return its exit code. Raises DeployError."""
    name, text = ("status", task.status) if action == "status" else (task.text_name, task.text)
    env = {
        variable: value
        for variable, value in os.environ.items()
        if not variable.startswith(_HIDDEN_PREFIX) or variable in _SHOWN
    } | {
        "MULLIGAN_ACTION": action,
        "MULLIGAN_RELEASE_DIR": os.fspath(folder),
        "MULLIGAN_IMAGE": order.image_name,
        "MULLIGAN_PREVIOUS_IMAGE": order.previous_image_name,
        "MULLIGAN_DEPLOYMENT": order.deployment,
    }
    file = order.root / "scripts" / f"{order.deployment}.{name}"
    say(f"running {name} in {folder.name}")
    try:
        began = time.monotonic()
        code = run_script(write_script(text, file, env.get("PATH")), env, folder, task.timeout_s)
    except ScriptTimeoutError as error:
        raise FailedError(f"{name}: {error}") from None
    except ScriptError as error:
        raise FailedError(f"input_info: {name}: {error}") from None
    say(f"{name} ended with {code} after {time.monotonic() - began:.1f} s")
    return code


def _error(message: str, code: int) -> FailedError | UnreachableError:
    if code == EXIT_UNREACHABLE:
        return UnreachableError(f"{message}: the target can't be reached")
    return FailedError(message)


def _finish(order: Order, task: Task, folder: Path) -> None:
    state = {"deployment": order.deployment, "release": os.fspath(folder)}
    write_result(order, manifest=_describe(order), state=state)
    releases = (order.live, order.gray)
    needed = {order.deployment, task.name}
    remove_old_releases(order, needed | {each.id for each in releases if each is not None})


def _describe(order: Order) -> str:
    shown = {"image": order.image_name} if order.image_name else {}
    return json.dumps(shown | order.info, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(run_driver(sys.argv[1:], act))
