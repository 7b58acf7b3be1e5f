"""Read memory and processor time of a process and its descendants from /proc (Linux only)."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bench.errors import NotMeasuredError

if TYPE_CHECKING:
    from collections.abc import Iterable

PROC = Path("/proc")
SAMPLE_INTERVAL_S = 0.05


def tree(root: int) -> list[int]:
    """Return `root` and its living descendants.

    Raises:
        NotMeasuredError: the system has no /proc.
    """
    if not (PROC / "self" / "stat").exists():
        raise NotMeasuredError("needs /proc")
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        parent = _parent(entry) if entry.name.isdigit() else None
        if parent is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def resident_mb(pids: Iterable[int]) -> float:
    """Return the sum of RSS in MB (10^6 bytes); shared pages count in each process."""
    return sum(_field(pid, "status", "VmRSS:") for pid in pids) / 1000


def proportional_mb(pids: Iterable[int]) -> float:
    """Return the sum of PSS in MB: shared pages count once."""
    return sum(_field(pid, "smaps_rollup", "Pss:") for pid in pids) / 1000


def processor_s(pids: Iterable[int]) -> float:
    """Return the seconds of processor time used so far by the living threads of `pids`."""
    total = 0
    for pid in pids:
        for path in (PROC / str(pid) / "task").glob("*/schedstat"):
            text = _read(path)
            total += int(text.split()[0]) if text else 0
    return total / 1e9


class Others:
    """Tell how much of the machine other people's processes used meanwhile."""

    def __init__(self) -> None:
        """Begin now."""
        self._started = time.monotonic()
        self._busy_s, self._own_s = _busy_s(), _own_s()

    def cores(self) -> float | None:
        """Return the mean number of cores that others kept busy since the begin; None if unknown.

        What this process and the children that ended used is taken off.
        """
        if self._busy_s is None or (busy_s := _busy_s()) is None:
            return None
        foreign_s = busy_s - self._busy_s - (_own_s() - self._own_s)
        return max(foreign_s / (time.monotonic() - self._started), 0.0)


class MemoryPeak:
    """Watch the RSS of a process tree from a thread while a block runs."""

    def __init__(self, root: int) -> None:
        """Watch `root` and whatever descends from it; `before_mb` is taken now."""
        self._root = root
        self.before_mb = resident_mb(tree(root))
        self.peak_mb = self.before_mb
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Start to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop to watch."""
        self._done.set()
        self._thread.join()

    @property
    def growth_mb(self) -> float:
        """Return by how much the tree grew at most."""
        return self.peak_mb - self.before_mb

    def _watch(self) -> None:
        while not self._done.is_set():
            self.peak_mb = max(self.peak_mb, resident_mb(tree(self._root)))
            time.sleep(SAMPLE_INTERVAL_S)


def _busy_s() -> float | None:
    fields = _read(PROC / "stat").split("\n", 1)[0].split()[1:]
    if not fields:
        return None
    user, nice, system, _idle, _wait, irq, soft_irq = (int(field) for field in fields[:7])
    return (user + nice + system + irq + soft_irq) / os.sysconf("SC_CLK_TCK")


def _own_s() -> float:
    return sum(os.times()[:4])


def _parent(entry: Path) -> int | None:
    text = _read(entry / "stat")
    return int(text.rpartition(")")[2].split()[1]) if text else None


def _field(pid: int, file: str, name: str) -> int:
    for line in _read(PROC / str(pid) / file).splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024 // 1000  # "kB" there means 1024 bytes
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # gone meanwhile, or not ours
        return ""
