"""Look at other processes through /proc, and signal them."""

from __future__ import annotations

import contextlib
import os
import signal
import time

TYPE_CHECKING = False  # `typing` is left out: it takes a fifth of the time of the start
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_MOST_SCANS = 5


class Process:
    """What /proc tells about one living process."""

    __slots__ = ("group", "parent", "pid", "session")

    def __init__(self, pid: int, parent: int, group: int, session: int) -> None:
        self.pid = pid
        self.parent = parent
        self.group = group
        self.session = session


def list_processes(skip: Collection[int] = ()) -> dict[int, Process]:
    """Read every living process that /proc shows; zombies are left out.

    A process that forks and ends while the list is read would hide its child. So the list is
    read again when one in it has ended meanwhile.

    Args:
        skip: processes that need not be read.
    """
    ended: set[int] = set()
    table: dict[int, Process] = {}
    for _ in range(_MOST_SCANS):
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        listed = [pid for pid in pids if pid not in skip]
        table = {pid: process for pid in listed if (process := _read(pid)) is not None}
        if ended.issuperset(pid for pid in listed if pid not in table):
            break
        ended.update(pid for pid in listed if pid not in table)
    return table


def _read(pid: int) -> Process | None:
    stat = _read_file(f"/proc/{pid}/stat")
    # pid (command) state parent group session …: the command may hold spaces and brackets
    fields = stat[stat.rfind(b")") + 1 :].split(None, 4)
    if len(fields) < 4 or fields[0] in (b"Z", b"X"):
        return None
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]))


def _read_file(path: str) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""  # it ended, or belongs to somebody else
    parts = []
    try:
        while part := os.read(file, 65536):
            parts.append(part)
    except OSError:
        return b""
    finally:
        os.close(file)
    return b"".join(parts)


def find_variable(pid: int, name: str) -> str | None:
    """Return a variable of the environment that process `pid` was started with.

    None also if the process is gone or belongs to somebody else.
    """
    start = f"{name}=".encode()
    for entry in _read_file(f"/proc/{pid}/environ").split(b"\0"):
        if entry.startswith(start):
            return os.fsdecode(entry[len(start) :])
    return None


def descendants(table: dict[int, Process], roots: Iterable[int]) -> set[int]:
    """Find the children of `roots`, their children and so on; the roots are not among them."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            if pid not in found:
                found.add(pid)
                waiting.append(pid)
    return found


def family(table: dict[int, Process], leaders: set[int], name: str, value: str) -> set[int]:
    """Find the processes that belong to a step or job, with all their descendants.

    Those are the ones with `name=value` in their environment, and those in a session or group of
    `leaders` unless their environment names somebody else. Only descendants of this process are
    looked at, so a number that was given anew to a stranger is never taken for ours.

    Args:
        table: what `list_processes` returned.
        leaders: numbers of the processes that were started as leaders of a session.
        name: a variable that the host sets for each step.
        value: of this step or job.
    """
    ours = descendants(table, [os.getpid()])
    members = set()
    for pid in ours:
        found = find_variable(pid, name)
        process = table[pid]
        if found == value or (
            found is None and not leaders.isdisjoint((pid, process.group, process.session))
        ):
            members.add(pid)
    return members | descendants(table, members)


def send_signal(pids: Iterable[int], signal_number: int) -> None:
    """Signal each process; those that ended meanwhile or may not be signalled are left out."""
    for pid in pids:
        try:
            os.kill(pid, signal_number)
        except (ProcessLookupError, PermissionError):
            continue


def has_adopted(running: Collection[int]) -> bool:
    """Tell whether this process has a living child that it didn't start itself.

    Costs one system call if it has no child at all.

    Args:
        running: those that it started and that have not ended.
    """
    if not running:
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
    own = os.getpid()
    return any(process.parent == own for process in list_processes(running).values())


def kill_descendants(patience: float) -> None:
    """Kill all descendants, and those that come to be meanwhile, and reap them.

    Only for a process that adopts orphans. Gives up after `patience` seconds: a process that
    waits inside the kernel can't be killed.
    """
    give_up_at = time.monotonic() + patience
    while time.monotonic() < give_up_at:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        found = descendants(list_processes(), [os.getpid()])
        if not found:
            return
        send_signal(found, signal.SIGKILL)
        time.sleep(0.002)
