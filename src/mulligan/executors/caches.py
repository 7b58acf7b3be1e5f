"""Caches that builds keep between runs: one folder per stage of a pipeline, bounded together.

Who uses a cache holds a shared lock on its file `.lock`, and sets its time of change; a cache
that is in use is never deleted.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from pathlib import Path

LOCK = ".lock"
MAX_AGE_S = 14 * 86400.0
MAX_BYTES = 10 * 1024**3


def cache_folder(caches: Path, pipeline: str, job: str) -> Path:
    """Give the cache of a stage of a pipeline, over all its runs."""
    return caches / hashlib.sha256(f"{pipeline}/{job}".encode()).hexdigest()[:32]


def sweep_caches(
    caches: Path, *, max_age_s: float = MAX_AGE_S, max_bytes: int = MAX_BYTES
) -> list[str]:
    """Delete caches that were not used for long, then the longest unused ones over the size.

    Returns:
        Names of the folders that are gone.
    """
    try:
        folders = [folder for folder in caches.iterdir() if folder.is_dir()]
    except OSError:
        return []
    by_use = sorted(((_last_use(folder), folder) for folder in folders), reverse=True)
    oldest = time.time() - max_age_s
    total = 0
    gone = []
    for used_at, folder in by_use:
        total += _size(folder)
        if (used_at < oldest or total > max_bytes) and _delete_unused(folder):
            gone.append(folder.name)
    return gone


def _last_use(folder: Path) -> float:
    for each in (folder / LOCK, folder):
        with contextlib.suppress(OSError):
            return each.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    total = 0
    for parent, _folders, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _delete_unused(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return False  # in use
    finally:
        os.close(descriptor)
    return not folder.exists()
