"""Read the order, write the result, print the log: how the driver talks with its server."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mulligan.executors.deploy.k8s_errors import DeployError

ACTS = ("deploy", "gray", "promote", "abort", "rollback")
_MAX_LINE_CHARACTERS = 2000

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the driver shall do; the fields are those of ORDER.json."""

    act: str
    deployment: str
    result: Path
    root: Path
    info: Document
    resume: bool = False
    key: str = ""
    text: str = ""
    gray_mode: str = ""
    image: str = ""
    target: Document | None = None
    live: Document | None = None
    gray: Document | None = None
    private_ok: bool = False
    timeout_s: float | None = None


def read_order(file: Path) -> Order:
    """Read ORDER.json.

    Raises:
        DeployError: The file is no order.
    """
    try:
        order = json.loads(file.read_text())
        act, deployment = str(order["act"]), str(order["deployment"])
        result, root = Path(order["result"]), Path(order["root"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeployError(f"the order can't be read: {error!r}") from None
    if act not in ACTS:
        raise DeployError(f"unknown act {act!r}; there are: {', '.join(ACTS)}")
    return Order(
        act=act,
        deployment=deployment,
        result=result,
        root=root,
        info=_object(order.get("info")) or {},
        resume=bool(order.get("resume")),
        key=str(order.get("key") or ""),
        text=str(order.get("text") or ""),
        gray_mode=str(order.get("gray_mode") or ""),
        image=str(order.get("image") or ""),
        target=_object(order.get("target")),
        live=_object(order.get("live")),
        gray=_object(order.get("gray")),
        private_ok=bool(order.get("private_ok")),
        timeout_s=order.get("timeout_s"),
    )


def _object(value: object) -> Document | None:
    return dict(value) if isinstance(value, Mapping) else None


def say(text: str) -> None:
    """Print a line of the job's log at once; very long ones are cut."""
    for line in text.splitlines() or [""]:
        cut = line if len(line) <= _MAX_LINE_CHARACTERS else line[:_MAX_LINE_CHARACTERS] + " …"
        sys.stdout.write(cut + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Print why the driver fails, marked as an error."""
    first, *rest = text.splitlines() or [""]
    say(f"##[error]{first}")
    for line in rest:
        say(f"    {line}")


def write_json(file: Path, value: object) -> None:
    """Write a file that is either there as a whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as copy:
        json.dump(value, copy, ensure_ascii=False)
        copy.flush()
        os.fsync(copy.fileno())
    Path(copy.name).replace(file)


def read_json(file: Path) -> Document | None:
    """Read a file of `write_json`; None when it isn't there or holds no object."""
    try:
        return _object(json.loads(file.read_text()))
    except (OSError, ValueError):
        return None
