"""Find out who listens on a TCP port of this machine."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OWN = "own"  # the service
NEW = "new"  # somebody who came after it was started: perhaps a container engine for it
STRANGER = "stranger"  # only those that were there before it was started
NOBODY = "nobody"

_LISTENING = b"0A"
_SOCKET = "socket:["


def list_listeners(port: int | None = None) -> set[int]:
    """Return the inodes of the listening TCP sockets, all or those on `port`."""
    return {inode for at, inode in _read_listeners() if port is None or at == port}


def _read_listeners() -> Iterator[tuple[int, int]]:
    for name in ("tcp", "tcp6"):
        try:
            with open(f"/proc/self/net/{name}", "rb") as file:
                lines = file.readlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split(None, 10)
            if len(fields) >= 10 and fields[3] == _LISTENING:
                yield int(fields[1].rpartition(b":")[2], 16), int(fields[9])


def sockets_of(pids: Iterable[int]) -> set[int]:
    """Return the inodes of the sockets that these processes hold, as far as it can be seen."""
    found = set()
    for pid in pids:
        folder = f"/proc/{pid}/fd"
        try:
            names = os.listdir(folder)
        except OSError:
            continue  # it ended, or belongs to somebody else
        for name in names:
            try:
                target = os.readlink(f"{folder}/{name}")
            except OSError:
                continue
            if target.startswith(_SOCKET):
                found.add(int(target[len(_SOCKET) : -1]))
    return found


def judge(port: int, family: Iterable[int], before: set[int]) -> str:
    """Say who listens on a port: OWN, NEW, STRANGER or NOBODY.

    Args:
        port: TCP port.
        family: the processes of the service.
        before: inodes of the sockets that listened before the service was started.
    """
    listeners = list_listeners(port)
    if not listeners:
        return NOBODY
    if not listeners.isdisjoint(sockets_of(family)):
        return OWN
    return STRANGER if listeners <= before else NEW
