"""The kinds of step that need nothing but this machine: scripts, checkouts, files."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

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
from mulligan.executors.programs.git import CREDENTIAL_HELPER
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
    env |= _login(here, url, inputs.get("login") or {})
    return Program(argv=("sh", "-c", _CHECKOUT), env={**here.env, **env}, cwd=cwd)


def _login(here: Here, url: str, login: Mapping[str, str]) -> dict[str, str]:
    """Give what git logs in with: nothing of it is an argument or stays in the repository."""
    if login.get("key"):
        return _ssh_login(here.temp / "git-key", login)
    if not login.get("password"):
        return {}
    parts = urlsplit(url)
    # for this server alone: a submodule elsewhere must not get it
    site = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return {
        "MULLIGAN_GIT_USER": login.get("user", ""),
        "MULLIGAN_GIT_PASSWORD": login["password"],
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "credential.helper",  # those of the machine don't count
        "GIT_CONFIG_VALUE_0": "",
        "GIT_CONFIG_KEY_1": f"credential.{site}.helper",
        "GIT_CONFIG_VALUE_1": CREDENTIAL_HELPER,
    }


def _ssh_login(key: Path, login: Mapping[str, str]) -> dict[str, str]:
    """Write the key where ssh wants it; the script removes it in the end."""
    ask = key.with_name(f"{key.name}.ask")
    _write_new(key, login["key"].rstrip() + "\n", 0o600)
    _write_new(ask, '#!/bin/sh\nprintf "%s\\n" "$MULLIGAN_GIT_PASSPHRASE"\n', 0o700)
    return {
        "MULLIGAN_GIT_KEY": os.fspath(key),
        "MULLIGAN_GIT_PASSPHRASE": login.get("passphrase", ""),
        "SSH_ASKPASS": os.fspath(ask),
        "SSH_ASKPASS_REQUIRE": "force",
        "GIT_SSH_COMMAND": (
            f"ssh -i {shlex.quote(os.fspath(key))} -o IdentitiesOnly=yes "
            "-o StrictHostKeyChecking=accept-new -o NumberOfPasswordPrompts=1"
        ),
    }


def _write_new(file: Path, text: str, mode: int) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "w") as output:
        output.write(text)


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
