"""The kinds of step that need nothing but this machine: scripts, checkouts, files."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from mulligan.core.prepare import StepOrder
from mulligan.executors.ends import MANIFEST
from mulligan.executors.kinds.base import (
    CannotRunError,
    Here,
    Program,
    inside,
    split_patterns,
)
from mulligan.executors.scripts import SCRIPT_KINDS, prepare_script

_EXECUTORS = Path(__file__).parent.parent
_CHECKOUT = (_EXECUTORS / "checkout.sh").read_text()


def script(order: StepOrder, here: Here) -> Program:
    """Run a script of the user."""
    inputs = order.inputs
    kind = str(inputs.get("scriptType") or "SHELL")
    if kind not in SCRIPT_KINDS:
        raise CannotRunError("config", f"the script type {kind!r} is unknown")
    argv = prepare_script(
        kind,  # type: ignore[arg-type]  # checked against the kinds above
        str(inputs.get("script") or ""),
        temp_dir=os.fspath(here.temp),
        path=here.env["PATH"],
        continue_on_error=bool(inputs.get("continueNoneZero")),
    )
    return Program(argv=argv, env=dict(here.env), cwd=here.workspace, commands=True)


def archived_after(order: StepOrder) -> list[str]:
    """Give the patterns of files that a script step wants to be archived at its end."""
    if order.kind != "script" or not order.inputs.get("enableArchiveFile"):
        return []
    return split_patterns(order.inputs.get("archiveFile"))


def checkout(order: StepOrder, here: Here) -> Program:
    """Bring the files of a commit into the workspace."""
    inputs = order.inputs
    url = str(inputs.get("url") or "").strip()
    if not url:
        raise CannotRunError("config", "the checkout has no URL of a repository")
    cwd = inside(here.workspace, str(inputs.get("path") or ""))
    cwd.mkdir(parents=True, exist_ok=True)
    env = {
        "MULLIGAN_GIT_URL": url,
        "MULLIGAN_GIT_KIND": str(inputs.get("ref_kind") or "branch"),
        "MULLIGAN_GIT_REF": str(inputs.get("ref") or ""),
        "MULLIGAN_GIT_PIN": order.pin,
        "MULLIGAN_GIT_DEPTH": str(inputs.get("fetch_depth") or ""),
        "MULLIGAN_GIT_SUBMODULES": "true" if inputs.get("submodules") else "false",
    }
    return Program(argv=("sh", "-c", _CHECKOUT), env={**here.env, **env}, cwd=cwd)


def archive(order: StepOrder, here: Here) -> Program:
    """Put files of the workspace into the content store."""
    return archive_files(here, split_patterns(order.inputs.get("patterns")))


def archive_files(here: Here, patterns: list[str]) -> Program:
    """Put the files that match into the content store."""
    # what a script left under that name is none
    (here.temp / MANIFEST).unlink(missing_ok=True)
    order = {
        "act": "archive",
        "patterns": patterns,
        "store": os.fspath(here.place.artifacts),
        "manifest": os.fspath(here.temp / MANIFEST),
    }
    return _artifact_program(here, order, leaves_files=True)


def download(order: StepOrder, here: Here) -> Program:
    """Get archived files out of the content store."""
    work = {
        "act": "download",
        "patterns": split_patterns(order.inputs.get("patterns")) or ["*"],
        "store": os.fspath(here.place.artifacts),
        "dest": str(order.inputs.get("dest") or "."),
        "files": dict(order.inputs.get("files") or {}),
    }
    return _artifact_program(here, work, leaves_files=False)


def _artifact_program(here: Here, order: Mapping[str, object], *, leaves_files: bool) -> Program:
    file = here.temp / "order.json"
    file.write_bytes(msgspec.json.encode(order))
    program = os.fspath(_EXECUTORS / "artifacts.py")
    return Program(
        argv=(sys.executable, "-I", "-S", program, os.fspath(file)),
        env=dict(here.env),
        cwd=here.workspace,
        leaves_files=leaves_files,
    )
