"""What the deploy drivers share: the order, the release folder, the result.

ORDER.json names an act (`deploy`, `gray`, `promote`, `abort`, `rollback`), the release with its
files (name and digest in the artifact store), and what is live. The folder `root` belongs to the
driver:

    root/releases/<deployment>/        the unpacked files of one act
    root/releases/<deployment>.json    which files; it is there when the folder is complete
    root/scripts/, root/logs/          texts that were run, output of services
    root/current                       link to the live release
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from mulligan.executors.deploy.archives import unpack
from mulligan.executors.deploy.failures import (
    EXIT_DONE,
    EXIT_UNREACHABLE,
    DeployError,
    FailedError,
    UnreachableError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import IO, Any

ACTS = ("deploy", "gray", "promote", "abort", "rollback")
ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")
KEPT_RELEASES = 20
_CHUNK_BYTES = 1024 * 1024
# The act is done when its result is written: a disk that is full just then is waited for.
_WAIT_FOR_SPACE_S = 60.0
_LOOK_FOR_SPACE_S = 0.2
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LONGEST_UNPACKING_S = 6 * 3600.0
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


# --- the order --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Release:
    """What the ledger knows about a release that is live, or grey.

    Attributes:
        id: of the act that brought it there.
        info: `input_info`, resolved.
        files: name -> digest in the store.
        result: what the driver wrote then.
    """

    id: str
    info: dict[str, Any] = field(default_factory=dict)
    image_name: str = ""
    files: dict[str, str] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> dict[str, Any]:
        """Return the driver's own part of `result`."""
        state = self.result.get("state")
        return state if isinstance(state, dict) else {}


@dataclass(frozen=True, kw_only=True)
class Order:
    """The order; paths are absolute. `text` is `input_info` as it was written."""

    act: str
    resume: bool
    deployment: str
    key: str
    driver: str
    info: dict[str, Any]
    text: str
    deploy_mode: str
    gray_mode: str
    image: str
    image_name: str
    previous_image_name: str
    files: dict[str, str]
    store: Path
    root: Path
    keeper_data: Path | None
    target: dict[str, Any] | None
    live: Release | None
    gray: Release | None
    private_ok: bool
    timeout_s: float
    result: Path


def read_order(path: Path) -> Order:
    """Read the order. Raises UnreachableError: it can't be read, that is never the user's fault."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return _make_order(raw)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreachableError(f"the order can't be read: {error!r}") from None


def _make_order(raw: dict[str, Any]) -> Order:
    if raw["act"] not in ACTS or not _NAME.fullmatch(raw["deployment"]):
        raise ValueError(f"act {raw['act']!r}, deployment {raw['deployment']!r}")
    keeper = raw.get("keeper") or {}
    data = keeper.get("data") or (
        os.path.dirname(keeper["socket"]) if keeper.get("socket") else None
    )
    return Order(
        act=raw["act"],
        resume=bool(raw.get("resume")),
        deployment=raw["deployment"],
        key=str(raw["key"]),
        driver=str(raw.get("driver") or ""),
        info=_object(raw.get("info")),
        text=str(raw.get("text") or ""),
        deploy_mode=str(raw.get("deploy_mode") or ""),
        gray_mode=str(raw.get("gray_mode") or ""),
        image=str(raw.get("image") or ""),
        image_name=str(raw.get("image_name") or ""),
        previous_image_name=str(raw.get("previous_image_name") or ""),
        files=_object(raw.get("files")),
        store=Path(raw["store"]),
        root=Path(raw["root"]),
        keeper_data=Path(data) if data else None,
        target=raw.get("target"),
        live=_make_release(raw.get("live")),
        gray=_make_release(raw.get("gray")),
        private_ok=bool(raw.get("private_ok")),
        timeout_s=float(raw.get("timeout_s") or 600.0),
        result=Path(raw["result"]),
    )


def _make_release(raw: dict[str, Any] | None) -> Release | None:
    if not raw:
        return None
    if not _NAME.fullmatch(raw["id"]):
        raise ValueError(f"release {raw['id']!r}")
    return Release(
        id=raw["id"],
        info=_object(raw.get("info")),
        image_name=str(raw.get("image_name") or ""),
        files=_object(raw.get("files")),
        result=_object(raw.get("result")),
    )


def _object(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"an object is expected, not {value!r}")
    return value


# --- the program ------------------------------------------------------------------------------


def say(text: str) -> None:
    """Write a line to the job's log."""
    sys.stdout.write(text.encode("utf-8", "replace").decode("utf-8") + "\n")
    sys.stdout.flush()


def run_driver(arguments: list[str], act: Callable[[Order], None]) -> int:
    """Read the order, do the act, and return the exit code of the program.

    Args:
        arguments: of the program: the path of the order.
        act: does it; raises DeployError. An OSError is a fault of this machine.
    """
    try:
        order = read_order(Path(arguments[0]))
        order.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        act(order)
    except DeployError as error:
        say(f"##[error]{error}")
        return error.exit_code
    except OSError as error:
        say(f"##[error]files of the environment can't be used: {error}")
        return EXIT_UNREACHABLE
    return EXIT_DONE


