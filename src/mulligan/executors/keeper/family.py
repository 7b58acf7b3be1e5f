"""Find the processes that belong to one service."""

from __future__ import annotations

import os

from mulligan.executors.host import processes

# In the environment of every process of a service, unless it was taken out there.
TOKEN_VARIABLE = "MULLIGAN_SERVICE"  # noqa: S105  (the name of a variable)
_START_FIELD = 19  # of /proc/PID/stat, counted from the state behind the command


def read_boot_id() -> str:
    """Return what tells one boot of the machine from the others; empty if unknown."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def find_start_ticks(pid: int) -> int | None:
    """Return when a process started (clock ticks since boot); None if it has ended.

    With the number of the process it is a name that is never given twice.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return None
    fields = stat[stat.rfind(b")") + 1 :].split()
    if len(fields) <= _START_FIELD or fields[0] in (b"Z", b"X"):
        return None
    return int(fields[_START_FIELD])


def find_family(token: str, leader: int, ticks: int, *, inherited: bool, alone: bool) -> set[int]:
    """Find the living processes of a service.

    Args:
        token: what they carry in their environment.
        leader: the number of its main process, which may have ended; 0 if unknown.
        ticks: when that one started.
        inherited: an earlier keeper started it, so its orphans are not descendants of this
            process.
        alone: no other service has processes, so all descendants belong to this one.
    """
    table = processes.list_processes()
    own = os.getpid()
    pool = set(table) - {own} if inherited else processes.descendants(table, [own])
    if alone and not inherited:
        return pool
    leads = _leads(leader, ticks, inherited=inherited)
    members = set()
    for pid in pool:
        process = table[pid]
        found = processes.find_variable(pid, TOKEN_VARIABLE)
        if found == token or (
            found is None and leads and leader in (pid, process.session, process.group)
        ):
            members.add(pid)
    return (members | processes.descendants(table, members)) - {own}


def _leads(leader: int, ticks: int, *, inherited: bool) -> bool:
    """Tell whether the number `leader` still means the service, not somebody who got it anew."""
    found = find_start_ticks(leader) if leader else None
    return found == ticks if found is not None else leader != 0 and not inherited