def write_result(
    order: Order, *, manifest: str, state: Mapping[str, Any], base: Mapping[str, Any] | None = None
) -> None:
    """Write what the ledger keeps, atomically; while the disk is full, wait.

    Args:
        order: names the file.
        manifest: text for people.
        state: the driver's own; it is in the next orders.
        base: what was there before the first deployment; None if there was nothing.
    """
    content: dict[str, Any] = {"manifest": manifest, "state": dict(state)}
    if base is not None:
        content["base"] = dict(base)
    encoded = json.dumps(content, ensure_ascii=False).encode()
    give_up_at = time.monotonic() + _WAIT_FOR_SPACE_S
    is_told = False
    while True:
        try:
            return write_file(order.result, encoded)
        except OSError as error:
            if error.errno not in _FULL or time.monotonic() >= give_up_at:
                raise
            if not is_told:
                say(f"waiting for space for the result: {error}")
            is_told = True
        time.sleep(_LOOK_FOR_SPACE_S)


def write_file(path: Path, content: bytes) -> None:
    """Replace a file atomically; it is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


# --- releases ---------------------------------------------------------------------------------


def release_folder(root: Path, name: str) -> Path:
    """Return where the release of an act lies."""
    return root / "releases" / name


def has_release(root: Path, name: str, files: Mapping[str, str]) -> bool:
    """Tell whether a release of just these files was unpacked to its end, and is still there."""
    folder = release_folder(root, name)
    try:
        content = json.loads(_list_of(folder).read_text())
    except (OSError, ValueError):
        return False
    return folder.is_dir() and content == {"files": dict(files)}


def _list_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def make_release(
    order: Order, name: str, files: Mapping[str, str], *, plain: frozenset[str] = frozenset()
) -> Path:
    """Unpack files from the store into a fresh folder and return it.

    Args:
        order: names the store and the root.
        name: of the act.
        files: name -> digest. Archives are unpacked, then the others copied.
        plain: archives that are copied as they are.

    Raises:
        FailedError: a name or an archive can't be used.
        UnreachableError: the store doesn't have the bytes.
        OSError: no space, for example.
    """
    folder = release_folder(order.root, name)
    _list_of(folder).unlink(missing_ok=True)
    remove_tree(folder)
    fresh = folder.with_name(f".new-{name}-{os.getpid()}")
    remove_tree(fresh)
    fresh.mkdir(parents=True)
    try:
        unpacked = {file for file in files if file.endswith(ARCHIVES)} - plain
        for file in (*sorted(unpacked), *sorted(files.keys() - unpacked)):
            _add_file(order.store, file, files[file], fresh, is_archive=file in unpacked)
        fresh.rename(folder)
    except BaseException:
        remove_tree(fresh)
        raise
    write_file(_list_of(folder), json.dumps({"files": dict(files)}).encode())
    return folder


def _add_file(store: Path, name: str, digest: str, folder: Path, *, is_archive: bool) -> None:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise FailedError(f"a file can't be named {name!r}")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise UnreachableError(f"{name}: {digest!r} is no digest")
    try:
        source = (store / digest[:2] / digest).open("rb")
    except FileNotFoundError:
        raise UnreachableError(f"{name}: the store has no bytes of sha256 {digest}") from None
    with source:
        if _digest_of(source) != digest:
            raise UnreachableError(f"{name}: the bytes in the store are not those of {digest}")
        source.seek(0)
        if is_archive:
            say(f"unpacking {name} (sha256 {digest[:12]})")
            unpack(source, name, folder)
            return
        say(f"copying {name} (sha256 {digest[:12]})")
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            raise FailedError(f"{name} is a file of its own and a folder in an archive")
        path.unlink(missing_ok=True)
        with path.open("xb") as target:
            shutil.copyfileobj(source, target, _CHUNK_BYTES)
        path.chmod(0o755 if os.fstat(source.fileno()).st_mode & 0o100 else 0o644)


def _digest_of(source: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def remove_tree(folder: Path) -> None:
    """Remove a folder, also one whose folders may not be written."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
        return
    if not folder.exists():
        return
    for path, folders, _files in os.walk(folder):
        for name in folders:
            below = os.path.join(path, name)
            if not os.path.islink(below):
                os.chmod(below, 0o700)
    shutil.rmtree(folder)


def switch_link(order: Order, folder: Path) -> None:
    """Let `root/current` mean this release, atomically."""
    beside = order.root / f".current-{os.getpid()}"
    beside.unlink(missing_ok=True)
    beside.symlink_to(os.path.relpath(folder, order.root))
    beside.replace(order.root / "current")


def remove_old_releases(order: Order, needed: set[str]) -> None:
    """Keep the newest releases and those that are needed; errors are told, no more."""
    releases = order.root / "releases"
    try:
        lists = sorted(releases.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for path in lists[:-KEPT_RELEASES]:
            if path.stem not in needed:
                _remove_release(order.root, path)
        for path in releases.glob(".new-*"):  # what a driver that was killed left behind
            if path.stat().st_mtime < time.time() - _LONGEST_UNPACKING_S:
                remove_tree(path)
    except OSError as error:
        say(f"old releases can't be removed: {error}")


def _remove_release(root: Path, path: Path) -> None:
    remove_tree(path.with_suffix(""))
    for pattern in (f"scripts/{path.stem}.*", f"logs/{path.stem}.*", f"started/{path.stem}"):
        for file in root.glob(pattern):
            file.unlink(missing_ok=True)
    path.unlink(missing_ok=True)  # last: what was cut off is done again
